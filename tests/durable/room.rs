//! A small file system of a test's own, which can be filled and made read-only. It needs no privileges where
//! the system lets users have name spaces of their own.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A file system in memory. It is seen by those who are let in, and by the test under another name.
pub struct Room {
    /// Lives in it, so that it stays.
    keeper: Child,
    path: PathBuf,
}

impl Room {
    /// One of that many bytes at a folder that is there. `None`, with the reason on standard error, when
    /// the system does not allow it.
    pub fn open(path: &Path, bytes: u64) -> Option<Room> {
        let script = "mount -t tmpfs -o size=\"$1\" tmpfs \"$0\" && echo mounted && exec cat";
        let keeper = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
            .arg(path)
            .arg(bytes.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut keeper = match keeper {
            Ok(keeper) => keeper,
            Err(error) => return skip(&error.to_string()),
        };
        let mut said = String::new();
        BufReader::new(keeper.stdout.as_mut().expect("a pipe"))
            .read_line(&mut said)
            .expect("a line, or none");
        if said != "mounted\n" {
            let _ = keeper.wait();
            return skip("the reason stands above");
        }
        Some(Room { keeper, path: path.to_owned() })
    }

    /// The same command, as one who is let in.
    pub fn enter(&self, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        inside
            .args(["--preserve-credentials", "--user", "--mount", "--target"])
            .arg(self.keeper.id().to_string());
        inside.args(["sh", "-c", "cd \"$0\" && exec \"$@\""]);
        inside.arg(command.get_current_dir().unwrap_or(&self.path)).arg(command.get_program());
        inside.args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        inside
    }

    /// Where the test finds it.
    pub fn outside(&self, name: &str) -> PathBuf {
        let path = self.path.strip_prefix("/").expect("the path is absolute");
        Path::new("/proc").join(self.keeper.id().to_string()).join("root").join(path).join(name)
    }

    /// Mounts it anew: `ro` or `rw`.
    pub fn remount(&self, how: &str) {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,{how}")]).arg(&self.path);
        assert!(self.enter(&mount).status().expect("it runs").success());
    }

    /// Takes all the room that is left.
    pub fn fill(&self) {
        let mut ballast = File::create(self.outside("ballast")).expect("a file");
        for size in [1 << 16, 1 << 12, 1] {
            while ballast.write_all(&vec![0; size]).is_ok() {}
        }
    }

    /// Gives it back.
    pub fn make_room(&self) {
        std::fs::remove_file(self.outside("ballast")).expect("removed");
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

fn skip(why: &str) -> Option<Room> {
    eprintln!("skipped: this system gives no name space and no file system to a test: {why}");
    None
}
