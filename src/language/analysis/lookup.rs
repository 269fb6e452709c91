//! Lists and tables in expressions: `x in list`, `table[key].column`.

use std::sync::Arc;

use crate::diagnostic::codes::{E0102, E0104, E0201, E0202, E0203, E0204, E0425};
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::event::{FieldType, Type};
use crate::expression::{Expr, TableRef};
use crate::language::tree::{self, ExprKind};
use crate::table::{Column, Shape, TableId, TableSpec};

use super::calls::fits;
use super::expression::{Checker, Place, Typed, written};
use super::fold::{boolean, widen};
use super::scope::listed;

impl<'g, 't> Checker<'g, 't> {
    /// The list or table that a name means where one is expected.
    pub(super) fn table_named(&self, expr: &tree::Expr) -> Option<(TableId, &'g TableSpec)> {
        match &expr.kind {
            ExprKind::Name(name) if !self.is_parameter(name) => self.globals.tables.find(name),
            _ => None,
        }
    }

    /// Whether the name means nothing at all here, so that it is probably a list or table that is not
    /// declared.
    pub(super) fn is_unknown(&self, name: &str) -> bool {
        let in_place = match &self.place {
            Place::Condition { stream, .. } | Place::Past { stream, .. } => {
                self.globals.schema(*stream).field(name).is_some()
                    || self.globals.is_unread_field(*stream, name)
                    || name == "time"
            }
            Place::Alert { key } => key.is_none_or(|key| key.iter().any(|part| part.name == name)),
            Place::Constant => false,
        };
        !in_place
            && !self.is_parameter(name)
            && !self.visible.is_variable(name)
            && !self.globals.constants.contains_key(name)
            && !self.globals.definitions.contains_key(name)
            && !self.globals.reported.contains(name)
    }

    /// A name that stands where a list is expected, and is none.
    pub(super) fn unknown_list(&self, name: &str, span: Span, looked_for: Option<Type>) -> Diagnostic {
        let diagnostic = Diagnostic::new(E0104, span, format!("there is no list `{name}`"));
        match nearest(name, self.globals.tables.names(true)) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => {
                let ty = looked_for.filter(|ty| *ty != Type::Null).unwrap_or(Type::Str);
                diagnostic.help(format!("declare it: `list {name} {ty} from \"lists/{name}.txt\"`"))
            }
        }
    }

    fn unknown_table(&self, name: &str, span: Span) -> Diagnostic {
        let diagnostic = Diagnostic::new(E0104, span, format!("there is no table `{name}`"));
        match nearest(name, self.globals.tables.names(false)) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic
                .help(format!("declare it: `table {name} from \"{name}.csv\" {{ key id string … }}`")),
        }
    }

    /// `x in list`
    pub(super) fn in_table(
        &mut self,
        value: Typed,
        looked_for: &'t tree::Expr,
        (id, spec): (TableId, &'g TableSpec),
        span: Span,
    ) -> Option<Typed> {
        let Shape::List(ty) = spec.shape else {
            self.report(table_as_list(spec, looked_for, span));
            return None;
        };
        if matches!(looked_for.kind, ExprKind::Null) {
            self.report(
                Diagnostic::new(E0203, looked_for.span, "null is equal to nothing, so it is in no list")
                    .help("ask `… is missing`"),
            );
            return None;
        }
        let wanted = ty.value_type();
        let value = match (value.ty, wanted) {
            (Type::Str, Type::Timestamp | Type::Ip) => self.read_text(value, wanted, looked_for.span)?,
            _ => value,
        };
        if value.ty != wanted && value.ty != Type::Null && !(value.ty.is_number() && wanted.is_number()) {
            self.report(wrong_type(spec, ty, value.ty, looked_for, span));
            return None;
        }
        self.globals.tables.note(id);
        let meaning = Arc::from(format!("{}:{wanted}", spec.name));
        Some(boolean(Expr::InTable(Box::new(value.expr), TableRef { id, meaning })))
    }

    /// `table[key, …].column`; without a column there is a mistake.
    pub(super) fn lookup(
        &mut self,
        table: &'t tree::Expr,
        keys: &'t [tree::Expr],
        column: Option<&'t tree::Name>,
        span: Span,
    ) -> Option<Typed> {
        let found = self.table_or_report(table, keys);
        let typed: Vec<Option<Typed>> = keys.iter().map(|key| self.check(key)).collect();
        let (id, spec) = found?;
        let key = self.key_of(spec, typed, keys, span);
        let Some(name) = column else {
            self.report(
                Diagnostic::new(E0425, span, "a row of a table is no value")
                    .help(format!("read one of its columns: {}", listed(names(spec)))),
            );
            return None;
        };
        let Some((column_id, column)) = spec.column(&name.node) else {
            self.report(unknown_column(spec, name));
            return None;
        };
        let key = key?;
        self.globals.tables.note(id);
        let describe = |column: &Column| format!("{}:{}", column.header, column.ty.value_type());
        let by: Vec<String> = spec.keys().map(|(_, column)| describe(column)).collect();
        let meaning = Arc::from(format!("{}[{}].{}", spec.name, by.join(","), describe(column)));
        let ty = column.ty.value_type();
        Some(Typed::new(Expr::Lookup(key, TableRef { id, meaning }, column_id), ty))
    }

    /// The table that is asked for a row; a name that is none is reported.
    fn table_or_report(
        &mut self,
        table: &tree::Expr,
        keys: &[tree::Expr],
    ) -> Option<(TableId, &'g TableSpec)> {
        if let Some((id, spec)) = self.table_named(table) {
            if matches!(spec.shape, Shape::Table(_)) {
                return Some((id, spec));
            }
            let value = keys.first().map_or("…".to_owned(), written);
            let message = format!("`{}` is a list, which has no rows", spec.name);
            self.report(
                Diagnostic::new(E0425, table.span, message)
                    .also(spec.name_span, "declared here")
                    .help(format!("ask whether it holds a value: `{value} in {}`", spec.name)),
            );
            return None;
        }
        match &table.kind {
            ExprKind::Name(name) if self.globals.reported.contains(name) => {}
            ExprKind::Name(name) if self.is_unknown(name) => {
                self.report(self.unknown_table(name, table.span));
            }
            _ => self.report(self.not_a_table(table)),
        }
        None
    }

    /// Something else that is asked for a row.
    fn not_a_table(&self, expr: &tree::Expr) -> Diagnostic {
        let diagnostic = Diagnostic::new(E0425, expr.span, "only a table is asked with `[…]`");
        match &expr.kind {
            ExprKind::Name(name) if self.visible.is_variable(name) => diagnostic.help(format!(
                "of what was captured as `{name}` there are `first({name})`, `last({name})` and aggregates"
            )),
            ExprKind::Name(name) => match nearest(name, self.globals.tables.names(false)) {
                Some(near) => diagnostic.help(format!("did you mean the table `{near}`?")),
                None => diagnostic.help("declare one with `table`"),
            },
            _ => diagnostic.help("declare one with `table`"),
        }
    }

    /// The key with the types of the key columns.
    fn key_of(
        &mut self,
        spec: &TableSpec,
        typed: Vec<Option<Typed>>,
        written_keys: &'t [tree::Expr],
        span: Span,
    ) -> Option<Box<[Expr]>> {
        let columns: Vec<&Column> = spec.keys().map(|(_, column)| column).collect();
        if columns.len() != typed.len() {
            let (needed, given) = (columns.len(), typed.len());
            let keys = if needed == 1 { "1 key".to_owned() } else { format!("{needed} keys") };
            self.report(
                Diagnostic::new(E0204, span, format!("`{}` is asked with {keys}, not {given}", spec.name))
                    .also(spec.name_span, "declared here")
                    .help(format!("write `{}`", example(spec))),
            );
            return None;
        }
        let parts = typed.into_iter().zip(columns).zip(written_keys);
        let key: Vec<Option<Expr>> =
            parts.map(|((typed, column), expr)| self.key_part(spec, typed?, column, expr)).collect();
        key.into_iter().collect()
    }

    fn key_part(
        &mut self,
        spec: &TableSpec,
        typed: Typed,
        column: &Column,
        expr: &'t tree::Expr,
    ) -> Option<Expr> {
        if matches!(expr.kind, ExprKind::Null) {
            self.report(
                Diagnostic::new(E0203, expr.span, "no row has null for its key")
                    .also(column.span, "the key column"),
            );
            return None;
        }
        let wanted = column.ty.value_type();
        let typed = match (typed.ty, wanted) {
            (Type::Str, Type::Timestamp | Type::Ip) => self.read_text(typed, wanted, expr.span)?,
            _ => typed,
        };
        if fits(typed.ty, wanted) {
            return Some(widen(typed, wanted));
        }
        let message =
            format!("`{}` of `{}` is `{wanted}`, but this is `{}`", column.name, spec.name, typed.ty);
        self.report(Diagnostic::new(E0201, expr.span, message).also(column.span, "declared here"));
        None
    }
}

/// A list or table whose name stands where a value is expected.
pub(super) fn as_value(spec: &TableSpec, span: Span) -> Diagnostic {
    let message = format!("`{}` is a {}, not a value", spec.name, spec.kind());
    let diagnostic = Diagnostic::new(E0425, span, message).also(spec.name_span, "declared here");
    match spec.shape {
        Shape::List(_) => diagnostic.help(format!("ask whether it holds a value: `… in {}`", spec.name)),
        Shape::Table(_) => diagnostic.help(format!("read a column of one of its rows: `{}`", example(spec))),
    }
}

fn table_as_list(spec: &TableSpec, looked_for: &tree::Expr, span: Span) -> Diagnostic {
    let diagnostic = Diagnostic::new(E0425, span, format!("`{}` is a table, not a list", spec.name))
        .also(spec.name_span, "declared here");
    match spec.keys().collect::<Vec<_>>().as_slice() {
        [(_, column)] => diagnostic.help(format!(
            "ask for the row: `{}[{}].{} is present`",
            spec.name,
            written(looked_for),
            column.name
        )),
        _ => diagnostic.help(format!("ask for a row: `{} is present`", example(spec))),
    }
}

fn wrong_type(
    spec: &TableSpec,
    ty: FieldType,
    given: Type,
    looked_for: &tree::Expr,
    span: Span,
) -> Diagnostic {
    let wanted = ty.value_type();
    let message = format!("`{}` is a list of `{wanted}`, but `{given}` is looked for", spec.name);
    let diagnostic = Diagnostic::new(E0202, span, message)
        .also(looked_for.span, format!("`{given}`"))
        .also(spec.name_span, "declared here");
    match (given, wanted) {
        (Type::Ip, Type::Str) => {
            diagnostic.help(format!("declare it as `list {} ip …`; it may hold networks then", spec.name))
        }
        (Type::Str, Type::Ip) => diagnostic.help("declare the field as `ip`"),
        _ => diagnostic.help("the list and the field are declared with the same type"),
    }
}

fn unknown_column(spec: &TableSpec, name: &tree::Name) -> Diagnostic {
    let message = format!("`{}` has no column `{}`", spec.name, name.node);
    let diagnostic = Diagnostic::new(E0102, name.span, message).also(spec.name_span, "declared here");
    match nearest(&name.node, names(spec)) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help(format!("its columns are {}", listed(names(spec)))),
    }
}

fn names(spec: &TableSpec) -> impl Iterator<Item = &str> {
    spec.columns().iter().map(|column| column.name.as_str())
}

/// How a table is asked: `merchants[id].risk`.
fn example(spec: &TableSpec) -> String {
    let keys: Vec<&str> = spec.keys().map(|(_, column)| column.name.as_str()).collect();
    let read = spec.columns().iter().find(|column| !column.key).or(spec.columns().first());
    let read = read.map_or("", |column| column.name.as_str());
    format!("{}[{}].{read}", spec.name, keys.join(", "))
}
