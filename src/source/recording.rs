//! Recorded events: files and standard input, compressed or not.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::codec::{Format, csv};

use super::compression::Compression;

/// The path that stands for standard input.
pub const STANDARD_INPUT: &str = "-";

/// What the name of a recording says of its records: `.csv`, `.tsv` and `.logfmt`, also before `.gz` and
/// `.zst`. Anything else holds JSON.
pub fn format(path: &Path) -> Format {
    let stored = match Compression::of_path(path) {
        Compression::None => path,
        Compression::Gzip | Compression::Zstd => Path::new(path.file_stem().unwrap_or_default()),
    };
    match stored.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => Format::Csv(csv::Settings::default()),
        Some("tsv") => Format::Csv(csv::Settings::tabs()),
        Some("logfmt") => Format::Logfmt,
        _ => Format::Json,
    }
}

/// An opened recording.
pub struct Recording {
    /// The bytes, uncompressed.
    pub bytes: Box<dyn Read + Send>,
    /// The size of the file as it is stored, when that is known.
    pub stored_size: Option<u64>,
    /// How many of the stored bytes have been read.
    pub stored_read: Arc<AtomicU64>,
}

/// A recording that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot open `{}`: {error}", path.display())]
pub struct OpenError {
    path: PathBuf,
    error: io::Error,
}

/// Opens the recording at `path`, `-` being standard input. `compression`: how it is compressed; `None`:
/// as its name says (`.gz`, `.zst`).
///
/// # Errors
/// When there is no such file or it cannot be opened for reading.
pub fn open(path: &Path, compression: Option<Compression>) -> Result<Recording, OpenError> {
    open_at(path, compression, 0).map(|(recording, _)| recording)
}

/// The same from an offset in its bytes on. Gives how many of the bytes have to be passed over first: those
/// of a compressed recording cannot be found otherwise.
///
/// # Errors
/// When there is no such file or it cannot be opened for reading.
pub fn open_at(
    path: &Path,
    compression: Option<Compression>,
    offset: u64,
) -> Result<(Recording, u64), OpenError> {
    let opened = try_open(path, compression, offset);
    opened.map_err(|error| OpenError { path: path.to_path_buf(), error })
}

fn try_open(path: &Path, compression: Option<Compression>, offset: u64) -> io::Result<(Recording, u64)> {
    let stored_read = Arc::new(AtomicU64::new(0));
    let compression = compression.unwrap_or_else(|| Compression::of_path(path));
    if path.as_os_str() == STANDARD_INPUT {
        let counted = Counted { inner: io::stdin(), count: Arc::clone(&stored_read) };
        let bytes = compression.decompress_now(counted)?;
        return Ok((Recording { bytes, stored_size: None, stored_read }, offset));
    }
    let mut file = File::open(path)?;
    let data = file.metadata()?;
    if data.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    let stored_size = data.is_file().then_some(data.len());
    let skip = match compression {
        Compression::None if data.is_file() => {
            file.seek(SeekFrom::Start(offset))?;
            0
        }
        _ => offset,
    };
    let counted = Counted { inner: file, count: Arc::clone(&stored_read) };
    Ok((Recording { bytes: compression.decompress_now(counted)?, stored_size, stored_read }, skip))
}

/// Counts what is read through it.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn compressed_recordings_of_several_parts_are_read_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut zipped = Vec::new();
        let mut pressed = Vec::new();
        for part in ["one\n", "two\n"] {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(part.as_bytes()).expect("in memory");
            zipped.extend(encoder.finish().expect("in memory"));
            pressed.extend(zstd::encode_all(part.as_bytes(), 3).expect("in memory"));
        }
        for (name, bytes) in [("a.gz", &zipped), ("b.zst", &pressed), ("c", &b"one\ntwo\n".to_vec())] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).expect("a file");
            let mut recording = open(&path, None).expect("it is there");
            let mut text = String::new();
            recording.bytes.read_to_string(&mut text).expect("text");
            assert_eq!(text, "one\ntwo\n");
            assert_eq!(recording.stored_size, Some(bytes.len() as u64));
            assert_eq!(recording.stored_read.load(Ordering::Relaxed), bytes.len() as u64);
        }
    }

    #[test]
    fn the_name_tells_the_format() {
        let of = |name: &str| match format(Path::new(name)) {
            Format::Json => "json",
            Format::Csv(settings) if settings.delimiter() == b'\t' => "tsv",
            Format::Csv(_) => "csv",
            Format::Logfmt => "logfmt",
            _ => "not told by a name",
        };
        let names =
            ["a.csv", "b.c/a.csv.gz", "a.tsv.zst", "a.logfmt", "-", "a.jsonl", "csv", "a.csv/b", "a.csv.bz2"];
        let formats = ["csv", "csv", "tsv", "logfmt", "json", "json", "json", "json", "json"];
        assert_eq!(names.map(of), formats);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = open(Path::new("nowhere.jsonl"), None).err().expect("it is not there");
        assert!(error.to_string().starts_with("cannot open `nowhere.jsonl`: "), "{error}");
    }
}
