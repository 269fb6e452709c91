//! Why an alert did not come, in words.

use std::any::Any;

use crate::event::{Event, Key, Timestamp};
use crate::language::case::{Place, Wanted};
use crate::matcher::view::{Wait, WaitKind};
use crate::program::RuleId;
use crate::shard::Watcher;

use super::failure::Failure;
use super::judge::Judge;
use super::trace::{Found, Happened, Nearest, Starts, Story, WantedKey};
use super::{compare, play, show};

/// Most events that did not fit that are pointed at.
const MAX_SKIPPED: usize = 10;
/// Most keys that are listed.
const MAX_KEYS: usize = 5;

impl Judge<'_> {
    /// Adds to a failure why the alert did not come, unless one came that is about the same.
    pub(super) fn explain(&self, failure: &mut Failure, wanted: &Wanted) {
        let of_rule = || self.played.alerts.iter().enumerate().filter(|(_, alert)| alert.rule == wanted.rule);
        let of_key = || of_rule().filter(|(_, alert)| self.has_key(wanted, alert));
        for (step, by) in &self.played.late {
            failure.also(self.given(*step).span, format!("came {by} too late: no rule sees it"));
        }
        // An alert that is about the same is compared in place of this.
        let is_told = of_key().any(|(index, _)| !self.is_taken(index));
        let Some(rule) = self.program.rule(&wanted.rule).filter(|_| !is_told) else { return };
        let key = self.wanted_key(wanted);
        let nearest = Nearest::new(rule, key.clone(), self.done(wanted));
        match self.watch(nearest).into_found() {
            Some(found) if found.has(&key) => {
                let story = self.watch(Story::new(rule, found.clone())).finish();
                self.tell(failure, rule, &found, &story);
            }
            // All partial matches of the key were reported.
            _ if of_key().next().is_some() => {}
            _ => {
                let starts = self.watch(Starts::new(rule, key));
                self.tell_starts(failure, rule, &starts);
            }
        }
    }

    /// Runs the test again with someone looking on.
    fn watch<W: Watcher>(&self, watcher: W) -> W {
        let watcher: Box<dyn Any> =
            play::watch(self.program, self.tables, self.case, Box::new(watcher), self.give_up);
        *watcher.downcast().expect("it is the one that was given")
    }

    fn wanted_key(&self, wanted: &Wanted) -> WantedKey {
        let Some(rule) = self.program.rule(&wanted.rule) else { return Vec::new() };
        let key = &self.program.compiled()[rule.0 as usize].rule.key;
        let parts = wanted.fields.iter().filter_map(|field| match &field.place {
            Place::Key(name) => Some((key.names.iter().position(|part| part == name)?, field)),
            _ => None,
        });
        // The parts have the same types in all streams.
        let Some((stream, fields)) = key.fields.iter().next() else { return Vec::new() };
        let schema = self.program.schema(*stream);
        let ty = |part: usize| schema.fields[fields[part].0 as usize].ty.value_type();
        parts.map(|(part, field)| (part, compare::key_part(&field.value, ty(part), self.case))).collect()
    }

    /// What the matches of the rule have captured.
    fn done(&self, wanted: &Wanted) -> Vec<Vec<crate::event::SequencePoint>> {
        let alerts = self.played.alerts.iter().filter(|alert| alert.rule == wanted.rule);
        let points = alerts.map(|alert| {
            let mut points: Vec<_> =
                alert.events.iter().flat_map(|(_, events)| events).map(Event::point).collect();
            points.sort();
            points
        });
        points.collect()
    }

    /// What became of the nearest partial match.
    fn tell(&self, failure: &mut Failure, rule: RuleId, found: &Found, story: &Story) {
        let of = match self.whole_key(rule, &found.key) {
            key if key.is_empty() => String::new(),
            key => format!(" of {key}"),
        };
        let took = self.captured(rule, found);
        let waits = self.waits(&nearest_waits(&story.waits));
        let end = self.end(rule, story);
        failure
            .notes
            .push(format!("the nearest partial match{of} took {took}\nthen it waited for {waits}{end}"));
        let mut skipped = 0;
        for happened in &story.happened {
            match happened {
                Happened::Taken(event, variable) => {
                    let name =
                        &self.program.compiled()[rule.0 as usize].rule.variables[variable.0 as usize].name;
                    self.point(failure, event, format!("taken as `{name}`"));
                }
                Happened::Skipped(event, steps) => {
                    let Some(why) = self.why_not(rule, steps) else { continue };
                    skipped += 1;
                    if skipped <= MAX_SKIPPED {
                        self.point(failure, event, why);
                    }
                }
                Happened::Killed(event, steps) | Happened::CameTooLate(event, steps) => {
                    self.point(failure, event, self.why_killed(rule, steps));
                }
                Happened::TimedOut | Happened::Reported(_) | Happened::Dropped(_) | Happened::Limit(_) => {}
            }
        }
        if skipped > MAX_SKIPPED {
            failure.notes.push(format!("{} more events did not fit", skipped - MAX_SKIPPED));
        }
    }

    /// Why no partial match began.
    fn tell_starts(&self, failure: &mut Failure, rule: RuleId, starts: &Starts) {
        let mut skipped = 0;
        for (event, steps) in &starts.offered {
            let Some(why) = self.why_not(rule, steps) else { continue };
            skipped += 1;
            if skipped <= MAX_SKIPPED {
                self.point(failure, event, why);
            }
        }
        for event in starts.keyless.iter().take(MAX_SKIPPED) {
            self.point(failure, event, self.why_keyless(rule, event));
        }
        let of = match self.key(rule, &starts.wanted) {
            key if key.is_empty() => String::new(),
            key => format!(" of {key}"),
        };
        let mut note = match (starts.offered.len(), starts.others.as_slice()) {
            (0, []) => format!("no partial match{of} began: no event is of a stream that the rule reads"),
            (0, others) => {
                let mut keys: Vec<String> =
                    others.iter().take(MAX_KEYS).map(|key| self.whole_key(rule, key)).collect();
                if others.len() > MAX_KEYS {
                    keys.push("…".to_owned());
                }
                format!(
                    "no event has {}; those that the rule reads have {}",
                    self.key(rule, &starts.wanted),
                    keys.join(", or ")
                )
            }
            _ => format!("no partial match{of} began: no event fits the first step"),
        };
        if skipped > MAX_SKIPPED {
            note.push_str(&format!("; {} more are not shown", skipped - MAX_SKIPPED));
        }
        failure.notes.push(note);
    }

    /// The parts of a key, by name.
    fn key(&self, rule: RuleId, parts: &WantedKey) -> String {
        let names = &self.program.compiled()[rule.0 as usize].rule.key.names;
        let parts = parts.iter().map(|(part, value)| format!("{} = {}", names[*part], show::value(value)));
        parts.collect::<Vec<_>>().join(", ")
    }

    fn whole_key(&self, rule: RuleId, key: &Key) -> String {
        self.key(rule, &key.values().iter().cloned().enumerate().collect())
    }

    fn why_keyless(&self, rule: RuleId, event: &Event) -> String {
        let rule = &self.program.compiled()[rule.0 as usize].rule;
        let schema = self.program.schema(event.stream());
        let missing = rule
            .key
            .fields
            .get(&event.stream())
            .and_then(|fields| fields.iter().find(|field| event.value(**field).is_null()));
        let name = missing.map_or("the key", |field| schema.fields[field.0 as usize].name.as_str());
        format!("belongs to no group: `{name}` is missing")
    }

    /// Points at the line of an event or, if it has none, says which event it is.
    fn point(&self, failure: &mut Failure, event: &Event, text: String) {
        match self.line_of(event) {
            Some(given) => failure.also(given.span, text),
            None => {
                let stream = &self.program.schema(event.stream()).name;
                let at = show::moment(self.case, event.time());
                failure.notes.push(format!("the event of `{stream}` at {at}: {text}"));
            }
        }
    }

    /// What a partial match has captured and when.
    fn captured(&self, rule: RuleId, found: &Found) -> String {
        let variables = &self.program.compiled()[rule.0 as usize].rule.variables;
        let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
        for (variable, point) in &found.captured {
            let name = variables[variable.0 as usize].name.as_str();
            let at = show::moment(self.case, point.time);
            match groups.last_mut() {
                Some((last, times)) if *last == name => times.push(at),
                _ => groups.push((name, vec![at])),
            }
        }
        show::groups(groups)
    }

    /// What a partial match waited for.
    fn waits(&self, waits: &[&Wait]) -> String {
        let words = waits.iter().map(|wait| {
            let until = wait.until.map(|until| show::moment(self.case, until));
            match (wait.kind, until) {
                (WaitKind::Event, Some(until)) => format!("`{}` (until {until})", wait.event),
                (WaitKind::Event, None) => format!("`{}`", wait.event),
                (WaitKind::NextEvent, _) => format!("`{}` as the very next event", wait.event),
                (WaitKind::Absence, Some(until)) => format!("no `{}` to come until {until}", wait.event),
                (WaitKind::Absence, None) => format!("no `{}` to come", wait.event),
            }
        });
        words.collect::<Vec<_>>().join(", or ")
    }

    /// How it ended, to follow on what it waited for.
    fn end(&self, rule: RuleId, story: &Story) -> String {
        let at = |time: &Timestamp| show::moment(self.case, *time);
        match story.end() {
            Some(Happened::TimedOut) => ", and ran out of time".to_owned(),
            Some(Happened::Killed(event, steps)) => {
                format!("\nit ended at {}: {}", at(&event.time()), self.why_killed(rule, steps))
            }
            // An alert would have come otherwise.
            Some(Happened::Reported(time)) => {
                format!("\nit was reported at {}, and held back by the rule's `limit`", at(time))
            }
            Some(Happened::Dropped(time)) => {
                format!("\nit was dropped at {}, when another one was reported (see `overlap`)", at(time))
            }
            Some(Happened::Limit(time)) => {
                format!("\nit was dropped at {}, because `max runs` or `max events` was reached", at(time))
            }
            _ if self.case.stops => {
                format!(
                    ", and still did when the test stopped, with event time at {}",
                    at(&self.played.passed)
                )
            }
            _ => ", and would for ever: nothing limits its time".to_owned(),
        }
    }
}

/// The waits after which least is lacking.
fn nearest_waits(waits: &[Wait]) -> Vec<&Wait> {
    let least = waits.iter().map(|wait| wait.missing).min();
    waits.iter().filter(|wait| Some(wait.missing) == least).take(3).collect()
}
