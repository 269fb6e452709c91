//! Alerts into Microsoft Teams: as Adaptive Cards, by the webhook of a workflow.
//!
//! Cards know a dialect of Markdown in some places. All that comes from events stands in runs of rich text, where
//! nothing has a meaning of its own, so that no alert can hold a link that its rule did not give it.

use serde_json::{Value, json};

use crate::alert::Severity;
use crate::alert::notification::{Notification, Status, Told};

use crate::sink::words;

/// Teams takes messages of up to 28 KB; there is to be room for what the workflow adds.
const MESSAGE: usize = 24 << 10;
const TITLE: usize = 300;
const NAME: usize = 100;
const VALUE: usize = 800;
const LINK: usize = 2_000;
/// Facts and alerts of a group that are shown at most.
const FACTS: usize = 40;
const LISTED: usize = 10;

/// The message.
pub fn message(notification: &Notification) -> Value {
    let mut lines = lines(notification);
    let all = lines.len();
    loop {
        let message = card(notification, &lines, all - lines.len());
        if message.to_string().len() <= MESSAGE || lines.is_empty() {
            return message;
        }
        // Half of it is more than is needed to begin with; a message that is too long is rare.
        lines.truncate(lines.len() / 2);
    }
}

fn card(notification: &Notification, lines: &[Value], left_out: usize) -> Value {
    let mut body = vec![title(notification)];
    body.extend_from_slice(lines);
    if left_out > 0 {
        body.push(line(vec![subtle(format!("and {left_out} more lines"))]));
    }
    body.push(line(vec![subtle(origin(notification))]));
    let actions: Vec<Value> = words::runbook(notification)
        .filter(|url| url.as_str().len() <= LINK)
        .map(|url| json!({"type": "Action.OpenUrl", "title": "Runbook", "url": url.as_str()}))
        .into_iter()
        .collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": {"width": "Full"},
                "fallbackText": words::cut(&words::headline(notification), TITLE),
                "body": body,
                "actions": actions,
            },
        }],
    })
}

/// The headline in a container whose colour says how much it matters.
fn title(notification: &Notification) -> Value {
    let severity = words::highest(notification);
    let (style, word) = match notification.status {
        Status::Firing => (style(severity), severity.name().to_uppercase()),
        Status::Resolved => ("good", "OVER".to_owned()),
    };
    let headline = words::headline(notification);
    json!({
        "type": "Container",
        "style": style,
        "bleed": true,
        "items": [
            line(vec![json!({"type": "TextRun", "text": word, "size": "small", "weight": "bolder"})]),
            line(vec![json!({
                "type": "TextRun",
                "text": words::cut(&headline, TITLE),
                "size": "large",
                "weight": "bolder",
            })]),
        ],
    })
}

const fn style(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "default",
        Severity::Low => "accent",
        Severity::Medium => "warning",
        Severity::High | Severity::Critical => "attention",
    }
}

/// The facts and the alerts of a group, a line each.
fn lines(notification: &Notification) -> Vec<Value> {
    let facts = words::facts(notification);
    let about = words::about(notification).map(|about| line(vec![run(&words::cut(about, VALUE))]));
    let shown = facts.iter().take(FACTS).map(|(name, value)| fact(name, value));
    let mut lines: Vec<Value> = about.into_iter().chain(shown).collect();
    if facts.len() > FACTS {
        lines.push(line(vec![subtle(format!("and {} more fields", facts.len() - FACTS))]));
    }
    let alerts = words::several(notification);
    lines.extend(alerts.iter().take(LISTED).map(listed));
    let more = notification.count.saturating_sub(LISTED.min(alerts.len()) as u64);
    if !alerts.is_empty() && more > 0 {
        lines.push(line(vec![subtle(format!("and {more} more alerts"))]));
    }
    lines
}

fn fact(name: &str, value: &str) -> Value {
    let name = format!("{}: ", words::cut(&words::one_line(name), NAME));
    line(vec![json!({"type": "TextRun", "text": name, "weight": "bolder"}), run(&words::cut(value, VALUE))])
}

fn listed(alert: &Told) -> Value {
    let title = words::one_line(&alert.title);
    let text = format!("{}: {title} ({})", words::severity(alert).name(), words::inline(&alert.key));
    line(vec![run(&format!("• {}", words::cut(&text, TITLE)))])
}

/// When it was certain and where it comes from.
fn origin(notification: &Notification) -> String {
    let time = notification.alerts.first().map_or("", |alert| &alert.decided_time);
    words::cut(&format!("{time} · {}", words::origin(notification)), VALUE).into_owned()
}

fn line(inlines: Vec<Value>) -> Value {
    json!({"type": "RichTextBlock", "spacing": "small", "inlines": inlines})
}

fn run(text: &str) -> Value {
    // A run without text is refused.
    json!({"type": "TextRun", "text": if text.is_empty() { "–" } else { text }})
}

fn subtle(text: String) -> Value {
    json!({"type": "TextRun", "text": text, "size": "small", "isSubtle": true})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::examples::{assert_fits, firing, group, huge, resolved};

    const SCHEMA: &str = include_str!("../../../tests/sinks/schemas/teams.json");

    /// What is read in a card, a line each.
    fn read(message: &Value) -> Vec<String> {
        let card = &message["attachments"][0]["content"];
        let blocks =
            card["body"].as_array().expect("a list").iter().flat_map(|element| match &element["items"] {
                Value::Array(items) => items.clone(),
                _ => vec![element.clone()],
            });
        let line = |block: Value| {
            let runs = block["inlines"].as_array().expect("a list").iter();
            runs.map(|run| run["text"].as_str().expect("text")).collect()
        };
        blocks.map(line).collect()
    }

    #[test]
    fn an_alert_is_a_card_that_teams_takes() {
        let message = message(&firing());
        assert_fits(SCHEMA, &message);
        assert_eq!(
            read(&message),
            [
                "HIGH",
                "Card 4711 <tested> & used",
                "Small payments, then <a> large one",
                "card: 4711",
                "sum: 12.5",
                "shop: A \"b\" ]\\ <c> & d",
                "gone: null",
                "2026-01-01T00:00:01.25Z · rule card_testing · fraud, cards · 3 held back before it · 3f2a9c0d5e6b7a81",
            ]
        );
        let action = &message["attachments"][0]["content"]["actions"][0];
        assert_eq!(action["url"], "https://wiki.example.com/cards?a=1&b=2");
    }

    #[test]
    fn several_are_one_card_and_what_is_over_is_told_so() {
        let several = message(&group(12, 11));
        assert_fits(SCHEMA, &several);
        let lines = read(&several);
        assert!(lines.contains(&"• high: Card 4711 <tested> & used (card=4720)".into()), "{lines:?}");
        assert!(lines.contains(&"and 2 more alerts".into()), "{lines:?}");
        let over = message(&resolved());
        assert_fits(SCHEMA, &over);
        assert_eq!(over["attachments"][0]["content"]["body"][0]["style"], "good");
    }

    #[test]
    fn a_card_stays_below_the_size_that_teams_takes() {
        let mut many = group(1_000_000, 1_000);
        many.alerts.iter_mut().for_each(|alert| alert.title = "\u{1}\"🔥".repeat(3_000));
        for notification in [huge(), many] {
            let message = message(&notification);
            assert_fits(SCHEMA, &message);
            assert!(message.to_string().len() <= 28_000, "{}", message.to_string().len());
        }
    }
}
