//! The runs of one rule for one key, however they are held.
//!
//! How is the compiler's choice ([`Representation`]); what is reported is the same.

use std::borrow::Cow;

use super::compact::{CompactRuns, Lone};
use super::list::{Run, RunList};
use super::{Matcher, Report};
use crate::automaton::{Answers, CompiledRule, Representation, StateId};
use crate::event::{Duration, Event, Timestamp};

/// The partial matches of one rule for one key.
///
/// A run that has only begun is held in place if that is all there is to know of it. All else is elsewhere,
/// so that what is held of a key is small whatever way its runs are held; one run and all that is asked of
/// it are then in one place.
#[derive(Clone, Debug, Default)]
pub enum RunSet {
    /// None yet: how they will be held is decided when the first one begins.
    #[default]
    None,
    /// One run, of which the event that it began with is all there is to know: what most keys have of most
    /// rules. It ends without a look at its rule.
    Lone(Lone),
    /// Each by itself.
    List(Box<RunList>),
    /// Those that stand at the same place together.
    Compact(Box<CompactRuns>),
}

impl RunSet {
    /// The run that has begun with an event and lives so long, of a rule that says so
    /// ([`CompiledRule::lone`]) and has no run yet.
    pub fn lone(event: &Event, within: Duration) -> RunSet {
        RunSet::Lone(Lone::new(event, within))
    }

    /// Whether it is such a run, whose time is over when all times before `now` and itself have passed.
    pub fn is_lone_and_over(&self, now: Timestamp) -> bool {
        matches!(self, RunSet::Lone(run) if run.until() <= now)
    }

    /// Makes of a set without runs one as the rule wants it.
    fn prepare(&mut self, rule: &CompiledRule) {
        match (&*self, rule.representation) {
            // Its room can be used again.
            (RunSet::Compact(_), Representation::Compact { .. })
            | (RunSet::List(_), Representation::List(_)) => {}
            (_, Representation::Compact { copies }) => {
                *self = RunSet::Compact(Box::new(CompactRuns::new(copies)));
            }
            (_, Representation::List(_)) => *self = RunSet::List(Box::default()),
        }
    }

    /// How many runs are alive; of runs that are held together, how many at most.
    pub fn len(&self) -> usize {
        match self {
            RunSet::None => 0,
            RunSet::Lone(_) => 1,
            RunSet::List(list) => list.len(),
            RunSet::Compact(runs) => runs.len(),
        }
    }

    /// Whether no run is alive.
    pub fn is_empty(&self) -> bool {
        match self {
            RunSet::None => true,
            RunSet::Lone(_) => false,
            RunSet::List(list) => list.is_empty(),
            RunSet::Compact(runs) => runs.is_empty(),
        }
    }

    /// The next moment at which the passing of time decides something; [`Timestamp::MAX`] when
    /// nothing waits for time.
    pub fn due(&self) -> Timestamp {
        match self {
            RunSet::None => Timestamp::MAX,
            RunSet::Lone(run) => run.until(),
            RunSet::List(list) => list.due(),
            RunSet::Compact(runs) => runs.due(),
        }
    }

    /// Reads something of the runs, so that they are near when an event is offered to them.
    pub fn touch(&self) -> u64 {
        match self {
            RunSet::None => 0,
            RunSet::Lone(run) => run.event().time().as_micros() as u64,
            RunSet::List(list) => list.touch(),
            RunSet::Compact(runs) => runs.len() as u64,
        }
    }

    /// Reads something of an event that the runs hold, if the next event is likely to need it. What
    /// [`RunSet::touch`] reads must be near by now.
    pub fn touch_event(&self) -> u64 {
        match self {
            RunSet::None => 0,
            RunSet::Lone(run) => run.event().touch(),
            RunSet::List(list) => list.touch_event(),
            RunSet::Compact(runs) => runs.touch_event(),
        }
    }

    /// Gives the events that the runs hold, some perhaps several times; of very many runs none.
    pub fn events<'a>(&'a self, give: &mut impl FnMut(&'a Event)) {
        match self {
            RunSet::None => {}
            RunSet::Lone(run) => give(run.event()),
            RunSet::List(list) => list.events(give),
            RunSet::Compact(runs) => runs.events(give),
        }
    }

    /// Gives for each state in which runs stand how many do; of runs that are held together, how many at most.
    pub fn states(&self, rule: &CompiledRule, give: &mut impl FnMut(StateId, u64)) {
        match self {
            RunSet::None => {}
            RunSet::Lone(_) => give(Lone::state(rule), 1),
            RunSet::List(list) => list.runs().iter().for_each(|run| give(run.state, 1)),
            RunSet::Compact(runs) => runs.states(give),
        }
    }

    /// The runs one by one, in the order of their first events, when all times before `passed` have
    /// passed: for looking at them, not for moving them.
    pub fn runs(&self, rule: &CompiledRule, passed: Timestamp) -> Vec<Cow<'_, Run>> {
        let one_by_one = |runs: &CompactRuns| runs.runs(rule, passed).into_iter().map(Cow::Owned).collect();
        match self {
            RunSet::None => Vec::new(),
            RunSet::Lone(run) => one_by_one(&run.clone().together(rule)),
            RunSet::List(list) => list.runs(),
            RunSet::Compact(runs) => one_by_one(runs),
        }
    }
}

impl Matcher<'_> {
    /// Offers the next event of the key to every run, and lets it start a new one.
    pub fn event(&self, set: &mut RunSet, event: &Event, answers: &Answers, reports: &mut Vec<Report>) {
        if set.is_empty() {
            if !self.rule.begins {
                return;
            }
            if let Some(within) = self.rule.lone() {
                if self.can_start(event, answers) {
                    *set = RunSet::lone(event, within);
                }
                return;
            }
            set.prepare(self.rule);
        }
        if let RunSet::Lone(run) = set {
            *set = RunSet::Compact(Box::new(run.clone().together(self.rule)));
        }
        match set {
            RunSet::None => unreachable!("it was prepared"),
            RunSet::Lone(_) => unreachable!("it has just been made one of several"),
            RunSet::List(list) => self.offer_to_list(list, event, answers, reports),
            RunSet::Compact(runs) => {
                if let Some(list) = self.offer_to_compact(runs, event, answers, reports) {
                    *set = RunSet::List(Box::new(list));
                }
            }
        }
    }

    /// Event time has passed `now`, which is the set's [`RunSet::due`]: decides all that is due.
    /// Matches are reported before time-outs.
    pub fn time(&self, set: &mut RunSet, now: Timestamp, reports: &mut Vec<Report>) {
        match set {
            RunSet::None => {}
            RunSet::Lone(run) => {
                if run.until() <= now {
                    *set = RunSet::default();
                }
            }
            RunSet::List(list) => self.pass_time_in_list(list, now, reports),
            RunSet::Compact(runs) => self.pass_time_in_compact(runs, now),
        }
    }
}
