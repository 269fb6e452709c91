//! A vector of runs that holds a single one in place: most keys have no more.

use std::ops::{Deref, DerefMut};

use super::Run;

/// Runs, in their order.
#[derive(Clone, Debug)]
pub(super) enum Runs {
    One(Run),
    Other(Vec<Run>),
}

impl Default for Runs {
    fn default() -> Runs {
        Runs::Other(Vec::new())
    }
}

impl From<Vec<Run>> for Runs {
    fn from(runs: Vec<Run>) -> Runs {
        match <[Run; 1]>::try_from(runs) {
            Ok([run]) => Runs::One(run),
            Err(runs) => Runs::Other(runs),
        }
    }
}

impl From<Runs> for Vec<Run> {
    fn from(runs: Runs) -> Vec<Run> {
        match runs {
            Runs::One(run) => vec![run],
            Runs::Other(runs) => runs,
        }
    }
}

impl Deref for Runs {
    type Target = [Run];

    fn deref(&self) -> &[Run] {
        match self {
            Runs::One(run) => std::slice::from_ref(run),
            Runs::Other(runs) => runs,
        }
    }
}

impl DerefMut for Runs {
    fn deref_mut(&mut self) -> &mut [Run] {
        match self {
            Runs::One(run) => std::slice::from_mut(run),
            Runs::Other(runs) => runs,
        }
    }
}

impl Runs {
    /// Adds a run behind the others.
    pub fn push(&mut self, run: Run) {
        match self {
            Runs::Other(runs) if runs.capacity() == 0 => *self = Runs::One(run),
            Runs::Other(runs) => {
                if runs.len() == runs.capacity() {
                    // Most keys have few runs, of which a vector that doubles would leave much room unused.
                    runs.reserve_exact((runs.len() / 4).max(1));
                }
                runs.push(run);
            }
            Runs::One(_) => {
                let mut runs = Vec::from(std::mem::take(self));
                runs.reserve_exact(1);
                runs.push(run);
                *self = Runs::Other(runs);
            }
        }
    }

    /// Takes out those from that place on.
    pub fn split_off(&mut self, at: usize) -> Vec<Run> {
        match self {
            Runs::Other(runs) => runs.split_off(at),
            Runs::One(_) if at == 0 => std::mem::take(self).into(),
            Runs::One(_) => Vec::new(),
        }
    }

    /// Takes out those that are not to be kept.
    pub fn retain(&mut self, keep: impl Fn(&Run) -> bool) {
        match self {
            Runs::Other(runs) => runs.retain(keep),
            Runs::One(run) if keep(run) => {}
            Runs::One(_) => *self = Runs::default(),
        }
    }

    /// Takes out the first so many. Gives the very first of them.
    pub fn drop_first(&mut self, count: usize) -> Option<Run> {
        match self {
            Runs::Other(runs) => runs.drain(..count).next(),
            Runs::One(_) if count == 0 => None,
            Runs::One(_) => Vec::from(std::mem::take(self)).pop(),
        }
    }
}
