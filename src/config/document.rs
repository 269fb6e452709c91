//! Reads values out of a TOML document and collects what is wrong with it.
//!
//! Enters: a parsed table with the places of its keys and values. Leaves: typed values; for each
//! mistake a diagnostic. Reading goes on after a mistake, so that all are reported at once.

mod lists;
mod secrets;

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::codes::{E0602, E0603, E0604, E0605, E0608, E0609, E0612, E0613, E0614};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, FileId, Span, nearest};
use crate::event::Duration;
use crate::rate::Rate;

use super::Located;
use super::reference::{Key, Missing, Section, Takes};
use super::value::parse_size;

/// Collects the mistakes of one file.
#[derive(Debug, Default)]
pub struct Report {
    /// The mistakes so far.
    pub diagnostics: Diagnostics,
    /// Where secrets stand in the text itself.
    pub secrets: Vec<Span>,
    file: FileId,
}

impl Report {
    /// For a file.
    pub fn new(file: FileId) -> Report {
        Report { diagnostics: Diagnostics::default(), secrets: Vec::new(), file }
    }

    /// The place of something that the parser has read.
    pub fn span<T>(&self, spanned: &Spanned<T>) -> Span {
        let range = spanned.span();
        Span::new(self.file, range.start, range.end)
    }

    /// Adds a mistake.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn wrong(&mut self, code: Code, place: Span, message: String, help: Option<String>) {
        let mut diagnostic = Diagnostic::new(code, place, message);
        diagnostic.help.extend(help);
        self.push(diagnostic);
    }
}

/// A table with the keys it may have.
pub struct Table<'a> {
    values: &'a DeTable<'a>,
    section: &'static Section,
    /// Where to say that a key is missing.
    heading: Span,
    /// Keys that an unknown key was probably meant to be; saying that they are missing would be
    /// saying it twice.
    meant: Vec<&'static str>,
}

/// What stands for a key.
enum Found<'a> {
    Given(&'a Spanned<DeValue<'a>>),
    Default(&'static str),
    Absent,
}

impl<'a> Table<'a> {
    /// Looks at a table; unknown keys are reported.
    pub fn new(
        values: &'a DeTable<'a>,
        section: &'static Section,
        heading: Span,
        report: &mut Report,
    ) -> Table<'a> {
        let mut meant = Vec::new();
        for (name, _) in values.iter() {
            let known = || section.names();
            if known().any(|key| key == name.get_ref().as_ref()) {
                continue;
            }
            let help = match nearest(name.get_ref(), known()) {
                Some(near) => {
                    meant.push(near);
                    format!("did you mean `{near}`?")
                }
                None => format!("the keys here are {}", list(known())),
            };
            let message = format!("there is no key `{}` here", name.get_ref());
            report.wrong(E0602, report.span(name), message, Some(help));
        }
        Table { values, section, heading, meant }
    }

    fn find(&self, name: &str, report: &mut Report) -> (&'static Key, Found<'a>) {
        let key = self.section.key(name);
        let found = match (self.values.get(name), key.missing) {
            (Some(value), _) => Found::Given(value),
            (None, Missing::Is(default)) => Found::Default(default),
            (None, Missing::Nothing) => Found::Absent,
            (None, Missing::Mistake) => {
                self.report_missing(key, report);
                Found::Absent
            }
        };
        (key, found)
    }

    /// Text.
    pub fn text(&self, name: &str, report: &mut Report) -> Option<Located<String>> {
        match self.find(name, report) {
            (key, Found::Given(value)) => text(value, key, report),
            _ => None,
        }
    }

    /// Text, or the default of the key.
    pub fn text_or_default(&self, name: &str, report: &mut Report) -> Option<String> {
        match self.find(name, report) {
            (key, Found::Given(value)) => text(value, key, report).map(|text| text.value),
            (_, Found::Default(default)) => Some(default.to_owned()),
            (_, Found::Absent) => None,
        }
    }

    /// A rate, or the default of the key.
    pub fn rate(&self, name: &str, report: &mut Report) -> Option<Rate> {
        let given = match self.find(name, report) {
            (key, Found::Given(value)) => text(value, key, report)?,
            (_, Found::Default(default)) => {
                return Some(Rate::parse(default).expect("the catalogue's rates are tested"));
            }
            (_, Found::Absent) => return None,
        };
        let rate = Rate::parse(&given.value);
        if rate.is_none() {
            let message = format!("`{}` is no rate", given.value);
            let help = "a rate is a number, from 1 to 1000000, and a time: `10/s`, `30/m` or `5/10s`";
            report.wrong(E0605, given.span, message, Some(help.into()));
        }
        rate
    }

    /// Whether the key may stand here.
    pub fn has(&self, name: &str) -> bool {
        self.section.all().any(|key| key.name == name)
    }

    /// Text that must be there because of what other keys say.
    pub fn required(&self, name: &str, report: &mut Report) -> Option<Located<String>> {
        if self.values.get(name).is_none() {
            self.report_missing(self.section.key(name), report);
        }
        self.text(name, report)
    }

    /// Reports that a key is missing which must be there because of what other keys say.
    pub fn missing(&self, name: &str, report: &mut Report) {
        self.report_missing(self.section.key(name), report);
    }

    fn report_missing(&self, key: &Key, report: &mut Report) {
        if !self.meant.contains(&key.name) {
            let message = format!("the key `{}` is missing", key.name);
            report.wrong(E0603, self.heading, message, Some(example(key)));
        }
    }

    /// Where the table begins.
    pub fn heading(&self) -> Span {
        self.heading
    }

    /// Where a key stands, if it is given.
    pub fn place(&self, name: &str, report: &Report) -> Option<Span> {
        self.values.get_key_value(name).map(|(key, _)| report.span(key))
    }

    /// File permissions in octal digits.
    pub fn permissions(&self, name: &str, report: &mut Report) -> Option<u32> {
        let (key, Found::Given(value)) = self.find(name, report) else { return None };
        let given = text(value, key, report)?;
        let octal = given.value.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
        match u32::from_str_radix(&given.value, 8) {
            Ok(bits) if octal && bits <= 0o777 => Some(bits),
            _ => {
                let message = format!("`{}` says no file permissions in octal digits", given.value);
                report.wrong(E0605, given.span, message, Some(example(key)));
                None
            }
        }
    }

    /// A path; a relative one begins at `folder`.
    pub fn path(&self, name: &str, folder: &Path, report: &mut Report) -> Option<PathBuf> {
        self.located_path(name, folder, report).map(|path| path.value)
    }

    /// A path with its place in the file.
    pub fn located_path(&self, name: &str, folder: &Path, report: &mut Report) -> Option<Located<PathBuf>> {
        let given = match self.find(name, report) {
            (key, Found::Given(value)) => text(value, key, report)?,
            (_, Found::Default(default)) => Located { value: default.to_owned(), span: self.heading },
            (_, Found::Absent) => return None,
        };
        if given.value.is_empty() {
            let (message, help) = (format!("`{name}` cannot be empty"), example(self.section.key(name)));
            report.wrong(E0612, given.span, message, Some(help));
            return None;
        }
        Some(Located { value: folder.join(&given.value), span: given.span })
    }

    /// True or false; false when nothing else is said.
    pub fn flag(&self, name: &str, report: &mut Report) -> Option<bool> {
        match self.find(name, report) {
            (key, Found::Given(value)) => {
                let flag = value.get_ref().as_bool();
                if flag.is_none() {
                    wrong_type(value, key, report);
                }
                flag
            }
            (_, Found::Default(default)) => Some(default == "true"),
            (_, Found::Absent) => Some(false),
        }
    }

    /// One of the words that the key takes.
    pub fn word(&self, name: &str, report: &mut Report) -> Option<&'static str> {
        let (key, found) = self.find(name, report);
        let Takes::Word(words) = key.takes else { unreachable!("`{name}` takes words") };
        let given = match found {
            Found::Given(value) => text(value, key, report)?,
            Found::Default(default) => return Some(default),
            Found::Absent => return None,
        };
        let found = words.iter().find(|word| **word == given.value);
        if found.is_none() {
            report.unknown_word(&given, words);
        }
        found.copied()
    }

    /// A duration in the bounds of the key.
    pub fn duration(&self, name: &str, report: &mut Report) -> Option<Duration> {
        let (key, found) = self.find(name, report);
        let Takes::Duration(least, most) = key.takes else { unreachable!("`{name}` takes a duration") };
        let parse = |text: &str| Duration::parse(text).expect("the catalogue's durations are tested");
        let given = match found {
            Found::Given(value) => text(value, key, report)?,
            Found::Default(default) => return Some(parse(default)),
            Found::Absent => return None,
        };
        let Some(duration) = Duration::parse(&given.value) else {
            let message = format!("`{}` is no duration", given.value);
            report.wrong(E0605, given.span, message, Some(example(key)));
            return None;
        };
        in_bounds(duration, parse(least)..=parse(most), key, given.span, report)
    }

    /// The same as a duration of the standard library.
    pub fn wait(&self, name: &str, report: &mut Report) -> Option<std::time::Duration> {
        let duration = self.duration(name, report)?;
        Some(std::time::Duration::from_micros(u64::try_from(duration.as_micros()).unwrap_or(0)))
    }

    /// A size in bytes in the bounds of the key.
    pub fn size(&self, name: &str, report: &mut Report) -> Option<u64> {
        let (key, found) = self.find(name, report);
        let Takes::Size(least, most) = key.takes else { unreachable!("`{name}` takes a size") };
        let parse = |text: &str| parse_size(text).expect("the catalogue's sizes are tested");
        let given = match found {
            Found::Given(value) => text(value, key, report)?,
            Found::Default(default) => return Some(parse(default)),
            Found::Absent => return None,
        };
        let Some(size) = parse_size(&given.value) else {
            let message = format!("`{}` is no size", given.value);
            report.wrong(E0605, given.span, message, Some(example(key)));
            return None;
        };
        in_bounds(size, parse(least)..=parse(most), key, given.span, report)
    }

    /// A whole number in the bounds of the key.
    pub fn count(&self, name: &str, report: &mut Report) -> Option<usize> {
        let (key, found) = self.find(name, report);
        let Takes::Count(least, most) = key.takes else { unreachable!("`{name}` takes a number") };
        let number = match found {
            Found::Given(value) => {
                let place = report.span(value);
                let Some(integer) = value.get_ref().as_integer() else {
                    wrong_type(value, key, report);
                    return None;
                };
                // What does not fit into 64 bits is out of bounds as well.
                let number = i64::from_str_radix(integer.as_str(), integer.radix()).unwrap_or(i64::MAX);
                in_bounds(number, least..=most, key, place, report)?
            }
            Found::Default(default) => default.parse().expect("the catalogue's numbers are tested"),
            Found::Absent => return None,
        };
        usize::try_from(number).ok()
    }

    /// An address as `host:port`.
    pub fn address(&self, name: &str, report: &mut Report) -> Option<Located<String>> {
        let given = self.text(name, report)?;
        match check_address(&given.value) {
            Ok(()) => Some(given),
            Err(why) => {
                let message = format!("`{}` is no address: {why}", given.value);
                let help = "an address is written `127.0.0.1:7001`, `[::1]:7001` or `localhost:7001`";
                report.wrong(E0608, given.span, message, Some(help.into()));
                None
            }
        }
    }

    /// A URL to send to. Without it, `other`.
    pub fn url_or(&self, name: &str, other: &str, report: &mut Report) -> Option<reqwest::Url> {
        match self.place(name, report) {
            Some(_) => self.url(name, report),
            None => Some(reqwest::Url::parse(other).expect("it stands in the program")),
        }
    }

    /// A URL to send to.
    pub fn url(&self, name: &str, report: &mut Report) -> Option<reqwest::Url> {
        let given = self.text(name, report)?;
        match check_url(&given.value) {
            Ok(url) => Some(url),
            Err(wrong) => {
                wrong.report(given.span, report);
                None
            }
        }
    }

    /// A list of names.
    pub fn names(&self, name: &str, report: &mut Report) -> Vec<Located<String>> {
        let (key, Found::Given(value)) = self.find(name, report) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            wrong_type(value, key, report);
            return Vec::new();
        };
        items.iter().filter_map(|item| text(item, key, report)).collect()
    }

    /// A table of texts by names that are not known beforehand.
    pub fn texts(&self, name: &str, report: &mut Report) -> Option<Vec<(Located<String>, Located<String>)>> {
        let Some((table, _)) = self.table(name, report) else { return Some(Vec::new()) };
        let key = self.section.key(name);
        let pairs = table.iter().map(|(name, value)| {
            let name = Located { value: name.get_ref().to_string(), span: report.span(name) };
            Some((name, text(value, key, report)?))
        });
        pairs.collect()
    }

    /// A table inside, with the place of its heading.
    pub fn table(&self, name: &str, report: &mut Report) -> Option<(&'a DeTable<'a>, Span)> {
        let (key, Found::Given(value)) = self.find(name, report) else { return None };
        let heading = self.values.get_key_value(name).map_or(self.heading, |(name, _)| report.span(name));
        match value.get_ref().as_table() {
            Some(table) => Some((table, heading)),
            None => {
                wrong_type(value, key, report);
                None
            }
        }
    }
}

impl Report {
    /// Reports keys that do not go together.
    pub fn contradiction(&mut self, place: Span, message: impl Into<String>, help: impl Into<String>) {
        self.wrong(E0614, place, message.into(), Some(help.into()));
    }

    /// Reports a value that is not what the key takes.
    pub fn unreadable(&mut self, key: &str, given: &Located<String>, why: &str) {
        self.wrong(E0605, given.span, format!("`{key}` cannot be read: {why}"), None);
    }

    /// Reports a value that cannot be what it is given as.
    pub fn misnamed(&mut self, place: Span, message: impl Into<String>, help: impl Into<String>) {
        self.wrong(E0612, place, message.into(), Some(help.into()));
    }

    /// Reports a word that is none of those possible.
    pub fn unknown_word(&mut self, given: &Located<String>, words: &[&'static str]) {
        let near = nearest(&given.value, words.iter().copied());
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("possible are {}", list(words.iter().copied())),
        };
        let message = format!("`{}` is not known here", given.value);
        self.wrong(E0612, given.span, message, Some(help));
    }
}

fn text(value: &Spanned<DeValue<'_>>, key: &Key, report: &mut Report) -> Option<Located<String>> {
    match value.get_ref().as_str() {
        Some(text) => Some(Located { value: text.to_string(), span: report.span(value) }),
        None => {
            wrong_type(value, key, report);
            None
        }
    }
}

fn wrong_type(value: &Spanned<DeValue<'_>>, key: &Key, report: &mut Report) {
    let found = match value.get_ref() {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(true) => "`true`",
        DeValue::Boolean(false) => "`false`",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    let message = format!("`{}` takes {}, but this is {found}", key.name, wanted(key.takes));
    report.wrong(E0604, report.span(value), message, Some(example(key)));
}

fn wanted(takes: Takes) -> &'static str {
    match takes {
        Takes::Text => "text",
        Takes::Path => "a path as text",
        Takes::Duration(..) => "a duration as text",
        Takes::Size(..) => "a size as text",
        Takes::Count(..) => "a whole number",
        Takes::Address => "an address as text",
        Takes::Url => "a URL as text",
        Takes::Secret { .. } => "a secret, or where it is, as text",
        Takes::Names => "a list of names",
        Takes::Flag => "`true` or `false`",
        Takes::Word(_) => "a word as text",
        Takes::Table => "a table",
        Takes::Tables => "a list of tables",
    }
}

/// How the key is written.
fn example(key: &Key) -> String {
    let value = match (key.takes, key.missing) {
        _ if key.example.is_some() => key.example.unwrap_or_default().to_string(),
        (Takes::Count(..) | Takes::Flag, Missing::Is(default)) => default.to_string(),
        (Takes::Count(least, _), _) => least.to_string(),
        (Takes::Flag, _) => "true".into(),
        (_, Missing::Is(default)) => format!("\"{default}\""),
        (Takes::Path, _) => match key.name {
            "rules" => "\"rules\"".into(),
            "file" => "\"late.jsonl\"".into(),
            _ => "\"alerts.jsonl\"".into(),
        },
        (Takes::Address, _) => "\"127.0.0.1:7001\"".into(),
        (Takes::Url, _) => "\"https://example.com/alerts\"".into(),
        (Takes::Names, _) => "[\"name\"]".into(),
        (Takes::Word(words), _) => {
            return format!(
                "possible are {}",
                list(words.iter().map(|word| format!("{} = \"{word}\"", key.name)))
            );
        }
        (Takes::Tables, _) => return format!("write `[[{}]]` for each, and the keys below it", key.name),
        (Takes::Table, _) if !["registries", "sources", "sinks", "quiet_hours"].contains(&key.name) => {
            return format!("write `[{}]` and the keys below it", key.name);
        }
        (Takes::Table, _) => return format!("write `[{}.NAME]` for each, and the keys below it", key.name),
        _ => "\"payments\"".into(),
    };
    format!("for example `{} = {value}`", key.name)
}

fn in_bounds<T: PartialOrd>(
    value: T,
    bounds: RangeInclusive<T>,
    key: &Key,
    place: Span,
    report: &mut Report,
) -> Option<T> {
    if bounds.contains(&value) {
        return Some(value);
    }
    let (least, most) = match key.takes {
        Takes::Duration(least, most) | Takes::Size(least, most) => (least.to_string(), most.to_string()),
        Takes::Count(least, most) => (least.to_string(), most.to_string()),
        _ => unreachable!("only these have bounds"),
    };
    report.wrong(E0613, place, format!("`{}` may be from {least} to {most}", key.name), None);
    None
}

/// Why a text is no URL to send to.
pub(super) struct BadUrl(String);

impl BadUrl {
    pub(super) fn report(self, place: Span, report: &mut Report) {
        let BadUrl(why) = self;
        let message = format!("this URL cannot be used: {why}");
        report.wrong(E0609, place, message, Some("a URL begins with `https://` or `http://`".into()));
    }
}

pub(super) fn check_url(text: &str) -> Result<reqwest::Url, BadUrl> {
    match reqwest::Url::parse(text) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            Err(BadUrl(format!("`{}` is not spoken here", url.scheme())))
        }
        Ok(url) => Ok(url),
        // What the library says here, "relative URL without a base", says little to those who
        // have not read the standard.
        Err(_) if !text.contains("://") => Err(BadUrl("it does not say how to connect".to_string())),
        Err(error) => Err(BadUrl(error.to_string())),
    }
}

pub(super) fn check_address(text: &str) -> Result<(), &'static str> {
    if text.parse::<std::net::SocketAddr>().is_ok() {
        return Ok(());
    }
    if text.parse::<std::net::IpAddr>().is_ok() {
        return Err("the port is missing");
    }
    let Some((host, port)) = text.rsplit_once(':') else { return Err("the port is missing") };
    if port.parse::<u16>().is_err() {
        return Err("the port is a number from 0 to 65535");
    }
    let name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if host.is_empty() || !host.chars().all(name) {
        return Err("the part before the port is neither a name nor an IP address");
    }
    Ok(())
}

/// `a`, `b` and `c`.
pub fn list<T: std::fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| format!("`{item}`")).collect();
    match items.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_a_host_and_a_port() {
        for right in ["127.0.0.1:7001", "[::1]:0", "localhost:80", "my-host.internal:65535"] {
            assert_eq!(check_address(right), Ok(()), "{right}");
        }
        for wrong in ["", "127.0.0.1", "::1", ":80", "localhost:", "localhost:65536", "a b:80", "http://a:80"]
        {
            assert!(check_address(wrong).is_err(), "{wrong}");
        }
    }
}
