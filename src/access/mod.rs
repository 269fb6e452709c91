//! Who may do what: roles, the tokens and certificates by which somebody is known, and the decision. Pure, but for the
//! file of tokens ([`file`]).
//!
//! Enters: what a request shows of who sends it, which tokens and certificates are known, and the time. Leaves: who it
//! is and which role they have, or why they are not let in.

mod bearer;
mod decision;
pub mod file;
mod role;
mod subject;
mod token;
mod tokens;

pub use bearer::{Bearer, bearer};
pub use decision::{By, Policy, Refused, Shown, Who, permit, who};
pub use role::Role;
pub use subject::{Certificate, Client, Mark};
pub use token::{Digest, Token};
pub use tokens::{Entry, TokenSet, check_name};
