//! `let` and `def`: in which order they depend on each other, and what they are worth.

use std::collections::BTreeMap;

use crate::diagnostic::codes::{E0106, E0108, E0212, E0214, E0403};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::expression::Expr;
use crate::language::tree::{self, ExprKind};

use super::dependency::{self, Dependencies};
use super::expression::{Argument, Checker, Place, Typed};
use super::scope::{Globals, listed};
use super::variables::{Registers, Visible};

/// Most parameters of a definition.
const MAX_PARAMETERS: usize = 64;
/// Most places that are shown of a circle, besides the first.
const MAX_PLACES: usize = 10;

/// A `let` or a `def`.
#[derive(Clone, Copy)]
enum Declared<'t> {
    Constant(&'t tree::Let),
    Definition(&'t tree::Def),
}

impl<'t> Declared<'t> {
    fn name(self) -> &'t tree::Name {
        match self {
            Declared::Constant(constant) => &constant.name,
            Declared::Definition(definition) => &definition.name,
        }
    }

    fn body(self) -> &'t tree::Expr {
        match self {
            Declared::Constant(constant) => &constant.value,
            Declared::Definition(definition) => &definition.body,
        }
    }
}

/// Checks the constants and definitions; what they are worth goes into the globals.
pub(super) fn settle<'t>(
    globals: &mut Globals<'t>,
    constants: &[&'t tree::Let],
    definitions: &[&'t tree::Def],
    diagnostics: &mut Diagnostics,
) {
    let all: BTreeMap<&'t str, Declared<'t>> = constants
        .iter()
        .map(|constant| Declared::Constant(constant))
        .chain(definitions.iter().map(|definition| Declared::Definition(definition)))
        .map(|declared| (declared.name().node.as_str(), declared))
        .collect();
    globals.definitions =
        definitions.iter().map(|definition| (definition.name.node.as_str(), *definition)).collect();
    let uses = |name: &'t str| names_used(all[name].body(), &all);
    let Dependencies { order, circles } = dependency::order(all.keys().copied(), uses);
    for circle in &circles {
        diagnostics.push(in_a_circle(circle, &all));
        for name in circle {
            globals.broken.insert(name);
            if matches!(all[name], Declared::Constant(_)) {
                globals.constants.insert(name, None);
            }
        }
    }
    for name in order {
        if globals.broken.contains(name) {
            continue;
        }
        match all[name] {
            Declared::Constant(constant) => {
                let value = value_of(constant, globals, diagnostics);
                globals.constants.insert(name, value);
            }
            Declared::Definition(definition) => {
                if !is_sound(definition, globals, diagnostics) {
                    globals.broken.insert(name);
                }
            }
        }
    }
}

fn value_of<'t>(
    constant: &'t tree::Let,
    globals: &Globals<'t>,
    diagnostics: &mut Diagnostics,
) -> Option<Typed> {
    let mut registers = Registers::default();
    let mut checker = Checker::new(globals, diagnostics, Place::Constant, Visible::NOTHING, &mut registers);
    let typed = checker.check(&constant.value)?;
    let diagnostic = match typed.expr.as_const() {
        Some(value) if !value.is_null() => return Some(typed),
        Some(_) => {
            Diagnostic::new(E0214, constant.value.span, format!("`{}` has no value", constant.name.node))
                .label("null")
                .help("a division by zero, a number that grows too large and `null` itself have none")
        }
        // Nothing else that can be named here changes.
        None => Diagnostic::new(E0212, constant.value.span, "a `let` must be constant")
            .label("lists and tables change when their files do")
            .help(format!(
                "make it a `def`, which is computed where it is used: `def {}() = …`",
                constant.name.node
            )),
    };
    checker.report(diagnostic);
    None
}

fn is_sound<'t>(definition: &'t tree::Def, globals: &Globals<'t>, diagnostics: &mut Diagnostics) -> bool {
    if let Some(beyond) = definition.parameters.get(MAX_PARAMETERS) {
        let message = format!("a definition may have at most {MAX_PARAMETERS} parameters");
        diagnostics.push(
            Diagnostic::new(E0403, beyond.name.span, message).help("split the definition into several"),
        );
        return false;
    }
    let mut parameters: Vec<(&'t str, Argument)> = Vec::new();
    for parameter in &definition.parameters {
        let name = parameter.name.node.as_str();
        if parameters.iter().any(|(other, _)| *other == name) {
            let message = format!("the parameter `{name}` is declared twice");
            let first = definition.parameters.iter().find(|first| first.name.node == name);
            let first = first.map_or(parameter.name.span, |first| first.name.span);
            diagnostics.push(
                Diagnostic::new(E0106, parameter.name.span, message)
                    .label("declared again here")
                    .also(first, "first declared here")
                    .help("give one of them another name"),
            );
            return false;
        }
        if globals.reported.is_no_type(&parameter.ty) {
            return false;
        }
        // A leaf that is not constant stands for an argument: only its type matters here.
        parameters.push((name, Argument::new(Typed::new(Expr::Time, parameter.ty.node.value_type()))));
    }
    let mut registers = Registers::default();
    let mut checker = Checker::new(globals, diagnostics, Place::Constant, Visible::NOTHING, &mut registers);
    checker.with_parameters(parameters, |checker| checker.check(&definition.body)).is_some()
}

fn in_a_circle(circle: &[&str], all: &BTreeMap<&str, Declared<'_>>) -> Diagnostic {
    let spans: Vec<Span> = circle.iter().map(|name| all[name].name().span).collect();
    let message = match circle {
        [name] => format!("`{name}` uses itself"),
        _ => format!("{} use each other in a circle", listed(circle.iter().copied())),
    };
    let mut diagnostic = Diagnostic::new(E0108, spans[0], message);
    for span in spans[1..].iter().take(MAX_PLACES) {
        diagnostic = diagnostic.also(*span, "and this");
    }
    diagnostic.help("write one of them without the others: each is replaced by what it stands for")
}

/// The constants and definitions that an expression names.
fn names_used<'t>(expr: &'t tree::Expr, all: &BTreeMap<&'t str, Declared<'t>>) -> Vec<&'t str> {
    let mut names = Vec::new();
    let mut rest = vec![expr];
    while let Some(expr) = rest.pop() {
        let name = match &expr.kind {
            ExprKind::Name(name) => Some(name),
            ExprKind::Call { function, .. } => Some(&function.node),
            _ => None,
        };
        names.extend(name.and_then(|name| all.get_key_value(name.as_str())).map(|(name, _)| *name));
        rest.extend(tree::operands(expr));
    }
    names
}
