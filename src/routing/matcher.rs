//! Which alerts are meant: by a route, a silence, or one side of an inhibition.
//!
//! Everything that a matcher says has to hold. Of a list, one entry has to fit, except for tags, of which the alert
//! has to have each. Texts may have `*` for any letters and `?` for one.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use glob::Pattern;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::alert::{AlertKind, Severity};

use super::facts::{Facts, plain};

/// Which alerts are meant. One that says nothing means all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Matcher {
    /// How much they matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, examples(">= high"))]
    pub severity: Option<SeverityTest>,
    /// Their rules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub rules: Vec<Glob>,
    /// Tags that they have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Why they were made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<AlertKind>,
    /// Values of the key and of fields, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, Vec<Json>>)]
    pub fields: BTreeMap<String, Vec<Wanted>>,
}

/// A severity, and how that of an alert is to compare with it: `high`, `>= high`, `!= info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SeverityTest {
    test: Test,
    severity: Severity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Is,
    IsNot,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// The longer ones first, as the shorter ones are the beginning of some.
const TESTS: [(&str, Test); 7] = [
    (">=", Test::AtLeast),
    ("<=", Test::AtMost),
    ("!=", Test::IsNot),
    ("==", Test::Is),
    ("=", Test::Is),
    (">", Test::More),
    ("<", Test::Less),
];

/// The text says no severity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no severity; write one of info, low, medium, high and critical, with `=`, `!=`, `<`, `<=`, `>` or `>=` before it"
)]
pub struct NoSeverity(String);

impl FromStr for SeverityTest {
    type Err = NoSeverity;

    fn from_str(text: &str) -> Result<SeverityTest, NoSeverity> {
        let trimmed = text.trim();
        let said = TESTS.iter().find_map(|(sign, test)| Some((*test, trimmed.strip_prefix(sign)?)));
        let (test, name) = said.unwrap_or((Test::Is, trimmed));
        let severity = Severity::of_name(name.trim()).ok_or_else(|| NoSeverity(text.to_owned()))?;
        Ok(SeverityTest { test, severity })
    }
}

impl TryFrom<String> for SeverityTest {
    type Error = NoSeverity;

    fn try_from(text: String) -> Result<SeverityTest, NoSeverity> {
        text.parse()
    }
}

impl From<SeverityTest> for String {
    fn from(test: SeverityTest) -> String {
        test.to_string()
    }
}

impl fmt::Display for SeverityTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.test {
            Test::Is => "",
            Test::IsNot => "!= ",
            Test::Less => "< ",
            Test::AtMost => "<= ",
            Test::More => "> ",
            Test::AtLeast => ">= ",
        };
        write!(f, "{sign}{}", self.severity.name())
    }
}

impl SeverityTest {
    /// Whether a severity compares so.
    pub fn holds(self, severity: Severity) -> bool {
        let order = severity.cmp(&self.severity);
        match self.test {
            Test::Is => order == Ordering::Equal,
            Test::IsNot => order != Ordering::Equal,
            Test::Less => order == Ordering::Less,
            Test::AtMost => order != Ordering::Greater,
            Test::More => order == Ordering::Greater,
            Test::AtLeast => order != Ordering::Less,
        }
    }
}

/// A text with `*` and `?`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Glob(Pattern);

/// The text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` cannot be read: {why}; `*` stands for any letters, `?` for one, `[*]` for a star itself")]
pub struct NoGlob {
    text: String,
    why: &'static str,
}

impl FromStr for Glob {
    type Err = NoGlob;

    fn from_str(text: &str) -> Result<Glob, NoGlob> {
        Pattern::new(text).map(Glob).map_err(|error| NoGlob { text: text.to_owned(), why: error.msg })
    }
}

impl TryFrom<String> for Glob {
    type Error = NoGlob;

    fn try_from(text: String) -> Result<Glob, NoGlob> {
        text.parse()
    }
}

impl From<Glob> for String {
    fn from(glob: Glob) -> String {
        glob.0.as_str().to_owned()
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl Glob {
    /// Whether a text fits.
    pub fn fits(&self, text: &str) -> bool {
        self.0.matches(text)
    }
}

/// A value that is wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Wanted {
    /// Text, held against what the value is as text.
    Text(Glob),
    /// A value of another kind.
    Value(Json),
}

impl Wanted {
    fn fits(&self, value: &Json) -> bool {
        match self {
            Wanted::Text(glob) => glob.fits(&plain(value)),
            Wanted::Value(wanted) => match (wanted.as_f64(), value.as_f64()) {
                // `1` and `1.0` are the same number.
                (Some(wanted), Some(value)) => wanted == value,
                _ => wanted == value,
            },
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Text(glob) => write!(f, "`{glob}`"),
            Wanted::Value(value) => write!(f, "`{value}`"),
        }
    }
}

/// Why an alert is not meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "lowercase")]
pub enum Mismatch {
    /// It matters more or less.
    Severity {
        /// How much it matters.
        is: Severity,
        /// What is wanted.
        wanted: SeverityTest,
    },
    /// It is of another rule.
    Rule {
        /// Its rule.
        is: String,
        /// What is wanted.
        wanted: Vec<Glob>,
    },
    /// It does not have the tag.
    Tag {
        /// The first that it does not have.
        missing: String,
    },
    /// It was made for another reason.
    Kind {
        /// Why it was made.
        is: AlertKind,
        /// What is wanted.
        wanted: Vec<AlertKind>,
    },
    /// A value is another.
    Field {
        /// Its name.
        name: String,
        /// The value, if there is one.
        is: Option<Json>,
        /// What is wanted.
        wanted: Vec<Wanted>,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mismatch::Severity { is, wanted } => write!(f, "the severity is {}, not `{wanted}`", is.name()),
            Mismatch::Rule { is, wanted } => write!(f, "the rule is `{is}`, not {}", or(wanted, quoted)),
            Mismatch::Tag { missing } => write!(f, "it does not have the tag `{missing}`"),
            Mismatch::Kind { is, wanted } => {
                write!(f, "the kind is {}, not {}", is.name(), or(wanted, |kind| kind.name().into()))
            }
            Mismatch::Field { name, is: None, wanted } => {
                write!(f, "it has no `{name}`, and {} is wanted", or(wanted, Wanted::to_string))
            }
            Mismatch::Field { name, is: Some(is), wanted } => {
                write!(f, "`{name}` is `{}`, not {}", plain(is), or(wanted, Wanted::to_string))
            }
        }
    }
}

fn quoted(text: &impl fmt::Display) -> String {
    format!("`{text}`")
}

fn or<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    items.iter().map(show).collect::<Vec<_>>().join(" or ")
}

impl Matcher {
    /// Whether it says nothing, so that it means all alerts.
    pub fn is_empty(&self) -> bool {
        *self == Matcher::default()
    }

    /// Whether an alert is meant.
    ///
    /// # Errors
    /// The first reason why it is not.
    pub fn check(&self, facts: &Facts) -> Result<(), Mismatch> {
        let Matcher { severity, rules, tags, kinds, fields } = self;
        if let Some(wanted) = severity.filter(|wanted| !wanted.holds(facts.severity)) {
            return Err(Mismatch::Severity { is: facts.severity, wanted });
        }
        if !rules.is_empty() && !rules.iter().any(|rule| rule.fits(&facts.rule)) {
            return Err(Mismatch::Rule { is: facts.rule.clone(), wanted: rules.clone() });
        }
        if let Some(missing) = tags.iter().find(|tag| !facts.tags.contains(tag)) {
            return Err(Mismatch::Tag { missing: missing.clone() });
        }
        if !kinds.is_empty() && !kinds.contains(&facts.kind) {
            return Err(Mismatch::Kind { is: facts.kind, wanted: kinds.clone() });
        }
        for (name, wanted) in fields {
            let is = facts.value(name);
            if !is.is_some_and(|is| wanted.iter().any(|wanted| wanted.fits(is))) {
                return Err(Mismatch::Field { name: name.clone(), is: is.cloned(), wanted: wanted.clone() });
            }
        }
        Ok(())
    }

    /// Whether every alert that `other` means is surely meant by this one too.
    pub fn covers(&self, other: &Matcher) -> bool {
        let Matcher { severity, rules, tags, kinds, fields } = self;
        let all = |holds: &dyn Fn(Severity) -> bool| Severity::ALL.into_iter().all(holds);
        let passes = |test: &Option<SeverityTest>, severity| test.is_none_or(|test| test.holds(severity));
        all(&|each| !passes(&other.severity, each) || passes(severity, each))
            && covers_list(rules, &other.rules)
            && tags.iter().all(|tag| other.tags.contains(tag))
            && covers_list(kinds, &other.kinds)
            && fields.iter().all(|(name, wanted)| {
                other.fields.get(name).is_some_and(|other| other.iter().all(|one| wanted.contains(one)))
            })
    }

    /// Whether no severity is meant, as with `> critical`.
    pub fn is_impossible(&self) -> bool {
        self.severity.is_some_and(|test| !Severity::ALL.into_iter().any(|severity| test.holds(severity)))
    }
}

fn covers_list<T: PartialEq>(own: &[T], other: &[T]) -> bool {
    own.is_empty() || !other.is_empty() && other.iter().all(|one| own.contains(one))
}

impl fmt::Display for Matcher {
    /// `severity >= high, rule card_*, tag fraud, merchant = acme`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.severity.map(|severity| format!("severity {severity}")));
        if !self.rules.is_empty() {
            parts.push(format!("rule {}", or(&self.rules, Glob::to_string)));
        }
        parts.extend(self.tags.iter().map(|tag| format!("tag {tag}")));
        if !self.kinds.is_empty() {
            parts.push(format!("kind {}", or(&self.kinds, |kind| kind.name().into())));
        }
        let field = |(name, wanted): (&String, &Vec<Wanted>)| {
            format!("{name} = {}", or(wanted, |wanted| wanted.to_string().replace('`', "")))
        };
        parts.extend(self.fields.iter().map(field));
        f.write_str(if parts.is_empty() { "all alerts".into() } else { parts.join(", ") }.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts() -> Facts {
        Facts {
            rule: "card_testing".into(),
            severity: Severity::High,
            kind: AlertKind::Match,
            tags: vec!["fraud".into(), "cards".into()],
            key: vec![("card".into(), json!("c1")), ("n".into(), json!(1))],
            fields: vec![
                ("merchant".into(), json!("acme")),
                ("card".into(), json!("c2")),
                ("ok".into(), json!(true)),
            ],
        }
    }

    fn check(matcher: Json) -> Result<(), String> {
        let matcher: Matcher = serde_json::from_value(matcher).expect("it is a matcher");
        matcher.check(&facts()).map_err(|mismatch| mismatch.to_string())
    }

    #[test]
    fn what_is_said_has_to_hold() {
        for right in [
            json!({}),
            json!({"severity": ">= high"}),
            json!({"severity": "!=low", "rules": ["x", "card_*"], "tags": ["cards", "fraud"], "kinds": ["match"]}),
            json!({"fields": {"merchant": ["x", "a?me"], "n": [1.0], "key.card": ["c1"], "fields.card": ["c2"]}}),
            json!({"fields": {"n": ["1"], "ok": ["true"], "card": ["c1"]}}),
        ] {
            assert_eq!(check(right.clone()), Ok(()), "{right}");
        }
        for (wrong, why) in [
            (json!({"severity": "> high"}), "the severity is high, not `> high`"),
            (json!({"rules": ["a", "b*"]}), "the rule is `card_testing`, not `a` or `b*`"),
            (json!({"tags": ["fraud", "x"]}), "it does not have the tag `x`"),
            (json!({"kinds": ["limit", "timeout"]}), "the kind is match, not limit or timeout"),
            (json!({"fields": {"merchant": ["b*", 7]}}), "`merchant` is `acme`, not `b*` or `7`"),
            (json!({"fields": {"key.merchant": ["acme"]}}), "it has no `key.merchant`, and `acme` is wanted"),
        ] {
            assert_eq!(check(wrong), Err(why.into()));
        }
    }

    #[test]
    fn what_is_written_is_read_again_and_shown() {
        let text = r#"{"severity":">= high","rules":["card_*"],"tags":["a"],"kinds":["limit"],"fields":{"m":["x*",1]}}"#;
        let matcher: Matcher = serde_json::from_str(text).expect("it is a matcher");
        assert_eq!(serde_json::to_string(&matcher).expect("it is plain"), text);
        assert_eq!(matcher.to_string(), "severity >= high, rule card_*, tag a, kind limit, m = x* or 1");
        assert_eq!(Matcher::default().to_string(), "all alerts");
        assert!("loud".parse::<SeverityTest>().is_err() && "[".parse::<Glob>().is_err());
    }

    #[test]
    fn one_matcher_may_cover_another() {
        let matcher = |value| serde_json::from_value::<Matcher>(value).expect("it is a matcher");
        let wide = matcher(json!({"severity": ">= medium", "rules": ["a", "b"]}));
        let narrow =
            matcher(json!({"severity": "> medium", "rules": ["a"], "tags": ["t"], "fields": {"x": [1]}}));
        assert!(wide.covers(&narrow) && !narrow.covers(&wide) && Matcher::default().covers(&wide));
        assert!(!wide.covers(&Matcher::default()) && wide.covers(&wide));
        assert!(matcher(json!({"severity": "> critical"})).is_impossible() && !wide.is_impossible());
    }
}
