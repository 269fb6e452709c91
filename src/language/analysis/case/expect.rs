//! `expect RULE [× n] [timeout] { path: value, … }`, `expect nothing [else]`, `expect late n`

use std::collections::BTreeMap;
use std::sync::Arc;

use compact_str::CompactString;

use crate::alert::{AlertKind, Severity};
use crate::diagnostic::codes::{E0106, E0403, E0404, E0443, E0444, E0445, E0446, E0447};
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::event::{FieldType, StreamId, Timestamp, Type, Value};
use crate::language::case::{Expectation, ExpectationKind, Member, Place, Wanted, WantedField};
use crate::language::checked::{Mode, Rule, Variable};
use crate::language::tree::{Expr, Name, PathPart, Spanned, TestStepKind};

use super::super::scope::listed;
use super::CaseChecker;

/// Most alerts that one expectation may count.
const MAX_TIMES: i64 = 1_000_000;

/// The names of the fields that an alert about a limit has.
const LIMIT_FIELDS: [&str; 2] = ["limit", "bound"];

impl<'g, 't> CaseChecker<'_, 'g, 't> {
    /// The expectation of a line; `None` when something is wrong, which has been reported.
    pub(super) fn expectation(
        &mut self,
        kind: &'t TestStepKind,
        span: Span,
        base: Timestamp,
    ) -> Option<Expectation> {
        let head = match kind {
            TestStepKind::ExpectAlert { rule, .. } => Span { end: rule.span.end, ..span },
            _ => span,
        };
        let kind = match kind {
            TestStepKind::ExpectNothing => ExpectationKind::Nothing,
            TestStepKind::ExpectNothingElse => ExpectationKind::NothingElse,
            TestStepKind::ExpectLate(count) => match u64::try_from(count.node) {
                Ok(count) => ExpectationKind::Late(count),
                Err(_) => {
                    let message = "fewer than no events cannot come late";
                    self.diagnostics.push(Diagnostic::new(E0403, count.span, message));
                    return None;
                }
            },
            TestStepKind::ExpectAlert { rule, times, timeout, fields } => {
                ExpectationKind::Alert(self.wanted(rule, times.as_ref(), *timeout, fields, base)?)
            }
            TestStepKind::Event { .. } | TestStepKind::Restart | TestStepKind::Stop => return None,
        };
        Some(Expectation { span, head, kind })
    }

    fn wanted(
        &mut self,
        name: &'t Name,
        times: Option<&Spanned<i64>>,
        timeout: bool,
        fields: &'t [(Spanned<Vec<PathPart>>, Expr)],
        base: Timestamp,
    ) -> Option<Wanted> {
        let times = match times {
            None => Some(1),
            Some(times) => self.times(times),
        };
        let rule = self.rule(name)?;
        let kind = self.kind(rule, name, timeout, fields)?;
        let mut alert = AlertChecker { rule, kind, base, seen: BTreeMap::new(), case: self };
        let fields: Vec<Option<WantedField>> =
            fields.iter().map(|(path, value)| alert.field(path, value)).collect();
        let fields = fields.into_iter().collect::<Option<Vec<WantedField>>>()?;
        Some(Wanted { rule: Arc::clone(&rule.name), kind, times: times?, fields })
    }

    fn times(&mut self, times: &Spanned<i64>) -> Option<u64> {
        let fitting = (0..=MAX_TIMES).contains(&times.node);
        if !fitting {
            let message = format!("the number of alerts must be from 0 to {MAX_TIMES}");
            self.diagnostics.push(Diagnostic::new(E0403, times.span, message));
        }
        u64::try_from(times.node).ok().filter(|_| fitting)
    }

    /// The rule of that name, if it can report anything. What is wrong with it is reported.
    fn rule(&mut self, name: &Name) -> Option<&'g Rule> {
        let sight = self.sight;
        let found = sight.rules.binary_search_by(|rule| (*rule.name).cmp(&name.node)).ok();
        let Some(rule) = found.map(|index| &sight.rules[index]) else {
            let declared = || sight.declared.iter().map(|rule| rule.name.node.as_str());
            let is_known = declared().any(|declared| declared == name.node);
            if !is_known && !sight.globals.reported.contains(&name.node) {
                let message = format!("there is no rule `{}`", name.node);
                let diagnostic = Diagnostic::new(E0443, name.span, message);
                self.diagnostics.push(match nearest(&name.node, declared()) {
                    Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                    None if sight.declared.is_empty() => diagnostic.help("no rule is declared"),
                    None => diagnostic.help(format!("the rules are {}", listed(declared()))),
                });
            }
            return None;
        };
        if rule.mode == Mode::Off {
            let message = format!("`{}` is off and reports nothing", name.node);
            self.diagnostics.push(
                Diagnostic::new(E0444, name.span, message)
                    .help("take `mode off` out of the rule, or write `mode shadow`: tests see what a rule in shadow would send"),
            );
            return None;
        }
        Some(rule)
    }

    /// Of what kind the alert is: a match, unless `timeout` or `kind: "…"` says otherwise.
    fn kind(
        &mut self,
        rule: &Rule,
        name: &Name,
        timeout: bool,
        fields: &'t [(Spanned<Vec<PathPart>>, Expr)],
    ) -> Option<AlertKind> {
        let is_kind = |path: &[PathPart]| matches!(path, [PathPart::Name(only)] if only == "kind");
        let has_own = rule.key.names.iter().any(|part| part == "kind")
            || [AlertKind::Match, AlertKind::Timeout]
                .into_iter()
                .any(|kind| field_names(rule, kind).any(|field| field == "kind"));
        let written = fields.iter().find(|(path, _)| !has_own && is_kind(&path.node));
        let mut kind = if timeout { AlertKind::Timeout } else { AlertKind::Match };
        if let Some((path, value)) = written {
            let text = self.constant(value)?;
            let known =
                [("match", AlertKind::Match), ("timeout", AlertKind::Timeout), ("limit", AlertKind::Limit)];
            let named = known.iter().find(|(word, _)| text == Value::text(word));
            let Some((_, named)) = named else {
                let message = format!("there is no kind `{text}`");
                let help = format!("it is one of {}", listed(known.iter().map(|(word, _)| *word)));
                self.diagnostics.push(Diagnostic::new(E0404, value.span, message).help(help));
                return None;
            };
            if timeout && *named != AlertKind::Timeout {
                let message = "a time-out is expected, and another kind of alert";
                self.diagnostics.push(Diagnostic::new(E0447, path.span, message).help("keep one of the two"));
                return None;
            }
            kind = *named;
        }
        if kind == AlertKind::Timeout && rule.timeout.is_none() {
            let message = format!("`{}` does not report time-outs", name.node);
            let help = "it needs `on timeout alert …` for that";
            self.diagnostics.push(Diagnostic::new(E0446, name.span, message).help(help));
            return None;
        }
        Some(kind)
    }
}

/// The names of the fields that an alert of that kind has.
fn field_names(rule: &Rule, kind: AlertKind) -> impl Iterator<Item = &str> {
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
struct AlertChecker<'a, 'c, 'g, 't> {
    rule: &'a Rule,
    kind: AlertKind,
    base: Timestamp,
    /// The paths, with where each stands first.
    seen: BTreeMap<String, Span>,
    case: &'a mut CaseChecker<'c, 'g, 't>,
}

impl<'t> AlertChecker<'_, '_, '_, 't> {
    fn field(&mut self, path: &Spanned<Vec<PathPart>>, written_value: &'t Expr) -> Option<WantedField> {
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
