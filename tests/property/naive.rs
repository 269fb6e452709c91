//! The reference matcher: follows the language's text word by word, in the simplest way.
//!
//! Enters: a rule's syntax tree and the events of stream `s`. Leaves: the reports of each key in the
//! order in which they are made. Runs are copied whole, nothing is indexed, and the frontier is
//! found by walking the tree ([`super::frontier`]). It shares no code with the engine, so that where
//! the two agree, both have read the language in the same way.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use tripline::language::tree::{ClauseKind, Expr, LinkKind, Match, Overlap, Rule};

use super::case::{Event, Kind, Report};
use super::condition::{self, Capture, Repetition, Sight};
use super::frontier::{self, Choice, Place, Step, Watch, Way, choices};

/// So many runs of one key, and the matcher gives up: copying them takes too long.
const TOO_MANY: usize = 1_500;

/// What a rule reports for each key that has something to report, event time running to infinity
/// after the last event. `None` when there are too many runs to follow in this simple way.
pub fn reports_by_key(rule: &Rule, events: &[Event]) -> Option<BTreeMap<String, Vec<Report>>> {
    reports_of_runs(rule, events, &|_| true)
}

/// The same of the runs that certain events begin, as if others began none.
pub fn reports_of_runs(
    rule: &Rule,
    events: &[Event],
    begins: &dyn Fn(&Event) -> bool,
) -> Option<BTreeMap<String, Vec<Report>>> {
    let by = rule.clauses.iter().any(|clause| matches!(clause.kind, ClauseKind::By(_)));
    let mut keys: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for event in events {
        let key = if by { event.k.clone() } else { String::new() };
        keys.entry(key).or_default().push(event.clone());
    }
    let mut found = BTreeMap::new();
    for (key, events) in keys {
        let reports = reports_where(rule, &events, begins)?;
        if !reports.is_empty() {
            found.insert(key, reports);
        }
    }
    Some(found)
}

/// What a rule reports for the events of one key, in their order.
pub fn reports(rule: &Rule, events: &[Event]) -> Option<Vec<Report>> {
    reports_where(rule, events, &|_| true)
}

fn reports_where(rule: &Rule, events: &[Event], begins: &dyn Fn(&Event) -> bool) -> Option<Vec<Report>> {
    let mut matcher = Matcher::new(rule);
    for (position, event) in events.iter().enumerate() {
        matcher.event(event, position, begins(event));
        if matcher.runs.len() > TOO_MANY {
            return None;
        }
    }
    matcher.pass(None);
    Some(matcher.reports)
}

/// A partial match.
#[derive(Clone, Debug)]
struct Run<'t> {
    /// What it has taken, in order.
    captured: Vec<Capture>,
    /// What it may take next, the preferred first; steps and waits only.
    frontier: Vec<Choice<'t>>,
    /// Whether it has taken all it needs at this very moment.
    due: bool,
    /// Whether it was reported before.
    reported: bool,
    /// Tells runs apart.
    name: usize,
}

impl<'t> Run<'t> {
    fn first(&self) -> &Capture {
        self.captured.first().expect("a run begins with an event")
    }

    fn last(&self) -> &Capture {
        self.captured.last().expect("a run begins with an event")
    }

    fn positions(&self) -> Vec<usize> {
        self.captured.iter().map(|capture| capture.position).collect()
    }

    /// The run stands at a new place.
    fn stand(&mut self, place: Place<'t>, way: Way<'t>) {
        let all = choices(place, way);
        self.due = all.iter().any(|choice| matches!(choice, Choice::Complete));
        self.frontier = all.into_iter().filter(|choice| !matches!(choice, Choice::Complete)).collect();
    }

    /// A step whose time is over is no longer in the frontier: where other choices kept the run from
    /// timing out with it, the run dies with the last of those.
    fn forget_steps_before(&mut self, time: i64) {
        self.frontier.retain(|choice| match choice {
            Choice::Step(step) => step.limit.is_none_or(|limit| limit >= time),
            _ => true,
        });
    }

    /// The end of the absence that it waits for, if it does.
    fn wait(&self) -> Option<(i64, Place<'t>)> {
        self.frontier.iter().find_map(|choice| match choice {
            Choice::Wait(wait) => Some((wait.end, wait.after.clone())),
            _ => None,
        })
    }
}

/// A rule at work on the events of one key.
struct Matcher<'t> {
    definitions: BTreeMap<&'t str, Option<&'t Expr>>,
    pattern: &'t Match,
    overlap: Overlap,
    /// Whether time-outs are reported, and after which variable.
    on_timeout: Option<Option<&'t str>>,
    /// In order of preference.
    runs: Vec<Run<'t>>,
    names: usize,
    reports: Vec<Report>,
}

impl<'t> Matcher<'t> {
    fn new(rule: &'t Rule) -> Matcher<'t> {
        let mut definitions = BTreeMap::from([("s", None)]);
        let (mut pattern, mut overlap, mut on_timeout) = (None, Overlap::None, None);
        for clause in &rule.clauses {
            match &clause.kind {
                ClauseKind::Event(event) => {
                    definitions.insert(&event.name.node, event.condition.as_ref());
                }
                ClauseKind::Match(found) => pattern = Some(found),
                ClauseKind::Overlap(found) => overlap = found.clone(),
                ClauseKind::OnTimeout(found) => {
                    on_timeout = Some(found.after.as_ref().map(|name| name.node.as_str()));
                }
                _ => {}
            }
        }
        let pattern = pattern.expect("a rule has a pattern");
        Matcher { definitions, pattern, overlap, on_timeout, runs: vec![], names: 0, reports: vec![] }
    }

    /// The next event of the key; whether it may begin a run.
    fn event(&mut self, event: &Event, position: usize, begins: bool) {
        self.pass(Some(event.at));
        let mut runs = vec![];
        for mut run in std::mem::take(&mut self.runs) {
            run.forget_steps_before(event.at);
            runs.extend(self.offer(run, event, position));
        }
        if begins {
            runs.extend(self.start(event, position));
        }
        self.runs = runs;
        self.report(event.at, &[]);
    }

    fn fits(&self, name: &str, repetitions: &[Repetition], captured: &[Capture], event: &Event) -> bool {
        match self.definitions[name] {
            None => true,
            Some(condition) => condition::holds(condition, Sight { event, captured, repetitions }),
        }
    }

    fn seen(&self, watch: &Watch<'t>, captured: &[Capture], event: &Event) -> bool {
        self.fits(watch.name, &watch.repetitions, captured, event)
    }

    /// What becomes of a run when an event comes: usually one run, more after `any`, none if it dies.
    fn offer(&mut self, mut run: Run<'t>, event: &Event, position: usize) -> Vec<Run<'t>> {
        run.frontier.retain(|choice| !self.forbidden(choice, &run.captured, event));
        let mut results = vec![];
        for choice in run.frontier.clone() {
            let Choice::Step(step) = choice else { continue };
            if self.fits(step.name, &step.repetitions, &run.captured, event) {
                let link = step.link;
                results.push(self.take(&run, step, event, position));
                if link != Some(LinkKind::ThenAny) {
                    return results;
                }
            }
        }
        let frontier = std::mem::take(&mut run.frontier);
        run.frontier =
            frontier.into_iter().filter_map(|choice| self.skip(choice, &run.captured, event)).collect();
        if !run.frontier.is_empty() {
            results.push(run);
        }
        results
    }

    /// Whether an event rules a choice out before it is offered: `until`, and `next not`.
    fn forbidden(&self, choice: &Choice<'t>, captured: &[Capture], event: &Event) -> bool {
        let Choice::Step(step) = choice else { return false };
        step.until.iter().any(|until| self.seen(until, captured, event))
            || step.guards.iter().any(|guard| guard.next && self.seen(&guard.watch, captured, event))
    }

    /// What is left of a choice when the run skips an event.
    fn skip(&self, choice: Choice<'t>, captured: &[Capture], event: &Event) -> Option<Choice<'t>> {
        match choice {
            Choice::Step(mut step) => {
                let removed = step.link == Some(LinkKind::Next)
                    || step.guards.iter().any(|guard| self.seen(&guard.watch, captured, event));
                step.guards.retain(|guard| !guard.next);
                (!removed).then_some(Choice::Step(step))
            }
            Choice::Wait(wait) if self.seen(&wait.watch, captured, event) => None,
            Choice::Wait(wait) => Some(Choice::Wait(wait)),
            Choice::Complete => None,
        }
    }

    fn take(&mut self, run: &Run<'t>, step: Step<'t>, event: &Event, position: usize) -> Run<'t> {
        let mut run = run.clone();
        run.captured.push(Capture {
            variable: step.variable.to_string(),
            event: event.clone(),
            position,
            repetitions: step.repetitions,
        });
        self.names += 1;
        run.name = self.names;
        let way = Way::go_on(self.pattern, run.first().event.at, event.at);
        run.stand(step.after.taken_at(event.at), way);
        run
    }

    /// The run that an event begins, if it fits a first step.
    fn start(&mut self, event: &Event, position: usize) -> Option<Run<'t>> {
        let nothing = Run { captured: vec![], frontier: vec![], due: false, reported: false, name: 0 };
        let first = choices(Place::beginning(&self.pattern.pattern), Way::start(self.pattern));
        first.into_iter().find_map(|choice| match choice {
            Choice::Step(step) if self.fits(step.name, &step.repetitions, &[], event) => {
                Some(self.take(&nothing, step, event, position))
            }
            _ => None,
        })
    }

    /// Event time passes every moment before `until`, or all of them.
    fn pass(&mut self, until: Option<i64>) {
        let soonest = |matcher: &Matcher<'t>| {
            let waits = matcher.runs.iter().filter_map(|run| run.wait().map(|(end, _)| end));
            let limits = matcher.runs.iter().filter_map(|run| matcher.last_moment(run, &run.frontier));
            waits.chain(limits).min()
        };
        while let Some(moment) = soonest(self) {
            if until.is_some_and(|until| moment >= until) {
                break;
            }
            self.passed(moment);
        }
    }

    /// The last moment at which one of some choices could still be taken in time, or one that stands
    /// behind an absence among them; `None` when there is none, or the end of the pattern is near.
    fn last_moment(&self, run: &Run<'t>, choices: &[Choice<'t>]) -> Option<i64> {
        let moments: Option<Vec<i64>> = choices
            .iter()
            .map(|choice| match choice {
                Choice::Step(step) => step.limit,
                Choice::Wait(wait) => {
                    let way = Way::go_on(self.pattern, run.first().event.at, wait.end);
                    self.last_moment(run, &frontier::choices(wait.after.clone(), way))
                }
                Choice::Complete => None,
            })
            .collect();
        moments?.into_iter().max()
    }

    /// Event time has passed a moment at which absences end or runs time out.
    fn passed(&mut self, moment: i64) {
        for run in &mut self.runs {
            while let Some((end, place)) = run.wait() {
                if end > moment {
                    break;
                }
                run.stand(place, Way::go_on(self.pattern, run.first().event.at, end));
            }
        }
        let late = |run: &&Run<'t>| self.last_moment(run, &run.frontier).is_some_and(|last| last <= moment);
        let timed_out: Vec<usize> = self.runs.iter().filter(late).map(|run| run.name).collect();
        self.report(moment, &timed_out);
    }

    /// Reports the runs that are due, then those that timed out, applying the policy after each.
    fn report(&mut self, decided: i64, timed_out: &[usize]) {
        let due: Vec<usize> = self.runs.iter().filter(|run| run.due).map(|run| run.name).collect();
        for name in self.in_order(&due) {
            let Some(run) = self.runs.iter_mut().find(|run| run.name == name) else { continue };
            run.due = false;
            run.reported = true;
            let run = run.clone();
            self.emit(&run, Kind::Match, decided);
        }
        for name in self.in_order(timed_out) {
            let Some(at) = self.runs.iter().position(|run| run.name == name) else { continue };
            let run = self.runs.remove(at);
            let wanted = self.on_timeout.is_some_and(|after| {
                after.is_none_or(|after| run.captured.iter().any(|capture| capture.variable == after))
            });
            if wanted && !run.reported {
                self.emit(&run, Kind::Timeout, decided);
            }
        }
        self.runs.retain(|run| !run.frontier.is_empty());
    }

    /// First event, then longest first, then captured positions, then preference.
    fn in_order(&self, names: &[usize]) -> Vec<usize> {
        let mut runs: Vec<&Run<'t>> = self.runs.iter().filter(|run| names.contains(&run.name)).collect();
        runs.sort_by_key(|run| (run.first().position, Reverse(run.captured.len()), run.positions()));
        runs.into_iter().map(|run| run.name).collect()
    }

    fn emit(&mut self, run: &Run<'t>, kind: Kind, decided: i64) {
        let mut events: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for capture in &run.captured {
            events.entry(capture.variable.clone()).or_default().push(capture.event.id);
        }
        self.reports.push(Report { kind, decided, events });
        let positions = |variable: &str| -> Vec<usize> {
            let of = run.captured.iter().filter(|capture| capture.variable == variable);
            of.map(|capture| capture.position).collect()
        };
        let (first, last) = (run.first().position, run.last().position);
        let resume = match &self.overlap {
            Overlap::None => Some(last + 1),
            Overlap::PerStart => {
                self.runs.retain(|other| other.first().position != first);
                None
            }
            Overlap::All => None,
            Overlap::ResumeAtFirst(variable) => positions(&variable.node).first().copied(),
            Overlap::ResumeAtLast(variable) => positions(&variable.node).last().copied(),
        };
        if let Some(resume) = resume {
            self.runs.retain(|other| other.first().position >= resume);
        }
    }
}
