//! What a mail says, as plain text and as HTML. Pure.

use crate::alert::notification::{Named, Notification, Status, Told};
use crate::sink::words;

const VALUE: usize = 2_000;
const ROWS: usize = 200;
/// Alerts of a group that are told by themselves.
const LISTED: usize = 50;
/// Bytes of events, of all alerts together.
const EVENTS: usize = 32 << 10;

/// A mail before it is text or HTML.
#[derive(Debug)]
pub struct Body {
    headline: String,
    colour: &'static str,
    parts: Vec<Part>,
    /// Where it comes from.
    footer: String,
}

/// A heading with what is under it.
#[derive(Debug)]
struct Part {
    heading: String,
    /// Names with their values.
    rows: Vec<(String, String)>,
    /// Lines to be read as they are.
    lines: Vec<String>,
}

impl Body {
    /// What the mail about a notification says.
    pub fn new(notification: &Notification) -> Body {
        let mut parts = vec![Part { heading: String::new(), rows: about(notification), lines: Vec::new() }];
        let mut room = EVENTS;
        match words::several(notification) {
            [] => {
                if let Some(alert) = notification.alerts.first() {
                    parts.extend(named("Key", &alert.key));
                    parts.extend(named("Fields", &alert.fields));
                    parts.extend(events(alert, &mut room));
                }
            }
            several => {
                parts.extend(named("In common", &notification.group));
                for alert in several.iter().take(LISTED) {
                    parts.push(listed(alert));
                    parts.extend(events(alert, &mut room));
                }
                let more = notification.count.saturating_sub(several.len().min(LISTED) as u64);
                if more > 0 {
                    let heading = format!("… and {more} more");
                    parts.push(Part { heading, rows: Vec::new(), lines: Vec::new() });
                }
            }
        }
        Body {
            headline: words::cut(&words::headline(notification), VALUE).into_owned(),
            colour: colour(notification),
            parts,
            footer: format!("Tripline · {} · {}", notification.id, notification.subject),
        }
    }

    /// As plain text.
    pub fn text(&self) -> String {
        let mut out = format!("{}\n", self.headline);
        for part in &self.parts {
            out.push('\n');
            if !part.heading.is_empty() {
                out.push_str(&format!("{}\n", part.heading));
            }
            let indent = if part.heading.is_empty() { "" } else { "  " };
            for (name, value) in &part.rows {
                out.push_str(&format!("{indent}{name}: {}\n", value.replace('\n', "\n    ")));
            }
            for line in &part.lines {
                out.push_str(&format!("{indent}{line}\n"));
            }
        }
        // What follows this line is a signature for those who answer.
        out.push_str(&format!("\n-- \n{}\n", self.footer));
        out
    }

    /// As HTML, with nothing that is loaded from elsewhere.
    pub fn html(&self) -> String {
        let mut out = format!(
            "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
             <body style=\"font-family:sans-serif;font-size:14px;color:#222\">\n\
             <h2 style=\"border-left:8px solid {colour};padding-left:8px\">{title}</h2>\n",
            title = escaped(&self.headline),
            colour = self.colour,
        );
        for part in &self.parts {
            if !part.heading.is_empty() {
                out.push_str(&format!("<h3>{}</h3>\n", escaped(&part.heading)));
            }
            if !part.rows.is_empty() {
                out.push_str("<table cellpadding=\"3\">\n");
                for (name, value) in &part.rows {
                    let (name, value) = (escaped(name), linked(value));
                    out.push_str(&format!(
                        "<tr><th align=\"left\" valign=\"top\">{name}</th><td>{value}</td></tr>\n"
                    ));
                }
                out.push_str("</table>\n");
            }
            if !part.lines.is_empty() {
                let lines: Vec<String> = part.lines.iter().map(|line| escaped(line)).collect();
                out.push_str(&format!("<pre style=\"white-space:pre-wrap\">{}</pre>\n", lines.join("\n")));
            }
        }
        out.push_str(&format!("<p style=\"color:#777\">{}</p>\n</body></html>\n", escaped(&self.footer)));
        out
    }
}

fn colour(notification: &Notification) -> &'static str {
    use crate::alert::Severity;
    match (notification.status, words::highest(notification)) {
        (Status::Resolved, _) => "#2e7d32",
        (_, Severity::Critical) => "#b71c1c",
        (_, Severity::High) => "#e65100",
        (_, Severity::Medium) => "#f9a825",
        (_, Severity::Low) => "#1565c0",
        (_, Severity::Info) => "#9e9e9e",
    }
}

fn about(notification: &Notification) -> Vec<(String, String)> {
    let mut rows = vec![("Severity".to_owned(), words::highest(notification).name().to_owned())];
    let mut put = |name: &str, value: String| rows.push((name.to_owned(), value));
    if notification.count > 1 {
        put("Alerts", notification.count.to_string());
    }
    if let Some(alert) = notification.alerts.first() {
        put("Rule", alert.rule.clone());
        if alert.kind != "match" {
            put("Kind", alert.kind.clone());
        }
        if let Some(about) = &alert.about {
            put("About", about.clone());
        }
        put("Decided", alert.decided_time.clone());
        put("Events from", format!("{} to {}", alert.first_time, alert.last_time));
        if !alert.tags.is_empty() {
            put("Tags", alert.tags.join(", "));
        }
        if alert.suppressed > 0 {
            put("Held back before it", alert.suppressed.to_string());
        }
        if let Some(runbook) = &alert.runbook {
            put("Runbook", runbook.clone());
        }
    }
    rows
}

fn named(heading: &str, named: &Named<serde_json::Value>) -> Option<Part> {
    let cut = |text: &str| words::cut(text, VALUE).into_owned();
    let rows: Vec<_> = words::pairs(named).take(ROWS).map(|(name, value)| (cut(name), cut(&value))).collect();
    (!rows.is_empty()).then(|| Part { heading: heading.to_owned(), rows, lines: Vec::new() })
}

fn listed(alert: &Told) -> Part {
    let title = words::one_line(&alert.title);
    let heading = format!("{}: {}", words::severity(alert).name(), words::cut(&title, VALUE));
    let fields = words::inline(&alert.fields);
    let mut rows = vec![("Key".to_owned(), words::cut(&words::inline(&alert.key), VALUE).into_owned())];
    if !fields.is_empty() {
        rows.push(("Fields".to_owned(), words::cut(&fields, VALUE).into_owned()));
    }
    rows.push(("Decided".to_owned(), alert.decided_time.clone()));
    rows.push(("Id".to_owned(), alert.id.clone()));
    Part { heading, rows, lines: Vec::new() }
}

/// The captured events, as long as there is room.
fn events(alert: &Told, room: &mut usize) -> Option<Part> {
    let mut lines = Vec::new();
    let all = alert.events.0.iter().flat_map(|(name, events)| events.iter().map(move |event| (name, event)));
    let mut left_out = 0_usize;
    for (name, event) in all {
        let line = format!("{name}: {}", event.get());
        if left_out == 0 && line.len() <= *room {
            *room -= line.len();
            lines.push(line);
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 {
        lines.push(format!("and {left_out} more"));
    }
    (!lines.is_empty()).then(|| Part { heading: "Events".to_owned(), rows: Vec::new(), lines })
}

/// A value; as a link if it is one as a whole.
fn linked(value: &str) -> String {
    let text = escaped(value).replace('\n', "<br>");
    match words::link(Some(value)) {
        Some(url) => format!("<a href=\"{}\">{text}</a>", escaped(url.as_str())),
        None => text,
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::examples::{firing, group, huge, resolved};

    #[test]
    fn a_mail_says_it_all_as_text() {
        assert_eq!(
            Body::new(&firing()).text(),
            "Card 4711 <tested> & used\n\n\
             Severity: high\nRule: card_testing\nAbout: Small payments, then <a> large one\nDecided: 2026-01-01T00:00:01.25Z\n\
             Events from: 2026-01-01T00:00:00Z to 2026-01-01T00:00:01.25Z\nTags: fraud, cards\nHeld back before it: 3\n\
             Runbook: https://wiki.example.com/cards?a=1&b=2\n\n\
             Key\n  card: 4711\n\nFields\n  sum: 12.5\n  shop: A \"b\" ]\\ <c> & d\n  gone: null\n\n\
             Events\n  small: {\"id\":\"1\",\"amount\":1.10}\n\n\
             -- \nTripline · 3f2a9c0d5e6b7a81 · 9b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e\n"
        );
    }

    #[test]
    fn nothing_of_an_event_is_html() {
        let mut alert = firing();
        alert.alerts[0].title = "<script>alert('x')</script>".into();
        alert.alerts[0].fields =
            Named(vec![("<b>".into(), "<img src=\"https://evil.example.com/\">".into())]);
        let html = Body::new(&alert).html();
        assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("<b>"), "{html}");
        assert!(html.contains("<a href=\"https://wiki.example.com/cards?a=1&amp;b=2\">"), "{html}");
    }

    #[test]
    fn several_and_what_is_over_are_told_so() {
        let text = Body::new(&group(60, 55)).text();
        assert!(
            text.starts_with("60 alerts: Card 4711") && text.contains("In common\n  rule: card_testing"),
            "{text}"
        );
        assert!(
            text.contains("Key: card=4760") && !text.contains("card=4761") && text.contains("… and 10 more"),
            "{text}"
        );
        assert!(Body::new(&resolved()).text().starts_with("Resolved: "));
    }

    #[test]
    fn a_mail_has_a_size() {
        let mut alert = huge();
        let event = || serde_json::value::to_raw_value(&"x".repeat(20_000)).expect("text");
        alert.alerts[0].events = Named(vec![("e".into(), (0..100).map(|_| event()).collect())]);
        let body = Body::new(&alert);
        assert!(body.text().contains("and 99 more"));
        assert!(body.html().len() < 4 << 20, "{}", body.html().len());
    }
}
