//! Renaming in the example rules: with every name changed in turn, the rules raise the alerts that
//! they raised before, with the same fingerprints.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use tripline::codec::Decoder;
use tripline::codec::json::JsonDecoder;
use tripline::diagnostic::Sources;
use tripline::engine::{Engine, EngineOptions};
use tripline::event::{PartitionId, Position, Timestamp};
use tripline::language::index::{Edit, Index, SymbolId, SymbolKind, apply};
use tripline::language::parse;
use tripline::program::Program;

#[path = "common/rules.rs"]
mod rules;

/// The sample events of all rules, by stream.
fn samples() -> BTreeMap<String, Vec<String>> {
    let mut samples: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in rules::rule_files(&rules::root()) {
        let Ok(folder) = fs::read_dir(file.with_extension("events")) else { continue };
        for entry in folder {
            let path = entry.expect("the entry can be read").path();
            let stream = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
            let text = fs::read_to_string(&path).expect("a file of events");
            samples.entry(stream).or_default().extend(text.lines().map(str::to_owned));
        }
    }
    samples
}

/// All alerts that the rules raise on these events, without the names of keys and fields: those may
/// have changed.
fn alerts(sources: &Sources, samples: &BTreeMap<String, Vec<String>>) -> Vec<Json> {
    let (program, diagnostics) = Program::compile(sources);
    let messages: Vec<&str> = diagnostics.iter().map(|one| one.message.as_str()).collect();
    assert!(messages.is_empty(), "{messages:?}");
    let program = Arc::new(program.expect("there is nothing wrong"));
    let now = Timestamp::from_micros(0);
    let partition = PartitionId(0);
    let mut engine = Engine::new(Arc::clone(&program), EngineOptions::RECORDED);
    engine.set_tables(rules::tables(&program));
    for name in samples.keys() {
        engine.open(program.stream(name).expect("a stream"), partition, now);
    }
    for (name, events) in samples {
        let stream = program.stream(name).expect("a stream");
        let mut decoder = JsonDecoder::keeping(program.kept(stream), stream, program.schema(stream));
        for (offset, event) in (0..).zip(events) {
            let decoded = decoder.decode(event.as_bytes(), Position { partition, offset }, now);
            // Events that are late are so whatever they are called.
            let _ = engine.push(decoded.expect("a sample can be read").expect("an event"), now);
        }
    }
    engine.finish();
    let values = |object: &Json| -> Vec<Json> {
        let mut values: Vec<Json> = object.as_object().expect("an object").values().cloned().collect();
        values.sort_by_key(Json::to_string);
        values
    };
    let shown = |alert: &tripline::alert::Alert| {
        let mut alert = serde_json::to_value(alert).expect("alerts are JSON");
        for part in ["key", "fields"] {
            alert[part] = json!(values(&alert[part]));
        }
        alert["rule"] = Json::Null;
        alert
    };
    let mut alerts: Vec<Json> = engine.take_alerts().iter().map(shown).collect();
    // Rules that report at the same moment do so in the order of their names.
    alerts.sort_by_key(Json::to_string);
    alerts
}

#[test]
fn the_alerts_stay_as_they_are() {
    let sources = rules::sources();
    let trees: Vec<_> = sources.iter().map(|(id, file)| parse(id, &file.text).0).collect();
    let index = Index::new(&sources, &trees);
    let samples = samples();
    let before = alerts(&sources, &samples);
    assert!(before.len() > 10, "{}", before.len());
    let mut carried: BTreeSet<SymbolId> = BTreeSet::new();
    for (id, _) in index.symbols() {
        if let Some(rule) = index.alerts_of(id) {
            carried.insert(rule);
            carried.extend(index.fields(id).into_iter().map(|(_, field)| field));
        }
    }
    for (id, symbol) in index.symbols() {
        // The names of captures, streams, lists and tables stand in alerts, and so do those of alerts that
        // other rules read.
        let is_meaning = matches!(
            symbol.kind,
            SymbolKind::Stream
                | SymbolKind::Event
                | SymbolKind::Variable
                | SymbolKind::List
                | SymbolKind::Table
        ) || carried.contains(&id);
        if symbol.kind == SymbolKind::Test {
            continue;
        }
        let edits = index.rename(&sources, &trees, id, "another_name").expect("the name is free");
        let renamed = Sources::new(sources.iter().map(|(file, source)| {
            let own: Vec<&Edit> = edits.iter().filter(|edit| edit.span.file == file).collect();
            (source.name.clone(), apply(&source.text, &own))
        }));
        let what = format!("{} {}", symbol.kind.described(), symbol.name);
        if is_meaning {
            let (_, diagnostics) = Program::compile(&renamed);
            assert!(diagnostics.is_empty(), "{what}");
            continue;
        }
        let after = alerts(&renamed, &samples);
        assert_eq!(after.len(), before.len(), "{what}");
        for (after, before) in after.iter().zip(&before) {
            assert_eq!(after, before, "{what}");
        }
    }
}
