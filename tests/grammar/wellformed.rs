//! What must hold of the grammar itself.

use std::collections::BTreeSet;

use super::ebnf::{Form, Grammar};
use super::generate::words;

/// Everything in a form, itself included.
fn parts<'f>(form: &'f Form, into: &mut Vec<&'f Form>) {
    into.push(form);
    match form {
        Form::Sequence(inner) | Form::Choice(inner) => inner.iter().for_each(|inner| parts(inner, into)),
        Form::Optional(inner) | Form::Repeat(inner) | Form::Not(inner) => parts(inner, into),
        Form::Except(inner, without) => {
            parts(inner, into);
            parts(without, into);
        }
        Form::Text(_) | Form::Range(..) | Form::Production(_) | Form::Special(_) => {}
    }
}

fn all_parts(form: &Form) -> Vec<&Form> {
    let mut all = Vec::new();
    parts(form, &mut all);
    all
}

#[test]
fn every_production_is_used() {
    let grammar = Grammar::load();
    let mut reached = BTreeSet::new();
    let mut open: Vec<usize> =
        ["file", "TOKEN", "SPACE", "title"].map(|name| grammar.production(name)).into();
    while let Some(production) = open.pop() {
        if reached.insert(production) {
            open.extend(all_parts(&grammar.forms[production]).into_iter().filter_map(|part| match part {
                Form::Production(index) => Some(*index),
                _ => None,
            }));
        }
    }
    let unused: Vec<&String> = (0..grammar.names.len())
        .filter(|index| !reached.contains(index))
        .map(|index| &grammar.names[index])
        .collect();
    assert!(unused.is_empty(), "{unused:?} cannot be reached");
}

#[test]
fn words_and_symbols_are_tokens() {
    let grammar = Grammar::load();
    let Form::Choice(symbols) = &grammar.forms[grammar.production("SYMBOL")] else { panic!("a choice") };
    let text = |form: &Form| match form {
        Form::Text(text) => Some(text.clone()),
        _ => None,
    };
    let symbols: BTreeSet<String> = symbols.iter().filter_map(text).collect();
    let title = grammar.production("title");
    let tokens = (0..grammar.forms.len()).filter(|index| !grammar.is_lexical(*index) && *index != title);
    let texts: BTreeSet<String> =
        tokens.flat_map(|index| all_parts(&grammar.forms[index]).into_iter().filter_map(text)).collect();
    let words: BTreeSet<String> = words(&grammar).into_iter().collect();
    let others: BTreeSet<String> = texts.difference(&words).cloned().collect();
    assert_eq!(others, symbols);
}

#[test]
fn nothing_begins_with_itself() {
    fn may_be_empty(grammar: &Grammar, form: &Form) -> bool {
        match form {
            Form::Optional(_) | Form::Repeat(_) | Form::Not(_) => true,
            Form::Production(index) => {
                ["NEW_LINE", "SAME_LINE"].contains(&grammar.names[*index].as_str())
                    || may_be_empty(grammar, &grammar.forms[*index])
            }
            Form::Sequence(parts) => parts.iter().all(|part| may_be_empty(grammar, part)),
            Form::Choice(branches) => branches.iter().any(|branch| may_be_empty(grammar, branch)),
            Form::Except(inner, _) => may_be_empty(grammar, inner),
            Form::Text(_) | Form::Range(..) | Form::Special(_) => false,
        }
    }
    /// Descends into what can stand first; a grammar that begins with itself never ends here.
    fn descend(grammar: &Grammar, form: &Form, path: &mut Vec<usize>) {
        match form {
            Form::Production(index) => {
                assert!(!path.contains(index), "{} begins with itself", grammar.names[*index]);
                path.push(*index);
                descend(grammar, &grammar.forms[*index], path);
                path.pop();
            }
            Form::Sequence(parts) => {
                for part in parts {
                    descend(grammar, part, path);
                    if !may_be_empty(grammar, part) {
                        break;
                    }
                }
            }
            Form::Choice(branches) => branches.iter().for_each(|branch| descend(grammar, branch, path)),
            Form::Optional(inner) | Form::Repeat(inner) | Form::Not(inner) => descend(grammar, inner, path),
            Form::Except(inner, without) => {
                descend(grammar, inner, path);
                descend(grammar, without, path);
            }
            Form::Text(_) | Form::Range(..) | Form::Special(_) => {}
        }
    }
    let grammar = Grammar::load();
    for production in 0..grammar.forms.len() {
        descend(&grammar, &Form::Production(production), &mut Vec::new());
    }
}
