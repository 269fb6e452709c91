//! Each rule by itself: its text, and that of the constants and definitions that it names.
//!
//! Enters: the files of a rule set without errors. Leaves: for each rule a text that declares it once more,
//! together with what else decides about its meaning, streams, lists and tables left aside. It is as it was
//! written, and can be checked when the files have long been changed.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{File, Item};
use crate::diagnostic::{Sources, Span};

/// The longest such text, in bytes. A text that would be longer is left out.
pub const MAX_ALONE: usize = 64 << 10;

/// The rules by name, each with its text.
pub fn alone<'t>(files: &'t [File], sources: &Sources) -> BTreeMap<&'t str, String> {
    let text = |span: Span| {
        let file = sources.file(span.file);
        file.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    };
    let mut shared: BTreeMap<&str, &str> = BTreeMap::new();
    let mut rules = Vec::new();
    for item in files.iter().flat_map(|file| &file.items) {
        match item {
            Item::Let(constant) => drop(shared.insert(&constant.name.node, text(constant.span))),
            Item::Def(definition) => drop(shared.insert(&definition.name.node, text(definition.span))),
            Item::Rule(rule) => rules.push((rule.name.node.as_str(), text(rule.span))),
            Item::Stream(_) | Item::List(_) | Item::Table(_) | Item::Test(_) => {}
        }
    }
    let whole = |(name, own)| Some((name, with_shared(own, &shared)?));
    rules.into_iter().filter_map(whole).collect()
}

/// A text behind those that it names, and those that these name. None if that is too long.
fn with_shared(own: &str, shared: &BTreeMap<&str, &str>) -> Option<String> {
    let mut named: BTreeSet<&str> = BTreeSet::new();
    let mut rest = vec![own];
    let mut length = own.len();
    while let Some(text) = rest.pop() {
        if length > MAX_ALONE {
            return None;
        }
        // A word in a comment or a title may be no name. Then more is kept than is needed, which changes
        // nothing: it was declared beside the rule before.
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            if let Some((name, text)) = shared.get_key_value(word)
                && named.insert(name)
            {
                length += text.len() + 1;
                rest.push(text);
            }
        }
    }
    let texts = named.iter().map(|name| shared[name]).chain([own]);
    Some(texts.collect::<Vec<_>>().join("\n")).filter(|text| text.len() <= MAX_ALONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::parse;

    #[test]
    fn a_rule_is_kept_with_all_that_it_names() {
        let text = "let small = 2.0 # of a card\nlet other = 3\nlet twice = (small * 2.0)\n\
                    def is_big(x float) = (x > twice)\ndef unused(x float) = is_big(x)\n\
                    rule r { match s as one alert low \"{is_big(one.v)}\" }\nrule q { match s alert low \"x\" }\n";
        let sources = Sources::new([("rules.trip", text)]);
        let files: Vec<File> = sources.iter().map(|(id, file)| parse(id, &file.text).0).collect();
        let texts = alone(&files, &sources);
        assert_eq!(
            texts["r"],
            "def is_big(x float) = (x > twice)\nlet small = 2.0\nlet twice = (small * 2.0)\n\
             rule r { match s as one alert low \"{is_big(one.v)}\" }"
        );
        assert_eq!(texts["q"], "rule q { match s alert low \"x\" }");
    }

    #[test]
    fn what_is_too_long_is_left_out() {
        let long = "x".repeat(MAX_ALONE);
        let text =
            format!("let long = \"{long}\"\nrule r {{ match s alert low \"{{long}}\" }}\nrule q {{ }}");
        let sources = Sources::new([("rules.trip", text)]);
        let files: Vec<File> = sources.iter().map(|(id, file)| parse(id, &file.text).0).collect();
        assert_eq!(alone(&files, &sources).into_keys().collect::<Vec<_>>(), ["q"]);
    }
}
