//! Reads a sink for Prometheus Alertmanager.

use std::path::Path;

use crate::sink::alertmanager::{Labelling, Login, Settings, label_name};

use super::super::Located;
use super::{Report, SinkKind, Table, http, login};

/// Reads it.
pub fn read(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<SinkKind> {
    let url = table.url("url", report).map(|mut url| {
        let path = format!("{}/api/v2/alerts", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url
    });
    let resolve_after = table.wait("resolve_after", report);
    let labels = labels(table, report);
    let token = table.secret("token", folder, report);
    let name_and_password = login::read(table, folder, report);
    if let (Some(_), Some(place)) = (&token, table.place("username", report)) {
        let help = "keep either `token` or `username` with `password`";
        report.contradiction(place, "a request has a token or a name, not both", help);
    }
    let login = match (token, name_and_password?) {
        (Some(token), _) => Some(Login::Bearer(token)),
        (None, Some((name, password))) => Some(Login::Basic(name, password)),
        (None, None) => None,
    };
    let http = http::settings(table, folder, report);
    let labelling = Labelling { labels: labels?, resolve_after: resolve_after? };
    Some(SinkKind::Alertmanager(Settings { url: url?, login, labelling, http: http? }))
}

fn labels(table: &Table<'_>, report: &mut Report) -> Option<Vec<(String, String)>> {
    let mut labels = Vec::new();
    for (name, value) in table.texts("labels", report)? {
        if label_name(&name.value) == name.value {
            labels.push((name.value, value.value));
        } else {
            let Located { value, span } = name;
            let message = format!("`{value}` cannot be the name of a label");
            report.misnamed(
                span,
                message,
                "a label has letters, digits and `_`, and does not begin with a digit",
            );
        }
    }
    Some(labels)
}
