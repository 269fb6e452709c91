//! Calls and captured fields.

use crate::diagnostic::codes::{E0201, E0204, E0209, E0210, E0213, E0220};
use crate::diagnostic::{Diagnostic, Span};
use crate::event::{Type, Value};
use crate::expression::functions::{self, Function, Signature};
use crate::expression::{Aggregate, Expr, FieldSource, RegisterSpec};
use crate::language::checked::{LoopId, RunRegister, VariableId};
use crate::language::tree::{self, ExprKind};

use super::expression::{Checker, Typed};
use super::fold::widen;
use super::scope::is_function;
use super::variables::Seen;

impl<'g, 't> Checker<'g, 't> {
    /// `v.field`, `first(v).field`, `last(v).field`
    pub(super) fn field(&mut self, of: &'t tree::Expr, field: &'t tree::Name, span: Span) -> Option<Typed> {
        match &of.kind {
            ExprKind::Name(name) if name == "this" && !self.visible.is_variable(name) => {
                self.this(field, of.span)
            }
            ExprKind::Name(name) => {
                let seen = self.variable(name, of.span, Some(&field.node))?;
                // Whether the field exists is asked first: which of the events is meant comes next.
                let (source, ty) = self.source_field(&seen, field)?;
                if seen.repeated {
                    self.report(which_one(name, field, ty, span));
                    return None;
                }
                let spec = RegisterSpec { aggregate: Aggregate::Last, source, ty };
                Some(self.register(seen.id, spec, seen.scope, ty))
            }
            ExprKind::Call { function, arguments, .. }
                if matches!(function.node.as_str(), "first" | "last") =>
            {
                let [tree::Expr { kind: ExprKind::Name(name), span: at }] = arguments.as_slice() else {
                    let message = format!("`{}` takes the name of one captured event", function.node);
                    let help = format!("write `{}(name).{}`", function.node, field.node);
                    self.report(Diagnostic::new(E0204, of.span, message).help(help));
                    return None;
                };
                let seen = self.variable(name, *at, Some(&field.node))?;
                let aggregate = if function.node == "first" { Aggregate::First } else { Aggregate::Last };
                let (source, ty) = self.source_field(&seen, field)?;
                Some(self.register(seen.id, RegisterSpec { aggregate, source, ty }, None, ty))
            }
            ExprKind::Index(table, keys) => self.lookup(table, keys, Some(field), span),
            _ => {
                self.report(
                    Diagnostic::new(E0213, of.span, "only a captured event has fields")
                        .help(format!("write `name.{0}`, `first(name).{0}` or `last(name).{0}`", field.node)),
                );
                None
            }
        }
    }

    fn source_field(&mut self, seen: &Seen<'g>, field: &tree::Name) -> Option<(FieldSource, Type)> {
        if field.node == "time" {
            return Some((FieldSource::Time, Type::Timestamp));
        }
        let stream = seen.stream?;
        let schema = self.globals.schema(stream);
        if let Some((id, field)) = schema.field(&field.node) {
            return Some((FieldSource::Field(id), field.ty.value_type()));
        }
        let message =
            format!("`{}` is an event of `{}`, which has no field `{}`", seen.name, schema.name, field.node);
        if let Some(diagnostic) = self.globals.unknown_field(stream, &field.node, field.span, message) {
            self.report(diagnostic);
        }
        None
    }

    fn register(
        &mut self,
        variable: VariableId,
        spec: RegisterSpec,
        scope: Option<LoopId>,
        result: Type,
    ) -> Typed {
        let id = self.registers.get(RunRegister { variable, spec, scope });
        Typed::new(Expr::Register(id), result)
    }

    /// The variable of that name, of which `field` is wanted.
    fn variable(&mut self, name: &str, span: Span, field: Option<&str>) -> Option<Seen<'g>> {
        let seen = self.visible.find(name);
        if seen.is_none()
            && let Some(diagnostic) = self.unknown_variable(name, span, field)
        {
            self.report(diagnostic);
        }
        seen
    }

    /// `name(arguments)`
    pub(super) fn call(
        &mut self,
        function: &'t tree::Name,
        arguments: &'t [tree::Expr],
        condition: Option<&'t tree::Expr>,
        over: Option<&'t tree::Over>,
        span: Span,
    ) -> Option<Typed> {
        if let Some(over) = over {
            return self.history(function, arguments, condition, over, span);
        }
        if let Some(condition) = condition {
            let message = "`where` chooses among the past events of a stream, and needs to know how far back";
            self.report(
                Diagnostic::new(E0220, condition.span, message)
                    .help(format!("say so behind the parenthesis: `{}(… where …) over 10m`", function.node)),
            );
            return None;
        }
        let name = function.node.as_str();
        if is_function(name) && self.globals.definitions.contains_key(name) {
            // Which of the two is meant is not clear; the definition has been reported.
            return None;
        }
        if let Some((_, aggregate)) = Aggregate::FUNCTIONS.iter().find(|(aggregate, _)| *aggregate == name)
            && let Some(typed) = self.aggregate(*aggregate, arguments, span)
        {
            return typed;
        }
        if matches!(name, "first" | "last") {
            let variable = match arguments {
                [tree::Expr { kind: ExprKind::Name(variable), .. }] => variable.as_str(),
                _ => "name",
            };
            let stream = self.visible.find(variable).and_then(|seen| seen.stream);
            let field = stream.map_or("field", |stream| self.globals.example_field(stream));
            self.report(
                Diagnostic::new(E0213, span, format!("`{name}(…)` is a captured event, not a value"))
                    .help(format!("read one of its fields, such as `{name}({variable}).{field}`")),
            );
            return None;
        }
        let checked: Vec<Option<Typed>> = arguments.iter().map(|argument| self.check(argument)).collect();
        let typed: Vec<Typed> = checked.into_iter().collect::<Option<_>>()?;
        match name {
            "if" => self.conditional(typed, arguments, span),
            "coalesce" => self.coalesce(typed, arguments, span),
            _ => {
                if let Some(&definition) = self.globals.definitions.get(name) {
                    return self.call_definition(definition, typed, arguments, span);
                }
                match functions::find(name) {
                    Some(found) => self.call_function(found, typed, arguments, span),
                    None => {
                        if let Some(diagnostic) = self.unknown_function(function) {
                            self.report(diagnostic);
                        }
                        None
                    }
                }
            }
        }
    }

    /// An aggregate over captured events. `None`: the arguments are values, so that it is the
    /// function of the same name (`min`, `max`) after all.
    fn aggregate(
        &mut self,
        aggregate: Aggregate,
        arguments: &'t [tree::Expr],
        span: Span,
    ) -> Option<Option<Typed>> {
        match arguments {
            [tree::Expr { kind: ExprKind::Name(variable), span: at }] => {
                Some(self.aggregate_of_events(aggregate, variable, *at))
            }
            [argument @ tree::Expr { kind: ExprKind::Field(of, field), .. }] => {
                Some(self.aggregate_of_field(aggregate, argument, of, field))
            }
            [_, _] if matches!(aggregate, Aggregate::Min | Aggregate::Max) => None,
            _ => {
                let name = aggregate.name();
                let help = match aggregate {
                    Aggregate::Count => "write `count(name)`".to_owned(),
                    Aggregate::Min | Aggregate::Max => {
                        format!("write `{name}(name.field)`, or `{name}(a, b)` for two numbers")
                    }
                    _ => format!("write `{name}(name.field)`"),
                };
                let message = format!("`{name}` looks at the events captured as one name");
                self.report(Diagnostic::new(E0204, span, message).help(help));
                Some(None)
            }
        }
    }

    /// `count(v)`; other aggregates need a field.
    fn aggregate_of_events(&mut self, aggregate: Aggregate, variable: &str, at: Span) -> Option<Typed> {
        if aggregate == Aggregate::Count {
            let seen = self.variable(variable, at, None)?;
            let spec = RegisterSpec { aggregate, source: FieldSource::Event, ty: Type::Bool };
            return Some(self.register(seen.id, spec, None, Type::Int));
        }
        let seen = self.variable(variable, at, None)?;
        let name = aggregate.name();
        let field = seen.stream.map_or("field", |stream| self.globals.example_field(stream));
        self.report(
            Diagnostic::new(E0204, at, format!("`{name}` needs a field of the events"))
                .help(format!("write for example `{name}({variable}.{field})`")),
        );
        None
    }

    /// `sum(v.field)`
    fn aggregate_of_field(
        &mut self,
        aggregate: Aggregate,
        argument: &tree::Expr,
        of: &tree::Expr,
        field: &tree::Name,
    ) -> Option<Typed> {
        let name = aggregate.name();
        let ExprKind::Name(variable) = &of.kind else {
            let message = format!("`{name}` looks at all events captured as one name");
            let help = format!("write `{name}(name.{})`", field.node);
            self.report(Diagnostic::new(E0213, of.span, message).help(help));
            return None;
        };
        let seen = self.variable(variable, of.span, Some(&field.node))?;
        let (source, ty) = self.source_field(&seen, field)?;
        let result = self.result_type(aggregate, ty, argument)?;
        Some(self.register(seen.id, RegisterSpec { aggregate, source, ty }, None, result))
    }

    fn conditional(&mut self, typed: Vec<Typed>, arguments: &[tree::Expr], span: Span) -> Option<Typed> {
        let Ok([condition, yes, no]) = <[Typed; 3]>::try_from(typed) else {
            self.report(
                Diagnostic::new(E0204, span, "`if` takes a condition and two values")
                    .help("write `if(amount > 100, \"big\", \"small\")`"),
            );
            return None;
        };
        self.expect_bool(&condition, &arguments[0], "`if` needs a condition")?;
        let sides = [(&yes, arguments[1].span), (&no, arguments[2].span)];
        let ty = self.common_type(sides, "both values of `if` must have one type")?;
        let parts = (condition.expr, widen(yes, ty), widen(no, ty));
        Some(Typed::new(Expr::If(Box::new(parts)), ty))
    }

    fn coalesce(&mut self, typed: Vec<Typed>, arguments: &[tree::Expr], span: Span) -> Option<Typed> {
        let mut values = typed.iter().zip(arguments);
        let Some((first, first_argument)) = values.next() else {
            self.report(
                Diagnostic::new(E0204, span, "`coalesce` needs at least one value")
                    .help("write `coalesce(country, \"unknown\")`"),
            );
            return None;
        };
        let mut common = first.clone();
        for (value, argument) in values {
            let sides = [(&common, first_argument.span), (value, argument.span)];
            common.ty = self.common_type(sides, "all values of `coalesce` must have one type")?;
        }
        let ty = common.ty;
        let operands: Vec<Expr> = typed.into_iter().map(|typed| widen(typed, ty)).collect();
        Some(Typed::new(Expr::Coalesce(operands.into()), ty))
    }

    fn call_definition(
        &mut self,
        definition: &'t tree::Def,
        typed: Vec<Typed>,
        arguments: &[tree::Expr],
        span: Span,
    ) -> Option<Typed> {
        let name = &definition.name.node;
        if self.globals.broken.contains(name.as_str()) {
            return None;
        }
        if typed.len() != definition.parameters.len() {
            let parameters: Vec<String> = definition
                .parameters
                .iter()
                .map(|parameter| format!("{} {}", parameter.name.node, parameter.ty.node.value_type()))
                .collect();
            let message = format!("`{name}` takes {}, not {}", arguments_text(parameters.len()), typed.len());
            self.report(
                Diagnostic::new(E0204, span, message)
                    .also(definition.name.span, "defined here")
                    .help(format!("it is called as `{name}({})`", parameters.join(", "))),
            );
            return None;
        }
        let mut values = Vec::new();
        for ((typed, parameter), argument) in typed.into_iter().zip(&definition.parameters).zip(arguments) {
            let wanted = parameter.ty.node.value_type();
            if !fits(typed.ty, wanted) {
                self.report(
                    Diagnostic::new(
                        E0201,
                        argument.span,
                        format!(
                            "`{}` of `{name}` is `{wanted}`, but this is `{}`",
                            parameter.name.node, typed.ty
                        ),
                    )
                    .also(parameter.name.span.to(parameter.ty.span), "declared here")
                    .help("give a value of that type, or declare the parameter with another"),
                );
                return None;
            }
            values.push(Typed::new(widen(typed, wanted), wanted));
        }
        self.expand(definition, values, span)
    }

    fn call_function(
        &mut self,
        function: &'static Function,
        typed: Vec<Typed>,
        arguments: &[tree::Expr],
        span: Span,
    ) -> Option<Typed> {
        let Some(signature) = function.signatures.iter().find(|signature| signature.takes(&typed)) else {
            self.report(wrong_call(function, &typed, arguments, span));
            return None;
        };
        if let Some(check) = function.check {
            let constants: Vec<Option<Value>> =
                typed.iter().map(|typed| typed.expr.as_const().cloned()).collect();
            if let Err((index, message)) = check(&constants) {
                let at = arguments.get(index).map_or(span, |argument| argument.span);
                self.report(Diagnostic::new(E0209, at, message));
                return None;
            }
        }
        let operands: Vec<Expr> = typed.into_iter().map(|typed| typed.expr).collect();
        Some(Typed::new(Expr::Call(function, operands.into()), signature.result))
    }
}

impl Signature {
    fn takes(&self, arguments: &[Typed]) -> bool {
        let least = self.parameters.len() - self.optional;
        (least..=self.parameters.len()).contains(&arguments.len())
            && arguments.iter().zip(self.parameters).all(|(argument, (_, wanted))| fits(argument.ty, *wanted))
    }
}

pub(super) fn fits(given: Type, wanted: Type) -> bool {
    given == wanted || given == Type::Null || (given == Type::Int && wanted == Type::Float)
}

fn arguments_text(count: usize) -> String {
    if count == 1 { "1 argument".to_owned() } else { format!("{count} arguments") }
}

/// What is wrong with a call that no signature takes: the number of arguments, or one of them.
fn wrong_call(function: &Function, typed: &[Typed], arguments: &[tree::Expr], span: Span) -> Diagnostic {
    let name = function.name;
    let help = format!("it is called as {}", forms(function));
    let of_that_number: Vec<&Signature> = function
        .signatures
        .iter()
        .filter(|signature| {
            let most = signature.parameters.len();
            (most - signature.optional..=most).contains(&typed.len())
        })
        .collect();
    if of_that_number.is_empty() {
        let counts = |signature: &Signature| {
            [signature.parameters.len() - signature.optional, signature.parameters.len()]
        };
        let counts = function.signatures.iter().flat_map(counts);
        let (least, most) = (counts.clone().min().unwrap_or(0), counts.max().unwrap_or(0));
        let takes = if least == most { arguments_text(most) } else { format!("{least} to {most} arguments") };
        let message = format!("`{name}` takes {takes}, not {}", typed.len());
        return Diagnostic::new(E0204, span, message).help(help);
    }
    let wrong_at = |signature: &&Signature| {
        typed.iter().zip(signature.parameters).position(|(given, (_, wanted))| !fits(given.ty, *wanted))
    };
    // The signature that goes wrong last is the one that was meant.
    let meant = of_that_number
        .iter()
        .filter_map(|signature| Some((wrong_at(signature)?, signature)))
        .max_by_key(|(at, _)| *at);
    let Some((at, signature)) = meant else {
        return Diagnostic::new(E0204, span, format!("`{name}` cannot be called like this")).help(help);
    };
    let (parameter, wanted) = &signature.parameters[at];
    let message = format!("`{parameter}` of `{name}` is `{wanted}`, but this is `{}`", typed[at].ty);
    Diagnostic::new(E0201, arguments.get(at).map_or(span, |argument| argument.span), message).help(help)
}

/// `lower(text string)` or, of several forms, all of them.
fn forms(function: &Function) -> String {
    let form = |signature: &Signature| {
        let mut text = String::new();
        for (index, (name, ty)) in signature.parameters.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let parameter = format!("{comma}{name} {ty}");
            let is_optional = index >= signature.parameters.len() - signature.optional;
            text.push_str(&if is_optional { format!(" [{parameter}]") } else { parameter });
        }
        format!("`{}({text})`", function.name)
    };
    function.signatures.iter().map(form).collect::<Vec<_>>().join(" or ")
}

/// A field of a variable that can capture several events.
fn which_one(variable: &str, field: &tree::Name, ty: Type, span: Span) -> Diagnostic {
    let field = &field.node;
    let aggregate = match ty {
        Type::Int | Type::Float | Type::Duration | Type::Timestamp => "max",
        _ => "count_distinct",
    };
    Diagnostic::new(E0210, span, format!("`{variable}` can capture several events"))
        .label(format!("whose `{field}`?"))
        .help(format!(
            "write `first({variable}).{field}`, `last({variable}).{field}` or an aggregate such as `{aggregate}({variable}.{field})`"
        ))
}
