//! What senders say of a body: its type.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;

use crate::codec::Format;

use super::answer::Refusal;
use super::service::shortened;

/// Types by which senders say that a body is JSON.
const JSON: &[&str] = &["application/json", "text/json"];
/// Types by which they say that it has a JSON object a line.
const JSON_LINES: &[&str] = &[
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonl",
    "application/jsonlines",
    "application/x-jsonlines",
];
/// Types of bodies of CSV.
const CSV: &[&str] = &["text/csv", "text/plain", "application/octet-stream"];
/// Types of bodies whose records are bytes.
const BINARY: &[&str] = &[
    "application/octet-stream",
    "application/avro",
    "avro/binary",
    "application/protobuf",
    "application/x-protobuf",
];
/// Types of other bodies.
const TEXT: &[&str] = &["text/plain", "application/octet-stream"];

/// Whether the head of a request says that the body has a JSON object a line.
///
/// # Errors
/// When it says that the body is something else than the records of the source.
pub fn is_lines(headers: &HeaderMap, format: &Format) -> Result<bool, Refusal> {
    let Some(given) = headers.get(CONTENT_TYPE) else { return Ok(false) };
    let text = String::from_utf8_lossy(given.as_bytes());
    // Parameters such as `charset` change nothing: what is not UTF-8 is found when it is read.
    let media = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let media = media.as_str();
    let (fits, wanted) = match format {
        Format::Json | Format::JsonSchema(_) if JSON_LINES.contains(&media) => return Ok(true),
        Format::Json | Format::JsonSchema(_) => {
            (JSON.contains(&media), "application/json` or `application/x-ndjson")
        }
        Format::Csv(_) => (CSV.contains(&media), "text/csv"),
        Format::Avro(_) | Format::Protobuf(_) => (BINARY.contains(&media), "application/octet-stream"),
        Format::Logfmt | Format::Syslog | Format::Regex(_) => (TEXT.contains(&media), "text/plain"),
    };
    if fits || media.is_empty() {
        return Ok(false);
    }
    Err(Refusal::MediaType { found: shortened(media), wanted: wanted.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::csv;

    #[test]
    fn a_body_is_what_the_source_reads() {
        let said = |media: &'static str, format: &Format| {
            let headers = [(CONTENT_TYPE, media.parse().expect("a value"))].into_iter().collect();
            is_lines(&headers, format)
        };
        let csv = Format::Csv(csv::Settings::default());
        assert_eq!(is_lines(&HeaderMap::new(), &Format::Json), Ok(false));
        for (media, format, lines) in [
            ("application/json; charset=utf-8", &Format::Json, false),
            ("Application/JSON", &Format::Json, false),
            ("application/x-ndjson", &Format::Json, true),
            ("application/jsonl;charset=utf-8", &Format::Json, true),
            ("", &Format::Json, false),
            ("text/csv; header=present", &csv, false),
            ("text/plain", &csv, false),
            ("text/plain", &Format::Logfmt, false),
            ("application/octet-stream", &Format::Syslog, false),
        ] {
            assert_eq!(said(media, format), Ok(lines), "{media}");
        }
        // What a browser sends without asking whether it may is no JSON.
        for media in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/csv"] {
            assert!(said(media, &Format::Json).is_err(), "{media}");
        }
        assert!(said("application/json", &csv).is_err());
        assert!(said("application/json", &Format::Logfmt).is_err());
    }
}
