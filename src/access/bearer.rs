//! The token that a request shows.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

/// What stands in the header `Authorization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer<'a> {
    /// There is none.
    Nothing,
    /// This may be a token.
    Token(&'a [u8]),
    /// Something else, or several.
    Wrong,
}

/// What a request shows in `Authorization: Bearer TOKEN`.
pub fn bearer(headers: &HeaderMap) -> Bearer<'_> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let value = match (given.next(), given.next()) {
        (None, _) => return Bearer::Nothing,
        (Some(value), None) => value.as_bytes(),
        (Some(_), Some(_)) => return Bearer::Wrong,
    };
    match value.split_at_checked("Bearer ".len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"Bearer ") => Bearer::Token(token.trim_ascii()),
        _ => Bearer::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_shows_one_token_or_none() {
        let shown = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, value.parse().expect("a value"));
            }
            match bearer(&headers) {
                Bearer::Token(token) => String::from_utf8_lossy(token).into_owned(),
                other => format!("{other:?}"),
            }
        };
        assert_eq!(shown(&[]), "Nothing");
        for right in ["Bearer one", "bearer one", "BEARER  one "] {
            assert_eq!(shown(&[right]), "one");
        }
        for wrong in ["", "one", "Bearer", "Basic one"] {
            assert_eq!(shown(&[wrong]), "Wrong", "{wrong}");
        }
        assert_eq!(shown(&["Bearer one", "Bearer one"]), "Wrong", "one header only");
    }
}
