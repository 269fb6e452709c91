//! `tripline fmt`: rule files in their canonical form.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use similar::TextDiff;

use crate::config::rules::{self, MAX_FILE};
use crate::diagnostic::{Diagnostics, Sources};
use crate::language::format;

use super::Misuse;
use super::output::{self, plural};

/// How long to look for the smallest difference before a larger one is shown.
const DIFF_TIME: Duration = Duration::from_secs(2);
/// What stands for standard input among the paths.
const STDIN: &str = "-";

/// Write rules in their canonical form
///
/// Files are changed in place. Files with syntax errors stay as they are: the errors are shown, and
/// the command exits with 2.
#[derive(Debug, clap::Args)]
pub struct Fmt {
    /// Folders of *.trip files, or single files. A single `-` formats standard input to standard output
    #[arg(required = true, value_name = "RULES")]
    paths: Vec<PathBuf>,

    /// Change nothing: show what would change, and exit with 1 if anything would
    #[arg(long)]
    check: bool,
}

/// A file whose form is not the canonical one.
struct Change<'a> {
    name: &'a str,
    before: &'a str,
    after: String,
}

impl Fmt {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let is_stdin = |path: &PathBuf| path.as_os_str() == STDIN;
        match self.paths.as_slice() {
            [path] if is_stdin(path) => self.standard_input(),
            paths if paths.iter().any(is_stdin) => {
                Err(Misuse(format!("`{STDIN}` stands for standard input and is formatted by itself")).into())
            }
            paths => self.files(paths),
        }
    }

    fn standard_input(&self) -> anyhow::Result<ExitCode> {
        let sources = Sources::new([("<standard input>", read_input()?)]);
        let (changes, problems) = format_all(&sources);
        refuse(&problems, &sources, "it cannot be formatted")?;
        let unchanged = || sources.iter().map(|(_, file)| file.text.as_str()).collect::<String>();
        match changes.into_iter().next() {
            Some(change) if self.check => {
                output::print(&change.shown())?;
                Ok(ExitCode::FAILURE)
            }
            None if self.check => Ok(ExitCode::SUCCESS),
            change => {
                output::print(&change.map_or_else(unchanged, |change| change.after))?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }

    fn files(&self, paths: &[PathBuf]) -> anyhow::Result<ExitCode> {
        let sources = match rules::read(paths) {
            Ok(sources) => sources,
            Err(unreadable) => {
                refuse(&unreadable.diagnostics, &unreadable.sources, "nothing was changed")?;
                unreadable.sources
            }
        };
        let (changes, problems) = format_all(&sources);
        for change in &changes {
            if self.check {
                output::print(&change.shown())?;
            } else {
                let name = change.name;
                replace(Path::new(name), &change.after)
                    .map_err(|error| anyhow::anyhow!("cannot write `{name}`: {error}"))?;
                output::print(&format!("formatted {name}\n"))?;
            }
        }
        let (count, done) = (changes.len(), if self.check { "would change" } else { "changed" });
        output::print(&format!("{count} of {} {done}\n", plural(sources.iter().count(), "file")))?;
        refuse(&problems, &sources, "files with errors stay as they are")?;
        Ok(if self.check && count > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

impl Change<'_> {
    /// The difference, as `diff -u` shows it.
    fn shown(&self) -> String {
        let diff = TextDiff::configure().timeout(DIFF_TIME).diff_lines(self.before, &*self.after);
        diff.unified_diff().header(self.name, &format!("{} (formatted)", self.name)).to_string()
    }
}

/// What would change, and the problems of the files that cannot be formatted.
fn format_all(sources: &Sources) -> (Vec<Change<'_>>, Diagnostics) {
    let mut changes = Vec::new();
    let mut problems = Diagnostics::default();
    for (id, file) in sources.iter() {
        match format(id, &file.text) {
            Ok(after) if after == file.text => {}
            Ok(after) => changes.push(Change { name: &file.name, before: &file.text, after }),
            Err(found) => problems.append(found),
        }
    }
    (changes, problems.sorted())
}

/// Shows the problems, if there are any, and fails with them.
fn refuse(problems: &Diagnostics, sources: &Sources, outcome: &str) -> Result<(), Misuse> {
    let (errors, _) = problems.counts();
    if errors == 0 {
        return Ok(());
    }
    output::show(problems, sources);
    Err(Misuse(format!("the rules have {}: {outcome}", plural(errors, "error"))))
}

fn read_input() -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(Misuse(format!("standard input is larger than {} MiB", MAX_FILE >> 20)).into());
    }
    Ok(String::from_utf8(bytes).map_err(|_| Misuse("standard input is not UTF-8".to_owned()))?)
}

/// Puts `text` in the place of a file at once: whoever reads it finds the old text or the new one. A
/// link stays a link, and what it leads to is replaced.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let data = fs::metadata(&path)?;
    let (Some(folder), Some(name), true) = (path.parent(), path.file_name(), data.is_file()) else {
        return Err(io::Error::other("it is not a regular file"));
    };
    // The dot keeps it from being read as a rule file.
    let mut beside = OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = folder.join(beside);
    let file = OpenOptions::new().write(true).create_new(true).open(&beside)?;
    let written = write_all(file, text, data.permissions()).and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        // What went wrong is reported; that the rest of it stays behind as well helps no one.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_all(mut file: File, text: &str, permissions: fs::Permissions) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.set_permissions(permissions)?;
    file.sync_all()
}
