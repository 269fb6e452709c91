//! Partial matches as plain data: what the API answers, and what commands read of it again.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use crate::engine::{End, Found, RunView, WaitKind};
use crate::event::{Event, Timestamp};
use crate::program::Program;

/// Of so many events that a partial match has captured the first and the last are shown; of longer ones those in
/// the middle are left out.
const MOST_EVENTS: usize = 20;
/// A record that is longer is not shown.
const LONGEST_RECORD: usize = 16 << 10;
/// When what is shown has so many bytes, no more is.
const MOST_BYTES: usize = 4 << 20;

/// Partial matches.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StateView {
    /// All times before this have passed; none before the first event.
    #[serde(with = "optional_time")]
    pub event_time: Option<Timestamp>,
    /// When the checkpoint was made whose state it is; none if it is that of a running service.
    #[serde(with = "optional_time", default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Timestamp>,
    /// The rules that were asked for and have some.
    pub rules: Vec<RuleView>,
    /// Some of them: of each rule those first of whose key something is decided soonest.
    pub partial_matches: Vec<MatchView>,
    /// How many there are altogether.
    pub total: u64,
    /// How many keys have not been looked at, because they are not in memory and reading them would take long. A key
    /// that is asked for as a whole always is.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub keys_not_read: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "that is how it is called")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// How many partial matches a rule has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleView {
    /// The rule.
    pub rule: String,
    /// Hash of what it means.
    pub fingerprint: String,
    /// Whether it is an old version, which only goes on with what it has begun.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub old: bool,
    /// For how many keys.
    pub keys: u64,
    /// How many.
    pub partial_matches: u64,
}

/// A partial match.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MatchView {
    /// Its rule.
    pub rule: String,
    /// Hash of what the rule means, or meant if it is that of an old version.
    pub fingerprint: String,
    /// Its key.
    pub key: Map<String, Json>,
    /// Where it stands.
    pub step: StepView,
    /// Whether it has been reported and goes on.
    pub reported: bool,
    /// When its first event was.
    #[serde(with = "time")]
    pub since: Timestamp,
    /// Until when something can come of it; none if nothing limits it.
    #[serde(with = "optional_time")]
    pub until: Option<Timestamp>,
    /// What becomes of it then.
    pub then: Then,
    /// What it waits for, in the order of preference.
    pub waits_for: Vec<WaitView>,
    /// What it has captured, in the order taken; of many the first and the last.
    pub captured: Vec<CapturedView>,
    /// How many events it has captured.
    pub events: usize,
    /// How many partial matches of its rule and key there are, be they shown or not.
    pub of_key: u64,
}

/// Where in the pattern a partial match stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepView {
    /// The part that it is at, from 1 on.
    pub number: usize,
    /// How many parts the pattern has.
    pub of: usize,
    /// The part, about as it is written in the rule.
    pub element: String,
    /// How many events it has taken of that part.
    pub taken: usize,
}

/// What becomes of a partial match for which nothing comes any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// It is dropped.
    Dropped,
    /// It is reported as timed out.
    TimeOut,
    /// It is a match.
    Match,
    /// It goes on behind what must not have come.
    GoesOn,
}

/// Something that a partial match waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitView {
    /// The event definition, or the stream.
    pub event: String,
    /// What the wait is for.
    pub kind: Kind,
    /// The last moment for it; none if nothing limits it.
    #[serde(with = "optional_time")]
    pub until: Option<Timestamp>,
    /// How many more events, or absences, it takes to a match after it.
    pub missing: u32,
}

/// What a wait is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WaitKind)]
pub enum Kind {
    /// Such an event.
    Event,
    /// Such an event, which must be the very next one.
    NextEvent,
    /// That no such event comes.
    Absence,
}

/// An event that was captured.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CapturedView {
    /// What as.
    pub name: String,
    /// The event's time.
    #[serde(with = "time")]
    pub time: Timestamp,
    /// Its stream; none if that is not there any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// The record as it came in; none if it is too long to be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Json>)]
    pub record: Option<Box<RawValue>>,
}

impl StateView {
    /// Of what was found when all times before `passed` had passed.
    pub fn new(program: &Program, passed: Timestamp, found: Found) -> StateView {
        let (total, keys_not_read) = (found.total(), found.not_read);
        let own = program.rules().iter().map(|rule| (rule, false));
        let all = own.chain(program.old_rules().iter().map(|rule| (rule, true)));
        let counts = all.zip(&found.counts).filter(|(_, (keys, _))| *keys > 0);
        let rules = counts.map(|((rule, old), (keys, runs))| RuleView {
            rule: rule.name.to_string(),
            fingerprint: rule.fingerprint.to_string(),
            old,
            keys: *keys,
            partial_matches: *runs,
        });
        let mut rules: Vec<RuleView> = rules.collect();
        rules.sort_by(|one, other| (&one.rule, one.old).cmp(&(&other.rule, other.old)));
        let mut bytes = 0;
        let views = found.runs.into_iter().map(|found| {
            let view = MatchView::new(program, &found.run, found.of_key);
            let record = |event: &CapturedView| event.record.as_ref().map_or(0, |record| record.get().len());
            let before = bytes;
            bytes += view.captured.iter().map(record).sum::<usize>();
            (before, view)
        });
        let mut partial_matches: Vec<MatchView> =
            views.take_while(|(before, _)| *before <= MOST_BYTES).map(|(_, view)| view).collect();
        // Those of a rule stand together, as they were found.
        partial_matches.sort_by(|one, other| one.rule.cmp(&other.rule));
        StateView {
            event_time: Some(passed).filter(|passed| *passed > Timestamp::FIRST),
            checkpoint: None,
            rules,
            partial_matches,
            total,
            keys_not_read,
        }
    }
}

impl MatchView {
    fn new(program: &Program, run: &RunView, of_key: u64) -> MatchView {
        let json = |value| serde_json::to_value(value).unwrap_or(Json::Null);
        let since = run.captured.first().map(|(_, event)| event.time()).unwrap_or_default();
        let wait = |wait: &crate::engine::Wait| WaitView {
            event: wait.event.to_string(),
            kind: match wait.kind {
                WaitKind::Event => Kind::Event,
                WaitKind::NextEvent => Kind::NextEvent,
                WaitKind::Absence => Kind::Absence,
            },
            until: wait.until,
            missing: wait.missing,
        };
        let events = run.captured.len();
        let is_shown = |index: usize| index < MOST_EVENTS / 2 || index + MOST_EVENTS / 2 >= events;
        let captured = run.captured.iter().enumerate().filter(|(index, _)| is_shown(*index));
        MatchView {
            rule: run.rule.to_string(),
            fingerprint: run.fingerprint.to_string(),
            key: run.key.iter().map(|(name, value)| (name.to_string(), json(value))).collect(),
            step: StepView {
                number: run.step.number,
                of: run.step.of,
                element: run.step.text.clone(),
                taken: run.step.taken,
            },
            reported: run.reported,
            since,
            until: run.until,
            then: match run.end {
                End::Nothing => Then::Dropped,
                End::Timeout => Then::TimeOut,
                End::Match => Then::Match,
                End::GoesOn => Then::GoesOn,
            },
            waits_for: run.waits.iter().map(wait).collect(),
            captured: captured.map(|(_, (name, event))| CapturedView::new(program, name, event)).collect(),
            events,
            of_key,
        }
    }
}

impl CapturedView {
    fn new(program: &Program, name: &str, event: &Event) -> CapturedView {
        let stream = program.streams().get(event.stream().0 as usize);
        let raw = Some(event.raw()).filter(|raw| raw.len() <= LONGEST_RECORD);
        let raw = raw.and_then(|raw| std::str::from_utf8(raw).ok());
        CapturedView {
            name: name.to_owned(),
            time: event.time(),
            stream: stream.map(|stream| stream.name.to_string()),
            record: raw.and_then(|raw| RawValue::from_string(raw.to_owned()).ok()),
        }
    }
}

/// Times as RFC 3339 texts.
pub mod time {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::event::Timestamp;

    /// Writes one.
    pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(time)
    }

    /// Reads one.
    pub fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Timestamp::parse(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is no time")))
    }
}

/// Times that may be missing.
pub mod optional_time {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::event::Timestamp;

    /// Writes one.
    pub fn serialize<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => serializer.collect_str(time),
            None => serializer.serialize_none(),
        }
    }

    /// Reads one.
    pub fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let parse = |text: String| {
            Timestamp::parse(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is no time")))
        };
        text.map(parse).transpose()
    }
}
