//! Lists and tables: from their declarations to what their files must hold.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;

use crate::diagnostic::codes::{E0106, E0111, E0403, E0426};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::language::tree;
use crate::table::{Column, Shape, TableId, TableSpec};

use super::scope::Reported;
use super::stream::MAX_FIELDS;

/// Most key columns of a table.
const MAX_KEYS: usize = 16;

/// The lists and tables of a rule set.
#[derive(Debug, Default)]
pub(super) struct TableNames {
    /// Sorted by name.
    specs: Vec<TableSpec>,
    /// Those that expressions have read since this was last asked.
    used: RefCell<BTreeSet<TableId>>,
}

impl TableNames {
    /// The list or table of that name.
    pub fn find(&self, name: &str) -> Option<(TableId, &TableSpec)> {
        let index = self.specs.binary_search_by(|spec| spec.name.as_str().cmp(name)).ok()?;
        Some((TableId(index as u32), &self.specs[index]))
    }

    /// The name of a list or table.
    pub fn name(&self, id: TableId) -> &str {
        &self.specs[id.0 as usize].name
    }

    /// The names of all lists or, if not, of all tables.
    pub fn names(&self, lists: bool) -> impl Iterator<Item = &str> {
        let wanted = move |spec: &&TableSpec| matches!(spec.shape, Shape::List(_)) == lists;
        self.specs.iter().filter(wanted).map(|spec| spec.name.as_str())
    }

    /// Notes that an expression reads a list or table.
    pub fn note(&self, id: TableId) {
        self.used.borrow_mut().insert(id);
    }

    /// What expressions have read since this was last asked.
    pub fn take_noted(&self) -> BTreeSet<TableId> {
        self.used.take()
    }

    /// All of them, sorted by name.
    pub fn into_specs(self) -> Vec<TableSpec> {
        self.specs
    }
}

/// The lists and tables of a rule set. One with a mistake is left out, and its name noted as reported.
pub(super) fn collect<'a>(
    lists: &[&'a tree::List],
    tables: &[&'a tree::Table],
    reported: &mut Reported<'a>,
    diagnostics: &mut Diagnostics,
) -> TableNames {
    let mut specs = Vec::new();
    for list in lists {
        let is_sound = is_file(&list.file, "lists/names.txt", diagnostics) & !reported.is_no_type(&list.ty);
        match is_sound {
            true => specs.push(spec(&list.name, &list.file, Shape::List(list.ty.node))),
            false => reported.add(&list.name.node),
        }
    }
    for table in tables {
        let is_sound = is_file(&table.file, "merchants.csv", diagnostics);
        match columns(table, reported, diagnostics).filter(|_| is_sound) {
            Some(columns) => specs.push(spec(&table.name, &table.file, Shape::Table(columns))),
            None => reported.add(&table.name.node),
        }
    }
    specs.sort_by(|a, b| a.name.cmp(&b.name));
    TableNames { specs, used: RefCell::default() }
}

fn spec(name: &tree::Name, file: &tree::Spanned<String>, shape: Shape) -> TableSpec {
    TableSpec {
        name: CompactString::new(&name.node),
        name_span: name.span,
        file: file.node.clone(),
        file_span: file.span,
        shape,
    }
}

fn is_file(file: &tree::Spanned<String>, example: &str, diagnostics: &mut Diagnostics) -> bool {
    let is_sound = !file.node.trim().is_empty() && !file.node.contains('\0');
    if !is_sound {
        diagnostics.push(Diagnostic::new(E0111, file.span, "this names no file").help(format!(
            "name it as seen from the folder of this rule file, for example `from \"{example}\"`"
        )));
    }
    is_sound
}

/// The columns of a table; `None` when something is wrong with them, which has been reported.
fn columns(
    table: &tree::Table,
    reported: &Reported<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Column>> {
    let mut found = Vec::new();
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    let mut is_sound = true;
    for column in &table.columns {
        let field = &column.field;
        let problem = match seen.insert(&field.name.node, field.name.span) {
            Some(first) => Some(twice(&field.name, first)),
            None => mistake(column),
        };
        is_sound &= problem.is_none() && !reported.is_no_type(&field.ty);
        problem.into_iter().for_each(|problem| diagnostics.push(problem));
        let header = field.from.as_ref().map_or(field.name.node.as_str(), |from| from.node.trim());
        found.push(Column {
            name: CompactString::new(&field.name.node),
            header: CompactString::new(header),
            ty: field.ty.node,
            key: column.key,
            optional: field.optional,
            span: field.name.span.to(field.ty.span),
        });
    }
    let problem = whole(table, &found);
    is_sound &= problem.is_none();
    problem.into_iter().for_each(|problem| diagnostics.push(problem));
    is_sound.then_some(found)
}

/// What is wrong with a column by itself.
fn mistake(column: &tree::Column) -> Option<Diagnostic> {
    let field = &column.field;
    if column.key && field.optional {
        let message = format!("the key column `{}` may not be optional", field.name.node);
        return Some(
            Diagnostic::new(E0426, field.name.span.to(field.ty.span), message)
                .help("a row is found by its key; take the `?` away"),
        );
    }
    let from = field.from.as_ref().filter(|from| from.node.trim().is_empty())?;
    Some(
        Diagnostic::new(E0111, from.span, "this names no column of the file")
            .help("write the name as it stands in the first line of the file"),
    )
}

/// What is wrong with the columns together.
fn whole(table: &tree::Table, columns: &[Column]) -> Option<Diagnostic> {
    let name = &table.name;
    let keys = columns.iter().filter(|column| column.key).count();
    if keys == 0 {
        let example = columns
            .first()
            .map_or("id string".to_owned(), |column| format!("{} {}", column.name, column.ty.value_type()));
        return Some(
            Diagnostic::new(E0426, name.span, format!("`{}` has no key column", name.node))
                .label("no row could be found")
                .help(format!("write `key` before what rows are found by, for example `key {example}`")),
        );
    }
    let limits = [(columns.len(), MAX_FIELDS, "columns"), (keys, MAX_KEYS, "key columns")];
    let (found, most, what) = limits.into_iter().find(|(found, most, _)| found > most)?;
    let message = format!("`{}` has {found} {what}; at most {most} are possible", name.node);
    Some(Diagnostic::new(E0403, name.span, message).help("declare only the columns that rules use"))
}

fn twice(name: &tree::Name, first: Span) -> Diagnostic {
    Diagnostic::new(E0106, name.span, format!("the column `{}` is declared twice", name.node))
        .label("declared again here")
        .also(first, "first declared here")
        .help("give one of them another name; `from \"…\"` says what the file calls it")
}
