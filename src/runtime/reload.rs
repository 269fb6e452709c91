//! Notices when the file of a list or table has changed, and reads it again.
//!
//! Enters: the files as they were read at the start, and how they look now. Leaves: contents for the
//! engine's thread to put in the place of those in use; what cannot be used is logged and counted, and
//! the older content stays.
//!
//! Files are looked at once a second. Being told by the system (inotify and the like) is quicker, but
//! misses what another machine writes to a network file system, and what happens behind a symbolic link
//! that is swapped, as mounted configuration is; a look follows the link and asks for one file's
//! status. A file is read once it has looked the same twice, so that one that is being written is left
//! alone; and files that changed together are replaced together.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use anyhow::Context as _;
use tracing::{error, info, warn};

use crate::changing::Stamp;
use crate::config::tables::{self, Loaded, TableFile};
use crate::program::Program;
use crate::table::{Content, Problem, TableId};
use crate::telemetry::Metrics;

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// Contents that have come together.
pub type Replacement = Vec<(TableId, Arc<Content>)>;

/// Watches the files for as long as it is kept.
#[derive(Debug)]
pub struct Watch {
    /// The thread ends when this is dropped.
    _stop: Sender<()>,
}

/// Starts to watch on a thread of its own. Replacements go to the receiver that is given back.
///
/// # Errors
/// When no thread can be started.
pub fn start(
    program: Arc<Program>,
    loaded: Loaded,
    metrics: Arc<Metrics>,
) -> anyhow::Result<(Watch, Receiver<Replacement>)> {
    let (stop, stopped) = channel();
    let (give, replacements) = channel();
    let mut files = Files::new(program, loaded, metrics);
    if files.watched.is_empty() {
        return Ok((Watch { _stop: stop }, replacements));
    }
    std::thread::Builder::new()
        .name("tables".into())
        .spawn(move || {
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                let replacement = files.look();
                if !replacement.is_empty() && give.send(replacement).is_err() {
                    return;
                }
            }
        })
        .context("cannot start the thread that watches lists and tables")?;
    Ok((Watch { _stop: stop }, replacements))
}

/// The files of all lists and tables.
struct Files {
    program: Arc<Program>,
    watched: Vec<Watched>,
    metrics: Arc<Metrics>,
}

/// A file that is watched.
struct Watched {
    file: TableFile,
    /// What it looked like when it was last read, or found unreadable.
    done: Seen,
    /// What it looked like at the last look, if that was something else.
    pending: Option<Seen>,
    /// The version in use.
    version: Option<Arc<str>>,
}

/// What a file looks like.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    File(Stamp),
    /// There is none to read, and why.
    Nothing(String),
}

impl Seen {
    fn of(file: &TableFile) -> Seen {
        tables::look(&file.path).map_or_else(|error| Seen::Nothing(error.to_string()), Seen::File)
    }
}

/// What has become of a file that looked different.
enum Outcome {
    /// It is still changing.
    Unsettled,
    /// It holds what is in use.
    Same,
    /// It holds something else.
    New(Content),
    /// It cannot be used.
    Failed(String),
}

impl Files {
    fn new(program: Arc<Program>, loaded: Loaded, metrics: Arc<Metrics>) -> Files {
        let watched = (0..).map(TableId).zip(loaded.files).map(|(id, file)| {
            let content = loaded.tables.get(id);
            if let (Some(metrics), Some(content)) = (metrics.tables.get(id.0 as usize), content) {
                metrics.entries.set(content.entries() as u64);
                metrics.bytes.set(content.size() as u64);
            }
            let done = file.stamp.map_or(Seen::Nothing(String::new()), Seen::File);
            let version = content.map(|content| Arc::clone(content.version()));
            Watched { file, done, pending: None, version }
        });
        Files { watched: watched.collect(), program, metrics }
    }

    /// Looks at every file once; gives the contents that have changed.
    fn look(&mut self) -> Replacement {
        let mut replacement = Vec::new();
        for index in 0..self.watched.len() {
            let id = TableId(index as u32);
            let watched = &mut self.watched[index];
            let now = Seen::of(&watched.file);
            if now == watched.done {
                watched.pending = None;
            } else if watched.pending.as_ref() != Some(&now) {
                watched.pending = Some(now);
            } else if let Some(content) = self.settle(id, now) {
                replacement.push((id, Arc::new(content)));
            }
        }
        replacement
    }

    /// Reads a file that has come to rest; gives its content if that is new.
    fn settle(&mut self, id: TableId, seen: Seen) -> Option<Content> {
        let spec = &self.program.tables()[id.0 as usize];
        let watched = &mut self.watched[id.0 as usize];
        let outcome = read_again(&self.program, id, watched, &seen);
        if matches!(outcome, Outcome::Unsettled) {
            watched.pending = None;
            return None;
        }
        watched.done = seen;
        watched.pending = None;
        let metrics = self.metrics.tables.get(id.0 as usize);
        if let Some(metrics) = metrics {
            metrics.stale.set(u64::from(matches!(outcome, Outcome::Failed(_))));
        }
        match outcome {
            Outcome::New(content) => {
                watched.version = Some(Arc::clone(content.version()));
                return Some(content);
            }
            Outcome::Same => {
                info!(table = %spec.name, file = %watched.file.path.display(), "read again: nothing has changed");
            }
            Outcome::Failed(reason) => {
                metrics.into_iter().for_each(|metrics| metrics.failures.add(1));
                let (file, version) = (watched.file.path.display(), watched.version.as_deref());
                error!(table = %spec.name, %file, %reason, version, "cannot be used; the older content stays");
            }
            Outcome::Unsettled => {}
        }
        None
    }
}

fn read_again(program: &Program, id: TableId, watched: &Watched, seen: &Seen) -> Outcome {
    let (spec, path) = (&program.tables()[id.0 as usize], &watched.file.path);
    if let Seen::Nothing(reason) = seen {
        return Outcome::Failed(reason.clone());
    }
    let bytes = match tables::read(path) {
        Ok((_, bytes)) => bytes,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    if Seen::of(&watched.file) != *seen {
        return Outcome::Unsettled;
    }
    let (content, problems) = spec.parse(&bytes);
    let (errors, warnings) = problems.counts();
    match content {
        None => {
            let first = problems.first_error().map(Problem::to_string).unwrap_or_default();
            let more = match errors {
                0 | 1 => String::new(),
                2 => "; and 1 more problem".to_owned(),
                _ => format!("; and {} more problems", errors - 1),
            };
            Outcome::Failed(format!("{first}{more}"))
        }
        Some(content) if watched.version.as_ref() == Some(content.version()) => Outcome::Same,
        Some(content) => {
            if let Some(first) = problems.iter().next() {
                warn!(table = %spec.name, file = %path.display(), warnings, "{first}");
            }
            Outcome::New(content)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    use crate::diagnostic::Sources;

    /// Two lists of numbers, and what watches them.
    struct Bench {
        folder: tempfile::TempDir,
        files: Files,
        metrics: Arc<Metrics>,
    }

    impl Bench {
        /// The files are made by `prepare`, in the folder in which the rules stand.
        fn new(prepare: impl FnOnce(&Path)) -> Bench {
            let folder = tempfile::tempdir().expect("a folder");
            prepare(folder.path());
            let rules = folder.path().join("rules.trip").display().to_string();
            let text = "list a int from \"a.txt\"\nlist b int from \"b.txt\"";
            let mut sources = Sources::new([(rules, text)]);
            let (program, problems) = Program::compile(&sources);
            let program = Arc::new(program.unwrap_or_else(|| panic!("{problems:?}")));
            let (loaded, _) = tables::load(&program, &mut sources);
            let metrics = Arc::new(Metrics::new([], [], []).with_tables(["a", "b"]));
            let files = Files::new(program, loaded, metrics.clone());
            Bench { folder, files, metrics }
        }

        fn plain() -> Bench {
            Bench::new(|folder| {
                fs::write(folder.join("a.txt"), "1\n").expect("a file");
                fs::write(folder.join("b.txt"), "1\n2\n").expect("a file");
            })
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.path(name), text).expect("a file");
        }

        /// Looks once: how many entries each new content has.
        fn look(&mut self) -> Vec<(u32, usize)> {
            self.files.look().iter().map(|(id, content)| (id.0, content.entries())).collect()
        }

        /// Reloads, failures, and whether an older content is in use, of the first list.
        fn counted(&self) -> (u64, u64) {
            let metrics = &self.metrics.tables[0];
            (metrics.failures.get(), metrics.stale.get())
        }
    }

    const NOTHING: [(u32, usize); 0] = [];

    #[test]
    fn a_file_is_read_again_once_it_has_come_to_rest() {
        let mut bench = Bench::plain();
        assert_eq!(bench.metrics.tables[1].entries.get(), 2);
        assert_eq!(bench.look(), NOTHING);
        bench.write("a.txt", "1\n2\n3\n");
        assert_eq!(bench.look(), NOTHING, "it may still be written");
        bench.write("a.txt", "1\n2\n3\n4\n");
        assert_eq!(bench.look(), NOTHING, "it was");
        assert_eq!(bench.look(), [(0, 4)]);
        assert_eq!(bench.look(), NOTHING);
    }

    #[test]
    fn files_that_changed_together_are_replaced_together() {
        let mut bench = Bench::plain();
        bench.write("a.txt", "5\n6\n");
        bench.write("new.txt", "7\n8\n9\n");
        fs::rename(bench.path("new.txt"), bench.path("b.txt")).expect("renamed");
        assert_eq!(bench.look(), NOTHING);
        assert_eq!(bench.look(), [(0, 2), (1, 3)]);
    }

    #[test]
    fn a_link_that_is_swapped_is_followed() {
        // As a mounted configuration is replaced: the files are links through a folder that is a link.
        let mut bench = Bench::new(|folder| {
            for (version, text) in [("v1", "1\n"), ("v2", "1\n2\n3\n")] {
                fs::create_dir(folder.join(version)).expect("a folder");
                fs::write(folder.join(version).join("a.txt"), text).expect("a file");
                fs::write(folder.join(version).join("b.txt"), "1\n").expect("a file");
            }
            symlink("v1", folder.join("data")).expect("a link");
            symlink("data/a.txt", folder.join("a.txt")).expect("a link");
            symlink("data/b.txt", folder.join("b.txt")).expect("a link");
        });
        symlink("v2", bench.path("next")).expect("a link");
        fs::rename(bench.path("next"), bench.path("data")).expect("renamed");
        assert_eq!(bench.look(), NOTHING);
        assert_eq!(bench.look(), [(0, 3)], "b holds what it held");
    }

    #[test]
    fn a_bad_file_is_counted_and_left_alone_until_it_changes_again() {
        let mut bench = Bench::plain();
        bench.write("a.txt", "1\nx\n");
        assert_eq!((bench.look(), bench.look()), (NOTHING.into(), NOTHING.into()));
        assert_eq!(bench.counted(), (1, 1));
        assert_eq!((bench.look(), bench.look()), (NOTHING.into(), NOTHING.into()));
        assert_eq!(bench.counted(), (1, 1), "once");
        bench.write("a.txt", "1\n7\n");
        assert_eq!((bench.look(), bench.look()), (NOTHING.into(), vec![(0, 2)]));
        assert_eq!(bench.counted(), (1, 0));
    }

    #[test]
    fn a_file_that_goes_and_comes_back_as_it_was_changes_nothing() {
        let mut bench = Bench::plain();
        fs::remove_file(bench.path("a.txt")).expect("removed");
        assert_eq!(bench.look(), NOTHING, "it may be on its way");
        assert_eq!(bench.counted(), (0, 0));
        assert_eq!(bench.look(), NOTHING);
        assert_eq!(bench.counted(), (1, 1));
        bench.write("a.txt", "1\n");
        assert_eq!((bench.look(), bench.look()), (NOTHING.into(), NOTHING.into()));
        assert_eq!(bench.counted(), (1, 0), "what is in use is what the file holds");
    }
}
