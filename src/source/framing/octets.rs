//! Octet counting, as RFC 6587 frames syslog over TCP: `LEN SP MSG`, where LEN is the length of MSG
//! in bytes, in decimal digits.
//!
//! - As receivers do that take what is out there, a frame that does not begin with a digit is a line
//!   (the RFC's non-transparent framing; a syslog message begins with `<`).
//! - A line end that the count includes is not part of the record, and one after a frame is none:
//!   senders disagree about both. So blank records are passed over.
//! - What begins with a digit but is no count is reported once, with the line that it stands on, and
//!   the next frame begins after that line. Nearly always it is a line of a sender that counts
//!   nothing, and then this is right. A sender that counts wrong (characters instead of bytes, say)
//!   may have the text of a message read as a frame: but so it may wherever its count ends too early,
//!   because then follows a line, so that giving up the rest of the connection would lose much and
//!   save little. Who needs certainty uses `length_prefixed`.
//! - A count larger than allowed is believed, if it could be meant: the record is reported at once and
//!   passed over.

use super::buffer::Buffer;
use super::length::Passing;
use super::terminated::{Taken, Terminated, is_blank};
use super::{Cut, Frame, Frames, Part};

/// The longest count: no record may have as many bytes as a longer one says. A point in time in
/// seconds, with which lines of some programs begin, has ten digits.
const MAX_DIGITS: usize = 9;

/// Cuts bytes into counted messages and lines.
#[derive(Debug)]
pub struct OctetCounted {
    buffer: Buffer,
    line: Terminated,
    /// Number of the record that begins where the buffer begins.
    number: u64,
    max_record: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Where a frame begins.
    Start,
    /// In a line; with what is wrong, if it is one that should not be.
    Line(Option<String>),
    /// In a message that is too long.
    Passing(Passing),
}

/// What a frame begins with.
enum Header {
    /// Not enough to tell.
    Short,
    /// A line.
    Line,
    /// What should be a count and is none, and why.
    Wrong(String),
    /// A count, and how many bytes it takes with its space.
    Count { header: usize, count: usize },
}

impl OctetCounted {
    /// A cutter for records of at most `max_record` bytes.
    pub fn new(max_record: usize) -> OctetCounted {
        let line = Terminated::new(max_record);
        OctetCounted { buffer: Buffer::new(), line, number: 1, max_record, state: State::Start }
    }

    fn cut(&mut self) -> Option<Cut> {
        loop {
            let cut = match &mut self.state {
                State::Passing(passing) => {
                    if !passing.pass(&mut self.buffer) {
                        return None;
                    }
                    self.state = State::Start;
                    None
                }
                State::Line(_) => {
                    let Some(feed) = self.line.find_feed(&self.buffer) else {
                        self.line.pass_over_if_too_long(&mut self.buffer);
                        return None;
                    };
                    let taken = self.line.take(&mut self.buffer, feed, 1);
                    self.end_line(taken)
                }
                State::Start => match header(self.buffer.held()) {
                    Header::Short => return None,
                    Header::Line => {
                        self.state = State::Line(None);
                        None
                    }
                    Header::Wrong(why) => {
                        self.state = State::Line(Some(why));
                        None
                    }
                    Header::Count { header, count } if count > self.max_record => {
                        Some(self.pass_over(header, count))
                    }
                    Header::Count { header, count } if self.buffer.len() - header < count => return None,
                    Header::Count { header, count } => self.take_message(header, count),
                },
            };
            if cut.is_some() {
                return cut;
            }
        }
    }

    fn take_message(&mut self, header: usize, count: usize) -> Option<Cut> {
        let offset = self.buffer.offset();
        let mut record = self.buffer.take(header + count);
        record.start += header;
        let text = self.buffer.at(record.clone());
        let text = text.strip_suffix(b"\n").map_or(text, |text| text.strip_suffix(b"\r").unwrap_or(text));
        record.end = record.start + text.len();
        (!is_blank(text)).then(|| self.numbered(offset, Part::Record(record)))
    }

    fn pass_over(&mut self, header: usize, count: usize) -> Cut {
        let offset = self.buffer.offset();
        self.buffer.take(header);
        self.state = State::Passing(Passing { passed: header as u64, left: count as u64 });
        self.numbered(offset, Part::Oversized { length: count as u64, limit: self.max_record })
    }

    /// A line was taken, and a frame begins after it.
    fn end_line(&mut self, taken: Taken) -> Option<Cut> {
        let state = std::mem::replace(&mut self.state, State::Start);
        let content = match (state, taken.content?) {
            (State::Line(Some(why)), Part::Record(bytes)) => Part::Broken { bytes, why },
            (State::Line(Some(why)), _) => Part::Broken { bytes: 0..0, why },
            (_, content) => content,
        };
        Some(self.numbered(taken.offset, content))
    }

    fn cut_last(&mut self) -> Option<Cut> {
        if let State::Line(_) = self.state {
            let taken = self.line.take_last(&mut self.buffer)?;
            return self.end_line(taken);
        }
        self.state = State::Start;
        if self.buffer.len() == 0 {
            return None;
        }
        let begun = header(self.buffer.held());
        let offset = self.buffer.offset();
        let mut bytes = self.buffer.take(self.buffer.len());
        let why = match begun {
            Header::Count { header, count } => {
                bytes.start += header;
                format!("its count is {count}, and {} bytes came", bytes.len())
            }
            _ => "its octet count has not ended".to_owned(),
        };
        Some(self.numbered(offset, Part::Incomplete { bytes, why }))
    }

    fn numbered(&mut self, offset: u64, content: Part) -> Cut {
        let number = self.number;
        self.number += 1;
        Cut { offset, number, content }
    }
}

/// What the first bytes of a frame are.
fn header(held: &[u8]) -> Header {
    let digits = held.iter().take(MAX_DIGITS + 1).take_while(|byte| byte.is_ascii_digit()).count();
    match (held.first(), held.get(digits)) {
        (None, _) => Header::Short,
        (Some(first), _) if !first.is_ascii_digit() => Header::Line,
        (Some(b'0'), _) => Header::Wrong("an octet count begins with `0`".to_owned()),
        _ if digits > MAX_DIGITS => {
            Header::Wrong(format!("an octet count has more than {MAX_DIGITS} digits"))
        }
        (_, None) => Header::Short,
        (_, Some(b' ')) => {
            let number = |count, digit: &u8| count * 10 + usize::from(digit - b'0');
            Header::Count { header: digits + 1, count: held[..digits].iter().fold(0, number) }
        }
        (_, Some(other)) => Header::Wrong(format!(
            "after the octet count `{}` stands `{}` instead of a space",
            held[..digits].escape_ascii(),
            other.escape_ascii()
        )),
    }
}

impl Frames for OctetCounted {
    fn space(&mut self) -> &mut [u8] {
        self.buffer.space()
    }

    fn filled(&mut self, count: usize) {
        self.buffer.filled(count);
    }

    fn next(&mut self) -> Option<Frame<'_>> {
        let cut = self.cut()?;
        Some(cut.frame(&self.buffer))
    }

    fn last(&mut self) -> Option<Frame<'_>> {
        let cut = self.cut_last()?;
        Some(cut.frame(&self.buffer))
    }

    fn pending(&self) -> u64 {
        match &self.state {
            State::Passing(passing) => self.buffer.len() as u64 + passing.passed,
            State::Start | State::Line(_) => self.line.pending(&self.buffer),
        }
    }

    fn number(&self) -> u64 {
        // One that is passed over has been reported, and has its number.
        self.number - u64::from(matches!(self.state, State::Passing(_)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::buffer::LARGEST_READ;
    use super::super::tests::{Seen, cut, oversized, record};
    use super::*;

    fn read(bytes: &[u8], max_record: usize) -> Vec<Seen> {
        let whole = cut(&mut OctetCounted::new(max_record), bytes, [bytes.len()]);
        assert_eq!(cut(&mut OctetCounted::new(max_record), bytes, []), whole, "byte for byte");
        whole
    }

    fn broken(offset: u64, number: u64, bytes: &str, why: &str) -> Seen {
        Seen::Broken(offset, number, bytes.into(), why.into())
    }

    #[test]
    fn messages_may_hold_line_ends_and_lines_may_stand_between_them() {
        let seen = read(b"5 <1>\na3 <2>\n\r\n<3>x\r\n7 <4>ab\r\n1 \n", 10);
        assert_eq!(
            seen,
            [record(0, 1, "<1>\na"), record(7, 2, "<2>"), record(15, 3, "<3>x"), record(21, 4, "<4>ab")]
        );
    }

    #[test]
    fn a_message_longer_than_allowed_is_passed_over_and_the_next_is_read() {
        let seen = read(b"5 123455 12345123 a\n5 6789012 ok", 5);
        assert_eq!(seen[..2], [record(0, 1, "12345"), record(7, 2, "12345")]);
        assert_eq!(seen[2], oversized(14, 3, 123, 5));
        assert_eq!(seen.len(), 3, "cut off in the middle of what is passed over: {seen:?}");
        let seen = read(b"6 1234562 ok", 5);
        assert_eq!(seen, [oversized(0, 1, 6, 5), record(8, 2, "ok")]);
    }

    #[test]
    fn what_is_no_count_is_reported_once_with_its_line() {
        let seen = read(b"2026-03-01 up\n2 ok07 x\n1760000000 line\n12\n3 ok!", 20);
        assert_eq!(
            seen,
            [
                broken(0, 1, "2026-03-01 up", "after the octet count `2026` stands `-` instead of a space"),
                record(14, 2, "ok"),
                broken(18, 3, "07 x", "an octet count begins with `0`"),
                broken(23, 4, "1760000000 line", "an octet count has more than 9 digits"),
                broken(39, 5, "12", "after the octet count `12` stands `\\n` instead of a space"),
                record(42, 6, "ok!"),
            ]
        );
        let seen = read(b"0123456789\n1 a", 5);
        assert_eq!(seen, [broken(0, 1, "", "an octet count begins with `0`"), record(11, 2, "a")]);
    }

    #[test]
    fn what_is_cut_off_is_reported_with_what_there_was() {
        let last = |bytes: &str| read(bytes.as_bytes(), 10).pop();
        let incomplete = |bytes: &str, why: &str| Some(Seen::Incomplete(0, 1, bytes.into(), why.into()));
        assert_eq!(last("1"), incomplete("1", "its octet count has not ended"));
        assert_eq!(last("3 ab"), incomplete("ab", "its count is 3, and 2 bytes came"));
        assert_eq!(last("3 "), incomplete("", "its count is 3, and 0 bytes came"));
        assert_eq!(last("<1>a"), Some(record(0, 1, "<1>a")), "a line needs no end");
    }

    #[test]
    fn nothing_that_is_too_long_is_held() {
        for begin in ["999999999 ", "<1>", "0"] {
            let mut frames = OctetCounted::new(1000);
            frames.space()[..begin.len()].copy_from_slice(begin.as_bytes());
            frames.filled(begin.len());
            for _ in 0..1000 {
                while frames.next().is_some() {}
                let space = frames.space();
                space.fill(b'1');
                let count = space.len();
                frames.filled(count);
                assert!(frames.buffer.capacity() <= 1001 + LARGEST_READ * 2);
            }
            assert!(frames.pending() > 50_000_000, "{begin}");
        }
    }

    proptest! {
        /// However the bytes are cut into reads, what was counted comes out.
        #[test]
        fn reads_of_any_size_give_the_same_messages(
            messages in proptest::collection::vec("[a-c0-9 \n<]{0,8}[<a]", 0..30),
            sizes in proptest::collection::vec(1usize..40, 0..200),
        ) {
            let max_record = 5;
            let (mut bytes, mut expected) = (String::new(), Vec::new());
            for (message, number) in messages.iter().zip(1..) {
                expected.push(if message.len() > max_record {
                    oversized(bytes.len() as u64, number, message.len() as u64, max_record)
                } else {
                    record(bytes.len() as u64, number, message)
                });
                bytes.push_str(&format!("{} {message}", message.len()));
            }
            prop_assert_eq!(cut(&mut OctetCounted::new(max_record), bytes.as_bytes(), sizes), expected);
        }

        /// Whatever the bytes are, the same ones give the same frames.
        #[test]
        fn any_bytes_give_the_same_frames_however_they_are_read(
            bytes in "[0-39 \r\n<a]{0,100}",
            sizes in proptest::collection::vec(1usize..40, 0..100),
        ) {
            let whole = cut(&mut OctetCounted::new(5), bytes.as_bytes(), [bytes.len()]);
            prop_assert_eq!(cut(&mut OctetCounted::new(5), bytes.as_bytes(), sizes), whole);
        }
    }
}
