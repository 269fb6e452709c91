//! What came of a test, held against what was expected.

use std::sync::Arc;

use crate::alert::{Alert, AlertKind};
use crate::diagnostic::Sources;
use crate::event::{Event, Value};
use crate::language::case::{
    Case, Expectation, ExpectationKind, Given, Member, Place, Step, Wanted, WantedField,
};
use crate::program::Program;
use crate::table::Tables;

use super::compare::{self, Found};
use super::failure::{Difference, Failure};
use super::play::Played;
use super::{MAX_ALERTS, assign, show};

/// The longest value that is shown, in characters.
const MAX_VALUE: usize = 60;
/// Most alerts that one failure describes.
const MAX_DESCRIBED: usize = 5;
/// Most failures of a test; nobody reads more, and each is shown with its lines.
const MAX_FAILURES: usize = 50;
/// Most missing alerts of a test for which it is found out why they did not come: the test is run
/// again for each.
const MAX_EXPLAINED: usize = 10;

/// Holds what came of a test against what was expected.
pub(super) struct Judge<'a> {
    pub program: &'a Arc<Program>,
    pub tables: &'a Arc<Tables>,
    pub sources: &'a Sources,
    pub case: &'a Case,
    pub played: &'a Played,
    /// For each expectation of alerts, those that satisfy it.
    pub assigned: Vec<Vec<usize>>,
    /// For each alert, whether it satisfies an expectation.
    pub taken: Vec<bool>,
    /// Whether finding out more has taken too long.
    pub give_up: &'a dyn Fn() -> bool,
}

impl<'a> Judge<'a> {
    /// Finds the alerts that satisfy the expectations.
    pub fn new(
        program: &'a Arc<Program>,
        tables: &'a Arc<Tables>,
        sources: &'a Sources,
        case: &'a Case,
        played: &'a Played,
    ) -> Judge<'a> {
        let mut judge = Judge {
            program,
            tables,
            sources,
            case,
            played,
            assigned: Vec::new(),
            taken: Vec::new(),
            give_up: &|| false,
        };
        let wanted: Vec<&Wanted> = judge.wanted().map(|(_, wanted)| wanted).collect();
        let fits = wanted.iter().map(|wanted| judge.fitting(wanted)).collect::<Vec<_>>();
        let counts: Vec<usize> = wanted.iter().map(|wanted| wanted.times as usize).collect();
        judge.assigned = assign::assign(&counts, &fits, played.alerts.len());
        judge.taken = vec![false; played.alerts.len()];
        judge.assigned.iter().flatten().for_each(|alert| judge.taken[*alert] = true);
        judge
    }

    /// The expectations of alerts.
    fn wanted(&self) -> impl Iterator<Item = (&'a Expectation, &'a Wanted)> + use<'a> {
        self.case.expectations.iter().filter_map(|expectation| match &expectation.kind {
            ExpectationKind::Alert(wanted) => Some((expectation, wanted)),
            _ => None,
        })
    }

    /// The alerts that could satisfy an expectation.
    fn fitting(&self, wanted: &Wanted) -> Vec<usize> {
        let alerts = self.played.alerts.iter().enumerate();
        alerts.filter(|(_, alert)| self.fits(wanted, alert)).map(|(index, _)| index).collect()
    }

    fn fits(&self, wanted: &Wanted, alert: &Alert) -> bool {
        alert.rule == wanted.rule
            && alert.kind == wanted.kind
            && wanted
                .fields
                .iter()
                .all(|field| compare::found(self.program, self.case, alert, field).is_expected())
    }

    /// The alerts that satisfy no expectation.
    fn unexpected(&self) -> Vec<&'a Alert> {
        let alerts = self.played.alerts.iter().zip(&self.taken);
        alerts.filter(|(_, taken)| !**taken).map(|(alert, _)| alert).collect()
    }
}

impl Judge<'_> {
    /// All that is wrong, in the order of the test.
    pub(super) fn failures(&self) -> Vec<Failure> {
        let mut failures = self.all_failures();
        let more = failures.len().saturating_sub(MAX_FAILURES);
        if more > 0 {
            failures.truncate(MAX_FAILURES);
            let message = format!("{more} more things are wrong with this test");
            failures.push(Failure::new(message, self.case.name_span, "the rest is not shown"));
        }
        failures
    }

    fn all_failures(&self) -> Vec<Failure> {
        let mut failures = Vec::new();
        for (step, why) in &self.played.malformed {
            let given = self.given(*step);
            let message = format!("this event is malformed: {why}");
            failures.push(Failure::new(message, given.span, "no rule can see it"));
        }
        if self.played.gave_up {
            let message = format!("more than {MAX_ALERTS} alerts came");
            let mut failure = Failure::new(message, self.case.name_span, "given up");
            let first = self.played.alerts.first().map(|alert| show::alert(self.case, alert));
            failure.notes.extend(first.map(|first| format!("the first is {first}")));
            return vec![failure];
        }
        let mut said_else = false;
        let mut explained = 0;
        let mut alerts = self.assigned.iter();
        for expectation in &self.case.expectations {
            let failure = match &expectation.kind {
                ExpectationKind::Alert(wanted) => {
                    let assigned = alerts.next().map_or(&[][..], Vec::as_slice);
                    let failure = self.alert(expectation, wanted, assigned, explained < MAX_EXPLAINED);
                    explained += usize::from(failure.is_some());
                    failure
                }
                ExpectationKind::Nothing => {
                    let came: Vec<&Alert> = self.played.alerts.iter().collect();
                    self.none_of(expectation, &came, "came where nothing is expected")
                }
                ExpectationKind::NothingElse if said_else => None,
                ExpectationKind::NothingElse => {
                    said_else = true;
                    self.none_of(expectation, &self.unexpected(), "came that no line expects")
                }
                ExpectationKind::Late(count) => self.late(expectation, *count),
            };
            failures.extend(failure);
        }
        failures
    }

    /// The event of a step.
    pub(super) fn given(&self, step: usize) -> &Given {
        match &self.case.steps[step] {
            Step::Event(given) => given,
            Step::Restart => unreachable!("only events come late or are malformed"),
        }
    }

    fn alert(
        &self,
        expectation: &Expectation,
        wanted: &Wanted,
        assigned: &[usize],
        with_reasons: bool,
    ) -> Option<Failure> {
        if wanted.times == 0 {
            let fitting = self.fitting(wanted);
            let came: Vec<&Alert> = fitting.iter().map(|index| &self.played.alerts[*index]).collect();
            return self.none_of(expectation, &came, "came that should not");
        }
        if assigned.len() as u64 == wanted.times {
            return None;
        }
        let mut failure = self.missing(expectation, wanted, assigned.len());
        if with_reasons {
            self.compare_nearest(&mut failure, wanted);
            self.explain(&mut failure, wanted);
        }
        Some(failure)
    }

    fn missing(&self, expectation: &Expectation, wanted: &Wanted, came: usize) -> Failure {
        let rule = &wanted.rule;
        let what = match wanted.kind {
            AlertKind::Match => "match",
            AlertKind::Timeout => "time-out",
            AlertKind::Limit => "limit reached",
        };
        let of_rule = self.played.alerts.iter().any(|alert| alert.rule == *rule && alert.kind == wanted.kind);
        let message = match (wanted.times, came) {
            (1, _) if of_rule => format!("no {what} of `{rule}` is as expected here"),
            (1, _) => format!("`{rule}` reported no {what}"),
            (times, came) => format!("{came} of {times} expected alerts of `{rule}` came"),
        };
        Failure::new(message, expectation.head, "expected here")
    }

    /// Puts the alert beside the expectation that is nearest to it.
    fn compare_nearest(&self, failure: &mut Failure, wanted: &Wanted) {
        let of_rule = self.played.alerts.iter().enumerate().filter(|(_, alert)| alert.rule == wanted.rule);
        let nearest = of_rule.max_by_key(|(index, alert)| {
            let is_free = !self.is_taken(*index);
            let agreeing = self.differences(wanted, alert).iter().filter(|one| one.is_same).count();
            let is_about_it = is_free && self.has_key(wanted, alert);
            // Of equally near ones the first.
            (is_about_it, alert.kind == wanted.kind, is_free, agreeing, std::cmp::Reverse(*index))
        });
        let Some((index, alert)) = nearest else { return };
        let described = show::alert(self.case, alert);
        if self.is_taken(index) {
            failure
                .notes
                .push(format!("every alert of `{}` has its line already, such as {described}", wanted.rule));
            return;
        }
        failure.notes.push(format!("the nearest alert is {described}"));
        failure.differences = self.differences(wanted, alert);
        for (field, difference) in self.compared(wanted, alert).filter(|(_, difference)| !difference.is_same)
        {
            let text = match &difference.found {
                Ok(_) => format!("came: {}", difference.shown[1]),
                Err(why) => why.clone(),
            };
            failure.also(field.span, text);
        }
        let took = show::captured(self.case, alert);
        failure.notes.push(format!("it captured {took}"));
    }

    /// Whether an alert satisfies an expectation.
    pub(super) fn is_taken(&self, alert: usize) -> bool {
        self.taken[alert]
    }

    /// Whether an alert has the key that is expected.
    pub(super) fn has_key(&self, wanted: &Wanted, alert: &Alert) -> bool {
        let key = wanted.fields.iter().filter(|field| matches!(field.place, Place::Key(_)));
        key.into_iter().all(|field| compare::found(self.program, self.case, alert, field).is_expected())
    }

    /// The fields of an expectation with what stands in an alert at their places.
    fn compared<'b>(
        &'b self,
        wanted: &'b Wanted,
        alert: &'b Alert,
    ) -> impl Iterator<Item = (&'b WantedField, Difference)> {
        wanted.fields.iter().map(move |field| {
            let found = compare::found(self.program, self.case, alert, field);
            let is_same = found.is_expected();
            let (expected, found) = match found {
                Found::Value { found, expected } => (expected, Ok(found)),
                Found::Nothing(why) => (field.value.clone(), Err(why)),
            };
            (field, self.difference(&field.path, expected, found, is_same))
        })
    }

    fn difference(
        &self,
        path: &str,
        expected: Value,
        found: Result<Value, String>,
        is_same: bool,
    ) -> Difference {
        let value = |value: &Value| show::shortened(&show::value_in(self.case, value), MAX_VALUE);
        let came = found.as_ref().map_or_else(|why| format!("({why})"), value);
        Difference { path: path.to_owned(), shown: [value(&expected), came], expected, found, is_same }
    }

    fn differences(&self, wanted: &Wanted, alert: &Alert) -> Vec<Difference> {
        let is_named = wanted.fields.iter().any(|field| field.place == Place::Member(Member::Kind));
        let kind = (alert.kind != wanted.kind && !is_named).then(|| {
            let word = |kind| Value::text(compare::kind(kind));
            self.difference("kind", word(wanted.kind), Ok(word(alert.kind)), false)
        });
        let fields = self.compared(wanted, alert).map(|(_, difference)| difference);
        kind.into_iter().chain(fields).collect()
    }

    /// A failure if any of these alerts came.
    fn none_of(&self, expectation: &Expectation, came: &[&Alert], words: &str) -> Option<Failure> {
        let first = came.first()?;
        let message = match came.len() {
            1 => format!("an alert of `{}` {words}", first.rule),
            count => format!("{count} alerts {words}"),
        };
        let mut failure = Failure::new(message, expectation.span, "");
        for alert in came.iter().take(MAX_DESCRIBED) {
            let took = show::captured(self.case, alert);
            failure.notes.push(format!("{}\nit captured {took}", show::alert(self.case, alert)));
            self.point_at_captured(&mut failure, alert);
        }
        if came.len() > MAX_DESCRIBED {
            failure.notes.push(format!("and {} more", came.len() - MAX_DESCRIBED));
        }
        Some(failure)
    }

    /// Points at the lines of the events that an alert captured.
    fn point_at_captured(&self, failure: &mut Failure, alert: &Alert) {
        for (variable, event) in
            alert.events.iter().flat_map(|(name, events)| events.iter().map(move |event| (name, event)))
        {
            if let Some(given) = self.line_of(event) {
                let span = given.span;
                if !failure.secondary.iter().any(|label| label.span == span) {
                    failure.also(span, format!("taken as `{variable}`"));
                }
            }
        }
    }

    /// The line that an event stands in.
    pub(super) fn line_of(&self, event: &Event) -> Option<&Given> {
        match self.case.steps.get(usize::try_from(event.position().offset).ok()?) {
            Some(Step::Event(given)) if given.stream == event.stream() => Some(given),
            _ => None,
        }
    }

    fn late(&self, expectation: &Expectation, expected: u64) -> Option<Failure> {
        let late = &self.played.late;
        if late.len() as u64 == expected {
            return None;
        }
        let message = match late.len() {
            0 => "no event came late".to_owned(),
            1 => "1 event came late".to_owned(),
            count => format!("{count} events came late"),
        };
        let message = format!("{message}, but {expected} should");
        let mut failure = Failure::new(message, expectation.span, "");
        for (step, by) in late {
            failure.also(self.given(*step).span, format!("came {by} too late"));
        }
        Some(failure)
    }
}
