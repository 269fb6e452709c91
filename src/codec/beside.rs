//! What a record has besides its bytes, such as the key of a message of Kafka.
//!
//! Enters: what was found for fields of the stream, and the names under which alerts show it. It counts as if
//! it stood in a member at the end of the record's object, whichever codec reads the record: what the record
//! itself has for these fields counts for nothing.

use std::ops::Range;

use crate::event::FieldId;

use super::write;

pub use super::convert::Found;

/// What the next record has besides its bytes. The buffers are used again for each.
#[derive(Debug, Default)]
pub struct Beside {
    values: Vec<(FieldId, Held)>,
    texts: String,
    /// The member of the object in JSON, with its name.
    member: Vec<u8>,
}

/// What was found, on its own.
#[derive(Debug)]
enum Held {
    /// A part of `texts`.
    Text(Range<usize>),
    Other(Found<'static>),
}

impl Beside {
    /// Begins anew, with the member of that name.
    pub fn begin(&mut self, name: &str) {
        self.values.clear();
        self.texts.clear();
        self.member.clear();
        self.open(name);
    }

    /// An object of that name begins; what is shown is in it, until [`Beside::close`].
    pub fn open(&mut self, name: &str) {
        self.name(name);
        self.member.push(b'{');
    }

    /// The object, or the member itself, has ended.
    pub fn close(&mut self) {
        self.member.push(b'}');
    }

    /// Shows something under a name.
    pub fn show(&mut self, name: &str, found: &Found<'_>) {
        self.name(name);
        write::found(&mut self.member, found);
    }

    /// A field has this value: nothing, if it was not found.
    pub fn give(&mut self, field: FieldId, found: Option<Found<'_>>) {
        let held = match found {
            Some(Found::Text(text)) => {
                let start = self.texts.len();
                self.texts.push_str(text);
                Held::Text(start..self.texts.len())
            }
            Some(Found::Bool(value)) => Held::Other(Found::Bool(value)),
            Some(Found::Int(value)) => Held::Other(Found::Int(value)),
            Some(Found::Float(value)) => Held::Other(Found::Float(value)),
            Some(Found::Time(value)) => Held::Other(Found::Time(value)),
            Some(Found::Span(value)) => Held::Other(Found::Span(value)),
            Some(Found::List) => Held::Other(Found::List),
            Some(Found::Object) => Held::Other(Found::Object),
            Some(Found::Null) | None => Held::Other(Found::Null),
        };
        self.values.push((field, held));
    }

    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.member.is_empty()
    }

    /// The fields with what was found for them.
    pub(super) fn values(&self) -> impl Iterator<Item = (FieldId, Found<'_>)> {
        self.values.iter().map(|(field, held)| match held {
            Held::Text(range) => (*field, Found::Text(&self.texts[range.clone()])),
            Held::Other(found) => (*field, *found),
        })
    }

    /// The object of a record, with the member at its end.
    pub(super) fn shown_in(&self, object: Box<[u8]>) -> Box<[u8]> {
        let mut object = object.into_vec();
        let end = object.pop();
        debug_assert_eq!(end, Some(b'}'), "what alerts show of a record is an object");
        // For a comma and the end of the object.
        object.reserve_exact(self.member.len() + 2);
        if object.trim_ascii_end() != b"{" {
            object.push(b',');
        }
        object.extend_from_slice(&self.member);
        object.push(b'}');
        object.into()
    }

    fn name(&mut self, name: &str) {
        if !matches!(self.member.last(), None | Some(b'{')) {
            self.member.push(b',');
        }
        write::name(&mut self.member, name);
    }
}
