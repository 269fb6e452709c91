//! Rules that somebody has put into another mode than their text says: live, in shadow, off.
//!
//! It is kept in a file beside the state, so that it holds after a restart. A rule that is gone is left in it: it may
//! come back.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::disk::{Access, Disk};
use crate::event::Timestamp;
use crate::program::{Mode, Modes};

/// The name of the file.
const FILE: &str = "rule-modes.json";
/// The same before it is whole.
const NEW_FILE: &str = "rule-modes.new";
/// The largest file that is read.
const LARGEST: u64 = 16 << 20;

/// Why a rule is in another mode than its text says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WantedModeOfRule)]
pub struct Wanted {
    /// The mode.
    pub mode: Mode,
    /// Who wants it so.
    pub by: String,
    /// Why.
    #[serde(default)]
    pub comment: String,
    /// Since when.
    pub since: Timestamp,
}

/// The file cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {path}, which says which rules are in another mode than their text says: {why}")]
pub struct ModesError {
    doing: &'static str,
    path: PathBuf,
    why: String,
}

/// Which rules are in another mode, by name, and where that is kept.
#[derive(Clone, Debug, Default)]
pub struct WantedModes {
    folder: Option<PathBuf>,
    rules: BTreeMap<String, Wanted>,
}

impl WantedModes {
    /// What is kept in the folder of a state; without one nothing is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(disk: &dyn Disk, folder: Option<&Path>) -> Result<WantedModes, ModesError> {
        let mut modes = WantedModes { folder: folder.map(Path::to_owned), rules: BTreeMap::new() };
        let Some(path) = folder.map(|folder| folder.join(FILE)) else { return Ok(modes) };
        let error = |why: String| ModesError { doing: "read", path: path.clone(), why };
        let file = match disk.open(&path, Access::Read) {
            // What is wrong with the folder is said by who opens the state in it.
            Err(missing) if matches!(missing.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(modes);
            }
            opened => opened.map_err(|why| error(why.to_string()))?,
        };
        let length = file.len().map_err(|why| error(why.to_string()))?;
        if length > LARGEST {
            return Err(error(format!("it is larger than {} MiB", LARGEST >> 20)));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        file.read(0, &mut bytes).map_err(|why| error(why.to_string()))?;
        modes.rules = serde_json::from_slice(&bytes).map_err(|why| error(why.to_string()))?;
        Ok(modes)
    }

    /// The same with a rule in another mode; with `None`, in that of its text.
    pub fn with(&self, rule: &str, wanted: Option<Wanted>) -> WantedModes {
        let mut modes = self.clone();
        match wanted {
            Some(wanted) => drop(modes.rules.insert(rule.to_owned(), wanted)),
            None => drop(modes.rules.remove(rule)),
        }
        modes
    }

    /// Keeps it, whole or not at all, so that it outlasts a loss of power.
    ///
    /// # Errors
    /// When it cannot be written; what was kept before is still there then, or this.
    pub fn keep(&self, disk: &dyn Disk) -> Result<(), ModesError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let (new, path) = (folder.join(NEW_FILE), folder.join(FILE));
        let bytes = serde_json::to_vec_pretty(&self.rules).expect("names and words are text");
        let write = || {
            let file = disk.create(&new)?;
            file.write(0, &bytes)?;
            file.sync_data()?;
            disk.rename(&new, &path)?;
            disk.sync_folder(folder)
        };
        write().map_err(|why| ModesError { doing: "write", path: path.clone(), why: why.to_string() })
    }

    /// Why a rule is in another mode, if it is.
    pub fn of(&self, rule: &str) -> Option<&Wanted> {
        self.rules.get(rule)
    }

    /// The modes as programs are compiled with.
    pub fn modes(&self) -> Modes {
        self.rules.iter().map(|(name, wanted)| (name.clone(), wanted.mode)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SimulatedDisk;

    #[test]
    fn what_is_wanted_is_there_after_a_crash() {
        let (disk, folder) = (SimulatedDisk::new(1), Path::new("/state"));
        disk.make_folder(folder).expect("a folder");
        let none = WantedModes::open(&disk, Some(folder)).expect("there is none");
        let wanted = Wanted {
            mode: Mode::Shadow,
            by: "ana".into(),
            comment: String::new(),
            since: Timestamp::default(),
        };
        let two = none
            .with("a", Some(wanted.clone()))
            .with("b", Some(Wanted { mode: Mode::Off, ..wanted.clone() }));
        two.keep(&disk).expect("it is written");
        two.with("b", None).keep(&disk).expect("it is written");
        disk.crash();
        let again = WantedModes::open(&disk, Some(folder)).expect("it can be read");
        assert_eq!((again.of("a"), again.of("b")), (Some(&wanted), None));
        assert_eq!(again.modes(), Modes::from([("a".to_owned(), Mode::Shadow)]));
    }

    #[test]
    fn a_file_that_is_something_else_is_named() {
        let (disk, folder) = (SimulatedDisk::new(1), Path::new("/state"));
        disk.make_folder(folder).expect("a folder");
        disk.create(&folder.join(FILE)).expect("a file").write(0, b"{\"a\": 5}").expect("it is written");
        let error = WantedModes::open(&disk, Some(folder)).expect_err("it is no such file");
        assert!(error.to_string().starts_with("cannot read /state/rule-modes.json, which says"), "{error}");
    }
}
