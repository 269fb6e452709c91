//! `at 90s STREAM { field: value, … }`

use std::collections::BTreeMap;

use crate::diagnostic::codes::{E0106, E0440, E0441, E0442, E0449};
use crate::diagnostic::{Diagnostic, Span};
use crate::event::{Duration, FieldId, StreamId, Timestamp, Value};
use crate::language::case::Given;
use crate::language::tree::{Expr, Name, Spanned};

use super::super::scope::listed;
use super::CaseChecker;

impl<'t> CaseChecker<'_, '_, 't> {
    /// The event of a line; `None` when something is wrong, which has been reported.
    pub(super) fn event(
        &mut self,
        at: &Spanned<Duration>,
        stream: &'t Name,
        fields: &'t [(Name, Expr)],
        base: Option<Timestamp>,
    ) -> Option<Given> {
        if let Some(rule) = self.sight.derived.get(stream.node.as_str()) {
            let message = format!("`{}` is made of the alerts of `{rule}`", stream.node);
            let help = format!("write the events that make `{rule}` report");
            self.diagnostics.push(Diagnostic::new(E0442, stream.span, message).help(help));
            return None;
        }
        if let Some(diagnostic) = self.sight.globals.unknown_stream(stream) {
            self.diagnostics.push(diagnostic);
        }
        let id = self.sight.globals.stream(&stream.node)?;
        let base_or_default = base.unwrap_or_default();
        let mut given: Vec<(FieldId, Value)> = Vec::new();
        let mut places: BTreeMap<FieldId, Span> = BTreeMap::new();
        let mut sound = true;
        for (name, value) in fields {
            match self.field(id, name, value, base_or_default, &mut places) {
                Some(field) => given.push(field),
                None => sound = false,
            }
        }
        sound &= self.nothing_is_missing(id, stream, &places);
        sound &= self.places_differ(id, &given, &places);
        let time = self.time(base_or_default, at.node, at.span);
        let span = at.span.to(stream.span);
        (sound && base.is_some()).then_some(())?;
        Some(Given { span, stream: id, time: time?, fields: given, record: None })
    }

    fn field(
        &mut self,
        stream: StreamId,
        name: &'t Name,
        value: &'t Expr,
        base: Timestamp,
        places: &mut BTreeMap<FieldId, Span>,
    ) -> Option<(FieldId, Value)> {
        let globals = self.sight.globals;
        let schema = globals.schema(stream);
        let Some((id, field)) = schema.field(&name.node) else {
            let message = format!("`{}` has no field `{}`", schema.name, name.node);
            self.diagnostics_of(globals.unknown_field(stream, &name.node, name.span, message));
            self.constant(value);
            return None;
        };
        if schema.time == Some(id) {
            let message = format!("`{}` is the event time, which `at` gives", name.node);
            self.diagnostics.push(Diagnostic::new(E0441, name.span, message).help("take the field out"));
            return None;
        }
        if let Some(first) = places.insert(id, name.span) {
            self.diagnostics.push(
                Diagnostic::new(E0106, name.span, format!("the field `{}` is given twice", name.node))
                    .also(first, "first given here")
                    .help("keep one of the two"),
            );
            return None;
        }
        let what = format!("`{}`", name.node);
        self.value(value, &what, field.ty, field.optional, base).map(|value| (id, value))
    }

    fn diagnostics_of(&mut self, diagnostic: Option<Diagnostic>) {
        diagnostic.into_iter().for_each(|diagnostic| self.diagnostics.push(diagnostic));
    }

    /// Whether every field is there that may not be missing; reports those that are not.
    fn nothing_is_missing(&mut self, id: StreamId, stream: &Name, places: &BTreeMap<FieldId, Span>) -> bool {
        let schema = self.sight.globals.schema(id);
        // A field that reads the same place of the record as one that is given has a value as well.
        let is_given = |path: &[compact_str::CompactString]| {
            places.keys().chain(&schema.time).any(|given| schema.fields[given.0 as usize].path == path)
        };
        let missing: Vec<&str> = schema
            .fields
            .iter()
            .filter(|field| !field.optional && !is_given(&field.path))
            .map(|field| field.name.as_str())
            .collect();
        let (Some(first), count) = (missing.first(), missing.len()) else { return true };
        let message = match count {
            1 => format!("the required field `{first}` is not given"),
            _ => format!("the required fields {} are not given", listed(missing.iter().copied())),
        };
        self.diagnostics.push(
            Diagnostic::new(E0440, stream.span, message)
                .help("an event without it would be malformed; fields with a `?` may be left out"),
        );
        false
    }

    /// Whether no value stands in the place of another in the record; reports two that do.
    fn places_differ(
        &mut self,
        stream: StreamId,
        given: &[(FieldId, Value)],
        places: &BTreeMap<FieldId, Span>,
    ) -> bool {
        let schema = self.sight.globals.schema(stream);
        let path = |id: &FieldId| schema.fields[id.0 as usize].path.as_slice();
        let time = schema.time.map(|time| (time, Value::Null));
        let mut by_path: Vec<&(FieldId, Value)> = given.iter().chain(&time).collect();
        by_path.sort_by_key(|(id, _)| path(id));
        let clash = by_path.windows(2).find(|pair| {
            let (one, other) = (pair[0], pair[1]);
            path(&other.0).starts_with(path(&one.0)) && !(path(&one.0) == path(&other.0) && one.1 == other.1)
        });
        let Some(clash) = clash else { return true };
        let name = |index: usize| &schema.fields[clash[index].0.0 as usize].name;
        let at = |index: usize| places.get(&clash[index].0).copied();
        let message = format!("`{}` and `{}` stand at one place of the record", name(0), name(1));
        let (Some(first), Some(second)) = (at(0).or(at(1)), at(1).or(at(0))) else { return true };
        let diagnostic = Diagnostic::new(E0449, second, message);
        let diagnostic = if first == second { diagnostic } else { diagnostic.also(first, "the other one") };
        self.diagnostics.push(diagnostic.help("give one of them: the stream reads both from there"));
        false
    }
}
