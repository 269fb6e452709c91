//! What a value is looked for in: values, networks, `like` patterns and regular expressions.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use hashbrown::HashSet;
use regex::{Regex, RegexBuilder};

use crate::diagnostic::Diagnostic;
use crate::diagnostic::codes::{E0201, E0202, E0203, E0205, E0206, E0403};
use crate::event::{Type, Value};
use crate::expression::{Expr, Wildcard};
use crate::language::tree::{self, ExprKind, InSet};
use crate::table::network;

use super::expression::{Checker, Typed, written};
use super::fold::boolean;
use super::scope::Allowance;

/// Longest pattern of `like`, in bytes: a text is gone over once for each of them at worst.
const MAX_WILDCARD: usize = 1_000;
/// Largest compiled regular expression, in bytes.
const MAX_REGEX_SIZE: usize = 1 << 20;
/// Most memory that a regular expression may use for its lazy automaton, in bytes.
const MAX_REGEX_CACHE: usize = 2 << 20;
/// Size of all different regular expressions of a rule set together, in bytes.
const MAX_ALL_REGEXES: usize = 256 << 20;
/// The size that is tried first: that of a short expression without letters of all the world.
const FIRST_REGEX_SIZE: usize = 16 << 10;

impl<'g, 't> Checker<'g, 't> {
    /// `x in (…)`, `x in list`, `address in "10.0.0.0/8"`
    pub(super) fn membership(&mut self, value: &'t tree::Expr, set: &'t InSet) -> Option<Typed> {
        let typed = self.check(value);
        if let InSet::Expr(expr) = set {
            if let Some(list) = self.table_named(expr) {
                return self.in_table(typed?, value, list, expr.span);
            }
            if let ExprKind::Name(name) = &expr.kind
                && self.is_unknown(name)
            {
                self.report(self.unknown_list(name, expr.span, typed.map(|typed| typed.ty)));
                return None;
            }
        }
        let typed = typed?;
        match set {
            InSet::Values(members) if typed.ty == Type::Ip => {
                self.networks(typed, &members.iter().collect::<Vec<_>>())
            }
            InSet::Values(members) => self.in_values(typed, value, members),
            InSet::Expr(expr) if typed.ty == Type::Ip => self.networks(typed, &[expr]),
            InSet::Expr(expr) => {
                match &expr.kind {
                    ExprKind::Name(name) if self.globals.reported.contains(name) => {}
                    _ => self.report(
                        Diagnostic::new(E0202, expr.span, "`in` needs values in parentheses")
                            .help(format!("write `in ({})`; only a field of type `ip` can be in a network such as \"10.0.0.0/8\"", written(expr))),
                    ),
                }
                None
            }
        }
    }

    fn in_values(&mut self, value: Typed, wanted: &tree::Expr, members: &'t [tree::Expr]) -> Option<Typed> {
        let operands: Vec<Option<Expr>> =
            members.iter().map(|member| self.member(member, value.ty, wanted)).collect();
        let operands: Vec<Expr> = operands.into_iter().collect::<Option<_>>()?;
        let value = Box::new(value.expr);
        // A member that is null makes the answer unknown where no other is found.
        let known: Option<HashSet<Value, _>> = operands
            .iter()
            .map(|operand| operand.as_const().filter(|value| !value.is_null()).cloned())
            .collect();
        Some(boolean(match known {
            Some(set) => Expr::InSet(value, Arc::new(set)),
            None => Expr::InList(value, operands.into()),
        }))
    }

    /// A member of the values in which one of type `ty`, written as `wanted`, is looked for.
    fn member(&mut self, member: &'t tree::Expr, ty: Type, wanted: &tree::Expr) -> Option<Expr> {
        let typed = self.check(member)?;
        if matches!(member.kind, ExprKind::Null) {
            self.report(
                Diagnostic::new(E0203, member.span, "null is equal to nothing, so it is never found")
                    .help(format!("write `{0} is missing or {0} in (…)`", written(wanted))),
            );
            return None;
        }
        let typed = if typed.ty == Type::Str && ty == Type::Timestamp {
            self.read_text(typed, ty, member.span)?
        } else {
            typed
        };
        if typed.ty != ty && !(typed.ty.is_number() && ty.is_number()) {
            let message = format!("this is `{}`, but `{ty}` is looked for", typed.ty);
            let diagnostic =
                Diagnostic::new(E0202, member.span, message).also(wanted.span, format!("`{ty}`"));
            self.report(match (&member.kind, ty) {
                (ExprKind::Str(text), ty) if ty.is_number() && text.parse::<f64>().is_ok() => {
                    diagnostic.help(format!("write `{text}` without quotes"))
                }
                (ExprKind::Int(_) | ExprKind::Float(_), Type::Str) => {
                    diagnostic.help(format!("write `\"{}\"`", written(member)))
                }
                _ => diagnostic.help(format!("all values must be `{ty}`, as what is looked for")),
            });
            return None;
        }
        Some(typed.expr)
    }

    fn networks(&mut self, address: Typed, written: &[&'t tree::Expr]) -> Option<Typed> {
        let mut networks = Vec::new();
        for expr in written {
            let text = self.constant_text(expr, "a network")?;
            match network(&text) {
                Some(network) => networks.push(network),
                None => {
                    self.report(
                        Diagnostic::new(E0206, expr.span, "this is neither a network nor an address")
                            .help("write it like `\"10.0.0.0/8\"` or `\"2001:db8::/32\"`"),
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
        let text = self.constant_text(pattern, "the pattern of `like`")?;
        if text.len() > MAX_WILDCARD {
            let message = format!("the pattern of `like` may have at most {MAX_WILDCARD} bytes");
            self.report(
                Diagnostic::new(E0403, pattern.span, message).help("use `matches`, `contains` or `==`"),
            );
            return None;
        }
        Some(boolean(Expr::Like(Box::new(operand?), Arc::new(Wildcard::new(&text)))))
    }

    /// `name matches "regex"`
    pub(super) fn matches(&mut self, value: &'t tree::Expr, pattern: &'t tree::Expr) -> Option<Typed> {
        let operand = self.text_operand(value, "`matches`");
        let text = self.constant_text(pattern, "the pattern of `matches`")?;
        match self.globals.regexes.get(&text) {
            Ok(regex) => Some(boolean(Expr::Matches(Box::new(operand?), regex))),
            Err(reason) => {
                self.report(
                    Diagnostic::new(E0205, pattern.span, "this regular expression cannot be used")
                        .label(reason),
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
        self.report(
            Diagnostic::new(E0201, value.span, format!("{operator} needs text, but this is `{}`", typed.ty))
                .help("numbers are compared: `==`, `<`, `in (…)`"),
        );
        None
    }
}

/// The regular expressions of a rule set, equal ones once.
pub(super) struct Regexes {
    known: RefCell<HashMap<String, Arc<Regex>>>,
    /// How large the others may still be, in bytes.
    size: Allowance,
}

impl Default for Regexes {
    fn default() -> Regexes {
        Regexes { known: RefCell::default(), size: Allowance::new(MAX_ALL_REGEXES) }
    }
}

impl Regexes {
    /// The compiled expression, or why it is refused.
    fn get(&self, text: &str) -> Result<Arc<Regex>, String> {
        if let Some(known) = self.known.borrow().get(text) {
            return Ok(Arc::clone(known));
        }
        // The library does not tell how large an expression became, only whether it is too large. So
        // the limit grows until it is not; that costs little more than the last attempt.
        let mut size = FIRST_REGEX_SIZE;
        let regex = loop {
            if !self.size.has(size) {
                return Err(format!(
                    "all regular expressions together need more than {} MiB; `[a-z0-9_]` is far smaller than `\\w`",
                    MAX_ALL_REGEXES >> 20
                ));
            }
            match RegexBuilder::new(text).size_limit(size).dfa_size_limit(MAX_REGEX_CACHE).build() {
                Err(regex::Error::CompiledTooBig(_)) if size < MAX_REGEX_SIZE => size *= 4,
                regex => {
                    self.size.take(size);
                    break regex.map_err(|error| reason(&error))?;
                }
            }
        };
        let regex = Arc::new(regex);
        self.known.borrow_mut().insert(text.to_owned(), Arc::clone(&regex));
        Ok(regex)
    }
}

/// Why a regular expression is refused, in a few words.
fn reason(error: &regex::Error) -> String {
    if let regex::Error::CompiledTooBig(limit) = error {
        return format!("it needs more than {limit} bytes; repeat less, or split it");
    }
    // The library's message draws the pattern over several lines; its last line says what is wrong.
    let message = error.to_string();
    let reason = message.lines().last().unwrap_or_default().trim_start_matches("error: ");
    match reason.contains("look-around") || reason.contains("backreferences") {
        true => format!("{reason}: every expression here is matched in one pass"),
        false => reason.to_owned(),
    }
}
