//! Alerts as lines.

use std::sync::Arc;

use crate::alert::notification::{Notification, Status};
use crate::outbox::Outgoing;

use super::words;

/// Alerts written by one attempt.
pub const MOST: usize = 256;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A JSON object.
    Json,
    /// Text for people.
    Text,
}

/// The alerts as lines.
pub fn lines(alerts: &[Arc<Outgoing>], form: Form) -> Vec<u8> {
    let mut text = Vec::with_capacity(alerts.iter().map(|alert| alert.body.len() + 1).sum());
    alerts.iter().for_each(|alert| push(alert, form, &mut text));
    text
}

/// The same in pieces of at most `most` bytes, each with the number of its lines. A longer line is a piece by itself.
pub fn pieces(alerts: &[Arc<Outgoing>], form: Form, most: u64) -> Vec<(usize, Vec<u8>)> {
    let mut pieces: Vec<(usize, Vec<u8>)> = Vec::new();
    for alert in alerts {
        let mut line = Vec::with_capacity(alert.body.len() + 1);
        push(alert, form, &mut line);
        match pieces.last_mut() {
            Some((count, piece)) if (piece.len() + line.len()) as u64 <= most => {
                *count += 1;
                piece.append(&mut line);
            }
            _ => pieces.push((1, line)),
        }
    }
    pieces
}

fn push(alert: &Outgoing, form: Form, text: &mut Vec<u8>) {
    // What cannot be read is better seen as it is than not at all.
    let readable = if form == Form::Text { alert.notification().ok() } else { None };
    match readable {
        Some(notification) => text.extend_from_slice(line(&notification).as_bytes()),
        None => text.extend_from_slice(alert.body.as_bytes()),
    }
    text.push(b'\n');
}

/// A notification as a line of text: when, how important, what, and by which key and fields.
fn line(notification: &Notification) -> String {
    let severity = match notification.status {
        Status::Firing => words::highest(notification).name().to_uppercase(),
        Status::Resolved => "OVER".to_owned(),
    };
    let (time, rule) =
        notification.alerts.first().map_or(("", ""), |alert| (&*alert.decided_time, &*alert.rule));
    let mut line = format!("{time} {severity:<8} {rule}: {}", words::headline(notification));
    for (name, value) in words::facts(notification) {
        line.push_str(&format!(" {name}={}", words::one_line(&value)));
    }
    line.push_str(&format!(" id={}", notification.id));
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::examples::{firing, group, outgoing, resolved};

    #[test]
    fn a_notification_is_a_line_for_people() {
        let lines = lines(&[outgoing(&firing()), outgoing(&resolved()), outgoing(&group(5, 2))], Form::Text);
        assert_eq!(
            String::from_utf8(lines).expect("text"),
            "2026-01-01T00:00:01.25Z HIGH     card_testing: Card 4711 <tested> & used card=4711 sum=12.5 \
             shop=A \"b\" ]\\ <c> & d gone=null id=3f2a9c0d5e6b7a81\n\
             2026-01-01T00:00:01.25Z OVER     card_testing: Resolved: Card 4711 <tested> & used card=4711 sum=12.5 \
             shop=A \"b\" ]\\ <c> & d gone=null id=resolved-1\n\
             2026-01-01T00:00:01.25Z HIGH     card_testing: 5 alerts: Card 4711 <tested> & used rule=card_testing id=group-1\n"
        );
    }

    #[test]
    fn pieces_have_whole_lines_in_order_and_no_more_bytes_than_they_may() {
        let alert = |body: &str| Arc::new(Outgoing { body: body.into(), ..(*outgoing(&firing())).clone() });
        let alerts = ["1", "22", "a long line", "3", "4", "5"].map(alert);
        let pieces = pieces(&alerts, Form::Json, 5);
        let expected: [(usize, &[u8]); 4] =
            [(2, b"1\n22\n"), (1, b"a long line\n"), (2, b"3\n4\n"), (1, b"5\n")];
        let pieces: Vec<(usize, &[u8])> = pieces.iter().map(|(count, piece)| (*count, &piece[..])).collect();
        assert_eq!(pieces, expected);
    }

    #[test]
    fn what_cannot_be_read_is_written_as_it_is() {
        let strange = Arc::new(Outgoing { body: "{}".into(), ..(*outgoing(&firing())).clone() });
        assert_eq!(lines(&[strange], Form::Text), b"{}\n");
    }
}
