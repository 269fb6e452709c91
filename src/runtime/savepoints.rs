//! The savepoints of a state: files in the folder `savepoints` beside it, each called by its name.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::disk::Disk;
use crate::event::Timestamp;
use crate::store::{SavepointInfo, Snapshot, StoreError, glance_at_savepoint, write_savepoint};

use super::control::ControlError;
use super::control::view::{optional_time, time};

/// How the name of every savepoint ends as a file.
pub const ENDING: &str = ".savepoint";
/// How a file of one is called that is not whole.
const UNFINISHED: &str = ".savepoint.new";
/// The longest name.
const LONGEST: usize = 100;

/// A name that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a savepoint cannot be called `{0}`: a name has letters, digits, `-`, `_` and `.`, begins with a letter or a digit, and \
     has at most {LONGEST} of them"
)]
pub struct BadName(pub String);

/// A savepoint that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Saved {
    /// Its name.
    pub name: String,
    /// Its file.
    #[schema(value_type = String)]
    pub file: PathBuf,
    /// How many bytes that has.
    pub bytes: u64,
    /// When the checkpoint was made whose state it is.
    #[serde(with = "time")]
    pub time: Timestamp,
    /// The number of that checkpoint.
    pub checkpoint: u64,
}

impl Saved {
    /// One that has been written or read.
    pub fn new(name: String, info: &SavepointInfo) -> Saved {
        Saved { name, file: info.file.clone(), bytes: info.bytes, time: info.time, checkpoint: info.commit }
    }
}

/// A savepoint in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its file.
    #[schema(value_type = String)]
    pub file: PathBuf,
    /// How many bytes that has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// When the checkpoint was made whose state it is.
    #[serde(with = "optional_time", default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// The number of that checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<u64>,
    /// Why it cannot be used, if that can be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// The folder of the savepoints of a state.
pub fn folder(state: &Path) -> PathBuf {
    state.join("savepoints")
}

/// The file of a savepoint of that name.
pub fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{ENDING}"))
}

/// Looks whether a name can be used: it becomes the name of a file, and stands in commands and URLs.
///
/// # Errors
/// When it cannot.
pub fn check_name(name: &str) -> Result<(), BadName> {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let is_right = name.len() <= LONGEST
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(is_letter)
        && !name.ends_with(ENDING);
    if is_right { Ok(()) } else { Err(BadName(name.to_owned())) }
}

/// The name of a savepoint that is made now and was given none: `2026-03-01T08-00-00Z`.
pub fn name_of(now: Timestamp) -> String {
    let whole = Timestamp::from_micros(now.as_micros().div_euclid(1_000_000).saturating_mul(1_000_000));
    whole.to_string().replace(':', "-")
}

/// Writes a savepoint of a state into its folder, which is made if there is none. Nobody else may be doing so.
///
/// # Errors
/// When there is one of that name, or the disk fails.
pub fn write(
    disk: &dyn Disk,
    folder: &Path,
    name: &str,
    snapshot: &Arc<Snapshot>,
) -> Result<Saved, ControlError> {
    let path = file(folder, name);
    let cannot = |error: io::Error| {
        ControlError::System(format!("cannot make the folder {}: {error}", folder.display()))
    };
    disk.make_folder(folder).map_err(cannot)?;
    // What was left by a process that was killed is of no use to anybody.
    let files = disk.list(folder).unwrap_or_default();
    for file in files.iter().filter(|file| file.to_string_lossy().ends_with(UNFINISHED)) {
        let _ = disk.remove(file);
    }
    match write_savepoint(disk, &path, snapshot) {
        Ok(info) => Ok(Saved::new(name.to_owned(), &info)),
        Err(StoreError::Exists { .. }) => Err(ControlError::Exists(name.to_owned())),
        Err(error) => Err(error.into()),
    }
}

/// The savepoints in a folder, by name; none if there is no folder. They are looked at, and not read to their
/// ends.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(disk: &dyn Disk, folder: &Path) -> io::Result<Vec<Listed>> {
    let files = match disk.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        files => files?,
    };
    let named = files.into_iter().filter_map(|file| {
        let name = file.file_name()?.to_str()?.strip_suffix(ENDING)?.to_owned();
        Some(match glance_at_savepoint(disk, &file) {
            Ok(info) => Listed {
                name,
                file,
                bytes: Some(info.bytes),
                time: Some(info.time),
                checkpoint: Some(info.commit),
                problem: None,
            },
            Err(error) => {
                let problem = Some(error.to_string());
                Listed { name, file, bytes: None, time: None, checkpoint: None, problem }
            }
        })
    });
    Ok(named.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names_of_files_and_nothing_else() {
        for right in ["a", "before-upgrade", "v1.2_3", "2026-03-01T08-00-00Z"] {
            assert_eq!(check_name(right), Ok(()), "{right}");
        }
        let long = "a".repeat(101);
        for wrong in ["", ".", "..", ".hidden", "-x", "a/b", "a b", "ä", "a\n", "x.savepoint", &long] {
            assert!(check_name(wrong).is_err(), "{wrong}");
        }
        let name = name_of(Timestamp::parse("2026-03-01T08:00:00.123456Z").expect("a time"));
        assert_eq!(name, "2026-03-01T08-00-00Z");
        assert_eq!(check_name(&name), Ok(()));
    }
}
