//! From a topic of Kafka to alerts, beside a consumer that does nothing: broker, consumer and service share the
//! machine, so that the clock counts what all of them take.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::broker::Broker;
use crate::child;
use crate::results::{Row, Unit};
use crate::service::Service;
use crate::suite::Suite;
use crate::topic::{self, Bare, PARTITIONS};
use crate::traffic::{cards, to_file};

const GROUP: &str = "kafka";

/// How many messages: enough for ten seconds and more.
const MESSAGES: u64 = 6_000_000;

/// What the service is to reach, in events a second on the clock.
const TARGET: f64 = 400_000.0;

/// How a topic is compressed.
const COMPRESSIONS: [&str; 2] = ["none", "lz4"];

/// What reading the topic once took.
#[derive(Clone, Copy)]
struct Took {
    wall_s: f64,
    cpu_s: f64,
}

/// Measures all.
pub fn run(suite: &mut Suite) {
    for compression in COMPRESSIONS {
        let name = |what: &str| match compression {
            "none" => what.to_owned(),
            _ => format!("{what}, {compression}"),
        };
        let wanted = ["bare consumer", "service", "service, state"]
            .map(name)
            .into_iter()
            .filter(|name| suite.wants(GROUP, name));
        if wanted.count() > 0 {
            measure(suite, compression, name);
        }
    }
}

fn measure(suite: &mut Suite, compression: &str, name: impl Fn(&str) -> String) {
    suite.note(&format!("{GROUP}: a broker starts, and a topic is filled"));
    let broker = Broker::start();
    let events = suite.options.scaled(MESSAGES);
    let file = suite.fresh_folder().join("payments.jsonl");
    to_file(&file, |out| cards::write(out, events, cards::Spread::Even));
    let card = |line: &str| -> u64 {
        let at = line.find("\"card\":\"c").expect("a payment has a card") + "\"card\":\"c".len();
        line[at..at + 6].parse().expect("it is a number")
    };
    let lines = BufReader::new(File::open(&file).expect("it was written")).lines();
    let records = lines.map(|line| line.expect("it can be read")).map(|line| {
        let card = card(&line);
        (line, card)
    });
    topic::fill(&broker.address(), "payments", compression, records);
    let mut of_bare = Vec::new();
    let mut of_service = [Vec::new(), Vec::new()];
    let mut alerts = Vec::new();
    for run in 0..suite.options.runs {
        let bare = Bare {
            address: broker.address(),
            topic: "payments".to_owned(),
            messages: events + PARTITIONS as u64,
        };
        let read = child::start(&bare, suite.options.patience_s).expect("the topic is read in time");
        suite.note(&format!("{GROUP}: {} bytes a message", read.bytes / events));
        of_bare.push(Took { wall_s: read.wall_s, cpu_s: read.cpu_s });
        for (keeps, measured) in [false, true].into_iter().zip(&mut of_service) {
            let group = format!("{run}-{keeps}");
            let (took, found) = serve(suite, &broker.address(), &group, keeps);
            measured.push(took);
            alerts.push(found);
        }
    }
    assert!(alerts.iter().all(|found| *found == alerts[0]), "the same alerts are sent each time: {alerts:?}");
    let bare = middle(of_bare);
    push(suite, name("bare consumer"), bare, events, None);
    let [plain, kept] = of_service.map(middle);
    push(suite, name("service"), plain, events, Some(bare));
    push(suite, name("service, state"), kept, events, Some(bare));
}

/// Lets the service read the topic once. Returns what that took, and how many alerts there were.
fn serve(suite: &Suite, address: &str, group: &str, keeps: bool) -> (Took, usize) {
    let folder = suite.fresh_folder();
    let state = if keeps { "[state]\npath = \"state\"\n" } else { "" };
    let config = format!(
        "rules = '{}'\nmax_ahead = \"36500d\"\nshards = 2\ndefault_sinks = [\"alerts\"]\n\n\
         [sinks.alerts]\ntype = \"file\"\npath = \"alerts.jsonl\"\n\n\
         [sources.payments]\ntype = \"kafka\"\nstream = \"payments\"\nbrokers = [\"{address}\"]\n\
         topics = [\"payments\"]\ngroup = \"{group}\"\n\n{state}",
        Suite::rules("card_testing.trip").display()
    );
    let mut service = Service::start(&suite.options.binary, &folder, &config);
    let (begun_s, _) = service.wait_for("reading begins", Some("payments"));
    let ended_s = service.wait_for_all("rejected", PARTITIONS as usize);
    let took = service.stop();
    let alerts = count_alerts(&folder.join("alerts.jsonl"));
    (Took { wall_s: ended_s - begun_s, cpu_s: took.cpu_s }, alerts)
}

fn count_alerts(file: &Path) -> usize {
    fs::read_to_string(file).unwrap_or_default().lines().count()
}

/// The run in the middle, by the clock.
fn middle(mut runs: Vec<Took>) -> Took {
    runs.sort_by(|one, other| one.wall_s.total_cmp(&other.wall_s));
    runs[runs.len() / 2]
}

fn push(suite: &mut Suite, case: String, took: Took, events: u64, bare: Option<Took>) {
    let micros = |cpu_s: f64| cpu_s * 1e6 / events as f64;
    let rate = |took: Took| events as f64 / took.wall_s;
    let mut row = Row::new(GROUP, case, rate(took), Unit::EventsASecond);
    row.events_per_s = Some(events as f64 / took.cpu_s);
    let of_cpu = format!("on the clock; {:.2} µs of CPU time an event", micros(took.cpu_s));
    row = match bare {
        None => row.remark(of_cpu),
        Some(bare) => {
            let share = rate(took) / rate(bare);
            row.target(TARGET).remark(format!("{of_cpu}; {share:.2} of what the bare consumer reads"))
        }
    };
    suite.push(row);
}
