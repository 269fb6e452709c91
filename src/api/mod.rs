//! The API of a running service: HTTP with JSON, for commands on the same machine and for those that watch it.
//!
//! Enters: requests. Leaves: answers of [`Control`](crate::runtime::control::Control), as JSON; what goes wrong as
//! problem details (RFC 9457). [`routes`] is the table of all routes; one file a resource; [`extract`] is what handlers
//! take, [`answer`] what they give, [`problem`] how mistakes are told, [`document`] how all of it is described for
//! machines, which comes by [`handler`] from the types of handlers. [`work`] is how their work is done, [`audit`] the record of
//! what they change, [`places`] who may read without an end. [`server`] speaks HTTP on a socket in the folder of
//! the state ([`socket`]) and on an address, [`page`] is the web page beside the API, [`client`] is how commands ask, and
//! [`probe`] how they ask whether it is well. [`counting`] counts all of it.
//!
//! The socket is its owner's, who may do everything. At an address, [`gate`] finds out who asks, by
//! [`access`](crate::access), and the table of routes says which role that needs. Requests that a web page could make a
//! browser send are refused: those for another host's name, those of pages of others, and those that change something
//! and are not JSON.

pub mod alerts;
mod answer;
pub mod audit;
pub mod client;
pub mod counting;
mod document;
mod events;
mod extract;
mod front;
mod gate;
mod handler;
pub mod health;
mod me;
mod metrics;
mod outbox;
mod overview;
mod page;
mod places;
mod playground;
pub mod probe;
mod problem;
mod quarantine;
mod routes;
mod rules;
mod savepoints;
pub mod server;
mod service;
mod silences;
pub mod socket;
mod state;
#[cfg(test)]
mod tests;
mod work;
