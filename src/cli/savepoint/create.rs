//! `tripline savepoint create`

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::api::client::Client;
use crate::cli::Misuse;
use crate::cli::output::{self, grouped};
use crate::cli::place::{self, Place};
use crate::runtime::clock::SystemClock;
use crate::runtime::savepoints::{self, Saved};
use crate::source::Clock;
use crate::store::write_savepoint;

use super::{Meant, absolute, size};

/// Keep the state as it is now
///
/// Asks the service that runs, which goes on meanwhile; when none runs, takes the state of its last checkpoint.
#[derive(Debug, clap::Args)]
pub struct Create {
    /// The name, or a file to be made; without it, the name is the time
    #[arg(value_name = "NAME|FILE")]
    name: Option<String>,

    #[command(flatten)]
    place: Place,

    /// Write a JSON object instead of a sentence
    #[arg(long)]
    json: bool,
}

impl Create {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let meant = match &self.name {
            Some(text) => Meant::of(text)?,
            None => Meant::Name(savepoints::name_of(SystemClock.now())),
        };
        let state = self.place.folder()?;
        let file = absolute(&meant.file(|| Ok(state.clone()))?);
        if file.exists() {
            return Err(Misuse(format!("`{}` is there already; choose another name", file.display())).into());
        }
        let saved = match place::service(&state)? {
            Some(service) => by_service(&service, &state, &meant, &file)?,
            None => from_store(&state, &meant, &file)?,
        };
        if self.json {
            output::print_json(&saved)?;
        } else {
            output::print(&describe(&saved))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Has the service make it. It writes into its own folder only; what is wanted elsewhere is moved there.
fn by_service(service: &Client, state: &Path, meant: &Meant, file: &Path) -> anyhow::Result<Saved> {
    match meant {
        Meant::Name(name) => {
            let saved = place::block_on(service.savepoint(Some(name)))??;
            // It may call its folder by another path.
            Ok(Saved { file: file.to_path_buf(), ..saved })
        }
        Meant::File(_) => {
            let name = format!("{}-{}", savepoints::name_of(SystemClock.now()), std::process::id());
            let saved = place::block_on(service.savepoint(Some(&name)))??;
            let made = savepoints::file(&savepoints::folder(state), &saved.name);
            move_to(&made, file).with_context(|| {
                let (made, file) = (made.display(), file.display());
                format!("the savepoint was made as {made} and cannot be moved to {file}")
            })?;
            Ok(Saved { name: file.display().to_string(), file: file.to_path_buf(), ..saved })
        }
    }
}

/// Takes it from the state that no service uses.
fn from_store(state: &Path, meant: &Meant, file: &Path) -> anyhow::Result<Saved> {
    let snapshot = place::stopped(state)?;
    let disk = place::disk();
    match meant {
        Meant::Name(name) => {
            let saved = savepoints::write(&*disk, &savepoints::folder(state), name, &snapshot)?;
            Ok(Saved { file: file.to_path_buf(), ..saved })
        }
        Meant::File(_) => {
            let info = write_savepoint(&*disk, file, &snapshot)?;
            Ok(Saved::new(file.display().to_string(), &info))
        }
    }
}

/// Moves a file, also to another file system; it has its name there when it is whole and on the disk.
fn move_to(from: &Path, to: &Path) -> io::Result<()> {
    // A link is made only where there is no such file yet.
    if fs::hard_link(from, to).is_err() {
        let mut name = to.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let new = to.with_file_name(name);
        let copied = fs::copy(from, &new)
            .and_then(|_| File::open(&new)?.sync_all())
            .and_then(|()| fs::hard_link(&new, to).or_else(|_| fs::rename(&new, to)));
        // After a rename it is not there any more.
        let _ = fs::remove_file(&new);
        copied?;
    }
    if let Some(folder) = to.parent() {
        File::open(folder)?.sync_all()?;
    }
    fs::remove_file(from)
}

fn describe(saved: &Saved) -> String {
    let Saved { name, file, bytes, time, checkpoint } = saved;
    let mut text = format!("saved `{name}`: the state of {time}, checkpoint {}\n", grouped(*checkpoint));
    text.push_str(&format!("{}, {}\n", file.display(), size(*bytes)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_moved_and_never_over_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a"), "1").expect("a file");
        move_to(&path("a"), &path("b")).expect("it can be moved");
        assert_eq!(
            (path("a").exists(), fs::read_to_string(path("b")).expect("it is there")),
            (false, "1".into())
        );
    }
}
