//! What a record holds, written as JSON: the form in which alerts show it.

use std::fmt::{self, Write};

use super::convert::Found;

/// What was found. Lists and objects are written by who reads them.
pub(super) fn found(json: &mut Vec<u8>, found: &Found<'_>) {
    match found {
        Found::Bool(bool) => value(json, bool),
        Found::Int(int) => match i64::try_from(*int) {
            Ok(int) => value(json, &int),
            Err(_) => value(json, int),
        },
        Found::Float(float) => value(json, float),
        Found::Text(text) => value(json, text),
        Found::Time(time) => quoted(json, time),
        Found::Span(span) => quoted(json, span),
        Found::Null | Found::List | Found::Object => json.extend_from_slice(b"null"),
    }
}

/// A text, a number or a boolean.
pub(super) fn value(json: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) {
    serde_json::to_writer(json, value).expect("text and finite numbers can be written to memory");
}

/// A name of an object, with the colon behind it.
pub(super) fn name(json: &mut Vec<u8>, name: &str) {
    value(json, name);
    json.push(b':');
}

/// A name as [`name`] writes it, for one that is written often.
pub(super) fn label(name: &str) -> Box<[u8]> {
    let mut label = Vec::with_capacity(name.len() + 3);
    self::name(&mut label, name);
    label.into()
}

/// Something as it is shown.
pub(super) fn plain(json: &mut Vec<u8>, value: &impl fmt::Display) {
    /// Text as bytes.
    struct Bytes<'a>(&'a mut Vec<u8>);
    impl Write for Bytes<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }
    // Writing to memory does not fail.
    let _ = write!(Bytes(json), "{value}");
}

/// The same as text that needs no escapes.
fn quoted(json: &mut Vec<u8>, value: &impl fmt::Display) {
    json.push(b'"');
    plain(json, value);
    json.push(b'"');
}
