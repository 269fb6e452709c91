//! The whole service, stopped at any moment: no alert is missing, none is too many.
//!
//! All parts of it run on one thread: sources, the gate and the journal, the driver with its engine,
//! checkpoints and the one who writes them, the store, the outbox with its queues, and sinks. The disk is
//! simulated: it loses power, fails and runs full. A seed decides what is sent, which part does something
//! when, what goes wrong, and how the service ends and how many shards it has after that. What was kept is
//! then given to an engine that is never stopped, and what sinks got is held against its alerts.
//!
//! Long runs are `TRIPLINE_CASES=10000 cargo test --release --lib runtime::tests::crash`.
//! With `TRIPLINE_TRACE` it is said what happens. Two things are no part of the seed: in which order the
//! database writes its pages, of which some are left when the power goes, and who of several tasks that wait
//! for the same thing goes on first. So a seed that fails may have to be played a few times until it fails
//! again.

mod book;
mod check;
mod life;
mod rules;
mod settings;
mod sinks;
mod sources;
mod steps;
mod world;

use std::sync::OnceLock;

use crate::cases::cases;
use crate::seeds::seeds;

use world::{Counts, Trouble, World};

/// Says what happens, if that is asked for.
fn say(what: impl FnOnce() -> String) {
    static WANTED: OnceLock<bool> = OnceLock::new();
    if *WANTED.get_or_init(|| std::env::var("TRIPLINE_TRACE").is_ok()) {
        eprintln!("{}", what());
    }
}

/// Plays a seed: some lives, and then the end.
fn play(seed: u64, trouble: Trouble) -> Counts {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    // What waits for the disk does so on one other thread, in order.
    let runtime = runtime.enable_time().start_paused(true).max_blocking_threads(1).build();
    runtime.expect("a runtime").block_on(async {
        let mut world = World::new(seed, trouble);
        for _ in 0..1 + world.random.below(5) {
            let steps = world.random.below(70);
            world.live(steps).await;
        }
        world.settle().await;
        world.counts.operations = world.lasting.disk.operations();
        world.counts
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
    assert!(many < 100 || least >= Some(many / 3) && sum.alerts > 5 * many && sum.dead > 0, "{sum:?}");
    say(|| format!("{sum:?}"));
}

/// Every operation of the disk in turn is the last, of some runs in which nothing else happens.
#[test]
fn the_power_may_go_at_every_operation() {
    for mut seed in seeds(1, 4) {
        let Counts { operations, .. } = play(seed.number, Trouble::None);
        // A few of them, others with every seed, unless all are wanted.
        let step = u64::from(20 / cases(1, 4).clamp(1, 20));
        for operation in (1 + seed.number % step..=operations).step_by(usize::try_from(step).expect("few")) {
            for kills in [false, true] {
                let trouble = Trouble::At { operation, kills };
                seed.details = format!(", with {trouble:?}");
                play(seed.number, trouble);
            }
        }
    }
}
