//! What a run keeps for conditions to read, as bytes.

use super::super::captures::Captures;
use super::Kept;
use crate::expression::Register;
use crate::matcher::stored::{In, Out};
use crate::stored::Damaged;

const NOTHING: u8 = 0;
const ONE: u8 = 1;
const ALL: u8 = 2;

impl Kept {
    /// Which form it has, in two bits.
    pub fn form(&self) -> u8 {
        match self {
            Kept::Nothing => NOTHING,
            Kept::One(_) => ONE,
            Kept::All(_) => ALL,
        }
    }

    /// Writes it, but for the form.
    pub fn store(&self, out: &mut Out<'_>) {
        let registers = match self {
            Kept::Nothing => &[],
            Kept::One(one) => std::slice::from_ref(one),
            Kept::All(all) => all,
        };
        registers.iter().for_each(|register| register.write(&mut out.events.body, &mut out.distinct));
    }

    /// Reads what a run that has captured these events keeps in that form.
    pub fn restore(form: u8, captures: &Captures, r: &mut In<'_>) -> Result<Kept, Damaged> {
        let list = &r.rule.rule.registers;
        match (form, &**list) {
            (NOTHING, [_]) => Err(OTHER_FORM),
            (NOTHING, _) if list.is_empty() || captures.len() <= 1 => Ok(Kept::Nothing),
            (ONE, [one]) => Register::read(&one.spec, &mut r.bytes, &mut r.distinct).map(Kept::One),
            (ALL, [_, _, ..]) => {
                let read = list.iter().map(|one| Register::read(&one.spec, &mut r.bytes, &mut r.distinct));
                read.collect::<Result<_, _>>().map(Kept::All)
            }
            _ => Err(OTHER_FORM),
        }
    }
}

const OTHER_FORM: Damaged = Damaged::new("a run does not keep what its conditions read");
