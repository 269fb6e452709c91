//! The parser and the grammar accept the same texts.

use std::collections::BTreeSet;

use super::corpus::{self, Sample};
use super::ebnf::{Grammar, productions, without_comments};
use super::generate::{Generator, heights, words};
use super::random::Random;
use super::recognise::Recogniser;
use super::{is_of_form, problems, seeds};

/// Whether a text is a file, if the grammar and the parser agree about it; otherwise how they do not.
pub fn judge(recogniser: &Recogniser<'_>, text: &str) -> Result<bool, String> {
    let problems = problems(text);
    let wrong: Vec<&String> = problems.iter().filter(|problem| is_of_form(problem)).collect();
    match recogniser.derives("file", text) {
        Ok(()) if wrong.is_empty() => Ok(true),
        Ok(()) => Err(format!("derivable, but the parser says {wrong:?}")),
        Err(_) if !problems.is_empty() => Ok(false),
        Err(near) => Err(format!("it parses, but is not derivable near `{near}`")),
    }
}

/// The same for the text that a seed stands for, which is shown where they disagree.
fn judge_case(recogniser: &Recogniser<'_>, seed: u64, text: &str) -> bool {
    judge(recogniser, text)
        .unwrap_or_else(|how| panic!("TRIPLINE_SEED={seed} TRIPLINE_CASES=1: {how}\n{text}\n{text:?}"))
}

#[test]
fn derived_sentences_parse() {
    let grammar = Grammar::load();
    let recogniser = Recogniser::new(&grammar);
    let (heights, words) = (heights(&grammar), words(&grammar));
    let (mut derivable, mut used) = (0, BTreeSet::new());
    let seeds = seeds(2_000);
    for seed in seeds.clone() {
        let mut generator = Generator::new(seed, &recogniser, &heights, &words);
        let depth = 6 + seed as usize % 24;
        let mut text = generator.sentence("declaration", depth);
        if seed % 4 == 0 {
            text = text + "\n" + &generator.sentence("file", depth);
        }
        used.append(&mut generator.used);
        derivable += u64::from(judge_case(&recogniser, seed, &text));
    }
    // What is said with `!` is not looked at when sentences are derived.
    let cases = seeds.end - seeds.start;
    assert!(cases < 100 || derivable * 10 > cases * 9, "only {derivable} of {cases} are sentences");
    let of_tokens = (0..grammar.names.len()).filter(|index| !grammar.is_lexical(*index));
    let lookahead = |name: &str| name.starts_with("begins_");
    let unused: Vec<&String> = of_tokens
        .filter(|index| !used.contains(index))
        .map(|index| &grammar.names[index])
        .filter(|name| !lookahead(name))
        .collect();
    assert!(cases < 1_000 || unused.is_empty(), "{unused:?} stood in no sentence");
}

/// The texts of the project that have no mistake of form.
pub fn valid_samples() -> Vec<Sample> {
    let mut samples = corpus::rules();
    samples.extend(corpus::conformance());
    samples.extend(corpus::documentation());
    samples
}

#[test]
fn the_texts_of_the_project_are_derivable() {
    let grammar = Grammar::load();
    let recogniser = Recogniser::new(&grammar);
    let samples = valid_samples();
    assert!(samples.len() > 300, "only {} texts are found", samples.len());
    let mut wrong = String::new();
    for sample in &samples {
        match judge(&recogniser, &sample.as_file()) {
            Ok(true) => {}
            Ok(false) => wrong.push_str(&format!("{}: wrong by the grammar and the parser\n", sample.name)),
            Err(how) => wrong.push_str(&format!("{}: {how}\n", sample.name)),
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn texts_with_mistakes_are_judged_alike() {
    let grammar = Grammar::load();
    let recogniser = Recogniser::new(&grammar);
    let samples = corpus::test_files();
    assert!(samples.len() > 100, "only {} files are found", samples.len());
    for sample in samples {
        if let Err(how) = judge(&recogniser, &sample.as_file()) {
            panic!("{}: {how}", sample.name);
        }
    }
}

/// Pieces of a text: words, numbers, single other characters, and the space between them.
fn pieces(text: &str) -> Vec<&str> {
    let kind = |c: char| {
        if c.is_alphanumeric() || c == '_' {
            0
        } else if c.is_whitespace() {
            1
        } else {
            2
        }
    };
    let mut pieces = Vec::new();
    let mut from = 0;
    let mut last = None;
    for (at, c) in text.char_indices() {
        if last.is_some_and(|last| last != kind(c) || last == 2) {
            pieces.push(&text[from..at]);
            from = at;
        }
        last = Some(kind(c));
    }
    pieces.push(&text[from..]);
    pieces
}

/// The text with some random damage.
fn damaged(random: &mut Random, text: &str, words: &[String]) -> String {
    let symbols =
        ["{", "}", "(", ")", "[", "]", ",", ":", ".", "..", "=", "==", "<", "+", "-", "?", "??", "\"", "!"];
    let others = [
        "1", "2.5", "5s", "10", "m", "_", "é", "\\", "#", "'", "x2", "1_0", "\"t\"", "\"{a}\"", "\n", "\n",
        " ",
    ];
    let mut pieces: Vec<String> = pieces(text).into_iter().map(str::to_owned).collect();
    for _ in 0..random.number(1, 3) {
        let at = random.number(0, pieces.len() as u32 - 1) as usize;
        let other = random.number(0, pieces.len() as u32 - 1) as usize;
        match random.number(0, 7) {
            0 => pieces[at].clear(),
            1 => pieces.insert(at, pieces[other].clone()),
            2 => pieces.swap(at, other),
            3 => pieces[at] = random.pick(words),
            4 => pieces.insert(at, format!(" {} ", random.pick(words))),
            5 => pieces.insert(at, random.pick(&symbols).to_owned()),
            6 => pieces[at] = random.pick(&others).to_owned(),
            // Another line end, or none.
            _ => {
                pieces[at] =
                    if pieces[at].contains('\n') { " ".to_owned() } else { pieces[at].clone() + "\n" }
            }
        }
    }
    pieces.concat()
}

#[test]
fn damaged_texts_are_judged_alike() {
    let grammar = Grammar::load();
    let recogniser = Recogniser::new(&grammar);
    let (heights, words) = (heights(&grammar), words(&grammar));
    let mut samples: Vec<String> = valid_samples().iter().map(Sample::as_file).collect();
    samples.retain(|text| text.len() < 2_500);
    let (mut derivable, mut not) = (0, 0);
    for seed in seeds(3_000) {
        let mut random = Random::new(seed);
        let text = match random.chance(50) {
            true => random.pick(&samples),
            false => {
                let depth = random.number(6, 24) as usize;
                Generator::new(seed, &recogniser, &heights, &words).sentence("declaration", depth)
            }
        };
        let text = damaged(&mut random, &text, &words);
        *(if judge_case(&recogniser, seed, &text) { &mut derivable } else { &mut not }) += 1;
    }
    assert!(derivable + not < 1_000 || derivable > 100 && not > 100, "{derivable} derivable, {not} not");
}

#[test]
fn the_reference_quotes_the_grammar() {
    let grammar = Grammar::load();
    // Spaces are for the eye, and columns are narrower on the page.
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let own: BTreeSet<String> = grammar.sources.iter().map(|source| plain(source)).collect();
    let mut quoted = 0;
    for (line, info, text) in corpus::blocks("docs/language.md") {
        for production in productions(&without_comments(&text)).iter().filter(|_| info == "ebnf") {
            quoted += 1;
            assert!(
                own.contains(&plain(production)),
                "docs/language.md:{line} quotes what grammar/tripline.ebnf does not say:\n{production}"
            );
        }
    }
    assert!(quoted > 40, "only {quoted} productions are quoted");
}
