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
    /// The place that was left last, if one is free.
    free: Option<u32>,
    /// How many are not.
    held: usize,
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

    /// The record in a slot, if there is one.
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut Record> {
        match self.pieces.get_mut(slot.piece())?.places.get_mut(slot.index())? {
            Place::Held(record) => Some(record),
            Place::Free(_) => None,
        }
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

    /// Takes a record out.
    pub fn remove(&mut self, slot: Slot) {
        let Some(piece) = self.pieces.get_mut(slot.piece()) else { return };
        if piece.held == PIECE {
            self.with_room.insert(slot.piece());
        }
        piece.remove(slot.index());
        // The next record goes into the first that has room: that one stays.
        if piece.held == 0 && self.with_room.first() != Some(&slot.piece()) {
            *piece = Piece::default();
        }
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

    /// Takes a record out, if there is one.
    fn remove(&mut self, index: usize) {
        if let Some(place @ Place::Held(_)) = self.places.get_mut(index) {
            *place = Place::Free(self.free.replace(index as u32));
            self.held -= 1;
        }
    }
}
