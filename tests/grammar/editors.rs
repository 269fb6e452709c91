//! The tree-sitter grammar parses what the language allows, and its queries fit it.
//!
//! Its trees and colours have tests of their own in `grammar/tree-sitter-tripline/test`, which the
//! tree-sitter program runs: see `scripts/test-tree-sitter`.

use std::collections::BTreeSet;

use tree_sitter::{Language, Node, Parser, Query, QueryCursor, StreamingIterator, Tree};
use tree_sitter_tripline::{FOLDS_QUERY, HIGHLIGHTS_QUERY, INDENTS_QUERY, LANGUAGE, LOCALS_QUERY};

use tripline::language::functions;

use super::agreement::valid_samples;
use super::corpus::read;
use super::ebnf::Grammar;
use super::generate::{Generator, heights, words};
use super::recognise::Recogniser;
use super::seeds;

/// The colours for Visual Studio Code.
const TEXTMATE: &str = "grammar/textmate/tripline.tmLanguage.json";

fn parser() -> Parser {
    let mut parser = Parser::new();
    parser.set_language(&LANGUAGE.into()).expect("the generated parser fits the library");
    parser
}

fn parse(parser: &mut Parser, text: &str) -> Tree {
    parser.parse(text, None).expect("no time limit is set")
}

/// The first place that could not be parsed.
fn mistake(node: Node<'_>, text: &str) -> Option<String> {
    if !node.has_error() {
        return None;
    }
    if node.is_error() || node.is_missing() {
        let place = node.start_position();
        let near: String = text[node.start_byte()..].chars().take(40).collect();
        return Some(format!("line {}: {} near {near:?}", place.row + 1, node.kind()));
    }
    let mut cursor = node.walk();
    node.children(&mut cursor).find_map(|child| mistake(child, text))
}

#[test]
fn the_texts_of_the_project_parse() {
    let mut parser = parser();
    let mut wrong = String::new();
    for sample in valid_samples() {
        let text = sample.as_file();
        if let Some(how) = mistake(parse(&mut parser, &text).root_node(), &text) {
            wrong.push_str(&format!("{}: {how}\n", sample.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn derived_sentences_parse() {
    let grammar = Grammar::load();
    let recogniser = Recogniser::new(&grammar);
    let (heights, words) = (heights(&grammar), words(&grammar));
    let mut parser = parser();
    let (mut sentences, mut wrong) = (0, 0);
    for seed in seeds(1_000) {
        let mut generator = Generator::new(seed, &recogniser, &heights, &words);
        generator.has_escapes = false;
        let text = generator.sentence("declaration", 6 + seed as usize % 24);
        if recogniser.derives("file", &text).is_err() {
            continue;
        }
        sentences += 1;
        if let Some(how) = mistake(parse(&mut parser, &text).root_node(), &text) {
            wrong += 1;
            eprintln!("TRIPLINE_SEED={seed} TRIPLINE_CASES=1: {how}\n{text}");
        }
    }
    // A name that is a word of the language where that word could stand as well, as in `2 lazy match`.
    assert!(wrong * 500 <= sentences, "{wrong} of {sentences} sentences do not parse");
}

#[test]
fn the_queries_fit_the_grammar() {
    let helix = ["highlights", "indents"]
        .map(|name| read(format!("grammar/helix/queries/tripline/{name}.scm").as_ref()));
    let own = [HIGHLIGHTS_QUERY, LOCALS_QUERY, FOLDS_QUERY, INDENTS_QUERY];
    for query in own.into_iter().chain(helix.iter().map(String::as_str)) {
        if let Err(mistake) = Query::new(&LANGUAGE.into(), query) {
            panic!("{mistake}");
        }
    }
}

#[test]
fn every_word_has_a_colour() {
    let query = Query::new(&LANGUAGE.into(), HIGHLIGHTS_QUERY).expect("the query fits the grammar");
    let mut parser = parser();
    let (mut words, mut plain) = (0, BTreeSet::new());
    for sample in valid_samples() {
        let text = sample.as_file();
        let tree = parse(&mut parser, &text);
        let mut coloured = BTreeSet::new();
        let mut cursor = QueryCursor::new();
        let mut matches = cursor.matches(&query, tree.root_node(), text.as_bytes());
        while let Some(found) = matches.next() {
            coloured.extend(found.captures().iter().map(|capture| capture.node.start_byte()));
        }
        let mut open = vec![tree.root_node()];
        while let Some(node) = open.pop() {
            let mut walk = node.walk();
            open.extend(node.children(&mut walk));
            if !node.is_named() && node.kind().bytes().all(|b| b.is_ascii_alphabetic()) {
                words += 1;
                if !coloured.contains(&node.start_byte()) {
                    plain.insert(node.kind().to_owned());
                }
            }
        }
    }
    assert!(words > 5_000, "only {words} words are found");
    assert!(plain.is_empty(), "{plain:?} have no colour");
}

#[test]
fn every_word_is_known() {
    let language: Language = LANGUAGE.into();
    let textmate = read(TEXTMATE.as_ref());
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // In front of a word there may be an escape of the pattern, such as `\\b`.
    let spaced = textmate.replace("\\\\b", " ").replace("\\\\s", " ");
    let in_textmate: BTreeSet<&str> = spaced.split(|c| !is_letter(c)).collect();
    for word in words(&Grammar::load()) {
        let is_known = [false, true].map(|named| language.id_for_node_kind(&word, named)) != [0, 0];
        assert!(is_known, "grammar.js does not know `{word}`");
        assert!(in_textmate.contains(word.as_str()), "{TEXTMATE} does not know `{word}`");
    }
}

/// The functions of the language, and what is called like one.
fn function_names() -> BTreeSet<String> {
    let others = ["coalesce", "if", "count", "sum", "avg", "stddev", "count_distinct", "first", "last"];
    let functions = functions::ALL.iter().map(|function| function.name);
    functions.chain(others).map(str::to_owned).collect()
}

#[test]
fn functions_of_the_language_are_known() {
    let (_, list) = HIGHLIGHTS_QUERY.split_once("#any-of? @function.builtin").expect("there is a list");
    let (list, _) = list.split_once("))").expect("it is closed");
    let quoted = list.split('"').skip(1).step_by(2).map(str::to_owned);
    assert_eq!(quoted.collect::<BTreeSet<_>>(), function_names(), "queries/highlights.scm");

    let textmate = read(TEXTMATE.as_ref());
    let textmate: serde_json::Value = serde_json::from_str(&textmate).expect("it is JSON");
    let pattern = textmate["repository"]["function"]["match"].as_str().expect("there is a pattern");
    let (_, names) = pattern.split_once('(').expect("names stand in parentheses");
    let (names, _) = names.split_once(')').expect("they are closed");
    let names = names.split('|').map(str::to_owned);
    assert_eq!(names.collect::<BTreeSet<_>>(), function_names(), "tripline.tmLanguage.json");
}
