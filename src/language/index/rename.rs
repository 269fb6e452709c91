//! Renaming: the edits that give a thing another name everywhere, or the reason why there are none.
//!
//! Whether a name is free is not worked out from rules of scope: the edits are made on a copy, and in
//! it every name must mean what it meant before. So a new name that would hide another thing, or
//! that the language reads as something else at one of its places, is refused whatever the reason.

use crate::diagnostic::{Diagnostics, FileId, Severity, Sources, Span};
use crate::language::parser::is_reserved;
use crate::language::{check, parse, tree};

use super::names::KeyFields;
use super::walk::is_function;
use super::{Index, Means, Occurrence, Role, Symbol, SymbolId, SymbolKind};

/// A piece of text in place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; empty for an insertion.
    pub span: Span,
    /// What takes its place.
    pub text: String,
}

/// Why a thing cannot be renamed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotRename {
    /// The language has no such names.
    #[error(
        "`{0}` cannot be a name: names consist of the letters a to z, digits and `_`, and do not begin with a digit"
    )]
    NotAName(String),
    /// The word has a meaning that no declaration can take from it.
    #[error("`{0}` is a word of the language and cannot be the name of {1}")]
    Reserved(String, &'static str),
    /// Something else is called so already.
    #[error("`{0}` is the name of {1} already")]
    Taken(String, &'static str),
    /// A name would mean something else than now.
    #[error("called `{0}`, it would be mistaken for something else, or something else for it")]
    Ambiguous(String),
    /// What it would be called leads to a mistake.
    #[error("called `{0}`, it would be a mistake: {1}")]
    Mistake(String, String),
    /// The name is a text that nothing refers to.
    #[error("{0} is not called by a name that can be changed everywhere: edit its text")]
    NoName(&'static str),
}

impl Index {
    /// The edits that rename `symbol`, by place and without overlaps; none when it is called so. A
    /// field that is read from the JSON member of its own name gets a `from`, so that the same is
    /// read as before; a key that one name gives for several streams is written out.
    ///
    /// # Errors
    /// When the name is none, or has a meaning already.
    pub fn rename(
        &self,
        sources: &Sources,
        trees: &[tree::File],
        symbol: SymbolId,
        name: &str,
    ) -> Result<Vec<Edit>, CannotRename> {
        let declared = self.symbol(symbol);
        if declared.kind == SymbolKind::Test {
            return Err(CannotRename::NoName(declared.kind.described()));
        }
        if declared.name == name {
            return Ok(Vec::new());
        }
        self.check_name(declared, name)?;
        let edits = self.edits(symbol, name);
        self.check_edits(sources, trees, symbol, name, &edits)?;
        Ok(edits)
    }

    fn check_name(&self, symbol: &Symbol, name: &str) -> Result<(), CannotRename> {
        let mut characters = name.chars();
        let begins = characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        if !begins || !characters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(CannotRename::NotAName(name.to_owned()));
        }
        let is_value = matches!(symbol.kind, SymbolKind::Let | SymbolKind::List | SymbolKind::Table);
        let is_taken = is_reserved(name)
            || name == "time" && is_value
            || symbol.kind == SymbolKind::Def && is_function(name);
        if is_taken {
            return Err(CannotRename::Reserved(name.to_owned(), symbol.kind.described()));
        }
        let other =
            match symbol.owner {
                None => self.global(name),
                Some(owner) => self.members(owner).iter().copied().find(|id| {
                    self.symbol(*id).name == name && same_names(self.symbol(*id).kind, symbol.kind)
                }),
            };
        match other {
            Some(other) => Err(CannotRename::Taken(name.to_owned(), self.symbol(other).kind.described())),
            None => Ok(()),
        }
    }

    fn edits(&self, symbol: SymbolId, name: &str) -> Vec<Edit> {
        let declared = self.symbol(symbol);
        let mut edits: Vec<Edit> = Vec::new();
        for occurrence in &self.occurrences {
            if occurrence.is(symbol) && occurrence.role != Role::Member {
                edits.push(Edit { span: occurrence.span, text: name.to_owned() });
            } else if let Some(fields) = written_out(occurrence, symbol) {
                edits.push(Edit { span: occurrence.span, text: self.key_written_out(symbol, name, fields) });
            }
        }
        if let Some(at) = declared.path_missing_at {
            let span = Span { start: at, end: at, ..declared.span };
            edits.push(Edit { span, text: format!(" from \"{}\"", declared.name) });
        }
        edits.sort_by_key(|edit| edit.span);
        edits
    }

    /// `payments.user = logins.uid` for `user`. The stream whose field keeps its name comes first,
    /// because a part of the key is called in alerts as in its first stream.
    fn key_written_out(&self, symbol: SymbolId, name: &str, fields: &KeyFields) -> String {
        let (renamed, kept): (Vec<_>, Vec<_>) = fields.iter().partition(|(_, fields)| *fields == [symbol]);
        let old = &self.symbol(symbol).name;
        let stream = |id: &SymbolId| &self.symbol(*id).name;
        let kept = kept.iter().map(|(id, _)| format!("{}.{old}", stream(id)));
        let renamed = renamed.iter().map(|(id, _)| format!("{}.{name}", stream(id)));
        kept.chain(renamed).collect::<Vec<_>>().join(" = ")
    }

    /// Makes the edits on a copy and compares what all names mean before and after.
    fn check_edits(
        &self,
        sources: &Sources,
        trees: &[tree::File],
        symbol: SymbolId,
        name: &str,
        edits: &[Edit],
    ) -> Result<(), CannotRename> {
        let after = Sources::new(sources.iter().map(|(id, file)| {
            let own: Vec<&Edit> = edits.iter().filter(|edit| edit.span.file == id).collect();
            (file.name.clone(), apply(&file.text, &own))
        }));
        let mut new_trees = Vec::new();
        for ((id, old), (_, new)) in sources.iter().zip(after.iter()) {
            let tree = trees.get(id.0 as usize).filter(|_| old.text == new.text).cloned();
            new_trees.push(match tree {
                Some(tree) => tree,
                None => {
                    let (tree, problems) = parse(id, &new.text);
                    no_new_error(name, || parse(id, &old.text).1, &problems)?;
                    tree
                }
            });
        }
        let index = Index::new(&after, &new_trees);
        if !self.means_the_same(&index, symbol, edits) {
            return Err(CannotRename::Ambiguous(name.to_owned()));
        }
        let (_, problems) = check(&new_trees, &[]);
        no_new_error(name, || check(trees, &[]).1, &problems)
    }

    fn means_the_same(&self, after: &Index, symbol: SymbolId, edits: &[Edit]) -> bool {
        let mut new = after.occurrences.iter();
        let mut shift = Shift { edits, next: 0, file: FileId(0), by: 0 };
        for old in &self.occurrences {
            let (start, end) = shift.moved(old);
            if written_out(old, symbol).is_some() {
                // Several names have taken the place of one.
                let rest = new.as_slice();
                let within =
                    rest.iter().take_while(|one| one.span.file == old.span.file && one.span.start < end);
                let count = within.count();
                new = rest[count..].iter();
                continue;
            }
            let Some(new) = new.next() else { return false };
            let place = (new.span.file, new.span.start, new.span.end);
            if place != (old.span.file, start, end) || !same_meaning(old, new) {
                return false;
            }
        }
        new.next().is_none() && self.symbols.len() == after.symbols.len()
    }
}

/// The fields of a key that one name gives for several streams, if the name cannot stay because this is
/// one of them.
fn written_out(occurrence: &Occurrence, symbol: SymbolId) -> Option<&KeyFields> {
    match &occurrence.role {
        Role::Key(fields) if !occurrence.is(symbol) => {
            fields.iter().any(|(_, fields)| *fields == [symbol]).then_some(fields)
        }
        _ => None,
    }
}

/// Whether two kinds of names of one owner must differ.
fn same_names(a: SymbolKind, b: SymbolKind) -> bool {
    let captures = |kind| matches!(kind, SymbolKind::Event | SymbolKind::Variable);
    a == b || captures(a) && captures(b)
}

/// Whether a name means what it meant. One of several fields that were called alike may have gone.
fn same_meaning(old: &Occurrence, new: &Occurrence) -> bool {
    match (&old.means, &new.means) {
        (Means::Symbols(old), Means::Symbols(new)) if old.len() > 1 => new.iter().all(|id| old.contains(id)),
        (old, new) => old == new,
    }
}

/// Fails when there are more errors than before, which is only worked out when there are any.
fn no_new_error(
    name: &str,
    before: impl FnOnce() -> Diagnostics,
    after: &Diagnostics,
) -> Result<(), CannotRename> {
    if !after.has_errors() {
        return Ok(());
    }
    let before = before();
    if after.counts().0 <= before.counts().0 {
        return Ok(());
    }
    let known: Vec<&str> = before.iter().map(|one| one.message.as_str()).collect();
    let new = after
        .iter()
        .filter(|one| one.severity() == Severity::Error)
        .find(|one| !known.contains(&one.message.as_str()));
    let message = new.map_or("the rules would have one more", |one| one.message.as_str());
    Err(CannotRename::Mistake(name.to_owned(), message.to_owned()))
}

/// The text with these edits, which stand in order and do not overlap.
pub fn apply(text: &str, edits: &[&Edit]) -> String {
    let mut edited = String::with_capacity(text.len());
    let mut from = 0;
    for edit in edits {
        let (start, end) = (edit.span.start as usize, edit.span.end as usize);
        edited.push_str(text.get(from..start).unwrap_or_default());
        edited.push_str(&edit.text);
        from = end;
    }
    edited.push_str(text.get(from..).unwrap_or_default());
    edited
}

/// Where places move to when edits are made, asked for in order.
struct Shift<'e> {
    edits: &'e [Edit],
    next: usize,
    file: FileId,
    by: i64,
}

impl Shift<'_> {
    /// Where an occurrence begins and ends after the edits.
    fn moved(&mut self, one: &Occurrence) -> (u32, u32) {
        if one.span.file != self.file {
            (self.file, self.by) = (one.span.file, 0);
        }
        while let Some(edit) = self.edits.get(self.next)
            && (edit.span.file, edit.span.start) < (one.span.file, one.span.start)
        {
            self.by += if edit.span.file == one.span.file { growth(edit) } else { 0 };
            self.next += 1;
        }
        let own = self.edits.get(self.next).filter(|edit| edit.span == one.span).map_or(0, growth);
        let place = |at: u32, by: i64| (i64::from(at) + by).max(0) as u32;
        (place(one.span.start, self.by), place(one.span.end, self.by + own))
    }
}

fn growth(edit: &Edit) -> i64 {
    edit.text.len() as i64 - i64::from(edit.span.end - edit.span.start)
}
