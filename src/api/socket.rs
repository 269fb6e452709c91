//! The socket in the folder of the state, by which commands reach the service that uses the folder.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// The name of the socket.
pub const NAME: &str = "control.sock";
/// Who may use it: its owner.
pub const MODE: u32 = 0o600;
/// The longest path that the system takes for a socket, with the zero behind it.
const LONGEST: usize = 108;

/// The path of a socket in a folder, short enough for the system.
#[derive(Debug)]
pub struct SocketPath {
    /// The path as people know it.
    pub shown: PathBuf,
    /// The path by which the system takes it.
    pub used: PathBuf,
    /// The folder is held open as long as the path goes through it.
    _folder: Option<File>,
}

impl SocketPath {
    /// Of the folder of a state. Where the path would be too long, it goes through an open folder.
    ///
    /// # Errors
    /// When the folder cannot be opened for that.
    pub fn of(state: &Path) -> io::Result<SocketPath> {
        let shown = state.join(NAME);
        if shown.as_os_str().len() < LONGEST {
            return Ok(SocketPath { used: shown.clone(), shown, _folder: None });
        }
        let folder = File::open(state)?;
        let used = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(NAME);
        Ok(SocketPath { shown, used, _folder: Some(folder) })
    }
}

/// The socket of the service that uses the folder of a state, if one answers.
pub fn find(state: &Path) -> Option<SocketPath> {
    let path = SocketPath::of(state).ok()?;
    fs::symlink_metadata(&path.used).ok()?;
    UnixStream::connect(&path.used).ok()?;
    Some(path)
}
