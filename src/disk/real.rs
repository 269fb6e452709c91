//! The files of the system.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Access, Disk, DiskFile};

/// Only its owner may read what is kept: records can hold personal data.
const FILE_MODE: u32 = 0o600;
/// The same for folders.
const FOLDER_MODE: u32 = 0o700;

/// The files of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = folder.ancestors().take_while(|above| !exists(above)).collect();
        for folder in missing.into_iter().rev() {
            match fs::DirBuilder::new().mode(FOLDER_MODE).create(folder) {
                // Another has been quicker.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => made?,
            }
            if let Some(parent) = folder.parent() {
                self.sync_folder(parent)?;
            }
        }
        match fs::metadata(folder)?.is_dir() {
            true => Ok(()),
            false => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true).mode(FILE_MODE);
        Ok(Arc::new(options.open(path)?))
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(File::options().read(true).write(access == Access::Write).open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if !entry.file_type()?.is_dir() {
                files.push(entry.path());
            }
        }
        files.sort();
        Ok(files)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(or_here(folder))?.sync_all()
    }

    fn free_space(&self, folder: &Path) -> io::Result<u64> {
        let about = nix::sys::statvfs::statvfs(or_here(folder))?;
        // What is kept for the superuser does not count.
        Ok(about.blocks_available().saturating_mul(about.fragment_size()))
    }
}

/// Whether there is such a folder; the empty path is the one that the process works in.
fn exists(folder: &Path) -> bool {
    or_here(folder).exists()
}

fn or_here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

impl DiskFile for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(out, offset)
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }

    fn sync_data(&self) -> io::Result<()> {
        // Content and what is needed to read it, so the length too, but not the times.
        File::sync_data(self)
    }

    fn try_lock(&self) -> io::Result<bool> {
        match File::try_lock(self) {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn files_are_made_written_renamed_and_removed() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("a/b");
        let disk = RealDisk;
        disk.make_folder(&folder).expect("made");
        disk.make_folder(&folder).expect("it is there");
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode(&folder), FOLDER_MODE);
        let (one, two) = (folder.join("1"), folder.join("2"));
        let file = disk.create(&one).expect("made");
        assert_eq!(mode(&one), FILE_MODE);
        file.write(2, b"abc").expect("written");
        file.sync_data().expect("synced");
        disk.rename(&one, &two).expect("renamed");
        disk.make_folder(&folder.join("0")).expect("made");
        assert_eq!(disk.list(&folder).expect("listed"), std::slice::from_ref(&two));
        let again = disk.open(&two, Access::Read).expect("opened");
        let mut read = [7; 5];
        again.read(0, &mut read).expect("read");
        assert_eq!((again.len().expect("known"), &read), (5, b"\0\0abc"));
        assert_eq!(again.read(1, &mut read).expect_err("it ends").kind(), io::ErrorKind::UnexpectedEof);
        assert!(again.write(0, b"x").is_err(), "it was opened for reading");
        file.set_len(1).expect("cut");
        assert_eq!(again.len().expect("known"), 1);
        assert!(file.try_lock().expect("it has locks"));
        assert!(!again.try_lock().expect("it has locks"));
        drop(file);
        assert!(again.try_lock().expect("it has locks"));
        disk.remove(&two).expect("removed");
        disk.sync_folder(&folder).expect("synced");
        assert_eq!(disk.open(&two, Access::Read).expect_err("gone").kind(), io::ErrorKind::NotFound);
        assert!(disk.free_space(&folder).expect("known") > 0);
    }

    #[test]
    fn a_file_is_no_folder() {
        let place = tempfile::tempdir().expect("a folder");
        let file = place.path().join("file");
        fs::write(&file, "").expect("written");
        assert_eq!(RealDisk.make_folder(&file).expect_err("refused").kind(), io::ErrorKind::NotADirectory);
        assert!(RealDisk.make_folder(&file.join("below")).is_err());
    }
}
