//! Appends lines to a file that is put aside now and then, by us or by others.
//!
//! What [`Appender`] promises, that a failure leaves no half line, holds over that: lines go into one file as a
//! whole, and a file is put aside between two writes, by giving it another name. If that fails, its lines go on
//! into the file as it is.
//!
//! What is made is its owner's alone, as alerts carry the events that they are about. Whoever has let others read the file has let
//! them read those that take its place.

use std::collections::BTreeSet;
use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use tracing::{info, warn};

use crate::append::Appender;

use super::aside;
use super::rotation::{self, Rotation, State};

/// So long after a file could not be put aside it is not tried again.
const PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// The rights of a new file.
const MODE: u32 = 0o600;

/// Appends to a path.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    rotation: Option<Rotation>,
    appender: Appender,
    /// Which file that is, so that it is noticed when the path is another.
    identity: (u64, u64),
    state: State,
    /// Not to be put aside before.
    paused_until: Timestamp,
}

/// What a write has done besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Nothing.
    Appended,
    /// A file was put aside, which may have to be compressed, and others removed.
    Rotated,
}

impl Writer {
    /// Opens the file, which is made if there is none.
    ///
    /// # Errors
    /// When that is not possible.
    pub fn open(path: &Path, rotation: Option<Rotation>) -> io::Result<Writer> {
        let (file, identity, state) = open(path, &Permissions::from_mode(MODE))?;
        let appender = Appender::new(file);
        let paused_until = Timestamp::MIN;
        Ok(Writer { path: path.to_path_buf(), rotation, appender, identity, state, paused_until })
    }

    /// Appends whole lines, and sees to it that they outlast a loss of power. A file that was moved or removed
    /// meanwhile is made anew.
    ///
    /// # Errors
    /// When they cannot be written; none of them is there then, as far as that is possible. When it is unknown whether
    /// they would outlast a loss of power, they are there.
    pub fn append(&mut self, lines: &[u8], now: Timestamp) -> io::Result<Written> {
        self.follow()?;
        let written =
            if self.rotate_if_due(lines.len() as u64, now) { Written::Rotated } else { Written::Appended };
        self.appender.append(lines)?;
        // What somebody has cut meanwhile is seen by the next look at the file.
        self.state = State { size: self.state.size.saturating_add(lines.len() as u64), written: now };
        synced(self.appender.file().sync_data())?;
        Ok(written)
    }

    /// Opens the path anew when it is no longer the file that is written to: `logrotate` has moved it, perhaps.
    fn follow(&mut self) -> io::Result<()> {
        match std::fs::metadata(&self.path) {
            Ok(data) if (data.dev(), data.ino()) == self.identity => {
                self.state.size = data.len();
                return Ok(());
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        info!(path = %self.path.display(), "the file was moved or removed: appending to a new one");
        self.reopen()
    }

    fn reopen(&mut self) -> io::Result<()> {
        let permissions = self.appender.file().metadata()?.permissions();
        let (file, identity, state) = open(&self.path, &permissions)?;
        self.appender = Appender::new(file);
        self.identity = identity;
        self.state = state;
        Ok(())
    }

    /// Puts the file aside if that is due. Says whether it was.
    fn rotate_if_due(&mut self, more: u64, now: Timestamp) -> bool {
        let is_due = self.rotation.as_ref().is_some_and(|rotation| rotation.is_due(self.state, more, now));
        if !is_due || now < self.paused_until {
            return false;
        }
        let Err(error) = self.rotate(now) else { return true };
        warn!(path = %self.path.display(), %error, "the file cannot be put aside: it goes on growing");
        self.paused_until = now.saturating_add(PAUSE).unwrap_or(Timestamp::MAX);
        false
    }

    /// Puts the file aside and begins a new one. When that cannot be begun, the old one has its name again.
    fn rotate(&mut self, now: Timestamp) -> io::Result<()> {
        let (folder, file) = aside::split(&self.path)?;
        let taken: BTreeSet<String> = aside::names(&folder)?.into_iter().collect();
        let target = folder.join(rotation::name(&file, now, &taken));
        std::fs::rename(&self.path, &target)?;
        if let Err(error) = self.reopen() {
            std::fs::rename(&target, &self.path)?;
            return Err(error);
        }
        Ok(())
    }
}

/// Opens a file, which is made with these rights if there is none.
fn open(path: &Path, permissions: &Permissions) -> io::Result<(File, (u64, u64), State)> {
    let is_new = !path.exists();
    let file = File::options().create(true).mode(MODE).read(true).append(true).open(path)?;
    if is_new {
        file.set_permissions(permissions.clone())?;
    }
    let data = file.metadata()?;
    if is_new && let Ok((folder, _)) = aside::split(path) {
        // That there is such a file is to outlast a loss of power as well as what is in it.
        synced(File::open(folder)?.sync_all())?;
    }
    let written = data.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
    let written = written.unwrap_or(Timestamp::MIN);
    Ok((file, (data.dev(), data.ino()), State { size: data.len(), written }))
}

/// What cannot be synced at all, a pipe or a terminal for example, is as good as it gets.
fn synced(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::read_to_string;
    use std::time::Duration;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).expect("a time")
    }

    fn rotation() -> Rotation {
        Rotation { max_size: Some(10), every: None, keep: 3, compress: false }
    }

    fn files(folder: &Path) -> Vec<String> {
        let mut names = aside::names(folder).expect("it can be read");
        names.sort_unstable();
        names
    }

    #[test]
    fn lines_are_whole_and_in_order_over_rotations() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        let mut writer = Writer::open(&path, Some(rotation())).expect("it opens");
        for number in 0..10 {
            writer.append(format!("{number}\n{number}\n").as_bytes(), at(number)).expect("it is written");
        }
        drop(writer);
        let mut writer = Writer::open(&path, Some(rotation())).expect("it opens");
        writer.append(b"10\n", at(10)).expect("it is written");
        let all: String = files(folder.path())
            .into_iter()
            .skip(1)
            .map(|name| read_to_string(folder.path().join(name)).expect("text"))
            .collect();
        let all = all + &read_to_string(&path).expect("text");
        let expected: String = (0..10).map(|number| format!("{number}\n{number}\n")).collect();
        assert_eq!(all, expected + "10\n");
        assert_eq!(files(folder.path()).len(), 6, "{:?}", files(folder.path()));
    }

    #[test]
    fn what_others_move_or_remove_is_begun_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        let mut writer = Writer::open(&path, None).expect("it opens");
        writer.append(b"one\n", at(0)).expect("it is written");
        std::fs::rename(&path, folder.path().join("a.1")).expect("it is moved");
        writer.append(b"two\n", at(1)).expect("it is written");
        assert_eq!(read_to_string(folder.path().join("a.1")).expect("text"), "one\n");
        std::fs::remove_file(&path).expect("it is removed");
        writer.append(b"three\n", at(2)).expect("it is written");
        // As with `copytruncate`.
        File::options().write(true).open(&path).expect("it is there").set_len(0).expect("it is cut");
        writer.append(b"four\n", at(3)).expect("it is written");
        assert_eq!(read_to_string(&path).expect("text"), "four\n");
    }

    #[test]
    fn files_are_their_owners_and_who_may_read_one_may_read_the_next() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        let mode = || std::fs::metadata(&path).expect("it is there").mode() & 0o777;
        let mut writer = Writer::open(&path, Some(rotation())).expect("it opens");
        writer.append(b"0123456789\n", at(0)).expect("it is written");
        assert_eq!(mode(), 0o600);
        std::fs::set_permissions(&path, Permissions::from_mode(0o664)).expect("it is ours");
        assert_eq!(writer.append(b"rotated\n", at(1)).expect("it is written"), Written::Rotated);
        assert_eq!(mode(), 0o664);
        std::fs::rename(&path, folder.path().join("b")).expect("it is moved");
        writer.append(b"x\n", at(2)).expect("it is written");
        assert_eq!(mode(), 0o664);
        // What is there already stays as it is.
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("it is ours");
        drop(Writer::open(&path, None).expect("it opens"));
        assert_eq!(mode(), 0o640);
    }

    #[test]
    fn half_a_line_stays_in_its_own_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        std::fs::write(&path, "whole\nha").expect("it is written");
        let mut writer = Writer::open(&path, Some(rotation())).expect("it opens");
        writer.append(b"next\n", at(0)).expect("it is written");
        assert_eq!(read_to_string(&path).expect("text"), "next\n");
        assert_eq!(files(folder.path()).len(), 2);
    }

    #[test]
    fn what_cannot_be_put_aside_goes_on_growing_and_is_tried_again() {
        let folder = tempfile::tempdir().expect("a folder");
        // Put aside, its name would be longer than names may be.
        let path = folder.path().join("a".repeat(250));
        let mut writer = Writer::open(&path, Some(rotation())).expect("it opens");
        for number in 0..5 {
            writer.append(b"12345678\n", at(number * 30)).expect("it is written");
        }
        assert_eq!(read_to_string(&path).expect("text"), "12345678\n".repeat(5));
        assert_eq!(files(folder.path()).len(), 1);
        assert_eq!(writer.paused_until, at(150), "tried at 30 and, after the pause, at 90");
    }

    #[test]
    fn what_was_put_aside_is_compressed_and_the_oldest_are_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        let rotation = Rotation { compress: true, every: Some(Duration::from_secs(1)), ..rotation() };
        let mut writer = Writer::open(&path, Some(rotation.clone())).expect("it opens");
        for number in 0..6 {
            writer.append(format!("{number}\n").as_bytes(), at(number)).expect("it is written");
        }
        // A crash has left this.
        let unfinished = folder.path().join("a.2026-11-22T07-30-00Z.gz.partial");
        std::fs::write(&unfinished, "x").expect("it is written");
        aside::tidy(&path, &rotation);
        aside::tidy(&path, &rotation);
        let names = files(folder.path());
        assert_eq!(names.len(), 4, "{names:?}");
        let read = |name: &String| {
            let file = File::open(folder.path().join(name)).expect("it opens");
            io::read_to_string(flate2::read::GzDecoder::new(file)).expect("it is whole")
        };
        assert_eq!(names[1..].iter().map(read).collect::<String>(), "2\n3\n4\n");
    }
}
