//! A notification as a message of syslog.
//!
//! RFC 5424 with three elements of structured data, so that nothing has to be read out of the text: what the alert
//! is (`id`, `rule`, `severity`, …), its key, and its fields. Or RFC 3164, for those who know nothing else.

use jiff::Timestamp;

use crate::alert::Severity;
use crate::alert::notification::{Notification, Status};
use crate::sink::words;

/// The most bytes that RFC 3164 allows.
const MOST_3164: usize = 1_024;
/// The longest names that RFC 5424 allows.
const HOST: usize = 255;
const APP: usize = 48;
const MSGID: usize = 32;
const PARAM_NAME: usize = 32;
/// A parameter that has more is cut.
const PARAM_VALUE: usize = 1_024;
/// Kept free for the text, whatever structured data there is.
const TEXT: usize = 256;

/// The words for facilities, at the places of their numbers.
pub const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
];

/// How a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 5424.
    Rfc5424,
    /// RFC 3164.
    Rfc3164,
}

/// What messages have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// How they are written.
    pub format: Format,
    /// The place of the facility in [`FACILITIES`].
    pub facility: u8,
    /// The machine that they name.
    pub host: String,
    /// The program that they name.
    pub app: String,
    /// The number of the process that they name.
    pub process: u32,
    /// What the names of structured data end with: `32473` in `alert@32473`.
    pub enterprise: u32,
    /// The most bytes of a message.
    pub most: usize,
}

/// The message, without anything that separates it from others.
pub fn message(notification: &Notification, style: &Style) -> String {
    let priority = style.facility * 8 + severity(notification);
    match style.format {
        Format::Rfc5424 => rfc5424(notification, style, priority),
        Format::Rfc3164 => rfc3164(notification, style, priority),
    }
}

/// By RFC 5424, 6.2.1. What is over is worth noting, no more.
fn severity(notification: &Notification) -> u8 {
    match (notification.status, words::highest(notification)) {
        (Status::Firing, Severity::Critical) => 2,
        (Status::Firing, Severity::High) => 3,
        (Status::Firing, Severity::Medium) => 4,
        (Status::Firing, Severity::Low) | (Status::Resolved, _) => 5,
        (Status::Firing, Severity::Info) => 6,
    }
}

fn rfc5424(notification: &Notification, style: &Style, priority: u8) -> String {
    let alert = notification.alerts.first();
    let time = decided(notification).map_or_else(|| "-".to_owned(), |time| format!("{time:.6}"));
    let mut out = format!(
        "<{priority}>1 {time} {} {} {} {} ",
        name(&style.host, HOST),
        name(&style.app, APP),
        style.process,
        name(alert.map_or("", |alert| &alert.rule), MSGID),
    );
    let head = out.len();
    structured_data(notification, style, &mut out);
    if out.len() == head {
        out.push('-');
    }
    let text = words::one_line(&words::headline(notification));
    if !text.is_empty() {
        out.push(' ');
        if !text.is_ascii() {
            // RFC 5424, 6.4: what is more than ASCII says that it is UTF-8.
            out.push('\u{feff}');
        }
        let room = style.most.saturating_sub(out.len());
        out.push_str(&words::cut_bytes(&text, room));
    }
    out
}

fn structured_data(notification: &Notification, style: &Style, out: &mut String) {
    let status = match notification.status {
        Status::Firing => "firing",
        Status::Resolved => "resolved",
    };
    let mut about = vec![
        ("id", notification.id.clone()),
        ("status", status.to_owned()),
        ("severity", words::highest(notification).name().to_owned()),
        ("subject", notification.subject.clone()),
        ("count", notification.count.to_string()),
    ];
    if let Some(alert) = notification.alerts.first() {
        about.push(("rule", alert.rule.clone()));
        about.push(("kind", alert.kind.clone()));
        about.push(("first_time", alert.first_time.clone()));
        about.push(("last_time", alert.last_time.clone()));
        about.push(("suppressed", alert.suppressed.to_string()));
        about.extend(alert.tags.iter().map(|tag| ("tag", tag.clone())));
        about.extend(alert.runbook.iter().map(|runbook| ("runbook", runbook.clone())));
    }
    let most = style.most.saturating_sub(TEXT);
    element("alert", about.into_iter(), style, most, out);
    match (words::several(notification), &notification.alerts[..]) {
        ([], [alert, ..]) => {
            element("key", words::pairs(&alert.key), style, most, out);
            element("fields", words::pairs(&alert.fields), style, most, out);
        }
        _ => element("group", words::pairs(&notification.group), style, most, out),
    }
}

/// Adds an element with as many of the parameters as there is room for; none, if there is room for none.
fn element<'a>(
    id: &str,
    parameters: impl Iterator<Item = (&'a str, String)>,
    style: &Style,
    most: usize,
    out: &mut String,
) {
    let begun = out.len();
    out.push_str(&format!("[{id}@{}", style.enterprise));
    let empty = out.len();
    for (parameter, value) in parameters {
        let text = format!(" {}=\"{}\"", name(parameter, PARAM_NAME), value_of(&value));
        // One more is for the bracket.
        if out.len() + text.len() < most {
            out.push_str(&text);
        }
    }
    if out.len() == empty {
        out.truncate(begun);
    } else {
        out.push(']');
    }
}

/// RFC 5424, 6.3.3: these three are escaped. Line ends become spaces for those who read by lines.
fn value_of(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in words::cut_bytes(&words::one_line(value), PARAM_VALUE).chars() {
        if matches!(c, '"' | '\\' | ']') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A name of printable ASCII, in which nothing has a meaning of its own; `-` if there is none.
fn name(text: &str, most: usize) -> String {
    let plain = |c: char| if c.is_ascii_graphic() && !matches!(c, '=' | ']' | '"') { c } else { '_' };
    let name: String = text.chars().take(most).map(plain).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}

fn rfc3164(notification: &Notification, style: &Style, priority: u8) -> String {
    let time = decided(notification).unwrap_or(Timestamp::UNIX_EPOCH).strftime("%b %e %H:%M:%S");
    let host = name(&style.host, HOST);
    // A tag has letters and digits; others end it.
    let app: String = style.app.chars().filter(char::is_ascii_alphanumeric).take(MSGID).collect();
    let severity = words::highest(notification).name();
    let headline = words::headline(notification);
    let mut text = format!("<{priority}>{time} {host} {app}[{}]: {severity}: {headline}", style.process);
    if let Some(alert) = notification.alerts.first() {
        text.push_str(&format!(" rule={} id={}", alert.rule, notification.id));
    }
    for (name, value) in words::facts(notification) {
        text.push_str(&format!(" {name}={value}"));
    }
    words::cut_bytes(&words::one_line(&text), style.most.min(MOST_3164)).into_owned()
}

fn decided(notification: &Notification) -> Option<Timestamp> {
    let time: Timestamp = notification.alerts.first()?.decided_time.parse().ok()?;
    // Years of four digits are all that syslog knows.
    (0..=9999).contains(&time.to_zoned(jiff::tz::TimeZone::UTC).year()).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::examples::{firing, group, huge, resolved};

    fn style(format: Format) -> Style {
        Style {
            format,
            facility: 16,
            host: "host-1.example.com".into(),
            app: "tripline".into(),
            process: 42,
            enterprise: 32_473,
            most: 8_192,
        }
    }

    #[test]
    fn an_alert_is_a_message_of_rfc_5424() {
        assert_eq!(
            message(&firing(), &style(Format::Rfc5424)),
            "<131>1 2026-01-01T00:00:01.250000Z host-1.example.com tripline 42 card_testing \
             [alert@32473 id=\"3f2a9c0d5e6b7a81\" status=\"firing\" severity=\"high\" \
             subject=\"9b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e\" count=\"1\" rule=\"card_testing\" kind=\"match\" \
             first_time=\"2026-01-01T00:00:00Z\" last_time=\"2026-01-01T00:00:01.25Z\" suppressed=\"3\" tag=\"fraud\" \
             tag=\"cards\" runbook=\"https://wiki.example.com/cards?a=1&b=2\"][key@32473 card=\"4711\"]\
             [fields@32473 sum=\"12.5\" shop=\"A \\\"b\\\" \\]\\\\ <c> & d\" gone=\"null\"] \
             Card 4711 <tested> & used"
        );
    }

    #[test]
    fn what_is_over_and_several_are_told_so() {
        let over = message(&resolved(), &style(Format::Rfc5424));
        assert!(over.starts_with("<133>1 ") && over.contains(" status=\"resolved\""), "{over}");
        let several = message(&group(12, 3), &style(Format::Rfc5424));
        assert!(
            several.contains(" count=\"12\"") && several.contains("[group@32473 rule=\"card_testing\"]"),
            "{several}"
        );
        assert!(several.ends_with(" 12 alerts: Card 4711 <tested> & used"), "{several}");
    }

    #[test]
    fn what_is_more_than_ascii_says_so_and_nothing_ends_a_line() {
        let mut alert = firing();
        alert.alerts[0].title = "Zürich\r\n<34>1 forged".into();
        alert.alerts[0].rule = "a b=\"]ü".into();
        for format in [Format::Rfc5424, Format::Rfc3164] {
            let text = message(&alert, &style(format));
            assert!(!text.contains(['\n', '\r']), "{text}");
        }
        let text = message(&alert, &style(Format::Rfc5424));
        assert!(text.ends_with(" \u{feff}Zürich  <34>1 forged"), "{text}");
        assert!(text.contains(" 42 a_b____ [alert@32473 "), "{text}");
    }

    #[test]
    fn an_alert_is_a_message_of_rfc_3164() {
        assert_eq!(
            message(&firing(), &style(Format::Rfc3164)),
            "<131>Jan  1 00:00:01 host-1.example.com tripline[42]: high: Card 4711 <tested> & used rule=card_testing \
             id=3f2a9c0d5e6b7a81 card=4711 sum=12.5 shop=A \"b\" ]\\ <c> & d gone=null"
        );
    }

    #[test]
    fn no_message_is_longer_than_it_may_be() {
        for (format, most) in [(Format::Rfc5424, 2_048), (Format::Rfc5424, 480), (Format::Rfc3164, 8_192)] {
            let text = message(&huge(), &Style { most, ..style(format) });
            let bound = if format == Format::Rfc3164 { MOST_3164 } else { most };
            assert!(text.len() <= bound, "{}: {text}", text.len());
            assert!(text.ends_with('…'), "{text}");
            if format == Format::Rfc5424 {
                assert!(text.contains("[alert@32473 id="), "{text}");
            }
        }
        let crowded = Style { most: 480, host: "h".repeat(500), ..style(Format::Rfc5424) };
        let text = message(&huge(), &crowded);
        assert!(text.len() <= 480 && text.contains(" - "), "{}: {text}", text.len());
    }
}
