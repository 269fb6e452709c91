//! Typed expressions and their evaluation.
//!
//! Enters: expressions whose names and types the analysis has settled, and the event, key and
//! captures they look at. Leaves: values. Evaluation never fails and never panics: what cannot be
//! computed is null, and overflow and division by zero are counted.

mod aggregate;
mod describe;
mod evaluate;
mod expr;
pub mod functions;
mod history;
pub mod stored;
mod truth;
mod values;
mod wildcard;

pub use aggregate::{Aggregate, FieldSource, Register, RegisterId, RegisterSpec, Wide};
pub use describe::Leaves;
pub use evaluate::{Captured, Faults, Scope};
pub use expr::{Arithmetic, Comparison, Expr, Size, TableRef, Template, conjunction};
pub use history::{History, HistoryId};
pub use truth::{Facts, Known, Truth, clash, subject};
pub use wildcard::Wildcard;
