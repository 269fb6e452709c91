//! How many files the process may have open at a time, connections included.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tracing::{debug, warn};

use crate::config::ApiLimits;

/// What the process needs besides connections to the API.
const OTHERS: usize = 256;

/// Lets the process have as many files open as it may at most, and says so if that is too few for the connections that the API
/// may have. What shells let a process have is little, for the sake of programs that use `select`, as this one does not.
pub fn allow(api: &ApiLimits) {
    let Ok((now, most)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    if now < most
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, most, most)
    {
        debug!(%error, "cannot raise how many files may be open");
    }
    // A WebSocket is counted with streams alone.
    let needed = (api.connections + api.streams + OTHERS) as u64;
    if most < needed {
        warn!(
            allowed = most,
            needed,
            "the system allows fewer open files than `api.limits` allows connections and streams: raise `LimitNOFILE=` or `ulimit -n`, or lower them"
        );
    }
}
