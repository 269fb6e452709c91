//! The file of tokens, changed by commands while the service reads it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::changing::Changing;

use super::tokens::TokenSet;

/// The largest file, in bytes.
pub const MOST: u64 = 1 << 20;

/// The file of tokens cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the tokens in `{}` cannot be {what}: {why}", path.display())]
pub struct FileError {
    path: PathBuf,
    what: &'static str,
    why: String,
}

/// The tokens in a file, read again when it changes.
pub fn watch(path: PathBuf) -> Changing<TokenSet> {
    Changing::new(path, MOST, TokenSet::read)
}

/// The tokens in a file; none if there is no file.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> Result<Arc<TokenSet>, FileError> {
    let fail = |why| FileError { path: path.to_path_buf(), what: "read", why };
    match path.try_exists() {
        Ok(false) => Ok(Arc::default()),
        Ok(true) => watch(path.to_path_buf()).look().map(crate::changing::Look::into_value).map_err(fail),
        Err(error) => Err(fail(error.to_string())),
    }
}

/// Changes the tokens in a file: whole or not at all, and one command at a time. A file that is made is its owner's
/// alone; one that there was keeps its owner and permissions.
///
/// # Errors
/// When the file cannot be read or written; what `change` says.
pub fn change<T, E: From<FileError>>(
    path: &Path,
    change: impl FnOnce(&mut TokenSet) -> Result<T, E>,
) -> Result<T, E> {
    let fail =
        |error: io::Error| FileError { path: path.to_path_buf(), what: "changed", why: error.to_string() };
    let _lock = lock(path).map_err(fail)?;
    let mut tokens = TokenSet::clone(&*read(path)?);
    let done = change(&mut tokens)?;
    write(path, tokens.text().as_bytes()).map_err(fail)?;
    Ok(done)
}

/// Nobody else changes the file as long as this is there. It is the folder that is locked: the file itself is another
/// one after each change.
fn lock(path: &Path) -> io::Result<File> {
    let folder = File::open(folder(path))?;
    folder.lock()?;
    Ok(folder)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link stays one; what it points to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    // What a command has left that was killed.
    let _ = fs::remove_file(&new);
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&new)?;
    if let Ok(old) = fs::metadata(&path) {
        // Who is not allowed to give files away writes one that is theirs.
        let _ = chown(&new, Some(old.uid()), Some(old.gid()));
        file.set_permissions(fs::Permissions::from_mode(old.mode() & 0o777))?;
    }
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, &path)?;
    File::open(folder(&path))?.sync_all()
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::tokens::NameTaken;
    use crate::access::{Entry, Role, Token};

    #[derive(Debug, thiserror::Error)]
    enum Failure {
        #[error(transparent)]
        File(#[from] FileError),
        #[error(transparent)]
        Taken(#[from] NameTaken),
    }

    fn add(path: &Path, name: &str, byte: u8) -> Result<(), Failure> {
        let sha256 = Token::new([byte; 32]).digest();
        let entry = Entry { name: name.into(), role: Role::Read, sha256, created: None, expires: None };
        change(path, |tokens| Ok(tokens.add(entry)?))
    }

    #[test]
    fn a_file_is_changed_as_a_whole_and_keeps_its_permissions() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tokens.toml");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        add(&path, "a", 1).expect("it is made");
        let mode = || fs::metadata(&path).expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("it is ours");
        fs::write(folder.path().join("tokens.toml.new"), "left").expect("it is written");
        add(&link, "b", 2).expect("it is changed");
        assert_eq!(mode(), 0o640);
        assert!(fs::symlink_metadata(&link).expect("a link").is_symlink());
        assert!(matches!(add(&path, "b", 3), Err(Failure::Taken(_))));
        let names = |path: &Path| -> Vec<String> {
            read(path).expect("it can be read").entries().iter().map(|entry| entry.name.clone()).collect()
        };
        assert_eq!(names(&path), ["a", "b"]);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2);
    }

    #[test]
    fn a_file_that_makes_no_sense_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tokens.toml");
        assert!(read(&path).expect("there is none").entries().is_empty());
        fs::write(&path, "hunter2").expect("it is written");
        let wrong = add(&path, "a", 1).expect_err("it makes no sense").to_string();
        assert!(wrong.contains("tokens.toml` cannot be read: "), "{wrong}");
        assert_eq!(fs::read_to_string(&path).expect("a file"), "hunter2");
    }

    #[test]
    fn several_commands_at_a_time_lose_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tokens.toml");
        std::thread::scope(|scope| {
            for number in 0..8_u8 {
                let path = &path;
                scope.spawn(move || add(path, &format!("t{number}"), number).expect("it is added"));
            }
        });
        assert_eq!(read(&path).expect("it can be read").entries().len(), 8);
    }
}
