//! Names that mean nothing where they stand: what to tell about them.
//!
//! Enters: a name that was not found. Leaves: a diagnostic that says what the author probably meant,
//! or nothing when the name is missing because of a mistake that has been reported.

use crate::diagnostic::codes::{E0102, E0103, E0104, E0105, E0211, E0213};
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::event::StreamId;
use crate::expression::{Aggregate, functions};
use crate::language::tree;

use super::expression::{Checker, KeyName, Place};
use super::lookup;
use super::scope::{is_function, listed};

/// What other languages call some functions.
const OTHER_NAMES: [(&str, &str); 16] = [
    ("average", "avg"),
    ("ceiling", "ceil"),
    ("concat", "+"),
    ("day_of_week", "weekday"),
    ("distance", "distance_km"),
    ("distinct", "count_distinct"),
    ("ifnull", "coalesce"),
    ("isnull", "is missing"),
    ("len", "length"),
    ("log", "ln"),
    ("lowercase", "lower"),
    ("mean", "avg"),
    ("startswith", "starts_with"),
    ("endswith", "ends_with"),
    ("std", "stddev"),
    ("uppercase", "upper"),
];

impl<'g, 't> Checker<'g, 't> {
    /// A bare name that is neither a field, nor a part of the key, nor a constant.
    pub(super) fn unknown_name(&self, name: &str, span: Span) -> Option<Diagnostic> {
        if self.globals.reported.contains(name) {
            return None;
        }
        if self.visible.is_variable(name) {
            let stream = self.visible.find(name).and_then(|seen| seen.stream);
            let field = stream.map_or("…", |stream| self.globals.example_field(stream));
            return Some(
                Diagnostic::new(E0213, span, format!("`{name}` is a captured event, not a value"))
                    .help(format!("read one of its fields, such as `{name}.{field}`, or `count({name})`")),
            );
        }
        if let Some((_, spec)) = self.globals.tables.find(name) {
            return Some(lookup::as_value(spec, span));
        }
        if is_function(name) || self.globals.definitions.contains_key(name) {
            let message = format!("`{name}` is a function, and needs values in parentheses");
            return Some(Diagnostic::new(E0213, span, message).help(format!("write `{name}(…)`")));
        }
        match self.place {
            Place::Condition { stream, .. } | Place::Past { stream, .. }
                if self.globals.is_unread_field(stream, name) =>
            {
                None
            }
            Place::Condition { stream, .. } => Some(self.unknown_in_condition(name, span, stream)),
            Place::Past { stream, current } => Some(self.unknown_in_past(name, span, stream, current)),
            Place::Alert { key } => self.unknown_in_alert(name, span, key?),
            Place::Constant => Some(self.unknown_in_constant(name, span)),
        }
    }

    fn constants(&self) -> impl Iterator<Item = &str> {
        self.globals.constants.keys().copied()
    }

    fn unknown_in_condition(&self, name: &str, span: Span, stream: StreamId) -> Diagnostic {
        let schema = self.globals.schema(stream);
        let fields = || schema.fields.iter().map(|field| field.name.as_str());
        let diagnostic = Diagnostic::new(E0102, span, format!("`{}` has no field `{name}`", schema.name));
        if let Some(near) = nearest(name, self.constants().chain(fields()).chain(["time"])) {
            return diagnostic.help(format!("did you mean `{near}`?"));
        }
        match self.captured_field_called(name) {
            Some((variable, read)) => {
                diagnostic.help(format!("a field of what was captured as `{variable}` is written `{read}`"))
            }
            None => diagnostic.help(format!("its fields are {}", listed(fields()))),
        }
    }

    fn unknown_in_past(
        &self,
        name: &str,
        span: Span,
        stream: StreamId,
        current: Option<StreamId>,
    ) -> Diagnostic {
        let has_field = |stream: StreamId| self.globals.schema(stream).field(name).is_some();
        if !current.is_some_and(has_field) {
            return self.unknown_in_condition(name, span, stream);
        }
        let message =
            format!("`{}`, whose past this is, has no field `{name}`", self.globals.schema(stream).name);
        Diagnostic::new(E0102, span, message)
            .help(format!("a field of the current event is written `this.{name}`"))
    }

    fn unknown_in_alert(&self, name: &str, span: Span, key: &[KeyName]) -> Option<Diagnostic> {
        let message = format!("`{name}` is neither a part of the key nor a constant");
        let diagnostic = Diagnostic::new(E0104, span, message);
        if let Some(part) = key.iter().find(|part| part.others.iter().any(|other| other == name)) {
            let help =
                format!("this part of the key is called `{}`, as in the first stream of `by`", part.name);
            return Some(diagnostic.help(help));
        }
        if let Some((variable, read)) = self.captured_field_called(name) {
            let help = format!("a field of what was captured as `{variable}` is written `{read}`");
            return Some(diagnostic.help(help));
        }
        if self.visible.is_incomplete {
            return None;
        }
        let parts = key.iter().map(|part| part.name.as_str());
        Some(match nearest(name, self.constants().chain(parts)) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic
                .help("a field of a captured event is written with its name before it: `name.field`"),
        })
    }

    fn unknown_in_constant(&self, name: &str, span: Span) -> Diagnostic {
        let parameters = || self.parameters.iter().map(|(parameter, _)| *parameter);
        let message = format!("there is no constant or parameter `{name}`");
        let diagnostic = Diagnostic::new(E0104, span, message);
        if name == "time" {
            return diagnostic
                .help("`let` and `def` see no event: `time` is handed to a `def` as an argument, such as `at_night(time)`");
        }
        match nearest(name, self.constants().chain(parameters())) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help(
                "`let` and `def` see no event: a field is handed to a `def` as an argument, such as `ratio(amount, 100)`",
            ),
        }
    }

    /// The first captured variable with a field of that name, and how the field is read from here.
    fn captured_field_called(&self, name: &str) -> Option<(&'g str, String)> {
        self.visible.names().find_map(|variable| {
            let seen = self.visible.find(variable)?;
            self.globals.schema(seen.stream?).field(name)?;
            let read =
                if seen.repeated { format!("last({variable}).{name}") } else { format!("{variable}.{name}") };
            Some((variable, read))
        })
    }

    /// A name before a point, or in an aggregate, that the pattern does not capture. `field` is what
    /// was wanted of it.
    pub(super) fn unknown_variable(&self, name: &str, span: Span, field: Option<&str>) -> Option<Diagnostic> {
        if self.visible.is_later(name) {
            return Some(self.captured_later(name, span));
        }
        if self.visible.is_incomplete || self.globals.reported.contains(name) {
            return None;
        }
        if let Some((_, spec)) = self.globals.tables.find(name) {
            return Some(lookup::as_value(spec, span));
        }
        let diagnostic = |message: String| Some(Diagnostic::new(E0103, span, message));
        if self.visible.defined.iter().any(|event| event.name.node == name) {
            return Some(
                diagnostic(format!("the pattern does not capture `{name}`"))?
                    .help("only a step captures events; what stands behind `not` or `until` is not kept"),
            );
        }
        if let Some(near) = nearest(name, self.visible.names()) {
            return Some(
                diagnostic(format!("the pattern captures nothing as `{name}`"))?
                    .help(format!("did you mean `{near}`?")),
            );
        }
        if let Some(stream) = self.globals.stream(name) {
            let found =
                diagnostic(format!("`{name}` is a stream, and the pattern captures nothing by that name"))?;
            let help = self.instead_of_stream(stream, field).unwrap_or_else(|| {
                format!("an aggregate over its past says how far back: `count({name}) over 10m`")
            });
            return Some(found.help(help));
        }
        let found = diagnostic(format!("the pattern captures nothing as `{name}`"))?;
        let names: Vec<&str> = self.visible.names().collect();
        Some(match names.is_empty() {
            true => found,
            false => found.help(format!("what can be used here: {}", listed(names))),
        })
    }

    fn captured_later(&self, name: &str, span: Span) -> Diagnostic {
        let diagnostic = Diagnostic::new(E0211, span, format!("`{name}` stands later in the pattern"))
            .label("nothing has been captured as this yet")
            .help(format!(
                "a condition may use what stands before it in the pattern; put the comparison into the condition of `{name}`"
            ));
        match self.place {
            Place::Condition { tested, .. } => diagnostic.also(tested, "looked for here, before it"),
            _ => diagnostic,
        }
    }

    /// What to write in place of the name of a stream.
    fn instead_of_stream(&self, stream: StreamId, field: Option<&str>) -> Option<String> {
        let field = field.unwrap_or("field");
        if matches!(self.place, Place::Condition { stream: own, .. } if own == stream) {
            return Some(format!(
                "inside `where`, a field of the event being tested stands alone: `{field}`"
            ));
        }
        let seen = self
            .visible
            .names()
            .find_map(|name| self.visible.find(name).filter(|seen| seen.stream == Some(stream)))?;
        Some(format!("its events are captured as `{0}` here: write `{0}.{field}`", seen.name))
    }

    /// A function that does not exist.
    pub(super) fn unknown_function(&self, function: &tree::Name) -> Option<Diagnostic> {
        let name = function.node.as_str();
        if self.globals.reported.contains(name) {
            return None;
        }
        let diagnostic = Diagnostic::new(E0105, function.span, format!("there is no function `{name}`"));
        let other = OTHER_NAMES.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        let known = functions::ALL
            .iter()
            .map(|function| function.name)
            .chain(Aggregate::FUNCTIONS.iter().map(|(name, _)| *name))
            .chain(["if", "coalesce", "first", "last"])
            .chain(self.globals.definitions.keys().copied());
        Some(match other.map(|(_, meant)| *meant).or_else(|| nearest(name, known)) {
            Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
            None => diagnostic.help(format!("define it: `def {name}(x float) = …`")),
        })
    }
}
