//! The lock that keeps a second process out, and says which process has it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::disk::{Access, Disk, DiskFile};

use super::error::StoreError;

/// The file that is locked.
pub const FILE: &str = "lock";
/// No number of a process is longer.
const LONGEST: u64 = 20;

/// Locks a folder until what is returned is dropped.
///
/// # Errors
/// When another process has it, or the file cannot be made or written.
pub fn take(disk: &dyn Disk, folder: &Path) -> Result<Arc<dyn DiskFile>, StoreError> {
    let path = folder.join(FILE);
    let opened = match disk.open(&path, Access::Write) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            disk.create(&path).map_err(StoreError::disk("create", &path))
        }
        opened => opened.map_err(StoreError::disk("open for writing", &path)),
    };
    held(opened?, folder, &path)
}

/// Locks a folder whose store is not to be changed; nothing if it never was a store's.
///
/// # Errors
/// When another process has it, or the file cannot be read.
pub fn take_to_read(disk: &dyn Disk, folder: &Path) -> Result<Option<Arc<dyn DiskFile>>, StoreError> {
    let path = folder.join(FILE);
    // If it may be written, it says who has it.
    match disk.open(&path, Access::Write).or_else(|_| disk.open(&path, Access::Read)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => held(opened.map_err(StoreError::disk("open", &path))?, folder, &path).map(Some),
    }
}

fn held(file: Arc<dyn DiskFile>, folder: &Path, path: &Path) -> Result<Arc<dyn DiskFile>, StoreError> {
    if !file.try_lock().map_err(StoreError::disk("lock", path))? {
        return Err(StoreError::InUse { folder: folder.to_path_buf(), process: process(&*file) });
    }
    // The number is there for people. That there is no room for it, say, stops nobody.
    let number = format!("{}\n", std::process::id());
    let _ = file.write(0, number.as_bytes()).and_then(|()| file.set_len(number.len() as u64));
    Ok(file)
}

/// The number that a lock file says.
fn process(file: &dyn DiskFile) -> Option<u32> {
    let len = file.len().ok().filter(|len| *len <= LONGEST)?;
    let mut bytes = vec![0; usize::try_from(len).ok()?];
    file.read(0, &mut bytes).ok()?;
    std::str::from_utf8(&bytes).ok()?.trim().parse().ok()
}
