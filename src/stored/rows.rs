//! Rows: what is stored by itself, with its key.

use super::{Damaged, Writer};

/// What kind of thing a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    /// What is held for a key: partial matches, and what `limit`s count.
    Runs,
    /// Past events of a key, for aggregates over them.
    Past,
}

impl Space {
    /// The number that stands for it where it is stored.
    pub const fn number(self) -> u8 {
        match self {
            Space::Runs => 0,
            Space::Past => 1,
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
            _ => Err(Damaged::new("there is no such kind of row")),
        }
    }
}

/// A row, or that it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// What kind of thing it is.
    pub space: Space,
    /// The group of keys that it belongs to: the number of a [`crate::event::KeyGroup`].
    pub group: u16,
    /// What tells it from all others of the space.
    pub key: &'a [u8],
    /// What it says; `None`: there is no such row any more.
    pub value: Option<&'a [u8]>,
}

/// Rows that lie one behind the other in memory.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    bytes: Writer,
    list: Vec<Place>,
}

/// Where a row is.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    key: usize,
    value: Option<usize>,
    group: u16,
    space: Space,
}

impl Rows {
    /// With room for so many bytes.
    pub fn with_room(bytes: usize) -> Rows {
        let mut rows = Rows::default();
        rows.bytes.reserve(bytes);
        rows
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
        self.bytes.len()
    }

    /// Adds a row.
    pub fn write(
        &mut self,
        space: Space,
        group: u16,
        key: impl FnOnce(&mut Writer),
        value: impl FnOnce(&mut Writer),
    ) {
        let start = self.bytes.len();
        key(&mut self.bytes);
        let key = self.bytes.len() - start;
        value(&mut self.bytes);
        let value = Some(self.bytes.len() - start - key);
        self.list.push(Place { start, key, value, group, space });
    }

    /// Adds that a row is gone.
    pub fn remove(&mut self, space: Space, group: u16, key: impl FnOnce(&mut Writer)) {
        let start = self.bytes.len();
        key(&mut self.bytes);
        self.list.push(Place { start, key: self.bytes.len() - start, value: None, group, space });
    }

    /// The rows.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        self.list.iter().map(|place| self.row(place))
    }

    fn row(&self, place: &Place) -> Row<'_> {
        let (key, behind) = self.bytes.as_slice()[place.start..].split_at(place.key);
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
        let mut sorted = self.list.clone();
        for place in &self.list {
            let next = &mut starts[usize::from(place.group)];
            sorted[*next] = *place;
            *next += 1;
        }
        self.list = sorted;
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
