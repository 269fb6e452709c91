//! Reads a sink for mail.

use std::path::Path;

use lettre::message::Mailbox;

use crate::sink::email::{Encryption, Settings};
use crate::sink::sample;
use crate::sink::template::{Makes, Template, TemplateError};

use super::super::Located;
use super::{Report, SinkKind, Table, login};

/// The subject line when nothing is said.
const SUBJECT: &str = "[{{ severity|upper }}] {{ headline }}";

/// Reads it.
pub fn read(table: &Table<'_>, folder: &Path, report: &mut Report) -> Option<SinkKind> {
    let host = table.text("server", report);
    let encryption = encryption(table, report);
    let port = table.count("port", report);
    let ca = table.path("tls_ca", folder, report);
    let login = login::read(table, folder, report);
    let from = table.text("from", report).and_then(|from| mailbox("from", &from, report));
    let to = recipients(table, report);
    let subject = subject(table, report);
    let timeout = table.wait("timeout", report);
    if encryption == Some(Encryption::None) {
        for place in
            [table.place("tls_ca", report), table.secret_place("password", report)].into_iter().flatten()
        {
            let message = "without encryption, this would be of no use or not be secret";
            report.contradiction(place, message, "take `encryption = \"none\"` out, or this key");
        }
    }
    let encryption = encryption?;
    let port = port.and_then(|port| u16::try_from(port).ok()).unwrap_or(match encryption {
        Encryption::StartTls => 587,
        Encryption::Implicit => 465,
        Encryption::None => 25,
    });
    Some(SinkKind::Email(Box::new(Settings {
        host: host?.value,
        port,
        encryption,
        ca,
        from: from?,
        to: to?,
        subject: subject?,
        login: login?,
        timeout: timeout?,
    })))
}

fn encryption(table: &Table<'_>, report: &mut Report) -> Option<Encryption> {
    Some(match table.word("encryption", report)? {
        "starttls" => Encryption::StartTls,
        "tls" => Encryption::Implicit,
        _ => Encryption::None,
    })
}

fn recipients(table: &Table<'_>, report: &mut Report) -> Option<Vec<Mailbox>> {
    let given = table.names("to", report);
    let to: Vec<Mailbox> = given.iter().filter_map(|to| mailbox("to", to, report)).collect();
    if let (true, Some(place)) = (given.is_empty(), table.place("to", report)) {
        report.misnamed(place, "`to` has no address", "for example `to = [\"desk@example.com\"]`");
    }
    // What is wrong has been reported.
    (!to.is_empty()).then_some(to)
}

fn mailbox(key: &str, given: &Located<String>, report: &mut Report) -> Option<Mailbox> {
    match given.value.parse::<Mailbox>() {
        // Not every server on the way takes others, and none says so beforehand.
        Ok(mailbox) if <_ as AsRef<str>>::as_ref(&mailbox.email).is_ascii() => Some(mailbox),
        _ => {
            let message = format!("`{}` is no address for mail in ASCII", given.value);
            let help = format!("`{key}` takes `desk@example.com` or `Fraud Desk <desk@example.com>`");
            report.misnamed(given.span, message, help);
            None
        }
    }
}

fn subject(table: &Table<'_>, report: &mut Report) -> Option<Template> {
    let given = table.text("subject", report);
    let text = given.as_ref().map_or(SUBJECT, |given| &given.value);
    let template = Template::new(text, Makes::Text, &sample::notification("sample"));
    let wrong = |error: TemplateError| {
        // That of the program itself works.
        given.iter().for_each(|given| report.unreadable("subject", given, &error.to_string()));
    };
    template.map_err(wrong).ok()
}
