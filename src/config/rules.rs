//! Reads the files of a rule set.
//!
//! Enters: files and folders as the user names them. Leaves: the text of every rule file, or
//! diagnostics for what could not be read. Of a folder, all `*.trip` files are read, subfolders
//! included and symbolic links followed; names that begin with a dot are passed over, because editors
//! and version control keep their own files there. A file is read once, however many links lead to
//! it. Files given by name are read whatever they are called.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::diagnostic::codes::{E0010, E0014, E0611};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Sources, Span};

/// The ending of rule files.
pub const EXTENSION: &str = "trip";
/// Largest rule file, in bytes.
pub const MAX_FILE: u64 = 16 << 20;
/// Most rule files of a rule set.
pub const MAX_FILES: usize = 10_000;
/// Most folders that are looked through for them: a whole disk would take minutes.
pub const MAX_FOLDERS: usize = 100_000;

/// Rule files that could not all be read.
#[derive(Debug)]
pub struct Unreadable {
    /// The files that could be read.
    pub readable: Sources,
    /// What the diagnostics point into.
    pub sources: Sources,
    /// What is wrong.
    pub diagnostics: Diagnostics,
}

/// Reads the rule files at `paths`.
///
/// # Errors
/// When one of them cannot be read or is not UTF-8, when a folder links back to itself, and when
/// there is no rule file at all. All such problems are reported.
pub fn read(paths: &[PathBuf]) -> Result<Sources, Unreadable> {
    read_within(paths, MAX_FOLDERS)
}

fn read_within(paths: &[PathBuf], folders_left: usize) -> Result<Sources, Unreadable> {
    let mut found = Found { folders_left, ..Found::default() };
    for path in paths {
        match fs::metadata(path) {
            Ok(data) if data.is_dir() => found.folder(path),
            Ok(_) => found.file(path),
            Err(error) => found.failed(path, &io_reason(&error)),
        }
    }
    found.finish()
}

#[derive(Default)]
struct Found {
    /// Real paths of files already read.
    seen: BTreeSet<PathBuf>,
    /// How many folders may still be looked through.
    folders_left: usize,
    files: Vec<(String, String)>,
    problems: Vec<Problem>,
}

/// A problem before its file has a place among the sources.
struct Problem {
    code: Code,
    name: String,
    text: String,
    start: usize,
    end: usize,
    message: String,
    help: Option<String>,
}

/// A folder still to be read, with the real paths of the folders it was reached through.
struct Pending {
    path: PathBuf,
    through: Vec<PathBuf>,
}

impl Found {
    fn folder(&mut self, root: &Path) {
        let before = self.files.len() + self.problems.len();
        let mut pending = vec![Pending { path: root.to_path_buf(), through: Vec::new() }];
        while let Some(Pending { path, mut through }) = pending.pop() {
            let Some(left) = self.folders_left.checked_sub(1) else {
                let why =
                    format!("there are more than {MAX_FOLDERS} folders in it; name the folder of the rules");
                return self.failed(root, &why);
            };
            self.folders_left = left;
            match fs::canonicalize(&path) {
                Ok(real) if through.contains(&real) => {
                    self.failed(&path, "the link leads back to a folder that it stands in");
                    continue;
                }
                Ok(real) => through.push(real),
                Err(error) => {
                    self.failed(&path, &io_reason(&error));
                    continue;
                }
            }
            for (path, is_folder) in self.entries(&path) {
                if is_folder {
                    pending.push(Pending { path, through: through.clone() });
                } else if self.files.len() < MAX_FILES {
                    self.file(&path);
                } else {
                    self.failed(&path, &format!("there are more than {MAX_FILES} rule files"));
                    return;
                }
            }
        }
        if self.files.len() + self.problems.len() == before {
            self.failed(root, &format!("there is no `*.{EXTENSION}` file in it"));
        }
    }

    /// The rule files and folders in a folder, sorted, so that the first of several links to a file
    /// is always the same.
    fn entries(&mut self, folder: &Path) -> Vec<(PathBuf, bool)> {
        let mut entries = Vec::new();
        let listing = match fs::read_dir(folder) {
            Ok(listing) => listing,
            Err(error) => {
                self.failed(folder, &io_reason(&error));
                return entries;
            }
        };
        for entry in listing {
            let path = match entry {
                Ok(entry) => entry.path(),
                Err(error) => {
                    self.failed(folder, &io_reason(&error));
                    break;
                }
            };
            if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
                continue;
            }
            let is_rule = path.extension().is_some_and(|extension| extension == EXTENSION);
            match fs::metadata(&path) {
                Ok(data) if data.is_dir() => entries.push((path, true)),
                Ok(data) if is_rule && data.is_file() => entries.push((path, false)),
                Ok(_) if is_rule => self.failed(&path, "it is not a regular file"),
                // What has another ending is not ours, readable or not; a link to nowhere whose
                // name has no ending may have been a folder of rules.
                Err(error) if is_rule || path.extension().is_none() => {
                    self.failed(&path, &io_reason(&error));
                }
                Ok(_) | Err(_) => {}
            }
        }
        entries.sort();
        entries
    }

    fn file(&mut self, path: &Path) {
        // What has no real path, such as a pipe, is read as often as it is named.
        if let Ok(real) = fs::canonicalize(path)
            && !self.seen.insert(real)
        {
            return;
        }
        let bytes = match read_limited(path, MAX_FILE) {
            Ok(bytes) => bytes,
            Err(error) => return self.failed(path, &io_reason(&error)),
        };
        let name = path.display().to_string();
        if bytes.len() as u64 > MAX_FILE {
            let message = format!("this file is larger than {} MiB", MAX_FILE >> 20);
            return self.problem(E0010, name, String::new(), 0, message, None);
        }
        match String::from_utf8(bytes) {
            Ok(text) => self.files.push((name, text)),
            Err(error) => {
                let start = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let message = "this file is not UTF-8".to_string();
                let help = "rule files are UTF-8 text; the byte here belongs to another encoding".to_string();
                self.problem(E0014, name, text, start, message, Some(help));
            }
        }
    }

    fn failed(&mut self, path: &Path, why: &str) {
        let name = path.display().to_string();
        let message = format!("`{name}` cannot be read: {why}");
        self.problem(E0611, name, String::new(), 0, message, None);
    }

    fn problem(
        &mut self,
        code: Code,
        name: String,
        text: String,
        start: usize,
        message: String,
        help: Option<String>,
    ) {
        let end = start + text[start..].chars().next().map_or(0, char::len_utf8);
        self.problems.push(Problem { code, name, text, start, end, message, help });
    }

    fn finish(self) -> Result<Sources, Unreadable> {
        if self.problems.is_empty() {
            return Ok(Sources::new(self.files));
        }
        let mut problems = self.problems;
        problems.sort_by(|a, b| a.name.cmp(&b.name));
        // One file a problem keeps names and places apart; sources sort by name and text.
        let sources = Sources::new(problems.iter().map(|problem| (&*problem.name, &*problem.text)));
        let mut diagnostics = Diagnostics::default();
        for problem in problems {
            let (file, _) = sources
                .iter()
                .find(|(_, file)| file.name == problem.name && file.text == problem.text)
                .expect("the sources were made of the problems");
            let mut diagnostic =
                Diagnostic::new(problem.code, Span::new(file, problem.start, problem.end), problem.message);
            diagnostic.help.extend(problem.help);
            diagnostics.push(diagnostic);
        }
        Err(Unreadable { readable: Sources::new(self.files), sources, diagnostics: diagnostics.sorted() })
    }
}

/// What the system says, without its error number.
pub(super) fn io_reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_string()
}

/// The content of a file, and of a larger one than `limit` the beginning, one byte longer than that.
pub(super) fn read_limited(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn names(sources: &Sources, root: &Path) -> Vec<String> {
        let prefix = format!("{}/", root.display());
        sources.iter().map(|(_, file)| file.name.replace(&prefix, "")).collect()
    }

    fn problems(result: Result<Sources, Unreadable>) -> Vec<(&'static str, String)> {
        let unreadable = result.expect_err("something cannot be read");
        unreadable.diagnostics.iter().map(|d| (d.code.as_str(), d.message.clone())).collect()
    }

    #[test]
    fn a_folder_is_read_with_its_subfolders_and_without_hidden_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs::create_dir_all(root.join("deep/er")).expect("folders");
        fs::create_dir_all(root.join(".git")).expect("folders");
        for name in ["b.trip", "deep/er/a.trip", ".hidden.trip", ".git/c.trip", "notes.txt"] {
            fs::write(root.join(name), "# text").expect("a file");
        }
        symlink(root.join("b.trip"), root.join("c.trip")).expect("a link");
        let sources = read(&[root.to_path_buf()]).expect("readable");
        assert_eq!(names(&sources, root), ["b.trip", "deep/er/a.trip"]);
    }

    #[test]
    fn loops_missing_files_and_other_encodings_are_reported_together() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs::create_dir(root.join("sub")).expect("a folder");
        symlink(root, root.join("sub/back")).expect("a link");
        fs::write(root.join("latin.trip"), b"# caf\xe9\n").expect("a file");
        symlink(root.join("nowhere"), root.join("gone.trip")).expect("a link");
        let found = problems(read(&[root.to_path_buf(), root.join("absent")]));
        let codes: Vec<_> = found.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, ["E0611", "E0611", "E0014", "E0611"], "{found:?}");
        assert!(found[3].1.contains("leads back"), "{found:?}");
    }

    #[test]
    fn only_so_many_folders_are_looked_through() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("a/b/c")).expect("folders");
        fs::write(folder.path().join("a/x.trip"), "# text").expect("a file");
        let root = [folder.path().to_path_buf()];
        assert!(read_within(&root, 4).is_ok());
        let unreadable = read_within(&root, 3).expect_err("too many");
        assert_eq!(unreadable.readable.iter().count(), 1);
        let found = problems(Err(unreadable));
        assert!(found.len() == 1 && found[0].1.contains("folders in it"), "{found:?}");
    }

    #[test]
    fn a_folder_without_rules_is_a_mistake() {
        let folder = tempfile::tempdir().expect("a folder");
        let found = problems(read(&[folder.path().to_path_buf()]));
        assert_eq!(found.len(), 1);
        assert!(found[0].1.ends_with("there is no `*.trip` file in it"), "{found:?}");
    }

    #[test]
    fn the_place_of_a_foreign_byte_is_underlined() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("latin.trip");
        fs::write(&path, b"# one\n# caf\xe9\n").expect("a file");
        let unreadable = read(&[path]).expect_err("not UTF-8");
        let span = unreadable.diagnostics.iter().next().expect("one").primary.span;
        let place = unreadable.sources.line_column(span.file, span.start);
        assert_eq!((place.line, place.column), (2, 6));
    }
}
