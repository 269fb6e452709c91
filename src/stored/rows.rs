//! Rows: what is stored by itself, with its key.

use super::{Damaged, Writer};

/// What kind of thing a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    /// What is held for a key: partial matches, and what `limit`s count.
    Runs,
    /// Past events of a key, for aggregates over them.
    Past,
    /// Events that wait for their turn in the order of all.
    Waiting,
    /// Texts of rules.
    Rules,
}

impl Space {
    /// The number that stands for it where it is stored.
    pub const fn number(self) -> u8 {
        match self {
            Space::Runs => 0,
            Space::Past => 1,
            Space::Waiting => 2,
            Space::Rules => 3,
        }
    }

    /// What a number stands for.
    ///
    /// # Errors
    /// When it stands for nothing.
    pub const fn of(number: u8) -> Result<Space, Damaged> {
        match number {
            0 => Ok(Space::Runs),
            1 => Ok(Space::Past),
            2 => Ok(Space::Waiting),
            3 => Ok(Space::Rules),
            _ => Err(Damaged::new("there is no such kind of row")),
        }
    }
}

/// A row, or that it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// What kind of thing it is.
    pub space: Space,
    /// The group of keys that it belongs to: the number of a [`crate::event::KeyGroup`]; 0 if to none.
    pub group: u16,
    /// What tells it from all others of the space.
    pub key: &'a [u8],
    /// What it says; `None`: there is no such row any more.
    pub value: Option<&'a [u8]>,
}

/// Rows that lie one behind the other in memory.
///
/// In blocks of about the same size: there may be hundreds of megabytes of them, and room that must be in one
/// piece would be taken anew and copied again and again as they become more.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    blocks: Vec<Writer>,
    list: Vec<Place>,
    /// Blocks that are empty.
    spare: Vec<Writer>,
    /// Room for sorting.
    sorted: Vec<Place>,
}

/// When a block has so many bytes, another is begun.
const BLOCK: usize = 1 << 18;
/// How much room it has besides: few rows are longer.
const LAST_ROW: usize = 1 << 12;

/// Where a row is.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    key: usize,
    value: Option<usize>,
    block: u32,
    group: u16,
    space: Space,
}

impl Rows {
    /// Forgets the rows and keeps as much room as they have taken.
    pub fn clear(&mut self) {
        let is_usual = |block: &Writer| block.room() <= 2 * BLOCK;
        self.spare.clear();
        // The first one comes first again.
        self.spare.extend(self.blocks.drain(..).rev().filter(is_usual));
        self.spare.iter_mut().for_each(Writer::clear);
        self.list.clear();
        if self.list.capacity() > 4 * self.sorted.len() + BLOCK {
            (self.list, self.sorted) = Default::default();
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many bytes their keys and values take.
    pub fn bytes(&self) -> usize {
        self.blocks.iter().map(Writer::len).sum()
    }

    /// Adds a row.
    pub fn write(
        &mut self,
        space: Space,
        group: u16,
        key: impl FnOnce(&mut Writer),
        value: impl FnOnce(&mut Writer),
    ) {
        let (number, block) = self.block();
        let start = block.len();
        key(block);
        let key = block.len() - start;
        value(block);
        let value = Some(block.len() - start - key);
        self.list.push(Place { start, key, value, block: number, group, space });
    }

    /// Adds that a row is gone.
    pub fn remove(&mut self, space: Space, group: u16, key: impl FnOnce(&mut Writer)) {
        let (number, block) = self.block();
        let start = block.len();
        key(block);
        let key = block.len() - start;
        self.list.push(Place { start, key, value: None, block: number, group, space });
    }

    /// The block to which the next row goes, and its number.
    fn block(&mut self) -> (u32, &mut Writer) {
        if self.blocks.last().is_none_or(|last| last.len() >= BLOCK) {
            let block = self.spare.pop().unwrap_or_else(|| {
                let mut block = Writer::default();
                // The first may be all that is needed.
                block.reserve(if self.blocks.is_empty() { 0 } else { BLOCK + LAST_ROW });
                block
            });
            self.blocks.push(block);
        }
        let number = self.blocks.len() as u32 - 1;
        (number, self.blocks.last_mut().expect("there is one now"))
    }

    /// The rows.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        self.list.iter().map(|place| self.row(place))
    }

    fn row(&self, place: &Place) -> Row<'_> {
        let block = self.blocks[place.block as usize].as_slice();
        let (key, behind) = block[place.start..].split_at(place.key);
        let value = place.value.map(|len| &behind[..len]);
        Row { space: place.space, group: place.group, key, value }
    }

    /// Puts the rows in the order of their groups; those of one group stay as they are.
    pub fn sort(&mut self) {
        let groups = self.list.iter().map(|place| usize::from(place.group) + 1).max().unwrap_or(0);
        let mut starts = vec![0; groups + 1];
        self.list.iter().for_each(|place| starts[usize::from(place.group) + 1] += 1);
        for group in 0..groups {
            starts[group + 1] += starts[group];
        }
        self.sorted.clone_from(&self.list);
        for place in &self.list {
            let next = &mut starts[usize::from(place.group)];
            self.sorted[*next] = *place;
            *next += 1;
        }
        std::mem::swap(&mut self.list, &mut self.sorted);
    }
}

/// The rows of several lists, each in the order of groups, in that order.
pub(crate) fn merged(lists: &[Rows]) -> impl Iterator<Item = Row<'_>> {
    let mut next = vec![0; lists.len()];
    let groups = lists.iter().filter_map(|rows| rows.list.last()).map(|place| place.group).max();
    let all = groups.into_iter().flat_map(|last| 0..=last);
    all.flat_map(move |group| {
        let mut found: Vec<std::slice::Iter<'_, Place>> = Vec::with_capacity(lists.len());
        for (rows, next) in lists.iter().zip(&mut next) {
            let rest = &rows.list[*next..];
            let own = rest.partition_point(|place| place.group <= group);
            found.push(rest[..own].iter());
            *next += own;
        }
        let rows = lists.iter().zip(found);
        rows.flat_map(|(rows, found)| found.map(|place| rows.row(place))).collect::<Vec<_>>()
    })
}
