//! Places: bytes of a file here, lines and characters in the protocol.
//!
//! A character of the protocol is a unit of UTF-16 unless client and server agree on bytes. Places
//! outside of the text are moved to the nearest one inside, as the protocol asks for characters.

use gen_lsp_types::{Position, Range};

use crate::diagnostic::Span;

/// What the characters of a position count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// Units of UTF-16, which every client knows.
    #[default]
    Utf16,
}

/// Where the lines of a text begin.
#[derive(Clone, Debug)]
pub struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    /// The lines of a text, which end with `\n`, `\r\n` or `\r`.
    pub fn new(text: &str) -> Lines {
        let bytes = text.as_bytes();
        let ends = (0..bytes.len()).filter(|&at| match bytes[at] {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        Lines { starts: std::iter::once(0).chain(ends.map(|end| end + 1)).collect() }
    }

    /// The position of a byte of the text.
    pub fn position(&self, text: &str, byte: usize, encoding: Encoding) -> Position {
        let byte = floor(text, byte);
        let line = self.starts.partition_point(|start| *start <= byte).saturating_sub(1);
        let before = text.get(self.starts[line]..byte).unwrap_or_default();
        let character = match encoding {
            Encoding::Utf8 => before.len(),
            Encoding::Utf16 => before.encode_utf16().count(),
        };
        Position { line: line as u32, character: character as u32 }
    }

    /// The positions of both ends of a span.
    pub fn range(&self, text: &str, span: Span, encoding: Encoding) -> Range {
        Range {
            start: self.position(text, span.start as usize, encoding),
            end: self.position(text, span.end as usize, encoding),
        }
    }

    /// The byte at a position.
    pub fn byte(&self, text: &str, position: Position, encoding: Encoding) -> usize {
        let Some(&start) = self.starts.get(position.line as usize) else { return text.len() };
        let end = self.starts.get(position.line as usize + 1).copied().unwrap_or(text.len());
        let line = text[start..end].trim_end_matches(['\r', '\n']);
        let wanted = position.character as usize;
        let within = match encoding {
            Encoding::Utf8 => floor(line, wanted),
            Encoding::Utf16 => {
                let mut units = 0;
                let mut characters = line.char_indices();
                // Inside of a character is before it.
                characters
                    .find(|(_, c)| {
                        units += c.len_utf16();
                        units > wanted
                    })
                    .map_or(line.len(), |(at, _)| at)
            }
        };
        start + within
    }
}

/// The last place at or before `byte` where a character begins, or the end.
fn floor(text: &str, byte: usize) -> usize {
    let byte = byte.min(text.len());
    (0..=byte).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "ab\r\né🙂x\n\rz";

    fn at(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    #[test]
    fn positions_count_lines_and_units() {
        let lines = Lines::new(TEXT);
        for (byte, utf16, utf8) in [
            (0, at(0, 0), at(0, 0)),
            (2, at(0, 2), at(0, 2)),
            (4, at(1, 0), at(1, 0)),
            (6, at(1, 1), at(1, 2)),
            (10, at(1, 3), at(1, 6)),
            (11, at(1, 4), at(1, 7)),
            (12, at(2, 0), at(2, 0)),
            (13, at(3, 0), at(3, 0)),
            (14, at(3, 1), at(3, 1)),
        ] {
            assert_eq!(lines.position(TEXT, byte, Encoding::Utf16), utf16, "{byte}");
            assert_eq!(lines.position(TEXT, byte, Encoding::Utf8), utf8, "{byte}");
            assert_eq!(lines.byte(TEXT, utf16, Encoding::Utf16), byte);
            assert_eq!(lines.byte(TEXT, utf8, Encoding::Utf8), byte);
        }
    }

    #[test]
    fn places_outside_are_moved_inside() {
        let lines = Lines::new(TEXT);
        for (position, byte) in
            [(at(0, 9), 2), (at(1, 2), 6), (at(1, 99), 11), (at(9, 0), 14), (at(3, u32::MAX), 14)]
        {
            assert_eq!(lines.byte(TEXT, position, Encoding::Utf16), byte, "{position:?}");
        }
        assert_eq!(lines.byte(TEXT, at(1, 4), Encoding::Utf8), 6, "inside of a character");
        assert_eq!(lines.position(TEXT, 8, Encoding::Utf16), at(1, 1), "inside of a character");
        assert_eq!(lines.position(TEXT, 999, Encoding::Utf16), at(3, 1));
        assert_eq!(Lines::new("").position("", 3, Encoding::Utf8), at(0, 0));
        assert_eq!(Lines::new("").byte("", at(5, 5), Encoding::Utf16), 0);
    }
}
