//! Timers by their time, in buckets the coarser the farther away they are.
//!
//! Time is counted in ticks. Each level has a ring of buckets; one of a level has as many ticks as all of
//! the level below. A timer is on the lowest level whose ring reaches from the *hand* to its tick. When time
//! comes to a bucket the hand goes there, and its timers move to lower levels: each at most once a level, and
//! never many more at once than come due until the next bucket of that level.
//! (Varghese and Lauck, Hashed and hierarchical timing wheels, 1987, scheme 7.)
//!
//! Invariants: the hand is behind no bucket that has timers, and never ahead of time.

use std::cmp::Reverse;

use super::Timer;
use crate::event::Timestamp;

/// How many bits of a time in microseconds are less than a tick, which is a sixteenth of a second: short
/// enough for its timers to be put in order at once without anyone noticing.
const TICK_BITS: u32 = 16;
/// How many bits of a tick choose the bucket of a level.
const RING_BITS: u32 = 6;
const RING: usize = 1 << RING_BITS;
const LEVELS: usize = (u64::BITS - TICK_BITS).div_ceil(RING_BITS) as usize;

/// The timers that wait.
#[derive(Debug)]
pub(super) struct Wheel {
    /// Those of each level, in the order of levels.
    buckets: Vec<Bucket>,
    /// For each level, one bit for each bucket that has timers, the first the lowest.
    occupied: [u64; LEVELS],
    /// The tick up to which all timers have been taken out.
    hand: u64,
    len: usize,
}

/// A place of a timer in the wheel; the first by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    bucket: usize,
    piece: usize,
    index: usize,
}

/// Timers in no order, in pieces, so that growing copies nothing and leaves little room unused.
#[derive(Clone, Debug, Default)]
struct Bucket {
    pieces: Vec<Vec<Timer>>,
}

/// How many timers are looked at at a time while outdated ones are thrown out.
pub(super) const LOOKS: usize = 8;
/// How many timers the first piece of a bucket has at most; each after it has twice as many as the one before…
const FIRST_PIECE: usize = 4;
/// …up to so many.
const PIECE: usize = 256;

/// The number of the tick of a moment.
fn tick(time: Timestamp) -> u64 {
    (time.as_micros() as u64 ^ 1 << 63) >> TICK_BITS
}

/// The number of a tick's bucket, counted from the beginning of time in buckets of that level.
fn number(tick: u64, level: usize) -> u64 {
    tick >> (level as u32 * RING_BITS)
}

impl Default for Wheel {
    fn default() -> Wheel {
        let buckets = vec![Bucket::default(); LEVELS * RING];
        Wheel { buckets, occupied: [0; LEVELS], hand: 0, len: 0 }
    }
}

impl Wheel {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Adds a timer.
    ///
    /// # Errors
    /// The timer, when its time has come: the hand is there or beyond.
    pub fn push(&mut self, timer: Timer) -> Result<(), Timer> {
        let tick = tick(timer.due);
        if tick <= self.hand {
            return Err(timer);
        }
        let reaches = |level: &usize| number(tick, *level) - number(self.hand, *level) < RING as u64;
        let level = (0..LEVELS).find(reaches).expect("the ring of the last level has all of time");
        let place = number(tick, level) as usize % RING;
        self.occupied[level] |= 1 << place;
        self.buckets[level * RING + place].push(timer);
        self.len += 1;
        Ok(())
    }

    /// Takes out the timers of the earliest tick that has any, if that has begun by `now`.
    pub fn take_first(&mut self, now: Timestamp, taken: &mut Vec<Timer>) {
        let now = tick(now);
        while let Some((begin, level)) = self.first().filter(|(begin, _)| *begin <= now)
            && (taken.is_empty() || begin == self.hand)
        {
            let place = number(begin, level) as usize % RING;
            self.occupied[level] &= !(1 << place);
            let bucket = std::mem::take(&mut self.buckets[level * RING + place]);
            self.len -= bucket.pieces.iter().map(Vec::len).sum::<usize>();
            self.hand = begin;
            for timer in bucket.pieces.into_iter().flatten() {
                taken.extend(self.push(timer).err());
            }
        }
    }

    /// The tick at which the first bucket begins that has timers, and its level. Of several that begin
    /// then the one of the highest level, which may have timers that belong into the others.
    fn first(&self) -> Option<(u64, usize)> {
        let of_level = |(level, occupied): (usize, &u64)| {
            let hand = number(self.hand, level);
            let ahead = occupied.rotate_right((hand % RING as u64) as u32).trailing_zeros();
            let begin = (hand + u64::from(ahead)) << (level as u32 * RING_BITS);
            (*occupied != 0).then_some((begin, level))
        };
        let firsts = self.occupied.iter().enumerate().filter_map(of_level);
        firsts.min_by_key(|(begin, level)| (*begin, Reverse(*level)))
    }

    /// The number of the next bucket that has timers.
    fn next_bucket(&self, from: usize) -> Option<usize> {
        (from / RING..LEVELS).find_map(|level| {
            let passed = from.saturating_sub(level * RING);
            let left = self.occupied[level] & u64::MAX << passed;
            (left != 0).then(|| level * RING + left.trailing_zeros() as usize)
        })
    }

    /// Looks at some timers from a place on, and throws out those that are not wanted. Where to go on;
    /// nothing when it has come to the end. Those that move meanwhile may not be looked at.
    pub fn sweep(&mut self, place: Place, is_wanted: impl Fn(&Timer) -> bool) -> Option<Place> {
        let number = self.next_bucket(place.bucket)?;
        let begin = Place { bucket: number, ..Place::default() };
        let mut place = if number == place.bucket { place } else { begin };
        let bucket = &mut self.buckets[number];
        self.len -= bucket.sweep(&mut place, is_wanted);
        if bucket.pieces.is_empty() {
            self.occupied[number / RING] &= !(1 << (number % RING));
        }
        if place.piece >= bucket.pieces.len() {
            place = Place { bucket: number + 1, ..Place::default() };
        }
        Some(place)
    }
}

impl Bucket {
    fn push(&mut self, timer: Timer) {
        match self.pieces.last_mut() {
            Some(last) if last.len() < last.capacity() => last.push(timer),
            last => {
                let room = last.map_or(FIRST_PIECE, |last| (2 * last.capacity()).min(PIECE));
                let mut piece = Vec::with_capacity(room);
                piece.push(timer);
                self.pieces.push(piece);
            }
        }
    }

    fn pop(&mut self) -> Option<Timer> {
        let last = self.pieces.last_mut()?;
        let timer = last.pop();
        if last.is_empty() {
            self.pieces.pop();
        }
        timer
    }

    /// Takes out a timer; the last one of the bucket comes in its place.
    fn swap_remove(&mut self, piece: usize, index: usize) {
        let last = self.pop();
        let place = self.pieces.get_mut(piece).and_then(|piece| piece.get_mut(index));
        if let (Some(place), Some(last)) = (place, last) {
            *place = last;
        }
    }

    /// Looks at the next timers of a piece, and throws out those that are not wanted. How many those
    /// were.
    fn sweep(&mut self, place: &mut Place, is_wanted: impl Fn(&Timer) -> bool) -> usize {
        let Some(piece) = self.pieces.get_mut(place.piece) else { return 0 };
        let end = piece.len().min(place.index + LOOKS);
        let looked_at = piece.get_mut(place.index..end).unwrap_or_default();
        // All are asked before any is moved: then the processor waits for their records at once.
        let mut wanted = [false; LOOKS];
        wanted.iter_mut().zip(&*looked_at).for_each(|(wanted, timer)| *wanted = is_wanted(timer));
        let mut kept = 0;
        for (index, wanted) in wanted.into_iter().enumerate().take(looked_at.len()) {
            if wanted {
                looked_at.swap(kept, index);
                kept += 1;
            }
        }
        let thrown_out = place.index + kept..place.index + looked_at.len();
        place.index += kept;
        thrown_out.clone().rev().for_each(|index| self.swap_remove(place.piece, index));
        if self.pieces.get(place.piece).is_none_or(|piece| place.index >= piece.len()) {
            *place = Place { piece: place.piece + 1, index: 0, ..*place };
        }
        thrown_out.len()
    }
}
