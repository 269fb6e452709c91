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

use crate::config::tables::{self, Loaded, Stamp, TableFile};
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
        Stamp::of(&file.path).map_or_else(|error| Seen::Nothing(error.to_string()), Seen::File)
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
            let more = if errors > 1 { format!("; and {} more problems", errors - 1) } else { String::new() };
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
