//! Reads what has to do with Kafka.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::DeValue;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::codes::{E0603, E0604, E0605, E0608, E0612};
use crate::event::Timestamp;
use crate::kafka::{Mechanism, OAuth, Sasl, Settings, Tls};
use crate::source::kafka::{self, Start, Tombstones, Topics};

use super::document::{Report, Table, check_address, check_url};

/// Reads how Kafka is reached.
pub fn client(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<Settings> {
    let brokers = brokers(table, report);
    let client_id = table.text_or_default("client_id", report);
    let tls = tls(table, folder, report);
    let sasl = sasl(table, folder, report);
    let properties = properties(table, report);
    Some(Settings {
        brokers: brokers?,
        client_id: client_id?,
        tls: tls?,
        sasl: sasl?,
        properties: properties?,
    })
}

fn brokers(table: &Table<'_>, report: &mut Report) -> Option<Vec<String>> {
    let place = table.place("brokers", report)?;
    let brokers = table.names("brokers", report);
    if brokers.is_empty() {
        report.push(
            Diagnostic::new(E0603, place, "there is no broker in the list").help("name one, as `host:port`"),
        );
        return None;
    }
    let mut right = true;
    for broker in &brokers {
        if let Err(why) = check_address(&broker.value) {
            let message = format!("`{}` is no broker: {why}", broker.value);
            let help = "a broker is written `kafka-1:9092`";
            report.push(Diagnostic::new(E0608, broker.span, message).help(help));
            right = false;
        }
    }
    right.then(|| brokers.into_iter().map(|broker| broker.value).collect())
}

#[expect(clippy::option_option, reason = "none is a mistake, which has been reported")]
fn tls(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<Option<Tls>> {
    let wanted = table.flag("tls", report);
    let ca = table.path("tls_ca", folder, report);
    let certificate = table.path("tls_cert", folder, report);
    let key = table.path("tls_key", folder, report);
    let key_password = table.secret("tls_key_password", folder, report);
    if !wanted? {
        for key in ["tls_ca", "tls_cert", "tls_key"] {
            if let Some(place) = table.place(key, report) {
                let message = format!("`{key}` is of use only with `tls = true`");
                report.contradiction(place, message, "add `tls = true`, or take this key out");
            }
        }
        return Some(None);
    }
    let identity = match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => {
            let place = table.place("tls_cert", report).or_else(|| table.place("tls_key", report))?;
            report.contradiction(place, "`tls_cert` and `tls_key` belong together", "give both or neither");
            return None;
        }
    };
    Some(Some(Tls { ca, identity, key_password }))
}

#[expect(clippy::option_option, reason = "none is a mistake, which has been reported")]
fn sasl(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<Option<Sasl>> {
    const PASSWORD: [&str; 2] = ["username", "password"];
    const TOKEN: [&str; 4] = ["token_url", "token_client_id", "token_client_secret", "token_scope"];
    let word = table.word("sasl", report)?;
    let strange: [&[&str]; 2] = match word {
        "none" => [&PASSWORD, &TOKEN],
        "oauthbearer" => [&PASSWORD, &[]],
        _ => [&TOKEN, &[]],
    };
    for key in strange.into_iter().flatten() {
        if let Some(place) = table.secret_place(key, report).or_else(|| table.place(key, report)) {
            let message = format!("`{key}` is of no use with `sasl = \"{word}\"`");
            report.contradiction(place, message, "choose the `sasl` that it is for, or take this key out");
        }
    }
    let mechanism = match word {
        "none" => return Some(None),
        "plain" => Mechanism::Plain,
        "scram-sha-256" => Mechanism::ScramSha256,
        "scram-sha-512" => Mechanism::ScramSha512,
        _ => {
            let token_url = table.required("token_url", report);
            let client_id = table.required("token_client_id", report);
            let client_secret = table.required_secret("token_client_secret", folder, report);
            let scope = table.text("token_scope", report).map(|scope| scope.value);
            let token_url = token_url?;
            let url =
                check_url(&token_url.value).map_err(|wrong| wrong.report(token_url.span, report)).ok()?;
            let oauth =
                OAuth { token_url: url, client_id: client_id?.value, client_secret: client_secret?, scope };
            return Some(Some(Sasl::OAuth(oauth)));
        }
    };
    let username = table.required("username", report);
    let password = table.required_secret("password", folder, report);
    Some(Some(Sasl::Password { mechanism, username: username?.value, password: password? }))
}

fn properties(table: &Table<'_>, report: &mut Report) -> Option<BTreeMap<String, String>> {
    let mut properties = BTreeMap::new();
    let Some((given, _)) = table.table("properties", report) else {
        return table.place("properties", report).is_none().then_some(properties);
    };
    let mut right = true;
    for (name, value) in given.iter() {
        let (place, property) = (report.span(name), name.get_ref().to_string());
        if !Settings::is_free(&property) {
            let message = format!("`{property}` cannot be set by the way");
            let help = "it has a key of its own, or that nothing is lost depends on it";
            report.push(Diagnostic::new(E0612, place, message).help(help));
            right = false;
            continue;
        }
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Boolean(flag) => flag.to_string(),
            _ => {
                let message = format!("`{property}` takes text, a whole number, `true` or `false`");
                report.push(Diagnostic::new(E0604, report.span(value), message));
                right = false;
                continue;
            }
        };
        properties.insert(property, text);
    }
    right.then_some(properties)
}

/// Reads a source of topics.
pub fn source(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<kafka::Settings> {
    let client = client(table, folder, report);
    let topics = topics(table, report);
    let group = table.text_or_default("group", report);
    let instance = instance(table, report);
    let session_timeout = table.wait("session_timeout", report);
    let start = start(table, report);
    let tombstones = match table.word("tombstones", report)? {
        "skip" => Tombstones::Skip,
        "event" => Tombstones::Event,
        _ => Tombstones::Reject,
    };
    let dead_letters = table.text("dead_letter_topic", report).map(|topic| topic.value);
    Some(kafka::Settings {
        client: client?,
        topics: topics?,
        group: group?,
        instance: instance?,
        session_timeout: session_timeout?,
        start: start?,
        tombstones,
        dead_letters,
    })
}

fn topics(table: &Table<'_>, report: &mut Report) -> Option<Topics> {
    let named = table.place("topics", report);
    let pattern = table.place("topic_pattern", report);
    match (named, pattern) {
        (Some(place), Some(_)) => {
            let message = "`topics` and `topic_pattern` cannot both be given";
            report.contradiction(place, message, "keep one of the two");
            None
        }
        (Some(place), None) => {
            let names = table.names("topics", report);
            if names.is_empty() {
                report.push(Diagnostic::new(E0603, place, "there is no topic in the list").help("name one"));
                return None;
            }
            let mut right = true;
            for name in names.iter().filter(|name| !is_topic(&name.value)) {
                let message = format!("`{}` cannot be a topic", name.value);
                let help = "the names of topics have letters, digits, `.`, `_` and `-`, at most 249; for several topics there is `topic_pattern`";
                report.push(Diagnostic::new(E0612, name.span, message).help(help));
                right = false;
            }
            right.then(|| Topics::Named(names.into_iter().map(|name| name.value).collect()))
        }
        (None, Some(place)) => {
            let pattern = table.text("topic_pattern", report)?;
            if let Err(error) = regex::Regex::new(&pattern.value) {
                let message = format!("`topic_pattern` is no regular expression: {error}");
                report.push(Diagnostic::new(E0605, place, message));
                return None;
            }
            Some(Topics::Pattern(pattern.value))
        }
        (None, None) => {
            let _ = table.required("topics", report);
            None
        }
    }
}

/// Whether Kafka allows the name.
pub fn is_topic(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !name.is_empty() && name.len() <= 249 && name.chars().all(allowed) && !matches!(name, "." | "..")
}

#[expect(clippy::option_option, reason = "none is a mistake, which has been reported")]
fn instance(table: &Table<'_>, report: &mut Report) -> Option<Option<String>> {
    let given = table.text("instance", report);
    let Some(variable) = table.text("instance_env", report) else {
        return Some(given.map(|given| given.value));
    };
    if given.is_some() {
        let message = "`instance` and `instance_env` cannot both be given";
        report.contradiction(variable.span, message, "keep one of the two");
        return None;
    }
    match std::env::var(&variable.value) {
        Ok(name) if !name.trim().is_empty() => Some(Some(name.trim().to_owned())),
        _ => {
            let message = format!("the environment variable `{}` is not set, or empty", variable.value);
            report.push(Diagnostic::new(E0605, variable.span, message).help("set it, or use `instance`"));
            None
        }
    }
}

fn start(table: &Table<'_>, report: &mut Report) -> Option<Start> {
    let Some(given) = table.text("start", report) else {
        return table.place("start", report).is_none().then_some(Start::Earliest);
    };
    Some(match given.value.as_str() {
        "earliest" => Start::Earliest,
        "latest" => Start::Latest,
        "stored" => Start::Stored,
        time => match Timestamp::parse(time) {
            Some(time) => Start::At(time),
            None => {
                report.unknown_word(&given, &["earliest", "latest", "stored", "2026-11-01T00:00:00Z"]);
                return None;
            }
        },
    })
}
