//! What happened to one partial match.

use std::borrow::Cow;

use crate::event::{Event, Timestamp};
use crate::language::checked::VariableId;
use crate::matcher::explain::{Answer, Explanation, Gone, Step, Verdict};
use crate::matcher::view::Wait;
use crate::matcher::{Report, ReportKind, Run};
use crate::program::RuleId;
use crate::shard::{Seen, Watcher};

use super::Found;

/// Something that happened to a partial match.
#[derive(Clone, Debug)]
pub(in crate::testing) enum Happened {
    /// It took an event.
    Taken(Event, VariableId),
    /// It went on without an event, which did not fit any of these.
    Skipped(Event, Vec<Step>),
    /// An event took away what it waited for.
    Killed(Event, Vec<Step>),
    /// It ran out of time.
    TimedOut,
    /// It was reported.
    Reported(Timestamp),
    /// Another report dropped it.
    Dropped(Timestamp),
    /// It was dropped because the rule's limit was reached.
    Limit(Timestamp),
    /// After it had run out of time an event came that would have fitted these.
    CameTooLate(Event, Vec<Step>),
}

/// Follows one partial match.
#[derive(Debug)]
pub(in crate::testing) struct Story {
    rule: RuleId,
    target: Found,
    /// What was shown last and may still change.
    pending: Option<Pending>,
    /// What happened, in order.
    pub happened: Vec<Happened>,
    /// What it waited for at the end.
    pub waits: Vec<Wait>,
    /// The target as it was seen last.
    last: Option<Run>,
}

#[derive(Debug)]
enum Pending {
    Event { event: Event, explanation: Explanation, takes: bool },
    Time { now: Timestamp },
}

impl Story {
    pub fn new(rule: RuleId, target: Found) -> Story {
        Story { rule, target, pending: None, happened: Vec::new(), waits: Vec::new(), last: None }
    }

    /// What came after is settled: nothing more will be shown.
    pub fn finish(mut self) -> Story {
        self.settle();
        self
    }

    /// What was shown last changed nothing.
    fn settle(&mut self) {
        if let Some(Pending::Event { event, explanation, .. }) = self.pending.take() {
            self.happened.push(Happened::Skipped(event, explanation.steps));
        }
    }

    /// The run that is, or is to become, the target.
    fn find<'r>(&self, seen: &'r Seen<'_>) -> Option<(Cow<'r, Run>, usize)> {
        let target = &self.target.captured;
        let first = target.first().map(|(_, point)| *point);
        let runs = seen.runs().into_iter();
        let runs = runs.filter(|run| Some(run.first()) == first && run.len() <= target.len());
        let own = runs.filter(|run| run.captured()[..] == target[..run.len()]);
        let longest = own.max_by_key(|run| run.len())?;
        let length = longest.len();
        Some((longest, length))
    }

    /// How it ended, if it has.
    pub fn end(&self) -> Option<&Happened> {
        let is_end = |happened: &&Happened| {
            use Happened::{Dropped, Killed, Limit, Reported, TimedOut};
            matches!(happened, Killed(..) | TimedOut | Reported(_) | Dropped(_) | Limit(_))
        };
        self.happened.iter().rev().find(is_end)
    }

    /// Whether a report is that of the target, or of what became of it.
    fn is_report_of_target(&self, report: &Report) -> bool {
        let captured = report.captures.iter().map(|(variable, event)| (*variable, event.point()));
        let target = &self.target.captured;
        report.captures.len() >= target.len() && captured.zip(target).all(|(one, other)| one == *other)
    }

    fn is_of(&self, seen: &Seen<'_>) -> bool {
        seen.key == &self.target.key && self.end().is_none()
    }

    /// Notes an event that would have fitted, had it come in time.
    fn after_its_time(&mut self, seen: &Seen<'_>, event: &Event) {
        let Some(last) = self.last.as_ref().filter(|_| seen.key == &self.target.key) else { return };
        let mut steps = seen.matcher.explain(last, event).steps;
        steps.retain(|step| matches!((&step.answer, step.gone), (Answer::Fits, Some(Gone::TooLate(_)))));
        if !steps.is_empty() {
            self.happened.push(Happened::CameTooLate(event.clone(), steps));
        }
    }
}

/// Why a partial match is gone that was not reported.
fn why_gone(event: Event, explanation: Explanation, reports: &[Report]) -> Happened {
    let is_limit =
        |report: &Report| matches!(report.kind, ReportKind::TooManyRuns | ReportKind::TooManyEvents);
    match explanation.verdict {
        Verdict::Dead => Happened::Killed(event, explanation.steps),
        _ if reports.iter().any(is_limit) => Happened::Limit(event.time()),
        _ => Happened::Dropped(event.time()),
    }
}

impl Watcher for Story {
    fn rule(&self) -> RuleId {
        self.rule
    }

    fn event(&mut self, seen: &Seen<'_>, event: &Event) {
        if let Some(Happened::TimedOut) = self.end() {
            self.after_its_time(seen, event);
        }
        if !self.is_of(seen) {
            return;
        }
        self.settle();
        match self.find(seen) {
            Some((run, len)) => {
                let next = self.target.captured.get(len).map(|(_, point)| *point);
                let takes = next == Some(event.point());
                let explanation = seen.matcher.explain(&run, event);
                self.pending = Some(Pending::Event { event: event.clone(), explanation, takes });
            }
            None => {
                if let Some((first, _)) =
                    self.target.captured.first().filter(|(_, point)| *point == event.point())
                {
                    self.happened.push(Happened::Taken(event.clone(), *first));
                }
            }
        }
    }

    fn time(&mut self, seen: &Seen<'_>, now: Timestamp) {
        if !self.is_of(seen) {
            return;
        }
        self.settle();
        self.pending = self.find(seen).map(|_| Pending::Time { now });
    }

    fn after(&mut self, seen: &Seen<'_>, reports: &[Report]) {
        if !self.is_of(seen) {
            return;
        }
        let found = self.find(seen);
        let complete = found.as_ref().filter(|(_, len)| *len == self.target.captured.len());
        if let Some((run, _)) = complete {
            self.waits = run.waits(seen.matcher.rule);
            self.last = Some(Run::clone(run));
        }
        let Some(pending) = self.pending.take() else { return };
        let own = reports.iter().find(|report| self.is_report_of_target(report));
        let happened = match (pending, found, own) {
            (Pending::Event { event, takes: true, .. }, ..) => {
                let taken = self.target.captured.iter().find(|(_, point)| *point == event.point());
                taken.map(|(variable, _)| Happened::Taken(event, *variable))
            }
            (Pending::Event { event, explanation, .. }, Some(_), _) => {
                Some(Happened::Skipped(event, explanation.steps))
            }
            (Pending::Event { event, explanation, .. }, None, Some(report)) => {
                if let Verdict::Taken(variable) = explanation.verdict {
                    self.happened.push(Happened::Taken(event, variable));
                }
                Some(Happened::Reported(report.decided))
            }
            (Pending::Event { event, explanation, .. }, None, None) => {
                Some(why_gone(event, explanation, reports))
            }
            // An absence is over, or nothing happened to it.
            (Pending::Time { .. }, Some(_), _) => None,
            (Pending::Time { .. }, None, Some(report)) if report.kind == ReportKind::Match => {
                Some(Happened::Reported(report.decided))
            }
            (Pending::Time { now }, None, _) => {
                let other = reports.iter().any(|report| report.kind == ReportKind::Match);
                let last = self.waits.iter().filter_map(|wait| wait.until).max();
                let in_time = last.is_none_or(|last| last > now);
                Some(if other && in_time { Happened::Dropped(now) } else { Happened::TimedOut })
            }
        };
        self.happened.extend(happened);
    }

    fn keyless(&mut self, _: &Event) {}
}
