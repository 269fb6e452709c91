//! Where alerts go, and which of them disturb nobody.
//!
//! Enters: alerts in the order decided, what people say (silences, acknowledgements), and the time of the clock on the
//! wall. Leaves: notifications for sinks, what has changed of what is kept, and for each alert what was decided, with
//! the reason. A [`Router`] decides; [`plan`] is how it decides of one alert, which changes nothing and so can be
//! shown (`tripline routes test`).
//!
//! - It reads no clock and touches no file. What it keeps is given out as rows after each round, to be stored in the
//!   transaction that stores the alerts; a router made of the rows goes on where that one was.
//! - Nothing is lost to make room: where there is too much of something, an alert goes out sooner or by itself.
//!   What is lost at most is what makes alerts fewer.
//! - A rule's own `limit` comes before, in the engine; what that holds back is only noted here.
//!
//! The order is: repeats are dropped; a silence or an inhibition holds an alert back; else it takes the routes, each of
//! which sends it, puts it to a group, holds it for the end of quiet hours or sends it elsewhere in these.

mod decision;
mod facts;
mod follow;
mod groups;
mod inhibition;
mod kept;
mod log;
mod matcher;
mod noted;
mod plan;
mod quiet;
mod router;
mod settings;
mod silences;
#[cfg(test)]
mod tests;
mod waiting;

pub use decision::Decision;
pub use facts::{Facts, plain};
pub use kept::{Change, Unreadable};
pub use log::{Entry, Record};
pub use matcher::{Glob, Matcher, SeverityTest, Wanted};
pub use noted::{Came, Captured, Noted};
pub use plan::{Plan, Trace};
pub use quiet::{DAY, QuietHours, quiet_until};
pub use router::{Round, Router, Sending};
pub use settings::{Escalate, GroupName, Grouping, Inhibit, Quiet, REST, Resolve, Route, Settings};
pub use silences::{NewSilence, Refused, Silence, check_text};
pub use waiting::Settled;

/// How many there may be of anything that is kept; tests make it small, but not so small that the simulation, which has
/// a few hundred alerts at most on three routes, would come to it.
const MOST: usize = if cfg!(test) { 500 } else { 10_000 };

/// So many groups may be open.
pub const MOST_GROUPS: usize = MOST;
/// So many notifications may wait for somebody to acknowledge them.
pub const MOST_WAITING: usize = MOST;
/// So many alerts are followed until they are over.
pub const MOST_FOLLOWED: usize = MOST;
/// So many alerts may hold back others.
pub const MOST_SOURCES: usize = MOST;
/// How many bytes of alerts a group lists.
pub const MOST_LISTED: u64 = 1 << 20;
