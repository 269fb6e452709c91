//! The rule language: from text to checked rules.
//!
//! Enters: the text of rule files. Leaves: `checked::Checked`, in which names are resolved, types
//! settled and constants folded, and diagnostics. Nothing in a rule file, however malformed, makes
//! it panic, recurse without bound or take more than time linear in the text.

mod allow;
mod alone;
mod analysis;
pub mod case;
pub(crate) mod checked;
pub mod explain;
mod format;
mod highlight;
pub mod index;
mod lexer;
mod parser;
pub mod tree;

pub use crate::expression::functions;
pub(crate) use allow::apply as apply_allowed;
pub(crate) use alone::{MAX_ALONE, alone};
pub(crate) use analysis::{Old, check, check_for_tests};
pub use format::format;
pub use highlight::{Part, PartKind, highlight};
pub use parser::{MAX_FILE_BYTES, parse};
