//! Partial matches as people read them.

use std::fmt::Write;

use crate::cli::output::grouped;
use crate::cli::quarantine::visible;
use crate::diagnostic::Style;
use crate::event::{Duration, Timestamp};
use crate::runtime::control::StateQuery;
use crate::runtime::control::view::{CapturedView, Kind, MatchView, StateView, Then, WaitView};

use super::record::{in_short, shown};

/// How wide a line gets where nobody says how wide the terminal is.
const WIDTH: usize = 120;
/// What stands before the values of a partial match.
const INDENT: usize = 13;

/// Partial matches on a page.
pub struct Page<'a> {
    view: &'a StateView,
    query: &'a StateQuery,
    style: Style,
    width: usize,
}

impl<'a> Page<'a> {
    /// What was found for a query.
    pub fn new(view: &'a StateView, query: &'a StateQuery, style: Style) -> Page<'a> {
        let width = match style {
            Style::Coloured => textwrap::termwidth(),
            Style::Plain => WIDTH,
        };
        Page { view, query, style, width }
    }

    /// The page.
    pub fn text(&self) -> String {
        let mut text = self.head();
        let view = self.view;
        if view.total > view.partial_matches.len() as u64 || self.query.key.is_empty() && view.rules.len() > 1
        {
            text.push('\n');
            text.push_str(&self.overview());
        }
        let is_same = |one: &MatchView, other: &MatchView| {
            (&one.rule, &one.fingerprint, &one.key) == (&other.rule, &other.fingerprint, &other.key)
        };
        for of_key in view.partial_matches.chunk_by(is_same) {
            text.push('\n');
            self.write_key(of_key, &mut text);
        }
        let more = view.total.saturating_sub(view.partial_matches.len() as u64);
        if more > 0 && !view.partial_matches.is_empty() {
            let _ = writeln!(
                text,
                "\n{} are not shown; `--rule` and `--key` ask for fewer, `--limit` shows more",
                grouped(more)
            );
        }
        text
    }

    fn head(&self) -> String {
        let view = self.view;
        let matches = match view.total {
            0 => "no partial matches".into(),
            1 => "1 partial match".into(),
            total => format!("{} partial matches", grouped(total)),
        };
        let mut text = self.strong(&matches);
        let asked: Vec<String> = self.query.key.iter().map(|part| visible(part)).collect();
        if let Some(rule) = &self.query.rule {
            let _ = write!(text, " of {}", visible(rule));
        }
        if !asked.is_empty() {
            let _ = write!(text, " for {}", asked.join(" "));
        }
        match view.event_time {
            Some(time) => drop(write!(text, ", event time {time}")),
            None => text.push_str(", before the first event"),
        }
        match view.checkpoint {
            Some(made) => drop(writeln!(
                text,
                "\nno service runs; this is its last checkpoint, of {made}: what came after that is taken in at the next start"
            )),
            None => text.push('\n'),
        }
        if view.keys_not_read > 0 {
            let _ = writeln!(
                text,
                "{} keys that are not in memory were not looked at; `--key` finds a whole key wherever it is",
                grouped(view.keys_not_read)
            );
        }
        text
    }

    fn overview(&self) -> String {
        let rules = &self.view.rules;
        let name =
            |rule: &str, old: bool| format!("{}{}", visible(rule), if old { " (old version)" } else { "" });
        let names: Vec<String> = rules.iter().map(|rule| name(&rule.rule, rule.old)).collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max("rule".len());
        let mut text =
            self.faint(&format!("{:<width$}  {:>10}  {:>15}\n", "rule", "keys", "partial matches"));
        for (name, rule) in names.iter().zip(rules) {
            let (keys, matches) = (grouped(rule.keys), grouped(rule.partial_matches));
            let _ = writeln!(text, "{name:<width$}  {keys:>10}  {matches:>15}");
        }
        text
    }

    fn heading(&self, one: &MatchView) -> String {
        let is_old = |rule: &crate::runtime::control::view::RuleView| {
            rule.old && rule.rule == one.rule && rule.fingerprint == one.fingerprint
        };
        let old = if self.view.rules.iter().any(is_old) { " (old version)" } else { "" };
        let key: Vec<String> =
            one.key.iter().map(|(name, value)| format!("{}={}", visible(name), shown(value))).collect();
        format!("{}{old}  {}\n", self.strong(&visible(&one.rule)), key.join(" "))
    }

    /// Partial matches of one rule and key. Those that have begun later with events that another has captured, too,
    /// are told in a line.
    fn write_key(&self, of_key: &[MatchView], text: &mut String) {
        let Some(first) = of_key.first() else { return };
        text.push_str(&self.heading(first));
        let mut told: Option<&MatchView> = None;
        let mut later = 0;
        for one in of_key {
            if told.is_some_and(|told| is_in(one, told)) {
                let name = if later == 0 { "later" } else { "" };
                later += 1;
                let until = one.until.map(|until| format!(", until {until}")).unwrap_or_default();
                let begun = time_of(one.since, first.since);
                let _ =
                    writeln!(text, "  {} {begun}  {}{until}", self.faint(&format!("{name:<10}")), at(one));
                continue;
            }
            if told.is_some() {
                text.push('\n');
            }
            self.write(one, text);
            (told, later) = (Some(one), 0);
        }
        let more = first.of_key.saturating_sub(of_key.len() as u64);
        if more > 0 {
            let _ =
                writeln!(text, "  {} {} more of this key", self.faint(&format!("{:<10}", "")), grouped(more));
        }
    }

    fn write(&self, one: &MatchView, text: &mut String) {
        let now = self.view.event_time;
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "  {} {value}", self.faint(&format!("{name:<10}")));
        };
        line("at", &at(one));
        line("since", &format!("{}{}", one.since, ago(one.since, now)));
        let shown = one.captured.len();
        let names = one.captured.iter().map(|event| event.name.chars().count()).max().unwrap_or(0);
        for (index, event) in one.captured.iter().enumerate() {
            if index == shown / 2 && shown < one.events {
                line("", &format!("… {} more", grouped((one.events - shown) as u64)));
            }
            line(if index == 0 { "captured" } else { "" }, &self.captured(one, event, names));
        }
        let events = one.waits_for.iter().map(|wait| wait.event.chars().count()).max().unwrap_or(0);
        for (index, wait) in one.waits_for.iter().enumerate() {
            let is_said = wait.until == one.until;
            line(if index == 0 { "waits for" } else { "" }, &waits_for(wait, events, now, is_said));
        }
        line("until", &until(one, now));
    }

    fn captured(&self, one: &MatchView, event: &CapturedView, names: usize) -> String {
        let time = time_of(event.time, one.since);
        let name = visible(&event.name);
        let begin = format!("{name:<names$}  {time}");
        let width = self.width.saturating_sub(INDENT + begin.chars().count() + 2);
        let record = event.record.as_ref().map(|record| in_short(record.get(), &one.key, event.time, width));
        format!("{begin}  {}", record.unwrap_or_default()).trim_end().to_owned()
    }

    fn strong(&self, text: &str) -> String {
        self.styled("1", text)
    }

    fn faint(&self, text: &str) -> String {
        self.styled("2", text)
    }

    fn styled(&self, code: &str, text: &str) -> String {
        match self.style {
            Style::Plain => text.to_owned(),
            Style::Coloured => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

/// Whether all that a partial match has captured has been captured by another, too.
fn is_in(one: &MatchView, other: &MatchView) -> bool {
    let record = |event: &CapturedView| event.record.as_ref().map(|record| record.get().to_owned());
    let is_there = |event: &CapturedView| {
        let mut all = other.captured.iter();
        all.any(|known| {
            (known.time, &known.name) == (event.time, &event.name) && record(known) == record(event)
        })
    };
    one.captured.len() < other.captured.len() && one.captured.iter().all(is_there)
}

/// A time without its day if that is known.
fn time_of(time: Timestamp, known: Timestamp) -> String {
    let time = time.to_string();
    match (time.split_once('T'), known.to_string().split_once('T')) {
        (Some((day, time)), Some((known, _))) if day == known => time.to_owned(),
        _ => time,
    }
}

/// Where a partial match stands.
fn at(one: &MatchView) -> String {
    let step = &one.step;
    let mut text = format!("{} of {}: {}", step.number, step.of, visible(&step.element));
    if step.taken > 0 {
        let _ = write!(text, ", {} so far", grouped(step.taken as u64));
    }
    if one.reported {
        text.push_str("; it has matched and goes on");
    }
    text
}

/// What a partial match waits for. When that ends is left out where it is said below.
fn waits_for(wait: &WaitView, width: usize, now: Option<Timestamp>, is_said: bool) -> String {
    let event = visible(&wait.event);
    let what = match wait.kind {
        Kind::Event => format!("{event:<width$}"),
        Kind::NextEvent => format!("{event:<width$}  as the very next event"),
        Kind::Absence => format!("no {event}"),
    };
    let after = match wait.missing {
        0 => "then it matches".into(),
        missing => format!("then {missing} more"),
    };
    let until = match wait.until {
        Some(until) if !is_said => format!(", until {until}{}", in_time(until, now)),
        _ => String::new(),
    };
    format!("{what}  {after}{until}")
}

/// Until when something can come of it, and what then.
fn until(one: &MatchView, now: Option<Timestamp>) -> String {
    let Some(until) = one.until else {
        return "nothing ends it: the rule has no limit of time here".into();
    };
    let then = match one.then {
        Then::Dropped if one.reported => "it ends",
        Then::Dropped => "it is dropped",
        Then::TimeOut => "the time-out is reported",
        Then::Match => "it matches",
        Then::GoesOn => "it goes on",
    };
    format!("{until}{}, then {then}", in_time(until, now))
}

/// How long ago that was.
fn ago(then: Timestamp, now: Option<Timestamp>) -> String {
    let span = now.and_then(|now| now.since(then)).filter(|span| *span >= Duration::ZERO);
    span.map(|span| format!(", {} ago", rounded(span))).unwrap_or_default()
}

/// How long it is until then.
fn in_time(then: Timestamp, now: Option<Timestamp>) -> String {
    let span = now.and_then(|now| then.since(now)).filter(|span| *span >= Duration::ZERO);
    span.map(|span| format!(", in {}", rounded(span))).unwrap_or_default()
}

/// A span without what nobody asks for at its length: `2d3h`, `1h5m`, `12m`, `40s`.
fn rounded(span: Duration) -> Duration {
    const SECOND: i64 = 1_000_000;
    const MINUTE: i64 = 60 * SECOND;
    const HOUR: i64 = 60 * MINUTE;
    let us = span.as_micros();
    let unit = match us {
        _ if us >= 24 * HOUR => HOUR,
        _ if us >= 10 * MINUTE => MINUTE,
        _ if us >= 10 * SECOND => SECOND,
        _ => 1_000,
    };
    Duration::from_micros(us / unit * unit)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn page(view: &Value, query: &StateQuery) -> String {
        let mut view: StateView = serde_json::from_value(view.clone()).expect("a view");
        // As they are texts here, their fields keep their order.
        for event in view.partial_matches.iter_mut().flat_map(|one| &mut one.captured) {
            let text = event.record.as_ref().map_or("\"\"", |record| record.get());
            let text: String = serde_json::from_str(text).expect("a text");
            event.record = Some(serde_json::value::RawValue::from_string(text).expect("JSON"));
        }
        Page::new(&view, query, Style::Plain).text()
    }

    fn captured(id: &str, second: u32, merchant: &str, amount: f64, approved: bool) -> Value {
        let time = format!("2026-03-02T08:20:{second:02}Z");
        let record = format!(
            "{{\"id\":\"{id}\",\"card\":\"card-e\",\"merchant\":\"{merchant}\",\"amount\":{amount:?},\
             \"approved\":{approved},\"entry\":\"online\",\"at\":\"{time}\"}}"
        );
        json!({"name": "tiny", "time": time, "stream": "card_auths", "record": record})
    }

    fn partial(captured: &[Value]) -> Value {
        let taken = captured.len();
        let (number, element) = if taken < 3 { (1, "3+ tiny") } else { (2, "big") };
        let since = captured[0]["time"].as_str().expect("a time");
        let until = since.replace("08:20", "08:30");
        let wait = |event: &str, missing: usize| json!({"event": event, "kind": "event", "until": until, "missing": missing});
        let mut waits = vec![wait("tiny", 3_usize.saturating_sub(taken).max(1))];
        waits.extend((taken >= 3).then(|| wait("big", 0)));
        json!({
            "rule": "card_testing", "fingerprint": "f", "key": {"card": "card-e"},
            "step": {"number": number, "of": 2, "element": element, "taken": if taken < 3 { taken } else { 0 }},
            "reported": false, "since": since, "until": until, "then": "dropped", "waits_for": waits,
            "captured": captured, "events": taken, "of_key": 3
        })
    }

    fn view(matches: &[Value], total: u64) -> Value {
        let rule =
            json!({"rule": "card_testing", "fingerprint": "f", "keys": 1, "partial_matches": matches.len()});
        json!({
            "event_time": "2026-03-02T08:20:45Z", "rules": [rule], "partial_matches": matches, "total": total
        })
    }

    #[test]
    fn the_page_is_the_one_in_the_documents() {
        let events = [
            captured("e1", 0, "ringtones.example", 1.0, true),
            captured("e2", 10, "quiz.example", 0.5, false),
            captured("e3", 20, "ringtones.example", 1.0, true),
        ];
        let matches = [partial(&events), partial(&events[1..]), partial(&events[2..])];
        let rule = Some("card_testing".to_owned());
        let query = StateQuery { rule, key: vec!["card-e".into()], limit: 20 };
        let page = page(&view(&matches, 3), &query);
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/state.md");
        let documents = std::fs::read_to_string(path).expect("the page is there");
        assert!(documents.contains(&page), "docs/state.md does not have\n{page}");
    }

    #[test]
    fn what_is_left_out_is_said_and_nothing_has_a_page_too() {
        let event = captured("e1", 0, "a\u{202e}b", 1.0, true);
        let mut one = partial(std::slice::from_ref(&event));
        (one["events"], one["until"], one["then"]) = (json!(30), Value::Null, json!("goes_on"));
        one["waits_for"] = json!([
            {"event": "x", "kind": "absence", "until": "2026-03-02T08:50:00Z", "missing": 1},
            {"event": "b", "kind": "next_event", "until": null, "missing": 0},
        ]);
        let page_of_one = page(&view(&[one], 12), &StateQuery::default());
        assert_eq!(
            page_of_one,
            "12 partial matches, event time 2026-03-02T08:20:45Z\n\n\
             rule                keys  partial matches\n\
             card_testing           1                1\n\n\
             card_testing  card=card-e\n\
             \x20 at         1 of 2: 3+ tiny, 1 so far\n\
             \x20 since      2026-03-02T08:20:00Z, 45s ago\n\
             \x20            … 29 more\n\
             \x20 captured   tiny  08:20:00Z  id=e1 merchant=a\\u{202e}b amount=1.0 approved=true entry=online\n\
             \x20 waits for  no x  then 1 more, until 2026-03-02T08:50:00Z, in 29m\n\
             \x20            b  as the very next event  then it matches\n\
             \x20 until      nothing ends it: the rule has no limit of time here\n\
             \x20            2 more of this key\n\n\
             11 are not shown; `--rule` and `--key` ask for fewer, `--limit` shows more\n"
        );
        let nothing = json!({"event_time": null, "rules": [], "partial_matches": [], "total": 0});
        let query = StateQuery { key: vec!["c\u{1b}".into()], ..StateQuery::default() };
        assert_eq!(page(&nothing, &query), "no partial matches for c\\u{1b}, before the first event\n");
    }
}
