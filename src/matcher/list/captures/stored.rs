//! What a run has captured, as bytes: what it shares with runs before it is named, the rest follows.

use smallvec::SmallVec;
use triomphe::Arc;

use super::{Captured, Captures, List};
use crate::event::{Event, SequencePoint};
use crate::language::checked::VariableId;
use crate::matcher::stored::{In, Out};
use crate::stored::Damaged;

/// Captured events that copies of a run share, as they were written.
#[derive(Debug, Default)]
pub struct Nodes(Vec<Node>);

#[derive(Debug)]
struct Node {
    newest: Arc<Captured>,
    len: u32,
    first: SequencePoint,
}

/// One event that no copy shares. Otherwise one more than the number of events that are new follows.
const ONE: u64 = 0;

impl Captures {
    /// Writes it.
    pub(in crate::matcher) fn store(&self, out: &mut Out<'_>) {
        match &self.0 {
            List::None => debug_assert!(false, "a run has captured the event that it began with"),
            List::One { variable, choice, event } => {
                out.body().number(ONE);
                write_one(*variable, *choice, event, out);
            }
            List::Some { newest, .. } => {
                let mut new: SmallVec<[&Arc<Captured>; 8]> = SmallVec::new();
                let mut next = Some(newest);
                let mut known = None;
                while let Some(captured) = next {
                    known = out.captures.find(Arc::as_ptr(captured).addr());
                    if known.is_some() {
                        break;
                    }
                    new.push(captured);
                    next = captured.before.as_ref();
                }
                out.body().size(new.len() + 1);
                out.body().option(known, |w, number| w.number(number.into()));
                for captured in new.iter().rev() {
                    write_one(captured.variable, captured.choice, &captured.event, out);
                    out.captures.add(Arc::as_ptr(captured).addr());
                }
            }
        }
    }

    /// Reads one, and the first of its events.
    pub(in crate::matcher) fn restore(r: &mut In<'_>) -> Result<(Captures, SequencePoint), Damaged> {
        let new = r.bytes.number()?;
        if new == ONE {
            let (variable, choice, event) = read_one(r)?;
            let first = event.point();
            return Ok((Captures(List::One { variable, choice, event }), first));
        }
        let known = r.bytes.option(|r| r.place(usize::MAX))?;
        let mut last = known.map(|place| r.captures.0.get(place).ok_or(NOTHING).cloned()).transpose()?;
        for _ in 1..new {
            let (variable, choice, event) = read_one(r)?;
            let (len, first) = last.as_ref().map_or((0, event.point()), |last| (last.len, last.first));
            let newest = Arc::new(Captured { variable, choice, event, before: last.map(|last| last.newest) });
            let len = len.checked_add(1).ok_or(NOTHING)?;
            let node = Node { newest, len, first };
            last = Some(node.clone());
            r.captures.0.push(node);
        }
        let Node { newest, len, first } = last.ok_or(NOTHING)?;
        Ok((Captures(List::Some { newest, len }), first))
    }
}

impl Clone for Node {
    fn clone(&self) -> Node {
        Node { newest: Arc::clone(&self.newest), ..*self }
    }
}

const NOTHING: Damaged = Damaged::new("a run has captured nothing");

fn write_one(variable: VariableId, choice: u8, event: &Event, out: &mut Out<'_>) {
    out.body().number(variable.0.into());
    out.body().byte(choice);
    out.event(event);
}

fn read_one(r: &mut In<'_>) -> Result<(VariableId, u8, Event), Damaged> {
    let (variable, choice) = (VariableId(r.bytes.small()?), r.bytes.byte()?);
    Ok((variable, choice, r.captured(variable)?.clone()))
}
