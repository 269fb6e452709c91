//! Runs held one by one, as bytes. In which form they are held matters to nothing but the time that events
//! take; so many runs are put into lanes again.

use super::few::Few;
use super::many::Many;
use super::{Form, Run, RunList};
use crate::automaton::CompiledRule;
use crate::matcher::stored::{In, Out};
use crate::stored::Damaged;

const IN_LANES: u8 = 1;
const LIMIT_REPORTED: u8 = 2;

impl RunList {
    /// Writes it, behind the number of its runs.
    pub(in crate::matcher) fn store(&self, out: &mut Out<'_>) {
        let in_lanes = if matches!(self.form, Form::Many(_)) { IN_LANES } else { 0 };
        out.body().byte(in_lanes | if self.limit_reported { LIMIT_REPORTED } else { 0 });
        match &self.form {
            Form::Few(few) => few.as_slice().iter().for_each(|run| run.store(out)),
            Form::Many(many) => many.runs().for_each(|run| run.store(out)),
        }
    }

    /// Reads one with so many runs.
    pub(in crate::matcher) fn restore(len: u64, r: &mut In<'_>) -> Result<RunList, Damaged> {
        let flags = r.bytes.byte()?;
        let mut runs = Vec::new();
        let mut last = None;
        for _ in 0..len {
            let (run, first) = Run::restore(r)?;
            if last.replace(first) > Some(first) {
                return Err(Damaged::new("runs are not in the order of their first events"));
            }
            runs.push(run);
        }
        let form = match flags & IN_LANES {
            0 => Form::Few(Few::new(runs)),
            _ => Form::Many(Box::new(Many::new(r.rule, runs.into_iter()))),
        };
        let mut list = RunList { form, limit_reported: flags & LIMIT_REPORTED != 0, ..RunList::default() };
        list.settle(r.rule);
        Ok(list)
    }

    /// A list of these runs of a rule, which stand in its order.
    pub(in crate::matcher) fn of(rule: &CompiledRule, runs: Vec<Run>) -> RunList {
        let mut list = RunList { form: Form::Few(Few::new(runs)), ..RunList::default() };
        list.settle(rule);
        list
    }
}
