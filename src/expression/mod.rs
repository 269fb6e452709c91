//! Typed expressions and their evaluation.
//!
//! Enters: expressions whose names and types the analysis has settled, and the event, key and
//! captures they look at. Leaves: values. Evaluation never fails and never panics: what cannot be
//! computed is null, and overflow and division by zero are counted.

pub mod functions;
