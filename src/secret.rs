//! Secrets: what others must not see, and where it is to be had.
//!
//! Enters: where a secret is: in the configuration itself, in an environment variable, or in a file. Leaves: the
//! secret as it is now. A file is read again when it has changed, so that secrets can be replaced while the service
//! runs. Nothing here shows a secret: neither `Debug` nor an error has more than the place where it is.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::changing::{Changing, Look};

/// The largest file of a secret, in bytes.
const MAX_FILE: u64 = 64 << 10;

/// Where a secret is. Clones share what was read.
#[derive(Clone)]
pub struct Secret {
    /// The key of the configuration that says it, for errors.
    key: Arc<str>,
    place: Place,
}

#[derive(Clone)]
enum Place {
    Text(Arc<str>),
    Variable(Arc<str>),
    File(Arc<Changing<str>>),
}

/// Why a secret cannot be had. It says where it should be, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// There is no such variable.
    #[error("`{key}` names the environment variable `{variable}`, which {why}")]
    Variable {
        /// The key of the configuration.
        key: Arc<str>,
        /// The variable.
        variable: Arc<str>,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The file cannot be read, or not as a secret.
    #[error("`{key}` names the file `{}`, which cannot be used: {why}", path.display())]
    File {
        /// The key of the configuration.
        key: Arc<str>,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl Secret {
    /// One that stands in the configuration itself, at this key.
    pub fn text(key: &str, text: &str) -> Secret {
        Secret { key: key.into(), place: Place::Text(text.into()) }
    }

    /// One in an environment variable, which this key names.
    pub fn variable(key: &str, variable: &str) -> Secret {
        Secret { key: key.into(), place: Place::Variable(variable.into()) }
    }

    /// One in a file, which this key names.
    pub fn file(key: &str, path: PathBuf) -> Secret {
        Secret { key: key.into(), place: Place::File(Arc::new(Changing::new(path, MAX_FILE, parse))) }
    }

    /// The key of the configuration that says where it is.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The secret as it is now, without space around it. A file that cannot be read any more, as while it is being
    /// replaced, counts as unchanged.
    ///
    /// # Errors
    /// When it is not there, or empty.
    pub fn get(&self) -> Result<Arc<str>, SecretError> {
        match &self.place {
            Place::Text(text) => Ok(Arc::clone(text)),
            Place::Variable(variable) => self.read_variable(variable),
            Place::File(file) => file.look().map(Look::into_value).map_err(|why| SecretError::File {
                key: Arc::clone(&self.key),
                path: file.path().to_path_buf(),
                why,
            }),
        }
    }

    fn read_variable(&self, variable: &Arc<str>) -> Result<Arc<str>, SecretError> {
        let fail =
            |why| SecretError::Variable { key: Arc::clone(&self.key), variable: Arc::clone(variable), why };
        let value = std::env::var_os(&**variable).ok_or_else(|| fail("is not set"))?;
        let value = value.to_str().ok_or_else(|| fail("holds something that is not UTF-8"))?.trim();
        if value.is_empty() { Err(fail("is empty")) } else { Ok(value.into()) }
    }
}

/// Where it is, which is no secret.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Text(_) => write!(f, "Secret(in the configuration)"),
            Place::Variable(variable) => write!(f, "Secret(in the variable {variable})"),
            Place::File(file) => write!(f, "Secret(in {})", file.path().display()),
        }
    }
}

/// The same place, whatever is there.
impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        match (&self.place, &other.place) {
            (Place::Text(one), Place::Text(other)) | (Place::Variable(one), Place::Variable(other)) => {
                one == other
            }
            (Place::File(one), Place::File(other)) => one.path() == other.path(),
            _ => false,
        }
    }
}

impl Eq for Secret {}

fn parse(bytes: &[u8]) -> Result<Arc<str>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
    match text.trim() {
        "" => Err("it is empty".into()),
        text => Ok(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_file_is_read_again_when_it_is_replaced_and_kept_while_it_is_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        let secret = Secret::file("token_file", path.clone());
        let missing = secret.get().expect_err("there is none");
        let expected = format!(
            "`token_file` names the file `{}`, which cannot be used: there is no such file",
            path.display()
        );
        assert_eq!(missing.to_string(), expected);
        std::fs::write(&path, "first\n").expect("it can be written");
        assert_eq!(&*secret.get().expect("it is there"), "first");
        // The same length and perhaps the same time: a new file all the same.
        std::fs::write(folder.path().join("new"), "other\n").expect("it can be written");
        std::fs::rename(folder.path().join("new"), &path).expect("it can be replaced");
        assert_eq!(&*secret.clone().get().expect("it is there"), "other");
        std::fs::remove_file(&path).expect("it can be removed");
        assert_eq!(&*secret.get().expect("it was there"), "other");
        std::fs::write(&path, " \n").expect("it can be written");
        assert_eq!(&*secret.get().expect("it was there"), "other");
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        let why = |path: &Path| match Secret::file("k", path.to_path_buf()).get() {
            Err(SecretError::File { why, .. }) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(why(folder.path()), "it is no file");
        for (content, expected) in [(&b"\n"[..], "it is empty"), (b"\xff", "it is not UTF-8")] {
            std::fs::write(&path, content).expect("it can be written");
            assert_eq!(why(&path), expected);
        }
        std::fs::write(&path, vec![b'x'; (64 << 10) + 1]).expect("it can be written");
        assert_eq!(why(&path), "it is larger than 64 KiB");
        let missing =
            Secret::variable("k_env", "TRIPLINE_NO_SUCH_VARIABLE").get().expect_err("there is none");
        assert_eq!(
            missing.to_string(),
            "`k_env` names the environment variable `TRIPLINE_NO_SUCH_VARIABLE`, which is not set"
        );
    }

    #[test]
    fn a_secret_is_never_shown() {
        let secret = Secret::text("token", "hunter2");
        assert_eq!(format!("{secret:?}"), "Secret(in the configuration)");
        assert_eq!(&*secret.get().expect("it is there"), "hunter2");
        // A variable that every test has.
        let path = Secret::variable("path_env", "PATH");
        assert_eq!(format!("{path:?}"), "Secret(in the variable PATH)");
        assert!(path.get().is_ok());
        assert_ne!(secret, path);
    }
}
