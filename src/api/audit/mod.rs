//! The audit log: a record of everything that somebody has changed, or was allowed to change and could not.
//!
//! Enters: what was done by whom, and what came of it. Leaves: a line of JSON for each in a file that is put aside when it is
//! large, and the same in the log of the service under the target `audit`. A disk that fails keeps nobody from acting: the record
//! stands in the log of the service then.

mod record;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::task::spawn_blocking;
use tracing::{error, info};

use crate::config::AuditSettings;
use crate::sink::file::rotation::Rotation;
use crate::sink::file::{Writer, Written, tidy};

pub use record::{Begun, Record};

/// Keeps records. Clones are the same.
#[derive(Clone)]
pub struct Audit(Option<Arc<Log>>);

struct Log {
    path: PathBuf,
    rotation: Rotation,
    writer: Mutex<Writer>,
}

/// The file cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the audit log `{}`, which `api.audit.file` names: {error}", path.display())]
pub struct AuditError {
    path: PathBuf,
    error: io::Error,
}

impl Audit {
    /// Into the file of these settings; without them, into the log of the service alone.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(settings: Option<&AuditSettings>) -> Result<Audit, AuditError> {
        let Some(AuditSettings { file, rotate_size, keep }) = settings else { return Ok(Audit(None)) };
        let rotation = Rotation { max_size: Some(*rotate_size), every: None, keep: *keep, compress: false };
        let cannot = |error| AuditError { path: file.clone(), error };
        let writer = Mutex::new(Writer::open(file, Some(rotation.clone())).map_err(cannot)?);
        Ok(Audit(Some(Arc::new(Log { path: file.clone(), rotation, writer }))))
    }

    /// Keeps a record. When it returns, the record would outlast a loss of power, or the log says that it would not.
    pub async fn keep(&self, record: Record) {
        let line = logged(&record);
        let Some(log) = self.0.clone() else { return };
        let path = log.path.clone();
        let written = spawn_blocking(move || log.write(line.as_bytes()));
        report(&path, written.await.unwrap_or_else(|error| Err(io::Error::other(error))));
    }

    /// The same, while this thread waits: for what is seldom, and found where nothing can be awaited.
    pub fn keep_here(&self, record: &Record) {
        let line = logged(record);
        if let Some(log) = &self.0 {
            report(&log.path, log.write(line.as_bytes()));
        }
    }
}

/// Tells the log of the service, and gives the line.
fn logged(record: &Record) -> String {
    let line = record.line();
    info!(target: "audit", record = %line.trim_end(), "{record}");
    line
}

fn report(path: &Path, written: io::Result<()>) {
    if let Err(error) = written {
        let path = path.display();
        error!(target: "audit", %path, %error, "a record cannot be written to the audit log; it stands in this log alone");
    }
}

impl Log {
    fn write(&self, line: &[u8]) -> io::Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let written = writer.append(line, Timestamp::now())?;
        if written == Written::Rotated {
            tidy(&self.path, &self.rotation);
        }
        Ok(())
    }
}
