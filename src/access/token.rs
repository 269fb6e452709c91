//! Tokens, and their digests, which is all that is kept of them.

use std::fmt::{self, Write};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// What every token begins with, so that people and programs that look for secrets recognise one.
const PREFIX: &str = "tripline_";

/// A token: 256 random bits. It is shown once, when it is made.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Of these bits, which nobody can guess.
    pub fn new(random: [u8; 32]) -> Token {
        Token(format!("{PREFIX}{}", Hex(&random)))
    }

    /// The token itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// The SHA-256 of a token. A token has 256 random bits, so that there is nothing to guess: a slow hash, as passwords
/// need one, would protect nothing and cost time with each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of what a request shows.
    pub fn of(shown: &[u8]) -> Digest {
        Digest(Sha256::digest(shown).into())
    }

    /// Whether they are equal; found out in the same time whatever they are.
    pub fn is(&self, other: &Digest) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = NoDigest;

    fn try_from(text: String) -> Result<Digest, NoDigest> {
        text.parse()
    }
}

/// The text is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 has 64 hexadecimal digits")]
pub struct NoDigest;

impl FromStr for Digest {
    type Err = NoDigest;

    fn from_str(text: &str) -> Result<Digest, NoDigest> {
        let digits: Vec<u8> = text
            .bytes()
            .map(|byte| (byte as char).to_digit(16).map(|digit| digit as u8))
            .collect::<Option<_>>()
            .ok_or(NoDigest)?;
        let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        if digits.len() == 64 { bytes.try_into().map(Digest).map_err(|_| NoDigest) } else { Err(NoDigest) }
    }
}

/// Bytes as hexadecimal digits.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| {
            for digit in [byte >> 4, byte & 15] {
                f.write_char(char::from_digit(digit.into(), 16).expect("it is less than 16"))?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_by_nothing_but_itself() {
        let token = Token::new([0xab; 32]);
        assert_eq!(token.reveal(), format!("tripline_{}", "ab".repeat(32)));
        assert_eq!(format!("{token:?}"), "Token");
        let digest = token.digest();
        assert!(bool::from(digest.is(&Digest::of(token.reveal().as_bytes()))));
        assert!(!bool::from(digest.is(&Token::new([0xac; 32]).digest())));
        assert_eq!(digest.to_string().parse(), Ok(digest));
        // What `printf %s TOKEN | sha256sum` says.
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of(b"abc").to_string(), known);
        for wrong in ["", "ab", &known[1..], &format!("{known}0"), &known.replace('b', "x")] {
            assert_eq!(wrong.parse::<Digest>(), Err(NoDigest), "{wrong}");
        }
    }
}
