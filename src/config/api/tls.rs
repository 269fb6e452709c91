//! Reads how the API speaks TLS, and who is known by a certificate.

use std::path::Path;

use toml::de::DeTable;

use crate::access::{Client, Mark, Role};
use crate::config::Located;
use crate::config::document::{Report, Table};
use crate::config::reference::{API_CLIENT, API_TLS};
use crate::diagnostic::Span;
use crate::tls::{ClientAuthority, Identity, ServerSettings};

/// How connections are encrypted, and who is known by a certificate. `has_tokens`: others are known by those.
pub fn tls(
    api: &Table<'_>,
    folder: &Path,
    has_tokens: bool,
    report: &mut Report,
) -> Option<(Option<ServerSettings>, Vec<Client>)> {
    let Some((values, heading)) = api.table("tls", report) else { return Some((None, Vec::new())) };
    let table = Table::new(values, &API_TLS, heading, report);
    let certificate = table.path("certificate", folder, report);
    let key = table.path("key", folder, report);
    let authority = table.path("client_ca", folder, report);
    let wanted = table.word("client_certificate", report);
    let tables = table.tables("clients", report);
    let given = tables.len();
    let clients: Vec<Client> =
        tables.into_iter().filter_map(|(values, place)| client(values, place, report)).collect();
    let identity = Identity { certificate: certificate?, key: key? };
    if clients.len() < given || !go_together(&table, authority.is_some(), given > 0 || has_tokens, report) {
        return None;
    }
    let are_required = wanted? == "required";
    let authority = authority.map(|authority| ClientAuthority { authority, are_required });
    Some((Some(ServerSettings { identity, clients: authority }), clients))
}

/// Whether those keys are there that others need.
fn go_together(table: &Table<'_>, has_authority: bool, knows_people: bool, report: &mut Report) -> bool {
    for key in ["clients", "client_certificate"] {
        if let Some(place) = table.place(key, report)
            && !has_authority
        {
            let message =
                format!("`{key}` is of use only with `client_ca`, which says who may vouch for clients");
            report.contradiction(
                place,
                message,
                format!("add `client_ca = \"clients.pem\"`, or take `{key}` out"),
            );
            return false;
        }
    }
    if let Some(place) = table.place("client_ca", report)
        && !knows_people
    {
        let message = "clients have to show certificates, and nobody is known by one or by a token";
        let help = "say who has which role: `clients = [{ subject = \"CN=grafana\", role = \"read\" }]`";
        report.contradiction(place, message, help);
        return false;
    }
    true
}

/// Somebody who is known by a certificate.
fn client(values: &DeTable<'_>, place: Span, report: &mut Report) -> Option<Client> {
    let table = Table::new(values, &API_CLIENT, place, report);
    let role = table.word("role", report).map(|role| role.parse::<Role>().expect("the words are roles"));
    let mut marks = Vec::new();
    if let Some(Located { value, span }) = table.text("subject", report) {
        match Mark::subject(&value) {
            Ok(mark) => marks.push(mark),
            Err(why) => {
                let help = "write the whole subject: `CN=grafana,O=Example`, a comma in a value as `\\\\,`";
                report.misnamed(span, format!("`{value}` is no subject: {why}"), help);
                return None;
            }
        }
    }
    marks.extend(table.text("dns", report).map(|name| Mark::Dns(name.value)));
    marks.extend(table.text("uri", report).map(|uri| Mark::Uri(uri.value)));
    match (marks.pop(), marks.is_empty()) {
        (Some(mark), true) => Some(Client { mark, role: role? }),
        (found, _) => {
            let how = if found.is_some() { "in more than one way" } else { "by nothing" };
            let message = format!("a client is known {how}");
            report.contradiction(place, message, "give one of `subject`, `dns` and `uri`");
            None
        }
    }
}
