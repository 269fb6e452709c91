//! Records of CSV: a record ends at a line end outside of quotes.
//!
//! Quotes count as RFC 4180 says and common readers do: one opens at the beginning of a field only, two
//! inside of quotes are a character, and what follows a closing quote belongs to the field. A line end
//! is a line feed, or a carriage return and a line feed. A byte order mark may stand where the bytes
//! begin.
//!
//! Records are numbered by the line on which they begin. A quote that nobody closes makes one long
//! record of what follows, up to the next quote: guessing where the record should have ended could make
//! events of the text inside of a field.

use super::buffer::Buffer;
use super::terminated::{Taken, Terminated};
use super::{Cut, Frame, Frames, Part};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Cuts bytes into records of CSV.
#[derive(Debug)]
pub struct CsvRecords {
    buffer: Buffer,
    record: Terminated,
    delimiter: u8,
    /// Where in a field the bytes scanned end.
    state: State,
    /// The line on which the record begins.
    line: u64,
    /// How many line ends stand in it so far.
    line_ends: u64,
    /// Offset at which the bytes began, those of a file or datagram.
    beginning: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// At the beginning of a field.
    Start,
    /// In a field without quotes, or behind its quotes.
    Field,
    /// In quotes.
    Quoted,
    /// Behind a quote that closes the field, unless a second follows.
    Quote,
}

impl CsvRecords {
    /// A cutter for records of at most `max_record` bytes, whose fields are told apart by
    /// `delimiter`.
    pub fn new(delimiter: u8, max_record: usize) -> CsvRecords {
        CsvRecords {
            buffer: Buffer::new(),
            record: Terminated::new(max_record),
            delimiter,
            state: State::Start,
            line: 1,
            line_ends: 0,
            beginning: 0,
        }
    }

    fn cut(&mut self) -> Option<Cut> {
        while let Some(end) = self.find_end() {
            let taken = self.record.take(&mut self.buffer, end, 1);
            let cut = self.numbered(taken);
            if cut.is_some() {
                return cut;
            }
        }
        self.record.pass_over_if_too_long(&mut self.buffer);
        None
    }

    /// The place of the line feed that ends the record.
    fn find_end(&mut self) -> Option<usize> {
        let first = self.record.scanned;
        let offset = self.buffer.offset() - self.beginning;
        for (place, &byte) in self.buffer.held().iter().enumerate().skip(first) {
            self.state = match (self.state, byte) {
                (State::Start, b'"') | (State::Quote, b'"') => State::Quoted,
                (State::Quoted, b'"') => State::Quote,
                (State::Quoted, b'\n') => {
                    self.line_ends += 1;
                    State::Quoted
                }
                (State::Quoted, _) => State::Quoted,
                (_, b'\n') => {
                    self.record.scanned = place;
                    return Some(place);
                }
                (_, byte) if byte == self.delimiter => State::Start,
                (State::Start, byte) if is_mark(offset + place as u64, byte) => State::Start,
                _ => State::Field,
            };
        }
        self.record.scanned = self.buffer.len();
        None
    }

    /// A record was taken, and one begins after it.
    fn numbered(&mut self, taken: Taken) -> Option<Cut> {
        let number = self.line;
        self.line += 1 + self.line_ends;
        self.line_ends = 0;
        let unclosed = std::mem::replace(&mut self.state, State::Start) == State::Quoted;
        let content = match taken.content? {
            Part::Record(bytes) if unclosed => {
                Part::Incomplete { bytes, why: "the quotes of its last field are not closed".to_owned() }
            }
            content => content,
        };
        Some(Cut { offset: taken.offset, number, content })
    }
}

/// Whether a byte belongs to a byte order mark, by its offset from where the bytes began.
fn is_mark(offset: u64, byte: u8) -> bool {
    usize::try_from(offset).is_ok_and(|offset| BYTE_ORDER_MARK.get(offset) == Some(&byte))
}

impl Frames for CsvRecords {
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
        let taken = self.record.take_last(&mut self.buffer);
        self.beginning = self.buffer.offset();
        let cut = self.numbered(taken?)?;
        Some(cut.frame(&self.buffer))
    }

    fn pending(&self) -> u64 {
        self.record.pending(&self.buffer)
    }

    fn number(&self) -> u64 {
        self.line
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::buffer::LARGEST_READ;
    use super::super::tests::{Seen, cut, oversized, record};
    use super::*;
    use crate::cases::size;

    fn read(text: &str, max_record: usize) -> Vec<Seen> {
        let bytes = text.as_bytes();
        let whole = cut(&mut CsvRecords::new(b',', max_record), bytes, [bytes.len()]);
        assert_eq!(cut(&mut CsvRecords::new(b',', max_record), bytes, []), whole, "byte for byte");
        whole
    }

    #[test]
    fn a_line_end_in_quotes_does_not_end_the_record() {
        let seen = read("a,b\r\n1,\"x\r\ny\"\n\n\"\"\"\n\",2\n3,4", 100);
        assert_eq!(
            seen,
            [
                record(0, 1, "a,b"),
                record(5, 2, "1,\"x\r\ny\""),
                record(15, 5, "\"\"\"\n\",2"),
                record(23, 7, "3,4"),
            ]
        );
    }

    #[test]
    fn a_quote_inside_of_a_field_is_a_character() {
        let seen = read("5\" disk,1\n\"a\"b\",\"c\nd\"\n \"e\n", 100);
        assert_eq!(
            seen,
            [record(0, 1, "5\" disk,1"), record(10, 2, "\"a\"b\",\"c\nd\""), record(22, 4, " \"e")]
        );
    }

    #[test]
    fn the_delimiter_decides_where_a_field_begins() {
        let bytes = b"a;\"\n\"\n";
        assert_eq!(cut(&mut CsvRecords::new(b';', 10), bytes, [10]), [record(0, 1, "a;\"\n\"")]);
        assert_eq!(cut(&mut CsvRecords::new(b',', 10), bytes, [10]).len(), 2);
    }

    #[test]
    fn a_byte_order_mark_stands_before_the_first_field() {
        assert_eq!(read("\u{feff}\"a\nb\"\nc\n", 20), [record(0, 1, "\u{feff}\"a\nb\""), record(9, 3, "c")]);
        assert_eq!(read("c\n\u{feff}\"a\n", 20).len(), 2, "but nowhere else");
        let mut frames = CsvRecords::new(b',', 20);
        for (offset, line) in [(0, 1), (9, 3)] {
            let seen = cut(&mut frames, "\u{feff}\"a\nb\"\n".as_bytes(), [4]);
            assert_eq!(seen, [record(offset, line, "\u{feff}\"a\nb\"")], "of each file");
        }
    }

    #[test]
    fn quotes_that_are_not_closed_are_reported() {
        let why = "the quotes of its last field are not closed";
        let seen = read("1\n\"2\n3\n", 20);
        assert_eq!(seen, [record(0, 1, "1"), Seen::Incomplete(2, 2, b"\"2\n3\n".into(), why.into())]);
        assert_eq!(read("\"12345\n6789", 5), [oversized(0, 1, 11, 5)]);
        let seen = read("\"12345\n6789\n\"\na,b\n", 5);
        assert_eq!(seen, [oversized(0, 1, 13, 5), record(14, 4, "a,b")]);
    }

    #[test]
    fn a_field_that_goes_on_for_ever_is_not_held() {
        let mut frames = CsvRecords::new(b',', 1000);
        frames.space()[0] = b'"';
        frames.filled(1);
        let reads = size(100, 1000);
        for _ in 0..reads {
            assert!(frames.next().is_none());
            let space = frames.space();
            space.fill(b'\n');
            let count = space.len();
            frames.filled(count);
            assert!(frames.buffer.capacity() <= 1001 + LARGEST_READ * 2);
        }
        assert!(frames.pending() > reads * 50_000);
    }

    /// The records of CSV, found in the plainest way.
    fn naive(text: &str, max_record: usize) -> Vec<Seen> {
        let mut out = Vec::new();
        let (mut begin, mut line, mut lines) = (0, 1, 1);
        let (mut quoted, mut fresh) = (false, true);
        let mut push = |record: &str, at: usize, line: u64, open: bool| {
            let record = record.strip_suffix('\r').unwrap_or(record);
            let (offset, length) = (at as u64, record.len() as u64);
            if record.len() > max_record {
                out.push(oversized(offset, line, length, max_record));
            } else if open && !record.is_empty() {
                let why = "the quotes of its last field are not closed".to_owned();
                out.push(Seen::Incomplete(offset, line, record.into(), why));
            } else if !record.trim_ascii().is_empty() {
                out.push(Seen::Record(offset, line, record.into()));
            }
        };
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            at += 1;
            if quoted {
                // Two quotes are a character.
                at += usize::from(rest.starts_with("\"\""));
                quoted = !rest.starts_with('"') || rest.starts_with("\"\"");
                lines += u64::from(rest.starts_with('\n'));
            } else if rest.starts_with('\n') {
                push(&text[begin..at - 1], begin, line, false);
                (begin, lines, fresh) = (at, lines + 1, true);
                line = lines;
            } else {
                quoted = fresh && rest.starts_with('"');
                fresh = rest.starts_with(',');
            }
        }
        push(&text[begin..], begin, line, quoted);
        out
    }

    proptest! {
        /// However the bytes are cut into reads, the records are those that a plain reader finds.
        #[test]
        fn reads_of_any_size_give_the_same_records(
            text in "[a,\"\r\n ]{0,100}",
            sizes in proptest::collection::vec(1usize..40, 0..100),
        ) {
            let got = cut(&mut CsvRecords::new(b',', 12), text.as_bytes(), sizes);
            prop_assert_eq!(got, naive(&text, 12));
        }

        /// A reader of CSV finds as many records, one for one.
        #[test]
        fn each_record_is_one_for_a_csv_reader(text in "[a,\"\n]{0,60}") {
            let text = text + "\n";
            let frames = cut(&mut CsvRecords::new(b',', 1000), text.as_bytes(), [1000]);
            for frame in frames {
                let Seen::Record(_, _, bytes) = frame else { continue };
                let (mut out, mut ends) = ([0; 100], [0; 100]);
                let mut reader = csv_core::Reader::new();
                let bytes = [&bytes[..], b"\n"].concat();
                let (result, read, _, _) = reader.read_record(&bytes, &mut out, &mut ends);
                prop_assert_eq!(result, csv_core::ReadRecordResult::Record);
                prop_assert_eq!(read, bytes.len(), "one record, and all of it");
            }
        }
    }
}
