//! The configuration of the service and the files it names.

pub mod rules;
pub mod value;
