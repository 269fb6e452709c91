//! Keys whose records are not in memory but on the shelf.
//!
//! What remains of a key is what nothing else can say: that it is there, as the bytes of the key itself, so
//! that a key that is not there costs no look at the shelf, and a key that was removed is not found there
//! again; and when something is due for it, so that time still decides at the right moment.

use std::collections::BTreeSet;

use super::records::Slot;
use crate::event::{Key, Timestamp};
use crate::stored::{Reader, Writer};

/// About how many bytes a cold key takes that is no longer than [`SHORT`]: its places here, in the index and
/// among the timers, with the room that these have to grow. A test compares it with what is taken.
const COLD_BYTES: usize = size_of::<Place>() + 56;

/// Keys of so many bytes are held in place: texts of two less.
const SHORT: usize = 22;
/// How many places a piece has at most.
const PIECE: usize = 1 << 14;

/// The cold keys by slot, in pieces, like records: growing moves none, and pieces that run empty are given
/// back.
#[derive(Debug, Default)]
pub(super) struct Cold {
    pieces: Vec<Piece>,
    with_room: BTreeSet<usize>,
    len: usize,
    /// The bytes of keys that are not held in place.
    long: usize,
}

#[derive(Debug, Default)]
struct Piece {
    places: Vec<Place>,
    /// The place that was left last, if one is free.
    free: Option<u32>,
    held: usize,
}

#[derive(Debug)]
enum Place {
    Short { len: u8, bytes: [u8; SHORT], due: Timestamp },
    Long { bytes: Box<[u8]>, due: Timestamp },
    Free(Option<u32>),
}

impl Place {
    fn new(key: &[u8], due: Timestamp) -> Place {
        let mut bytes = [0; SHORT];
        match bytes.get_mut(..key.len()) {
            Some(place) => {
                place.copy_from_slice(key);
                Place::Short { len: key.len() as u8, bytes, due }
            }
            None => Place::Long { bytes: key.into(), due },
        }
    }

    fn get(&self) -> Option<(&[u8], Timestamp)> {
        match self {
            Place::Short { len, bytes, due } => Some((&bytes[..usize::from(*len)], *due)),
            Place::Long { bytes, due } => Some((bytes, *due)),
            Place::Free(_) => None,
        }
    }
}

/// How much more than its place a key takes.
fn beyond(key: &[u8]) -> usize {
    if key.len() > SHORT { key.len() } else { 0 }
}

/// The bytes of a key.
pub(super) fn bytes_of(key: &Key) -> Writer {
    let mut w = Writer::default();
    key.write(&mut w);
    w
}

/// The key of some bytes.
pub(super) fn key_of(bytes: &[u8]) -> Key {
    Key::read(&mut Reader::new(bytes)).expect("a key was written and is in memory as it was")
}

impl Cold {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// About how many bytes of memory they take.
    pub fn bytes(&self) -> usize {
        self.len * COLD_BYTES + self.long
    }

    /// The bytes of a key, and when something is due for it, [`Timestamp::MAX`] for never; if there is one.
    pub fn get(&self, slot: Slot) -> Option<(&[u8], Timestamp)> {
        let at = slot.cold()?;
        self.pieces.get(at / PIECE)?.places.get(at % PIECE)?.get()
    }

    /// Adds a key for which something is due then.
    pub fn insert(&mut self, key: &[u8], due: Timestamp) -> Slot {
        let number = self.with_room.first().copied().unwrap_or_else(|| {
            self.pieces.push(Piece::default());
            self.with_room.insert(self.pieces.len() - 1);
            self.pieces.len() - 1
        });
        let piece = &mut self.pieces[number];
        let index = piece.insert(Place::new(key, due), number > 0);
        if piece.held == PIECE {
            self.with_room.remove(&number);
        }
        self.len += 1;
        self.long += beyond(key);
        Slot::of_cold(number * PIECE + index)
    }

    /// Takes a key out, if there is one.
    pub fn remove(&mut self, slot: Slot) {
        let Some(key) = self.get(slot).map(|(key, _)| beyond(key)) else { return };
        let at = slot.cold().expect("it was found");
        let (number, index) = (at / PIECE, at % PIECE);
        let piece = &mut self.pieces[number];
        piece.places[index] = Place::Free(piece.free.replace(index as u32));
        piece.held -= 1;
        self.with_room.insert(number);
        if piece.held == 0 && self.with_room.first() != Some(&number) {
            *piece = Piece::default();
        }
        self.len -= 1;
        self.long -= key;
    }

    /// The slots of all.
    pub fn slots(&self) -> impl Iterator<Item = Slot> {
        self.pieces.iter().enumerate().flat_map(|(number, piece)| {
            let held = piece.places.iter().enumerate().filter(|(_, place)| place.get().is_some());
            held.map(move |(index, _)| Slot::of_cold(number * PIECE + index))
        })
    }
}

impl Piece {
    /// Adds a key; there is room.
    fn insert(&mut self, key: Place, is_whole: bool) -> usize {
        self.held += 1;
        let free = self.free.and_then(|free| Some((free, self.places.get(free as usize)?)));
        if let Some((index, Place::Free(next))) = free {
            self.free = *next;
            self.places[index as usize] = key;
            return index as usize;
        }
        if is_whole {
            self.places.reserve_exact(PIECE - self.places.len());
        }
        self.places.push(key);
        self.places.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_place_is_small() {
        assert_eq!(size_of::<Place>(), 32);
    }

    #[test]
    fn what_is_put_in_is_there_until_it_is_taken_out() {
        let mut cold = Cold::default();
        let mut model: BTreeMap<Slot, (Vec<u8>, Timestamp)> = BTreeMap::new();
        let mut random = 1_u64;
        for number in 0..200_000_u64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // More come in the first half, more go in the second.
            let comes = (random >> 33) % 10 < if number < 100_000 { 7 } else { 3 };
            if comes || model.is_empty() {
                let key = vec![number as u8; (random >> 40) as usize % 40];
                let due = Timestamp::from_micros(number as i64);
                let slot = cold.insert(&key, due);
                assert!(model.insert(slot, (key, due)).is_none(), "the slot was free");
            } else {
                let at = (random >> 20) as u32 & 0xffff;
                let slot = model.range(Slot::of_cold(at as usize)..).next().or(model.iter().next());
                let slot = *slot.expect("there is one").0;
                model.remove(&slot);
                cold.remove(slot);
                assert_eq!(cold.get(slot), None);
            }
        }
        assert_eq!(cold.len(), model.len());
        assert!(cold.slots().eq(model.keys().copied()));
        for (slot, (key, due)) in &model {
            assert_eq!(cold.get(*slot), Some((&**key, *due)));
        }
        let long: usize = model.values().map(|(key, _)| key).filter(|key| key.len() > 22).map(Vec::len).sum();
        assert_eq!(cold.bytes(), model.len() * COLD_BYTES + long);
        model.keys().for_each(|slot| cold.remove(*slot));
        assert_eq!((cold.len(), cold.bytes()), (0, 0));
        assert_eq!(cold.pieces.iter().filter(|piece| piece.places.capacity() > 0).count(), 1);
    }
}
