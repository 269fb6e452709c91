//! Reads where the service can be asked over the network.

use std::net::SocketAddr;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::codes::E0608;

use super::document::{Report, Table};
use super::reference::API;

/// Reads the table `[api]`. `Some(None)`: there is no address.
pub fn listen(root: &Table<'_>, report: &mut Report) -> Option<Option<SocketAddr>> {
    let Some((values, heading)) = root.table("api", report) else { return Some(None) };
    let given = Table::new(values, &API, heading, report).address("listen", report)?;
    let text = given.value.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let address = text.as_ref().unwrap_or(&given.value).parse::<SocketAddr>();
    match address {
        Ok(address) if address.ip().is_loopback() => Some(Some(address)),
        _ => {
            let message =
                format!("the API cannot be at `{}`, where other machines could reach it", given.value);
            let help = "nobody has to show who they are: take an address of this machine alone, such as `127.0.0.1:7070`";
            report.push(Diagnostic::new(E0608, given.span, message).help(help));
            None
        }
    }
}
