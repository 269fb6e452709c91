//! Calls, captured fields and the operators that need a constant on the right.

use std::sync::Arc;

use crate::diagnostic::codes::{
    E0102, E0103, E0105, E0201, E0202, E0203, E0204, E0205, E0206, E0209, E0210, E0211, E0213,
};
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::event::{Type, Value};
use crate::expression::functions::{self, Function, Signature};
use crate::expression::{Aggregate, Expr, FieldSource, RegisterId, RegisterSpec, Wildcard};
use crate::language::checked::{LoopId, RunRegister, VariableId, next_register};
use crate::language::tree::{self, ExprKind, InSet};

use super::expression::{Checker, Typed, boolean, widen};
use super::scope::not_yet;
use super::variables::Seen;

/// Largest compiled regular expression, in bytes.
const MAX_REGEX_SIZE: usize = 1 << 20;
/// Most memory that a regular expression may use for its lazy automaton, in bytes.
const MAX_REGEX_CACHE: usize = 2 << 20;

impl<'g, 't> Checker<'g, 't> {
    /// `v.field`, `first(v).field`, `last(v).field`
    pub(super) fn field(&mut self, of: &'t tree::Expr, field: &'t tree::Name, span: Span) -> Option<Typed> {
        match &of.kind {
            ExprKind::Name(name) => {
                let seen = self.variable(name, of.span)?;
                if seen.repeated {
                    self.report(
                        Diagnostic::new(E0210, span, format!("`{name}` can capture several events"))
                            .label("which one?")
                            .help(format!(
                                "write `first({name}).{0}`, `last({name}).{0}` or an aggregate such as `max({name}.{0})`",
                                field.node
                            )),
                    );
                    return None;
                }
                self.captured_field(&seen, Aggregate::Last, field, seen.scope)
            }
            ExprKind::Call { function, arguments, .. }
                if matches!(function.node.as_str(), "first" | "last") =>
            {
                let [tree::Expr { kind: ExprKind::Name(name), span: at }] = arguments.as_slice() else {
                    self.report(
                        Diagnostic::new(
                            E0204,
                            of.span,
                            format!("`{}` takes one captured event", function.node),
                        )
                        .help(format!("write `{}(name).{}`", function.node, field.node)),
                    );
                    return None;
                };
                let seen = self.variable(name, *at)?;
                let which = if function.node == "first" { Aggregate::First } else { Aggregate::Last };
                self.captured_field(&seen, which, field, None)
            }
            ExprKind::Index(table, _) => {
                self.report(not_yet(table.span, "tables"));
                None
            }
            _ => {
                self.report(
                    Diagnostic::new(E0213, span, "only a captured event has fields")
                        .help("write `variable.field`, `first(variable).field` or `last(variable).field`"),
                );
                None
            }
        }
    }

    /// A field of one captured event. `scope`: only captures of the same repetition of that loop
    /// count.
    fn captured_field(
        &mut self,
        seen: &Seen<'g>,
        which: Aggregate,
        field: &tree::Name,
        scope: Option<LoopId>,
    ) -> Option<Typed> {
        let (source, ty) = self.source_field(seen, field)?;
        Some(self.register(seen.id, RegisterSpec { aggregate: which, source, ty }, scope, ty))
    }

    fn source_field(&mut self, seen: &Seen<'g>, field: &tree::Name) -> Option<(FieldSource, Type)> {
        if field.node == "time" {
            return Some((FieldSource::Time, Type::Timestamp));
        }
        let schema = self.globals.schema(seen.stream);
        if let Some((id, field)) = schema.field(&field.node) {
            return Some((FieldSource::Field(id), field.ty.value_type()));
        }
        let message =
            format!("`{}` is an event of `{}`, which has no field `{}`", seen.name, schema.name, field.node);
        let mut diagnostic = Diagnostic::new(E0102, field.span, message);
        diagnostic = match nearest(&field.node, schema.fields.iter().map(|field| field.name.as_str())) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => {
                let known: Vec<&str> = schema.fields.iter().map(|field| field.name.as_str()).collect();
                diagnostic.help(format!("its fields are: {}", known.join(", ")))
            }
        };
        self.report(diagnostic);
        None
    }

    fn register(
        &mut self,
        variable: VariableId,
        spec: RegisterSpec,
        scope: Option<LoopId>,
        result: Type,
    ) -> Typed {
        let wanted = RunRegister { variable, spec, scope };
        let id = match self.registers.iter().position(|register| *register == wanted) {
            Some(index) => RegisterId(index as u32),
            None => {
                let id = next_register(self.registers);
                self.registers.push(wanted);
                id
            }
        };
        Typed::new(Expr::Register(id), result)
    }

    fn variable(&mut self, name: &str, span: Span) -> Option<Seen<'g>> {
        if let Some(seen) = self.visible.find(name) {
            return Some(seen);
        }
        let diagnostic = if self.visible.is_later(name) {
            Diagnostic::new(E0211, span, format!("`{name}` stands later in the pattern"))
                .label("nothing has been captured as this yet")
                .help("a condition may use what stands before it in the pattern; put the comparison into the later event")
        } else {
            let diagnostic =
                Diagnostic::new(E0103, span, format!("the pattern captures nothing as `{name}` here"));
            match nearest(name, self.visible.names()) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic,
            }
        };
        self.report(diagnostic);
        None
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
        if condition.is_some() || over.is_some() {
            self.report(not_yet(span, "history aggregates (`over …`)"));
            return None;
        }
        let name = function.node.as_str();
        if let Some((_, aggregate)) = Aggregate::FUNCTIONS.iter().find(|(aggregate, _)| *aggregate == name)
            && let Some(typed) = self.aggregate(*aggregate, arguments, span)
        {
            return typed;
        }
        if matches!(name, "first" | "last") {
            self.report(
                Diagnostic::new(E0213, span, format!("`{name}(…)` is a captured event, not a value"))
                    .help(format!("read one of its fields: `{name}(variable).field`")),
            );
            return None;
        }
        let checked: Vec<Option<Typed>> = arguments.iter().map(|argument| self.check(argument)).collect();
        let typed: Vec<Typed> = checked.into_iter().collect::<Option<_>>()?;
        match name {
            "if" => self.conditional(typed, arguments, span),
            "coalesce" => self.coalesce(typed, span),
            _ => {
                if let Some(&definition) = self.globals.definitions.get(name) {
                    return self.call_definition(definition, typed, arguments, span);
                }
                match functions::find(name) {
                    Some(found) => self.call_function(found, typed, arguments, span),
                    None => {
                        let diagnostic = self.unknown_function(function);
                        self.report(diagnostic);
                        None
                    }
                }
            }
        }
    }

    fn unknown_function(&self, function: &tree::Name) -> Diagnostic {
        let known = functions::ALL
            .iter()
            .map(|function| function.name)
            .chain(Aggregate::FUNCTIONS.iter().map(|(name, _)| *name))
            .chain(["if", "coalesce", "first", "last"])
            .chain(self.globals.definitions.keys().copied());
        let diagnostic =
            Diagnostic::new(E0105, function.span, format!("there is no function `{}`", function.node));
        match nearest(&function.node, known) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help(format!("define it: `def {}(x float) = …`", function.node)),
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
        let name = aggregate.name();
        match arguments {
            [tree::Expr { kind: ExprKind::Name(variable), span: at }] => {
                if aggregate != Aggregate::Count {
                    self.report(
                        Diagnostic::new(E0204, *at, format!("`{name}` needs a field"))
                            .help(format!("write `{name}({variable}.field)`")),
                    );
                    return Some(None);
                }
                let Some(seen) = self.variable(variable, *at) else { return Some(None) };
                let spec = RegisterSpec { aggregate, source: FieldSource::Event, ty: Type::Bool };
                Some(Some(self.register(seen.id, spec, None, Type::Int)))
            }
            [tree::Expr { kind: ExprKind::Field(of, field), .. }] => {
                let ExprKind::Name(variable) = &of.kind else {
                    self.report(
                        Diagnostic::new(
                            E0213,
                            of.span,
                            format!("`{name}` looks at all events captured as one name"),
                        )
                        .help(format!("write `{name}(variable.{})`", field.node)),
                    );
                    return Some(None);
                };
                let Some(seen) = self.variable(variable, of.span) else { return Some(None) };
                let Some((source, ty)) = self.source_field(&seen, field) else { return Some(None) };
                let Some(result) = aggregate.result(ty) else {
                    self.report(Diagnostic::new(E0201, span, format!("`{name}` cannot be taken of {ty}")));
                    return Some(None);
                };
                Some(Some(self.register(seen.id, RegisterSpec { aggregate, source, ty }, None, result)))
            }
            [_, _] if matches!(aggregate, Aggregate::Min | Aggregate::Max) => None,
            _ => {
                self.report(
                    Diagnostic::new(E0204, span, format!("`{name}` looks at captured events"))
                        .help(format!("write `{name}(variable.field)`")),
                );
                Some(None)
            }
        }
    }

    fn conditional(&mut self, typed: Vec<Typed>, arguments: &[tree::Expr], span: Span) -> Option<Typed> {
        let Ok([condition, yes, no]) = <[Typed; 3]>::try_from(typed) else {
            self.report(
                Diagnostic::new(E0204, span, "`if` takes a condition and two values")
                    .help("write `if(amount > 100, \"big\", \"small\")`"),
            );
            return None;
        };
        self.expect_bool(&condition, arguments[0].span, "`if` needs a condition")?;
        let ty = self.common_type(&yes, &no, span, "both values of `if` must have one type")?;
        let parts = (condition.expr, widen(yes, ty), widen(no, ty));
        Some(Typed::new(Expr::If(Box::new(parts)), ty))
    }

    fn coalesce(&mut self, typed: Vec<Typed>, span: Span) -> Option<Typed> {
        let mut values = typed.iter();
        let Some(first) = values.next() else {
            self.report(Diagnostic::new(E0204, span, "`coalesce` needs at least one value"));
            return None;
        };
        let mut common = first.clone();
        for value in values {
            common.ty =
                self.common_type(&common, value, span, "all values of `coalesce` must have one type")?;
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
            self.report(
                Diagnostic::new(
                    E0204,
                    span,
                    format!("`{name}` takes {}, not {}", count(definition.parameters.len()), typed.len()),
                )
                .also(definition.name.span, "defined here"),
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
                            "`{}` of `{name}` is {wanted}, but this is {}",
                            parameter.name.node, typed.ty
                        ),
                    )
                    .also(parameter.name.span, "declared here"),
                );
                return None;
            }
            values.push(Typed::new(widen(typed, wanted), wanted));
        }
        self.expand(definition, values)
    }

    fn call_function(
        &mut self,
        function: &'static Function,
        typed: Vec<Typed>,
        arguments: &[tree::Expr],
        span: Span,
    ) -> Option<Typed> {
        let Some(signature) = function.signatures.iter().find(|signature| signature.takes(&typed)) else {
            self.report(
                Diagnostic::new(E0204, span, format!("`{}` cannot be called like this", function.name))
                    .label(format!("called with {}", types(&typed)))
                    .help(format!("it takes {}", forms(function))),
            );
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

    /// `x in (…)`, `address in "10.0.0.0/8"`
    pub(super) fn membership(&mut self, value: &'t tree::Expr, set: &'t InSet) -> Option<Typed> {
        let typed = self.check(value)?;
        match set {
            InSet::Values(members) if typed.ty == Type::Ip => {
                self.networks(typed, &members.iter().collect::<Vec<_>>())
            }
            InSet::Values(members) => self.in_values(typed, value.span, members),
            InSet::Expr(expr) if typed.ty == Type::Ip => self.networks(typed, &[expr]),
            InSet::Expr(expr) => {
                match &expr.kind {
                    ExprKind::Name(name) if !self.globals.constants.contains_key(name.as_str()) => {
                        self.report(not_yet(expr.span, "lists"));
                    }
                    _ => self.report(
                        Diagnostic::new(E0202, expr.span, "`in` needs values in parentheses")
                            .help("write `in (\"a\", \"b\")`; only an address can be `in` a network such as \"10.0.0.0/8\""),
                    ),
                }
                None
            }
        }
    }

    fn in_values(&mut self, value: Typed, span: Span, members: &'t [tree::Expr]) -> Option<Typed> {
        let mut operands = Vec::new();
        let mut sound = true;
        for member in members {
            let Some(typed) = self.check(member) else {
                sound = false;
                continue;
            };
            if matches!(member.kind, ExprKind::Null) {
                self.report(
                    Diagnostic::new(E0203, member.span, "null is equal to nothing, so it is never found")
                        .help("write `… is missing or … in (…)`"),
                );
                sound = false;
                continue;
            }
            let Some((_, member_typed)) = self.coerce_text(value.clone(), span, typed, member.span) else {
                sound = false;
                continue;
            };
            if member_typed.ty != value.ty && !(member_typed.ty.is_number() && value.ty.is_number()) {
                self.report(
                    Diagnostic::new(
                        E0202,
                        member.span,
                        format!("this is {}, but {} is looked for", member_typed.ty, value.ty),
                    )
                    .also(span, format!("this is {}", value.ty)),
                );
                sound = false;
                continue;
            }
            operands.push(member_typed.expr);
        }
        if !sound {
            return None;
        }
        let value = Box::new(value.expr);
        if operands.iter().all(Expr::is_const) {
            let set = operands.iter().filter_map(Expr::as_const).cloned().collect();
            return Some(boolean(Expr::InSet(value, Arc::new(set))));
        }
        Some(boolean(Expr::InList(value, operands.into())))
    }

    fn networks(&mut self, address: Typed, written: &[&'t tree::Expr]) -> Option<Typed> {
        let mut networks = Vec::new();
        for expr in written {
            let text = self.constant_text(expr, "a network")?;
            let network =
                text.parse::<ipnet::IpNet>().or_else(|_| text.parse::<std::net::IpAddr>().map(Into::into));
            match network {
                Ok(network) => networks.push(network),
                Err(_) => {
                    self.report(
                        Diagnostic::new(E0206, expr.span, "this is neither a network nor an address")
                            .help("write it as `\"10.0.0.0/8\"` or `\"2001:db8::/32\"`"),
                    );
                    return None;
                }
            }
        }
        Some(boolean(Expr::InNetworks(Box::new(address.expr), networks.into())))
    }

    /// `name like "abc*"`
    pub(super) fn like(&mut self, value: &'t tree::Expr, pattern: &'t tree::Expr) -> Option<Typed> {
        let operand = self.text_operand(value, "`like`");
        let pattern = self.constant_text(pattern, "the pattern of `like`")?;
        Some(boolean(Expr::Like(Box::new(operand?), Arc::new(Wildcard::new(&pattern)))))
    }

    /// `name matches "regex"`
    pub(super) fn matches(&mut self, value: &'t tree::Expr, pattern: &'t tree::Expr) -> Option<Typed> {
        let operand = self.text_operand(value, "`matches`");
        let text = self.constant_text(pattern, "the pattern of `matches`")?;
        let regex = regex::RegexBuilder::new(&text)
            .size_limit(MAX_REGEX_SIZE)
            .dfa_size_limit(MAX_REGEX_CACHE)
            .build();
        match regex {
            Ok(regex) => Some(boolean(Expr::Matches(Box::new(operand?), Arc::new(regex)))),
            Err(error) => {
                let reason = match error {
                    regex::Error::CompiledTooBig(limit) => {
                        format!("it needs more than {limit} bytes when compiled; repeat less, or split it")
                    }
                    // The library's message draws the pattern over several lines; its last line
                    // says what is wrong.
                    other => other
                        .to_string()
                        .lines()
                        .last()
                        .unwrap_or_default()
                        .trim_start_matches("error: ")
                        .to_owned(),
                };
                self.report(
                    Diagnostic::new(E0205, pattern.span, "this regular expression cannot be used")
                        .label(reason)
                        .help("look-around and back-references do not exist here, so that every match takes linear time"),
                );
                None
            }
        }
    }

    fn text_operand(&mut self, value: &'t tree::Expr, operator: &str) -> Option<Expr> {
        let typed = self.check(value)?;
        if matches!(typed.ty, Type::Str | Type::Null) {
            return Some(typed.expr);
        }
        self.report(Diagnostic::new(
            E0201,
            value.span,
            format!("{operator} needs text, but this is {}", typed.ty),
        ));
        None
    }
}

impl Signature {
    fn takes(&self, arguments: &[Typed]) -> bool {
        let least = self.parameters.len() - self.optional;
        (least..=self.parameters.len()).contains(&arguments.len())
            && arguments.iter().zip(self.parameters).all(|(argument, (_, wanted))| fits(argument.ty, *wanted))
    }
}

fn fits(given: Type, wanted: Type) -> bool {
    given == wanted || given == Type::Null || (given == Type::Int && wanted == Type::Float)
}

fn count(parameters: usize) -> String {
    if parameters == 1 { "1 argument".to_owned() } else { format!("{parameters} arguments") }
}

fn types(typed: &[Typed]) -> String {
    if typed.is_empty() {
        return "nothing".to_owned();
    }
    typed.iter().map(|typed| typed.ty.name()).collect::<Vec<_>>().join(", ")
}

fn forms(function: &Function) -> String {
    let form = |signature: &Signature| {
        let parameters: Vec<String> = signature
            .parameters
            .iter()
            .enumerate()
            .map(|(index, (name, ty))| {
                let optional = index >= signature.parameters.len() - signature.optional;
                format!("{name} {ty}{}", if optional { " (may be left out)" } else { "" })
            })
            .collect();
        format!("`{}({})`", function.name, parameters.join(", "))
    };
    function.signatures.iter().map(form).collect::<Vec<_>>().join(" or ")
}
