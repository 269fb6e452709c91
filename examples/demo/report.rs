//! What the demo says: each alert on a line as it comes, and at the end what was found of what was
//! planted.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;

use super::generator::Case;
use super::options::Options;
use super::receiver::Alert;
use super::service::Service;

/// What an alert is known by: rule, kind and key.
type Identity = (String, String, BTreeMap<String, String>);

/// Which of the planted cases were reported, and what else was.
#[derive(Debug, Default)]
pub struct Report {
    /// The planted cases, and whether they must be reported.
    expected: BTreeMap<Identity, bool>,
    reported: BTreeSet<Identity>,
    /// Alerts that were not planted, by rule.
    others: BTreeMap<String, usize>,
}

/// Numbers of one rule.
#[derive(Clone, Copy, Debug, Default)]
struct Score {
    found: usize,
    planted: usize,
    near_misses: usize,
    wrongly_reported: usize,
    others: usize,
}

impl Report {
    /// A report in which nothing has been found yet.
    pub fn new(cases: &[Case]) -> Report {
        let identity = |case: &Case| {
            let key = case.key.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            (case.rule.to_owned(), case.kind.to_owned(), key)
        };
        Report {
            expected: cases.iter().map(|case| (identity(case), case.fires)).collect(),
            ..Report::default()
        }
    }

    /// Takes an alert into account. A second alert of a planted case counts as one that was not
    /// planted.
    pub fn add(&mut self, alert: &Alert) {
        let identity = (alert.rule.clone(), alert.kind.clone(), alert.key.clone());
        let planted = self.expected.contains_key(&identity);
        if !planted || !self.reported.insert(identity) {
            *self.others.entry(alert.rule.clone()).or_default() += 1;
        }
    }

    /// Whether every planted case has been reported.
    pub fn is_complete(&self) -> bool {
        self.expected.iter().all(|(identity, fires)| !fires || self.reported.contains(identity))
    }

    /// Whether every planted case has been reported, and no near miss.
    pub fn is_right(&self) -> bool {
        self.expected.iter().all(|(identity, fires)| *fires == self.reported.contains(identity))
    }

    fn scores(&self) -> BTreeMap<&str, Score> {
        let mut scores: BTreeMap<&str, Score> = BTreeMap::new();
        for (identity, fires) in &self.expected {
            let score = scores.entry(&identity.0).or_default();
            let reported = usize::from(self.reported.contains(identity));
            if *fires {
                score.planted += 1;
                score.found += reported;
            } else {
                score.near_misses += 1;
                score.wrongly_reported += reported;
            }
        }
        for (rule, count) in &self.others {
            scores.entry(rule).or_default().others = *count;
        }
        scores
    }

    fn wrong(&self) -> impl Iterator<Item = (&Identity, bool)> {
        self.expected
            .iter()
            .filter(|(identity, fires)| **fires != self.reported.contains(*identity))
            .map(|(identity, fires)| (identity, *fires))
    }
}

/// Where the demo prints; in colour on a terminal, unless `NO_COLOR` is set.
#[derive(Debug)]
pub struct Screen {
    colour: bool,
}

impl Screen {
    pub fn new() -> Screen {
        Screen { colour: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// What is about to happen.
    pub fn introduce(&self, options: &Options, cases: &[Case], service: &Service) {
        let near = cases.iter().filter(|case| !case.fires).count();
        println!(
            "A day of traffic, about {} events, is sent to the service at {} a second.",
            options.events, options.rate
        );
        println!(
            "Planted in it: {} cases that the rules must report and {near} near misses that they must not.",
            cases.len() - near
        );
        println!("Configuration and log, until the end: {}", service.folder().display());
        println!(
            "Its web page, until the end: http://{0}, and its metrics: http://{0}/metrics\n",
            service.api()
        );
    }

    /// The service can be looked at for as long as one likes.
    pub fn invite(&self, service: &Service) {
        println!("\nThe service runs on, at http://{}. Enter stops it.", service.api());
    }

    /// One alert.
    pub fn show(&self, alert: &Alert) {
        let colour = match alert.severity.as_str() {
            "critical" => "1;97;41",
            "high" => "1;31",
            "medium" => "33",
            _ => "36",
        };
        let time = alert.decided_time.get(11..19).unwrap_or(&alert.decided_time);
        let severity = self.paint(colour, &format!("{:^10}", alert.severity));
        let key: Vec<String> = alert.key.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let events = if alert.events == 1 { "event" } else { "events" };
        let rest = format!("[{} {}, {} {events}]", alert.rule, key.join(" "), alert.events);
        println!("{time} {severity} {}  {}", alert.title, self.paint("2", &rest));
    }

    /// What was found of what was planted.
    pub fn conclude(&self, report: &Report, lines: u64, seconds: f64) {
        println!("\n{lines} events in {seconds:.1} s.\n");
        println!(
            "{:<20} {:>13} {:>22} {:>14}",
            "rule", "planted found", "near misses reported", "other alerts"
        );
        let mut total = Score::default();
        for (rule, score) in report.scores() {
            let Score { found, planted, near_misses, wrongly_reported, others } = score;
            total.found += found;
            total.planted += planted;
            let found = format!("{found} of {planted}");
            let near = format!("{wrongly_reported} of {near_misses}");
            println!("{rule:<20} {found:>13} {near:>22} {others:>14}");
        }
        println!("\n{} of {} planted cases found.", total.found, total.planted);
        println!("Other alerts are false alarms: ordinary traffic that looks like a case, as it happens.");
        for ((rule, kind, key), fires) in report.wrong() {
            let what = if fires { "not reported" } else { "reported, although a near miss" };
            println!("{} {what}: {rule} ({kind}) {key:?}", self.paint("1;31", "wrong:"));
        }
        if report.is_right() {
            println!(
                "{}",
                self.paint("1;32", "Everything that was planted was found, and no near miss was reported.")
            );
        }
    }
}
