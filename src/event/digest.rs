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

/// The version of a file's content: `sha256:` and the whole hash in hexadecimal, as `sha256sum` shows
/// it.
pub(crate) fn version(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(71);
    text.push_str("sha256:");
    for byte in Sha256::digest(bytes) {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_hash_is_the_known_one() {
        assert_eq!(super::digest("abc"), "ba7816bf8f01cfea414140de5dae2223");
        let version = super::version(b"abc");
        assert_eq!(version, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
