//! Files and declarations: `stream`, `list`, `table`, `let` and `def`.

use super::super::tree::{
    Column, Def, Expr, Field, File, Item, Let, List, Name, Stream, StreamBody, Table, TimeClause,
};
use super::layout::Doc;
use super::source::Gap;
use super::{Extent, Formatter, padding};

/// The cells of a field's line.
#[derive(Clone, Copy, Default)]
struct Widths {
    name: usize,
    ty: usize,
}

impl Formatter<'_> {
    /// A whole file.
    pub(super) fn file(&mut self, file: &File) -> Doc {
        let mut docs = Vec::new();
        let mut before: Option<&Item> = None;
        let mut gap = Gap { from: 0, is_first: true, parted: false };
        for item in &file.items {
            gap.parted = before.is_some_and(|before| has_braces(before) || has_braces(item));
            let extent = self.extent(item);
            docs.push(self.source.lead(extent.start, gap));
            let doc = self.item(item);
            docs.push(self.source.noted(extent, doc));
            gap = Gap { from: extent.end, is_first: false, parted: false };
            before = Some(item);
        }
        docs.push(self.source.lead_out(u32::MAX, gap));
        Doc::All(docs)
    }

    /// Where a declaration begins and ends.
    fn extent(&self, item: &Item) -> Extent {
        let (name, end) = match item {
            Item::Stream(stream) => return stream.span.into(),
            Item::Rule(rule) => return rule.span.into(),
            Item::Test(test) => return test.span.into(),
            Item::Table(table) => (&table.name, self.source.next_symbol(table.file.span.end, "}") + 1),
            Item::List(list) => (&list.name, list.file.span.end),
            Item::Let(let_) => (&let_.name, let_.value.span.end),
            Item::Def(def) => (&def.name, def.body.span.end),
        };
        Extent { start: self.source.before(name.span.start), end }
    }

    fn item(&mut self, item: &Item) -> Doc {
        match item {
            Item::Stream(stream) => self.stream(stream),
            Item::List(list) => self.list_declaration(list),
            Item::Table(table) => self.table(table),
            Item::Let(let_) => self.let_(let_),
            Item::Def(def) => self.def(def),
            Item::Rule(rule) => self.rule(rule),
            Item::Test(test) => self.test(test),
        }
    }

    fn stream(&mut self, stream: &Stream) -> Doc {
        let mut docs = vec![Doc::text("stream"), Doc::Space, self.name(&stream.name)];
        docs.extend(stream.time.as_ref().map(|time| self.time(time)));
        for (word, duration) in [("late", &stream.late), ("idle", &stream.idle)] {
            docs.extend(duration.as_ref().map(|duration| self.duration(Doc::Space, word, duration)));
        }
        docs.push(Doc::Space);
        match &stream.body {
            StreamBody::Rule(rule) => {
                docs.extend([Doc::text("from"), Doc::Space, self.name(rule)]);
                Doc::hang(docs)
            }
            StreamBody::Fields(fields) => {
                Doc::All(vec![Doc::hang(docs), self.fields(fields, stream.span.end - 1)])
            }
        }
    }

    fn time(&mut self, time: &TimeClause) -> Doc {
        let comments = self.source.comments(time.span().start);
        let field = match time {
            TimeClause::Field(name) => name.node.as_str(),
            TimeClause::Arrival(_) => "arrival",
        };
        Doc::All(vec![Doc::Space, Doc::text("time"), Doc::Space, comments, Doc::text(field)])
    }

    /// The fields of a stream.
    fn fields(&mut self, fields: &[Field], close: u32) -> Doc {
        let widths = self.widths(fields, field_extent, |field| field, |_| 0);
        self.block(fields, field_extent, close, |this, field, index| {
            this.field(&field.name.node, &field.name, field, widths[index])
        })
    }

    /// The widths of names and types; `before` is what stands before the name.
    fn widths<T>(
        &self,
        items: &[T],
        extent: impl Fn(&T) -> Extent + Copy,
        field: impl Fn(&T) -> &Field,
        before: impl Fn(&T) -> usize,
    ) -> Vec<Widths> {
        let name = self.columns(items, extent, |item| Some(before(item) + field(item).name.node.len()));
        let ty = |item: &T| Some(field(item)).filter(|field| field.from.is_some()).map(|f| self.ty(f).len());
        let ty = self.columns(items, extent, ty);
        name.into_iter().zip(ty).map(|(name, ty)| Widths { name, ty }).collect()
    }

    /// A type as written, and its `?`.
    fn ty(&self, field: &Field) -> String {
        let ty = self.source.written(field.ty.span);
        if field.optional { ty + "?" } else { ty }
    }

    /// `NAME TYPE [from "…"]`
    fn field(&mut self, written: &str, name: &Name, field: &Field, widths: Widths) -> Doc {
        let comments = self.source.comments_before_name(name.span.start);
        let name = Doc::text(written);
        let ty = self.ty(field);
        let mut docs = vec![comments, name, padding(written.len(), widths.name), Doc::Space, Doc::text(&ty)];
        if let Some(from) = &field.from {
            let padding = padding(ty.len(), widths.ty);
            docs.extend([padding, Doc::Space, Doc::text("from"), Doc::Space, self.written(from)]);
        }
        Doc::All(docs)
    }

    fn list_declaration(&mut self, list: &List) -> Doc {
        let docs = vec![
            Doc::text("list"),
            Doc::Space,
            self.name(&list.name),
            Doc::Space,
            self.written(&list.ty),
            Doc::Space,
            Doc::text("from"),
            Doc::Space,
            self.written(&list.file),
        ];
        Doc::hang(docs)
    }

    fn table(&mut self, table: &Table) -> Doc {
        let mut head = vec![Doc::text("table"), Doc::Space, self.name(&table.name), Doc::Space];
        head.extend([Doc::text("from"), Doc::Space, self.written(&table.file), Doc::Space]);
        let close = self.source.next_symbol(table.file.span.end, "}");
        let key = |column: &Column| if column.key { "key ".len() } else { 0 };
        let widths = self.widths(&table.columns, column_extent, |column| &column.field, key);
        let columns = self.block(&table.columns, column_extent, close, |this, column, index| {
            let name = &column.field.name;
            let written = if column.key { format!("key {}", name.node) } else { name.node.clone() };
            this.field(&written, name, &column.field, widths[index])
        });
        Doc::All(vec![Doc::hang(head), columns])
    }

    fn let_(&mut self, let_: &Let) -> Doc {
        let head = [Doc::text("let"), Doc::Space, self.name(&let_.name), Doc::Space, Doc::text("=")];
        self.defined(head, &let_.value)
    }

    fn def(&mut self, def: &Def) -> Doc {
        let name = self.name(&def.name);
        let mut parameters = Vec::new();
        for parameter in &def.parameters {
            if !parameters.is_empty() {
                parameters.push(Doc::text(","));
                parameters.push(self.source.comments(parameter.name.span.start));
                parameters.push(Doc::Line);
            }
            parameters.extend([self.name(&parameter.name), Doc::Space, self.written(&parameter.ty)]);
        }
        let parameters = Doc::group(vec![Doc::text("("), Doc::align(parameters), Doc::text(")")]);
        let head = [Doc::text("def"), Doc::Space, name, parameters, Doc::Space, Doc::text("=")];
        self.defined(head, &def.body)
    }

    fn defined<const N: usize>(&mut self, head: [Doc; N], value: &Expr) -> Doc {
        let value = self.value(value);
        Doc::hang(head.into_iter().chain([Doc::Space, value]).collect())
    }
}

/// Whether a declaration always stands apart.
fn has_braces(item: &Item) -> bool {
    match item {
        Item::Stream(stream) => matches!(stream.body, StreamBody::Fields(_)),
        Item::Table(_) | Item::Rule(_) | Item::Test(_) => true,
        Item::List(_) | Item::Let(_) | Item::Def(_) => false,
    }
}

fn field_extent(field: &Field) -> Extent {
    let end = field.from.as_ref().map_or(field.ty.span.end, |from| from.span.end);
    Extent { start: field.name.span.start, end }
}

fn column_extent(column: &Column) -> Extent {
    field_extent(&column.field)
}
