//! A quarantine file that was taken away to be worked on.
//!
//! `NAME` is renamed to `NAME.replaying`, at once, so that a service that runs begins a new file. What
//! has been done with its records is remembered in `NAME.replaying.progress`: the offset, as 20 digits,
//! behind the last record that was dealt with. A crash loses nothing: who comes next finds both files
//! and goes on there; what was dealt with after the last time that the offset was written is dealt with
//! a second time.
//!
//! The lock on `NAME.replaying.progress` lets one program at a time do this.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::file::{MODE, Shared, is_at, settle};
use super::read::Lines;

/// How often another program may remove the progress under our hands.
const TRIES: usize = 16;
/// How the progress is written.
const DIGITS: usize = 20;

/// The file that holds what was taken away from `path`.
pub fn replaying(path: &Path) -> PathBuf {
    with_suffix(path, ".replaying")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// The lines of a file.
pub type FileLines = Lines<BufReader<io::Take<File>>>;

/// A file that was taken away.
#[derive(Debug)]
pub struct Taken {
    file: File,
    path: PathBuf,
    /// Where it was taken from.
    from: PathBuf,
    progress: Progress,
    offset: u64,
    resumed: bool,
}

/// Why it cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// Another program has it.
    #[error("another `tripline quarantine` works on `{}` at this moment; wait until it has ended", .0.display())]
    Busy(PathBuf),
    /// The system refuses.
    #[error("cannot take `{}` away to work on it: {error}", path.display())]
    System {
        /// The file.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
}

/// The lines of the file at `path`, without taking it; before them those that remain of what was taken
/// away earlier by someone who did not come to the end.
///
/// # Errors
/// When a file that is there cannot be read.
pub fn peek(path: &Path) -> io::Result<Vec<FileLines>> {
    let from = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let away = replaying(&from);
    let mut found = Vec::new();
    if let Some(file) = open_if_there(&away)? {
        let progress = open_if_there(&with_suffix(&away, ".progress"))?;
        let offset = progress.map_or(Ok(0), |progress| read_offset(&progress, &file))?;
        found.push(lines_from(file, offset)?);
    }
    if let Some(file) = open_if_there(&from)? {
        found.push(lines_from(file, 0)?);
    }
    Ok(found)
}

fn open_if_there(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The lines that are in the file now, from an offset on.
fn lines_from(mut file: File, offset: u64) -> io::Result<FileLines> {
    // What is being appended at this moment is whole then; without locks half a line may be seen.
    let _ = settle(&file);
    let length = file.metadata()?.len();
    let before = count_lines(&mut file.try_clone()?.take(offset))?;
    file.seek(SeekFrom::Start(offset))?;
    Ok(Lines::new(BufReader::new(file.take(length.saturating_sub(offset))), offset, before))
}

impl Taken {
    /// Takes the file at `path` away, or goes on with one that was taken away before. `None` when there
    /// is none.
    ///
    /// # Errors
    /// When another program works on it, or the system refuses.
    pub fn take(path: &Path) -> Result<Option<Taken>, TakeError> {
        let system = |error| TakeError::System { path: path.to_path_buf(), error };
        // What a link leads to is taken, and the link stays.
        let from = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let away = replaying(&from);
        if fs::metadata(&from).is_ok_and(|data| !data.is_file()) {
            return Err(system(io::Error::other("it is not a regular file")));
        }
        let Some(progress) = Progress::lock(with_suffix(&away, ".progress")).map_err(system)? else {
            return Err(TakeError::Busy(path.to_path_buf()));
        };
        let resumed = away.try_exists().map_err(system)?;
        if !resumed {
            progress.write(0).map_err(system)?;
            match fs::rename(&from, &away) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    progress.remove().map_err(system)?;
                    return Ok(None);
                }
                done => done.map_err(system)?,
            }
        }
        let file = File::open(&away).map_err(system)?;
        settle(&file).map_err(system)?;
        let offset = if resumed { read_offset(&progress.file, &file).map_err(system)? } else { 0 };
        Ok(Some(Taken { file, path: away, from, progress, offset, resumed }))
    }

    /// Where it is now.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it was taken away before and someone did not come to the end.
    pub fn was_resumed(&self) -> bool {
        self.resumed
    }

    /// The lines that have not been dealt with, each numbered as in the whole file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn lines(&self) -> io::Result<FileLines> {
        lines_from(File::open(&self.path)?, self.offset)
    }

    /// The file that it was taken from, to append to; a new one will belong to whom this one belongs to.
    ///
    /// # Errors
    /// When the system does not say whom it belongs to.
    pub fn origin(&self) -> io::Result<Shared> {
        let data = self.file.metadata()?;
        Ok(Shared::new(&self.from).owned_by(data.uid(), data.gid()))
    }

    /// Everything before `offset` has been dealt with.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn advance(&mut self, offset: u64) -> io::Result<()> {
        self.offset = offset;
        self.progress.write(offset)
    }

    /// Everything has been dealt with: removes the file.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn finish(self) -> io::Result<()> {
        fs::remove_file(&self.path)?;
        self.progress.remove()
    }

    /// Puts back what has not been dealt with.
    ///
    /// # Errors
    /// When the system refuses; everything is still there then, and the next [`Taken::take`] goes on.
    pub fn put_back(mut self) -> io::Result<()> {
        // As a whole, if nothing was done with it and no new file has been begun. Unlike a renaming, a
        // link never replaces a file that someone has made meanwhile.
        if self.offset == 0 && fs::hard_link(&self.path, &self.from).is_ok() {
            return self.finish();
        }
        let mut origin = self.origin()?;
        for line in self.lines()? {
            let mut line = line?;
            line.bytes.push(b'\n');
            origin.append(&line.bytes, u64::MAX)?;
            // Not each line by itself: it would take long, and only a crash would make it worthwhile.
            self.offset = line.end;
        }
        origin.sync()?;
        self.finish()
    }
}

fn count_lines(bytes: &mut impl Read) -> io::Result<u64> {
    let mut buffer = vec![0; 64 << 10];
    let mut lines = 0;
    loop {
        match bytes.read(&mut buffer) {
            Ok(0) => return Ok(lines),
            Ok(count) => lines += buffer[..count].iter().filter(|byte| **byte == b'\n').count() as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// How far the work has come, and the lock on it.
#[derive(Debug)]
struct Progress {
    file: File,
    path: PathBuf,
}

impl Progress {
    /// `None` when another program has it.
    fn lock(path: PathBuf) -> io::Result<Option<Progress>> {
        for _ in 0..TRIES {
            let mut options = File::options();
            let file = options.read(true).write(true).create(true).truncate(false).mode(MODE).open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // Whoever had it has removed it when the work was done; a lock on that is worth nothing.
            if is_at(&file, &path) {
                return Ok(Some(Progress { file, path }));
            }
        }
        Ok(None)
    }

    fn write(&self, offset: u64) -> io::Result<()> {
        // Always as long, so that writing over the older number leaves nothing of it.
        self.file.write_all_at(format!("{offset:0DIGITS$}\n").as_bytes(), 0)
    }

    fn remove(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

/// The offset in `progress`; 0 when it cannot be read or is not where a line of `file` begins.
fn read_offset(progress: &File, file: &File) -> io::Result<u64> {
    let mut text = [0; DIGITS];
    if progress.read_exact_at(&mut text, 0).is_err() {
        return Ok(0);
    }
    let offset = std::str::from_utf8(&text).ok().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let length = file.metadata()?.len();
    if offset == 0 || offset >= length {
        return Ok(if offset == length { offset } else { 0 });
    }
    let mut last = [0];
    file.read_exact_at(&mut last, offset - 1)?;
    Ok(if last == [b'\n'] { offset } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        folder: tempfile::TempDir,
        path: PathBuf,
    }

    impl Bench {
        fn new(text: &str) -> Bench {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("q");
            fs::write(&path, text).expect("a file");
            Bench { folder, path }
        }

        fn take(&self) -> Taken {
            Taken::take(&self.path).expect("it can be taken").expect("it is there")
        }

        fn files(&self) -> Vec<String> {
            let entries = fs::read_dir(self.folder.path()).expect("a folder");
            let names = entries.map(|entry| entry.expect("a file").file_name());
            let mut names: Vec<_> = names.map(|name| name.into_string().expect("text")).collect();
            names.sort();
            names
        }

        fn read(&self) -> String {
            fs::read_to_string(&self.path).expect("text")
        }
    }

    fn rest(taken: &Taken) -> Vec<(u64, u64)> {
        let lines = taken.lines().expect("a file").map(|line| line.expect("a line"));
        lines.map(|line| (line.number, line.end)).collect()
    }

    #[test]
    fn nothing_is_left_of_what_was_dealt_with() {
        let bench = Bench::new("a\nb\n");
        let mut taken = bench.take();
        assert!(!taken.was_resumed());
        assert_eq!(bench.files(), ["q.replaying", "q.replaying.progress"]);
        assert_eq!(rest(&taken), [(1, 2), (2, 4)]);
        taken.advance(4).expect("noted");
        taken.finish().expect("removed");
        assert_eq!(bench.files(), [] as [&str; 0]);
        assert!(Taken::take(&bench.path).expect("no error").is_none());
        assert_eq!(bench.files(), [] as [&str; 0]);
    }

    #[test]
    fn who_comes_after_a_crash_goes_on_where_it_happened() {
        let bench = Bench::new("a\nb\nc");
        let mut taken = bench.take();
        taken.advance(2).expect("noted");
        drop(taken);
        fs::write(&bench.path, "new\n").expect("a file");
        let mut taken = bench.take();
        assert!(taken.was_resumed());
        assert_eq!(rest(&taken), [(2, 4), (3, 5)]);
        taken.advance(5).expect("noted");
        drop(taken);
        let taken = bench.take();
        assert_eq!(rest(&taken), []);
        taken.finish().expect("removed");
        assert_eq!(bench.read(), "new\n");
    }

    #[test]
    fn progress_that_cannot_be_right_means_from_the_beginning() {
        for progress in ["", "nonsense", "00000000000000000003\n", "99999999999999999999\n"] {
            let bench = Bench::new("a\nb\nc\n");
            drop(bench.take());
            fs::write(bench.folder.path().join("q.replaying.progress"), progress).expect("a file");
            assert_eq!(rest(&bench.take()).len(), 3, "{progress}");
        }
    }

    #[test]
    fn one_program_at_a_time_works_on_it() {
        let bench = Bench::new("a\n");
        let taken = bench.take();
        assert!(matches!(Taken::take(&bench.path), Err(TakeError::Busy(_))));
        drop(taken);
        bench.take();
    }

    #[test]
    fn what_is_put_back_is_there_again() {
        let bench = Bench::new("a\nb\n");
        bench.take().put_back().expect("put back");
        assert_eq!((bench.files(), bench.read()), (vec!["q".to_owned()], "a\nb\n".to_owned()));

        let mut taken = bench.take();
        taken.advance(2).expect("noted");
        taken.put_back().expect("put back");
        assert_eq!((bench.files(), bench.read()), (vec!["q".to_owned()], "b\n".to_owned()));

        let taken = bench.take();
        fs::write(&bench.path, "new\n").expect("a file");
        taken.put_back().expect("put back");
        assert_eq!((bench.files(), bench.read()), (vec!["q".to_owned()], "new\nb\n".to_owned()));
    }

    #[test]
    fn a_folder_is_not_taken() {
        let bench = Bench::new("");
        assert!(matches!(Taken::take(bench.folder.path()), Err(TakeError::System { .. })));
        assert_eq!(bench.files(), ["q"]);
    }

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_taken() {
        let bench = Bench::new("a\n");
        let link = bench.folder.path().join("link");
        std::os::unix::fs::symlink(&bench.path, &link).expect("a link");
        let taken = Taken::take(&link).expect("no error").expect("it is there");
        let mut shared = Shared::new(&link);
        shared.append(b"b\n", 100).expect("appended through the link");
        taken.put_back().expect("put back");
        assert_eq!(bench.read(), "b\na\n");
        assert_eq!(bench.files(), ["link", "q"]);
    }
}
