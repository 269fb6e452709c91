//! Hashes that name things.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The first half of the SHA-256 of a canonical text, in hexadecimal: 32 characters.
pub(crate) fn digest(text: &str) -> String {
    let mut hex = String::with_capacity(32);
    for byte in &Sha256::digest(text.as_bytes())[..16] {
        write!(hex, "{byte:02x}").expect("writing to a String cannot fail");
    }
    hex
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_hash_is_the_known_one() {
        assert_eq!(super::digest("abc"), "ba7816bf8f01cfea414140de5dae2223");
    }
}
