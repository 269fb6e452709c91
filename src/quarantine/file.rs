//! The file as several programs share it.
//!
//! The service appends to it while `tripline quarantine replay`, or a program that rotates files, may
//! move it away. Who appends holds a lock on the file and looks, under the lock, whether the file still
//! has its name; otherwise it begins a new one. Who has moved the file away takes the lock once
//! ([`settle`]): from then on nothing is added to it. Where a file system has no locks, this goes on
//! without.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::append::Appender;

/// Only its owner may read it: records can hold personal data.
pub const MODE: u32 = 0o600;
/// How often the file may be moved away under our hands before that is taken for a failure.
const TRIES: usize = 16;

/// A file that lines are appended to, wherever the one with its name is at that time.
#[derive(Debug)]
pub struct Shared {
    path: PathBuf,
    appender: Option<Appender>,
    /// The owner that a new file gets, by user and group; otherwise who runs the program.
    owner: Option<(u32, u32)>,
}

/// What came of appending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// How many bytes of the lines were written; the rest would have made the file too large.
    pub bytes: usize,
    /// The size of the file now.
    pub size: u64,
}

impl Shared {
    /// The file at `path`; it is opened, and made if there is none, when something is appended.
    pub fn new(path: &Path) -> Shared {
        Shared { path: path.to_path_buf(), appender: None, owner: None }
    }

    /// The same, but a new file will belong to this user and group, if that is allowed.
    pub fn owned_by(self, user: u32, group: u32) -> Shared {
        Shared { owner: Some((user, group)), ..self }
    }

    /// Appends whole lines: as many of the first ones as the file can take without growing larger
    /// than `max_size`.
    ///
    /// # Errors
    /// When the file cannot be opened or written; nothing has been appended then, if that is possible.
    pub fn append(&mut self, lines: &[u8], max_size: u64) -> io::Result<Appended> {
        let mut appender = self.locked()?;
        let written = appender.file().metadata().map(|data| data.len()).and_then(|size| {
            let bytes = whole_lines(lines, max_size.saturating_sub(size));
            if bytes > 0 {
                appender.append(&lines[..bytes])?;
            }
            Ok(Appended { bytes, size: size + bytes as u64 })
        });
        let _ = appender.file().unlock();
        if written.is_ok() {
            self.appender = Some(appender);
        }
        written
    }

    /// Makes what was appended outlast a loss of power.
    ///
    /// # Errors
    /// When the system cannot.
    pub fn sync(&self) -> io::Result<()> {
        self.appender.as_ref().map_or(Ok(()), |appender| appender.file().sync_data())
    }

    /// The file with its name, under a lock.
    fn locked(&mut self) -> io::Result<Appender> {
        for _ in 0..TRIES {
            let appender = match self.appender.take() {
                Some(appender) if is_at(appender.file(), &self.path) => appender,
                _ => Appender::new(self.open()?),
            };
            lock(appender.file())?;
            if is_at(appender.file(), &self.path) {
                return Ok(appender);
            }
            let _ = appender.file().unlock();
        }
        Err(io::Error::other("it is moved away again and again"))
    }

    fn open(&self) -> io::Result<File> {
        let options = || {
            let mut options = File::options();
            options.read(true).append(true).mode(MODE);
            options
        };
        match options().create_new(true).open(&self.path) {
            Ok(file) => {
                if let Some((user, group)) = self.owner {
                    // Who may not give files away keeps it.
                    let _ = std::os::unix::fs::fchown(&file, Some(user), Some(group));
                }
                Ok(file)
            }
            // A link that leads nowhere exists, and its target is made.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                options().create(true).open(&self.path)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether the file has this name.
pub fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

/// Waits until what others append to a file that was moved away is in it. They append nothing more.
///
/// # Errors
/// When the system cannot lock it for another reason than that it has no locks.
pub fn settle(file: &File) -> io::Result<()> {
    lock(file)?;
    let _ = file.unlock();
    Ok(())
}

fn lock(file: &File) -> io::Result<()> {
    loop {
        match file.lock() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(()),
            done => return done,
        }
    }
}

/// How many bytes the first whole lines have that together take no more than `room`.
fn whole_lines(lines: &[u8], room: u64) -> usize {
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if lines.len() <= room {
        return lines.len();
    }
    lines[..room].iter().rposition(|byte| *byte == b'\n').map_or(0, |feed| feed + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn read(path: &Path) -> String {
        fs::read_to_string(path).expect("text")
    }

    #[test]
    fn a_file_that_was_moved_away_is_begun_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, away) = (folder.path().join("q"), folder.path().join("q.1"));
        let mut shared = Shared::new(&path);
        assert_eq!(shared.append(b"1\n", 100).expect("appended"), Appended { bytes: 2, size: 2 });
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, MODE);
        fs::rename(&path, &away).expect("moved");
        assert_eq!(shared.append(b"2\n", 100).expect("appended"), Appended { bytes: 2, size: 2 });
        shared.append(b"3\n", 100).expect("appended");
        assert_eq!((read(&away), read(&path)), ("1\n".into(), "2\n3\n".into()));
        fs::remove_file(&path).expect("removed");
        shared.append(b"4\n", 100).expect("appended");
        assert_eq!(read(&path), "4\n");
    }

    #[test]
    fn no_more_lines_are_written_than_fit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("q");
        let mut shared = Shared::new(&path);
        assert_eq!(shared.append(b"1234\n1234\n", 8).expect("appended"), Appended { bytes: 5, size: 5 });
        assert_eq!(shared.append(b"1234\n", 8).expect("appended"), Appended { bytes: 0, size: 5 });
        assert_eq!(shared.append(b"12\n", 8).expect("appended"), Appended { bytes: 3, size: 8 });
        // Someone has cut it.
        File::options().write(true).open(&path).expect("a file").set_len(5).expect("cut");
        assert_eq!(shared.append(b"ab\n", 8).expect("appended"), Appended { bytes: 3, size: 8 });
        assert_eq!(read(&path), "1234\nab\n");
    }

    #[test]
    fn a_failure_is_told_and_the_next_try_may_succeed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("gone/q");
        let mut shared = Shared::new(&path);
        assert!(shared.append(b"1\n", 100).is_err());
        fs::create_dir(folder.path().join("gone")).expect("a folder");
        shared.append(b"1\n", 100).expect("appended");
        assert_eq!(read(&path), "1\n");
    }

    /// However often the file is taken away meanwhile, every line is in one of the files by the time
    /// that they are settled.
    #[test]
    fn nothing_is_appended_to_a_file_that_was_moved_and_settled() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("q");
        let lines: usize = 2_000;
        let writer = std::thread::spawn({
            let mut shared = Shared::new(&path);
            move || {
                for number in 0..lines {
                    shared.append(format!("{number}\n").as_bytes(), u64::MAX).expect("appended");
                }
            }
        });
        let away = folder.path().join("away");
        let mut seen = String::new();
        loop {
            let done = writer.is_finished();
            if fs::rename(&path, &away).is_ok() {
                settle(&File::open(&away).expect("a file")).expect("settled");
                seen += &read(&away);
                fs::remove_file(&away).expect("removed");
            }
            if done {
                break;
            }
        }
        writer.join().expect("no panic");
        assert!(seen.lines().eq((0..lines).map(|number| number.to_string()).collect::<Vec<_>>()));
    }
}
