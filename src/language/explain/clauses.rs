//! The clauses around the pattern: the summary, the key, the alert, limits and bounds.

use crate::language::analysis::{DEFAULT_MAX_EVENTS, DEFAULT_MAX_RUNS};
use crate::language::tree::{Alert, AlertField, KeyPart, Limit, Max, Name, Overlap};

use super::events::is_condition;
use super::value::Place;
use super::words::{self, code, codes, grouped, sentence, sentences};
use super::{Explainer, Point, code as written};

impl<'t> Explainer<'_, 't> {
    /// A paragraph that says what the rule does.
    pub fn summary(&self) -> String {
        let Some(clause) = self.rule.pattern else {
            return "What this rule looks for could not be read.".to_owned();
        };
        let within = clause.within.as_ref().map(|within| words::duration(within.node));
        let phrase = self.sequence_phrase(&clause.pattern, within.as_deref());
        let first = match self.rule.by.is_empty() {
            true => format!("over all events together: {phrase}"),
            false => format!("for each {}: {phrase}", self.key()),
        };
        let overlap = if self.is_one_event() { String::new() } else { self.overlap_phrase() };
        let alert = match self.rule.alert {
            Some(alert) => {
                let severity = &alert.severity.node;
                format!("an alert of severity {severity} goes to {}", self.sinks())
            }
            None => String::new(),
        };
        let timeout = match self.rule.timeout {
            Some(timeout) => {
                let after = timeout.after.as_ref().map(|after| format!(" after {}", code(&after.node)));
                let severity = &timeout.alert.severity.node;
                format!(
                    "a partial match that runs out of time{} raises one of severity {severity}",
                    after.unwrap_or_default(),
                )
            }
            None => String::new(),
        };
        let mode = self.mode_phrase().unwrap_or_default();
        sentences(&[first, overlap, alert, timeout, mode])
    }

    /// The key in words: `card`, or the pair of two fields.
    fn key(&self) -> String {
        let names: Vec<&str> = self.rule.by.iter().map(key_name).collect();
        match names.len() {
            2 => format!("pair of {}", codes(&names, "and")),
            0 | 1 => codes(&names, "and"),
            _ => format!("combination of {}", codes(&names, "and")),
        }
    }

    /// " of the same `card`", or nothing for a rule without a key.
    pub fn same_key(&self) -> String {
        let names: Vec<&str> = self.rule.by.iter().map(key_name).collect();
        if names.is_empty() { String::new() } else { format!(" of the same {}", codes(&names, "and")) }
    }

    /// What events are grouped by.
    pub fn grouping(&self) -> Vec<Point> {
        let mut texts = match self.rule.by.is_empty() {
            true => vec!["all events form one group, because the rule has no `by`".to_owned()],
            false => {
                let optional = self.rule.by.iter().filter(|part| self.may_be_missing(part));
                let optional: Vec<&str> = optional.map(key_name).collect();
                let mut texts = vec![format!("each {} is looked at by itself", self.key())];
                if !optional.is_empty() {
                    texts.push(format!("an event without {} belongs to none", codes(&optional, "or")));
                }
                texts
            }
        };
        for part in self.rule.by {
            let other = part.fields.iter().filter(|field| field.field.node != key_name(part));
            let names: Vec<String> = other
                .filter_map(|field| {
                    Some(format!("{} in {}", code(&field.field.node), code(&field.stream.as_ref()?.node)))
                })
                .collect();
            if !names.is_empty() {
                texts.push(format!("{} is called {}", code(key_name(part)), words::list(&names, "and")));
            }
        }
        if self.rule.has_history() {
            let same = if self.rule.by.is_empty() { "all events" } else { "all events of the same group" };
            texts.push(format!("what is counted or summed over past time is that of {same}, matched or not"));
        }
        vec![Point::new(sentences(&texts), self.rule.span("by"))]
    }

    /// Whether a part of the key is missing in some events.
    fn may_be_missing(&self, part: &KeyPart) -> bool {
        let field_of = |stream: &str| {
            let named = part
                .fields
                .iter()
                .find(|field| field.stream.as_ref().is_some_and(|name| name.node == stream));
            let field = named.or_else(|| part.fields.iter().find(|field| field.stream.is_none()))?;
            self.set.field(stream, &field.field.node)
        };
        self.rule.streams.iter().filter_map(|stream| field_of(stream)).any(|field| field.optional)
    }

    /// What an overlap policy comes to, in a few words.
    fn overlap_phrase(&self) -> String {
        match self.rule.overlap {
            None | Some(Overlap::None) => "no event is in two alerts".to_owned(),
            Some(Overlap::PerStart) => "there is one alert for each first event".to_owned(),
            Some(Overlap::All) => "every match is reported, also those that share events".to_owned(),
            Some(Overlap::ResumeAtFirst(name)) => self.resume_phrase(name, "first"),
            Some(Overlap::ResumeAtLast(name)) => self.resume_phrase(name, "last"),
        }
    }

    fn resume_phrase(&self, name: &Name, which: &str) -> String {
        let which =
            if self.rule.several.contains(name.node.as_str()) { format!("{which} ") } else { String::new() };
        format!("after an alert it goes on from its {which}{} event", code(&name.node))
    }

    /// An alert in a sentence: its severity and title.
    pub fn alert_phrase(&self, alert: &Alert) -> String {
        let title = code(&written::template(&alert.title));
        format!("an alert of severity {} with the title {title}", alert.severity.node)
    }

    /// What each field of an alert holds.
    pub fn alert_fields(&self, alert: &Alert) -> Vec<Point> {
        let scope = self.scope(Place::Match);
        let field = |field: &AlertField| {
            let holds = match is_condition(&field.value) {
                true => format!("says whether {}", scope.clause(&field.value)),
                false => format!("is {}", scope.value(&field.value)),
            };
            Point::new(
                sentence(&format!("its field {} {holds}", code(&field.name.node))),
                Some(field.name.span),
            )
        };
        alert.fields.iter().map(field).collect()
    }

    /// What a match says, where that goes, and what holds it back.
    pub fn alerting(&self) -> Vec<Point> {
        let mut points = Vec::new();
        if let Some(alert) = self.rule.alert {
            let text = format!("a match raises {}", self.alert_phrase(alert));
            let mut point = Point::new(sentence(&text), self.rule.span("alert"));
            point.children = self.alert_fields(alert);
            points.push(point);
        }
        let alerts = if self.rule.timeout.is_some() { "all alerts go" } else { "alerts go" };
        points.push(Point::new(sentence(&format!("{alerts} to {}", self.sinks())), self.rule.span("to")));
        if let Some(limit) = self.rule.limit {
            points.push(Point::new(self.limit_of_alerts(limit), self.rule.span("limit")));
        }
        if let Some(phrase) = self.mode_phrase() {
            points.push(Point::new(sentence(&phrase), self.rule.span("mode")));
        }
        if let Some(runbook) = self.rule.runbook {
            let text = format!("what to do about it is written at {}", code(&runbook.node));
            points.push(Point::new(sentence(&text), self.rule.span("runbook")));
        }
        points
    }

    /// `limit 1 per 1h for each merchant`
    fn limit_of_alerts(&self, limit: &Limit) -> String {
        let scope = self.scope(Place::Match);
        let mut each = String::new();
        if !self.rule.by.is_empty() {
            each.push_str(&format!(" for each {}", self.key()));
        }
        for expr in &limit.for_each {
            let and = if each.is_empty() { " for each" } else { ", and for each" };
            each.push_str(&format!("{and} {}", scope.value(expr).trim_start_matches("the ")));
        }
        let count = words::plural(limit.count.node.unsigned_abs(), "alert");
        sentences(&[
            format!("at most {count} {}{each}", words::per(limit.per.node)),
            "those beyond are held back, and the next one that is sent says how many (`suppressed`)"
                .to_owned(),
        ])
    }

    /// The sinks of the rule's alerts.
    fn sinks(&self) -> String {
        match self.rule.to.is_empty() {
            true => "the default sinks of the configuration".to_owned(),
            false => codes(self.rule.to.iter().map(|sink| sink.node.as_str()), "and"),
        }
    }

    fn mode_phrase(&self) -> Option<String> {
        let mode = self.rule.mode?;
        Some(match mode.node.as_str() {
            "shadow" => {
                "it runs in shadow mode: it is evaluated and its alerts are counted, but nothing is sent"
                    .to_owned()
            }
            "off" => "it is switched off: it is checked, but not evaluated".to_owned(),
            other => format!("its mode is {}, which does not exist", code(other)),
        })
    }

    /// How much a rule may hold for one key.
    pub fn bounds(&self) -> Vec<Point> {
        if self.rule.pattern.is_none() {
            return Vec::new();
        }
        let bound = |max: Option<&Max>, default: usize| {
            grouped(&max.map_or_else(|| default.to_string(), |max| max.count.node.to_string()))
        };
        let runs = bound(self.rule.max_runs, DEFAULT_MAX_RUNS);
        let events = bound(self.rule.max_events, DEFAULT_MAX_EVENTS);
        let default = match (self.rule.max_runs, self.rule.max_events) {
            (None, None) => "; both are the defaults",
            (None, Some(_)) => "; the first is the default",
            (Some(_), None) => "; the second is the default",
            (Some(_), Some(_)) => "",
        };
        let each = match self.rule.by.is_empty() {
            true => String::new(),
            false => format!(" for each {}", self.key()),
        };
        let span = self.rule.span("max runs").or(self.rule.span("max events"));
        let text = sentences(&[
            format!("at most {runs} partial matches{each}, holding at most {events} events{default}"),
            "when a bound is reached the oldest are dropped, and an alert of kind `limit` says so".to_owned(),
        ]);
        vec![Point::new(text, span)]
    }
}

/// A part of the key, called as in the first stream of its `by`.
fn key_name(part: &KeyPart) -> &str {
    part.fields.first().map_or("", |field| &field.field.node)
}
