//! Streams: from the declaration to the schema.

use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::diagnostic::codes::{E0102, E0106, E0107, E0111, E0401, E0403};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, nearest};
use crate::event::{Duration, Field, FieldId, FieldType, StreamSchema, Type};
use crate::language::tree;

use super::scope::Reported;

/// Most fields of a stream.
pub const MAX_FIELDS: usize = 1_000;

/// The schema of a stream with declared fields.
pub(super) fn schema(
    stream: &tree::Stream,
    unread: &Reported<'_>,
    diagnostics: &mut Diagnostics,
) -> StreamSchema {
    let declared: &[tree::Field] = match &stream.body {
        tree::StreamBody::Fields(fields) => fields,
        tree::StreamBody::Rule(_) => &[],
    };
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    let mut fields = Vec::new();
    for field in declared.iter().filter(|field| !unread.is_no_type(&field.ty)) {
        if let Some(first) = seen.get(field.name.node.as_str()) {
            diagnostics.push(
                Diagnostic::new(
                    E0106,
                    field.name.span,
                    format!("the field `{}` is declared twice", field.name.node),
                )
                .label("declared again here")
                .also(*first, "first declared here")
                .help("give one of them another name; `from \"…\"` says where it comes from"),
            );
            continue;
        }
        seen.insert(&field.name.node, field.name.span);
        let path = field.from.as_ref().map_or(field.name.node.as_str(), |from| from.node.as_str());
        let path: Vec<CompactString> = path.split('.').map(CompactString::new).collect();
        if path.iter().any(|name| name.is_empty()) {
            let span = field.from.as_ref().map_or(field.name.span, |from| from.span);
            diagnostics.push(
                Diagnostic::new(E0111, span, "a path consists of names with dots between them")
                    .help("for example `from \"client.device.id\"`"),
            );
        }
        fields.push(Field {
            name: CompactString::new(&field.name.node),
            ty: field.ty.node,
            optional: field.optional,
            path,
        });
    }
    if fields.len() > MAX_FIELDS {
        diagnostics.push(
            Diagnostic::new(
                E0403,
                stream.name.span,
                format!(
                    "`{}` has {} fields; at most {MAX_FIELDS} are possible",
                    stream.name.node,
                    fields.len()
                ),
            )
            .help("declare only the fields that rules use; others are kept in the raw event"),
        );
        fields.truncate(MAX_FIELDS);
    }
    if let Some(time) = declared.iter().find(|field| field.name.node == "time") {
        let is_time_field =
            matches!(&stream.time, Some(tree::TimeClause::Field(name)) if name.node == "time");
        if !is_time_field {
            let message = "`time` always means the event time, so this field could not be used";
            diagnostics.push(Diagnostic::new(E0107, time.name.span, message).help(format!(
                "make it the event time, `stream {} time time`, or give it another name: `sent_at {} from \"time\"`",
                stream.name.node,
                time.ty.node.value_type()
            )));
        }
    }
    let time = time_field(stream, declared, &fields, unread, diagnostics);
    StreamSchema {
        name: CompactString::new(&stream.name.node),
        time,
        fields,
        late: stream.late.as_ref().map_or(Duration::ZERO, |late| late.node),
        idle: stream.idle.as_ref().map(|idle| idle.node),
        alerts_of: None,
    }
}

fn time_field(
    stream: &tree::Stream,
    declared: &[tree::Field],
    fields: &[Field],
    unread: &Reported<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<FieldId> {
    let Some(tree::TimeClause::Field(name)) = &stream.time else { return None };
    let Some(index) = fields.iter().position(|field| field.name == name.node.as_str()) else {
        let is_declared = declared.iter().any(|field| field.name.node == name.node);
        if !is_declared && !unread.contains(&name.node) {
            diagnostics.push(no_time_field(stream, name, fields));
        }
        return None;
    };
    let field = &fields[index];
    let ty = declared.iter().find(|declared| declared.name.node == name.node).map(|declared| &declared.ty);
    let wrong = |message: String| {
        let diagnostic = Diagnostic::new(E0401, name.span, message);
        match ty {
            Some(ty) => diagnostic.also(ty.span, "declared here"),
            None => diagnostic,
        }
    };
    if !matches!(field.ty, FieldType::Timestamp(_)) {
        let ty = field.ty.value_type();
        let message = format!("the event time must be a timestamp, but `{}` is `{ty}`", field.name);
        diagnostics.push(wrong(message).help(match ty {
            Type::Int | Type::Float => {
                format!(
                    "declare it as `{0} timestamp(ms)` or `{0} timestamp(s)`: numbers since 1970",
                    field.name
                )
            }
            _ => format!("declare it as `{} timestamp`", field.name),
        }));
    } else if field.optional {
        let message = format!("the event time `{}` may not be optional", field.name);
        diagnostics.push(
            wrong(message).help("without a time an event has no place in the order; take the `?` away"),
        );
    }
    Some(FieldId(index as u32))
}

fn no_time_field(stream: &tree::Stream, name: &tree::Name, fields: &[Field]) -> Diagnostic {
    let message = format!("`{}` has no field `{}` to take its event time from", stream.name.node, name.node);
    let diagnostic = Diagnostic::new(E0102, name.span, message);
    if name.node == "late" || name.node == "idle" {
        let help = format!("name the field before it: `time at {} …`, or write `time arrival`", name.node);
        return diagnostic.help(help);
    }
    match nearest(&name.node, fields.iter().map(|field| field.name.as_str())) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help(format!(
            "declare the field, for example `{} timestamp(ms)`, or write `time arrival`",
            name.node
        )),
    }
}
