//! Reads lists of tables, and tables of values under names that are not known before.

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::Located;
use crate::diagnostic::codes::{E0604, E0612};
use crate::diagnostic::{Span, nearest};

use super::{Found, Report, Table, list, wrong_type};

impl<'a> Table<'a> {
    /// The tables of a list (`[[name]]`), each with its place.
    pub fn tables(&self, name: &str, report: &mut Report) -> Vec<(&'a DeTable<'a>, Span)> {
        let (key, Found::Given(value)) = self.find(name, report) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            wrong_type(value, key, report);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items {
            match item.get_ref().as_table() {
                Some(table) => tables.push((table, report.span(item))),
                None => wrong_type(item, key, report),
            }
        }
        tables
    }

    /// What a table has under its names: of each a value, or several in a list.
    pub fn values(&self, name: &str, report: &mut Report) -> Vec<(Located<String>, Vec<Located<Json>>)> {
        let Some((table, _)) = self.table(name, report) else { return Vec::new() };
        let mut named = Vec::new();
        for (name, value) in table.iter() {
            let values = match value.get_ref().as_array() {
                Some(items) => items.iter().filter_map(|item| plain(item, report)).collect(),
                None => plain(value, report).into_iter().collect(),
            };
            named.push((Located { value: name.get_ref().to_string(), span: report.span(name) }, values));
        }
        named
    }
}

impl Report {
    /// Reports a value that is no text, number, or true or false.
    fn no_value(&mut self, place: Span) {
        let help = "text, a number, `true` or `false` can be held against the value of a field";
        self.wrong(E0604, place, "this can be no value of a field".to_owned(), Some(help.to_owned()));
    }

    /// Reports a name that something else in the file should have and does not.
    pub fn unknown_name<'n>(
        &mut self,
        what: &str,
        given: &Located<String>,
        known: impl Iterator<Item = &'n String> + Clone,
        write: &str,
    ) {
        let help = match nearest(&given.value, known.clone().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.clone().next().is_none() => format!("write `{write}` and the keys below it"),
            None => format!("there are {}", list(known)),
        };
        self.wrong(E0612, given.span, format!("there are no {what} `{}`", given.value), Some(help));
    }
}

/// A value that is text, a number, or true or false.
fn plain(value: &Spanned<DeValue<'_>>, report: &mut Report) -> Option<Located<Json>> {
    let span = report.span(value);
    let plain = match value.get_ref() {
        DeValue::String(text) => Some(Json::from(text.as_ref())),
        DeValue::Boolean(flag) => Some(Json::from(*flag)),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok().map(Json::from),
        DeValue::Float(number) => number.as_str().parse::<f64>().ok().map(Json::from),
        _ => None,
    };
    if plain.is_none() {
        report.no_value(span);
    }
    plain.map(|value| Located { value, span })
}
