//! Cuts a list of JSON values into its elements, without reading them.
//!
//! Enters: the text of a list. Leaves: a frame for each element, with its offset and its number. What an
//! element holds is the decoder's business: here only texts and brackets are followed, so that a mistake
//! in one element leaves the others whole, as long as its brackets and quotation marks have a partner.

use crate::source::framing::{Content, Frame};

/// The elements of a list.
pub struct Elements<'a> {
    text: &'a [u8],
    /// Where to go on.
    at: usize,
    number: u64,
    state: State,
    max_record: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// After `[`: an element, or the end.
    First,
    /// After `,`: an element.
    Next,
    /// After `]`: nothing more.
    Closed,
    /// Everything has been said.
    Done,
}

/// What ends an element.
enum End {
    Comma,
    Bracket,
    /// The end of the text.
    Nothing,
}

impl<'a> Elements<'a> {
    /// The elements of the list that begins with the bracket at `start`, in which an element has at most
    /// `max_record` bytes.
    pub fn new(text: &'a [u8], start: usize, max_record: usize) -> Elements<'a> {
        debug_assert_eq!(text.get(start), Some(&b'['));
        Elements { text, at: start + 1, number: 1, state: State::First, max_record }
    }

    fn frame(&mut self, start: usize, content: Content<'a>) -> Frame<'a> {
        let number = self.number;
        self.number += 1;
        Frame { offset: start as u64, number, content }
    }

    fn element(&mut self) -> Option<Frame<'a>> {
        let start = self.at;
        let (stop, end) = end_of_element(self.text, start);
        let element = self.text[start..stop].trim_ascii_end();
        let first = self.state == State::First;
        self.at = (stop + 1).min(self.text.len());
        self.state = match end {
            End::Comma => State::Next,
            End::Bracket => State::Closed,
            End::Nothing => State::Done,
        };
        let content = match end {
            End::Bracket if first && element.is_empty() => return self.next(),
            End::Nothing => Content::Incomplete { bytes: element, why: "the list has no end, a `]`".into() },
            _ if element.is_empty() => {
                Content::Broken { bytes: element, why: "an element of the list is missing".into() }
            }
            _ if element.len() > self.max_record => {
                Content::Oversized { length: element.len() as u64, limit: self.max_record }
            }
            _ => Content::Record(element),
        };
        Some(self.frame(start, content))
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let rest = &self.text[self.at..];
        let blanks = rest.len() - rest.trim_ascii_start().len();
        self.at += blanks;
        match self.state {
            State::First | State::Next => self.element(),
            State::Closed => {
                self.state = State::Done;
                let rest = rest.trim_ascii();
                let why = || "the list has ended, and more follows".to_owned();
                let start = self.at;
                (!rest.is_empty()).then(|| self.frame(start, Content::Broken { bytes: rest, why: why() }))
            }
            State::Done => None,
        }
    }
}

/// Where the element that begins at `start` ends, and by what.
fn end_of_element(text: &[u8], start: usize) -> (usize, End) {
    let mut nesting = Nesting::default();
    for (index, byte) in text.iter().enumerate().skip(start) {
        match byte {
            b']' if nesting.is_over() => return (index, End::Bracket),
            b',' if nesting.is_over() => return (index, End::Comma),
            byte => nesting.follow(*byte),
        }
    }
    (text.len(), End::Nothing)
}

/// What is open at a place of a JSON text.
#[derive(Default)]
struct Nesting {
    brackets: usize,
    in_text: bool,
    escaped: bool,
}

impl Nesting {
    fn follow(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_text => self.escaped = true,
            b'"' => self.in_text = !self.in_text,
            _ if self.in_text => {}
            b'[' | b'{' => self.brackets += 1,
            b']' | b'}' => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
    }

    fn is_over(&self) -> bool {
        self.brackets == 0 && !self.in_text
    }
}

/// Whether everything that opens in `text` is closed in it.
pub fn is_whole(text: &[u8]) -> bool {
    let mut nesting = Nesting::default();
    text.iter().for_each(|byte| nesting.follow(*byte));
    nesting.is_over()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The elements, each with its offset; what is none in brackets.
    fn cut(text: &str) -> Vec<(u64, u64, String)> {
        let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Elements::new(text.as_bytes(), 0, 20)
            .map(|frame| {
                let shown = match frame.content {
                    Content::Record(bytes) => show(bytes),
                    Content::Absent => panic!("no element is nothing"),
                    Content::Oversized { length, .. } => format!("({length} bytes)"),
                    Content::Incomplete { bytes, why } | Content::Broken { bytes, why } => {
                        format!("({why}: {})", show(bytes))
                    }
                };
                (frame.offset, frame.number, shown)
            })
            .collect()
    }

    #[track_caller]
    fn check(text: &str, expected: &[(u64, &str)]) {
        let numbered = expected.iter().zip(1..).map(|((at, shown), number)| (*at, number, (*shown).into()));
        assert_eq!(cut(text), numbered.collect::<Vec<_>>(), "{text}");
    }

    #[test]
    fn elements_end_where_their_brackets_and_texts_have_ended() {
        check("[]", &[]);
        check("[ \n ] \n", &[]);
        check("[{\"a\":[1,2]},\n {} ]", &[(1, "{\"a\":[1,2]}"), (15, "{}")]);
        check(r#"["],[","\"],",3]"#, &[(1, r#""],[""#), (7, r#""\"],""#), (14, "3")]);
        check(r#"["\\",1]"#, &[(1, r#""\\""#), (6, "1")]);
        check("[{\"long\":\"0123456789\"},1]", &[(1, "(21 bytes)"), (23, "1")]);
    }

    #[test]
    fn a_mistake_is_told_where_it_is_and_the_rest_goes_on() {
        let missing = "(an element of the list is missing: )";
        check("[1,,2]", &[(1, "1"), (3, missing), (4, "2")]);
        check("[,1]", &[(1, missing), (2, "1")]);
        check("[1,]", &[(1, "1"), (3, missing)]);
        check("[{}} x,2]", &[(1, "{}} x"), (7, "2")]);
        check("[1] [2]", &[(1, "1"), (4, "(the list has ended, and more follows: [2])")]);
        check("[1,{\"a\":2]", &[(1, "1"), (3, "(the list has no end, a `]`: {\"a\":2])")]);
        check("[1, ", &[(1, "1"), (4, "(the list has no end, a `]`: )")]);
        check("[", &[(1, "(the list has no end, a `]`: )")]);
        check("[\"a]", &[(1, "(the list has no end, a `]`: \"a])")]);
    }

    proptest! {
        /// The elements of a list are what stands in it, however it is written.
        #[test]
        fn elements_are_what_a_parser_finds(values in proptest::collection::vec(any_json(), 0..8), pretty: bool) {
            let list = serde_json::Value::Array(values.clone());
            let text = if pretty { serde_json::to_string_pretty(&list) } else { serde_json::to_string(&list) };
            let text = text.expect("it is JSON");
            let found: Vec<serde_json::Value> = Elements::new(text.as_bytes(), 0, usize::MAX)
                .map(|frame| match frame.content {
                    Content::Record(bytes) => serde_json::from_slice(bytes).expect("an element is JSON"),
                    other => panic!("{other:?}"),
                })
                .collect();
            prop_assert_eq!(found, values);
        }

        /// Whatever stands there, nothing is lost and nothing is told twice.
        #[test]
        fn any_bytes_are_cut_without_a_gap(bytes in proptest::collection::vec(
            prop_oneof![Just(b'['), Just(b']'), Just(b'{'), Just(b'}'), Just(b','), Just(b'"'), Just(b'\\'), Just(b' '), any::<u8>()],
            0..60,
        )) {
            let text = [b"[", &*bytes].concat();
            let mut last = 0;
            let mut kept = 0;
            for (frame, number) in Elements::new(&text, 0, usize::MAX).zip(1..) {
                prop_assert_eq!(frame.number, number);
                prop_assert!(frame.offset > last);
                last = frame.offset;
                let (Content::Record(bytes) | Content::Incomplete { bytes, .. } | Content::Broken { bytes, .. })
                    = frame.content else { panic!("nothing is too long") };
                prop_assert_eq!(bytes, &text[frame.offset as usize..][..bytes.len()]);
                kept += bytes.len();
            }
            // Besides the elements there are only the brackets, commas and blanks between them.
            let between = text.iter().filter(|byte| b"[], \t\n\r\x0c".contains(byte)).count();
            prop_assert!(kept + between >= text.len());
        }
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<i32>().prop_map(Into::into),
            "[a\\[\\]{},\"\\\\ \n]{0,8}".prop_map(Into::into),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::Array),
                proptest::collection::btree_map("[a-c,\\]]", inner, 0..3)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }
}
