//! The rule language of Tripline for [tree-sitter](https://tree-sitter.github.io).
//!
//! [`LANGUAGE`] goes into a `tree_sitter::Parser`, the queries into what highlights, folds or indents.

#![warn(missing_docs)]

use tree_sitter_language::LanguageFn;

unsafe extern "C" {
    fn tree_sitter_tripline() -> *const ();
}

/// The grammar, as generated from `grammar.js`.
// SAFETY: The generated function returns a pointer to a static language of the ABI that it names.
pub const LANGUAGE: LanguageFn = unsafe { LanguageFn::from_raw(tree_sitter_tripline) };

/// The types of nodes and their fields, as JSON.
pub const NODE_TYPES: &str = include_str!("../../src/node-types.json");

/// The query that highlights.
pub const HIGHLIGHTS_QUERY: &str = include_str!("../../queries/highlights.scm");

/// The query that tells which names mean the same.
pub const LOCALS_QUERY: &str = include_str!("../../queries/locals.scm");

/// The query that tells what can be folded.
pub const FOLDS_QUERY: &str = include_str!("../../queries/folds.scm");

/// The query that tells how lines are indented.
pub const INDENTS_QUERY: &str = include_str!("../../queries/indents.scm");
