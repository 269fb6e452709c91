//! Appending lines to a file so that a failure leaves no half line.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// What the last write left at the end of what is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tail {
    Whole,
    /// A line without its end: the next write begins with one.
    Torn,
}

/// Appends lines to a file.
#[derive(Debug)]
pub struct Appender {
    file: File,
    tail: Tail,
}

impl Appender {
    /// Appends to `file`, which was opened for reading and appending. If a crash has left half a
    /// line at its end, the first line begins on a new one.
    pub fn new(mut file: File) -> Appender {
        let tail = if ends_in_line(&mut file) { Tail::Whole } else { Tail::Torn };
        Appender { file, tail }
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Appends whole lines: all of them, or none if that is possible.
    pub fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.tail == Tail::Torn {
            self.write(b"\n")?;
            self.tail = Tail::Whole;
        }
        self.write(lines)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut written = 0;
        while written < bytes.len() {
            match self.file.write(&bytes[written..]) {
                Ok(0) => return self.undo(written, io::ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.undo(written, error),
            }
        }
        Ok(())
    }

    /// Takes back the `written` bytes of a write that failed.
    fn undo(&mut self, written: usize, error: io::Error) -> io::Result<()> {
        if written > 0 {
            // The length now, not a remembered one: someone may have cut the file meanwhile.
            let length = self.file.metadata().map(|data| data.len());
            let cut = length.and_then(|length| self.file.set_len(length.saturating_sub(written as u64)));
            if cut.is_err() {
                self.tail = Tail::Torn;
            }
        }
        Err(error)
    }
}

/// Whether the file is empty or ends with a line feed. What cannot be asked, such as a pipe, counts
/// as whole.
fn ends_in_line(file: &mut File) -> bool {
    let mut last = [b'\n'];
    if file.seek(SeekFrom::End(-1)).is_ok() {
        let _ = file.read(&mut last);
    }
    last == [b'\n']
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_line_from_a_crash_is_ended_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("alerts");
        let open = || File::options().create(true).read(true).append(true).open(&path).expect("a file");
        let mut appender = Appender::new(open());
        appender.append(b"one\n").expect("it is written");
        appender.file.write_all(b"tw").expect("it is written");
        let mut appender = Appender::new(open());
        appender.append(b"two\n").expect("it is written");
        appender.append(b"three\n").expect("it is written");
        assert_eq!(std::fs::read_to_string(&path).expect("text"), "one\ntw\ntwo\nthree\n");
    }

    #[test]
    fn a_failed_write_is_taken_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("alerts");
        let file = File::options().create(true).read(true).append(true).open(&path).expect("a file");
        let mut appender = Appender::new(file);
        appender.append(b"one\n").expect("it is written");
        appender.file.write_all(b"ha").expect("it is written");
        let failed = appender.undo(2, io::ErrorKind::StorageFull.into());
        assert_eq!(failed.expect_err("it fails").kind(), io::ErrorKind::StorageFull);
        appender.append(b"two\n").expect("it is written");
        assert_eq!(std::fs::read_to_string(&path).expect("text"), "one\ntwo\n");
    }
}
