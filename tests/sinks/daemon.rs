//! Real receivers: programs of Debian's packages, as `scripts/need-receivers` has taken them apart.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::Instant;

use crate::harness::PATIENCE;

/// Whom programs run as that do not want to be root: `nobody`.
const NOBODY: u32 = 65_534;

/// Where the files of the packages are.
static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/need-receivers");
    let output = Command::new(script).stderr(Stdio::inherit()).output().expect("the script runs");
    assert!(output.status.success(), "scripts/need-receivers has no receivers for the tests of sinks");
    PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim())
});

/// A command for a program of the packages, with their libraries, among their files.
pub fn command(program: &str) -> Command {
    let mut command = Command::new(path(program));
    command.current_dir(&*ROOT);
    command.env("LD_LIBRARY_PATH", libraries());
    command
}

/// Where programs of the packages find their libraries.
pub fn libraries() -> String {
    folders().join(":")
}

/// A file of the packages.
pub fn path(file: &str) -> PathBuf {
    ROOT.join(file)
}

/// A library of the packages, or the folder of some: their place depends on the processor.
pub fn library(name: &str) -> PathBuf {
    let found = folders().into_iter().map(|folder| Path::new(&folder).join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("the packages have no {name}"))
}

/// The folders of libraries.
fn folders() -> Vec<String> {
    let mut folders = Vec::new();
    for above in ["usr/lib", "lib"] {
        let Ok(entries) = std::fs::read_dir(ROOT.join(above)) else { continue };
        for folder in entries.map_while(Result::ok).map(|entry| entry.path()) {
            let Ok(files) = std::fs::read_dir(&folder) else { continue };
            let is_library = |name: String| name.split('.').any(|part| part == "so");
            let names = files.map_while(Result::ok).filter_map(|file| file.file_name().into_string().ok());
            if names.into_iter().any(is_library) {
                folders.push(folder.to_str().expect("a path").to_owned());
            }
        }
    }
    folders
}

/// A running program.
pub struct Daemon {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Daemon {
    /// Starts it.
    pub fn start(mut command: Command) -> Daemon {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let said = Arc::default();
        read_into(&said, child.stdout.take().expect("it is piped"));
        read_into(&said, child.stderr.take().expect("it is piped"));
        Daemon { child, said }
    }

    /// Waits until something of it is there.
    pub fn wait_for<T>(&mut self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look() {
                return found;
            }
            let ended = self.child.try_wait().expect("it can be asked");
            let said = || self.said.lock().expect("no panic").clone();
            assert!(ended.is_none(), "it has ended ({ended:?}) instead of {what}:\n{}", said());
            assert!(Instant::now() < deadline, "not in time: {what}; it said:\n{}", said());
            thread::yield_now();
        }
    }

    /// Waits until it listens there.
    pub fn wait_for_port(&mut self, port: u16) {
        self.wait_for("listening", || TcpStream::connect(("127.0.0.1", port)).ok());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_into(said: &Arc<Mutex<String>>, output: impl std::io::Read + Send + 'static) {
    let said = Arc::clone(said);
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = writeln!(said.lock().expect("no panic"), "{line}");
        }
    });
}

/// The user and group that programs run as which refuse to be root; ours if we are not.
pub fn user() -> (u32, u32) {
    let ours = std::fs::metadata("/proc/self").expect("there is a process");
    if ours.uid() == 0 { (NOBODY, NOBODY) } else { (ours.uid(), ours.gid()) }
}

/// Gives a folder with all that is in it to [`user`].
pub fn hand_over(folder: &Path) {
    let (user, group) = user();
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    chown(folder, Some(user), Some(group)).expect("it is ours");
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        if path.is_dir() {
            hand_over(&path);
        } else {
            chown(path, Some(user), Some(group)).expect("it is ours");
        }
    }
}
