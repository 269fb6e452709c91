//! Messages on the wire: a header with the length of a body, and JSON-RPC in the body.
//!
//! Enters: bytes of the client. Leaves: requests, notifications and what is wrong with others, each
//! of at most [`MAX_MESSAGE`] bytes; and the other way round. A body that is no message costs that body
//! only; without a length nobody can tell where the next message begins, and the connection ends.

use std::io::{self, BufRead, Read, Write};

use serde::Serialize;
use serde_json::{Value, json};

/// The longest message that is read, in bytes: rule files have 1 MiB at most, and a client sends one
/// file at a time.
pub const MAX_MESSAGE: u64 = 32 << 20;
/// The longest line of a header, in bytes, and how many lines it may have.
const MAX_HEADER: u64 = 1024;
const MAX_HEADER_LINES: usize = 32;

/// What a client sent.
#[derive(Debug, PartialEq)]
pub enum Incoming {
    /// It waits for an answer with this id, a number or a text.
    Request { id: Value, method: String, params: Value },
    /// It waits for nothing.
    Notification { method: String, params: Value },
    /// An answer to something that the server asked.
    Response,
    /// No message, for the reason given.
    Malformed(Failure),
}

/// Why a request is not answered as asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// One of the codes of JSON-RPC and of the protocol.
    pub code: i64,
    /// What is wrong, for people.
    pub message: String,
}

impl Failure {
    /// The body is no JSON.
    pub const PARSE_ERROR: i64 = -32700;
    /// The body is JSON, but no message, or comes at the wrong time.
    pub const INVALID_REQUEST: i64 = -32600;
    /// The server does not know what is asked.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// What is asked is known, but not about what.
    pub const INVALID_PARAMS: i64 = -32602;
    /// The connection has not been set up.
    pub const NOT_INITIALIZED: i64 = -32002;
    /// The client no longer wants to know.
    pub const CANCELLED: i64 = -32800;
    /// All was understood, and it cannot be done.
    pub const REQUEST_FAILED: i64 = -32803;

    /// A failure with that code.
    pub fn new(code: i64, message: impl Into<String>) -> Failure {
        Failure { code, message: message.into() }
    }
}

/// The next message; `None` at the end of the input.
///
/// # Errors
/// When the input cannot be read, or its header gives no length.
pub fn read(input: &mut impl BufRead) -> io::Result<Option<Incoming>> {
    let Some(length) = header(input)? else { return Ok(None) };
    if length > MAX_MESSAGE {
        let passed_over = io::copy(&mut input.take(length), &mut io::sink())?;
        if passed_over < length {
            return Ok(None);
        }
        let message = format!("a message of {length} bytes; at most {MAX_MESSAGE} are read");
        return Ok(Some(Incoming::Malformed(Failure::new(Failure::INVALID_REQUEST, message))));
    }
    // Grows with what comes, not with what is promised.
    let mut body = Vec::new();
    input.take(length).read_to_end(&mut body)?;
    if (body.len() as u64) < length {
        return Ok(None);
    }
    Ok(Some(message(&body)))
}

/// The length of the body that follows a header; `None` at the end of the input.
fn header(input: &mut impl BufRead) -> io::Result<Option<u64>> {
    let malformed = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut length = None;
    for _ in 0..MAX_HEADER_LINES {
        let mut line = Vec::new();
        input.take(MAX_HEADER).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.last() != Some(&b'\n') {
            return Err(malformed("the header of a message has a line that is too long or not ended"));
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim();
        if line.is_empty() {
            return length
                .map(Some)
                .ok_or_else(|| malformed("the header of a message has no Content-Length"));
        }
        if let Some((name, value)) = line.split_once(':')
            && name.trim().eq_ignore_ascii_case("Content-Length")
        {
            let value = value.trim().parse().map_err(|_| malformed("the Content-Length is not a number"))?;
            length = Some(value);
        }
    }
    Err(malformed("the header of a message has too many lines"))
}

fn message(body: &[u8]) -> Incoming {
    let malformed = |code, what: String| Incoming::Malformed(Failure::new(code, what));
    let value: Value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(error) => return malformed(Failure::PARSE_ERROR, format!("not JSON: {error}")),
    };
    let Value::Object(mut members) = value else {
        return malformed(Failure::INVALID_REQUEST, "a message is a JSON object".to_owned());
    };
    let params = members.remove("params").unwrap_or(Value::Null);
    let id = members.remove("id");
    match (members.remove("method"), id) {
        (Some(Value::String(method)), None) => Incoming::Notification { method, params },
        (Some(Value::String(method)), Some(id @ (Value::Number(_) | Value::String(_)))) => {
            Incoming::Request { id, method, params }
        }
        (None, Some(_)) => Incoming::Response,
        _ => malformed(
            Failure::INVALID_REQUEST,
            "a message has a `method`, and an `id` that is a number or a text".to_owned(),
        ),
    }
}

/// Writes one message.
fn write(output: &mut impl Write, message: &Value) -> io::Result<()> {
    let body = message.to_string();
    write!(output, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    output.flush()
}

/// Answers the request with that id; `null` for one that could not be read.
pub fn respond(output: &mut impl Write, id: Value, result: Result<Value, Failure>) -> io::Result<()> {
    let message = match result {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(Failure { code, message }) => {
            json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
        }
    };
    write(output, &message)
}

/// Tells the client something.
pub fn notify(output: &mut impl Write, method: &str, params: impl Serialize) -> io::Result<()> {
    let params = serde_json::to_value(params)?;
    write(output, &json!({"jsonrpc": "2.0", "method": method, "params": params}))
}

/// Asks the client something, to which the answer does not matter.
pub fn ask(output: &mut impl Write, id: &str, method: &str, params: Value) -> io::Result<()> {
    write(output, &json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: &str) -> (Vec<Incoming>, Option<String>) {
        let mut input = text.as_bytes();
        let mut found = Vec::new();
        loop {
            match read(&mut input) {
                Ok(Some(message)) => found.push(message),
                Ok(None) => return (found, None),
                Err(error) => return (found, Some(error.to_string())),
            }
        }
    }

    fn framed(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn messages_are_told_apart() {
        let text = [
            r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":1}}"#,
            r#"{"jsonrpc":"2.0","id":"x","method":"b"}"#,
            r#"{"jsonrpc":"2.0","method":"c","params":[]}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":null}"#,
        ];
        let (found, end) = read_all(&text.map(framed).concat());
        assert_eq!(end, None);
        assert_eq!(
            found,
            [
                Incoming::Request { id: json!(1), method: "a".into(), params: json!({"x": 1}) },
                Incoming::Request { id: json!("x"), method: "b".into(), params: Value::Null },
                Incoming::Notification { method: "c".into(), params: json!([]) },
                Incoming::Response,
            ]
        );
    }

    #[test]
    fn what_is_no_message_costs_itself_only() {
        let deep = "[".repeat(100_000);
        let bodies = [
            "{",
            "[]",
            "3",
            "{}",
            r#"{"id":null,"method":"a"}"#,
            r#"{"id":1,"method":2}"#,
            "\u{feff}",
            &deep,
        ];
        let mut text = bodies.map(framed).concat();
        text.push_str(&framed(r#"{"method":"last"}"#));
        let (found, end) = read_all(&text);
        assert_eq!((found.len(), end), (bodies.len() + 1, None));
        let malformed = found.iter().filter(|one| matches!(one, Incoming::Malformed(_))).count();
        assert_eq!(malformed, bodies.len());
    }

    #[test]
    fn headers_may_be_written_in_any_way_but_have_a_length() {
        let body = r#"{"method":"a"}"#;
        let length = body.len();
        for good in [
            format!("content-length:{length}\n\n{body}"),
            format!("Content-Type: x; charset=utf-8\r\nContent-Length:  {length} \r\n\r\n{body}"),
        ] {
            assert_eq!(read_all(&good).0.len(), 1, "{good}");
        }
        for bad in [
            "\r\n".to_owned(),
            "Content-Length: x\r\n\r\n".to_owned(),
            "Content-Length: -1\r\n\r\n".to_owned(),
            format!("Content-Type: {}\r\n\r\n", "x".repeat(5_000)),
            "a: b\r\n".repeat(100),
        ] {
            let (found, end) = read_all(&bad);
            assert!(found.is_empty() && end.is_some(), "{bad}");
        }
    }

    #[test]
    fn a_length_takes_no_memory_by_itself() {
        // The end of the input in the middle of a body is its end.
        for length in ["18446744073709551615", "30000000"] {
            assert_eq!(read_all(&format!("Content-Length: {length}\r\n\r\n{{}}")), (Vec::new(), None));
        }
        let long = " ".repeat(MAX_MESSAGE as usize + 1);
        let (found, end) = read_all(&(framed(&long) + &framed(r#"{"method":"a"}"#)));
        assert!(matches!(found[0], Incoming::Malformed(_)) && found.len() == 2, "{end:?}");
    }

    #[test]
    fn what_is_written_can_be_read() {
        let mut bytes = Vec::new();
        respond(&mut bytes, json!(7), Ok(json!({"é": "🙂"}))).expect("memory");
        respond(&mut bytes, Value::Null, Err(Failure::new(Failure::PARSE_ERROR, "no"))).expect("memory");
        notify(&mut bytes, "a", json!({})).expect("memory");
        ask(&mut bytes, "1", "b", json!({})).expect("memory");
        let (found, end) = read_all(&String::from_utf8(bytes).expect("UTF-8"));
        assert_eq!((found.len(), end), (4, None));
        assert_eq!(found[0], Incoming::Response);
    }
}
