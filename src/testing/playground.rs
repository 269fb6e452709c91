//! Rules tried on events that somebody has at hand: a test that expects nothing, and whose lines are records.
//!
//! Enters: a compiled rule set and records of its streams. Leaves: the alerts that come, what stands in the middle
//! after the last record, which records were not taken, and of a rule that reports nothing how far its nearest
//! partial match came and why it went no further.

use std::sync::Arc;

use crate::alert::{Alert, AlertKind};
use crate::codec::Decoder as _;
use crate::codec::json::JsonDecoder;
use crate::diagnostic::{FileId, Label, Sources, Span};
use crate::engine::{FoundRun, Look};
use crate::event::{PartitionId, Position, StreamId, Timestamp};
use crate::language::case::{Case, Given, Step, Wanted};
use crate::program::Program;
use crate::table::Tables;

use super::failure::Failure;
use super::judge::Judge;
use super::play::Player;

/// Most partial matches of a rule that are given.
const MOST_SHOWN: usize = 50;

/// A record to try rules on.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its stream.
    pub stream: StreamId,
    /// What it says, as JSON.
    pub json: Box<str>,
    /// When it came: the time of the event where the records of the stream hold none.
    pub arrived: Timestamp,
}

/// A rule set to try.
#[derive(Clone, Copy)]
pub struct Draft<'a> {
    /// Compiled by [`Program::compile_for_tests`].
    pub program: &'a Arc<Program>,
    /// What its lists and tables hold.
    pub tables: &'a Arc<Tables>,
    /// What it was compiled from.
    pub sources: &'a Sources,
    /// The rules that are tried. The others only make what streams from their alerts carry.
    pub rules: &'a [String],
}

/// What came of records.
#[derive(Debug)]
pub struct Trial {
    /// The alerts, in the order decided.
    pub alerts: Vec<Alert>,
    /// How many of them, the first ones, were decided by the records. The others come if nothing else does.
    pub decided: usize,
    /// Partial matches after the last record.
    pub standing: Vec<FoundRun>,
    /// To where event time had come with it.
    pub passed: Timestamp,
    /// Records that no rule has seen, by their places, and why.
    pub rejected: Vec<(usize, String)>,
    /// Of rules that have reported nothing: why not.
    pub reasons: Vec<Reason>,
    /// Whether it was given up, because there were too many alerts or it took too long.
    pub gave_up: bool,
}

/// Why a rule has reported nothing. Times count from the earliest event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The rule.
    pub rule: Arc<str>,
    /// How far it came, and for what it waited.
    pub text: String,
    /// What became of single records, by their places.
    pub records: Vec<(usize, String)>,
}

/// Tries a rule set on records. `give_up` says whether it has taken too long.
pub fn try_out(draft: Draft<'_>, records: &[Record], give_up: &dyn Fn() -> bool) -> Trial {
    let Draft { program, tables, sources, rules } = draft;
    let is_tried = |rule: &str| rules.iter().any(|tried| tried == rule);
    let (case, mut rejected) = case(program, records);
    let mut player = Player::new(program, tables, &case, give_up);
    player.events(&case);
    let mut standing = Vec::new();
    for rule in rules {
        let look = Look::new(program, Some(rule), &[], MOST_SHOWN).expect("it is one of the program");
        standing.append(&mut player.engine.look(look).runs);
    }
    let decided = player.played.alerts.iter().filter(|alert| is_tried(&alert.rule)).count();
    player.finish();
    let played = player.played;
    // The places among the steps are not those among the records.
    let place = |step: usize| match &case.steps[step] {
        Step::Event(given) => place(given.span),
        Step::Restart => unreachable!("nothing restarts in a playground"),
    };
    rejected.extend(played.malformed.iter().map(|(step, why)| (place(*step), why.clone())));
    let late = |(step, by): &(usize, _)| (place(*step), format!("came {by} too late: no rule sees it"));
    rejected.extend(played.late.iter().map(late));
    rejected.sort_by_key(|(place, _)| *place);
    let mut judge = Judge::new(program, tables, sources, &case, &played);
    judge.give_up = give_up;
    let reasons = if played.gave_up { Vec::new() } else { reasons(&judge, &is_tried) };
    let (passed, gave_up) = (played.passed, played.gave_up || give_up());
    let mut alerts = played.alerts;
    alerts.retain(|alert| is_tried(&alert.rule));
    Trial { alerts, decided, standing, passed, rejected, reasons, gave_up }
}

/// A test with a line for each record; those that make no events are left out, and why.
fn case(program: &Program, records: &[Record]) -> (Case, Vec<(usize, String)>) {
    let (mut steps, mut rejected) = (Vec::new(), Vec::new());
    let mut base = Timestamp::LAST;
    for (place, record) in records.iter().enumerate() {
        let mut decoder = JsonDecoder::new(record.stream, program.schema(record.stream));
        let position = Position { partition: PartitionId(0), offset: place as u64 };
        match decoder.decode(record.json.as_bytes(), position, record.arrived) {
            Ok(Some(event)) => {
                base = base.min(event.time());
                steps.push(Step::Event(Given {
                    span: span(place),
                    stream: record.stream,
                    time: event.time(),
                    fields: Vec::new(),
                    record: Some(record.json.clone()),
                }));
            }
            Ok(None) => {}
            Err(why) => rejected.push((place, why.to_string())),
        }
    }
    let base = if steps.is_empty() { Timestamp::default() } else { base };
    let name = "playground".to_owned();
    (Case { name, name_span: span(0), base, steps, stops: false, expectations: Vec::new() }, rejected)
}

/// Where a record stands: in a text of one letter for each.
fn span(place: usize) -> Span {
    let start = u32::try_from(place).unwrap_or(u32::MAX - 1);
    Span { file: FileId(u32::MAX), start, end: start + 1 }
}

/// The record that stands there.
fn place(span: Span) -> usize {
    span.start as usize
}

/// Why the rules that have reported nothing have not.
fn reasons(judge: &Judge<'_>, is_tried: &dyn Fn(&str) -> bool) -> Vec<Reason> {
    let is_silent = |rule: &&Arc<str>| judge.played.alerts.iter().all(|alert| alert.rule != **rule);
    let rules = judge.program.rules().iter().map(|rule| &rule.name).filter(|rule| is_tried(rule));
    let reason = |rule: &Arc<str>| {
        let wanted = Wanted { rule: Arc::clone(rule), kind: AlertKind::Match, times: 1, fields: Vec::new() };
        let mut failure = Failure::new(String::new(), judge.case.name_span, "");
        judge.explain(&mut failure, &wanted);
        let of_record = |label: Label| (place(label.span), label.text);
        Reason {
            rule: Arc::clone(rule),
            text: failure.notes.join("\n"),
            records: failure.secondary.into_iter().map(of_record).collect(),
        }
    };
    rules.filter(is_silent).take_while(|_| !(judge.give_up)()).map(reason).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
stream charges time at { card string, amount float, at timestamp(ms) }
stream logins { card string }
rule testing {
  by card
  event small = charges where amount < 5
  event big = charges where amount > 100
  match 2+ small then big within 10m
  alert high "{card}"
}
stream tested from testing
rule unseen { match tested  alert low "x" }
rule silent {
  by card
  event login = logins
  event charge = charges
  match login then not charge within 1h
  alert low "{card}"
}
"#;

    /// Tries the rules on records: a stream, a record, and when it came, in seconds.
    fn tried(records: &[(&str, &str, i64)]) -> Trial {
        let sources = Sources::new([("rules.trip", RULES)]);
        let (program, diagnostics) = Program::compile_for_tests(&sources);
        let program = Arc::new(program.unwrap_or_else(|| panic!("{diagnostics:?}")));
        let tables = Arc::new(Tables::unread(program.tables()));
        let record = |(stream, json, arrived): &(&str, &str, i64)| Record {
            stream: program.stream(stream).expect("a stream"),
            json: (*json).into(),
            arrived: Timestamp::from_micros(arrived * 1_000_000),
        };
        let records: Vec<Record> = records.iter().map(record).collect();
        let rules = ["testing", "silent"].map(str::to_owned);
        try_out(
            Draft { program: &program, tables: &tables, sources: &sources, rules: &rules },
            &records,
            &|| false,
        )
    }

    fn charge(amount: f64, minute: i64) -> String {
        format!(r#"{{"card": "c1", "amount": {amount}, "at": {}}}"#, minute * 60_000)
    }

    #[test]
    fn a_match_is_found_and_what_is_no_event_is_told() {
        let trial = tried(&[
            ("charges", &charge(1.0, 0), 0),
            ("charges", r#"{"card": "c1", "amount": "much", "at": 1}"#, 0),
            ("charges", &charge(2.0, 1), 0),
            ("charges", &charge(500.0, 2), 0),
            ("charges", &charge(500.0, 1), 0),
        ]);
        let [alert] = trial.alerts.as_slice() else { panic!("{:?}", trial.alerts) };
        assert_eq!((&*alert.rule, &*alert.title, trial.decided), ("testing", "c1", 1));
        let places: Vec<usize> = trial.rejected.iter().map(|(place, _)| *place).collect();
        assert_eq!(places, [1, 4]);
        assert!(trial.rejected[0].1.contains("amount"), "{:?}", trial.rejected);
        assert_eq!(trial.rejected[1].1, "came 1m too late: no rule sees it");
        // The other rule has nothing to begin with.
        let [reason] = trial.reasons.as_slice() else { panic!("{:?}", trial.reasons) };
        assert_eq!(&*reason.rule, "silent");
    }

    #[test]
    fn why_a_rule_reports_nothing_is_told_with_the_places_of_records() {
        let trial = tried(&[
            ("charges", &charge(1.0, 0), 0),
            ("charges", &charge(2.0, 1), 0),
            ("charges", &charge(50.0, 2), 0),
        ]);
        assert!(trial.alerts.is_empty() && trial.rejected.is_empty());
        assert_eq!(trial.standing.len(), 2, "{:?}", trial.standing);
        let reason = trial.reasons.iter().find(|reason| &*reason.rule == "testing").expect("it is silent");
        let wanted = concat!(
            "the nearest partial match of card = \"c1\" took small at 0s, 1m\n",
            "then it waited for `big` (until 10m), and ran out of time"
        );
        assert_eq!(reason.text, wanted);
        let (place, why) = reason.records.last().expect("the last record did not fit");
        assert_eq!(*place, 2);
        assert!(why.contains("amount > 100"), "{why}");
    }

    #[test]
    fn what_comes_if_nothing_else_does_is_told_apart() {
        let trial = tried(&[("logins", r#"{"card": "c1"}"#, 100)]);
        assert_eq!((trial.alerts.len(), trial.decided), (1, 0));
        assert_eq!(trial.alerts[0].decided_time, Timestamp::from_micros(3_700_000_000));
        assert_eq!(trial.standing.len(), 1);
    }

    #[test]
    fn trying_is_given_up_when_it_takes_too_long() {
        let sources = Sources::new([("rules.trip", RULES)]);
        let program = Arc::new(Program::compile_for_tests(&sources).0.expect("it is right"));
        let tables = Arc::new(Tables::unread(program.tables()));
        let stream = program.stream("charges").expect("a stream");
        let record =
            |minute| Record { stream, json: charge(1.0, minute).into(), arrived: Timestamp::default() };
        let records: Vec<Record> = (0..100).map(record).collect();
        let rules = ["testing".to_owned()];
        let asked = std::cell::Cell::new(0);
        let give_up = || asked.replace(asked.get() + 1) >= 10;
        let trial = try_out(
            Draft { program: &program, tables: &tables, sources: &sources, rules: &rules },
            &records,
            &give_up,
        );
        assert!(trial.gave_up && trial.reasons.is_empty());
        assert!(asked.get() < 20, "{}", asked.get());
    }
}
