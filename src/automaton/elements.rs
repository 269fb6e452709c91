//! The parts of a pattern as people count them.
//!
//! Enters: a rule. Leaves: its *elements*, the parts of its outermost sequence that take events or a span of
//! time, each with what it would be written like. A `not` between two steps is no element: it is a condition on
//! the way to the second.

use std::fmt::Write;

use super::Trigger;
use crate::event::Duration;
use crate::language::checked::{
    Absence, AbsenceKind, Link, LinkKind, Loop, Node, Part, Rule, TestId, VariableId,
};

/// A text longer than this is cut.
const LONGEST: usize = 80;

/// A part of the outermost sequence of a pattern.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Element {
    /// About as it is written in the rule: `3+ small`, `(card or wire)`, `not confirm for 30m`.
    pub text: String,
    /// What it captures.
    variables: Vec<VariableId>,
    /// What must not come, if it is an absence.
    absence: Option<TestId>,
}

/// A part of a pattern, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepInfo {
    /// About as it is written in the rule.
    pub text: String,
    /// What it captures.
    pub variables: Vec<String>,
    /// Whether it is that something does not come.
    pub absent: bool,
}

/// The parts of the pattern of a rule, in order.
pub fn steps(rule: &Rule) -> Vec<StepInfo> {
    let name = |variable: &VariableId| rule.variables[variable.0 as usize].name.to_string();
    let info = |element: Element| StepInfo {
        variables: element.variables.iter().map(name).collect(),
        absent: element.absence.is_some(),
        text: element.text,
    };
    Element::of(rule).into_iter().map(info).collect()
}

impl Element {
    /// The elements of a rule's pattern, in order.
    pub fn of(rule: &Rule) -> Vec<Element> {
        let root = [Part::Step(Link::THEN, rule.pattern.clone())];
        let parts = match &rule.pattern {
            Node::Sequence(parts) => parts,
            _ => &root[..],
        };
        let last = parts.len() - 1;
        let of_part = |(index, part): (usize, &Part)| match part {
            Part::Step(_, node) => {
                let mut element = Element::default();
                write_node(rule, node, true, &mut element.text);
                collect(node, &mut element.variables);
                Some(element.cut())
            }
            // It only says how the next step follows, unless it takes a time of its own or is all that is left.
            Part::Absence(Absence { kind: AbsenceKind::Between | AbsenceKind::Next, .. }) if index < last => {
                None
            }
            Part::Absence(absence) => {
                let mut element = Element { absence: Some(absence.test), ..Element::default() };
                write_absence(rule, absence, &mut element.text);
                Some(element.cut())
            }
        };
        parts.iter().enumerate().filter_map(of_part).collect()
    }

    /// Whether something that a run can do next belongs to it.
    pub fn has(&self, trigger: &Trigger) -> bool {
        match trigger {
            Trigger::Take { variable, .. } => self.captures(*variable),
            Trigger::Absence { test, .. } => self.absence == Some(*test),
        }
    }

    /// Whether it captures something as this.
    pub fn captures(&self, variable: VariableId) -> bool {
        self.variables.contains(&variable)
    }

    fn cut(mut self) -> Element {
        if self.text.chars().count() > LONGEST {
            let end = self.text.char_indices().nth(LONGEST - 1).map_or(self.text.len(), |(end, _)| end);
            self.text.truncate(end);
            self.text.push('…');
        }
        self
    }
}

/// The variables of a node, which is nested as deep as the parser allows.
fn collect(node: &Node, variables: &mut Vec<VariableId>) {
    match node {
        Node::Step { variable, .. } => variables.push(*variable),
        Node::Sequence(parts) => parts.iter().for_each(|part| {
            if let Part::Step(_, node) = part {
                collect(node, variables);
            }
        }),
        Node::Or(branches) | Node::And(branches) => {
            branches.iter().for_each(|branch| collect(branch, variables));
        }
        Node::Loop(repeat) => collect(&repeat.body, variables),
        Node::Within(_, body) => collect(body, variables),
    }
}

/// Writes a node; what consists of several is put in parentheses unless it stands there `alone`.
fn write_node(rule: &Rule, node: &Node, alone: bool, out: &mut String) {
    // What is behind this would be cut away.
    if out.len() > 4 * LONGEST {
        return;
    }
    match node {
        Node::Step { test, variable } => {
            let (name, variable) = (name(rule, *test), &rule.variables[variable.0 as usize].name);
            out.push_str(name);
            if name != variable {
                let _ = write!(out, " as {variable}");
            }
        }
        Node::Loop(repeat) => write_loop(rule, repeat, out),
        Node::Or(branches) => enclose(out, |out| write_branches(rule, branches, " or ", out)),
        Node::And(branches) => enclose(out, |out| write_branches(rule, branches, " and ", out)),
        Node::Sequence(parts) if alone => write_sequence(rule, parts, out),
        Node::Sequence(parts) => enclose(out, |out| write_sequence(rule, parts, out)),
        Node::Within(clock, body) => enclose(out, |out| {
            match &**body {
                Node::Or(branches) => write_branches(rule, branches, " or ", out),
                Node::And(branches) => write_branches(rule, branches, " and ", out),
                body => write_node(rule, body, true, out),
            }
            write_within(rule.clocks[clock.0 as usize], out);
        }),
    }
}

fn enclose(out: &mut String, write: impl FnOnce(&mut String)) {
    out.push('(');
    write(out);
    out.push(')');
}

fn write_branches(rule: &Rule, branches: &[Node], between: &str, out: &mut String) {
    for (index, branch) in branches.iter().enumerate() {
        out.push_str(if index > 0 { between } else { "" });
        write_node(rule, branch, true, out);
    }
}

fn write_sequence(rule: &Rule, parts: &[Part], out: &mut String) {
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Step(link, node) => {
                if index > 0 {
                    out.push_str(match link.kind {
                        LinkKind::Then => " then",
                        LinkKind::ThenAny => " then any",
                        LinkKind::Next => " next",
                    });
                    link.within.iter().for_each(|within| write_within(*within, out));
                    out.push(' ');
                }
                write_node(rule, node, false, out);
            }
            Part::Absence(absence) => {
                out.push_str(if absence.kind == AbsenceKind::Next { " next " } else { " then " });
                write_absence(rule, absence, out);
            }
        }
    }
}

fn write_within(within: Duration, out: &mut String) {
    let _ = write!(out, " within {within}");
}

fn write_absence(rule: &Rule, absence: &Absence, out: &mut String) {
    let _ = write!(out, "not {}", name(rule, absence.test));
    if let AbsenceKind::For(span) = absence.kind {
        let _ = write!(out, " for {span}");
    }
}

fn write_loop(rule: &Rule, repeat: &Loop, out: &mut String) {
    match (repeat.min, repeat.max) {
        (0, Some(1)) => out.push_str("optional "),
        (min, Some(max)) if min == max => drop(write!(out, "{min} ")),
        (min, Some(max)) => drop(write!(out, "{min}..{max} ")),
        (min, None) => drop(write!(out, "{min}+ ")),
    }
    out.push_str(if repeat.lazy { "lazy " } else { "" });
    out.push_str(match repeat.join {
        LinkKind::Then => "",
        LinkKind::ThenAny => "any ",
        LinkKind::Next => "consecutive ",
    });
    write_node(rule, &repeat.body, false, out);
    if let Some(until) = repeat.until {
        let _ = write!(out, " until {}", name(rule, until));
    }
}

fn name(rule: &Rule, test: TestId) -> &str {
    &rule.tests[test.0 as usize].name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Sources;
    use crate::program::Program;

    /// The elements of a pattern.
    fn elements(pattern: &str) -> Vec<String> {
        let text = format!(
            "stream s {{ k string, n int }}\n\
             rule r {{\n  by k\n  event a = s where n == 1\n  event b = s where n == 2\n  event c = s where n == 3\n\
             match {pattern}\n  alert low \"x\"\n}}\n"
        );
        let sources = Sources::new([("rules.trip", &*text)]);
        let (program, diagnostics) = Program::compile(&sources);
        let program = program.unwrap_or_else(|| panic!("{pattern}: {diagnostics:?}"));
        Element::of(&program.compiled()[0].rule).into_iter().map(|element| element.text).collect()
    }

    #[test]
    fn elements_are_counted_and_written_as_people_do() {
        assert_eq!(elements("a within 1h"), ["a"]);
        assert_eq!(elements("3+ a then b as last within 1h"), ["3+ a", "b as last"]);
        assert_eq!(elements("a then not c then b within 1h"), ["a", "b"]);
        assert_eq!(elements("a next not c then b within 1h"), ["a", "b"]);
        assert_eq!(elements("a then not c for 30m then b within 1h"), ["a", "not c for 30m", "b"]);
        assert_eq!(elements("a then b then not c within 1h"), ["a", "b", "not c"]);
        assert_eq!(elements("a then (b or c) within 1h"), ["a", "(b or c)"]);
        assert_eq!(elements("a then (b and c within 5m) within 1h"), ["a", "(b and c within 5m)"]);
        assert_eq!(
            elements("2..3 consecutive a then optional b then 2+ any c within 1h"),
            ["2..3 consecutive a", "optional b", "2+ any c"]
        );
        assert_eq!(
            elements("2 (a then within 5s b) then 1+ lazy c until a within 1h"),
            ["2 (a then within 5s b)", "1+ lazy c until a"]
        );
    }
}
