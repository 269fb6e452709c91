//! The tokens that are known: their names, roles and digests, as a file has them.
//!
//! ```toml
//! [[tokens]]
//! name = "grafana"
//! role = "read"
//! sha256 = "…"
//! created = "2026-11-22T08:00:00Z"
//! expires = "2027-02-20T08:00:00Z"
//! ```

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::event::Timestamp;

use super::role::Role;
use super::token::Digest;

/// The most tokens: each request is compared with all of them.
pub const MOST: usize = 1_000;
/// The longest name.
const LONGEST: usize = 64;

/// What stands at the top of the file.
const HEAD: &str = "\
# The tokens by which others may use the API of Tripline. Only their hashes are here: a token is shown once, when it is made.
# `tripline token new` adds one, `tripline token revoke` takes one away; the service reads this file again when it changes.
";

/// The tokens that are known. Names and digests differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenSet(Vec<Entry>);

/// A token that is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Who has it: a person or a program.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Its digest.
    pub sha256: Digest,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// From when on it counts no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl Entry {
    /// Whether it counts no longer.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// There is a token of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is a token `{0}` already; give this one another name, or revoke that one first")]
pub struct NameTaken(pub String);

/// The file as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(default)]
    tokens: Vec<Entry>,
}

impl TokenSet {
    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// When it is no such file; it says why and where.
    pub fn read(bytes: &[u8]) -> Result<Arc<TokenSet>, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
        let Form { tokens } =
            toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        if tokens.len() > MOST {
            return Err(format!("it has more than {MOST} tokens"));
        }
        let mut set = TokenSet::default();
        for entry in tokens {
            check_name(&entry.name)?;
            if set.0.iter().any(|other| other.sha256 == entry.sha256) {
                return Err(format!("the token of `{}` is there twice", entry.name));
            }
            set.add(entry).map_err(|NameTaken(name)| format!("there are two tokens `{name}`"))?;
        }
        Ok(Arc::new(set))
    }

    /// The text of a file with them.
    pub fn text(&self) -> String {
        let form = Form { tokens: self.0.clone() };
        let tokens = toml::to_string(&form).expect("plain data can be written as TOML");
        format!("{HEAD}\n{tokens}")
    }

    /// All of them, in the order in which they were made.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// Knows one more.
    ///
    /// # Errors
    /// When there is one of that name.
    pub fn add(&mut self, entry: Entry) -> Result<(), NameTaken> {
        if self.0.iter().any(|other| other.name == entry.name) {
            return Err(NameTaken(entry.name));
        }
        self.0.push(entry);
        Ok(())
    }

    /// Knows the one of that name no longer. `None`: there is none.
    pub fn remove(&mut self, name: &str) -> Option<Entry> {
        let index = self.0.iter().position(|entry| entry.name == name)?;
        Some(self.0.remove(index))
    }

    /// The one with that digest. It takes the same time whichever it is.
    pub fn find(&self, digest: &Digest) -> Option<&Entry> {
        let (mut found, mut place) = (Choice::from(0), 0_u32);
        for (index, entry) in (0_u32..).zip(&self.0) {
            let is_it = entry.sha256.is(digest);
            place.conditional_assign(&index, is_it);
            found |= is_it;
        }
        // From here on the time says which of the known ones it is, to who has it.
        if found.ct_eq(&Choice::from(1)).into() { self.0.get(place as usize) } else { None }
    }
}

/// Looks whether a token can be called so: its name stands in logs, in the audit log and on pages.
///
/// # Errors
/// When it cannot; it says why.
pub fn check_name(name: &str) -> Result<(), String> {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '@');
    let is_right = (1..=LONGEST).contains(&name.len()) && name.chars().all(is_letter);
    if is_right {
        return Ok(());
    }
    Err(format!(
        "a token cannot be called `{}`: a name has 1 to {LONGEST} letters, digits, `-`, `_`, `.` and `@`",
        name.escape_debug()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Token;

    fn at(text: &str) -> Option<Timestamp> {
        Some(Timestamp::parse(text).expect("a time"))
    }

    fn entry(name: &str, byte: u8) -> Entry {
        let sha256 = Token::new([byte; 32]).digest();
        Entry {
            name: name.into(),
            role: Role::Read,
            sha256,
            created: at("2026-11-22T08:00:00Z"),
            expires: None,
        }
    }

    #[test]
    fn a_file_says_the_same_again() {
        let mut set = TokenSet::default();
        set.add(entry("grafana", 1)).expect("it is new");
        let ana =
            Entry { role: Role::Admin, expires: at("2027-01-01T00:00:00Z"), ..entry("ana@example.com", 2) };
        set.add(ana.clone()).expect("it is new");
        assert_eq!(set.add(entry("grafana", 3)), Err(NameTaken("grafana".into())));
        let text = set.text();
        assert_eq!(*TokenSet::read(text.as_bytes()).expect(&text), set);
        assert_eq!(set.find(&ana.sha256), Some(&ana));
        assert_eq!(set.find(&Token::new([9; 32]).digest()), None);
        assert_eq!(set.remove("grafana").map(|entry| entry.name), Some("grafana".into()));
        assert_eq!(set.find(&Token::new([1; 32]).digest()), None);
        assert_eq!(*TokenSet::read(b"").expect("an empty file has none"), TokenSet::default());
    }

    #[test]
    fn a_file_that_makes_no_sense_is_refused_with_its_place() {
        let fail = |text: &str| TokenSet::read(text.as_bytes()).expect_err(text);
        let one = "[[tokens]]\nname = \"a\"\nrole = \"read\"\nsha256 = \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"\n";
        assert!(TokenSet::read(one.as_bytes()).is_ok());
        assert_eq!(fail(&format!("{one}{one}")), "the token of `a` is there twice");
        assert_eq!(fail(&format!("{one}{}", one.replace("ba7", "ba8"))), "there are two tokens `a`");
        assert!(fail(&one.replace("\"a\"", "\"a\\nb\"")).starts_with("a token cannot be called `a\\nb`"));
        let wrong = fail(&one.replace("\"read\"", "\"root\""));
        assert!(wrong.contains("line 3") && wrong.contains("root"), "{wrong}");
        assert!(fail(&one.replace("ba78", "xx78")).contains("64 hexadecimal digits"));
        assert!(fail(&one.replace("role", "rolle")).contains("rolle"));
        assert!(fail("token = 1").contains("token"));
        let many: String = (0..=MOST).map(|n| one.replace("\"a\"", &format!("\"t{n}\""))).collect();
        assert_eq!(fail(&many), "it has more than 1000 tokens");
    }
}
