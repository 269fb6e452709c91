//! Reads the schema registries of a configuration.

use std::path::Path;

use reqwest::Url;
use toml::de::DeTable;

use crate::diagnostic::codes::{E0603, E0612};
use crate::diagnostic::{Diagnostic, nearest};
use crate::source::registry::{Credentials, Settings};
use crate::source::tcp_client::Backoff;

use super::document::{Report, Table, check_url, list};
use super::reference::REGISTRY;
use super::{Located, Registry, Source};

/// Reads a registry. Relative paths begin at `folder`.
pub fn registry(
    name: Located<String>,
    values: &DeTable<'_>,
    folder: &Path,
    report: &mut Report,
) -> Option<Registry> {
    let table = Table::new(values, &REGISTRY, name.span, report);
    let urls = urls(&table, report);
    let credentials = credentials(&table, folder, report);
    let ca = table.path("tls_ca", folder, report);
    let timeout = table.wait("timeout", report);
    let first = table.wait("backoff", report);
    let most = table.wait("max_backoff", report);
    let absent_for = table.wait("absent_for", report);
    let settings = Settings {
        urls: urls?,
        credentials: credentials?,
        ca,
        timeout: timeout?,
        backoff: Backoff { first: first?, most: most? },
        absent_for: absent_for?,
    };
    Some(Registry { name, settings })
}

fn urls(table: &Table<'_>, report: &mut Report) -> Option<Vec<Url>> {
    let given = table.names("urls", report);
    let place = table.place("urls", report)?;
    if given.is_empty() {
        report.push(Diagnostic::new(E0603, place, "there is no URL in the list"));
        return None;
    }
    let mut urls = Vec::new();
    for url in given {
        match check_url(&url.value) {
            Ok(url) => urls.push(url),
            Err(wrong) => wrong.report(url.span, report),
        }
    }
    (!urls.is_empty()).then_some(urls)
}

fn credentials(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<Credentials> {
    let user = table.text("user", report);
    let password = table.secret("password", folder, report);
    let token = table.secret("token", folder, report);
    match (user, password, token) {
        (None, None, None) => Some(Credentials::None),
        (Some(user), Some(password), None) => Some(Credentials::Basic { user: user.value, password }),
        (None, None, Some(token)) => Some(Credentials::Bearer(token)),
        (user, _, token) => {
            let place = user.map(|user| user.span).or_else(|| table.place("password", report));
            let message = match token {
                Some(_) => "a registry is told who asks either by `user` and `password` or by `token`",
                None => "`user` and `password` belong together",
            };
            let place = place.unwrap_or_else(|| table.heading());
            report.contradiction(
                place,
                message,
                "give a `user` and a `password`, or a `token`, or none of them",
            );
            None
        }
    }
}

/// Reports sources that name a registry that is not there.
pub fn unknown(sources: &[Source], registries: &[Registry], report: &mut Report) {
    let names = || registries.iter().map(|registry| registry.name.value.as_str());
    for wanted in sources.iter().filter_map(|source| source.registry.as_ref()) {
        if names().any(|name| name == wanted.value) {
            continue;
        }
        let help = match nearest(&wanted.value, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if registries.is_empty() => format!("add `[registries.{}]` to this file", wanted.value),
            None => format!("the registries are {}", list(names())),
        };
        let message = format!("there is no registry `{}`", wanted.value);
        report.push(Diagnostic::new(E0612, wanted.span, message).help(help));
    }
}
