//! `tripline savepoint`: the state of a service in a file, to go back to or to take elsewhere.

mod create;
pub(in crate::cli) mod inspect;
mod list;
mod restore;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;

use crate::runtime::savepoints;

use super::Misuse;

/// Keep the state under a name, and go back to it
///
/// A savepoint is one file with all that the rules have begun: partial matches, past events, how far sources have
/// come. It can be restored on another machine, with another number of shards and by a newer version. It is found
/// by its name, in the folder `savepoints` of the state; what has a `/` in it, or ends with `.savepoint`, is a file
/// anywhere.
#[derive(Debug, clap::Args)]
pub struct Savepoint {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Create(create::Create),
    List(list::List),
    Inspect(inspect::Inspect),
    Restore(restore::Restore),
}

impl Savepoint {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::Create(command) => command.run(),
            What::List(command) => command.run(),
            What::Inspect(command) => command.run(),
            What::Restore(command) => command.run(),
        }
    }
}

/// Which savepoint is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Meant {
    /// The one of that name.
    Name(String),
    /// That file.
    File(PathBuf),
}

impl Meant {
    fn of(text: &str) -> Result<Meant, Misuse> {
        if text.contains('/') || text.ends_with(savepoints::ENDING) {
            return Ok(Meant::File(PathBuf::from(text)));
        }
        savepoints::check_name(text)
            .map_err(|error| Misuse(format!("{error}; write `./{text}` for a file")))?;
        Ok(Meant::Name(text.to_owned()))
    }

    /// Its file, for the state in a folder.
    fn file(&self, state: impl FnOnce() -> anyhow::Result<PathBuf>) -> anyhow::Result<PathBuf> {
        match self {
            Meant::Name(name) => Ok(savepoints::file(&savepoints::folder(&state()?), name)),
            Meant::File(file) => Ok(file.clone()),
        }
    }
}

/// The file of a savepoint that is to be read. When there is none, says which there are.
fn find(meant: &Meant, state: impl Fn() -> anyhow::Result<PathBuf>) -> anyhow::Result<PathBuf> {
    let file = meant.file(&state)?;
    if file.exists() {
        return Ok(file);
    }
    let message = match meant {
        Meant::File(file) => format!("there is no file `{}`", file.display()),
        Meant::Name(name) => {
            let folder = savepoints::folder(&state()?);
            let all = savepoints::list(&*super::place::disk(), &folder).unwrap_or_default();
            let names = || all.iter().map(|one| one.name.as_str());
            let hint = match crate::diagnostic::nearest(name, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if all.is_empty() => "there are none there".into(),
                None => "`tripline savepoint list` says which there are".into(),
            };
            format!("there is no savepoint `{name}` in {}; {hint}", folder.display())
        }
    };
    Err(Misuse(message).into())
}

/// A number of bytes for people: `512 B`, `4.2 KiB`, `1.3 GiB`.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let (mut amount, mut unit) = (bytes as f64 / 1024.0, 0);
    while amount >= 1023.95 && unit + 1 < UNITS.len() {
        (amount, unit) = (amount / 1024.0, unit + 1);
    }
    format!("{amount:.1} {}", UNITS[unit])
}

/// A path that is the same wherever it is read.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_files_are_told_apart() {
        assert_eq!(Meant::of("before").expect("a name"), Meant::Name("before".into()));
        for file in ["./before", "/tmp/x", "x.savepoint", "a/b.savepoint"] {
            assert_eq!(Meant::of(file).expect("a file"), Meant::File(file.into()));
        }
        assert!(Meant::of("a b").is_err());
    }

    #[test]
    fn sizes_are_for_people() {
        let shown: Vec<_> = [0, 1_023, 1_024, 1_500_000, 1 << 40, u64::MAX].into_iter().map(size).collect();
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "1.4 MiB", "1.0 TiB", "16777216.0 TiB"]);
    }
}
