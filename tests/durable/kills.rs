//! `kill -9`, at any moment: nothing that was accepted is lost, and no alert is invented.

use std::collections::BTreeMap;
use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use crate::client::Wire;
use crate::run::{Moment, Run, difference};
use crate::seeds::seeds;

/// Says what was going on when a test panics.
struct Play {
    seed: u64,
    moments: Vec<Moment>,
}

impl Drop for Play {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Play { seed, moments } = self;
            eprintln!(
                "the seed is {seed}: TRIPLINE_SEED={seed} TRIPLINE_CASES=1 plays it alone; lives: {moments:?}"
            );
        }
    }
}

/// Kills a service so often, and compares what comes of it with what comes without.
fn kill(wire: Wire, seed: u64, kills: usize) {
    let begun = Instant::now();
    let mut play = Play { seed, moments: Vec::new() };
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut run = Run::new(wire, seed, 7);
    let mut killed = 0;
    while killed < kills {
        let moment = Moment::pick(&mut random);
        play.moments.push(moment);
        let ended = run.live(moment);
        killed += usize::from(moment != Moment::Stopped);
        if moment == Moment::Stopped {
            assert!(ended.status.success(), "{}", ended.text());
        }
    }
    run.finish();
    let lived = begun.elapsed();
    let accepted = run.accepted();
    let calm = run.undisturbed(seed, &accepted);
    assert_eq!(calm.mail().wrong, Vec::<String>::new());

    let mut rules = BTreeMap::<String, usize>::new();
    for alert in calm.mail().read() {
        *rules.entry(format!("{} {}", alert["rule"], alert["kind"])).or_default() += 1;
    }
    let requests = run.mail().requests;
    let alerts = run.mail().alerts.len();
    println!(
        "seed {seed}: {killed} kills in {} lives and {:.1} s (and {:.1} s undisturbed), {} connections, {} loads accepted; \
         {alerts} alerts in {requests} requests: {rules:?}",
        play.moments.len() + 1,
        lived.as_secs_f64(),
        (begun.elapsed() - lived).as_secs_f64(),
        run.connections(),
        accepted.iter().sum::<usize>(),
    );
    let difference = difference(&run.mail(), &calm.mail());
    if let Some(difference) = difference {
        panic!("it is not what comes without kills:\n{difference}");
    }
    assert!(rules.len() >= 9 && rules.values().all(|count| *count > 3), "too little happens: {rules:?}");
}

#[test]
fn killed_thirty_times_it_gives_the_same_alerts_over_tcp() {
    seeds(1).for_each(|seed| kill(Wire::Tcp, seed, 30));
}

#[test]
fn killed_ten_times_it_gives_the_same_alerts_over_http() {
    seeds(1).for_each(|seed| kill(Wire::Http, seed, 10));
}
