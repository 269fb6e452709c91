//! From the text of a configuration to its values.

use std::path::{Path, PathBuf};

use toml::de::{DeTable, Error as TomlError};

use crate::diagnostic::codes::{E0601, E0603, E0604, E0610, E0611, E0612};
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Sources, Span};
use crate::event::Duration;
use crate::source::SourceLimits;
use crate::source::queue::QueueLimits;
use crate::source::reader::BatchLimits;

use super::api::api;
use super::document::{Report, Table};

use super::quarantine;
use super::reference::{self, LIMITS, ROOT, Section};
use super::registries::{self, registry};
use super::routing::routing;
use super::sinks::{check_fallbacks, sink};
use super::sources::{source, twice};
use super::state;
use super::{Config, Located};

/// Reads the one file of `sources`; gives also where secrets stand in it.
pub fn read(sources: &Sources, folder: &Path) -> (Option<Config>, Diagnostics, Vec<Span>) {
    let file = FileId(0);
    let text = &sources.file(file).text;
    let mut report = Report::new(file);
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut readable = true;
    for error in &errors {
        let (diagnostic, twice) = syntax(error, file, text);
        report.push(diagnostic);
        // A key given twice leaves the rest as it is; after other mistakes the parser guesses, and
        // what it guesses should not be reported.
        readable &= twice;
    }
    let config = if readable { root(table.get_ref(), folder, file, &mut report) } else { None };
    let right = !report.diagnostics.has_errors();
    (config.filter(|_| right), report.diagnostics, report.secrets)
}

fn syntax(error: &TomlError, file: FileId, text: &str) -> (Diagnostic, bool) {
    let range = error.span().unwrap_or(text.len()..text.len());
    let span = Span::new(file, range.start, range.end);
    if error.message().starts_with("duplicate key") {
        let message = format!("`{}` is given twice", text.get(range).unwrap_or_default());
        return (Diagnostic::new(E0610, span, message).help("keep one of the two"), true);
    }
    (Diagnostic::new(E0601, span, error.message()), false)
}

fn root(values: &DeTable<'_>, folder: &Path, file: FileId, report: &mut Report) -> Option<Config> {
    let top = Span::new(file, 0, 0);
    let table = Table::new(values, &ROOT, top, report);
    let rules = table.text("rules", report).and_then(|rules| rules_path(rules, folder, report));
    let default_sinks = table.names("default_sinks", report);
    let max_ahead = table.duration("max_ahead", report);
    let shards = table.count("shards", report);
    let shutdown_timeout = table.wait("shutdown_timeout", report);
    let limits = limits(&table, report);
    let kept = quarantine::kept(&table, folder, report);
    let said = state::said(&table, folder, report);
    let api = api(&table, folder, report);
    let registries =
        members(&table, "registries", report, |name, values, report| registry(name, values, folder, report));
    let sources =
        members(&table, "sources", report, |name, values, report| source(name, values, folder, report));
    let is_stored = table.place("state", report).is_some();
    let sinks = members(&table, "sinks", report, |name, values, report| {
        sink(name, values, folder, is_stored, report)
    });
    if let Some(sources) = &sources {
        if sources.is_empty() && table.table("sources", report).is_none_or(|(table, _)| table.is_empty()) {
            let message = "there is no source, so that no event would ever come";
            let help = "add one, for example `[sources.payments]` with `type = \"tcp\"`";
            report.push(Diagnostic::new(E0603, top, message).help(help));
        }
        twice(sources, report);
        registries::unknown(sources, registries.as_deref().unwrap_or_default(), report);
    }
    check_fallbacks(sinks.as_deref().unwrap_or_default(), report);
    let routing = routing(&table, sinks.as_deref().unwrap_or_default(), &default_sinks, report);
    let Limits { sources: limits, queue, reorder_bytes, behind } = limits?;
    let state = said?.settle(sources.as_deref().unwrap_or_default(), &limits, report);
    let (quarantine, late) = kept?;
    Some(Config {
        rules: rules?,
        default_sinks,
        max_ahead: max_ahead?,
        shutdown_timeout: shutdown_timeout?,
        limits,
        queue,
        reorder_bytes,
        behind,
        state,
        api: api?,
        shards,
        quarantine,
        late,
        registries: registries?,
        sources: sources?,
        sinks: sinks?,
        routing,
    })
}

fn rules_path(given: Located<String>, folder: &Path, report: &mut Report) -> Option<Located<PathBuf>> {
    let path = folder.join(&given.value);
    match std::fs::metadata(&path) {
        Ok(_) => Some(Located { value: path, span: given.span }),
        Err(error) => {
            let why = super::rules::io_reason(&error);
            let message = format!("`{}` cannot be read: {why}", path.display());
            let help = "a relative path begins at the folder of this file";
            report.push(Diagnostic::new(E0611, given.span, message).help(help));
            None
        }
    }
}

/// What `[limits]` says.
struct Limits {
    sources: SourceLimits,
    queue: QueueLimits,
    reorder_bytes: usize,
    behind: Option<Duration>,
}

fn limits(root: &Table<'_>, report: &mut Report) -> Option<Limits> {
    let empty = DeTable::new();
    let (values, heading) = root.table("limits", report).unwrap_or((&empty, Span::default()));
    let table = Table::new(values, &LIMITS, heading, report);
    let max_line = table.size("max_line", report);
    let events = table.count("batch_events", report);
    let bytes = table.size("batch_bytes", report);
    let queue = table.count("queue", report);
    let queue_bytes = table.size("queue_bytes", report);
    let reorder_bytes = table.size("reorder_bytes", report);
    let behind = table.duration("behind", report);
    let batch = BatchLimits { events: events?, bytes: usize::try_from(bytes?).ok()? };
    let queue = QueueLimits { inputs: queue?, bytes: usize::try_from(queue_bytes?).ok()? };
    Some(Limits {
        sources: SourceLimits { max_line: usize::try_from(max_line?).ok()?, batch },
        queue,
        reorder_bytes: usize::try_from(reorder_bytes?).ok()?,
        behind,
    })
}

/// The tables inside `[registries]`, `[sources]` or `[sinks]`. A member with mistakes is left out; they have been
/// reported.
pub fn members<T>(
    root: &Table<'_>,
    key: &str,
    report: &mut Report,
    mut read: impl FnMut(Located<String>, &DeTable<'_>, &mut Report) -> Option<T>,
) -> Option<Vec<T>> {
    let Some((tables, _)) = root.table(key, report) else { return Some(Vec::new()) };
    let mut members = Vec::new();
    for (name, value) in tables.iter() {
        let name = Located { value: name.get_ref().to_string(), span: report.span(name) };
        if !is_name(&name.value) {
            let message = format!("`{}` cannot be a name", name.value);
            let help = "a name has letters, digits and `_`, and does not begin with a digit";
            report.push(Diagnostic::new(E0612, name.span, message).help(help));
        }
        match value.get_ref().as_table() {
            Some(table) => members.extend(read(name, table, report)),
            None => {
                let message = format!("`{key}` holds a table for each name");
                let help = format!("write `[{key}.{}]` and the keys below it", name.value);
                report.push(Diagnostic::new(E0604, report.span(value), message).help(help));
            }
        }
    }
    Some(members)
}

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// The keys of a member depend on its `type`, so that is read first, by itself.
pub fn kind(
    name: &Located<String>,
    values: &DeTable<'_>,
    kinds: &'static [&'static str],
    example: &'static Section,
    report: &mut Report,
) -> Option<&'static str> {
    // Other keys would be reported as unknown: which are known is not known yet.
    let alone: DeTable<'_> = values
        .iter()
        .filter(|(key, _)| key.get_ref() == "type")
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    debug_assert!(matches!(example.key("type").takes, reference::Takes::Word(words) if words == kinds));
    Table::new(&alone, example, name.span, report).word("type", report)
}
