//! What people read of a notification: the words that all sinks have in common which write for people. Pure.

use std::borrow::Cow;

use serde_json::Value;

use crate::alert::Severity;
use crate::alert::notification::{Named, Notification, Status, Told};

/// How much an alert matters. What no version of Tripline has written is not taken lightly.
pub fn severity(told: &Told) -> Severity {
    let known = Severity::ALL.into_iter().find(|severity| severity.name() == told.severity);
    known.unwrap_or(Severity::Critical)
}

/// How much the most important alert of a notification matters.
pub fn highest(notification: &Notification) -> Severity {
    notification.alerts.iter().map(severity).max().unwrap_or(Severity::Critical)
}

/// What it is about in a line: the title, of several alerts their number and the title of the first; and that it
/// is over.
pub fn headline(notification: &Notification) -> String {
    let title = notification.alerts.first().map_or_else(String::new, |alert| {
        let title = one_line(&alert.title);
        if title.is_empty() { alert.rule.clone() } else { title }
    });
    let what = match notification.count {
        0 | 1 => title,
        count => format!("{count} alerts: {title}"),
    };
    match notification.status {
        Status::Firing => what,
        Status::Resolved => format!("Resolved: {what}"),
    }
}

/// What a single alert says of itself: its key, then its fields. Of several: what they have in common.
pub fn facts(notification: &Notification) -> Vec<(&str, String)> {
    match (several(notification), &notification.alerts[..]) {
        ([], [alert, ..]) => pairs(&alert.key).chain(pairs(&alert.fields)).collect(),
        _ => pairs(&notification.group).collect(),
    }
}

/// What the rule says that it is about; nothing, if alerts of several rules are told together.
pub fn about(notification: &Notification) -> Option<&str> {
    let first = notification.alerts.first()?;
    let is_one_rule = notification.alerts.iter().all(|alert| alert.rule == first.rule);
    first.about.as_deref().filter(|about| is_one_rule && !about.is_empty())
}

/// Where it comes from, in small letters: the rule, its tags, how many were held back, the id.
pub fn origin(notification: &Notification) -> String {
    let mut parts = Vec::new();
    if let Some(alert) = notification.alerts.first() {
        parts.push(format!("rule {}", alert.rule));
        if alert.kind != "match" {
            parts.push(alert.kind.clone());
        }
        if !alert.tags.is_empty() {
            parts.push(alert.tags.join(", "));
        }
        if alert.suppressed > 0 {
            parts.push(format!("{} held back before it", alert.suppressed));
        }
    }
    parts.push(notification.id.clone());
    one_line(&parts.join(" · "))
}

/// The alerts of a notification that stands for several; none if it is about one.
pub fn several(notification: &Notification) -> &[Told] {
    if notification.count > 1 || notification.alerts.len() > 1 { &notification.alerts } else { &[] }
}

/// Names with their values as people read them.
pub fn pairs(named: &Named<Value>) -> impl Iterator<Item = (&str, String)> {
    named.0.iter().map(|(name, value)| (name.as_str(), shown(value)))
}

/// A value as people read it: text as it is, everything else as in JSON.
pub fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `card=4711 city=Zürich`.
pub fn inline(named: &Named<Value>) -> String {
    pairs(named).map(|(name, value)| format!("{name}={}", one_line(&value))).collect::<Vec<_>>().join(" ")
}

/// Where it is written what to do, if that is something to be opened in a browser.
pub fn link(runbook: Option<&str>) -> Option<url::Url> {
    let url = url::Url::parse(runbook?).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// The first runbook of a notification that can be opened.
pub fn runbook(notification: &Notification) -> Option<url::Url> {
    notification.alerts.iter().find_map(|alert| link(alert.runbook.as_deref()))
}

/// The text without line ends and other characters that control.
pub fn one_line(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// At most `most` characters of a text; one that was longer ends with `…`. Counted in units of UTF-16, as some
/// receivers count: that is never less than characters.
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    cut_by(text, most, char::len_utf16, 1)
}

/// At most `most` bytes of a text; one that was longer ends with `…`.
pub fn cut_bytes(text: &str, most: usize) -> Cow<'_, str> {
    cut_by(text, most, char::len_utf8, '…'.len_utf8())
}

fn cut_by(text: &str, most: usize, size: impl Fn(char) -> usize, mark: usize) -> Cow<'_, str> {
    let mut used = 0;
    // Where to cut, so that there is room for the mark.
    let mut end = 0;
    for (at, c) in text.char_indices() {
        if used + mark <= most {
            end = at;
        }
        used += size(c);
        if used > most {
            let mark = if mark <= most { "…" } else { "" };
            return Cow::Owned(format!("{}{mark}", &text[..end]));
        }
    }
    Cow::Borrowed(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::examples::{firing, group, resolved};

    #[test]
    fn a_headline_says_how_many_and_whether_it_is_over() {
        assert_eq!(headline(&firing()), "Card 4711 <tested> & used");
        assert_eq!(headline(&resolved()), "Resolved: Card 4711 <tested> & used");
        assert_eq!(headline(&group(12, 3)), "12 alerts: Card 4711 <tested> & used");
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        assert_eq!(cut("four", 4), "four");
        assert_eq!(cut("fives", 4), "fiv…");
        assert_eq!(cut("äöüäö", 4), "äöü…");
        assert_eq!(cut("🔥🔥🔥", 4), "🔥…", "each is two units of UTF-16");
        assert_eq!(cut("ab", 1), "…");
        assert_eq!(cut("ab", 0), "");
        assert_eq!(cut_bytes("äöüäö", 8), "äö…");
        assert_eq!(cut_bytes("äöü", 6), "äöü");
        assert_eq!(cut_bytes("äöü", 2), "");
    }

    #[test]
    fn only_what_a_browser_opens_is_a_link() {
        assert!(link(Some("https://wiki.example.com/cards")).is_some());
        for other in [None, Some("javascript:alert(1)"), Some("see the wiki"), Some("file:///etc/passwd")] {
            assert_eq!(link(other), None);
        }
    }
}
