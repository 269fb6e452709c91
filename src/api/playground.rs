//! `/v1/playground`: rules tried on events that somebody has at hand, beside everything that runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use crate::alert::Alert;
use crate::diagnostic::{FileId, Sources, did_you_mean};
use crate::engine::Found;
use crate::event::Timestamp;
use crate::language::{self, tree};
use crate::program::Program;
use crate::runtime::clock::SystemClock;
use crate::runtime::control::view::{MatchView, StateView};
use crate::runtime::control::{Control, ControlError};
use crate::source::Clock as _;
use crate::table::Tables;
use crate::testing::playground::{self, Record, Trial};

use super::alerts::view::{CapturedEvent, PatternPart, steps, within_seconds};
use super::extract::Json;
use super::problem::Problem;
use super::rules::aside;
use super::rules::check::{Finding, Tests, judge, not_too_large, with_draft};
use super::rules::view::TextPart;

/// Most events that rules are tried on.
const MOST_EVENTS: usize = 1_000;
/// Most alerts that are answered.
const MOST_ALERTS: usize = 200;
/// How long trying may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// So many people can try something at the same time: each takes a processor while it lasts.
static PLACES: Semaphore = Semaphore::const_new(2);

/// Rules and events to try them on.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "text": "stream auth { card string, amount float }\nrule big {\n  by card\n  event big = auth where amount > 100\n  match big\n  alert high \"{card}\"\n}\n",
    "events": [{"stream": "auth", "record": {"card": "c1", "amount": 250.0}}],
    "whole": true
})))]
pub struct Try {
    /// The rules.
    text: String,
    /// The events, in the order in which they come.
    #[schema(max_items = 1_000)]
    events: Vec<TryEvent>,
    /// Whether the text is a whole rule set. Otherwise it knows what the rules of the service declare, and what it declares itself
    /// takes the place of what has the same name there. These rules run as well, for the streams of their alerts, and nothing is answered of them.
    #[serde(default)]
    whole: bool,
}

/// An event to try rules on.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"stream": "auth", "record": {"card": "c1", "amount": 250.0}})))]
pub struct TryEvent {
    /// Its stream.
    stream: String,
    /// Its record. What is no object is told as rejected, as everything that the stream does not take.
    #[schema(value_type = serde_json::Value)]
    record: Box<RawValue>,
    /// When it comes, which is its time if the records of the stream hold none: now, unless it is said.
    #[serde(default)]
    time: Option<Timestamp>,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tried {
    /// Errors and warnings of the text. With an error, nothing was tried.
    diagnostics: Vec<Finding>,
    /// What the parts of the text are, for colours.
    tokens: Vec<TextPart>,
    /// The alerts that come.
    alerts: Vec<TriedAlert>,
    /// How many more alerts come than are shown.
    alerts_left_out: usize,
    /// What stands in the middle after the last event.
    partial_matches: Vec<MatchView>,
    /// Events that no rule has seen.
    rejected: Vec<OfEvent>,
    /// Of each rule that reports nothing: why not.
    why_not: Vec<WhyNot>,
    /// Whether it was given up because it took too long or raised too many alerts, so that all this is not the whole.
    gave_up: bool,
}

/// An alert that comes.
#[derive(Debug, Serialize, ToSchema)]
pub struct TriedAlert {
    /// The alert as sinks would get it.
    #[schema(value_type = Object)]
    alert: Box<RawValue>,
    /// What it has captured, in the order of the pattern.
    captured: Vec<CapturedEvent>,
    /// The parts of the pattern of its rule, in order.
    steps: Vec<PatternPart>,
    /// The time limit of the whole match in seconds, if it has one.
    within_seconds: Option<f64>,
    /// Whether the events do not decide it: it comes when time goes on and nothing else does.
    if_nothing_comes: bool,
}

/// Something about one of the events.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfEvent {
    /// Which, from 0 on.
    index: usize,
    /// What.
    why: String,
}

/// Why a rule reports nothing. Times count from the earliest event.
#[derive(Debug, Serialize, ToSchema)]
pub struct WhyNot {
    /// The rule.
    rule: String,
    /// How far the nearest partial match came, and what it waited for.
    text: String,
    /// What became of single events.
    events: Vec<OfEvent>,
}

/// Tries rules on events, without any effect.
///
/// The events go through the engine in the order given, as those of one partition of each stream, and then time runs on:
/// what would come of them, what stands in the middle, and why nothing came.
#[utoipa::path(
    post,
    path = "/v1/playground",
    tag = "rules",
    responses((status = 200, description = "What came of it."))
)]
pub async fn play(State(control): State<Control>, Json(wanted): Json<Try>) -> Result<Json<Tried>, Problem> {
    let Try { text, events, whole } = wanted;
    not_too_large(&text)?;
    declares_no_files(&text)?;
    if events.len() > MOST_EVENTS {
        return Err(Problem::bad(format!("`events` has more than {MOST_EVENTS} events")));
    }
    let place = PLACES.try_acquire().map_err(|_| Problem::from(ControlError::Busy))?;
    let tables = control.tables().await?;
    let now = SystemClock.now();
    let tried = aside(&control, move |_, about| {
        let _place = place;
        let known = (!whole).then_some((&about.rules, &*about.program, &*tables));
        Ok(tried(known, &text, &events, now))
    });
    tried.await.map(Json)
}

/// What a draft knows of the service: the files of its rules, these as a program, and what their lists and tables hold.
type Known<'a> = (&'a Sources, &'a Program, &'a Tables);

fn tried(known: Option<Known<'_>>, text: &str, events: &[TryEvent], now: Timestamp) -> Tried {
    let sources = with_draft(known.map(|(rules, ..)| rules), text, Tests::LeftOut);
    let (program, verdict) = judge(&sources, text, Program::compile_for_tests);
    let mut tried = Tried {
        diagnostics: verdict.diagnostics,
        tokens: verdict.tokens,
        alerts: Vec::new(),
        alerts_left_out: 0,
        partial_matches: Vec::new(),
        rejected: Vec::new(),
        why_not: Vec::new(),
        gave_up: false,
    };
    let Some(program) = program.map(Arc::new) else { return tried };
    let tables = Arc::new(tables_of(&program, known));
    let (places, records) = tried.take(&program, events, now);
    let deadline = Instant::now() + PATIENCE;
    let rules = verdict.rules.as_slice();
    let draft = playground::Draft { program: &program, tables: &tables, sources: &sources, rules };
    let trial = playground::try_out(draft, &records, &|| Instant::now() > deadline);
    tried.show(&program, trial, &places);
    tried
}

/// A draft declares no lists or tables: whoever may only look at things could read any file so.
fn declares_no_files(text: &str) -> Result<(), Problem> {
    let (draft, _) = language::parse(FileId(0), text);
    let names = draft.items.iter().find_map(|item| match item {
        tree::Item::List(list) => Some(("list", &list.name.node)),
        tree::Item::Table(table) => Some(("table", &table.name.node)),
        _ => None,
    });
    let Some((what, name)) = names else { return Ok(()) };
    Err(Problem::bad(format!(
        "`text` declares the {what} `{name}`: here rules know the lists and tables of the service's rules, and no others"
    )))
}

/// What the lists and tables hold that a draft knows from the service.
fn tables_of(program: &Program, known: Option<Known<'_>>) -> Tables {
    let mut tables = Tables::unread(program.tables());
    for (id, spec) in (0..).map(crate::table::TableId).zip(program.tables()) {
        let content = known.and_then(|(_, of_service, contents)| {
            let same = of_service.tables().iter().position(|known| known == spec)?;
            contents.get(crate::table::TableId(u32::try_from(same).ok()?))
        });
        if let Some(content) = content {
            tables.set(id, Arc::clone(content));
        }
    }
    tables
}

impl Tried {
    /// The events as records of streams, with their places; those of no stream are rejected.
    fn take(&mut self, program: &Program, events: &[TryEvent], now: Timestamp) -> (Vec<usize>, Vec<Record>) {
        let (mut places, mut records) = (Vec::new(), Vec::new());
        for (index, TryEvent { stream, record, time }) in events.iter().enumerate() {
            let Some(id) = program.stream(stream) else {
                let names = program.streams().iter().map(|schema| &*schema.name);
                let why = format!("there is no stream `{stream}`{}", did_you_mean(stream, names));
                self.rejected.push(OfEvent { index, why });
                continue;
            };
            places.push(index);
            records.push(Record { stream: id, json: record.get().into(), arrived: time.unwrap_or(now) });
        }
        (places, records)
    }

    fn show(&mut self, program: &Program, trial: Trial, places: &[usize]) {
        let Trial { alerts, decided, standing, passed, rejected, reasons, gave_up } = trial;
        let of_event = |(place, why): (usize, String)| OfEvent { index: places[place], why };
        self.alerts_left_out = alerts.len().saturating_sub(MOST_ALERTS);
        let shown = alerts.iter().take(MOST_ALERTS).enumerate();
        self.alerts = shown.map(|(index, alert)| TriedAlert::new(program, alert, index >= decided)).collect();
        let standing = Found { runs: standing, ..Found::default() };
        self.partial_matches = StateView::new(program, passed, standing).partial_matches;
        self.rejected.extend(rejected.into_iter().map(of_event));
        self.rejected.sort_by_key(|event| event.index);
        let why_not = reasons.into_iter().map(|reason| WhyNot {
            rule: reason.rule.to_string(),
            text: reason.text,
            events: reason.records.into_iter().map(of_event).collect(),
        });
        self.why_not = why_not.collect();
        self.gave_up = gave_up;
    }
}

impl TriedAlert {
    fn new(program: &Program, alert: &Alert, if_nothing_comes: bool) -> TriedAlert {
        TriedAlert {
            alert: serde_json::value::to_raw_value(alert).expect("an alert can be written as JSON"),
            captured: CapturedEvent::of(program, alert),
            steps: steps(program, &alert.rule),
            within_seconds: within_seconds(program, &alert.rule),
            if_nothing_comes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
stream charges { card string, amount float }
rule huge { by card event huge = charges where amount > 100 match huge alert high "{card}" }
stream hugs from huge
"#;

    #[test]
    fn rules_whose_alerts_a_draft_reads_run_beside_it_and_nothing_is_answered_of_them() {
        let sources = Sources::new([("rules.trip", RULES)]);
        let program = Program::compile(&sources).0.expect("it is right");
        let tables = Tables::unread(program.tables());
        let event = serde_json::json!({"stream": "charges", "record": {"card": "c1", "amount": 500}});
        let events: Vec<TryEvent> = vec![serde_json::from_value(event).expect("an event")];
        let found = |draft: &str| {
            let tried = tried(Some((&sources, &program, &tables)), draft, &events, Timestamp::default());
            assert!(tried.diagnostics.is_empty() && tried.rejected.is_empty(), "{tried:?}");
            serde_json::to_value(&tried).expect("JSON")
        };
        let answer = found("rule again { match hugs alert low \"again\" }");
        let titles = |answer: &serde_json::Value| {
            let alerts = answer["alerts"].as_array().expect("a list").iter();
            alerts.map(|alert| alert["alert"]["title"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(titles(&answer), ["again"], "{answer}");
        let changed =
            "rule huge { by card event huge = charges where amount > 1000 match huge alert high \"x\" }";
        let answer = found(changed);
        assert_eq!(titles(&answer), [""; 0], "{answer}");
        assert_eq!(answer["why_not"][0]["rule"], "huge", "{answer}");
    }
}
