//! What becomes of files that were put aside: they are compressed, and those too many are removed.
//!
//! A compressed file gets its name when it is whole and on the disk, and only then is the other one removed. So a
//! crash in between loses nothing, and the next time goes on from there.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tracing::warn;

use super::rotation::{COMPRESSED, Rotation, UNFINISHED, place};

/// The folder of a file and its name there.
///
/// # Errors
/// When it has no name, or one that is not UTF-8.
pub fn split(path: &Path) -> io::Result<(PathBuf, String)> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| io::Error::other("its name is not UTF-8"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((folder.to_path_buf(), name.to_owned()))
}

/// The names in a folder.
///
/// # Errors
/// When it cannot be read.
pub fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        // A name that is not UTF-8 is none of ours.
        names.extend(entry?.file_name().into_string());
    }
    Ok(names)
}

/// Removes what is too much of `path` put aside, and compresses the rest, if so asked. What fails is logged, and
/// tried again the next time.
pub fn tidy(path: &Path, rotation: &Rotation) {
    if let Err(error) = try_tidy(path, rotation) {
        warn!(path = %path.display(), %error, "files that were put aside cannot be tidied up");
    }
}

fn try_tidy(path: &Path, rotation: &Rotation) -> io::Result<()> {
    let (folder, file) = split(path)?;
    let mut names = names(&folder)?;
    names.sort_unstable();
    for unfinished in names
        .iter()
        .filter(|name| name.strip_suffix(UNFINISHED).is_some_and(|whole| place(&file, whole).is_some()))
    {
        std::fs::remove_file(folder.join(unfinished))?;
    }
    let surplus = rotation.surplus(&file, names.iter().map(String::as_str));
    for name in &surplus {
        std::fs::remove_file(folder.join(name))?;
    }
    let plain = |name: &&String| place(&file, name).is_some() && !name.ends_with(COMPRESSED);
    if rotation.compress {
        for name in names.iter().filter(plain).filter(|name| !surplus.contains(&name.as_str())) {
            compress(&folder, name)?;
        }
    }
    Ok(())
}

fn compress(folder: &Path, name: &str) -> io::Result<()> {
    let plain = folder.join(name);
    let unfinished = folder.join(format!("{name}{UNFINISHED}"));
    let source = File::open(&plain)?;
    let target = File::options().create(true).write(true).truncate(true).open(&unfinished)?;
    // Who may read the one may read the other.
    target.set_permissions(source.metadata()?.permissions())?;
    let mut encoder = GzEncoder::new(target, Compression::default());
    io::copy(&mut BufReader::new(source), &mut encoder)?;
    encoder.finish()?.sync_all()?;
    std::fs::rename(&unfinished, folder.join(format!("{name}{COMPRESSED}")))?;
    File::open(folder)?.sync_all()?;
    std::fs::remove_file(plain)
}
