//! Reads a sink for a webhook.

use std::path::Path;

use reqwest::header::{CONTENT_TYPE, HeaderName};

use crate::diagnostic::Diagnostic;
use crate::diagnostic::codes::{E0605, E0612};
use crate::secret::Secret;
use crate::sink::sample;
use crate::sink::template::{Makes, Template};
use crate::sink::webhook::{OWN_HEADERS, Settings};

use super::{Report, SinkKind, Table, http};

/// Reads it.
pub fn read(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<SinkKind> {
    let url = table.secret_url("url", folder, report);
    let secret = table.secret("secret", folder, report);
    let headers = headers(table, folder, report);
    let template = template(table, &headers, report);
    let http = http::settings(table, folder, report);
    let settings = Settings { url: url?, secret, headers, template, http: http? };
    Some(SinkKind::Webhook(Box::new(settings)))
}

fn headers(table: &Table<'_>, folder: &Path, report: &mut Report) -> Vec<(HeaderName, Secret)> {
    let mut headers = Vec::new();
    for (name, secret) in table.secrets("headers", folder, report) {
        let lower = name.value.to_lowercase();
        match HeaderName::try_from(&lower) {
            Ok(_) if OWN_HEADERS.contains(&&*lower) => {
                let message = format!("`{}` is set by the sink itself", name.value);
                report.push(Diagnostic::new(E0612, name.span, message).help("take it out"));
            }
            Ok(name) => headers.push((name, secret)),
            Err(_) => {
                let message = format!("`{}` cannot be the name of a header", name.value);
                report.push(Diagnostic::new(E0612, name.span, message));
            }
        }
    }
    headers
}

/// The template, which makes JSON unless a header says something else.
fn template(table: &Table<'_>, headers: &[(HeaderName, Secret)], report: &mut Report) -> Option<Template> {
    let given = table.text("template", report)?;
    let media =
        headers.iter().find(|(name, _)| *name == CONTENT_TYPE).and_then(|(_, value)| value.get().ok());
    let makes = match media {
        Some(media) if !media.to_lowercase().contains("json") => Makes::Text,
        _ => Makes::Json,
    };
    let template = Template::new(&given.value, makes, &sample::notification("sample"));
    let wrong = |error| Diagnostic::new(E0605, given.span, format!("`template` cannot be used: {error}"));
    template.map_err(|error| report.push(wrong(error))).ok()
}
