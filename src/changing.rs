//! A file whose meaning is kept, and read again when the file has changed.
//!
//! Enters: a path, and how its bytes are read. Leaves: what it means now. A file that cannot be read any more, as while it
//! is being replaced, leaves what it meant before; whoever looks is told why.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What tells, without reading a file, that it is another one or holds something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    /// Its bytes.
    pub size: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    /// The same of its last change of any kind; tools that copy times cannot set it.
    changed: (i64, i64),
}

impl Stamp {
    /// Of a file of which this is known.
    pub fn of(metadata: &Metadata) -> Stamp {
        Stamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// A file that is looked at again and again.
pub struct Changing<T: ?Sized> {
    path: PathBuf,
    /// The most bytes that it may have.
    most: u64,
    read: fn(&[u8]) -> Result<Arc<T>, String>,
    last: Mutex<Last<T>>,
}

/// What was found when it was last looked at.
struct Last<T: ?Sized> {
    /// What was read, and what the file looked like then.
    value: Option<(Stamp, Arc<T>)>,
    /// Why it cannot be read, if it cannot.
    trouble: Option<Arc<str>>,
}

/// What a file means, and what has become of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Look<T: ?Sized> {
    /// It is as it was.
    Same(Arc<T>),
    /// It was read, for the first time or again.
    Read {
        /// What it means.
        value: Arc<T>,
        /// What it meant before; nothing the first time.
        before: Option<Arc<T>>,
    },
    /// It cannot be read any more; this is what it meant before.
    Kept {
        /// What it meant.
        value: Arc<T>,
        /// Why it cannot be read.
        why: Arc<str>,
        /// Whether that is found now for the first time.
        is_news: bool,
    },
}

impl<T: ?Sized> Look<T> {
    /// What the file means, or meant.
    pub fn into_value(self) -> Arc<T> {
        match self {
            Look::Same(value) | Look::Read { value, .. } | Look::Kept { value, .. } => value,
        }
    }
}

impl<T: ?Sized> Changing<T> {
    /// A file of at most so many bytes, which are read so.
    pub fn new(path: PathBuf, most: u64, read: fn(&[u8]) -> Result<Arc<T>, String>) -> Changing<T> {
        Changing { path, most, read, last: Mutex::new(Last { value: None, trouble: None }) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it means now.
    ///
    /// # Errors
    /// When it cannot be read and never could; it says why.
    pub fn look(&self) -> Result<Look<T>, String> {
        let mut last = self.lock();
        match self.read_if_changed(last.value.as_ref().map(|(stamp, _)| *stamp)) {
            Ok(Some((stamp, value))) => {
                let now = Last { value: Some((stamp, Arc::clone(&value))), trouble: None };
                let before = std::mem::replace(&mut *last, now).value.map(|(_, before)| before);
                Ok(Look::Read { value, before })
            }
            Ok(None) => {
                last.trouble = None;
                let (_, value) = last.value.as_ref().expect("it has not changed since it was read");
                Ok(Look::Same(Arc::clone(value)))
            }
            Err(why) => {
                let is_news = last.trouble.as_deref() != Some(&why);
                let why: Arc<str> = why.into();
                last.trouble = Some(Arc::clone(&why));
                match &last.value {
                    Some((_, value)) => Ok(Look::Kept { value: Arc::clone(value), why, is_news }),
                    None => Err(why.to_string()),
                }
            }
        }
    }

    /// The file, if it is not as it was known.
    fn read_if_changed(&self, known: Option<Stamp>) -> Result<Option<(Stamp, Arc<T>)>, String> {
        let metadata = std::fs::metadata(&self.path).map_err(say)?;
        // To open something else, a pipe for example, could take for ever.
        if !metadata.is_file() {
            return Err("it is no file".into());
        }
        if known == Some(Stamp::of(&metadata)) {
            return Ok(None);
        }
        let (stamp, bytes) = read(&self.path, self.most).map_err(say)?;
        if bytes.len() as u64 > self.most {
            return Err(format!("it is larger than {} KiB", self.most >> 10));
        }
        (self.read)(&bytes).map(|value| Some((stamp, value)))
    }

    fn lock(&self) -> MutexGuard<'_, Last<T>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where it is, and not what it means.
impl<T: ?Sized> fmt::Debug for Changing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Changing({})", self.path.display())
    }
}

fn read(path: &Path, most: u64) -> io::Result<(Stamp, Vec<u8>)> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    // Taken before it is read: what is written meanwhile is seen the next time.
    let stamp = Stamp::of(&file.metadata()?);
    file.take(most + 1).read_to_end(&mut bytes)?;
    Ok((stamp, bytes))
}

fn say(error: io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "it may not be read by this user".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_means_is_read_again_and_kept_while_it_makes_no_sense() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("number");
        let number = |bytes: &[u8]| {
            let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
            text.parse::<u32>().map(Arc::new).map_err(|error| error.to_string())
        };
        let file = Changing::new(path.clone(), 8, number);
        assert_eq!(file.look(), Err("there is no such file".into()));
        let write = |text: &str| {
            std::fs::write(folder.path().join("new"), text).expect("it can be written");
            std::fs::rename(folder.path().join("new"), &path).expect("it can be replaced");
        };
        write("1");
        assert_eq!(file.look(), Ok(Look::Read { value: Arc::new(1), before: None }));
        assert_eq!(file.look(), Ok(Look::Same(Arc::new(1))));
        write("x");
        let kept = |why: &str, is_news| Ok(Look::Kept { value: Arc::new(1), why: why.into(), is_news });
        assert_eq!(file.look(), kept("invalid digit found in string", true));
        assert_eq!(file.look(), kept("invalid digit found in string", false));
        write("123456789");
        assert_eq!(file.look(), kept("it is larger than 0 KiB", true));
        write("2");
        assert_eq!(file.look(), Ok(Look::Read { value: Arc::new(2), before: Some(Arc::new(1)) }));
    }
}
