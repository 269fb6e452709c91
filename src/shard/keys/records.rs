//! The places where records are: given out, taken back, and found by their number.

use std::collections::BTreeSet;

use super::record::Record;

/// The place of a key's record, or of what remains in memory of a cold key; given again once that is gone.
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
    /// About how many bytes of memory they take, as far as that was said.
    bytes: usize,
    /// Where to go on looking for records that may leave.
    hand: usize,
    /// In how many words of marks there was none, since one was found last.
    in_vain: usize,
}

/// How many records a piece has at most. So few pieces that it costs nothing to find one: ten million
/// records are in some hundreds.
const PIECE: usize = 1 << 14;

/// How many words of marks a piece has.
const WORDS: usize = PIECE / 64;
/// How many of them are looked at at a time.
const LOOKS: usize = 1_024;

/// Added to the numbers of cold keys: no record has such a slot.
const COLD: u32 = 1 << 31;

/// Some of the records.
#[derive(Debug, Default)]
struct Piece {
    places: Vec<Place>,
    /// The places whose records have changed since they were stored last, or have never been.
    changed: Marks,
    /// The places whose records are stored, be it as they were.
    stored: Marks,
    /// The places whose records are being stored: they have been given out, and are not known to be kept.
    under_way: Marks,
    /// The places whose records were needed not long ago.
    recent: Marks,
    /// The places whose records are stored in another way than they would be now.
    outdated: Marks,
    /// About how many bytes of memory each takes, if somebody wants to know.
    sizes: Vec<u32>,
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

    fn word(&self, word: usize) -> u64 {
        self.0.get(word).copied().unwrap_or_default()
    }

    /// Sets all marks that others have.
    fn add(&mut self, others: &Marks) {
        if self.0.len() < others.0.len() {
            self.0.resize(others.0.len(), 0);
        }
        self.0.iter_mut().zip(&others.0).for_each(|(word, other)| *word |= other);
    }

    /// Takes all marks away that others have.
    fn subtract(&mut self, others: &Marks) {
        self.0.iter_mut().zip(&others.0).for_each(|(word, other)| *word &= !other);
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
        let number = u32::try_from(number).ok().filter(|number| *number < COLD);
        Slot(number.expect("two thousand million records are more than memory holds"))
    }

    /// The slot of the cold key with that number. Cold keys have slots of their own.
    pub fn of_cold(number: usize) -> Slot {
        let number = u32::try_from(number).ok().filter(|number| *number < COLD);
        Slot(number.expect("two thousand million keys are more than memory holds") | COLD)
    }

    /// The number of the cold key, if it is the slot of one.
    pub fn cold(self) -> Option<usize> {
        (self.0 & COLD != 0).then_some((self.0 & !COLD) as usize)
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

    /// Notes that a record is stored, as it would be now or in an outdated way.
    pub fn is_stored(&mut self, slot: Slot, is_current: bool) {
        let piece = &mut self.pieces[slot.piece()];
        piece.changed.clear(slot.index());
        piece.stored.set(slot.index());
        piece.recent.set(slot.index());
        self.in_vain = 0;
        if !is_current {
            piece.outdated.set(slot.index());
        }
    }

    /// Gives the slots of the records that have changed since they were stored last, in order: from now on
    /// they are being stored.
    pub fn take_changed(&mut self) -> Vec<Slot> {
        let mut changed = Vec::new();
        for (number, piece) in self.pieces.iter_mut().enumerate() {
            changed.extend(piece.changed.iter().map(|index| Slot::new(number, index)));
            piece.stored.add(&piece.changed);
            piece.under_way.add(&piece.changed);
            piece.recent.add(&piece.changed);
            piece.outdated.subtract(&piece.changed);
            piece.changed.0.fill(0);
        }
        changed
    }

    /// What was being stored is.
    pub fn all_stored(&mut self) {
        self.in_vain = 0;
        self.pieces.iter_mut().for_each(|piece| piece.under_way.0.fill(0));
    }

    /// About how many bytes of memory the records take of which that was said.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Says about how many bytes of memory a record takes.
    pub fn measured(&mut self, slot: Slot, bytes: usize) {
        let Some(piece) = self.pieces.get_mut(slot.piece()) else { return };
        if piece.sizes.len() <= slot.index() {
            piece.sizes.resize(piece.places.len().max(slot.index() + 1), 0);
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let before = std::mem::replace(&mut piece.sizes[slot.index()], bytes);
        self.bytes = self.bytes + bytes as usize - before as usize;
    }

    /// The slots of some records, at most about so many, that are stored as they are and were not needed for
    /// the longest time. Each look at a record that was needed not long ago makes that longer ago. (A clock
    /// with second chances: Corbató, A paging experiment with the Multics system, 1969.)
    pub fn coldest(&mut self, most: usize) -> Vec<Slot> {
        let mut found = Vec::new();
        let words = self.pieces.len() * WORDS;
        // Twice around, as at first all may have been needed. Those that are found are still there: words of
        // marks are looked at again only where there was nothing.
        for _ in 0..2 {
            for _ in 0..LOOKS.min(words) {
                // Then there is none until more is stored.
                if found.len() >= most || self.in_vain > 2 * words {
                    return found;
                }
                self.hand = if self.hand + 1 < words { self.hand + 1 } else { 0 };
                let (number, word) = (self.hand / WORDS, self.hand % WORDS);
                let before = found.len();
                found.extend(self.pieces[number].leave(word).map(|index| Slot::new(number, index)));
                self.in_vain = if found.len() > before { 0 } else { self.in_vain + 1 };
            }
            if !found.is_empty() {
                break;
            }
        }
        found
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
        if let Some(bytes) = piece.sizes.get_mut(slot.index()) {
            self.bytes -= std::mem::take(bytes) as usize;
        }
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

    /// The places of a word of marks whose records may leave; of the others it is longer ago now that they
    /// were needed.
    fn leave(&mut self, word: usize) -> impl Iterator<Item = usize> + use<> {
        let stays = self.changed.word(word) | self.under_way.word(word) | self.outdated.word(word);
        let mut left = self.stored.word(word) & !stays & !self.recent.word(word);
        if let Some(recent) = self.recent.0.get_mut(word) {
            *recent &= stays;
        }
        std::iter::from_fn(move || {
            let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
            left &= left - 1;
            Some(word * 64 + bit)
        })
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
        // The other marks only keep a record in memory: those that come here next are stored anew anyway.
        self.changed.clear(index);
        match removed {
            Place::Held(record) if self.stored.clear(index) => Some(record),
            _ => None,
        }
    }
}
