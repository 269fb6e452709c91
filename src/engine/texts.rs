//! The texts of rules, stored so that their old versions can go on when they have been changed.
//!
//! A text is a row, since it hardly ever changes and the head is written each time. Its key is the number
//! of the rule's runs in the legend.

use std::collections::BTreeSet;

use crate::program::{Program, RuleId};
use crate::shard::legend::{Legend, Meaning};
use crate::stored::{Damaged, Reader, Row, Rows, Space};

/// Rows that belong to no key.
pub const GROUP: u16 = 0;

/// Which texts are not stored as they are.
#[derive(Debug, Default)]
pub struct Texts {
    /// The rules of which the text is not stored, or another.
    due: BTreeSet<RuleId>,
    /// The numbers of the rows that have been read.
    known: BTreeSet<u32>,
    /// The numbers of rows that belong to nothing any more.
    gone: Vec<u32>,
}

impl Texts {
    /// None is stored.
    pub fn new(program: &Program) -> Texts {
        Texts { due: (0..program.compiled().len() as u32).map(RuleId).collect(), ..Texts::default() }
    }

    /// Notes a row that is stored.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn restore(&mut self, row: Row<'_>, program: &Program, meaning: &Meaning) -> Result<(), Damaged> {
        let (number, text) = read(row)?;
        if !self.known.insert(number) {
            return Err(Damaged::new("there are two texts of a rule"));
        }
        match meaning.rule(number) {
            None => self.gone.push(number),
            // A rule that means the same may say something else in its alerts.
            Some(rule) if **program.text(rule) == *text => drop(self.due.remove(&rule)),
            Some(_) => {}
        }
        Ok(())
    }

    /// A rule is not there any more that had that number.
    pub fn ended(&mut self, number: u32) {
        self.gone.push(number);
    }

    /// Adds the rows that have changed since this was asked last.
    pub fn changes(&mut self, program: &Program, legend: &Legend, rows: &mut Rows) {
        for number in self.gone.drain(..) {
            rows.remove(Space::Rules, GROUP, |w| w.number(number.into()));
        }
        for (rule, number) in
            std::mem::take(&mut self.due).into_iter().filter_map(|rule| Some((rule, legend.runs(rule)?)))
        {
            rows.write(Space::Rules, GROUP, |w| w.number(number.into()), |w| w.text(program.text(rule)));
        }
        rows.sort();
    }
}

/// A row with the text of a rule: its number and the text.
///
/// # Errors
/// When it is damaged.
pub fn read(row: Row<'_>) -> Result<(u32, &str), Damaged> {
    let (mut key, mut value) = (Reader::new(row.key), Reader::new(row.value.unwrap_or_default()));
    let (number, text) = (key.small()?, value.text()?);
    key.end()?;
    value.end()?;
    Ok((number, text))
}
