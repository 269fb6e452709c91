//! Schemas that records name by an id, as the schema registries of Kafka have them.
//!
//! Enters: the bytes of a record that begin with an id. Leaves: the id, and the bytes behind it. Here is
//! also what a registry says of an id; who asks it is no matter of codecs.
//!
//! A record begins in one of two ways, both as Confluent's libraries write them:
//!
//! ```text
//! 0x00  id: 4 bytes, the most significant first    the payload
//! 0x01  GUID: 16 bytes                             the payload
//! ```
//!
//! The second is the value of the header `__value_schema_id` of a Kafka record; what reads Kafka puts it
//! before the value ([`HEADER`]). For Protobuf, both are followed by the indexes of the message
//!, the second within the header.

#[cfg(feature = "codecs")]
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// The header of a Kafka record that may hold the id of the schema of its value. Its value, where it is
/// there, belongs before the value of the record.
pub const HEADER: &str = "__value_schema_id";

/// The first byte of a record with a number.
const NUMBER: u8 = 0;
/// The first byte of a record with a GUID.
const GUID: u8 = 1;

/// What a registry calls a schema by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SchemaId {
    /// A number, counted by the registry.
    Number(u32),
    /// A GUID, the same in all registries.
    Guid([u8; 16]),
}

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SchemaId::Number(number) => write!(f, "{number}"),
            SchemaId::Guid(bytes) => {
                for (index, byte) in bytes.iter().enumerate() {
                    let dash = if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
                    write!(f, "{dash}{byte:02x}")?;
                }
                Ok(())
            }
        }
    }
}

/// The kinds of schemas that a registry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Avro.
    Avro,
    /// Protocol Buffers.
    Protobuf,
    /// JSON Schema.
    Json,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Avro => "Avro",
            Kind::Protobuf => "Protobuf",
            Kind::Json => "JSON Schema",
        })
    }
}

/// A schema as a registry holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// In which language it is written.
    pub kind: Kind,
    /// Its text.
    pub text: Box<str>,
    /// What it refers to, and what that refers to: each stands behind all that it needs itself.
    pub references: Vec<Reference>,
}

/// A schema that another one refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The name by which it is referred to: a file that is imported, the full name of a type, a URI.
    pub name: Box<str>,
    /// Its text.
    pub text: Box<str>,
}

/// What is known of an id.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Its schema.
    Schema(Arc<Registered>),
    /// There is none, or none that could be used; why, in words for people.
    Absent(Arc<str>),
}

/// Most schemas that a decoder holds. When there are more it begins anew.
#[cfg(feature = "codecs")]
pub(super) const MAX_KNOWN: usize = 1_000;

/// What a decoder has made of the schemas that it was given.
#[cfg(feature = "codecs")]
#[derive(Debug)]
pub(super) struct Known<T> {
    /// What was made of each, or why it cannot be used.
    made: HashMap<SchemaId, Result<T, String>>,
    /// What was said to be absent, for the next record.
    absent: Option<(SchemaId, Arc<str>)>,
}

#[cfg(feature = "codecs")]
impl<T> Default for Known<T> {
    fn default() -> Known<T> {
        Known { made: HashMap::new(), absent: None }
    }
}

#[cfg(feature = "codecs")]
impl<T> Known<T> {
    /// The schema that is needed for a record; none for one that has no id, which is malformed.
    pub(super) fn needs(&self, record: &[u8]) -> Option<SchemaId> {
        let (id, _) = split(record).ok()?;
        let is_known = self.made.contains_key(&id) || self.absent.as_ref().is_some_and(|(of, _)| *of == id);
        (!is_known).then_some(id)
    }

    /// Takes what is known of a schema, which should be of that kind.
    pub(super) fn give(
        &mut self,
        id: SchemaId,
        answer: &Answer,
        kind: Kind,
        make: impl FnOnce(&Registered) -> Result<T, String>,
    ) {
        match answer {
            Answer::Absent(why) => self.absent = Some((id, Arc::clone(why))),
            Answer::Schema(schema) => {
                if self.made.len() >= MAX_KNOWN {
                    self.made.clear();
                }
                let made = match schema.kind == kind {
                    true => make(schema),
                    false => Err(format!("it is a schema of {}", schema.kind)),
                };
                self.made.insert(id, made);
            }
        }
    }

    /// What was made of the schema of a record, and what stands behind its id.
    ///
    /// # Errors
    /// In words for people, when there is no id, or no schema that can be used.
    pub(super) fn of<'a, 'r>(&'a mut self, record: &'r [u8]) -> Result<(&'a mut T, &'r [u8]), String> {
        let (id, payload) = split(record)?;
        match (self.made.get_mut(&id), self.absent.take()) {
            (Some(Ok(made)), _) => Ok((made, payload)),
            (Some(Err(why)), _) => Err(unusable(why)),
            (None, Some((of, why))) if of == id => Err(format!("there is no schema {id}: {why}")),
            (None, _) => Err(format!("its schema {id} is not known")),
        }
    }
}

/// What is wrong with a record whose schema cannot be used.
#[cfg(feature = "codecs")]
pub(super) fn unusable(why: &str) -> String {
    format!("its schema cannot be used: {why}")
}

/// The id that a record begins with, and what follows it.
///
/// # Errors
/// In words for people, when it begins with none.
pub fn split(record: &[u8]) -> Result<(SchemaId, &[u8]), String> {
    match record {
        [NUMBER, rest @ ..] => match rest.split_first_chunk() {
            Some((id, payload)) => Ok((SchemaId::Number(u32::from_be_bytes(*id)), payload)),
            None => Err(format!("the record ends within the id of its schema, after {} bytes", record.len())),
        },
        [GUID, rest @ ..] => match rest.split_first_chunk() {
            Some((guid, payload)) => Ok((SchemaId::Guid(*guid), payload)),
            None => {
                Err(format!("the record ends within the GUID of its schema, after {} bytes", record.len()))
            }
        },
        [first, ..] => Err(format!(
            "it begins with the byte {first:#04x}, where 0x00 and the id of a schema should stand; was it written \
             without a schema registry?"
        )),
        [] => Err("the record is empty".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_begin_with_a_number_or_a_guid() {
        assert_eq!(split(b"\0\0\0\x01\x02rest"), Ok((SchemaId::Number(258), &b"rest"[..])));
        assert_eq!(split(b"\0\xff\xff\xff\xff"), Ok((SchemaId::Number(u32::MAX), &b""[..])));
        let guid = b"\x01\x89\x79\x17\x62\x23\x36\x41\x86\x96\x74\x29\x9b\x90\xa8\x02\xe2!";
        let (id, rest) = split(guid).expect("a GUID");
        assert_eq!((id.to_string().as_str(), rest), ("89791762-2336-4186-9674-299b90a802e2", &b"!"[..]));
        for wrong in [&b""[..], b"\0", b"\0\0\0\x01", &guid[..16], b"{}", b"\x02\0\0\0\0"] {
            assert!(split(wrong).is_err(), "{wrong:?}");
        }
    }
}
