//! The keys of the API.

use super::{Missing, Section, Takes, key};

/// `[api]`.
pub static API: Section = Section {
    title: "`[api]`",
    about: "Where the service can be asked over HTTP: whether it is alive (`/livez`) and takes events (`/readyz`), for its \
            [metrics](metrics.md) (`/metrics`), which partial matches there are (`/v1/state`), and for savepoints (`/v1/savepoints`). [State](state.md#over-http) has the \
            details. Commands do not need it: they use the socket `control.sock` in the folder of `[state]`.",
    keys: &[key(
        "listen",
        Takes::Address,
        Missing::Mistake,
        "The address, which must be one of this machine alone, as nobody has to show who they are. Port 0 takes a free one.",
    )
    .like("\"127.0.0.1:7070\"")],
    shared: &[],
};
