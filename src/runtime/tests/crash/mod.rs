//! The whole service, stopped at any moment: no alert is missing, none is too many.
//!
//! All parts of it run on one thread: sources, the gate and the journal, the driver with its engine,
//! checkpoints and the one who writes them, the store, the outbox with its queues, and sinks. The disk is
//! simulated: it loses power, fails and runs full. A seed decides what is sent, which part does something
//! when, what goes wrong, and how the service ends and how many shards it has after that. What was kept is
//! then given to an engine that is never stopped, and what sinks got is held against its alerts. Where rules
//! change between two lives, that engine goes on with others at the same place of what was kept; the alerts
//! of rules that did not change are held against one to which nothing happens at all. Where partitions become
//! quiet, what came too late is left out of what that engine gets, and an engine that never hears what time it
//! is says what may have been too late when the journal was worked off.
//!
//! Long runs are `TRIPLINE_CASES=10000 cargo test --release --lib runtime::tests::crash`.
//! With `TRIPLINE_TRACE` it is said what happens. A seed plays the same each time.

mod book;
mod check;
mod engines;
mod life;
mod log;
mod rules;
mod save;
mod settings;
mod sinks;
mod sources;
mod steps;
mod world;

use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::disk::simulated::Moment;
use crate::seeds::seeds;

use world::{Counts, Trouble, World};

/// Says what happens, if that is asked for.
fn say(what: impl FnOnce() -> String) {
    static WANTED: OnceLock<bool> = OnceLock::new();
    if *WANTED.get_or_init(|| std::env::var("TRIPLINE_TRACE").is_ok()) {
        eprintln!("{}", what());
    }
}

/// Plays a seed: some lives, and then the end. Where the power goes at one operation, they are short.
fn play(seed: u64, trouble: Trouble) -> Counts {
    play_and_list_syncs(seed, trouble).0
}

/// The same; also says which operations of the disk were syncs.
fn play_and_list_syncs(seed: u64, trouble: Trouble) -> (Counts, BTreeSet<u64>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let mut world = World::new(seed, trouble);
        let (lives, least, more) = if matches!(trouble, Trouble::Any) { (5, 0, 70) } else { (1, 6, 10) };
        for _ in 0..1 + world.random.below(lives) {
            let steps = least + world.random.below(more);
            world.live(steps).await;
        }
        world.settle().await;
        world.counts.operations = world.lasting.disk.operations();
        (world.counts, world.lasting.disk.syncs())
    })
}

#[test]
fn whatever_happens_every_alert_comes_and_no_other() {
    let (mut sum, seeds) = (Counts::default(), seeds(100, 600));
    let many = seeds.len();
    for seed in seeds {
        sum.add(play(seed.number, Trouble::Any));
    }
    // Otherwise it would show little.
    let Counts { crashes, crashes_at_work, kills, stops, failed_starts, failed_commits, .. } = sum;
    let least = [crashes, kills, stops, failed_starts, failed_commits, 2 * crashes_at_work].into_iter().min();
    let shows = least >= Some(many / 3) && sum.alerts > 5 * many && sum.dead > 0;
    let has_all = sum.changes > many / 5 && sum.late > many && sum.saved > many / 5;
    assert!(many < 100 || shows && has_all, "{sum:?}");
    say(|| format!("{sum:?}"));
}

/// Otherwise a failure could not be looked at.
#[test]
fn a_seed_plays_the_same_each_time() {
    for seed in seeds(10, 60) {
        let [one, other] = [(); 2].map(|()| play_and_list_syncs(seed.number, Trouble::Any));
        assert_eq!(one, other);
    }
}

/// Every operation of the disk in turn is the last, of short runs in which nothing else happens. The power
/// goes just before each sync, and just after it, before anybody hears that it was done; and while each of
/// the others is under way, or the program is killed there.
#[test]
fn the_power_may_go_at_every_operation() {
    let (mut sum, seeds) = (Counts::default(), seeds(3, 30));
    let many = seeds.len();
    for mut seed in seeds {
        let (Counts { operations, .. }, syncs) = play_and_list_syncs(seed.number, Trouble::None);
        for operation in 1..=operations {
            let moments: &[(Moment, bool)] = match syncs.contains(&operation) {
                true => &[(Moment::Before, false), (Moment::After, false)],
                false if (seed.number + operation) % 2 == 0 => &[(Moment::Amid, false)],
                false => &[(Moment::After, true)],
            };
            for &(moment, kills) in moments {
                let trouble = Trouble::At { operation, moment, kills };
                seed.details = format!(", with {trouble:?}");
                sum.add(play(seed.number, trouble));
            }
        }
    }
    assert!(sum.crashes_at_work > 50 * many && (many < 3 || sum.alerts > 100 * many), "{sum:?}");
    say(|| format!("{many} seeds, {sum:?}"));
}
