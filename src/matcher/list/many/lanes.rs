//! All lanes of a set, by their places.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::lane::Lane;
use super::order::{NONE, Order, Slot};
use crate::automaton::CompiledRule;
use crate::matcher::step::Place;

/// So many lanes without runs wait for others to come there, besides as many as have runs.
const SPARE: usize = 8;

/// The lanes.
#[derive(Clone, Debug, Default)]
pub(super) struct Lanes {
    /// By their numbers.
    lanes: Vec<Lane>,
    by_place: HashMap<Place, u32, FixedState>,
    /// Numbers of lanes that stand for no place.
    free: Vec<u32>,
    /// How many lanes have runs.
    occupied: usize,
}

impl Lanes {
    /// How many have runs.
    pub fn len(&self) -> usize {
        self.occupied
    }

    /// Asserts what must hold between two events when there are so many runs.
    #[cfg(test)]
    pub fn check(&self, runs: usize) {
        assert_eq!(self.iter().count(), self.occupied);
        assert_eq!(self.iter().map(|(_, lane)| lane.members.len()).sum::<usize>(), runs);
        assert!(self.by_place.iter().all(|(place, number)| self.get(*number).place == *place));
        assert!(self.iter().all(|(number, lane)| self.by_place[&lane.place] == number));
    }

    /// Those that have runs, with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Lane)> {
        (0..).zip(&self.lanes).filter(|(_, lane)| !lane.members.is_empty())
    }

    /// The lane with that number.
    pub fn get(&self, number: u32) -> &Lane {
        &self.lanes[number as usize]
    }

    /// The number of the lane at a place, made if it is new.
    fn at(&mut self, rule: &CompiledRule, place: Place) -> u32 {
        *self.by_place.entry(place).or_insert_with(|| {
            let lane = Lane::new(rule, place);
            if let Some(number) = self.free.pop() {
                self.lanes[number as usize] = lane;
                return number;
            }
            self.lanes.push(lane);
            self.lanes.len() as u32 - 1
        })
    }

    /// Puts a run into the lane where it stands.
    pub fn insert(&mut self, rule: &CompiledRule, order: &mut Order, slot: Slot) {
        let run = &mut order[slot as usize];
        run.keep_registers(rule);
        let run = &order[slot as usize];
        let number = self.at(rule, run.place(&rule.automaton));
        let lane = &mut self.lanes[number as usize];
        self.occupied += usize::from(lane.members.is_empty());
        let at = lane.push(rule, slot, run);
        let entry = order.entry_mut(slot);
        (entry.lane, entry.at) = (number, at);
    }

    /// Takes a run out of its lane, if it is in one.
    pub fn remove(&mut self, order: &mut Order, slot: Slot) {
        let entry = order.entry_mut(slot);
        let (number, at) = (std::mem::replace(&mut entry.lane, NONE), entry.at);
        if number == NONE {
            return;
        }
        let lane = &mut self.lanes[number as usize];
        let instead = lane.swap_remove(at);
        self.occupied -= usize::from(lane.members.is_empty());
        if let Some(instead) = instead {
            order.entry_mut(instead).at = at;
        }
    }

    /// Takes all runs out of a lane; of one from which the last has just been taken, none.
    pub fn clear(&mut self, order: &mut Order, number: u32) -> Vec<Slot> {
        let members = self.lanes[number as usize].clear();
        self.occupied -= usize::from(!members.is_empty());
        members.iter().for_each(|slot| order.entry_mut(*slot).lane = NONE);
        members
    }

    /// Lanes are somewhere else now, all at once. The state stays the same.
    pub fn go(&mut self, order: &mut Order, moves: &[(u32, Place)]) {
        for (number, _) in moves {
            self.by_place.remove(&self.lanes[*number as usize].place);
        }
        for &(number, place) in moves {
            match self.by_place.get(&place) {
                Some(&there) => self.join(order, number, there),
                None => {
                    self.lanes[number as usize].place = place;
                    self.by_place.insert(place, number);
                }
            }
        }
    }

    /// The runs of a lane that stands for no place any more come to another.
    fn join(&mut self, order: &mut Order, from: u32, to: u32) {
        let lanes = self.lanes.get_disjoint_mut([from as usize, to as usize]);
        let [from_lane, to_lane] = lanes.expect("a lane does not go where it is");
        if to_lane.members.len() < from_lane.members.len() {
            // Fewer runs have to be told where they are.
            std::mem::swap(&mut from_lane.place, &mut to_lane.place);
            self.by_place.insert(from_lane.place, from);
            return self.take_over(order, to, from);
        }
        self.take_over(order, from, to);
    }

    fn take_over(&mut self, order: &mut Order, from: u32, to: u32) {
        let lanes = self.lanes.get_disjoint_mut([from as usize, to as usize]);
        let [from_lane, to_lane] = lanes.expect("a lane does not take over itself");
        self.occupied -= usize::from(!from_lane.members.is_empty() && !to_lane.members.is_empty());
        for (at, slot) in (to_lane.members.len() as u32..).zip(&from_lane.members) {
            let entry = order.entry_mut(*slot);
            (entry.lane, entry.at) = (to, at);
        }
        to_lane.append(from_lane);
        self.free.push(from);
    }

    /// Forgets places where no runs are, if there are many.
    pub fn tidy(&mut self) {
        if self.by_place.len() <= 2 * self.occupied + SPARE {
            return;
        }
        let lanes = &self.lanes;
        let free = &mut self.free;
        self.by_place.retain(|_, number| {
            let is_empty = lanes[*number as usize].members.is_empty();
            if is_empty {
                free.push(*number);
            }
            !is_empty
        });
    }
}
