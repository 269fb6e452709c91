//! Alerts into a file, a line each, appended; the file is put aside when it is large or old.

mod aside;
pub mod rotation;
mod writer;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::task::JoinHandle;

use crate::outbox::Outgoing;

use super::lines::{self, Form};
use super::{Attempt, DeliveryError, Sink};
use rotation::Rotation;

pub use aside::tidy;
pub use writer::{Writer, Written};

/// What a sink for a file is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The file; it is made if there is none.
    pub path: PathBuf,
    /// What a line is.
    pub form: Form,
    /// When it is put aside, if it is.
    pub rotation: Option<Rotation>,
}

/// Appends alerts to a file.
pub struct FileSink {
    settings: Settings,
    writer: Arc<Mutex<Writer>>,
    tidying: Mutex<Tidying>,
}

/// What compresses and removes what was put aside.
struct Tidying {
    /// One at a time.
    task: Option<JoinHandle<()>>,
    /// Whether there is something for it to do.
    is_due: bool,
}

/// The file cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot open `{}` to append alerts: {error}", path.display())]
pub struct FileError {
    path: PathBuf,
    error: io::Error,
}

impl FileSink {
    /// Opens the file, which is made if there is none.
    ///
    /// # Errors
    /// When that is not possible.
    pub fn open(settings: &Settings) -> Result<FileSink, FileError> {
        let writer = Writer::open(&settings.path, settings.rotation.clone())
            .map_err(|error| FileError { path: settings.path.clone(), error })?;
        // An earlier service may have left something to be tidied up.
        let tidying = Mutex::new(Tidying { task: None, is_due: settings.rotation.is_some() });
        Ok(FileSink { settings: settings.clone(), writer: Arc::new(Mutex::new(writer)), tidying })
    }

    /// Begins to tidy up if there is something, and nobody does it yet. Alerts do not wait for it.
    fn tidy(&self, is_due: bool) {
        let Some(rotation) = &self.settings.rotation else { return };
        let mut tidying = self.tidying.lock().unwrap_or_else(PoisonError::into_inner);
        tidying.is_due |= is_due;
        if !tidying.is_due || tidying.task.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        let (path, rotation) = (self.settings.path.clone(), rotation.clone());
        tidying.task = Some(tokio::task::spawn_blocking(move || aside::tidy(&path, &rotation)));
        tidying.is_due = false;
    }
}

impl Sink for FileSink {
    fn most(&self) -> usize {
        lines::MOST
    }

    async fn deliver(&self, alerts: &[Arc<Outgoing>]) -> Attempt {
        let most = self.settings.rotation.as_ref().and_then(|rotation| rotation.max_size);
        let pieces = lines::pieces(alerts, self.settings.form, most.unwrap_or(u64::MAX));
        let writer = Arc::clone(&self.writer);
        let written = tokio::task::spawn_blocking(move || write(&writer, &pieces)).await;
        let (delivered, has_rotated, result) =
            written.unwrap_or_else(|error| (0, false, Err(io::Error::other(error))));
        self.tidy(has_rotated);
        Attempt { delivered, failure: result.err().map(DeliveryError::Write) }
    }
}

/// Appends the pieces in their order. Gives how many lines are there, whether a file was put aside, and why that are not
/// all lines.
fn write(writer: &Mutex<Writer>, pieces: &[(usize, Vec<u8>)]) -> (usize, bool, io::Result<()>) {
    let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut delivered, mut has_rotated) = (0, false);
    for (count, piece) in pieces {
        match writer.append(piece, Timestamp::now()) {
            Ok(written) => has_rotated |= written == Written::Rotated,
            Err(error) => return (delivered, has_rotated, Err(error)),
        }
        delivered += count;
    }
    (delivered, has_rotated, Ok(()))
}
