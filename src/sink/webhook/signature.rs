//! Signatures of the Standard Webhooks specification (<https://www.standardwebhooks.com>): what is sent is signed together
//! with its id and the time of the attempt, so that receivers know who has sent it, and that it is no older one again.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// How many bytes a secret has, by the specification.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The keys of the secrets by which it is signed; several while one is replaced by another.
pub struct Keys(Vec<Vec<u8>>);

/// What should be secrets is something else. It does not show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a secret to sign with is `whsec_` and then 24 to 64 bytes in base64; several stand behind each other with a space between"
)]
pub struct BadSecret;

impl Keys {
    /// Reads secrets.
    ///
    /// # Errors
    /// When there is none, or something else among them.
    pub fn read(secrets: &str) -> Result<Keys, BadSecret> {
        let keys = secrets.split_whitespace().map(|secret| {
            let key = BASE64_STANDARD
                .decode(secret.strip_prefix(PREFIX).ok_or(BadSecret)?)
                .map_err(|_| BadSecret)?;
            if BYTES.contains(&key.len()) { Ok(key) } else { Err(BadSecret) }
        });
        let keys: Vec<_> = keys.collect::<Result<_, _>>()?;
        if keys.is_empty() { Err(BadSecret) } else { Ok(Keys(keys)) }
    }

    /// The value of `webhook-signature`: a signature by each key. `seconds` is the time of the attempt since 1970.
    pub fn sign(&self, id: &str, seconds: u64, body: &[u8]) -> String {
        let Keys(keys) = self;
        let signatures = keys.iter().map(|key| {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
            mac.update(format!("{id}.{seconds}.").as_bytes());
            mac.update(body);
            format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
        });
        signatures.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn the_example_of_the_specification_is_signed_as_there() {
        let keys = Keys::read(SECRET).expect("it is one");
        let signature = keys.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn each_secret_has_its_signature_so_that_one_can_replace_another() {
        let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let both = Keys::read(&format!(" {SECRET}\n{other} ")).expect("they are two").sign("i", 1, b"x");
        let one = |secret| Keys::read(secret).expect("it is one").sign("i", 1, b"x");
        assert_eq!(both, format!("{} {}", one(SECRET), one(other)));
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let short = "whsec_AAAA";
        let without = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        for text in ["", " ", "whsec_", "whsec_???", short, without, &format!("{SECRET} {short}")] {
            assert!(Keys::read(text).is_err(), "{text}");
        }
    }
}
