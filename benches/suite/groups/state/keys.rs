//! A million keys with a run each: what a checkpoint takes when some of them change, and how soon a service
//! that is started on that state serves again.

use std::path::Path;

use crate::child;
use crate::results::{Row, Unit};
use crate::service::Service;
use crate::stored::{Checkpoint, Job, Outcome};
use crate::suite::Suite;
use crate::table::grouped;

use super::{GROUP, median, spread};

/// How many keys have a run.
const KEYS: u64 = 1_000_000;
/// How many of them change between two checkpoints: one in so many.
const CHANGED: u64 = 10;
/// How many checkpoints there are after the first one.
const CHECKPOINTS: usize = 60;

const RULES: &str = "amount_jump.trip";

/// So long the engine may stand still for a checkpoint, in milliseconds.
const MOST_PAUSE_MS: f64 = 100.0;
/// So long it may take until a service serves again, in seconds.
const MOST_RECOVERY_S: f64 = 5.0;
/// Among how many shards keys are divided.
const SHARDS: [usize; 2] = [1, 2];

/// Measures all.
pub fn run(suite: &mut Suite) {
    let keys = suite.options.scaled(KEYS);
    let checkpoint = format!("{} of {} keys changed", grouped(keys / CHANGED), grouped(keys));
    let recovery = format!("recovery of {} keys", grouped(keys));
    if !suite.wants(GROUP, &checkpoint) && !suite.wants(GROUP, &recovery) {
        return;
    }
    let folder = suite.fresh_folder();
    suite.note(&format!("{GROUP}: {checkpoint}, {CHECKPOINTS} times"));
    let job = Job {
        rules: Suite::rules(RULES),
        keys,
        changed: (keys / CHANGED).max(1),
        checkpoints: CHECKPOINTS,
        folder: folder.join("state"),
    };
    let Some(outcome) = child::start(&job, suite.options.patience_s) else {
        suite.note(&format!("{GROUP}: {checkpoint}: stopped, it takes too long"));
        return;
    };
    checkpoints(suite, &checkpoint, &outcome);
    recoveries(suite, &recovery, &folder, &outcome);
}

fn checkpoints(suite: &mut Suite, case: &str, outcome: &Outcome) {
    let Outcome { first, further, .. } = outcome;
    let all = |of: fn(&Checkpoint) -> f64| -> Vec<f64> { further.iter().map(of).collect() };
    let middle = |of| median(all(of));
    let ms = |seconds: f64| format!("{:.0} ms", seconds * 1e3);
    let mb = |bytes: f64| format!("{:.1} MB", bytes / 1e6);
    let pause = format!(
        "on the clock, {}; CPU time {}; {} rows of {:.0} bytes; the first, of everything, {}",
        spread(&all(|of| of.pause_s), ms),
        ms(middle(|of| of.pause_cpu_s)),
        grouped(middle(|of| of.rows as f64) as u64),
        middle(|of| of.bytes as f64 / of.rows as f64),
        ms(first.pause_s),
    );
    let row = |what: &str, value, unit, remark: String| {
        Row::new(GROUP, format!("{case}: {what}"), value, unit).remark(remark)
    };
    let value = middle(|of| of.pause_s) * 1e3;
    suite.push(row("pause", value, Unit::Millis, pause).target(MOST_PAUSE_MS));
    let commit = format!(
        "on the clock, {}: {} merging, {} writing, {} until it is durable; CPU time {}; the first {}",
        spread(&all(|of| of.commit_s), ms),
        ms(middle(|of| of.merge_s)),
        ms(middle(|of| of.write_s)),
        ms(middle(|of| of.sync_s)),
        ms(middle(|of| of.commit_cpu_s)),
        ms(first.commit_s),
    );
    suite.push(row("commit", middle(|of| of.commit_s) * 1e3, Unit::Millis, commit));
    let (written, changed) =
        (all(|of| of.written as f64).iter().sum::<f64>(), all(|of| of.bytes as f64).iter().sum::<f64>());
    let bytes = format!(
        "{}; {} had changed; the first {}",
        spread(&all(|of| of.written as f64), mb),
        mb(middle(|of| of.bytes as f64)),
        mb(first.written as f64)
    );
    suite.push(row("written", middle(|of| of.written as f64) / 1e6, Unit::Megabytes, bytes));
    let amplification = format!("over {} checkpoints", further.len());
    suite.push(row("written by changed bytes", written / changed, Unit::Times, amplification));
    let (live, file) = (outcome.live_bytes as f64, outcome.file_bytes as f64);
    let file_size = format!("{} by {} of rows that count", mb(file), mb(live));
    suite.push(row("size of the file by rows that count", file / live, Unit::Times, file_size));
    let [empty, full, stored, end] = outcome.memory_mb;
    let memory = format!(
        "{full:.0} MB with all runs, {stored:.0} MB after the first checkpoint, {end:.0} MB at the end"
    );
    let value = (end - full) * 1e6 / outcome.live_keys as f64;
    suite.push(row("memory for it, a key", value, Unit::Bytes, memory));
    let value = (full - empty) * 1e6 / outcome.live_keys as f64;
    suite.push(row("memory of a key with its run and its event", value, Unit::Bytes, String::new()));
}

/// Starts the service on the state.
fn recoveries(suite: &mut Suite, case: &str, folder: &Path, outcome: &Outcome) {
    for shards in SHARDS {
        let begin = |state: &str| {
            let mut service = Service::start(&suite.options.binary, folder, &configuration(shards, state));
            let (ready_s, _) = service.wait_for("ready", None);
            let memory_mb = service.memory().map_or(0.0, |memory| memory.now_mb);
            (service, ready_s, memory_mb)
        };
        let (service, empty_s, empty_mb) = begin("empty");
        service.stop();
        let (mut readies, mut restored, mut full_mb) = (Vec::new(), Vec::new(), 0.0);
        for _ in 0..suite.options.runs {
            let (mut service, ready_s, memory_mb) = begin("state");
            let (_, line) = service.wait_for("going on from the last checkpoint", None);
            assert_eq!(line["keys"].as_u64(), Some(outcome.live_keys), "all keys are there again");
            readies.push(ready_s);
            restored.push(line["seconds"].as_f64().expect("the log says how long it took"));
            full_mb = memory_mb;
            service.stop();
        }
        let plural = if shards == 1 { "" } else { "s" };
        let case = format!("{case}, {shards} shard{plural}");
        let remark = format!(
            "on the clock from its start until it is ready, {}; rows read and taken over in {:.2} s; {:.2} s without state",
            spread(&readies, |seconds| format!("{seconds:.2} s")),
            median(restored),
            empty_s
        );
        let row = Row::new(GROUP, case.as_str(), median(readies), Unit::Seconds);
        suite.push(row.target(MOST_RECOVERY_S).remark(remark));
        let bytes = (full_mb - empty_mb) * 1e6 / outcome.live_keys as f64;
        let remark = format!("{full_mb:.0} MB; {empty_mb:.0} MB without state");
        suite.push(Row::new(GROUP, format!("{case}: memory a key"), bytes, Unit::Bytes).remark(remark));
    }
}

fn configuration(shards: usize, state: &str) -> String {
    format!(
        "rules = '{}'\nshards = {shards}\nmax_ahead = \"36500d\"\n\n\
         [state]\npath = \"{state}\"\n\n\
         [sources.payments]\ntype = \"tcp\"\nstream = \"payments\"\nlisten = \"127.0.0.1:0\"\n",
        Suite::rules(RULES).display()
    )
}
