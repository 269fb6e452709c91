//! Reads a record by a plan.
//!
//! Whatever the bytes are, this ends: each value takes a byte of the record or one of so many that take
//! none, and nothing is reserved for what has not been read.

use crate::codec::paths::PlaceId;
use crate::codec::typed::{Scalar, Typed, unscaled};
use crate::event::Duration;

use super::plan::{Meaning, Node, NodeId, Plan, Wire};

/// How many values of a record may take no bytes, such as nulls in a list.
const EMPTY_VALUES: usize = 1 << 20;
/// How deeply what is passed over may be nested.
const MAX_DEPTH: usize = 1_000;

/// Gives `out` the values of a record.
///
/// # Errors
/// In words for people, when the bytes are no record of the plan's schema.
pub(super) fn read(plan: &Plan, record: &[u8], out: &mut Typed) -> Result<(), String> {
    let mut reading = Reading { plan, bytes: record, at: 0, left: record.len() + EMPTY_VALUES };
    let result = reading.value(Plan::ROOT, out);
    result.map_err(|why| format!("{why}, at byte {}", reading.at))?;
    match record.len() - reading.at {
        0 => Ok(()),
        more => Err(format!("the record ends at byte {}, and {more} bytes follow", reading.at)),
    }
}

struct Reading<'a> {
    plan: &'a Plan,
    bytes: &'a [u8],
    at: usize,
    /// How many values may follow.
    left: usize,
}

impl<'a> Reading<'a> {
    fn value(&mut self, id: NodeId, out: &mut Typed) -> Result<(), String> {
        self.count()?;
        match self.plan.node(id) {
            Node::Leaf { place, wire, meaning } => self.leaf(*place, *wire, *meaning, out),
            Node::Enum { place, symbols } => {
                let index = self.index(symbols.len(), "symbols of an enumeration")?;
                let Some(symbol) = &symbols[index] else {
                    return Err(format!(
                        "the reader's enumeration does not have the symbol {index} of the writer"
                    ));
                };
                out.scalar(*place, &Scalar::Symbol { name: Some(symbol), number: None });
                Ok(())
            }
            Node::Array { place, items } => {
                out.begin_list(*place)?;
                self.blocks(|reading| {
                    out.element()?;
                    reading.value(*items, out)
                })?;
                out.end_list();
                Ok(())
            }
            Node::Map { place, known, others } => {
                out.begin_object(*place)?;
                self.blocks(|reading| {
                    let name = reading.text()?;
                    out.new_name(name)?;
                    let found = known.binary_search_by(|(known, _)| (**known).cmp(name));
                    reading.value(found.map_or(*others, |index| known[index].1), out)
                })?;
                out.end_object();
                Ok(())
            }
            Node::Record { place, fields, defaults } => {
                out.begin_object(*place)?;
                for field in fields {
                    match &field.label {
                        Some(label) => {
                            out.name(label)?;
                            self.value(field.node, out)?;
                        }
                        None => self.skip(field.node, MAX_DEPTH)?,
                    }
                }
                for default in defaults {
                    out.name(&default.label)?;
                    let (plan, left) = (self.plan, self.left);
                    let mut reading = Reading { plan, bytes: &default.bytes, at: 0, left };
                    reading.value(default.node, out)?;
                    self.left = reading.left;
                }
                out.end_object();
                Ok(())
            }
            Node::Union(types) => {
                let index = self.index(types.len(), "types of a union")?;
                self.value(types[index], out)
            }
            Node::Refused(why) => Err(why.to_string()),
        }
    }

    /// Passes over a value.
    fn skip(&mut self, id: NodeId, depth: usize) -> Result<(), String> {
        self.count()?;
        let depth = depth.checked_sub(1).ok_or("too many levels of nesting")?;
        match self.plan.node(id) {
            Node::Leaf { wire, .. } => self.skip_leaf(*wire),
            Node::Enum { symbols, .. } => self.index(symbols.len(), "symbols of an enumeration").map(drop),
            Node::Array { items, .. } => self.blocks(|reading| reading.skip(*items, depth)),
            Node::Map { others, .. } => self.blocks(|reading| {
                reading.sized()?;
                reading.skip(*others, depth)
            }),
            Node::Record { fields, .. } => fields.iter().try_for_each(|field| self.skip(field.node, depth)),
            Node::Union(types) => {
                let index = self.index(types.len(), "types of a union")?;
                self.skip(types[index], depth)
            }
            Node::Refused(why) => Err(why.to_string()),
        }
    }

    fn leaf(
        &mut self,
        place: Option<PlaceId>,
        wire: Wire,
        meaning: Meaning,
        out: &mut Typed,
    ) -> Result<(), String> {
        let value = match wire {
            Wire::Null => Scalar::Null,
            Wire::Bool => match self.take(1)? {
                [0] => Scalar::Bool(false),
                [1] => Scalar::Bool(true),
                _ => return Err("a boolean is neither 0 nor 1".to_owned()),
            },
            Wire::Int => number(self.int()?.into(), meaning),
            Wire::Long => number(self.long()?, meaning),
            Wire::Float => Scalar::Float(f32::from_le_bytes(self.array()?).into()),
            Wire::Double => Scalar::Float(f64::from_le_bytes(self.array()?)),
            Wire::String if meaning == Meaning::Bytes => Scalar::Bytes(self.text()?.as_bytes()),
            Wire::String => Scalar::Text(self.text()?),
            Wire::Bytes if meaning == Meaning::Text => Scalar::Text(self.text()?),
            Wire::Bytes => return raw(self.sized()?, place, meaning, out),
            Wire::Fixed(size) => return raw(self.take(size)?, place, meaning, out),
        };
        out.scalar(place, &value);
        Ok(())
    }

    fn skip_leaf(&mut self, wire: Wire) -> Result<(), String> {
        match wire {
            Wire::Null => Ok(()),
            Wire::Bool => self.take(1).map(drop),
            Wire::Int | Wire::Long => self.long().map(drop),
            Wire::Float => self.take(4).map(drop),
            Wire::Double => self.take(8).map(drop),
            Wire::Bytes | Wire::String => self.sized().map(drop),
            Wire::Fixed(size) => self.take(size).map(drop),
        }
    }

    /// Reads the blocks of a list or map; `item` reads one of what is in it.
    fn blocks(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), String>) -> Result<(), String> {
        loop {
            let count = self.long()?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 {
                // The size of the block in bytes follows, for who passes over it. It is not relied on.
                self.long()?;
            }
            for _ in 0..count.unsigned_abs() {
                item(self)?;
            }
        }
    }

    /// One more value.
    fn count(&mut self) -> Result<(), String> {
        self.left = self.left.checked_sub(1).ok_or("too many values without bytes")?;
        Ok(())
    }

    /// The number of one of so many.
    fn index(&mut self, of: usize, what: &str) -> Result<usize, String> {
        let index = self.long()?;
        let found = usize::try_from(index).ok().filter(|index| *index < of);
        found.ok_or_else(|| format!("the number {index} is not that of one of the {of} {what}"))
    }

    fn int(&mut self) -> Result<i32, String> {
        let long = self.long()?;
        i32::try_from(long).map_err(|_| format!("the number {long} does not fit 32 bits"))
    }

    fn long(&mut self) -> Result<i64, String> {
        let mut bits = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let group = u64::from(byte & 0x7f);
            if shift == 63 && group > 1 {
                break;
            }
            bits |= group << shift;
            if byte < 0x80 {
                return Ok((bits >> 1) as i64 ^ -((bits & 1) as i64));
            }
        }
        Err("a number has more than 64 bits".to_owned())
    }

    /// Text behind its length.
    fn text(&mut self) -> Result<&'a str, String> {
        std::str::from_utf8(self.sized()?).map_err(|_| "a text is not UTF-8".to_owned())
    }

    /// Bytes behind their length.
    fn sized(&mut self) -> Result<&'a [u8], String> {
        let length = self.long()?;
        let length = usize::try_from(length).map_err(|_| format!("a length is {length}"))?;
        self.take(length)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        match self.bytes[self.at..].first_chunk() {
            Some(chunk) => {
                self.at += N;
                Ok(*chunk)
            }
            None => Err(self.short(N)),
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        match self.bytes[self.at..].split_at_checked(count) {
            Some((taken, _)) => {
                self.at += count;
                Ok(taken)
            }
            None => Err(self.short(count)),
        }
    }

    fn short(&self, wanted: usize) -> String {
        format!("a value of {wanted} bytes begins where {} are left", self.bytes.len() - self.at)
    }
}

/// What a number means.
fn number<'a>(number: i64, meaning: Meaning) -> Scalar<'a> {
    match (meaning, i32::try_from(number)) {
        (Meaning::Time(unit), _) => Scalar::Time { number, unit },
        (Meaning::Date, Ok(days)) => Scalar::Date(days),
        (Meaning::Float, _) => Scalar::Float(number as f64),
        _ => Scalar::Int(number.into()),
    }
}

/// Gives `out` what bytes mean.
fn raw(bytes: &[u8], place: Option<PlaceId>, meaning: Meaning, out: &mut Typed) -> Result<(), String> {
    match meaning {
        Meaning::Decimal(scale) => {
            let unscaled = unscaled(bytes)?;
            out.scalar(place, &Scalar::Decimal { unscaled, scale });
        }
        Meaning::BigDecimal => {
            let plan = Plan(Vec::new());
            let mut reading = Reading { plan: &plan, bytes, at: 0, left: 0 };
            let unscaled = unscaled(reading.sized()?)?;
            let scale = reading.long()?;
            out.decimal(place, unscaled, scale)?;
        }
        Meaning::Uuid => {
            let id: [u8; 16] = bytes.try_into().map_err(|_| "a UUID has not 16 bytes".to_owned())?;
            out.scalar(place, &Scalar::Text(&crate::codec::schemas::SchemaId::Guid(id).to_string()));
        }
        Meaning::Duration => duration(bytes, place, out)?,
        _ => out.scalar(place, &Scalar::Bytes(bytes)),
    }
    Ok(())
}

/// Months, days and milliseconds, the least significant byte of each first. A span with months has no length,
/// and is shown as ISO 8601 has it.
fn duration(bytes: &[u8], place: Option<PlaceId>, out: &mut Typed) -> Result<(), String> {
    let part = |index: usize| {
        bytes.get(4 * index..).and_then(|rest| rest.first_chunk()).map(|part| u32::from_le_bytes(*part))
    };
    let (Some(months), Some(days), Some(millis)) = (part(0), part(1), part(2)) else {
        return Err("a duration has not 12 bytes".to_owned());
    };
    if months > 0 {
        let (seconds, millis) = (millis / 1_000, millis % 1_000);
        let text = format!("P{months}M{days}DT{seconds}.{millis:03}S");
        out.scalar(place, &Scalar::Text(&text));
    } else {
        let millis = i64::from(days) * 86_400_000 + i64::from(millis);
        out.scalar(place, &Scalar::Span(Duration::from_millis(millis).unwrap_or_default()));
    }
    Ok(())
}
