//! Who may do what.

use std::fmt;

/// What somebody may do. Each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Look at everything.
    Read,
    /// See to alerts and to what waits for sinks: acknowledge, silence, send again, make savepoints, feed events.
    Operate,
    /// Change what the service does, and drop what it has.
    Admin,
}

impl Role {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Role::Read => "read",
            Role::Operate => "operate",
            Role::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
