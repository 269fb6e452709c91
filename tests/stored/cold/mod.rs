//! The same again with so little memory that what is stored leaves it.

#[path = "../changes.rs"]
mod changes;
#[path = "../edited.rs"]
mod edited;
mod harness;
#[path = "../look.rs"]
mod look;
#[path = "../old.rs"]
mod old;
