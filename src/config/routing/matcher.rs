//! Reads which alerts are meant.

use toml::de::DeTable;

use serde_json::Value as Json;

use crate::alert::AlertKind;
use crate::diagnostic::Span;
use crate::routing::{Glob, Matcher, Wanted};

use super::check::Mentioned;
use crate::config::Located;
use crate::config::document::{Report, Table};
use crate::config::reference::MATCH;

/// Reads a matcher.
pub fn matcher(values: &DeTable<'_>, place: Span, mentioned: &mut Mentioned, report: &mut Report) -> Matcher {
    let table = Table::new(values, &MATCH, place, report);
    let severity = table.text("severity", report).and_then(|given| match given.value.parse() {
        Ok(severity) => Some(severity),
        Err(error) => {
            report.unreadable("severity", &given, &format!("{error}"));
            None
        }
    });
    let rules = globs(&table, "rules", mentioned, report);
    let tags = table.names("tags", report);
    mentioned.tags.extend(tags.iter().cloned());
    let kinds = table.names("kinds", report).into_iter().filter_map(|given| {
        let kind = AlertKind::of_name(&given.value);
        if kind.is_none() {
            report.unknown_word(&given, &["match", "timeout", "limit"]);
        }
        kind
    });
    let matcher = Matcher {
        severity,
        rules,
        tags: tags.into_iter().map(|tag| tag.value).collect(),
        kinds: kinds.collect(),
        fields: Default::default(),
    };
    let fields = table.values("fields", report).into_iter();
    let fields = fields.map(|(name, values)| {
        (name.value, values.into_iter().filter_map(|value| wanted(value, report)).collect())
    });
    let matcher = Matcher { fields: fields.collect(), ..matcher };
    if matcher.is_impossible() {
        report.contradiction(
            place,
            "no alert has such a severity",
            "`critical` is the highest, `info` the lowest",
        );
    }
    matcher
}

fn wanted(given: Located<Json>, report: &mut Report) -> Option<Wanted> {
    match given.value {
        Json::String(text) => glob(&Located { value: text, span: given.span }, report).map(Wanted::Text),
        value => Some(Wanted::Value(value)),
    }
}

/// Names of rules, in which letters may be left open.
pub fn globs(table: &Table<'_>, key: &str, mentioned: &mut Mentioned, report: &mut Report) -> Vec<Glob> {
    let mut globs = Vec::new();
    for given in table.names(key, report) {
        if let Some(glob) = glob(&given, report) {
            mentioned.rules.push(Located { value: glob.clone(), span: given.span });
            globs.push(glob);
        }
    }
    globs
}

fn glob(given: &Located<String>, report: &mut Report) -> Option<Glob> {
    match given.value.parse() {
        Ok(glob) => Some(glob),
        Err(error) => {
            report.unreadable("a pattern", given, &format!("{error}"));
            None
        }
    }
}
