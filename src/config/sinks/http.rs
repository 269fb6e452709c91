//! Reads what all kinds of sinks have that speak HTTP as clients.

use std::net::IpAddr;
use std::path::Path;

use ipnet::IpNet;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::codes::E0605;
use crate::sink::http::{Settings, addresses::Rule};

use super::{Report, Table};

/// Reads it.
pub fn settings(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<Settings> {
    let timeout = table.wait("timeout", report);
    let ca = table.path("tls_ca", folder, report);
    let private = table.word("private_addresses", report);
    let (allowed, denied) =
        (networks(table, "allow_networks", report), networks(table, "deny_networks", report));
    let addresses = Rule { denies_private: private? == "deny", allowed, denied };
    Some(Settings { timeout: timeout?, ca, addresses })
}

fn networks(table: &Table<'_>, key: &str, report: &mut Report) -> Vec<IpNet> {
    let mut networks = Vec::new();
    for given in table.names(key, report) {
        // An address stands for itself.
        let network = given.value.parse().or_else(|_| given.value.parse::<IpAddr>().map(IpNet::from));
        match network {
            Ok(network) => networks.push(network),
            Err(_) => {
                let message = format!("`{}` is no network", given.value);
                let help = "a network is written `10.0.0.0/8` or `fd00::/8`, a single address `192.0.2.1`";
                report.push(Diagnostic::new(E0605, given.span, message).help(help));
            }
        }
    }
    networks
}
