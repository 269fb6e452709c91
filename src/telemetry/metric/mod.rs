//! Numbers that parts of the service hold handles to and change without locks, one file a form.
//!
//! What a number means is in the [`catalogue`](super::catalogue); here is how it is kept and how it is read.

mod family;
mod histogram;
mod info;
mod number;
mod requests;
mod time;

pub use family::{Family, Flags, Levels};
pub use histogram::Histogram;
pub use info::Info;
pub use number::{Counter, Gauge};
pub use requests::{Requests, Route};
pub use time::{Age, Moment, Spent};

/// What kind of number a metric is for those who read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How often a time took how long.
    Histogram,
}

impl Kind {
    /// Its name in the manner of Prometheus.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// A value of a metric.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// So many of its unit.
    Number(f64),
    /// Times.
    Times(&'a Histogram),
}

impl Value<'_> {
    /// The value of something counted. What is beyond 2⁵³ loses its last digits, as it would where it is read.
    pub fn of(count: u64) -> Self {
        Value::Number(count as f64)
    }
}

/// A label and its value.
pub type Label<'a> = (&'a str, &'a str);

/// What the catalogue needs of a metric.
pub trait Metric {
    /// Its kind.
    const KIND: Kind;

    /// Gives each of its values, with the labels that tell it from the others.
    fn each(&self, give: &mut dyn FnMut(&[Label<'_>], Value<'_>));
}
