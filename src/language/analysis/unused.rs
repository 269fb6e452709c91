//! Declarations that nothing uses.
//!
//! Enters: the files of a rule set without errors. Leaves: warnings about streams, lists, tables,
//! constants and definitions that no rule and no test uses, on whatever way, and about parameters that their definition
//! does not use. A file without rules is shared between rule sets that may use other parts of it, so
//! what it declares is not warned about.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::codes::W0512;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::language::tree::{
    self, Alert, Atom, ClauseKind, Expr, ExprKind, Item, Part, StreamBody, TemplatePart, TestStepKind,
};

/// Warns about the declarations of `files` that nothing uses.
pub(super) fn check(files: &[tree::File], diagnostics: &mut Diagnostics) {
    let used = used_names(files);
    for file in files {
        let is_shared = !file.items.iter().any(|item| matches!(item, Item::Rule(_)));
        for item in &file.items {
            let (name, what) = match item {
                // What carries the alerts of a rule costs nothing while nobody reads it.
                Item::Stream(tree::Stream { body: StreamBody::Rule(_), .. }) => continue,
                Item::Stream(stream) => (&stream.name, "no rule reads the stream"),
                Item::Let(constant) => (&constant.name, "nothing uses the constant"),
                Item::Def(definition) => {
                    unused_parameters(definition, diagnostics);
                    (&definition.name, "nothing uses the definition")
                }
                Item::List(list) => (&list.name, "nothing uses the list"),
                Item::Table(table) => (&table.name, "nothing uses the table"),
                Item::Rule(_) | Item::Test(_) => continue,
            };
            if !is_shared && !used.contains(name.node.as_str()) {
                let message = format!("{what} `{}`", name.node);
                diagnostics.push(Diagnostic::new(W0512, name.span, message).help(
                    "take it out, or move it to a file without rules if other rule sets use it as well",
                ));
            }
        }
    }
}

fn unused_parameters(definition: &tree::Def, diagnostics: &mut Diagnostics) {
    let mut used = BTreeSet::new();
    names_in(&definition.body, &mut used);
    for parameter in
        definition.parameters.iter().filter(|parameter| !used.contains(parameter.name.node.as_str()))
    {
        let message =
            format!("`{}` does not use its parameter `{}`", definition.name.node, parameter.name.node);
        diagnostics.push(
            Diagnostic::new(W0512, parameter.name.span, message)
                .help("use it, or take it out here and in the calls"),
        );
    }
}

/// The names that rules and tests use, with those that what they use uses in turn.
fn used_names(files: &[tree::File]) -> BTreeSet<&str> {
    let mut bodies: BTreeMap<&str, &Expr> = BTreeMap::new();
    let mut open = BTreeSet::new();
    for item in files.iter().flat_map(|file| &file.items) {
        match item {
            Item::Rule(rule) => rule.clauses.iter().for_each(|clause| in_clause(&clause.kind, &mut open)),
            Item::Test(test) => test.steps.iter().for_each(|step| in_step(&step.kind, &mut open)),
            Item::Let(constant) => drop(bodies.insert(&constant.name.node, &constant.value)),
            Item::Def(definition) => drop(bodies.insert(&definition.name.node, &definition.body)),
            Item::Stream(_) | Item::List(_) | Item::Table(_) => {}
        }
    }
    let mut used = BTreeSet::new();
    while let Some(name) = open.pop_first() {
        if used.insert(name)
            && let Some(body) = bodies.get(name)
        {
            let mut names = BTreeSet::new();
            names_in(body, &mut names);
            open.extend(names.difference(&used));
        }
    }
    used
}

/// Every name in an expression, whatever it means there.
fn names_in<'t>(expr: &'t Expr, names: &mut BTreeSet<&'t str>) {
    let mut rest = vec![expr];
    while let Some(expr) = rest.pop() {
        match &expr.kind {
            ExprKind::Name(name) => drop(names.insert(name)),
            ExprKind::Call { function, .. } => drop(names.insert(&function.node)),
            _ => {}
        }
        rest.extend(tree::operands(expr));
    }
}

fn in_clause<'t>(clause: &'t ClauseKind, names: &mut BTreeSet<&'t str>) {
    match clause {
        ClauseKind::By(parts) => {
            let streams =
                parts.iter().flat_map(|part| &part.fields).filter_map(|field| field.stream.as_ref());
            names.extend(streams.map(|stream| stream.node.as_str()));
        }
        ClauseKind::Event(event) => {
            names.insert(&event.stream.node);
            event.condition.iter().for_each(|condition| names_in(condition, names));
        }
        ClauseKind::Match(pattern) => in_sequence(&pattern.pattern, names),
        ClauseKind::Alert(alert) => in_alert(alert, names),
        ClauseKind::OnTimeout(timeout) => in_alert(&timeout.alert, names),
        ClauseKind::Limit(limit) => limit.for_each.iter().for_each(|expr| names_in(expr, names)),
        ClauseKind::About(_)
        | ClauseKind::Tags(_)
        | ClauseKind::Runbook(_)
        | ClauseKind::Overlap(_)
        | ClauseKind::To(_)
        | ClauseKind::Max(_)
        | ClauseKind::Mode(_) => {}
    }
}

fn in_alert<'t>(alert: &'t Alert, names: &mut BTreeSet<&'t str>) {
    for part in &alert.title.parts {
        if let TemplatePart::Expr(expr) = part {
            names_in(expr, names);
        }
    }
    alert.fields.iter().for_each(|field| names_in(&field.value, names));
}

/// The names in a sequence and in its groups, which the parser does not nest deeply.
fn in_sequence<'t>(sequence: &'t tree::Sequence, names: &mut BTreeSet<&'t str>) {
    in_element(&sequence.first, names);
    for part in &sequence.rest {
        match part {
            Part::Step { element, .. } => in_element(element, names),
            Part::Absence(absence) => drop(names.insert(&absence.name.node)),
        }
    }
}

fn in_element<'t>(element: &'t tree::Element, names: &mut BTreeSet<&'t str>) {
    names.extend(element.until.iter().map(|until| until.node.as_str()));
    match &element.atom {
        Atom::Name { name, .. } => drop(names.insert(&name.node)),
        Atom::Group(group) => group.branches.iter().for_each(|branch| in_sequence(branch, names)),
        Atom::Element(inner) => in_element(inner, names),
    }
}

fn in_step<'t>(step: &'t TestStepKind, names: &mut BTreeSet<&'t str>) {
    match step {
        TestStepKind::Event { stream, fields, .. } => {
            names.insert(&stream.node);
            fields.iter().for_each(|(_, value)| names_in(value, names));
        }
        TestStepKind::ExpectAlert { fields, .. } => {
            fields.iter().for_each(|(_, value)| names_in(value, names))
        }
        TestStepKind::Restart
        | TestStepKind::Stop
        | TestStepKind::ExpectNothing
        | TestStepKind::ExpectNothingElse
        | TestStepKind::ExpectLate(_) => {}
    }
}
