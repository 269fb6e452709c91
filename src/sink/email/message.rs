//! A notification as a mail: its headers, and both forms of what it says. Pure: the time is an argument.

use std::time::SystemTime;

use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

use crate::alert::notification::Notification;
use crate::sink::words;

use super::body::Body;

/// RFC 5322 allows 998 to a line; people read less.
const SUBJECT: usize = 250;
const HEADER: usize = 250;

/// Between whom it goes, in the words of the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Who sends it.
    pub from: Mailbox,
    /// Who gets it.
    pub to: Vec<Mailbox>,
}

/// The mail, ready to be sent, that tells of `notification`. `subject` is its line, which is made fit to be a header.
///
/// The same notification has the same `Message-ID` at every attempt, so that a mail which is delivered again can be
/// recognised; all about the same subject refer to one id, so that mail programs show them together.
///
/// # Errors
/// When the library refuses what was checked before: it is not to be expected.
pub fn message(
    notification: &Notification,
    addresses: &Addresses,
    subject: &str,
    now: SystemTime,
) -> Result<Vec<u8>, lettre::error::Error> {
    let domain = addresses.from.email.domain();
    let thread = format!("<subject-{}@{domain}>", id(&notification.subject));
    let subject = words::one_line(subject);
    let body = Body::new(notification);
    let mut message = Message::builder()
        .from(addresses.from.clone())
        .date(now)
        .message_id(Some(format!("<{}@{domain}>", id(&notification.id))))
        .in_reply_to(thread.clone())
        .references(thread)
        .subject(words::cut(&subject, SUBJECT));
    for to in &addresses.to {
        message = message.to(to.clone());
    }
    // RFC 3834: nobody's absence is to be answered with.
    message = message.raw_header(header("Auto-Submitted", "auto-generated"));
    message = message.raw_header(header("X-Tripline-Id", &notification.id));
    message = message.raw_header(header("X-Tripline-Severity", words::highest(notification).name()));
    if let Some(alert) = notification.alerts.first() {
        message = message.raw_header(header("X-Tripline-Rule", &alert.rule));
    }
    let message = message.multipart(MultiPart::alternative_plain_html(body.text(), body.html()))?;
    Ok(message.formatted())
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    let name = HeaderName::new_from_ascii_str(name);
    let value = words::one_line(value);
    HeaderValue::new(name, words::cut(&value, HEADER).into_owned())
}

/// The part of an id of RFC 5322 before the `@`.
fn id(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
    text.chars().take(HEADER).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::examples::{firing, huge, resolved};

    fn written(notification: &Notification, subject: &str) -> String {
        let mailbox = |text: &str| text.parse().expect("an address");
        let addresses = Addresses {
            from: mailbox("Tripline <alerts@shop.example.com>"),
            to: vec![mailbox("Fraud Desk <desk@example.com>"), mailbox("Jürgen <jurgen@example.com>")],
        };
        let mail = message(notification, &addresses, subject, SystemTime::UNIX_EPOCH).expect("it is written");
        assert!(mail.is_ascii(), "servers that know no more take it");
        String::from_utf8(mail).expect("it is ASCII")
    }

    /// The headers of a mail, those in several lines as one.
    fn headers(mail: &str) -> Vec<(String, String)> {
        let head = mail.split("\r\n\r\n").next().expect("a head").replace("\r\n ", " ");
        let split =
            |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
        head.lines().map(|line| split(line).unwrap_or_else(|| panic!("no header: {line}"))).collect()
    }

    #[test]
    fn a_mail_has_the_headers_that_people_and_programs_sort_by() {
        let mail = written(&firing(), "[HIGH] Card 4711");
        let headers = headers(&mail);
        let header = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| &**value);
        assert_eq!(header("Subject"), Some("[HIGH] Card 4711"));
        assert_eq!(header("From"), Some("Tripline <alerts@shop.example.com>"));
        assert_eq!(header("Message-ID"), Some("<3f2a9c0d5e6b7a81@shop.example.com>"));
        assert_eq!(header("References"), Some("<subject-9b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e@shop.example.com>"));
        assert_eq!(header("Auto-Submitted"), Some("auto-generated"));
        assert_eq!(header("X-Tripline-Rule"), Some("card_testing"));
        assert_eq!(header("Date"), Some("Thu, 01 Jan 1970 00:00:00 +0000"));
        assert!(mail.contains("Content-Type: multipart/alternative;"), "{mail}");
        assert!(mail.contains("Content-Type: text/plain; charset=utf-8"), "{mail}");
        assert!(mail.contains("Content-Type: text/html; charset=utf-8"), "{mail}");
    }

    #[test]
    fn what_is_over_has_an_id_of_its_own_in_the_same_thread() {
        let (begun, over) = (headers(&written(&firing(), "s")), headers(&written(&resolved(), "s")));
        let value = |headers: &[(String, String)], wanted: &str| {
            headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
        };
        assert_ne!(value(&begun, "Message-ID"), value(&over, "Message-ID"));
        assert_eq!(value(&begun, "References"), value(&over, "References"));
    }

    #[test]
    fn no_event_adds_a_header() {
        let mut alert = firing();
        alert.id = "x>\r\nBcc: <evil@example.com>".into();
        alert.alerts[0].rule = "r\r\nBcc: evil@example.com".into();
        let mail = written(&alert, "s\r\nBcc: evil@example.com\r\n\r\n<h1>");
        let headers = headers(&mail);
        assert!(headers.iter().all(|(name, _)| name != "Bcc"), "{headers:?}");
        assert!(headers.iter().any(|(name, _)| name == "Date"), "the head is whole: {headers:?}");
    }

    #[test]
    fn whatever_is_long_is_in_short_lines() {
        let mail = written(&huge(), &"Zürich 🔥 ".repeat(1_000));
        let longest = mail.split("\r\n").map(str::len).max();
        assert!(longest <= Some(998), "{longest:?}");
    }
}
