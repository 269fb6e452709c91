//! The parser: a record as a *tape*, the flat list that simd-json makes of it.
//!
//! Enters: the bytes of an object. Leaves: its nodes in the order of the text, each object and list with
//! the number of nodes in it; or nothing, when simd-json refuses the record or is not to be asked.
//!
//! - simd-json validates all of a record, also what nobody reads: UTF-8, escapes, numbers, nesting up to
//!   [`MAX_DEPTH`]. It finds the structure of 64 bytes at a time with the vector instructions that it finds
//!   on the machine.
//! - It resolves escapes in place, so it works on a copy, which has the padding behind it that vectors
//!   need. The copy and all else is used again for the next record.
//! - A tape can be 28 times as large as its record. Records beyond [`MAX_LENGTH`] are left to the other
//!   reader, and what a record beyond [`MAX_HELD`] has needed is given back.

use std::fmt;
use std::mem;

use simd_json::{Buffers, INPUT_PADDING, Node, Tape};

use super::MAX_DEPTH;

/// The longest record that is made a tape, in bytes.
pub(super) const MAX_LENGTH: usize = 256 << 10;
/// After a record of so many bytes its buffers are not kept: there may be many connections, each with
/// a parser of its own.
const MAX_HELD: usize = 16 << 10;

/// Makes tapes, one after the other.
pub(super) struct Parser {
    /// The copy.
    text: Vec<u8>,
    buffers: Buffers,
    /// Empty between records.
    tape: Tape<'static>,
}

impl Parser {
    pub(super) fn new() -> Parser {
        let buffers = Buffers::with_max_depth(0, MAX_DEPTH);
        Parser { text: Vec::new(), buffers, tape: Tape(Vec::new()) }
    }

    /// Gives the nodes of `object` to `read`; `None` when it is refused.
    pub(super) fn parse<T>(&mut self, object: &[u8], read: impl FnOnce(&[Node<'_>]) -> T) -> Option<T> {
        if object.len() > MAX_LENGTH {
            return None;
        }
        self.text.clear();
        self.text.extend_from_slice(object);
        self.text.resize(object.len() + INPUT_PADDING, b' ');
        let mut tape = mem::replace(&mut self.tape, Tape(Vec::new())).reset();
        let parsed = simd_json::fill_tape_padded(&mut self.text, object.len(), &mut self.buffers, &mut tape);
        let read = parsed.is_ok().then(|| read(&tape.0));
        self.tape = tape.reset();
        if object.len() > MAX_HELD {
            *self = Parser::new();
        }
        read
    }
}

impl fmt::Debug for Parser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parser").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_large_record_has_needed_is_given_back() {
        let mut parser = Parser::new();
        for (length, most) in [(MAX_HELD, 2 * MAX_HELD), (MAX_LENGTH, 0), (MAX_HELD / 2, 2 * MAX_HELD)] {
            let list = format!("[{}]", "1,".repeat(length / 2 - 2) + "1");
            let nodes = parser.parse(list.as_bytes(), |nodes| nodes.len());
            assert_eq!(nodes, Some(length / 2));
            assert!(parser.text.capacity() <= most && parser.tape.0.capacity() <= most, "after {length}");
        }
    }
}
