//! Reads a sink for Slack.

use std::path::Path;

use crate::sink::http::Target;
use crate::sink::slack::{API, Settings, Way};

use super::{Report, SinkKind, Table, http};

/// Reads it.
pub fn read(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<SinkKind> {
    let way = way(table, folder, report);
    let http = http::settings(table, folder, report);
    Some(SinkKind::Slack(Settings { way: way?, http: http? }))
}

fn way(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<Way> {
    let webhook = table.secret_url("url", folder, report);
    let token = table.secret("token", folder, report);
    let url = table.url_or("api_url", API, report);
    match (table.secret_place("url", report), table.secret_place("token", report)) {
        (Some(_), Some(token)) => {
            let message = "a message goes by a webhook or as a bot, not both";
            report.contradiction(token, message, "keep either `url` or `token` with `channel`");
            None
        }
        (None, Some(_)) => {
            let channel = table.required("channel", report)?;
            Some(Way::Bot { url: url?, token: token?, channel: channel.value })
        }
        (_, None) => {
            for key in ["channel", "api_url"] {
                if let Some(place) = table.place(key, report) {
                    let message = format!("`{key}` is of use only with `token`");
                    report.contradiction(place, message, "a webhook has its channel: take this key out");
                }
            }
            if webhook.is_none() {
                table.missing("url", report);
            }
            webhook.map(|url| Way::Webhook(Target(url)))
        }
    }
}
