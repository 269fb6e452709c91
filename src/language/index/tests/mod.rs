//! Names in the example rules and in a sample that has every form of the language.

mod completion;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::cases::size;
use crate::diagnostic::{Severity, Span};
use crate::language::lexer::{Kind, lex};
use crate::language::parse;
use crate::language::parser::Problems;
use crate::program::Program;

const SAMPLE: &str = include_str!("sample.trip");

fn sources(files: &[(&str, &str)]) -> Sources {
    Sources::new(files.iter().copied())
}

fn trees(sources: &Sources) -> Vec<tree::File> {
    sources.iter().map(|(id, file)| parse(id, &file.text).0).collect()
}

/// The example rules, as one rule set.
fn examples() -> Sources {
    let mut found = Vec::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "trip") {
                found.push((path.display().to_string(), fs::read_to_string(&path).expect("a file")));
            }
        }
    }
    Sources::new(found)
}

fn sample() -> Sources {
    sources(&[("sample.trip", SAMPLE)])
}

/// The text at a place and what it means, in words.
fn shown(index: &Index, sources: &Sources, one: &Occurrence) -> String {
    let means = match &one.means {
        Means::Function => "function".to_owned(),
        Means::Given => "given".to_owned(),
        Means::Nothing => "nothing".to_owned(),
        Means::Symbols(ids) => {
            let path = |id: &SymbolId| {
                let symbol = index.symbol(*id);
                let owner = symbol.owner.map(|owner| format!("{}.", index.symbol(owner).name));
                format!("{:?} {}{}", symbol.kind, owner.unwrap_or_default(), symbol.name)
            };
            ids.iter().map(path).collect::<Vec<_>>().join(" + ")
        }
    };
    format!("{} = {means}", sources.text(one.span))
}

/// Words that are no names where they stand in the sample and the example rules.
const WORDS: &str = "stream time late idle from string float int bool ip timestamp ms s list table key let def rule about \
     tags by event where count and or not in is missing present like matches over previous then within match \
     optional until as overlap resume at last first none alert critical high medium low info on timeout after \
     to limit per for each max runs test restart expect nothing else true false lazy consecutive next runbook \
     duration any all start stop";

/// The names in lists of tags and sinks, which mean nothing to the language.
fn is_label(text: &str, span: Span) -> bool {
    let line = text[..span.start as usize].rsplit('\n').next().unwrap_or_default().trim_start();
    line.starts_with("tags ") || line.starts_with("to ")
}

fn assert_every_name_means_something(sources: &Sources) {
    let index = Index::new(sources, &trees(sources));
    for one in index.occurrences() {
        assert_ne!(one.means, Means::Nothing, "{}: {}", one.span.start, sources.text(one.span));
    }
    for pair in index.occurrences().windows(2) {
        let (a, b) = (pair[0].span, pair[1].span);
        assert!((a.file, a.end) <= (b.file, b.start), "twice at {}: {}", a.start, sources.text(a));
    }
    let words: BTreeSet<&str> = WORDS.split_whitespace().collect();
    for (file, source) in sources.iter() {
        for token in lex(file, &source.text, &Problems::default()) {
            let known = index.at(file, token.span.start).is_some_and(|one| one.span == token.span);
            let is_word = words.contains(token.text) || is_label(&source.text, token.span);
            assert!(
                token.kind != Kind::Name || known || is_word,
                "{}:{}: `{}` was passed over",
                source.name,
                token.span.start,
                token.text
            );
        }
    }
}

#[test]
fn every_name_of_the_examples_means_something() {
    assert_every_name_means_something(&examples());
}

#[test]
fn every_name_of_the_sample_means_something() {
    assert_every_name_means_something(&sample());
}

/// The rules among the blocks of code in the reference, each with the streams that they use.
fn rules_of_the_reference() -> Vec<Sources> {
    let page = include_str!("../../../../docs/language.md");
    let mut streams = "";
    let mut found = Vec::new();
    for block in page.split("\n```trip").skip(1) {
        let (kind, code) = block.split_once('\n').expect("a line end behind the kind");
        let code = code.split("\n```").next().expect("the code");
        match kind.trim() {
            "streams" => streams = code,
            "alone" => found.push(sources(&[("a.trip", code)])),
            _ => found.push(sources(&[("a.trip", code), ("streams.trip", streams)])),
        }
    }
    found
}

#[test]
fn every_name_of_rules_without_mistakes_means_something() {
    let patterns = include_str!("../../../../tests/conformance/patterns.jsonl");
    let recorded = patterns.lines().map(|line| {
        let case: serde_json::Value = serde_json::from_str(line).expect("JSON");
        sources(&[("a.trip", case["rule"].as_str().expect("a rule"))])
    });
    let mut without = 0;
    for sources in rules_of_the_reference().into_iter().chain(recorded) {
        if Program::compile(&sources).1.has_errors() {
            continue;
        }
        without += 1;
        let index = Index::new(&sources, &trees(&sources));
        for one in index.occurrences() {
            let shown = || sources.file(one.span.file).text.clone();
            assert_ne!(one.means, Means::Nothing, "{} in\n{}", sources.text(one.span), shown());
        }
    }
    assert!(without > 405, "{without}");
}

#[test]
fn names_mean_the_nearest_thing() {
    let sources = sample();
    let index = Index::new(&sources, &trees(&sources));
    let all: Vec<String> = index.occurrences().iter().map(|one| shown(&index, &sources, one)).collect();
    for wanted in [
        "at = Field auth.at",
        "a = Parameter ratio.a",
        "bigger = Let bigger",
        "ratio = Def ratio",
        "card = Field auth.card + Field logins.card",
        "small = Event card_testing.small",
        "trusted_devices = List trusted_devices",
        "risk = Column merchants.risk",
        "this = given",
        "one = Variable card_testing.one",
        "tries = AlertField card_testing.tries",
        "card_testing = Rule card_testing",
        "kind = given",
        "coalesce = function",
        "user = Field logins.user",
        "three small, one big = Test three small, one big",
    ] {
        let found = all.iter().any(|one| one.trim_matches('"') == wanted || one.replace('"', "") == wanted);
        assert!(found, "no `{wanted}` in\n{}", all.join("\n"));
    }
    let uses = |name: &str, kind: SymbolKind| {
        let (id, _) = index.symbols().find(|(_, one)| one.name == name && one.kind == kind).expect(name);
        index.uses(id).count()
    };
    assert_eq!(uses("tries", SymbolKind::AlertField), 6);
    assert_eq!(uses("small", SymbolKind::Event), 14);
    assert_eq!(uses("two", SymbolKind::Variable), 2);
    assert_eq!(uses("risky", SymbolKind::Stream), 3);
}

/// Renames every symbol in turn and gives the new text of the set to `check`.
fn rename_all(sources: &Sources, mut check: impl FnMut(&Symbol, Sources)) {
    let trees = trees(sources);
    let index = Index::new(sources, &trees);
    let mut renamed = 0;
    for (id, symbol) in index.symbols().filter(|(_, symbol)| symbol.kind != SymbolKind::Test) {
        let edits = index
            .rename(sources, &trees, id, "renamed")
            .unwrap_or_else(|error| panic!("{} {}: {error}", symbol.kind.described(), symbol.name));
        let new = Sources::new(sources.iter().map(|(file, source)| {
            let own: Vec<&Edit> = edits.iter().filter(|edit| edit.span.file == file).collect();
            (source.name.clone(), apply(&source.text, &own))
        }));
        check(symbol, new);
        renamed += 1;
    }
    assert!(renamed > 0, "{renamed}");
}

#[test]
fn renaming_works_in_every_form() {
    rename_all(&sample(), |symbol, new| {
        let problems: Vec<String> = new
            .iter()
            .flat_map(|(id, file)| {
                parse(id, &file.text).1.iter().map(|one| one.message.clone()).collect::<Vec<_>>()
            })
            .collect();
        assert!(problems.is_empty(), "{}: {problems:?}", symbol.name);
        assert_every_name_means_something(&new);
    });
}

#[test]
fn renaming_makes_no_mistakes_in_the_rules_of_the_reference() {
    for sources in rules_of_the_reference() {
        let errors = |sources: &Sources| {
            let (_, diagnostics) = Program::compile(sources);
            let errors = diagnostics.iter().filter(|one| one.severity() == Severity::Error);
            errors.map(|one| one.message.clone()).collect::<Vec<_>>()
        };
        if errors(&sources).is_empty() {
            rename_all(&sources, |symbol, new| assert_eq!(errors(&new), [""; 0], "{}", symbol.name));
        }
    }
}

/// The file after renaming what is declared by that name.
fn renamed(text: &str, name: &str, new: &str) -> Result<String, String> {
    let sources = sources(&[("a.trip", text)]);
    let trees = trees(&sources);
    let index = Index::new(&sources, &trees);
    let (id, _) = index.symbols().find(|(_, one)| one.name == name).expect("declared");
    let edits = index.rename(&sources, &trees, id, new).map_err(|error| error.to_string())?;
    Ok(apply(text, &edits.iter().collect::<Vec<_>>()))
}

#[test]
fn a_field_keeps_its_path_and_a_key_its_name() {
    let text = "stream a { user string?, n int }\nstream b { user string }\nrule r {\n  by user\n  match a then b within 1h\n  alert low \"{user} {a.user}\" { n = a.n }\n}\n";
    assert_eq!(
        renamed(text, "user", "uid").expect("possible"),
        "stream a { uid string? from \"user\", n int }\nstream b { user string }\nrule r {\n  by b.user = a.uid\n  match a then b within 1h\n  alert low \"{user} {a.uid}\" { n = a.n }\n}\n"
    );
    let one = "stream a { user string from \"x.y\" }\nrule r { by user match a alert low \"{user}\" }\n";
    assert_eq!(
        renamed(one, "user", "uid").expect("possible"),
        "stream a { uid string from \"x.y\" }\nrule r { by uid match a alert low \"{uid}\" }\n"
    );
}

#[test]
fn a_name_that_is_none_or_taken_is_refused() {
    let text = "stream s { x int, y int }\nlet k = 1\nlet m = 2\ndef f(p int) = p + k\nrule r {\n  event e = s where x > k and y > f(m)\n  event g = s\n  match e then g as h within 1h\n  alert low \"t\" { n = e.x, o = h.y }\n}\n";
    for (old, new, why) in [
        ("k", "", "cannot be a name"),
        ("k", "1k", "cannot be a name"),
        ("k", "ké", "cannot be a name"),
        ("k", "a b", "cannot be a name"),
        ("k", "where", "is a word of the language"),
        ("k", "time", "is a word of the language"),
        ("k", "m", "is the name of a constant"),
        ("k", "s", "is the name of a stream"),
        ("k", "x", "would be mistaken"),
        ("k", "p", "would be mistaken"),
        ("p", "k", "would be mistaken"),
        ("x", "k", "would be mistaken"),
        ("x", "y", "is the name of a field"),
        ("x", "time", "would be"),
        ("f", "round", "is a word of the language"),
        ("e", "g", "is the name of an event"),
        ("h", "e", "is the name of an event"),
        ("n", "o", "is the name of a field of an alert"),
    ] {
        let error = renamed(text, old, new).expect_err(&format!("{old} to {new}"));
        assert!(error.contains(why), "{old} to {new}: {error}");
    }
    assert_eq!(renamed(text, "k", "k").as_deref(), Ok(text));
    for new in ["match", "stream", "_", "A1"] {
        let text = renamed(text, "k", new).expect(new);
        let (program, _) = Program::compile(&sources(&[("a.trip", &text)]));
        assert!(program.is_some(), "{text}");
    }
}

#[test]
fn names_are_found_in_files_with_mistakes() {
    let text = "stream s { x int, y }\nrule r {\n  event e = s where x > avg(e.\n  event f = s where e.x > 1 and nope > 2\n  match e then f within\n  alert low \"t {e.x\" { n = e.x, o = }\n";
    let sources = sources(&[("a.trip", text)]);
    let index = Index::new(&sources, &trees(&sources));
    let at = |part: &str, offset: usize| {
        let byte = text.find(part).expect(part) + offset;
        index.at(FileId(0), byte as u32).map(|one| shown(&index, &sources, one))
    };
    assert_eq!(at("e.x > 1", 0).as_deref(), Some("e = Event r.e"));
    assert_eq!(at("e.x > 1", 2).as_deref(), Some("x = Field s.x"));
    assert_eq!(at("nope", 2).as_deref(), Some("nope = nothing"));
    assert_eq!(at("s where x", 0).as_deref(), Some("s = Stream s"));
}

#[test]
fn hostile_rule_sets_are_indexed_in_little_time() {
    let mut chain = String::from("stream s0 { k int }\n");
    let (long, wide) = (size(500, 2_000), size(1_500, 5_000));
    for n in 0..long {
        chain.push_str(&format!(
            "rule r{n} {{ by k match s{n} alert low \"{{k}}\" }}\nstream s{} from r{n}\n",
            n + 1
        ));
    }
    let parts = vec!["k"; 4 * wide].join(" = ");
    let streams: String = (0..wide).map(|n| format!("stream t{n} {{ k int }}\n")).collect();
    let steps = (0..wide).map(|n| format!("t{n}")).collect::<Vec<_>>().join(" then ");
    let wide = format!("{streams}rule w {{ by {parts} match {steps} alert low \"{{k}}\" }}\n");
    let circle = "stream a from q\nrule q { by k match a alert low \"{k}\" { k = a.k } }\n";
    for text in [chain.as_str(), wide.as_str(), circle] {
        let sources = sources(&[("a.trip", text)]);
        let index = Index::new(&sources, &trees(&sources));
        assert!(index.symbols().count() > 1);
    }
}
