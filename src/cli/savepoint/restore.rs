//! `tripline savepoint restore`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;

use crate::cli::Misuse;
use crate::cli::output::{self, complain, grouped, plural};
use crate::cli::place::{self, Place, not_there};
use crate::engine::Summary;
use crate::event::Timestamp;
use crate::journal;
use crate::runtime::clock::SystemClock;
use crate::source::Clock;
use crate::source::positions::Positions;
use crate::store::{self, Savepoint, Snapshot, Store};

use super::inspect::{Read, take_all};
use super::{Meant, absolute, find};

/// Go back to a savepoint
///
/// For a service that is stopped: the next start goes on from the savepoint, with any number of shards. Sources that
/// can be asked again are read from where they were then. Alerts that wait for sinks stay, and what has been sent
/// in the last day is not sent twice.
///
/// What was taken in since then is lost, but for what can be read again; so a state that has something in it is
/// not replaced without `--force`.
#[derive(Debug, clap::Args)]
pub struct Restore {
    /// The name, or the file
    #[arg(value_name = "NAME|FILE")]
    name: String,

    #[command(flatten)]
    place: Place,

    /// Replace a state that has something in it
    #[arg(long)]
    force: bool,

    /// Leave out what the journal has of records that came after the savepoint: for a savepoint of another service
    #[arg(long)]
    skip_journal: bool,
}

/// What becomes of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Journaled {
    /// The number that the state is given: the last entry that counts as taken in.
    taken: u64,
    /// How many records the next start works off.
    replayed: u64,
    /// How many came after the savepoint and are not there any more.
    gone: u64,
    /// How many came after it, are there, and are left out.
    left_out: u64,
}

impl Journaled {
    /// What becomes of a journal from `oldest` to `newest` (0: it is empty) when a state goes on behind `taken`.
    fn new(taken: u64, oldest: u64, newest: u64, skip: bool) -> Journaled {
        let later = newest.saturating_sub(taken);
        let kept = later.min((newest + 1).saturating_sub(oldest));
        let gone = later - kept;
        match skip || gone > 0 {
            // What is left cannot be understood without what is missing: who had connected, for example.
            true => Journaled { taken: taken.max(newest), replayed: 0, gone, left_out: kept },
            false => Journaled { taken, replayed: kept, gone: 0, left_out: 0 },
        }
    }

    fn describe(self) -> Option<String> {
        let records = |count| plural_of(count, "record");
        let Journaled { replayed, gone, left_out, .. } = self;
        let said = match (replayed, gone, left_out) {
            (0, 0, 0) => return None,
            (0, 0, left_out) => format!("left out: {} that came after it", records(left_out)),
            (0, gone, 0) => format!("{} that came after it: no longer in the journal", records(gone)),
            (0, gone, left_out) => format!(
                "{} that came after it: no longer in the journal; {} more are left out, as they cannot be understood \
                 without those",
                records(gone),
                grouped(left_out)
            ),
            (replayed, ..) => {
                format!("the next start works through {} that came after it", records(replayed))
            }
        };
        Some(format!("journal    {said}"))
    }
}

impl Restore {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let state = self.place.folder()?;
        let file = absolute(&find(&Meant::of(&self.name)?, || Ok(state.clone()))?);
        if place::service(&state)?.is_some() {
            let message = "a service uses the state; stop it, restore the savepoint, and start it again";
            return Err(Misuse(format!("{message} (in {})", state.display())).into());
        }
        // All of it is known to be good before anything is changed.
        let read = Read::whole(&file)?;
        let disk = place::disk();
        let mut store =
            Store::open(Arc::clone(&disk), &state, store::Options::default()).map_err(not_there)?;
        let before = store.snapshot().number();
        if before > 0 && !self.force {
            return Err(Misuse(refusal(&state, store.snapshot())).into());
        }
        let lost = (before > 0).then(|| lost(store.snapshot()));
        let journaled = self.journaled(&state, read.info.journal)?;
        let positions = positions(&state, &read, store.snapshot(), journaled)?.encode();
        let Savepoint { head, rows, .. } = Savepoint::open(&*disk, &file)?;
        let restore = store::Restore {
            time: SystemClock.now(),
            head: &head,
            positions: &positions,
            journal: journaled.taken,
        };
        store.restore(&restore, rows).with_context(|| {
            format!("the savepoint could not be restored, and the state in {} is as it was", state.display())
        })?;
        store.close()?;
        lost.into_iter().for_each(|lost| complain(&lost));
        output::print(&describe(&state, &file, &read, journaled))?;
        Ok(ExitCode::SUCCESS)
    }

    fn journaled(&self, state: &Path, taken: u64) -> anyhow::Result<Journaled> {
        let folder: PathBuf = state.join("journal");
        if !folder.exists() {
            return Ok(Journaled::new(taken, 0, 0, false));
        }
        let journal = journal::inspect(&place::disk(), &folder)?;
        let number = |place: &Option<journal::Place>| place.as_ref().map_or(0, |place| place.number);
        let (oldest, newest) = (number(&journal.oldest), number(&journal.newest));
        Ok(Journaled::new(taken, oldest, newest, self.skip_journal))
    }
}

/// How far sources have come in the state that is restored.
///
/// Where records are left out of the journal, their partitions never come back, and their numbers must not be given
/// to others: an event is known by the number of its partition and its place there, and so is an alert.
fn positions(
    state: &Path,
    read: &Read,
    snapshot: &Arc<Snapshot>,
    journaled: Journaled,
) -> anyhow::Result<Positions> {
    let mut positions = Positions { journal: journaled.taken, ..read.positions.clone() };
    if journaled.gone + journaled.left_out == 0 {
        return Ok(positions);
    }
    let stored = snapshot.positions().ok().and_then(|stored| Positions::decode(&stored).ok());
    for (stream, of) in stored.iter().flat_map(|stored| &stored.streams) {
        let known = positions.streams.entry(stream.clone()).or_default();
        known.next = known.next.max(of.next);
    }
    journal::entries(&place::disk(), &state.join("journal"), read.info.journal + 1, |_, entry| {
        let known = positions.streams.entry(entry.stream.into()).or_default();
        known.next = known.next.max(u64::from(entry.partition) + 1);
    })?;
    Ok(positions)
}

/// Why a state is not replaced.
fn refusal(state: &Path, snapshot: &Arc<Snapshot>) -> String {
    let (number, time) = (grouped(snapshot.number()), snapshot.time());
    let holds = match count(snapshot) {
        Ok((runs, keys)) => format!(", with {} of {}", matches(runs), plural_of(keys, "key")),
        Err(_) => String::new(),
    };
    format!(
        "there is a state in {} (checkpoint {number} of {time}{holds}), and restoring would replace it: keep it with \
         `tripline savepoint create` if it may be needed, and add `--force`",
        state.display()
    )
}

/// What has been replaced.
fn lost(snapshot: &Arc<Snapshot>) -> String {
    let (number, time) = (grouped(snapshot.number()), snapshot.time());
    let holds = match count(snapshot) {
        Ok((runs, keys)) => format!("{} of {}", matches(runs), plural_of(keys, "key")),
        Err(error) => format!("what it held cannot be read: {error:#}"),
    };
    format!("replaced: the state of {time}, checkpoint {number}: {holds}")
}

/// How many partial matches there are, and of how many keys of rules.
fn count(snapshot: &Arc<Snapshot>) -> anyhow::Result<(u64, u64)> {
    let mut summary = Summary::new(&snapshot.head()?)?;
    take_all(snapshot.all_rows(), |row| summary.row(row))?;
    let sum = |part: fn(&crate::engine::StoredRuleSummary) -> u64| summary.rules.iter().map(part).sum();
    Ok((sum(|rule| rule.runs), sum(|rule| rule.keys)))
}

fn matches(runs: u64) -> String {
    if runs == 1 { "1 partial match".into() } else { format!("{} partial matches", grouped(runs)) }
}

fn plural_of(count: u64, noun: &str) -> String {
    plural(usize::try_from(count).unwrap_or(usize::MAX), noun)
}

fn describe(state: &Path, file: &Path, read: &Read, journaled: Journaled) -> String {
    let Read { info, summary, positions } = read;
    let mut lines = vec![format!("restored {} into {}", file.display(), state.display())];
    lines.push(format!("state of   {}, checkpoint {}", info.time, grouped(info.commit)));
    if summary.passed > Timestamp::FIRST {
        lines.push(format!("event time {}", summary.passed));
    }
    let (runs, keys) =
        summary.rules.iter().fold((0, 0), |(runs, keys), rule| (runs + rule.runs, keys + rule.keys));
    lines.push(format!("holds      {} of {}", matches(runs), plural_of(keys, "key")));
    let files = positions.open().filter(|(_, _, position)| position.reached.file.is_some()).count();
    if files > 0 {
        lines.push(format!("sources    {} are read again from where they were then", plural(files, "file")));
    }
    lines.extend(journaled.describe());
    lines.push("start the service: it goes on from here, with any number of shards".into());
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_goes_on_behind_the_savepoint_if_it_still_has_all_that_came_since() {
        let journaled = |taken, replayed, gone, left_out| Journaled { taken, replayed, gone, left_out };
        // On another machine there is none, and numbers go on.
        assert_eq!(Journaled::new(812, 0, 0, false), journaled(812, 0, 0, 0));
        // One that ends before, as its files were lost.
        assert_eq!(Journaled::new(812, 700, 800, false), journaled(812, 0, 0, 0));
        assert_eq!(Journaled::new(812, 700, 812, false), journaled(812, 0, 0, 0));
        assert_eq!(Journaled::new(812, 813, 820, false), journaled(812, 8, 0, 0));
        assert_eq!(Journaled::new(812, 700, 820, false), journaled(812, 8, 0, 0));
        assert_eq!(Journaled::new(812, 700, 820, true), journaled(820, 0, 0, 8));
        // Some of what came since is not there any more.
        assert_eq!(Journaled::new(812, 815, 820, false), journaled(820, 0, 2, 6));
        assert_eq!(Journaled::new(0, 1, 3, false), journaled(0, 3, 0, 0));
    }
}
