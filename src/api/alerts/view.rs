//! Alerts as the API answers them.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::alert::Alert;
use crate::archive::{AlertView, Delivery, Found, Whole};
use crate::event::Timestamp;
use crate::program::{Program, StepInfo};
use crate::routing::Captured;

/// Alerts, the last ones first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AlertPage {
    /// The alerts.
    pub alerts: Vec<AlertView>,
    /// The cursor of the next page, if there may be one.
    pub next: Option<u64>,
    /// How far back it was looked, when much was looked at and little found: the next page goes on there.
    pub searched_to: Option<Timestamp>,
}

/// All of an alert.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WholeAlert {
    /// What is listed of it.
    pub summary: AlertView,
    /// The alert as sinks get it.
    #[schema(value_type = Object)]
    pub alert: Box<RawValue>,
    /// What it has captured, in the order of the pattern.
    pub captured: Vec<CapturedEvent>,
    /// The parts of its pattern, in order, if its rule is still the one that has made it.
    pub steps: Option<Vec<PatternPart>>,
    /// The time limit of the whole match in seconds, if its rule is still that one and has one.
    pub within_seconds: Option<f64>,
    /// Whether its rule is still the one that has made it.
    pub rule_is_current: bool,
    /// What has come of sending it, in order. What it was sent to and is not listed here waits.
    pub deliveries: Vec<Delivery>,
}

/// An event that an alert has captured.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CapturedEvent {
    /// The variable of the pattern.
    pub variable: String,
    /// When it was.
    pub time: Timestamp,
    /// Its stream, if the rule of the alert is still the one that has made it.
    pub stream: Option<String>,
    /// The record, as it came.
    #[schema(value_type = Object)]
    pub record: Option<Box<RawValue>>,
}

impl CapturedEvent {
    /// What an alert holds, in the order of the pattern.
    pub fn of(program: &Program, alert: &Alert) -> Vec<CapturedEvent> {
        let events =
            alert.events.iter().flat_map(|(name, events)| events.iter().map(move |event| (name, event)));
        let captured = events.map(|(name, event)| CapturedEvent {
            variable: name.to_string(),
            time: event.time(),
            stream: Some(program.schema(event.stream()).name.to_string()),
            record: std::str::from_utf8(event.raw())
                .ok()
                .and_then(|raw| RawValue::from_string(raw.to_owned()).ok()),
        });
        captured.collect()
    }
}

/// A part of a pattern.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PatternPart {
    /// About as it is written in the rule.
    pub text: String,
    /// What it captures.
    pub variables: Vec<String>,
    /// Whether it is that something does not come.
    pub absent: bool,
}

impl From<Found> for AlertPage {
    fn from(Found { alerts, next, searched_to }: Found) -> AlertPage {
        AlertPage { alerts: alerts.into_iter().map(AlertView::from).collect(), next, searched_to }
    }
}

impl From<StepInfo> for PatternPart {
    fn from(StepInfo { text, variables, absent }: StepInfo) -> PatternPart {
        PatternPart { text, variables, absent }
    }
}

/// What is read of an alert that was sent.
#[derive(Deserialize)]
struct Evidence {
    fingerprint: String,
    #[serde(default)]
    events: HashMap<String, Vec<Box<RawValue>>>,
}

impl WholeAlert {
    /// Of what is kept, with what a program says of the rule, if it is still that one.
    pub fn new(whole: Whole, program: Option<&Program>) -> WholeAlert {
        let Whole { summary, alert, captured, deliveries } = whole;
        let rule = summary.header.record.rule.clone();
        let evidence: Option<Evidence> = serde_json::from_str(alert.get()).ok();
        let (fingerprint, mut events) =
            evidence.map(|evidence| (evidence.fingerprint, evidence.events)).unwrap_or_default();
        let is_it = |program: &&Program| {
            program.rules().iter().any(|known| *known.name == *rule && *known.fingerprint == *fingerprint)
        };
        let program = program.filter(is_it);
        // Those of a variable are in their order.
        events.values_mut().for_each(|records| records.reverse());
        let event = |Captured { variable, time }: Captured| CapturedEvent {
            stream: program.and_then(|program| program.stream_of(&rule, &variable)).map(str::to_owned),
            record: events.get_mut(&variable).and_then(Vec::pop),
            variable,
            time,
        };
        WholeAlert {
            captured: captured.into_iter().map(event).collect(),
            steps: program.map(|program| steps(program, &rule)),
            within_seconds: program.and_then(|program| within_seconds(program, &rule)),
            rule_is_current: program.is_some(),
            summary: summary.into(),
            alert,
            deliveries,
        }
    }
}

/// The parts of a rule's pattern, in order.
pub fn steps(program: &Program, rule: &str) -> Vec<PatternPart> {
    program.steps(rule).into_iter().map(PatternPart::from).collect()
}

/// The time limit of a rule's whole match in seconds, if it has one.
pub fn within_seconds(program: &Program, rule: &str) -> Option<f64> {
    let within = program.graph(rule)?.within?;
    Some(within.as_micros() as f64 / 1e6)
}
