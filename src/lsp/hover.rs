//! What is told about the thing under the pointer.

use gen_lsp_types::{Contents, Hover, MarkupContent, MarkupKind};

use crate::diagnostic::{FileId, Span};
use crate::expression::{Aggregate, functions};
use crate::language::explain;
use crate::language::index::{Means, Occurrence, Symbol, SymbolId, SymbolKind};
use crate::language::tree::{ClauseKind, Comment, Item};

use super::ruleset::RuleSet;

/// Most lines of a declaration that are shown.
const MAX_LINES: usize = 30;

/// What is known about the name at a byte of a file, as Markdown if the client shows that.
pub fn hover(set: &RuleSet, file: FileId, byte: u32, markdown: bool) -> Option<Hover> {
    let (text, span) = described(set, file, byte)?;
    let (kind, value) = match markdown {
        true => (MarkupKind::Markdown, text),
        false => (MarkupKind::PlainText, plain(&text)),
    };
    let contents = Contents::MarkupContent(MarkupContent { kind, value });
    Some(Hover { contents, range: Some(set.range(span)) })
}

fn described(set: &RuleSet, file: FileId, byte: u32) -> Option<(String, Span)> {
    let Some(occurrence) = set.index().at(file, byte) else {
        let explained = explained(set, file, byte)?;
        return Some((explained.text, explained.span));
    };
    let step = if is_step(set, file, byte) { explained(set, file, byte) } else { None };
    // What is said of a step tells what its event is.
    let with_words = step.is_none();
    let mut parts: Vec<String> = step.map(|step| step.text).into_iter().collect();
    match &occurrence.means {
        Means::Symbols(symbols) => parts.extend(symbols.iter().map(|id| symbol(set, *id, with_words))),
        Means::Function => parts.push(function(set.sources().text(occurrence.span))?),
        Means::Given => parts.push(given(set, occurrence)?),
        Means::Nothing => {}
    }
    (!parts.is_empty()).then(|| (parts.join("\n\n---\n\n"), occurrence.span))
}

/// What a place of a rule means in words.
fn explained(set: &RuleSet, file: FileId, byte: u32) -> Option<explain::Hover> {
    let tree = set.trees().get(file.0 as usize)?;
    explain::RuleSet::new(set.trees()).at(tree, byte)
}

/// Whether a place belongs to a pattern, where a name is more than what it names.
fn is_step(set: &RuleSet, file: FileId, byte: u32) -> bool {
    let items = set.trees().get(file.0 as usize).map_or(&[][..], |tree| &tree.items);
    let holds = |span: Span| span.start <= byte && byte <= span.end;
    let rules = items.iter().filter_map(|item| match item {
        Item::Rule(rule) if holds(rule.span) => Some(rule),
        _ => None,
    });
    let mut clauses = rules.flat_map(|rule| &rule.clauses);
    clauses.any(|clause| holds(clause.span) && matches!(clause.kind, ClauseKind::Match(_)))
}

fn code(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let more = if lines.len() > MAX_LINES { "\n…" } else { "" };
    let shown = lines[..lines.len().min(MAX_LINES)].join("\n");
    // A fence that is longer than any in the text, which may hold backquotes in comments.
    let fence = if shown.contains("```") { "``````" } else { "```" };
    format!("{fence}trip\n{shown}{more}\n{fence}")
}

/// The declaration of a symbol, what belongs to it, and what its author says about it; `with_words`: of an
/// event also what it means.
fn symbol(set: &RuleSet, id: SymbolId, with_words: bool) -> String {
    let index = set.index();
    let symbol = index.symbol(id);
    let written = set.sources().text(symbol.extent);
    let owner = symbol.owner.map_or("", |owner| index.symbol(owner).name.as_str());
    let stream = index.stream_of(id).map_or("", |stream| index.symbol(stream).name.as_str());
    let (declaration, note) = match symbol.kind {
        SymbolKind::Stream => (written.to_owned(), String::new()),
        SymbolKind::Field => (format!("{} {}", symbol.name, symbol.detail), field_note(symbol, owner)),
        SymbolKind::Column => {
            (format!("{} {}", symbol.name, symbol.detail), format!("Column of the table `{owner}`."))
        }
        SymbolKind::List => (format!("list {written}"), "One value a line.".to_owned()),
        SymbolKind::Table => (format!("table {}", table_text(set, id)), String::new()),
        SymbolKind::Let => (format!("let {written}"), String::new()),
        SymbolKind::Def => (format!("def {written}"), String::new()),
        SymbolKind::Parameter => (written.to_owned(), format!("Parameter of `{owner}`.")),
        SymbolKind::Rule => {
            let cost = set.program().and_then(|program| program.cost(&symbol.name));
            let cost = cost.map(|cost| format!("\n\n{}", cost.summary())).unwrap_or_default();
            (format!("rule {}", symbol.name), words_for(set, symbol) + &cost)
        }
        SymbolKind::Event if with_words => (written.to_owned(), words_for(set, symbol)),
        SymbolKind::Event => (written.to_owned(), String::new()),
        SymbolKind::Variable => (written.to_owned(), format!("Captured events of `{stream}`.")),
        SymbolKind::AlertField => (written.to_owned(), format!("Field of the alerts of `{owner}`.")),
        SymbolKind::Test => (format!("test {:?}", symbol.name), String::new()),
    };
    let comment = comment_on(set, symbol).unwrap_or_default();
    let parts = [code(&declaration), note, comment];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn field_note(symbol: &Symbol, stream: &str) -> String {
    let path = symbol.path.as_deref().unwrap_or(&symbol.name);
    let mut note = format!("Field of `{stream}`, read from `{path}`.");
    if symbol.detail.ends_with('?') {
        note.push_str(" May be missing: then a comparison with it is neither true nor false.");
    }
    note
}

fn table_text(set: &RuleSet, id: SymbolId) -> String {
    let index = set.index();
    let column = |id: &SymbolId| {
        let column = index.symbol(*id);
        format!("\n  {} {}", column.name, column.detail)
    };
    let columns: String = index.members(id).iter().map(column).collect();
    format!("{} {{{columns}\n}}", index.symbol(id).name)
}

/// What a rule or an event says, in words.
fn words_for(set: &RuleSet, symbol: &Symbol) -> String {
    explained(set, symbol.span.file, symbol.span.start).map_or_else(String::new, |explained| explained.text)
}

/// The comment behind a declaration on its line, or the lines of comment directly above it.
fn comment_on(set: &RuleSet, symbol: &Symbol) -> Option<String> {
    let file = symbol.extent.file;
    let text = &set.file(file).text;
    let comments: &[Comment] = &set.trees().get(file.0 as usize)?.comments;
    let line_of = |byte: u32| text[..byte as usize].matches('\n').count();
    let after = comments.partition_point(|comment| comment.span.start < symbol.extent.end);
    let behind = comments.get(after).filter(|comment| {
        let between = &text[symbol.extent.end as usize..comment.span.start as usize];
        !comment.own_line && !between.contains('\n')
    });
    if let Some(comment) = behind {
        return Some(words(comment).to_owned());
    }
    let mut line = line_of(symbol.extent.start.min(symbol.span.start));
    let before = comments.partition_point(|comment| comment.span.start < symbol.extent.start);
    let mut above = Vec::new();
    for comment in comments[..before].iter().rev() {
        if !comment.own_line || line_of(comment.span.start) + 1 != line {
            break;
        }
        above.push(words(comment));
        line -= 1;
    }
    above.reverse();
    Some(above.join("\n")).filter(|text| !text.trim().is_empty())
}

fn words(comment: &Comment) -> &str {
    comment.text.trim_start_matches('#').trim()
}

/// A function of the language: its forms and what it yields.
fn function(name: &str) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(function) = functions::find(name) {
        let forms = function.signatures.iter().map(|signature| format!("{name}{signature}"));
        parts.push(code(&forms.collect::<Vec<_>>().join("\n")));
        parts.push(function.summary.to_owned());
        let example = |(written, value): &(&str, &str)| format!("`{written}` is `{value}`");
        parts.push(function.examples.iter().take(2).map(example).collect::<Vec<_>>().join(", "));
    }
    if let Some(form) = functions::SPECIAL_FORMS.iter().find(|form| form.name == name) {
        parts.extend([code(&format!("{name}{}", form.signature)), form.summary.to_owned()]);
    }
    parts.extend(aggregate(name));
    Some(parts.join("\n\n")).filter(|text| !text.is_empty())
}

fn aggregate(name: &str) -> Option<String> {
    let (form, meaning) = match name {
        "first" => ("first(v).field", "The field of the first event captured as `v`."),
        "last" => ("last(v).field", "The field of the last event captured as `v`."),
        _ => {
            let (_, aggregate) = Aggregate::FUNCTIONS.iter().find(|(known, _)| *known == name)?;
            match aggregate {
                Aggregate::Count => {
                    ("count(v)", "How many events `v` has captured; `count(v.f)`: how many values.")
                }
                Aggregate::Sum => ("sum(v.f)", "The sum of `f` over the events captured as `v`; 0 of none."),
                Aggregate::Avg => {
                    ("avg(v.f)", "The mean of `f` over the events captured as `v`; null of none.")
                }
                Aggregate::Min => ("min(v.f)", "The least `f` of the events captured as `v`; null of none."),
                Aggregate::Max => {
                    ("max(v.f)", "The greatest `f` of the events captured as `v`; null of none.")
                }
                Aggregate::Stddev => (
                    "stddev(v.f)",
                    "The population standard deviation of `f` over the events captured as `v`.",
                ),
                Aggregate::CountDistinct => (
                    "count_distinct(v.f)",
                    "How many different values of `f` the events captured as `v` have.",
                ),
                Aggregate::First | Aggregate::Last => return None,
            }
        }
    };
    Some(format!("{}\n\n{meaning}", code(form)))
}

fn given(set: &RuleSet, occurrence: &Occurrence) -> Option<String> {
    let (declaration, meaning) = match set.sources().text(occurrence.span) {
        "time" => ("time timestamp", "The event time. Of an alert: when it was decided."),
        "this" => ("this", "The event being tested, where bare names are fields of a past event."),
        "kind" => ("kind string", "What the alert reports: `match` or `timeout`."),
        _ => return None,
    };
    Some(format!("{}\n\n{meaning}", code(declaration)))
}

/// Markdown without its marks.
fn plain(markdown: &str) -> String {
    let lines = markdown.lines().filter(|line| !line.starts_with("```"));
    lines.map(|line| line.replace('`', "")).collect::<Vec<_>>().join("\n")
}
