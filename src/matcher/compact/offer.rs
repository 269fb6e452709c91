//! Offering an event to the lanes.

use smallvec::SmallVec;

use super::ring::EntryId;
use super::{CompactRuns, Lane, within};
use crate::automaton::{Answers, StateId, Transition, Trigger};
use crate::event::Event;
use crate::language::checked::Overlap;
use crate::matcher::list::RunList;
use crate::matcher::step::{Place, Rest};
use crate::matcher::{Matcher, Report};

/// What becomes of the runs of a lane, or of copies of them.
#[derive(Clone, Copy, Debug)]
struct Move {
    /// Where they come to.
    place: Place,
    /// By which transition they have taken the event, if they have.
    by: Option<u8>,
    /// What stands for them before that.
    head: EntryId,
}

/// The entries of runs that the event has completed.
pub(super) type Complete = SmallVec<[EntryId; 4]>;

impl Matcher<'_> {
    /// Offers the next event of the key to every lane, and lets it begin a run. The runs one by one, if
    /// they are to be held so from now on.
    pub(in crate::matcher) fn offer_to_compact(
        &self,
        set: &mut CompactRuns,
        event: &Event,
        answers: &Answers,
        reports: &mut Vec<Report>,
    ) -> Option<RunList> {
        let within = within(self.rule);
        set.expire(within, |until| until < event.time());
        let mut complete = Complete::new();
        self.move_lanes(set, event, answers, &mut complete);
        self.begin(set, event, answers, &mut complete);
        self.report_takers(set, &complete, event, reports);
        set.settle(within);
        self.keep_limits_together(set, event, reports)
    }

    /// Moves the runs of every lane.
    fn move_lanes(&self, set: &mut CompactRuns, event: &Event, answers: &Answers, complete: &mut Complete) {
        let mut moves: SmallVec<[Move; 8]> = SmallVec::new();
        for lane in set.lanes.drain(..) {
            self.moves_of(lane, event, answers, &mut moves);
        }
        // Runs that have not taken the event first: an entry can stand for them besides, and join saved.
        moves.sort_unstable_by_key(|one| (one.place, one.by));
        for Move { place, by, head } in moves {
            let Some(transition) = by else {
                match set.lanes.last_mut().filter(|lane| lane.place == place) {
                    Some(lane) => lane.head = set.ring.join(head, lane.head),
                    None => set.lanes.push(Lane { place, head }),
                }
                continue;
            };
            let stays = self.stays_at(place);
            let lane = set.lanes.last_mut().filter(|lane| stays && lane.place == place);
            let other = lane.as_ref().map(|lane| lane.head);
            let taken = set.ring.take(event.clone(), transition, Some(head), other);
            match lane {
                Some(lane) => lane.head = taken,
                None if stays => set.lanes.push(Lane { place, head: taken }),
                None => {}
            }
            if self.rule.automaton.state(place.state).accepting {
                complete.push(taken);
            }
        }
    }

    /// Adds to `moves` what becomes of the runs of a lane.
    fn moves_of(&self, lane: Lane, event: &Event, answers: &Answers, moves: &mut SmallVec<[Move; 8]>) {
        let Lane { place, head } = lane;
        let automaton = &self.rule.automaton;
        let step = place.step(automaton, |test| self.fits_alone(test, event, answers));
        let transitions = &automaton.state(place.state).transitions;
        let taken = |by: u8| {
            let place = Place::at(automaton, transitions[usize::from(by)].target);
            Move { place, by: Some(by), head }
        };
        moves.extend(step.copies.iter().map(|by| taken(*by)));
        match step.rest {
            Rest::Taken(by) => moves.push(taken(by)),
            Rest::Skipped { frontier } => {
                moves.push(Move { place: place.skipped(automaton, frontier), by: None, head });
            }
            Rest::Passed(_) => unreachable!("runs that wait for an absence are held one by one"),
            Rest::Dead => {}
        }
    }

    /// The run that begins with the event, if it fits a possible first step.
    fn begin(&self, set: &mut CompactRuns, event: &Event, answers: &Answers, complete: &mut Complete) {
        if !self.rule.begins {
            return;
        }
        let automaton = &self.rule.automaton;
        let first = &automaton.state(StateId::START).transitions;
        let mut fits = |transition: &Transition| match transition.trigger {
            Trigger::Take { test, .. } => self.fits_alone(test, event, answers),
            Trigger::Absence { .. } => false,
        };
        let Some(by) = first.iter().position(&mut fits) else { return };
        let place = Place::at(automaton, first[by].target);
        let lane = set.lanes.binary_search_by_key(&place, |lane| lane.place);
        let other = lane.ok().map(|index| set.lanes[index].head);
        if set.ring.len() == 0 {
            set.oldest_until = event.time().end_of(within(self.rule));
        }
        let start = set.ring.take(event.clone(), by as u8, None, other);
        if self.stays_at(place) {
            match lane {
                Ok(index) => set.lanes[index].head = start,
                Err(index) => set.lanes.insert(index, Lane { place, head: start }),
            }
        }
        if automaton.state(place.state).accepting {
            complete.push(start);
        }
    }

    /// Whether runs that come to a place by taking an event go on from there.
    fn stays_at(&self, place: Place) -> bool {
        // Without copies, the runs that `per start` drops when it reports one are that one.
        let is_dropped =
            self.rule.rule.overlap == Overlap::PerStart && self.rule.automaton.state(place.state).accepting;
        place.frontier != 0 && !is_dropped
    }
}
