//! Alerts into a channel of Slack: as messages of Block Kit, by an incoming webhook or by `chat.postMessage`.
//!
//! The limits are those of the reference of Block Kit. All that comes from events is escaped, so that it neither
//! calls people (`<!channel>`) nor becomes a link.

use serde_json::{Value, json};

use crate::alert::Severity;
use crate::alert::notification::{Notification, Status, Told};

use crate::sink::words;

/// The message as push notifications and screen readers have it; Slack cuts beyond 40,000 and advises 4,000.
const TEXT: usize = 3_000;
const HEADER: usize = 150;
const SECTION_TEXT: usize = 3_000;
const SECTION_FIELDS: usize = 10;
/// Names and values of fields, which may have 2,000 characters together.
const NAME: usize = 200;
const VALUE: usize = 1_500;
/// Sections with facts, of 50 blocks that may be in a message.
const SECTIONS: usize = 4;
/// Alerts of a group that are told by their titles, and how long a line about one is.
const LISTED: usize = 10;
const LISTED_LINE: usize = 280;
/// A longer link is not shown.
const LINK: usize = 2_500;

/// The message for `channel`; an incoming webhook has its own.
pub fn message(notification: &Notification, channel: Option<&str>) -> Value {
    let mut message = json!({
        "text": fallback(notification),
        "blocks": blocks(notification),
        // What alerts tell of is shown as it is, without a look at the pages that it names.
        "unfurl_links": false,
        "unfurl_media": false,
    });
    if let Some(channel) = channel {
        message["channel"] = channel.into();
    }
    message
}

fn fallback(notification: &Notification) -> String {
    let severity = words::highest(notification).name().to_uppercase();
    escaped(&format!("{severity}: {}", words::headline(notification)), TEXT)
}

fn blocks(notification: &Notification) -> Vec<Value> {
    let sign = match notification.status {
        Status::Firing => sign(words::highest(notification)),
        Status::Resolved => "✅",
    };
    let header = escaped(&format!("{sign} {}", words::headline(notification)), HEADER);
    let mut blocks = vec![json!({
        "type": "header",
        "text": {"type": "plain_text", "text": header, "emoji": false},
    })];
    if let Some(about) = words::about(notification) {
        blocks.push(json!({"type": "section", "text": mrkdwn(escaped(about, SECTION_TEXT))}));
    }
    blocks.extend(facts(notification));
    blocks.extend(listed(words::several(notification), notification.count));
    blocks.extend(runbook(notification));
    blocks.push(origin(notification));
    blocks
}

const fn sign(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "⚪",
        Severity::Low => "🔵",
        Severity::Medium => "🟡",
        Severity::High => "🟠",
        Severity::Critical => "🔴",
    }
}

/// The severity and all facts, in two columns.
fn facts(notification: &Notification) -> Vec<Value> {
    let severity = ("severity", words::highest(notification).name().to_owned());
    let facts: Vec<_> = std::iter::once(severity).chain(words::facts(notification)).collect();
    let shown = &facts[..facts.len().min(SECTIONS * SECTION_FIELDS)];
    let field = |(name, value): &(&str, String)| {
        let value = if value.is_empty() { "–" } else { value };
        let text = format!("*{}*\n{}", escaped(&words::one_line(name), NAME), escaped(value, VALUE));
        mrkdwn(text)
    };
    let section = |fields: &[(&str, String)]| {
        let fields: Vec<_> = fields.iter().map(field).collect();
        json!({"type": "section", "fields": fields})
    };
    let mut sections: Vec<Value> = shown.chunks(SECTION_FIELDS).map(section).collect();
    if facts.len() > shown.len() {
        let more = format!("and {} more fields", facts.len() - shown.len());
        sections.push(json!({"type": "context", "elements": [mrkdwn(more)]}));
    }
    sections
}

/// The alerts of a group, a line each.
fn listed(alerts: &[Told], count: u64) -> Option<Value> {
    if alerts.is_empty() {
        return None;
    }
    let line = |alert: &Told| {
        let title = words::one_line(&alert.title);
        let line = format!("{} {title} ({})", sign(words::severity(alert)), words::inline(&alert.key));
        format!("• {}", escaped(&line, LISTED_LINE))
    };
    let mut lines: Vec<String> = alerts.iter().take(LISTED).map(line).collect();
    let more = count.saturating_sub(lines.len() as u64);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    Some(json!({"type": "section", "text": mrkdwn(lines.join("\n"))}))
}

/// A link rather than a button: those of apps that do not take part in interactions are shown with a warning.
fn runbook(notification: &Notification) -> Option<Value> {
    let url = words::runbook(notification)?;
    // In a link, these would end it.
    let url = escaped(&url.as_str().replace('|', "%7C"), usize::MAX);
    (url.len() <= LINK).then(|| json!({"type": "section", "text": mrkdwn(format!("<{url}|Runbook>"))}))
}

/// When it was certain and where it comes from, in small letters.
fn origin(notification: &Notification) -> Value {
    let time = notification.alerts.first().map(|alert| mrkdwn(date(&alert.decided_time)));
    let origin = mrkdwn(escaped(&words::origin(notification), VALUE));
    json!({"type": "context", "elements": time.into_iter().chain([origin]).collect::<Vec<_>>()})
}

/// A time as each reader's own clock shows it.
fn date(time: &str) -> String {
    let plain = escaped(time, NAME);
    match time.parse::<jiff::Timestamp>() {
        Ok(time) => format!("<!date^{}^{{date_short_pretty}} {{time_secs}}|{plain}>", time.as_second()),
        Err(_) => plain,
    }
}

/// `verbatim`: names of channels and addresses of pages stay text.
fn mrkdwn(text: String) -> Value {
    json!({"type": "mrkdwn", "text": text, "verbatim": true})
}

/// Text in which nothing has a meaning of its own. At most `most` characters, escapes counted.
fn escaped(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    let mut used = 0;
    // Where to cut, so that there is room for the mark.
    let mut end = 0;
    for c in text.chars() {
        if used < most {
            end = out.len();
        }
        let escape = match c {
            '&' => Some("&amp;"),
            '<' => Some("&lt;"),
            '>' => Some("&gt;"),
            _ => None,
        };
        used += escape.map_or(c.len_utf16(), str::len);
        if used > most {
            out.truncate(end);
            out.push('…');
            return out;
        }
        match escape {
            Some(escape) => out.push_str(escape),
            None => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::examples::{assert_fits, firing, group, huge, resolved};

    const SCHEMA: &str = include_str!("../../../tests/sinks/schemas/slack.json");

    #[test]
    fn an_alert_is_a_message_that_slack_takes() {
        let message = message(&firing(), None);
        assert_fits(SCHEMA, &message);
        let text = message.to_string();
        assert_eq!(message["text"], "HIGH: Card 4711 &lt;tested&gt; &amp; used");
        assert_eq!(message["blocks"][0]["text"]["text"], "🟠 Card 4711 &lt;tested&gt; &amp; used");
        assert_eq!(message["blocks"][1]["text"]["text"], "Small payments, then &lt;a&gt; large one");
        assert_eq!(message["blocks"][2]["fields"][1]["text"], "*card*\n4711");
        assert_eq!(message["blocks"][2]["fields"][2]["text"], "*sum*\n12.5");
        assert!(text.contains("<https://wiki.example.com/cards?a=1&amp;b=2|Runbook>"), "{text}");
        assert!(
            text.contains("<!date^1767225601^{date_short_pretty} {time_secs}|2026-01-01T00:00:01.25Z>"),
            "{text}"
        );
        assert!(text.contains("3 held back"), "{text}");
    }

    #[test]
    fn an_event_calls_nobody() {
        let mut alert = firing();
        alert.alerts[0].title = "<!channel> <@U1> <https://evil.example.com|bank>".into();
        alert.alerts[0].runbook = Some("https://a.example.com/x|y>z".into());
        let message = message(&alert, Some("C1"));
        assert_fits(SCHEMA, &message);
        assert!(!message.to_string().contains("<!channel"), "{message}");
        assert!(message.to_string().contains("<https://a.example.com/x%7Cy%3Ez|Runbook>"), "{message}");
        assert_eq!(message["channel"], "C1");
    }

    #[test]
    fn several_are_one_message_with_their_number() {
        let message = message(&group(120, 30), None);
        assert_fits(SCHEMA, &message);
        let text = message.to_string();
        assert!(
            text.contains("120 alerts: ") && text.contains("card=4720") && !text.contains("card=4721"),
            "{text}"
        );
        assert!(text.contains("and 110 more"), "{text}");
    }

    #[test]
    fn what_is_over_is_told_so() {
        let message = message(&resolved(), None);
        assert_fits(SCHEMA, &message);
        assert_eq!(message["blocks"][0]["text"]["text"], "✅ Resolved: Card 4711 &lt;tested&gt; &amp; used");
    }

    #[test]
    fn whatever_is_too_much_is_cut() {
        let mut many = group(1_000_000, 1_000);
        many.alerts.iter_mut().for_each(|alert| alert.title = "&<🔥".repeat(3_000));
        let mut long_link = firing();
        long_link.alerts[0].runbook = Some(format!("https://example.com/?{}", "&".repeat(2_000)));
        for notification in [huge(), many, long_link] {
            let message = message(&notification, None);
            assert_fits(SCHEMA, &message);
        }
    }
}
