//! The parts wired together.
//!
//! Enters: a configuration and a program. Leaves: a running service, or a replay of recorded events.
//! One thread owns the engine, or one for each partition ([`engines`]), takes what sources give ([`driver`]) and hands work to threads that own the shards
//! ([`workers`]); sources and sinks run as tasks beside it and meet it at two bounded queues only;
//! another thread reads lists and tables again when their files change ([`reload`]). With a store, a
//! further thread keeps [`checkpoint`]s in it, from the last of which the next start goes on
//! ([`recovery`]). A service that runs is asked through [`control`], and rules
//! are put into other [`modes`]; [`savepoints`] are where its state can be
//! kept by a name.
//! [`supervisor`] tells systemd how it does.
//! Records from the quarantine are fed to a service again by [`refeed`].

pub mod checkpoint;
pub mod clock;
pub mod control;
pub mod driver;
mod engines;
mod keeping;
mod kept;
pub mod modes;
pub mod outbox;
pub mod recovery;
pub mod refeed;
pub mod reload;
pub mod replay;
pub mod routing;
pub mod savepoints;
pub mod service;
mod shelf;
pub mod sinks;
mod sources;
pub mod supervisor;
#[cfg(test)]
mod tests;
pub mod workers;

/// How long the parts get to notice that they are to leave everything.
const LAST_GRACE: std::time::Duration = std::time::Duration::from_secs(2);
