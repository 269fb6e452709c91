//! Reads where and by whom the service can be asked over the network.

mod audit;
mod hosts;
mod limits;
mod tls;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::access::Client;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::codes::{E0608, E0616};
use crate::tls::ServerSettings;

use super::Located;
use super::document::{Report, Table};
use super::reference::API;

pub use audit::AuditSettings;
pub use limits::ApiLimits;

/// Where and by whom the service can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    /// The address.
    pub listen: SocketAddr,
    /// The file of the tokens of which a request has to have one; `None`: there are none.
    pub tokens: Option<PathBuf>,
    /// Names by which it may be asked, besides those of the machine itself; in small letters.
    pub hosts: Vec<String>,
    /// How connections are encrypted, if they are.
    pub tls: Option<ServerSettings>,
    /// Those who are known by certificates.
    pub clients: Vec<Client>,
    /// Bounds on what those may do who ask.
    pub limits: ApiLimits,
    /// Where it is recorded what somebody changes, besides the log.
    pub audit: Option<AuditSettings>,
}

/// Reads the table `[api]`. Relative paths begin at `folder`. `Some(None)`: there is none.
pub fn api(root: &Table<'_>, folder: &Path, report: &mut Report) -> Option<Option<Api>> {
    let Some((values, heading)) = root.table("api", report) else { return Some(None) };
    let table = Table::new(values, &API, heading, report);
    let listen = listen(&table, report);
    let tokens = table.path("tokens", folder, report);
    let hosts = hosts::names(&table, report);
    let plaintext = table.flag("plaintext", report);
    let limits = limits::limits(&table, report);
    let audit = audit::audit(&table, folder, report);
    let (tls, clients) = tls::tls(&table, folder, tokens.is_some(), report)?;
    let (listen, plaintext) = (listen?, plaintext?);
    if tls.is_some() && plaintext {
        let place = table.place("plaintext", report).unwrap_or(heading);
        report.contradiction(place, "`plaintext` is for an API without TLS", "take it out, or `[api.tls]`");
        return None;
    }
    if !listen.value.ip().is_loopback() {
        let knows_people = tokens.is_some() || !clients.is_empty();
        reachable(&listen, knows_people, plaintext || tls.is_some(), report)?;
    }
    let (hosts, limits, audit) = (hosts?, limits?, audit?);
    Some(Some(Api { listen: listen.value, tokens, hosts, tls, clients, limits, audit }))
}

fn listen(table: &Table<'_>, report: &mut Report) -> Option<Located<SocketAddr>> {
    let Located { value, span } = table.address("listen", report)?;
    let text = value.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    if let Ok(address) = text.as_ref().unwrap_or(&value).parse() {
        return Some(Located { value: address, span });
    }
    let message = format!("the API listens on an IP address, and `{value}` has a name");
    let help =
        "write `127.0.0.1:7070` for this machine alone, `0.0.0.0:7070` or `[::]:7070` for all its addresses";
    report.push(Diagnostic::new(E0608, span, message).help(help));
    None
}

/// What an address needs that other machines can reach.
fn reachable(
    listen: &Located<SocketAddr>,
    knows_people: bool,
    is_closed: bool,
    report: &mut Report,
) -> Option<()> {
    let address = listen.value;
    let mut fail = |message: String, help: &str| {
        report.push(Diagnostic::new(E0616, listen.span, message).help(help));
        None
    };
    if !knows_people {
        return fail(
            format!("other machines can reach `{address}`, and nobody would have to show who they are"),
            "name a file of tokens, `tokens = \"tokens.toml\"` (`tripline token new` makes it), or listen on \
             `127.0.0.1:7070`",
        );
    }
    if !is_closed {
        return fail(
            format!("other machines can reach `{address}`, and what is sent there would be in the clear"),
            "add `[api.tls]` with `certificate` and `key`, or set `plaintext = true` if a proxy in front of it speaks TLS or \
             the network is closed",
        );
    }
    Some(())
}
