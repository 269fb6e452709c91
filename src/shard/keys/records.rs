//! The places where records are: given out, taken back, and found by their number.

use std::collections::BTreeSet;

use super::record::Record;

/// The place of a key's record; given again once the record is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::shard) struct Slot(pub(in crate::shard) u32);

/// The records by slot, in pieces: growing moves none of them, which would take long when there are
/// millions.
///
/// A new record goes into the first piece that has room, so that those behind run empty when there are
/// fewer; what an empty one takes is given back.
#[derive(Debug, Default)]
pub(super) struct Records {
    pieces: Vec<Piece>,
    /// The pieces that have room.
    with_room: BTreeSet<usize>,
}

/// How many records a piece has at most. So few pieces that it costs nothing to find one: ten million
/// records are in some hundreds.
const PIECE: usize = 1 << 14;

/// Some of the records.
#[derive(Debug, Default)]
struct Piece {
    places: Vec<Place>,
    /// The places whose records have changed since they were stored last, or have never been.
    changed: Marks,
    /// The places whose records are stored, be it as they were.
    stored: Marks,
    /// The place that was left last, if one is free.
    free: Option<u32>,
    /// How many are not.
    held: usize,
}

/// A bit for each place. Beside the records: to mark one must not make it larger, nor wait for memory.
#[derive(Debug, Default)]
struct Marks(Vec<u64>);

impl Marks {
    fn set(&mut self, index: usize) {
        let word = index / 64;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (index % 64);
    }

    /// Takes a mark away. Whether it was set.
    fn clear(&mut self, index: usize) -> bool {
        let Some(word) = self.0.get_mut(index / 64) else { return false };
        let bit = 1 << (index % 64);
        let was_set = *word & bit != 0;
        *word &= !bit;
        was_set
    }

    /// The places that are marked.
    fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let rest = std::iter::successors(Some(*word), |rest| Some(rest & rest.wrapping_sub(1)));
            let bits = rest.take_while(|rest| *rest != 0).map(|rest| rest.trailing_zeros() as usize);
            bits.map(move |bit| at * 64 + bit)
        })
    }
}

/// A place for a record.
#[derive(Debug)]
enum Place {
    Held(Record),
    /// With the one that was left before, if that is free too.
    Free(Option<u32>),
}

impl Slot {
    fn new(piece: usize, index: usize) -> Slot {
        let number = piece * PIECE + index;
        Slot(u32::try_from(number).expect("four thousand million records are more than memory holds"))
    }

    fn piece(self) -> usize {
        self.0 as usize / PIECE
    }

    fn index(self) -> usize {
        self.0 as usize % PIECE
    }
}

impl Records {
    /// The record in a slot, if there is one.
    pub fn get(&self, slot: Slot) -> Option<&Record> {
        match self.pieces.get(slot.piece())?.places.get(slot.index())? {
            Place::Held(record) => Some(record),
            Place::Free(_) => None,
        }
    }

    /// The record in a slot, if there is one, to be changed in a way that is not stored.
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut Record> {
        match self.pieces.get_mut(slot.piece())?.places.get_mut(slot.index())? {
            Place::Held(record) => Some(record),
            Place::Free(_) => None,
        }
    }

    /// The record in a slot, if there is one, to be changed.
    pub fn change(&mut self, slot: Slot) -> Option<&mut Record> {
        let piece = self.pieces.get_mut(slot.piece())?;
        match piece.places.get_mut(slot.index())? {
            Place::Held(record) => {
                piece.changed.set(slot.index());
                Some(record)
            }
            Place::Free(_) => None,
        }
    }

    /// Notes that a record is stored as it is.
    pub fn is_stored(&mut self, slot: Slot) {
        let piece = &mut self.pieces[slot.piece()];
        piece.changed.clear(slot.index());
        piece.stored.set(slot.index());
    }

    /// Gives the slots of the records that have changed since they were stored last, in order: from now on
    /// they are stored.
    pub fn take_changed(&mut self) -> Vec<Slot> {
        let mut changed = Vec::new();
        for (number, piece) in self.pieces.iter_mut().enumerate() {
            for index in piece.changed.iter() {
                changed.push(Slot::new(number, index));
                piece.stored.set(index);
            }
            piece.changed.0.fill(0);
        }
        changed
    }

    /// Adds a record and gives out its slot.
    pub fn insert(&mut self, record: Record) -> Slot {
        let number = self.with_room.first().copied().unwrap_or_else(|| {
            self.pieces.push(Piece::default());
            self.with_room.insert(self.pieces.len() - 1);
            self.pieces.len() - 1
        });
        let piece = &mut self.pieces[number];
        if number > 0 {
            // The first may remain the only one, and nearly empty.
            piece.places.reserve_exact(PIECE - piece.places.len());
        }
        let index = piece.insert(record);
        if piece.held == PIECE {
            self.with_room.remove(&number);
        }
        Slot::new(number, index)
    }

    /// Takes a record out. Gives it if it is stored.
    pub fn remove(&mut self, slot: Slot) -> Option<Record> {
        let piece = self.pieces.get_mut(slot.piece())?;
        if piece.held == PIECE {
            self.with_room.insert(slot.piece());
        }
        let removed = piece.remove(slot.index());
        // The next record goes into the first that has room: that one stays.
        if piece.held == 0 && self.with_room.first() != Some(&slot.piece()) {
            *piece = Piece::default();
        }
        removed
    }

    /// For how many records there is room in memory.
    #[cfg(test)]
    pub fn places(&self) -> usize {
        self.pieces.iter().map(|piece| piece.places.capacity()).sum()
    }

    /// The records that there are, with their slots.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, &Record)> {
        self.pieces.iter().enumerate().flat_map(|(number, piece)| {
            piece.places.iter().enumerate().filter_map(move |(index, place)| match place {
                Place::Held(record) => Some((Slot::new(number, index), record)),
                Place::Free(_) => None,
            })
        })
    }
}

impl Piece {
    /// Adds a record; there is room.
    fn insert(&mut self, record: Record) -> usize {
        self.held += 1;
        let index = self.put(record);
        self.changed.set(index);
        index
    }

    fn put(&mut self, record: Record) -> usize {
        let place = self.free.and_then(|free| Some((free as usize, self.places.get_mut(free as usize)?)));
        match place {
            Some((index, place)) => {
                if let Place::Free(next) = *place {
                    self.free = next;
                }
                *place = Place::Held(record);
                index
            }
            None => {
                self.places.push(Place::Held(record));
                self.places.len() - 1
            }
        }
    }

    /// Takes a record out, if there is one. Gives it if it is stored.
    fn remove(&mut self, index: usize) -> Option<Record> {
        let place = self.places.get_mut(index).filter(|place| matches!(place, Place::Held(_)))?;
        let removed = std::mem::replace(place, Place::Free(self.free.replace(index as u32)));
        self.held -= 1;
        self.changed.clear(index);
        match removed {
            Place::Held(record) if self.stored.clear(index) => Some(record),
            _ => None,
        }
    }
}
