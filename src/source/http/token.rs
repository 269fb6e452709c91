//! The tokens by which senders are known.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use axum::http::HeaderMap;
use subtle::Choice;

use crate::access::{Bearer, Digest, bearer};

/// Largest file of tokens, in bytes.
const MAX_FILE: usize = 64 << 10;

/// Tokens, of which a request has to have one.
///
/// Only their digests are kept, so that they can be compared in the same time whatever was sent, and are
/// shown nowhere.
#[derive(Debug)]
pub struct Tokens(Vec<Digest>);

/// A file of tokens that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the tokens in `{}`: {why}", path.display())]
pub struct TokenError {
    path: PathBuf,
    why: String,
}

impl Tokens {
    /// Reads a file with a token a line.
    ///
    /// # Errors
    /// When there is no such file, or no token in it, or something that cannot be sent as a token.
    pub fn read(path: &Path) -> Result<Tokens, TokenError> {
        let fail = |why: String| TokenError { path: path.to_path_buf(), why };
        let bytes = read(path).map_err(|error| fail(error.to_string()))?;
        Tokens::parse(&bytes).map_err(fail)
    }

    fn parse(bytes: &[u8]) -> Result<Tokens, String> {
        if bytes.len() > MAX_FILE {
            return Err(format!("it is larger than {} KiB", MAX_FILE >> 10));
        }
        let mut digests = Vec::new();
        for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
            let token = line.trim_ascii();
            if token.is_empty() {
                continue;
            }
            if !token.iter().all(u8::is_ascii_graphic) {
                return Err(format!("line {number} has characters that cannot be sent in a token"));
            }
            digests.push(Digest::of(token));
        }
        if digests.is_empty() { Err("there is none in it".into()) } else { Ok(Tokens(digests)) }
    }

    /// Whether a request has one of them.
    pub fn know(&self, headers: &HeaderMap) -> bool {
        let Bearer::Token(token) = bearer(headers) else { return false };
        let digest = Digest::of(token);
        self.0.iter().fold(Choice::from(0), |known, own| known | own.is(&digest)).into()
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header::AUTHORIZATION;

    fn knows(tokens: &Tokens, values: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().expect("a value"));
        }
        tokens.know(&headers)
    }

    #[test]
    fn a_request_needs_one_of_the_tokens() {
        let tokens = Tokens::parse(b"one\n\n  two==\r\n").expect("two tokens");
        for right in ["Bearer one", "bearer two==", "BEARER  one "] {
            assert!(knows(&tokens, &[right]), "{right}");
        }
        for wrong in ["", "one", "Bearer", "Bearer ", "Bearer three", "Bearer one two", "Basic one"] {
            assert!(!knows(&tokens, &[wrong]), "{wrong}");
        }
        assert!(!knows(&tokens, &[]));
        assert!(!knows(&tokens, &["Bearer one", "Bearer one"]), "one header only");
        assert!(!format!("{tokens:?}").contains("one"));
    }

    #[test]
    fn a_file_has_tokens_that_can_be_sent() {
        let fail = |bytes: &[u8]| Tokens::parse(bytes).expect_err("it cannot be used");
        assert_eq!(fail(b" \n\n"), "there is none in it");
        assert_eq!(fail(b"one\ntwo words\n"), "line 2 has characters that cannot be sent in a token");
        assert_eq!(fail("gr\u{fc}n".as_bytes()), "line 1 has characters that cannot be sent in a token");
        assert_eq!(fail(&vec![b'x'; MAX_FILE + 1]), "it is larger than 64 KiB");
    }
}
