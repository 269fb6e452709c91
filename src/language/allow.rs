//! Warnings that the author of a rule allows at one place, with a comment:
//!
//! ```text
//! # allow W0505: the sequence ends the match before memory matters
//! match 3 tiny next large
//! event abroad = auth where country != "DE"  # allow W0509
//! ```
//!
//! Enters: the trees of a rule set with their comments, its texts, and all diagnostics of all layers.
//! Leaves: the same diagnostics without the warnings that are allowed, and warnings about comments
//! that allow nothing. What a comment allows is decided by places alone:
//!
//! - A comment on a line of its own is about what begins on the next line that holds more than
//!   comments: a declaration, a clause, a step of the pattern, a field. Where nothing begins there, it is
//!   about that line.
//! - A comment behind something is about its own line.
//!
//! A warning is silenced where its primary place begins within those lines. Errors never are.

use std::collections::BTreeMap;
use std::ops::Range;

use super::tree::{self, Atom, ClauseKind, Comment, Item, Part, StreamBody};
use crate::diagnostic::codes::{ALL, W0518, W0519};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, FileId, Severity, Sources, Span, nearest};

/// Takes the warnings out that the comments of `files` allow, and adds those about the comments.
pub(crate) fn apply(files: &[tree::File], sources: &Sources, mut diagnostics: Diagnostics) -> Diagnostics {
    let mut own = Diagnostics::default();
    let mut allowed: BTreeMap<(FileId, Code), Vec<Allowed>> = BTreeMap::new();
    for file in files {
        for (found, place) in found_in(file, sources) {
            match code_of(&found) {
                Ok(code) => {
                    let of_code = allowed.entry((found.span.file, code)).or_default();
                    of_code.push(Allowed { place, written: found.span, is_used: false });
                }
                Err(diagnostic) => own.push(*diagnostic),
            }
        }
    }
    // What was only counted may be what a comment allows, and what comes behind an error is not known.
    let is_certain = !diagnostics.has_errors() && diagnostics.len() == diagnostics.iter().count();
    diagnostics.retain(|diagnostic| {
        let at = diagnostic.primary.span;
        let Some(places) = allowed.get_mut(&(at.file, diagnostic.code)) else { return true };
        let mut is_allowed = false;
        for allowed in places.iter_mut().filter(|allowed| allowed.place.contains(&at.start)) {
            allowed.is_used = true;
            is_allowed = true;
        }
        !is_allowed
    });
    if is_certain {
        for ((_, code), places) in &allowed {
            let unused_ones = places.iter().filter(|allowed| !allowed.is_used);
            unused_ones.for_each(|allowed| own.push(unused(*code, allowed, &diagnostics)));
        }
    }
    diagnostics.append(own);
    diagnostics
}

/// A code in a comment.
struct Found<'t> {
    text: &'t str,
    span: Span,
}

/// A warning that is allowed where its primary place begins at one of these bytes.
struct Allowed {
    place: Range<u32>,
    /// Where the code stands in the comment.
    written: Span,
    is_used: bool,
}

/// The codes in the comments of a file, each with the place that it is about.
fn found_in<'t>(file: &'t tree::File, sources: &Sources) -> Vec<(Found<'t>, Range<u32>)> {
    let mut all = Vec::new();
    let mut parts: Option<Vec<(u32, u32)>> = None;
    // The comment below, and where what is neither space nor comment goes on behind it: looked for
    // once for comments one below the other.
    let mut below: Option<(u32, Option<usize>)> = None;
    for comment in file.comments.iter().rev() {
        let text = sources.file(comment.span.file).text.as_str();
        let end = comment.span.end as usize;
        let next = match below {
            Some((start, next)) if text[end..start as usize].trim().is_empty() => next,
            _ => text[end..].find(|c: char| !c.is_whitespace()).map(|length| end + length),
        };
        below = Some((comment.span.start, next));
        let codes = codes_in(comment);
        if codes.is_empty() {
            continue;
        }
        let parts = parts.get_or_insert_with(|| parts_of(file));
        let place = match next {
            _ if !comment.own_line => line_around(text, comment.span.start as usize),
            Some(next) => place_of(next, text, parts),
            None => comment.span.end..comment.span.end,
        };
        all.extend(codes.into_iter().map(|found| (found, place.clone())));
    }
    all
}

/// The codes in `# allow W0501, W0503: reason`. A comment that goes on with anything but a code is an
/// ordinary one.
fn codes_in(comment: &Comment) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    let text = comment.text.as_str();
    let after = text.trim_start_matches('#').trim_start();
    let Some(mut rest) = after.strip_prefix("allow").filter(|rest| rest.starts_with([' ', '\t'])) else {
        return found;
    };
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let word = &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len())];
        if !looks_like_a_code(word) {
            return found;
        }
        let at = comment.span.start as usize + (text.len() - rest.len());
        found.push(Found { text: word, span: Span::new(comment.span.file, at, at + word.len()) });
        rest = &rest[word.len()..];
    }
}

/// A letter with digits behind it.
fn looks_like_a_code(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && word.len() > 1
        && letters.all(|c| c.is_ascii_digit())
}

/// The warning that a code names, or what is wrong with allowing it.
fn code_of(found: &Found<'_>) -> Result<Code, Box<Diagnostic>> {
    let wrong =
        |message: String, help: String| Err(Box::new(Diagnostic::new(W0518, found.span, message).help(help)));
    let text = found.text.to_ascii_uppercase();
    let Some((code, summary)) = ALL.iter().find(|(code, _)| code.as_str() == text) else {
        let warnings = ALL.iter().map(|(code, _)| code.as_str()).filter(|code| code.starts_with('W'));
        let near = nearest(&text, warnings).map(|near| format!("did you mean `{near}`?"));
        let help =
            near.unwrap_or_else(|| "the code of a warning stands in brackets before its message".into());
        return wrong(format!("there is no warning `{}`", found.text), help);
    };
    if code.severity() == Severity::Error {
        let help = "correct the mistake; only warnings, whose codes begin with `W`, can be allowed";
        return wrong(format!("`{code}` is an error ({summary}), and errors cannot be allowed"), help.into());
    }
    if *code == W0518 || *code == W0519 {
        let message = format!("`{code}` is about comments such as this one, and cannot be allowed");
        return wrong(message, "take the code out".into());
    }
    if code.as_str().starts_with("W06") {
        let message = format!("`{code}` is about the configuration, and cannot be allowed in a rule file");
        return wrong(message, "take the code out: what it warns of is settled there".into());
    }
    Ok(*code)
}

/// A comment that silences nothing; perhaps it stands at the wrong place.
fn unused(code: Code, allowed: &Allowed, diagnostics: &Diagnostics) -> Diagnostic {
    let written = allowed.written;
    let unused = Diagnostic::new(W0519, written, format!("there is no warning `{code}` here to allow"))
        .help("take it out: it would hide the warning when there is one");
    let elsewhere =
        diagnostics.iter().filter(|one| one.code == code && one.primary.span.file == written.file);
    match elsewhere.min_by_key(|one| one.primary.span.start.abs_diff(written.start)) {
        None => unused,
        Some(near) => unused.also(near.primary.span, format!("`{code}` is about this")).help(
            "a comment allows what begins on the next line or, behind something, what begins on its own line",
        ),
    }
}

/// What the line is about on which something begins at `next`; `parts`: those of its file, sorted.
fn place_of(next: usize, text: &str, parts: &[(u32, u32)]) -> Range<u32> {
    let line = line_around(text, next);
    // What begins first is what the line is about; of what begins at one place, the smallest.
    let part = parts.get(parts.partition_point(|part| (part.0 as usize) < next));
    match part.filter(|part| line.contains(&part.0) && is_head(&text[next..part.0 as usize])) {
        Some((_, end)) => line.start..line.end.max(*end),
        None => line,
    }
}

/// Whether nothing but the words that open a declaration stand before its name.
fn is_head(before: &str) -> bool {
    matches!(before.trim_end(), "" | "let" | "def" | "list" | "table" | "key")
}

/// The line that holds the byte.
fn line_around(text: &str, at: usize) -> Range<u32> {
    let from = text[..at].rfind('\n').map_or(0, |line_end| line_end + 1);
    let to = text[at..].find('\n').map_or(text.len(), |length| at + length);
    from as u32..to as u32
}

/// Where declarations, clauses, steps and fields begin and end, sorted.
fn parts_of(file: &tree::File) -> Vec<(u32, u32)> {
    let mut parts = Vec::new();
    for item in &file.items {
        match item {
            Item::Stream(stream) => {
                parts.push(ends(stream.span));
                if let StreamBody::Fields(fields) = &stream.body {
                    parts.extend(fields.iter().map(field_ends));
                }
            }
            Item::List(list) => parts.push(ends(list.name.span.to(list.file.span))),
            Item::Table(table) => {
                let columns = || table.columns.iter().map(|column| field_ends(&column.field));
                let end = columns().map(|column| column.1).max().unwrap_or(table.file.span.end);
                parts.push((table.name.span.start, end));
                parts.extend(columns());
            }
            Item::Let(constant) => parts.push(ends(constant.name.span.to(constant.value.span))),
            Item::Def(definition) => parts.push(ends(definition.name.span.to(definition.body.span))),
            Item::Rule(rule) => {
                parts.push(ends(rule.span));
                rule.clauses.iter().for_each(|clause| clause_parts(clause, &mut parts));
            }
            Item::Test(test) => {
                parts.push(ends(test.span));
                parts.extend(test.steps.iter().map(|step| ends(step.span)));
            }
        }
    }
    parts.sort_unstable();
    parts
}

fn ends(span: Span) -> (u32, u32) {
    (span.start, span.end)
}

fn field_ends(field: &tree::Field) -> (u32, u32) {
    let end = field.from.as_ref().map_or(field.ty.span.end, |from| from.span.end);
    (field.name.span.start, end)
}

fn clause_parts(clause: &tree::Clause, parts: &mut Vec<(u32, u32)>) {
    parts.push(ends(clause.span));
    let alert = match &clause.kind {
        ClauseKind::Match(pattern) => return sequence_parts(&pattern.pattern, parts),
        ClauseKind::Alert(alert) => alert,
        ClauseKind::OnTimeout(timeout) => &timeout.alert,
        _ => return,
    };
    parts.extend(alert.fields.iter().map(|field| ends(field.name.span.to(field.value.span))));
}

/// The steps of a sequence and of the groups in it, which the parser does not nest deeply.
fn sequence_parts(sequence: &tree::Sequence, parts: &mut Vec<(u32, u32)>) {
    element_parts(&sequence.first, parts);
    for part in &sequence.rest {
        match part {
            Part::Step { link, element } => {
                parts.push(ends(link.span.to(element.span)));
                element_parts(element, parts);
            }
            Part::Absence(absence) => parts.push(ends(absence.span)),
        }
    }
}

fn element_parts(element: &tree::Element, parts: &mut Vec<(u32, u32)>) {
    parts.push(ends(element.span));
    match &element.atom {
        Atom::Name { .. } => {}
        Atom::Group(group) => group.branches.iter().for_each(|branch| sequence_parts(branch, parts)),
        Atom::Element(inner) => element_parts(inner, parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let span = Span::new(FileId(0), 0, text.len());
        let comment = Comment { text: text.to_owned(), own_line: true, span };
        let found = codes_in(&comment);
        for found in &found {
            assert_eq!(&text[found.span.start as usize..found.span.end as usize], found.text);
        }
        found.into_iter().map(|found| found.text.to_owned()).collect()
    }

    #[test]
    fn codes_of_a_comment() {
        for (text, codes) in [
            ("# allow W0501", &["W0501"][..]),
            ("# allow W0501, W0503 W0504: the partner sends W0509", &["W0501", "W0503", "W0504"]),
            ("# allow W0501 - no merchant", &["W0501"]),
            ("# allow W0501 — no merchant", &["W0501"]),
            ("#allow w0501", &["w0501"]),
            ("# allow W0501 for now", &["W0501"]),
            ("# allow 3 retries", &[]),
            ("# allow anything", &[]),
            ("# allowed W0501", &[]),
            ("# allow", &[]),
            ("# see W0501", &[]),
        ] {
            assert_eq!(words(text), codes, "{text}");
        }
    }

    /// The lines on which the warnings stand that `W0507` comments of the text allow.
    fn lines(text: &str) -> Vec<usize> {
        let sources = Sources::new([("a.trip", text)]);
        let (file, _) = crate::language::parse(FileId(0), text);
        let mut diagnostics = Diagnostics::default();
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
        for start in line_starts {
            let span = Span::new(FileId(0), start, start);
            diagnostics.push(Diagnostic::new(crate::diagnostic::codes::W0507, span, start.to_string()));
        }
        let count = diagnostics.iter().count();
        let left: Vec<u32> = apply(std::slice::from_ref(&file), &sources, diagnostics)
            .iter()
            .filter(|one| one.code != W0519)
            .map(|one| one.primary.span.start)
            .collect();
        let all = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at as u32 + 1));
        let silenced = all.enumerate().filter(|(_, start)| !left.contains(start)).map(|(line, _)| line + 1);
        let silenced: Vec<usize> = silenced.collect();
        assert_eq!(silenced.len() + left.len(), count);
        silenced
    }

    #[test]
    fn a_comment_is_about_what_begins_on_the_next_line() {
        let rule =
            "rule r {\n  by card\n  event a = auth\n    where ok\n  match a\n    then b\n    within 1h\n}\n";
        let with = |line: usize| {
            let mut lines: Vec<&str> = rule.lines().collect();
            lines.insert(line - 1, "# allow W0507");
            lines.join("\n")
        };
        assert_eq!(lines(&with(1)), (2..=9).collect::<Vec<_>>(), "the rule");
        assert_eq!(lines(&with(3)), [4, 5], "a clause of two lines");
        assert_eq!(lines(&with(4)), [5], "a line where nothing begins");
        assert_eq!(lines(&with(5)), [6, 7, 8], "the whole `match`");
        assert_eq!(lines(&with(6)), [7], "a step");
        assert_eq!(lines("# allow W0507\n\n# a word\nlet x =\n  5\nlet y = 3"), [4, 5]);
        assert_eq!(lines("let x =  # allow W0507\n  5\nlet y = 3"), [1]);
        assert_eq!(lines("stream s {\n  # allow W0507: late\n  a int\n  b int\n}"), [3]);
        assert_eq!(lines("let x = 5\n# allow W0507"), Vec::<usize>::new());
    }

    #[test]
    fn many_comments_take_no_time() {
        let text = "# allow W0507\n#\n".repeat(30_000);
        let sources = Sources::new([("a.trip", text.as_str())]);
        let (file, _) = crate::language::parse(FileId(0), &text);
        let own = apply(std::slice::from_ref(&file), &sources, Diagnostics::default());
        assert_eq!(own.counts(), (0, 30_000));
    }
}
