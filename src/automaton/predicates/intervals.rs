//! Which of many intervals hold a value: all conditions that compare one field with constants.
//!
//! The ends of the intervals, in order and each once, cut the line of values into *segments*: what lies
//! before the first end, the first end itself, what lies between it and the second, and so on. An
//! interval is a row of segments, and a value lies in one of them, which is found by halving. From there
//! on segments are numbers:
//!
//! - intervals open above hold a segment if they begin at or before it. In the order of their beginnings
//!   these are the first so many, and how many is noted for each segment; intervals open below likewise;
//! - the others stand in an interval tree (H. Edelsbrunner, "Dynamic data structures for orthogonal
//!   intersection queries", 1980; also de Berg and others, "Computational Geometry", chapter 10). A node
//!   is a segment, with the intervals that hold it but none of the nodes above. If the segment looked for
//!   comes before it, those of them hold it that begin early enough: the first so many in the order of
//!   their beginnings. The tree is as deep as a search by halving.
//!
//! So a look takes time by the logarithm of the number of intervals and by how many are found, and memory
//! by their number. Assumes that all ends can be compared with each other, as the type of the field says;
//! a value that cannot be compared with them is in no interval.

use std::cmp::{Ordering, Reverse};
use std::ops::Bound;

use crate::event::Value;

/// An interval of values, perhaps open at an end.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// Where it begins.
    pub low: Bound<Value>,
    /// Where it ends.
    pub high: Bound<Value>,
}

impl Interval {
    /// What lies in both.
    pub fn and(self, other: Interval) -> Interval {
        Interval {
            low: narrower(self.low, other.low, Ordering::Greater),
            high: narrower(self.high, other.high, Ordering::Less),
        }
    }

    /// Whether it ends at neither side.
    pub fn is_open(&self) -> bool {
        self.low == Bound::Unbounded || self.high == Bound::Unbounded
    }

    fn ends(&self) -> impl Iterator<Item = &Value> {
        [&self.low, &self.high].into_iter().filter_map(|end| match end {
            Bound::Included(value) | Bound::Excluded(value) => Some(value),
            Bound::Unbounded => None,
        })
    }
}

/// The end that lets less in; `inner` is how its value stands to the other.
fn narrower(one: Bound<Value>, other: Bound<Value>, inner: Ordering) -> Bound<Value> {
    let (Bound::Included(a) | Bound::Excluded(a)) = &one else { return other };
    let (Bound::Included(b) | Bound::Excluded(b)) = &other else { return one };
    match a.compare(b) {
        Some(order) if order == inner => one,
        Some(Ordering::Equal) if matches!(one, Bound::Excluded(_)) => one,
        _ => other,
    }
}

/// Intervals, each with what it stands for.
#[derive(Debug)]
pub struct Intervals<T> {
    /// Where they begin and end, in order, each once.
    ends: Vec<Value>,
    /// Those open above, in the order of their beginnings.
    above: Prefixes<T>,
    /// Those open below, those that end last first.
    below: Prefixes<T>,
    /// The others.
    tree: Tree<T>,
}

/// A list of which each segment has the first so many.
#[derive(Debug)]
struct Prefixes<T> {
    list: Vec<T>,
    /// How many, by segment; empty when there is none at all.
    counts: Vec<u32>,
}

/// The interval tree. Its nodes are the segments, the root the middle one.
#[derive(Debug)]
struct Tree<T> {
    nodes: Vec<Node>,
    /// The intervals of each node in the order of their first segments,
    by_first: Vec<(u32, T)>,
    /// and in that of their last ones, backwards.
    by_last: Vec<(u32, T)>,
}

/// The part of both lists that belongs to a node.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    start: u32,
    end: u32,
}

/// An interval as a row of segments, with what it stands for.
type Row<T> = (u32, u32, T);

impl<T: Copy> Intervals<T> {
    /// Puts the intervals in order.
    pub fn new(list: &[(Interval, T)]) -> Intervals<T> {
        let mut ends: Vec<Value> = list.iter().flat_map(|(interval, _)| interval.ends()).cloned().collect();
        ends.sort_by(|a, b| a.compare(b).unwrap_or(Ordering::Equal));
        ends.dedup();
        let beyond = 2 * ends.len() as u32;
        let (mut above, mut below, mut both) = (Vec::new(), Vec::new(), Vec::new());
        for (interval, what) in list {
            let (first, last) = (first(&ends, &interval.low), last(&ends, &interval.high));
            let row: Row<T> = (first, last, *what);
            match (first, last) {
                // It holds nothing.
                _ if first > last => {}
                (_, last) if last == beyond => above.push(row),
                (0, _) => below.push(row),
                _ => both.push(row),
            }
        }
        above.sort_by_key(|(first, ..)| *first);
        below.sort_by_key(|(_, last, _)| Reverse(*last));
        Intervals {
            above: Prefixes::new(&above, beyond, |row, segment| row.0 <= segment),
            below: Prefixes::new(&below, beyond, |row, segment| row.1 >= segment),
            tree: Tree::new(both, beyond),
            ends,
        }
    }

    /// What the intervals stand for that hold the value.
    pub fn find(&self, value: &Value, mut found: impl FnMut(T)) {
        let before = self.ends.partition_point(|end| end.compare(value) == Some(Ordering::Less));
        let is_end = match self.ends.get(before).map(|end| end.compare(value)) {
            Some(None) => return,
            Some(order) => order == Some(Ordering::Equal),
            None => false,
        };
        let segment = 2 * before + usize::from(is_end);
        self.above.of(segment).iter().for_each(|what| found(*what));
        self.below.of(segment).iter().for_each(|what| found(*what));
        self.tree.find(segment as u32, &mut found);
    }
}

/// The place of a value among the ends, of which it is one.
fn place(ends: &[Value], value: &Value) -> u32 {
    ends.partition_point(|end| end.compare(value) == Some(Ordering::Less)) as u32
}

/// The first segment of an interval that begins so.
fn first(ends: &[Value], low: &Bound<Value>) -> u32 {
    match low {
        Bound::Unbounded => 0,
        Bound::Included(value) => 2 * place(ends, value) + 1,
        Bound::Excluded(value) => 2 * place(ends, value) + 2,
    }
}

/// The last segment of an interval that ends so.
fn last(ends: &[Value], high: &Bound<Value>) -> u32 {
    match high {
        Bound::Unbounded => 2 * ends.len() as u32,
        Bound::Included(value) => 2 * place(ends, value) + 1,
        Bound::Excluded(value) => 2 * place(ends, value),
    }
}

impl<T: Copy> Prefixes<T> {
    /// `holds` says whether a row holds a segment; of each segment it does so for the first rows.
    fn new(rows: &[Row<T>], beyond: u32, holds: impl Fn(&Row<T>, u32) -> bool) -> Prefixes<T> {
        let count = |segment| rows.partition_point(|row| holds(row, segment)) as u32;
        Prefixes {
            list: rows.iter().map(|(.., what)| *what).collect(),
            counts: if rows.is_empty() { Vec::new() } else { (0..=beyond).map(count).collect() },
        }
    }

    fn of(&self, segment: usize) -> &[T] {
        &self.list[..self.counts.get(segment).map_or(0, |count| *count as usize)]
    }
}

impl<T: Copy> Tree<T> {
    fn new(rows: Vec<Row<T>>, beyond: u32) -> Tree<T> {
        if rows.is_empty() {
            return Tree { nodes: Vec::new(), by_first: Vec::new(), by_last: Vec::new() };
        }
        let size = beyond + 1;
        let mut placed: Vec<(u32, Row<T>)> =
            rows.into_iter().map(|row| (topmost(size, row.0, row.1), row)).collect();
        placed.sort_by_key(|(node, (first, ..))| (*node, *first));
        let by_first = placed.iter().map(|(_, (first, _, what))| (*first, *what)).collect();
        let mut nodes = vec![Node::default(); size as usize];
        let mut start = 0;
        for part in placed.chunk_by(|(one, _), (other, _)| one == other) {
            let end = start + part.len() as u32;
            nodes[part[0].0 as usize] = Node { start, end };
            start = end;
        }
        placed.sort_by_key(|(node, (_, last, _))| (*node, Reverse(*last)));
        let by_last = placed.iter().map(|(_, (_, last, what))| (*last, *what)).collect();
        Tree { nodes, by_first, by_last }
    }

    fn find(&self, segment: u32, found: &mut impl FnMut(T)) {
        let (mut low, mut high) = (0, self.nodes.len() as u32);
        while low < high {
            let middle = low + (high - low) / 2;
            let Node { start, end } = self.nodes[middle as usize];
            let (start, end) = (start as usize, end as usize);
            if segment < middle {
                let holding = self.by_first[start..end].iter().take_while(|(first, _)| *first <= segment);
                holding.for_each(|(_, what)| found(*what));
                high = middle;
            } else {
                let holding = self.by_last[start..end].iter().take_while(|(last, _)| *last >= segment);
                holding.for_each(|(_, what)| found(*what));
                low = middle + 1;
            }
        }
    }
}

/// The first node on the way down that lies in a row of segments.
fn topmost(size: u32, first: u32, last: u32) -> u32 {
    let (mut low, mut high) = (0, size);
    loop {
        let middle = low + (high - low) / 2;
        if last < middle {
            high = middle;
        } else if first > middle {
            low = middle + 1;
        } else {
            return middle;
        }
    }
}
