//! The records of a batch as they came, for those who keep them.
//!
//! What is kept of a record is enough to make the same event of it again, with a decoder that has been
//! given the records before it from the beginning of the text.

use crate::source::gate::entry;
use crate::stored::Writer;

/// Records, one after the other, each as it stands in the journal.
#[derive(Clone, Debug)]
pub struct Records {
    bytes: Writer,
    places: Vec<Place>,
    /// The next one begins a text.
    is_first: bool,
}

/// Where a record stood, and where it ends in the bytes.
#[derive(Clone, Copy, Debug)]
struct Place {
    offset: u64,
    end: usize,
}

impl Records {
    /// No records yet. `is_first`: the next one begins a text, so that nothing before it says what it
    /// means.
    pub fn new(is_first: bool) -> Records {
        Records { bytes: Writer::default(), places: Vec::new(), is_first }
    }

    /// The next record begins a text.
    pub fn begin_text(&mut self) {
        self.is_first = true;
    }

    /// Adds a record that began there and has that number for people.
    pub fn push(&mut self, offset: u64, number: u64, record: &[u8]) {
        entry::write_record(&mut self.bytes, std::mem::take(&mut self.is_first), number, record);
        self.places.push(Place { offset, end: self.bytes.len() });
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// About how many bytes they take in the journal, rather more than less.
    pub fn size(&self) -> usize {
        self.bytes.len() + self.len() * entry::AROUND
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The offset of each with what is to be kept of it.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u64, &[u8])> {
        let mut start = 0;
        self.places.iter().map(move |&Place { offset, end }| {
            let kept = &self.bytes.as_slice()[start..end];
            start = end;
            (offset, kept)
        })
    }

    /// Makes each of them, but for the last if nothing follows, a part of what is to be kept as a whole.
    pub fn make_parts(&mut self, followed: bool) {
        let count = self.len() - usize::from(!followed && !self.is_empty());
        let mut start = 0;
        for place in &self.places[..count] {
            entry::make_part(&mut self.bytes.as_mut_slice()[start..place.end]);
            start = place.end;
        }
    }

    /// Takes the records out. What follows goes on as it would have.
    pub fn take(&mut self) -> Records {
        let next = Records::new(self.is_first);
        std::mem::replace(self, next)
    }
}
