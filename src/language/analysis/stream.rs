//! Streams: from the declaration to the schema.

use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::diagnostic::codes::{E0102, E0106, E0107, E0401, E0403};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, nearest};
use crate::event::{Duration, Field, FieldId, FieldType, StreamSchema};
use crate::language::tree;

/// Most fields of a stream.
pub const MAX_FIELDS: usize = 1_000;

/// The schema of a stream with declared fields.
pub(super) fn schema(stream: &tree::Stream, diagnostics: &mut Diagnostics) -> StreamSchema {
    let declared: &[tree::Field] = match &stream.body {
        tree::StreamBody::Fields(fields) => fields,
        tree::StreamBody::Rule(_) => &[],
    };
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    let mut fields = Vec::new();
    for field in declared {
        if let Some(first) = seen.get(field.name.node.as_str()) {
            diagnostics.push(
                Diagnostic::new(
                    E0106,
                    field.name.span,
                    format!("the field `{}` is declared twice", field.name.node),
                )
                .label("declared again here")
                .also(*first, "first declared here"),
            );
            continue;
        }
        seen.insert(&field.name.node, field.name.span);
        let path = field.from.as_ref().map_or(field.name.node.as_str(), |from| from.node.as_str());
        let path: Vec<CompactString> = path.split('.').map(CompactString::new).collect();
        if path.iter().any(|name| name.is_empty()) {
            let span = field.from.as_ref().map_or(field.name.span, |from| from.span);
            diagnostics.push(
                Diagnostic::new(E0102, span, "a path is names with dots between them")
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
    }
    if let Some(time) = fields.iter().position(|field| field.name == "time") {
        let is_time_field =
            matches!(&stream.time, Some(tree::TimeClause::Field(name)) if name.node == "time");
        if !is_time_field {
            let span = declared[time].name.span;
            diagnostics.push(
                Diagnostic::new(
                    E0107,
                    span,
                    "`time` always means the event time, so this field could not be used",
                )
                .help("give it another name: `sent_at timestamp from \"time\"`"),
            );
        }
    }
    let time = time_field(stream, &fields, diagnostics);
    StreamSchema {
        name: CompactString::new(&stream.name.node),
        time,
        fields,
        late: stream.late.as_ref().map_or(Duration::ZERO, |late| late.node),
        idle: stream.idle.as_ref().map(|idle| idle.node),
    }
}

fn time_field(stream: &tree::Stream, fields: &[Field], diagnostics: &mut Diagnostics) -> Option<FieldId> {
    let Some(tree::TimeClause::Field(name)) = &stream.time else { return None };
    let Some(index) = fields.iter().position(|field| field.name == name.node.as_str()) else {
        let message =
            format!("`{}` has no field `{}` to take its event time from", stream.name.node, name.node);
        let mut diagnostic = Diagnostic::new(E0102, name.span, message);
        if let Some(near) = nearest(&name.node, fields.iter().map(|field| field.name.as_str())) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        diagnostics.push(diagnostic.help(format!(
            "declare the field, for example `{} timestamp(ms)`, or write `time arrival`",
            name.node
        )));
        return None;
    };
    let field = &fields[index];
    if !matches!(field.ty, FieldType::Timestamp(_)) {
        diagnostics.push(
            Diagnostic::new(
                E0401,
                name.span,
                format!(
                    "the event time must be a timestamp, but `{}` is {}",
                    field.name,
                    field.ty.value_type()
                ),
            )
            .help(format!(
                "declare it as `{} timestamp` or, for numbers, `{} timestamp(ms)`",
                field.name, field.name
            )),
        );
    } else if field.optional {
        diagnostics.push(
            Diagnostic::new(E0401, name.span, format!("the event time `{}` may not be optional", field.name))
                .help("without a time an event has no place in the order; take the `?` away"),
        );
    }
    Some(FieldId(index as u32))
}
