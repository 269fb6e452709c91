//! The functions of the language, one file a family; each with its signatures, its meaning and
//! examples that run as tests and from which the reference page is made.
//!
//! Functions are pure: they read no clock, no file and no setting of the machine. The time-zone
//! database is compiled in, so that a rule means the same wherever it runs.

mod duration;
mod geo;
mod number;
mod reference;
mod special;
mod text;
mod time;

use crate::event::{Timestamp, Type, Value};

pub use reference::reference;
pub use special::{SPECIAL_FORMS, SpecialForm};

/// A function of the language.
#[derive(Debug)]
pub struct Function {
    /// Its name in rules.
    pub name: &'static str,
    /// What it yields, in one or two sentences, with units.
    pub summary: &'static str,
    /// The argument lists it takes. The first that fits is used; an `int` argument fits a `float`
    /// parameter.
    pub signatures: &'static [Signature],
    /// Expressions and their values, both as the language writes them. In them `time` is
    /// [`EXAMPLE_TIME`].
    pub examples: &'static [(&'static str, &'static str)],
    /// Computes the value. No argument is null: a null argument makes the result null before this
    /// is called. An `int` argument arrives as `Value::Int` even where the parameter is `float`.
    /// A result that cannot be computed (overflow, a logarithm of a negative number) is null.
    pub evaluate: fn(&[Value]) -> Value,
    /// Looks at the arguments that are constant (`None` stands for one that is not) when the rule
    /// is compiled, and says what is wrong with them: (index of the argument, message).
    pub check: Option<Check>,
}

/// Looks at the constant arguments of a call; see [`Function::check`].
pub type Check = fn(&[Option<Value>]) -> Result<(), (usize, String)>;

/// One argument list of a function and what it yields.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// Names and types of the parameters.
    pub parameters: &'static [(&'static str, Type)],
    /// How many of the last parameters may be left out.
    pub optional: usize,
    /// The type of the result.
    pub result: Type,
}

/// What `time` stands for in the examples: Sunday 2026-03-01T23:30:00Z, when it is already Monday
/// in Berlin.
pub const EXAMPLE_TIME: Timestamp = Timestamp::from_micros(1_772_407_800_000_000);

/// Functions that belong together on the reference page.
struct Family {
    title: &'static str,
    /// What holds for all of them; may be empty.
    notes: &'static str,
    functions: &'static [&'static Function],
}

/// The families in the order of the reference page.
static FAMILIES: &[&Family] =
    &[&text::FAMILY, &number::FAMILY, &time::FAMILY, &duration::FAMILY, &geo::FAMILY];

/// All functions, in the order of the reference page. `coalesce` and `if` are not among them: they
/// take arguments of any type and do not evaluate all of them, so the type checker treats them.
pub static ALL: &[&Function] = &[
    &text::LOWER,
    &text::UPPER,
    &text::TRIM,
    &text::LENGTH,
    &text::CONTAINS,
    &text::STARTS_WITH,
    &text::ENDS_WITH,
    &number::ABS,
    &number::ROUND,
    &number::FLOOR,
    &number::CEIL,
    &number::SQRT,
    &number::LN,
    &number::LOG10,
    &number::POW,
    &number::MIN,
    &number::MAX,
    &time::HOUR,
    &time::WEEKDAY,
    &time::DATE,
    &duration::SECONDS,
    &duration::MINUTES,
    &duration::HOURS,
    &geo::DISTANCE_KM,
];

/// The function of that name.
pub fn find(name: &str) -> Option<&'static Function> {
    ALL.iter().find(|function| function.name == name).copied()
}

#[cfg(test)]
mod tests;
