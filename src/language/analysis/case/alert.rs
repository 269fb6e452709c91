//! The places of an alert that an expectation names, and what may stand there.

use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::alert::{AlertKind, Severity};
use crate::diagnostic::codes::{E0106, E0404, E0445};
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::event::{FieldType, StreamId, Timestamp, Type, Value};
use crate::language::case::{Member, Place, WantedField};
use crate::language::checked::{Rule, Variable};
use crate::language::tree::{Expr, PathPart, Spanned};

use super::super::scope::listed;
use super::CaseChecker;

/// The names of the fields that an alert about a limit has.
const LIMIT_FIELDS: [&str; 2] = ["limit", "bound"];

/// The names of the fields that an alert of that kind has.
pub(super) fn field_names(rule: &Rule, kind: AlertKind) -> impl Iterator<Item = &str> {
    let spec = match kind {
        AlertKind::Match => Some(&rule.alert),
        AlertKind::Timeout => rule.timeout.as_ref().map(|timeout| &timeout.alert),
        AlertKind::Limit => None,
    };
    let limit = if kind == AlertKind::Limit { &LIMIT_FIELDS[..] } else { &[] };
    let fields = spec.map_or(&[][..], |spec| &spec.fields);
    fields.iter().map(|field| field.name.as_str()).chain(limit.iter().copied())
}

/// Checks what is expected of an alert.
pub(super) struct AlertChecker<'a, 'c, 'g, 't> {
    rule: &'a Rule,
    kind: AlertKind,
    base: Timestamp,
    /// The paths, with where each stands first.
    seen: BTreeMap<String, Span>,
    case: &'a mut CaseChecker<'c, 'g, 't>,
}

impl<'a, 'c, 'g, 't> AlertChecker<'a, 'c, 'g, 't> {
    /// Of an alert of that rule and kind, in a test that begins at `base`.
    pub fn new(
        rule: &'a Rule,
        kind: AlertKind,
        base: Timestamp,
        case: &'a mut CaseChecker<'c, 'g, 't>,
    ) -> AlertChecker<'a, 'c, 'g, 't> {
        AlertChecker { rule, kind, base, seen: BTreeMap::new(), case }
    }

    /// What must stand at a path; `None` when something is wrong, which has been reported.
    pub fn field(&mut self, path: &Spanned<Vec<PathPart>>, written_value: &'t Expr) -> Option<WantedField> {
        let text = written(&path.node);
        if let Some(first) = self.seen.insert(text.clone(), path.span) {
            self.report(
                Diagnostic::new(E0106, path.span, format!("`{text}` is given twice"))
                    .also(first, "first given here")
                    .help("keep one of the two; two alerts are two lines `expect`"),
            );
            return None;
        }
        let Some(place) = self.place(path) else {
            // What else is wrong with the line shows as well.
            self.case.constant(written_value);
            return None;
        };
        let value = self.value(&place, &text, written_value)?;
        Some(WantedField { span: path.span.to(written_value.span), path: text, place, value })
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.case.diagnostics.push(diagnostic);
    }

    /// The place that a path leads to; one that leads nowhere is reported.
    fn place(&mut self, path: &Spanned<Vec<PathPart>>) -> Option<Place> {
        use PathPart::Name as N;
        match path.node.as_slice() {
            [N(name)] => self.bare(name, path.span),
            [N(first), N(name)] if first == "key" => {
                let place = self.key(name);
                self.known(place, path.span, name, "part of the key", |rule, _| {
                    rule.key.names.iter().map(ToString::to_string).collect()
                })
            }
            [N(first), N(name)] if first == "fields" => {
                let place = self.alert_field(name);
                self.known(place, path.span, name, "field", |rule, kind| {
                    field_names(rule, kind).map(str::to_owned).collect()
                })
            }
            [N(first), N(name)] if first == "tables" => {
                let tables = &self.case.sight.globals.tables;
                let read: Vec<&str> = self.rule.tables.iter().map(|table| tables.name(*table)).collect();
                let place = read.contains(&name.as_str()).then(|| Place::Table(CompactString::new(name)));
                self.known(place, path.span, name, "list or table", |_, _| {
                    read.iter().map(|name| (*name).to_owned()).collect()
                })
            }
            [N(first), rest @ ..] if first == "events" => self.captured(rest, path.span),
            [first, ..] => {
                let first = written(std::slice::from_ref(first));
                let message = format!("nothing stands at `{}` in an alert", written(&path.node));
                let diagnostic = Diagnostic::new(E0445, path.span, message);
                let is_variable = self.rule.variables.iter().any(|variable| variable.name == first);
                self.report(if is_variable {
                    diagnostic.help(format!("a captured event is found under `events.{first}`"))
                } else {
                    diagnostic.help(
                        "a path begins with `events.`, `key.`, `fields.` or `tables.`, or is a single name",
                    )
                });
                None
            }
            [] => None,
        }
    }

    fn key(&self, name: &str) -> Option<Place> {
        let is_key = self.rule.key.names.iter().any(|part| part == name);
        is_key.then(|| Place::Key(CompactString::new(name)))
    }

    fn alert_field(&self, name: &str) -> Option<Place> {
        let is_field = field_names(self.rule, self.kind).any(|field| field == name);
        is_field.then(|| Place::Field(CompactString::new(name)))
    }

    /// A name alone: a part of the key, else a field, else what every alert has.
    fn bare(&mut self, name: &str, span: Span) -> Option<Place> {
        let member = || Member::ALL.iter().find(|(member, _)| *member == name);
        let place = self
            .key(name)
            .or_else(|| self.alert_field(name))
            .or_else(|| member().map(|(_, member)| Place::Member(*member)));
        self.known(place, span, name, "field", |rule, kind| {
            let members = Member::ALL.iter().map(|(name, _)| *name);
            let own = rule.key.names.iter().map(|part| part.as_str()).chain(field_names(rule, kind));
            own.chain(members).map(str::to_owned).collect()
        })
    }

    /// The place, if there is one; otherwise what may be meant is reported.
    fn known(
        &mut self,
        place: Option<Place>,
        span: Span,
        name: &str,
        what: &str,
        names: impl Fn(&Rule, AlertKind) -> Vec<String>,
    ) -> Option<Place> {
        if place.is_some() {
            return place;
        }
        let known = names(self.rule, self.kind);
        let alert = match self.kind {
            AlertKind::Match => "an alert",
            AlertKind::Timeout => "a time-out",
            AlertKind::Limit => "an alert about a limit",
        };
        let message = format!("{alert} of `{}` has no {what} `{name}`", self.rule.name);
        let diagnostic = Diagnostic::new(E0445, span, message);
        let known = || known.iter().map(String::as_str);
        self.report(match nearest(name, known()) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None if known().next().is_none() => diagnostic.help("it has none"),
            None => diagnostic.help(format!("it has {}", listed(known()))),
        });
        None
    }

    /// `events.VARIABLE[INDEX].PATH`, without `events`.
    fn captured(&mut self, path: &[PathPart], span: Span) -> Option<Place> {
        let (Some(PathPart::Name(name)), rest) = (path.first(), path.get(1..).unwrap_or_default()) else {
            let names = listed(self.rule.variables.iter().map(|variable| variable.name.as_str()));
            let help = format!("name what was captured, such as `events.v.field`: the rule captures {names}");
            self.report(Diagnostic::new(E0445, span, "this path ends too early").help(help));
            return None;
        };
        let find = |variable: &&Variable| variable.name == name.as_str();
        let rule = self.rule;
        let Some(variable) = rule.variables.iter().find(find) else {
            let known = || rule.variables.iter().map(|variable| variable.name.as_str());
            let message = format!("`{}` captures nothing as `{name}`", rule.name);
            let diagnostic = Diagnostic::new(E0445, span, message);
            self.report(match nearest(name, known()) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic.help(format!("it captures {}", listed(known()))),
            });
            return None;
        };
        let (index, rest) = match rest {
            [PathPart::Index(index), rest @ ..] => (Some(*index), rest),
            rest => (None, rest),
        };
        if index.is_some_and(|index| index > 0) && !variable.repeated {
            let message = format!("`{name}` captures one event at most");
            self.report(Diagnostic::new(E0445, span, message).help(format!("write `events.{name}`")));
            return None;
        }
        let stream = variable.stream;
        let names: Option<Vec<&str>> = rest
            .iter()
            .map(|part| match part {
                PathPart::Name(name) => Some(name.as_str()),
                PathPart::Index(_) => None,
            })
            .collect();
        let schema = self.case.sight.globals.schema(stream);
        let found = names.and_then(|names| schema.fields.iter().position(|field| field.path == names));
        match found {
            Some(field) => {
                let field = crate::event::FieldId(field as u32);
                Some(Place::Event { variable: variable.name.clone(), index, field })
            }
            None => {
                self.unknown_record_path(name, stream, rest, span);
                None
            }
        }
    }

    fn unknown_record_path(&mut self, variable: &str, stream: StreamId, rest: &[PathPart], span: Span) {
        let schema = self.case.sight.globals.schema(stream);
        let wanted = written(rest);
        if self.case.sight.globals.is_unread_field(stream, &wanted) {
            return;
        }
        let paths: Vec<String> = schema.fields.iter().map(|field| field.path.join(".")).collect();
        let known = || paths.iter().map(String::as_str);
        let diagnostic = match rest {
            [] => Diagnostic::new(E0445, span, "this path ends too early"),
            _ => {
                let message = format!("`{}` reads nothing at `{wanted}` of its records", schema.name);
                Diagnostic::new(E0445, span, message)
            }
        };
        let field = schema.field(&wanted).map(|(_, field)| field.path.join("."));
        self.report(match (field, nearest(&wanted, known())) {
            (Some(path), _) => diagnostic
                .help(format!("events stand in alerts as they came in: write `events.{variable}.{path}`")),
            (None, Some(near)) => diagnostic.help(format!("did you mean `{near}`?")),
            (None, None) => diagnostic.help(format!("it reads {}", listed(known()))),
        });
    }

    /// The value that is expected at a place; one that can never stand there is reported.
    fn value(&mut self, place: &Place, text: &str, value: &'t Expr) -> Option<Value> {
        let what = format!("`{text}`");
        let base = self.base;
        match place {
            Place::Member(Member::Severity) => {
                let found = self.case.value(value, &what, FieldType::Str, false, base)?;
                let known = Severity::ALL.map(Severity::name);
                if !known.iter().any(|name| found == Value::text(name)) {
                    let message = format!("there is no severity `{found}`");
                    let diagnostic = Diagnostic::new(E0404, value.span, message);
                    self.report(match nearest(&found.to_string(), known) {
                        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                        None => diagnostic.help(format!("it is one of {}", listed(known))),
                    });
                    return None;
                }
                Some(found)
            }
            Place::Member(member) => self.case.value(value, &what, member_type(*member), false, base),
            Place::Table(_) => self.case.value(value, &what, FieldType::Str, false, base),
            Place::Key(name) => {
                let ty = self.key_type(name);
                self.case.value(value, &what, ty, false, base)
            }
            Place::Field(name) => match self.field_type(name) {
                Some(ty) => self.case.value(value, &what, ty, true, base),
                None => self.case.constant(value),
            },
            Place::Event { variable, field, .. } => {
                let stream = self.rule.variables.iter().find(|known| known.name == *variable)?.stream;
                let field = &self.case.sight.globals.schema(stream).fields[field.0 as usize];
                self.case.value(value, &what, field.ty, field.optional, base)
            }
        }
    }

    /// The type of a field of the alert; `None` for one that is always null.
    fn field_type(&self, name: &str) -> Option<FieldType> {
        let spec = match self.kind {
            AlertKind::Match => &self.rule.alert,
            AlertKind::Timeout => &self.rule.timeout.as_ref()?.alert,
            AlertKind::Limit => return FieldType::of(if name == "limit" { Type::Str } else { Type::Int }),
        };
        let field = spec.fields.iter().find(|field| field.name == name)?;
        FieldType::of(field.ty)
    }

    fn key_type(&self, name: &str) -> FieldType {
        let key = &self.rule.key;
        let part = key.names.iter().position(|part| part == name).expect("the place is a part of the key");
        let (stream, fields) = key.fields.iter().next().expect("a rule reads a stream");
        match self.case.sight.globals.schema(*stream).fields[fields[part].0 as usize].ty {
            // A key holds times, whatever number or text the record held.
            FieldType::Timestamp(_) => FieldType::Timestamp(None),
            ty => ty,
        }
    }
}

fn member_type(member: Member) -> FieldType {
    match member {
        Member::FirstTime | Member::LastTime | Member::DecidedTime => FieldType::Timestamp(None),
        Member::Suppressed => FieldType::Int,
        _ => FieldType::Str,
    }
}

/// A path as it is written.
fn written(path: &[PathPart]) -> String {
    let mut text = String::new();
    for part in path {
        match part {
            PathPart::Name(name) if text.is_empty() => text.push_str(name),
            PathPart::Name(name) => text.extend([".", name]),
            PathPart::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}
