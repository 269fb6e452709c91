//! Alerts into a file, one JSON object a line, appended.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::append::Appender;
use crate::outbox::Outgoing;

use super::lines;
use super::{Attempt, DeliveryError, Sink};

/// Appends alerts to a file.
pub struct FileSink {
    appender: Arc<Mutex<Appender>>,
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
    pub fn open(path: &Path) -> Result<FileSink, FileError> {
        let file = File::options()
            .create(true)
            .read(true)
            .append(true)
            .open(path)
            .map_err(|error| FileError { path: path.to_path_buf(), error })?;
        Ok(FileSink { appender: Arc::new(Mutex::new(Appender::new(file))) })
    }
}

impl Sink for FileSink {
    fn most(&self) -> usize {
        lines::MOST
    }

    async fn deliver(&self, alerts: &[Arc<Outgoing>]) -> Attempt {
        let appender = Arc::clone(&self.appender);
        let lines = lines::lines(alerts);
        let written = tokio::task::spawn_blocking(move || {
            appender.lock().unwrap_or_else(PoisonError::into_inner).append(&lines)
        });
        match written.await.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(()) => Attempt::all(alerts.len()),
            Err(error) => Attempt { delivered: 0, failure: Some(DeliveryError::Write(error)) },
        }
    }
}
