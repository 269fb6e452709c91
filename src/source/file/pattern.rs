//! Which files a source reads: one path, or all that match a pattern.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern, glob_with};

/// What makes a path a pattern.
const SPECIAL: [char; 3] = ['*', '?', '['];
/// As shells do it: `*` leaves out hidden files and does not reach into folders.
const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
/// How many paths are looked at to say whether they are all folders.
const MAX_LOOK: usize = 1_000;
/// How the names of compressed files end.
const COMPRESSED: [&str; 8] = ["gz", "zst", "bz2", "xz", "lz4", "lzma", "Z", "zip"];

/// The files that a source reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paths {
    /// This one.
    One(PathBuf),
    /// Those that match.
    Pattern(String),
}

/// A path that cannot be one of files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// There is nothing in it.
    #[error("the path is empty")]
    Empty,
    /// It is what stands for standard input elsewhere.
    #[error("`-` is no file")]
    StandardInput,
    /// It is, or ends as, the path of a folder.
    #[error("`{0}` is a folder")]
    Folder(String),
    /// The pattern cannot be read.
    #[error("`{0}` is no pattern: {1}")]
    Pattern(String, &'static str),
    /// It reaches into folders without end.
    #[error("`**` is not taken")]
    Recursive,
}

impl Mistake {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Mistake::Empty => "write the path of a file, or a pattern such as `/var/log/app/*.log`".into(),
            Mistake::StandardInput => "a source with `type = \"stdin\"` reads standard input".into(),
            Mistake::Folder(path) => {
                format!("`{}/*` stands for all files in it", path.trim_end_matches('/'))
            }
            Mistake::Pattern(..) => "a character that means itself stands in brackets: `[[]`, `[*]`".into(),
            Mistake::Recursive => {
                "write a `*` for each level of folders: `logs/*.log`, `logs/*/*.log`".into()
            }
        }
    }
}

/// What a look at the files has found.
#[derive(Debug, Default)]
pub struct Found {
    /// The paths, sorted. What is there may be something else than a file.
    pub paths: Vec<PathBuf>,
    /// Why some may be missing: folders that cannot be read.
    pub troubles: Vec<String>,
}

impl Paths {
    /// Reads a path or pattern; a relative one begins at `folder`.
    ///
    /// # Errors
    /// When it can be neither.
    pub fn new(text: &str, folder: &Path) -> Result<Paths, Mistake> {
        if text.trim().is_empty() {
            return Err(Mistake::Empty);
        }
        if text == "-" {
            return Err(Mistake::StandardInput);
        }
        if text.ends_with('/') {
            return Err(Mistake::Folder(text.into()));
        }
        if !text.contains(SPECIAL) {
            return Ok(Paths::One(folder.join(text)));
        }
        if text.split('/').any(|part| part == "**") {
            return Err(Mistake::Recursive);
        }
        Pattern::new(text).map_err(|error| Mistake::Pattern(text.into(), error.msg))?;
        if Path::new(text).is_absolute() || folder.as_os_str().is_empty() {
            return Ok(Paths::Pattern(text.into()));
        }
        let folder = folder.to_str().ok_or(Mistake::Pattern(text.into(), "its folder is not UTF-8"))?;
        Ok(Paths::Pattern(format!("{}/{text}", Pattern::escape(folder))))
    }

    /// Whether files can come and go that nobody has named.
    pub fn is_pattern(&self) -> bool {
        matches!(self, Paths::Pattern(_))
    }

    /// Whether it is one file, and compressed.
    pub fn is_compressed(&self) -> bool {
        matches!(self, Paths::One(path) if is_compressed(path))
    }

    /// One of the folders that there are now, when there is nothing else.
    pub fn only_folders(&self) -> Option<PathBuf> {
        let mut found = self.find(MAX_LOOK).paths;
        found.iter().all(|path| path.is_dir()).then(|| found.pop()).flatten()
    }

    /// The paths that there are now, up to `limit`; that of one file whether it is there or not.
    pub fn find(&self, limit: usize) -> Found {
        let pattern = match self {
            Paths::One(path) => return Found { paths: vec![path.clone()], troubles: Vec::new() },
            Paths::Pattern(pattern) => pattern,
        };
        let mut found = Found::default();
        let matching = glob_with(pattern, OPTIONS).expect("the pattern was read at the start");
        for path in matching {
            match path {
                Ok(path) => found.paths.push(path),
                Err(error) => {
                    found.troubles.push(format!("`{}`: {}", error.path().display(), error.error()));
                }
            }
            if found.paths.len() == limit {
                break;
            }
        }
        found.paths.sort();
        found
    }
}

impl Paths {
    /// Whether a path is one of them, whether there is a file or not.
    pub fn matches(&self, path: &Path) -> bool {
        match self {
            Paths::One(one) => one == path,
            Paths::Pattern(pattern) => {
                Pattern::new(pattern).is_ok_and(|pattern| pattern.matches_path_with(path, OPTIONS))
            }
        }
    }
}

impl std::fmt::Display for Paths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Paths::One(path) => path.display().fmt(f),
            Paths::Pattern(pattern) => pattern.fmt(f),
        }
    }
}

/// Whether a file is compressed, by its name.
pub fn is_compressed(path: &Path) -> bool {
    path.extension().and_then(OsStr::to_str).is_some_and(|end| COMPRESSED.contains(&end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_finds_files_as_a_shell_does() {
        // What is special in the name of the folder is not part of the pattern.
        let folder = tempfile::Builder::new().prefix("a[b]*").tempdir().expect("a folder");
        for name in ["b.log", "a.log", ".hidden.log", "a.txt", "sub/c.log"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, "").expect("a file");
        }
        let find = |text: &str, limit| -> Vec<String> {
            let found = Paths::new(text, folder.path()).expect("a pattern").find(limit);
            assert!(found.troubles.is_empty());
            let names = found.paths.iter().map(|path| path.strip_prefix(folder.path()).expect("inside"));
            names.map(|path| path.display().to_string()).collect()
        };
        assert_eq!(find("*.log", 10), ["a.log", "b.log"]);
        assert_eq!(find("*/*.log", 10), ["sub/c.log"]);
        assert_eq!(find("[ab].*", 2), ["a.log", "a.txt"]);
        assert_eq!(find("nothing", 10), ["nothing"], "one path, there or not");
    }

    #[test]
    fn what_is_neither_a_path_nor_a_pattern_is_refused_with_advice() {
        for (text, message) in [
            ("", "the path is empty"),
            ("-", "`-` is no file"),
            ("logs/", "`logs/` is a folder"),
            ("logs/**/x", "`**` is not taken"),
            ("logs/[x", "`logs/[x` is no pattern: invalid range pattern"),
        ] {
            let mistake = Paths::new(text, Path::new("")).expect_err(text);
            assert_eq!(mistake.to_string(), message);
            assert!(!mistake.help().is_empty());
        }
    }

    #[test]
    fn compressed_files_are_known_by_their_names() {
        assert!(is_compressed(Path::new("app.log.1.gz")) && is_compressed(Path::new("a.zst")));
        assert!(!is_compressed(Path::new("app.log")) && !is_compressed(Path::new("gz")));
    }
}
