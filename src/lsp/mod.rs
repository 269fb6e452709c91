//! The language server: what editors show while rules are written.
//!
//! Enters: the messages of one editor, the rule files of its folders. Leaves: what is wrong with the
//! rules, what names mean and where they stand, what could be written, changes such as a renaming.
//! All of that is worked out by [`crate::language`] and [`crate::program`]; here it is put into the
//! terms of the protocol. The server writes no file and reads those of rule sets and configurations
//! only; it never runs a rule.
//!
//! Invariants: messages are handled in the order in which they came; no message, in whatever order,
//! makes it panic; what the editor has open counts, not what the disk holds.
//!
//! The types of the protocol are those of `gen-lsp-types`: generated from the protocol's own model,
//! kept up with it, MIT, and without dependencies beyond serde. (`lsp-types` has not been kept up.)
//! Messages are read and written by [`transport`] rather than by `lsp-server`, which takes memory for
//! whatever length a header claims and ends at the first message that it cannot read;
//! `tower-lsp-server` would bring an asynchronous runtime for a program that does one thing at a time.

mod client;
mod completion;
mod diagnostics;
mod documents;
mod edits;
mod hover;
mod navigation;
mod position;
mod requests;
mod ruleset;
mod server;
#[cfg(test)]
mod tests;
mod transport;
mod workspace;

pub use server::serve;
