//! The functions of the language, one file a family; each with its signatures, its meaning and
//! examples that run as tests and from which the reference page is made.

use crate::event::{Type, Value};

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
    /// Expressions and their values, both as the language writes them.
    pub examples: &'static [(&'static str, &'static str)],
    /// Computes the value. No argument is null: a null argument makes the result null before this
    /// is called. An `int` argument arrives as `Value::Int` even where the parameter is `float`.
    /// A result that cannot be computed (overflow, a logarithm of a negative number) is null.
    pub evaluate: fn(&[Value]) -> Value,
    /// Looks at the arguments that are constant (`None` stands for one that is not) when the rule
    /// is compiled, and says what is wrong with them: (index of the argument, message).
    pub check: Option<fn(&[Option<Value>]) -> Result<(), (usize, String)>>,
}

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
