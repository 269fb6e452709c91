//! Runs held together, as bytes: the graph as far as live runs need it, as [`Ring::tidy`] would leave it,
//! and where its heads stand.
//!
//! An entry refers to older ones by how far back they are. All runs that an entry stands for are at one
//! place of the pattern, to which its transitions lead: so each entry is held against the rule when it is
//! read, and no way through the graph can be one that the pattern does not have.

use smallvec::SmallVec;

use super::ring::{EntryId, Ring};
use super::{CompactRuns, Lane};
use crate::automaton::{StateId, Trigger};
use crate::event::Timestamp;
use crate::language::checked::GREATEST_MAX;
use crate::matcher::step::Place;
use crate::matcher::stored::{In, Out};
use crate::stored::Damaged;

/// What an entry is.
const START: u8 = 0;
const TAKEN: u8 = 1;
const JOIN: u8 = 2;
/// Whether it stands for other runs besides.
const WITH_OTHERS: u8 = 4;

impl CompactRuns {
    /// Writes it, behind the number of its runs.
    pub(in crate::matcher) fn store(&self, out: &mut Out<'_>) {
        out.body().flag(self.copies);
        let numbers = Numbers::of(&self.ring, self.lanes.iter().map(|lane| lane.head));
        out.body().number(numbers.next.into());
        for (place, entry) in self.ring.entries() {
            let At::Own(number, kind) = numbers.places[place] else { continue };
            let back = |id: EntryId| Some(number - numbers.find(&self.ring, id)?);
            let before = entry.before.filter(|_| kind != START).and_then(back);
            let other = entry.other.and_then(back);
            let with_others = if kind != JOIN && other.is_some() { WITH_OTHERS } else { 0 };
            out.body().byte(kind | with_others);
            before.into_iter().chain(other).for_each(|back| out.body().number(back.into()));
            if let Some(event) = &entry.event {
                out.body().byte(entry.transition);
                out.event(event);
            }
        }
        out.body().size(self.lanes.len());
        for lane in &self.lanes {
            let head = numbers.find(&self.ring, lane.head);
            out.body().number(head.expect("a head has a live run").into());
            out.body().number(lane.place.frontier);
            out.body().flag(lane.place.fresh);
        }
    }

    /// Reads one with at most so many runs.
    pub(in crate::matcher) fn restore(len: u64, r: &mut In<'_>) -> Result<CompactRuns, Damaged> {
        let within = r.rule.rule.within.ok_or(Damaged::new("runs are held together without a time limit"))?;
        let mut runs = CompactRuns::new(r.bytes.flag()?);
        let mut states = Vec::new();
        for _ in 0..r.bytes.len()? {
            states.push(read_entry(r, &mut runs.ring, &states)?);
        }
        for _ in 0..r.bytes.len()? {
            let lane = read_lane(r, &runs.ring, &states)?;
            if runs.lanes.last().is_some_and(|last| last.place >= lane.place) {
                return Err(Damaged::new("runs of one place stand apart"));
            }
            runs.lanes.push(lane);
        }
        // Few entries can stand for more runs than there is memory for, if they are made up.
        let weights = runs.lanes.iter().map(|lane| runs.ring.weight(lane.head));
        let alive = weights.fold(0, |sum, weight| sum + u64::from(weight.runs));
        let most = if runs.copies { GREATEST_MAX as u64 } else { runs.ring.starts().into() };
        if alive == 0 || alive > len.min(most) {
            return Err(Damaged::new("there are more runs than were stored"));
        }
        runs.ring.settle();
        runs.oldest_until = runs.ring.oldest().map_or(Timestamp::MAX, |first| first.time.end_of(within));
        runs.settle(within);
        Ok(runs)
    }
}

/// The numbers of entries among those that are written.
struct Numbers {
    places: SmallVec<[At; 16]>,
    next: u32,
}

/// Where an entry is found among those that are written.
#[derive(Clone, Copy)]
enum At {
    /// No live run needs it.
    Nowhere,
    /// It is written, as that kind.
    Own(u32, u8),
    /// It stands for no more than that one.
    Other(u32),
}

impl Numbers {
    /// As the live runs of these heads need them.
    fn of(ring: &Ring, heads: impl Iterator<Item = EntryId>) -> Numbers {
        let reached = ring.reached(heads);
        let mut numbers = Numbers { places: SmallVec::with_capacity(reached.len()), next: 0 };
        for (place, entry) in ring.entries() {
            let find = |id: EntryId| numbers.find(ring, id);
            let (before, other) = (entry.before.and_then(find), entry.other.and_then(find));
            let kind = match (entry.is_start(), entry.event.is_some(), before, other) {
                _ if !reached[place] => None,
                (true, ..) => Some(START),
                (_, true, Some(_), _) => Some(TAKEN),
                (_, false, Some(_), Some(_)) => Some(JOIN),
                _ => None,
            };
            let at = match (kind, before.or(other)) {
                (Some(kind), _) => At::Own(numbers.next, kind),
                (None, Some(rest)) if reached[place] => At::Other(rest),
                _ => At::Nowhere,
            };
            numbers.next += u32::from(kind.is_some());
            numbers.places.push(at);
        }
        numbers
    }

    /// The number of the entry that stands for what that one stood for.
    fn find(&self, ring: &Ring, id: EntryId) -> Option<u32> {
        match self.places.get(ring.place(id)?)? {
            At::Nowhere => None,
            At::Own(number, _) | At::Other(number) => Some(*number),
        }
    }
}

/// Reads an entry into the ring. `states` are those of the runs that the entries before it stand for; gives
/// its own.
fn read_entry(r: &mut In<'_>, ring: &mut Ring, states: &[StateId]) -> Result<StateId, Damaged> {
    let flags = r.bytes.byte()?;
    let (kind, with_others) = (flags & !WITH_OTHERS, flags & WITH_OTHERS != 0);
    if kind > JOIN {
        return Err(Damaged::new("there is no such kind of entry"));
    }
    let mut back = |wanted: bool| -> Result<Option<usize>, Damaged> {
        if !wanted {
            return Ok(None);
        }
        let back = r.bytes.place(states.len() + 1)?;
        states.len().checked_sub(back).filter(|_| back > 0).map(Some).ok_or(NOT_THERE)
    };
    let (before, other) = (back(kind != START)?, back(kind == JOIN || with_others)?);
    let (state_before, state_other) = (before.map(|at| states[at]), other.map(|at| states[at]));
    let (before, other) = (before.map(|at| ring.id(at)), other.map(|at| ring.id(at)));
    let state = match (kind, before.zip(other)) {
        (JOIN, Some((one, other))) => {
            ring.join(one, other);
            state_before.ok_or(NOT_THERE)?
        }
        _ => {
            let transition = r.bytes.byte()?;
            let transitions = &r.rule.automaton.state(state_before.unwrap_or(StateId::START)).transitions;
            let taken = transitions.get(usize::from(transition)).ok_or(NO_WAY)?;
            let Trigger::Take { variable, .. } = taken.trigger else { return Err(NO_WAY) };
            let event = r.captured(variable)?.clone();
            ring.take(event, transition, before, other);
            taken.target
        }
    };
    if state_other.is_some_and(|other| other != state) { Err(NO_WAY) } else { Ok(state) }
}

const NOT_THERE: Damaged = Damaged::new("an entry refers to one that is not there");
const NO_WAY: Damaged = Damaged::new("runs have come a way that their pattern does not have");

fn read_lane(r: &mut In<'_>, ring: &Ring, states: &[StateId]) -> Result<Lane, Damaged> {
    let at = r.bytes.place(states.len())?;
    let (frontier, fresh) = (r.bytes.number()?, r.bytes.flag()?);
    let place = Place { state: states[at], frontier, fresh };
    if !place.is_of(&r.rule.automaton) {
        return Err(Damaged::new("runs wait for something that their pattern does not have"));
    }
    Ok(Lane { place, head: ring.id(at) })
}
