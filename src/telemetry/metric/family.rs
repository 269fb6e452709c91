//! Numbers that differ in one label, all of whose values are known beforehand: so each is there from the start, at 0.

use super::{Counter, Gauge, Kind, Label, Metric, Value};

/// Counters that differ in one label.
#[derive(Debug)]
pub struct Family(Members<Counter>);

impl Family {
    /// A counter for each of `values`.
    pub fn new(label: &'static str, values: impl IntoIterator<Item = &'static str>) -> Family {
        Family(Members::new(label, values))
    }

    /// The counter of one value.
    ///
    /// # Panics
    /// When the family was made without it.
    pub fn of(&self, value: &str) -> &Counter {
        self.0.of(value)
    }

    /// The sum over all values.
    pub fn total(&self) -> u64 {
        self.0.members.iter().map(|(_, counter)| counter.get()).sum()
    }
}

impl Metric for Family {
    const KIND: Kind = Kind::Counter;

    fn each(&self, give: &mut dyn FnMut(&[Label<'_>], Value<'_>)) {
        self.0.each(give);
    }
}

/// Gauges that differ in one label: of each value whether something is so.
#[derive(Debug)]
pub struct Flags(Members<Gauge>);

impl Flags {
    /// A gauge for each of `values`.
    pub fn new(label: &'static str, values: impl IntoIterator<Item = &'static str>) -> Flags {
        Flags(Members::new(label, values))
    }

    /// Sets those of all values by what holds of each.
    pub fn set(&self, holds: impl Fn(&str) -> bool) {
        self.0.members.iter().for_each(|(value, gauge)| gauge.set(u64::from(holds(value))));
    }
}

impl Metric for Flags {
    const KIND: Kind = Kind::Gauge;

    fn each(&self, give: &mut dyn FnMut(&[Label<'_>], Value<'_>)) {
        self.0.each(give);
    }
}

/// Gauges that differ in one label: of each value how many there are.
#[derive(Debug)]
pub struct Levels(Members<Gauge>);

impl Levels {
    /// A gauge for each of `values`.
    pub fn new(label: &'static str, values: impl IntoIterator<Item = &'static str>) -> Levels {
        Levels(Members::new(label, values))
    }

    /// The gauge of one value.
    ///
    /// # Panics
    /// When it was made without it.
    pub fn of(&self, value: &str) -> &Gauge {
        self.0.of(value)
    }
}

impl Metric for Levels {
    const KIND: Kind = Kind::Gauge;

    fn each(&self, give: &mut dyn FnMut(&[Label<'_>], Value<'_>)) {
        self.0.each(give);
    }
}

#[derive(Debug)]
struct Members<M> {
    label: &'static str,
    members: Vec<(&'static str, M)>,
}

impl<M: Metric + Default> Members<M> {
    fn new(label: &'static str, values: impl IntoIterator<Item = &'static str>) -> Members<M> {
        Members { label, members: values.into_iter().map(|value| (value, M::default())).collect() }
    }

    fn of(&self, value: &str) -> &M {
        let found = self.members.iter().find(|(member, _)| *member == value);
        &found.expect("a family is made with all its values").1
    }

    fn each(&self, give: &mut dyn FnMut(&[Label<'_>], Value<'_>)) {
        for (value, member) in &self.members {
            member.each(&mut |_, number| give(&[(self.label, value)], number));
        }
    }
}
