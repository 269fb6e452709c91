//! Reads the files of lists and tables.
//!
//! Enters: a program and the rule files that it was made of. Leaves: the contents of its lists and
//! tables, and diagnostics for what is wrong with their files, which point to the line and to the
//! declaration. A relative path begins at the folder of the rule file that names it. Rule files are
//! trusted as programs are: they may name any file that this process may read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::changing::Stamp;
use crate::diagnostic::codes::{E0420, E0424};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity, Sources};
use crate::program::Program;
use crate::table::{Content, MAX_FILE, Problem, Problems, TableId, TableSpec, Tables};

use super::rules::{io_reason, read_limited};

/// The lists and tables of a program.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Their contents.
    pub tables: Arc<Tables>,
    /// Their files, in the order of the program.
    pub files: Vec<TableFile>,
}

/// The file of a list or table.
#[derive(Clone, Debug)]
pub struct TableFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it looked like before it was read; `None` when it has not been.
    pub stamp: Option<Stamp>,
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refuses it.
    #[error("{}", io_reason(.0))]
    Io(#[from] io::Error),
    /// It is a folder, a pipe or a device.
    #[error("it is not a regular file")]
    NotAFile,
    /// It is larger than allowed.
    #[error("it is larger than {} GiB", MAX_FILE >> 30)]
    TooLarge,
}

impl ReadError {
    fn code(&self) -> Code {
        match self {
            ReadError::Io(_) | ReadError::NotAFile => E0420,
            ReadError::TooLarge => E0424,
        }
    }
}

/// What the file at `path` looks like, symbolic links followed.
///
/// # Errors
/// When there is none that could be read.
pub fn look(path: &Path) -> Result<Stamp, ReadError> {
    let data = fs::metadata(path)?;
    if data.is_file() { Ok(Stamp::of(&data)) } else { Err(ReadError::NotAFile) }
}

/// Reads a file: what it looked like before, and its bytes.
///
/// # Errors
/// When it cannot be read or is too large.
pub fn read(path: &Path) -> Result<(Stamp, Vec<u8>), ReadError> {
    // Asked first, because opening a pipe waits for someone to write.
    let stamp = look(path)?;
    if stamp.size > MAX_FILE {
        return Err(ReadError::TooLarge);
    }
    Ok((stamp, read_limited(path, MAX_FILE)?))
}

/// Reads all lists and tables of a program that was made of `sources`, and adds to them the lines that
/// the diagnostics point to. What has an error stays unread.
pub fn load(program: &Program, sources: &mut Sources) -> (Loaded, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let mut tables = Tables::unread(program.tables());
    let mut files = Vec::new();
    for (id, spec) in (0..).map(TableId).zip(program.tables()) {
        let path = path_of(spec, sources);
        let mut stamp = None;
        match read(&path) {
            Ok((seen, bytes)) => {
                stamp = Some(seen);
                let (content, problems) = spec.parse(&bytes);
                report(spec, &path, &problems, sources, &mut diagnostics);
                content.into_iter().for_each(|content: Content| tables.set(id, Arc::new(content)));
            }
            Err(error) => diagnostics.push(unreadable(spec, &path, &error)),
        }
        files.push(TableFile { path, stamp });
    }
    (Loaded { tables: Arc::new(tables), files }, diagnostics.sorted())
}

/// What is wrong with the files of lists and tables, for those who ask often: what a file holds is only
/// looked at when it has at most `largest` bytes.
pub fn check(program: &Program, sources: &mut Sources, largest: u64) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    for spec in program.tables() {
        let path = path_of(spec, sources);
        match look(&path) {
            Ok(stamp) if stamp.size > largest => {}
            Ok(_) => match read(&path) {
                Ok((_, bytes)) => report(spec, &path, &spec.parse(&bytes).1, sources, &mut diagnostics),
                Err(error) => diagnostics.push(unreadable(spec, &path, &error)),
            },
            Err(error) => diagnostics.push(unreadable(spec, &path, &error)),
        }
    }
    diagnostics.sorted()
}

fn path_of(spec: &TableSpec, sources: &Sources) -> PathBuf {
    let rule_file = Path::new(&sources.file(spec.file_span.file).name);
    rule_file.parent().unwrap_or(Path::new("")).join(&spec.file)
}

fn unreadable(spec: &TableSpec, path: &Path, error: &ReadError) -> Diagnostic {
    let message = format!("`{}` cannot be read: {error}", path.display());
    let diagnostic = Diagnostic::new(error.code(), spec.file_span, message);
    match Path::new(&spec.file).is_relative() {
        true => diagnostic.help("a relative path begins at the folder of this rule file"),
        false => diagnostic,
    }
}

/// Adds what is wrong with a file to the diagnostics.
fn report(
    spec: &TableSpec,
    path: &Path,
    problems: &Problems,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) {
    let name = path.display().to_string();
    for problem in problems {
        diagnostics.push(diagnostic(spec, &name, problem, sources));
    }
    let (errors, warnings) = problems.counts();
    for (severity, count) in [(Severity::Error, errors), (Severity::Warning, warnings)] {
        let kept = || problems.iter().filter(|problem| problem.code.severity() == severity);
        let more = count - kept().count();
        if let Some(last) = kept().next_back().filter(|_| more > 0) {
            let message = format!("{more} more problems of this file are not shown");
            diagnostics.push(Diagnostic::new(last.code, spec.file_span, message).label(name.as_str()));
        }
    }
}

fn diagnostic(spec: &TableSpec, path: &str, problem: &Problem, sources: &mut Sources) -> Diagnostic {
    let mut diagnostic = match &problem.line {
        Some(line) => {
            let place = sources.add_excerpt(path, line.number as usize, &line.text);
            let diagnostic = Diagnostic::new(problem.code, place, problem.message.as_str());
            match problem.column.and_then(|id| spec.columns().get(id.0 as usize)) {
                Some(column) => diagnostic.also(column.span, "the column is declared here"),
                None => diagnostic.also(spec.file_span, format!("the {} is read from there", spec.kind())),
            }
        }
        None => Diagnostic::new(problem.code, spec.file_span, problem.message.as_str()).label(path),
    };
    diagnostic.help.extend(problem.help.clone());
    diagnostic
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(folder: &Path, rules: &str) -> (Loaded, Vec<String>) {
        let file = folder.join("rules.trip").display().to_string();
        let mut sources = Sources::new([(file, rules)]);
        let (program, problems) = Program::compile(&sources);
        let program = program.unwrap_or_else(|| panic!("{problems:?}"));
        let (loaded, diagnostics) = load(&program, &mut sources);
        (loaded, diagnostics.iter().map(|one| format!("{} {}", one.code, one.message)).collect())
    }

    #[test]
    fn a_check_passes_over_what_large_files_hold() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("numbers.txt"), "1\ntwo\n").expect("a file");
        let file = folder.path().join("rules.trip").display().to_string();
        let rules = "list numbers int from \"numbers.txt\"\nlist gone int from \"gone.txt\"\n";
        let mut sources = Sources::new([(file, rules)]);
        let (program, _) = Program::compile(&sources);
        let program = program.expect("the rules are right");
        let found = |largest, sources: &mut Sources| check(&program, sources, largest).counts();
        assert_eq!(found(100, &mut sources), (2, 0));
        assert_eq!(found(5, &mut sources), (1, 0));
    }

    #[test]
    fn files_are_found_beside_the_rule_file_and_anywhere_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let rules = folder.path().join("rules");
        fs::create_dir_all(rules.join("lists")).expect("folders");
        for name in ["rules/lists/a.txt", "b.txt", "c.txt"] {
            fs::write(folder.path().join(name), "x\n").expect("a file");
        }
        let absolute = folder.path().join("c.txt");
        let text = format!(
            "list a string from \"lists/a.txt\"\nlist b string from \"../b.txt\"\nlist c string from {absolute:?}"
        );
        let (loaded, problems) = loaded(&rules, &text);
        assert_eq!(problems, [] as [String; 0]);
        let entries = (0..3).map(|id| loaded.tables.get(TableId(id)).map(|content| content.entries()));
        assert_eq!(entries.collect::<Vec<_>>(), [Some(1); 3]);
        assert!(loaded.files.iter().all(|file| file.stamp.is_some()));
    }

    #[test]
    fn what_is_no_file_or_too_large_is_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        // It takes no room on the disk.
        fs::File::create(folder.path().join("large")).expect("a file").set_len(MAX_FILE + 1).expect("a size");
        let text = "list a string from \"/dev/zero\"\nlist b string from \".\"\nlist c string from \"large\"";
        let (loaded, problems) = loaded(folder.path(), text);
        let codes: Vec<&str> = problems.iter().map(|problem| &problem[..5]).collect();
        assert_eq!(codes, ["E0420", "E0420", "E0424"], "{problems:?}");
        assert!(problems[0].ends_with("/dev/zero` cannot be read: it is not a regular file"), "{problems:?}");
        assert!(problems[2].ends_with("cannot be read: it is larger than 1 GiB"), "{problems:?}");
        assert!((0..3).all(|id| loaded.tables.get(TableId(id)).is_none()));
    }
}
