//! What a run keeps for conditions to read.

use std::ops::{Deref, DerefMut};

use crate::expression::Register;
use crate::language::checked::RunRegister;

/// The registers of a run. A rule whose condition reads captured events often reads one thing of them,
/// and a key often has one run: one register is held in place, so that asking the condition does not
/// wait for memory once more.
#[derive(Clone, Debug)]
pub(in crate::matcher) enum Kept {
    One(Register),
    Other(Box<[Register]>),
}

impl Kept {
    /// The registers of a list, all empty.
    pub fn empty(list: &[RunRegister]) -> Kept {
        match list {
            [one] => Kept::One(one.spec.empty()),
            list => Kept::Other(RunRegister::empty(list).into()),
        }
    }
}

impl Deref for Kept {
    type Target = [Register];

    fn deref(&self) -> &[Register] {
        match self {
            Kept::One(one) => std::slice::from_ref(one),
            Kept::Other(registers) => registers,
        }
    }
}

impl DerefMut for Kept {
    fn deref_mut(&mut self) -> &mut [Register] {
        match self {
            Kept::One(one) => std::slice::from_mut(one),
            Kept::Other(registers) => registers,
        }
    }
}
