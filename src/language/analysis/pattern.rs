//! The pattern: from the syntax tree to checked nodes, with everything that the language rejects.

use compact_str::CompactString;

use crate::diagnostic::codes::{E0103, E0301, E0302, E0303, E0304, E0305, E0306, E0307, E0308, E0309, E0403};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, nearest};
use crate::event::{Duration, StreamId};
use crate::expression::Expr;
use crate::language::checked::{
    Absence, AbsenceKind, ClockId, Link, LinkKind, Loop, LoopId, Node, Part, RunRegister, Test, TestId,
    Variable, VariableId,
};
use crate::language::tree::{self, Atom, Modifier, Quantifier};

use super::expression::{Checker, Place};
use super::lint;
use super::scope::Globals;
use super::variables::{Around, Captured, Visible};

/// Greatest count that a pattern may ask for.
pub const MAX_COUNT: u32 = 10_000;

/// What a pattern consists of once it has been checked.
pub(super) struct Checked {
    pub root: Node,
    pub variables: Vec<Variable>,
    pub captured: Vec<Captured>,
    pub tests: Vec<Test>,
    pub registers: Vec<RunRegister>,
    pub clocks: Vec<Duration>,
    /// Whether a copy of a run may go on without an event that it could have taken.
    pub uses_any: bool,
    /// Whether something in it, or around it, limits its time.
    pub is_limited: bool,
}

/// Checks the pattern of one rule.
pub(super) struct PatternChecker<'g, 't> {
    globals: &'g Globals<'t>,
    diagnostics: &'g mut Diagnostics,
    events: &'g [&'t tree::EventDef],
    /// Names of all variables, in the order of the pattern.
    names: Vec<CompactString>,
    used_events: Vec<bool>,
    captured: Vec<Captured>,
    tests: Vec<Test>,
    registers: Vec<RunRegister>,
    clocks: Vec<Duration>,
    /// The loops around the place being checked.
    around: Vec<Around>,
    /// The time limits around the place being checked, the innermost last.
    limits: Vec<tree::Spanned<Duration>>,
    loops: u32,
    scopes: u32,
    uses_any: bool,
    is_limited: bool,
}

impl<'g, 't> PatternChecker<'g, 't> {
    pub fn new(
        globals: &'g Globals<'t>,
        diagnostics: &'g mut Diagnostics,
        events: &'g [&'t tree::EventDef],
    ) -> PatternChecker<'g, 't> {
        PatternChecker {
            globals,
            diagnostics,
            events,
            names: Vec::new(),
            used_events: vec![false; events.len()],
            captured: Vec::new(),
            tests: Vec::new(),
            registers: Vec::new(),
            clocks: Vec::new(),
            around: Vec::new(),
            limits: Vec::new(),
            loops: 0,
            scopes: 0,
            uses_any: false,
            is_limited: false,
        }
    }

    /// The checked pattern; `None` when something is wrong, which has been reported.
    pub fn check(mut self, clause: &'t tree::Match) -> Option<Checked> {
        collect_names(&clause.pattern, &mut self.names);
        self.limits.extend(clause.within.clone());
        self.is_limited = clause.within.is_some();
        let root = self.sequence(&clause.pattern, Ends::Match { limited: clause.within.is_some() });
        if is_nullable(&clause.pattern) {
            self.report_nullable(clause.pattern.span, "the pattern");
        }
        for (used, event) in self.used_events.iter().zip(self.events) {
            if !used {
                self.diagnostics.push(lint::unused_event(event));
                check_unused(event, self.globals, self.diagnostics, &self.captured);
            }
        }
        let variables = self
            .captured
            .iter()
            .map(|captured| Variable {
                name: captured.name.clone(),
                stream: captured.stream,
                repeated: captured.around.iter().any(|around| around.repeats),
            })
            .collect();
        Some(Checked {
            root: root?,
            variables,
            captured: self.captured,
            tests: self.tests,
            registers: self.registers,
            clocks: self.clocks,
            uses_any: self.uses_any,
            is_limited: self.is_limited,
        })
    }

    fn report_nullable(&mut self, span: Span, what: &str) {
        self.diagnostics.push(
            Diagnostic::new(E0301, span, format!("{what} could match nothing"))
                .help("make at least one step of it neither optional nor `0+`"),
        );
    }

    fn sequence(&mut self, sequence: &'t tree::Sequence, ends: Ends) -> Option<Node> {
        let mut sound = true;
        let mut parts = Vec::new();
        match self.element(&sequence.first) {
            Some(node) => parts.push(Part::Step(Link::THEN, node)),
            None => sound = false,
        }
        let mut certain = !is_nullable_element(&sequence.first);
        for (index, part) in sequence.rest.iter().enumerate() {
            match part {
                tree::Part::Step { link, element } => {
                    self.uses_any |= link.kind == LinkKind::ThenAny;
                    self.is_limited |= link.within.is_some();
                    let within = link.within.as_ref().map(|within| within.node);
                    match self.element(element) {
                        Some(node) => parts.push(Part::Step(Link { kind: link.kind, within }, node)),
                        None => sound = false,
                    }
                    certain |= !is_nullable_element(element);
                }
                tree::Part::Absence(absence) => {
                    if !certain {
                        self.diagnostics.push(
                            Diagnostic::new(
                                E0302,
                                absence.span,
                                "everything before this absence could be left out",
                            )
                            .help("an absence needs something certain to begin from"),
                        );
                        sound = false;
                    }
                    self.absence_in_place(absence, index, sequence, ends);
                    match self.test(&absence.name, self.captured.len()) {
                        Some(test) => {
                            parts.push(Part::Absence(Absence { test, kind: absence_kind(absence) }))
                        }
                        None => sound = false,
                    }
                }
            }
        }
        sound.then(|| if parts.len() == 1 { only(parts) } else { Node::Sequence(parts) })
    }

    /// Reports an absence where none may stand.
    fn absence_in_place(
        &mut self,
        absence: &'t tree::Absence,
        index: usize,
        sequence: &'t tree::Sequence,
        ends: Ends,
    ) {
        if let Some(tree::Part::Absence(before)) = index.checked_sub(1).map(|before| &sequence.rest[before])
            && before.duration.is_none()
        {
            self.diagnostics.push(
                Diagnostic::new(E0303, absence.span, "an absence directly after another one without `for`")
                    .also(before.span, "this one has no end of its own")
                    .help("define one event that fits both: `event either = stream where … or …`"),
            );
        }
        let last = index + 1 == sequence.rest.len();
        match (last, ends) {
            (true, Ends::Group) => self.diagnostics.push(
                Diagnostic::new(E0305, absence.span, "an absence cannot end a group")
                    .help("put it after the parentheses, or put a step after it"),
            ),
            (true, Ends::Match { limited: false }) if absence.duration.is_none() => self.diagnostics.push(
                Diagnostic::new(E0304, absence.span, "nothing says how long this must not come").help(
                    format!(
                        "write `then not {} for 30m`, or end the match with `within 1h`",
                        absence.name.node
                    ),
                ),
            ),
            (false, _) => self.absence_fits(absence),
            _ => {}
        }
    }

    /// Reports an absence with a step after it that lasts as long as a time limit around both.
    fn absence_fits(&mut self, absence: &'t tree::Absence) {
        let Some(duration) = &absence.duration else { return };
        if let Some(limit) = self.limits.iter().find(|limit| limit.node <= duration.node) {
            self.diagnostics.push(
                Diagnostic::new(E0306, duration.span, "this absence is as long as the time around it")
                    .also(limit.span, "so that nothing after it can come in time")
                    .help("make the absence shorter or the limit longer"),
            );
        }
    }

    fn element(&mut self, element: &'t tree::Element) -> Option<Node> {
        let Some(quantifier) = &element.quantifier else {
            if let Some(until) = &element.until {
                self.report_until(until);
            }
            return self.atom(&element.atom);
        };
        let (min, max, modifiers): (u32, Option<u32>, &[tree::Spanned<Modifier>]) = match quantifier {
            Quantifier::Optional(_) => (0, Some(1), &[]),
            Quantifier::Count(count, modifiers) => {
                self.check_count(count, modifiers)?;
                (count.node.min, count.node.max, modifiers)
            }
        };
        let single = is_single_step(&element.atom);
        if let Some(until) = &element.until
            && !(max.is_none() && single)
        {
            self.report_until(until);
        }
        if is_nullable_atom(&element.atom) {
            self.report_nullable(element.span, "what is repeated here");
        }
        let repeats = max != Some(1);
        let scope = (repeats && !single).then(|| {
            self.scopes += 1;
            LoopId(self.scopes - 1)
        });
        self.loops += 1;
        self.around.push(Around { number: self.loops, repeats, scope });
        let body = self.atom(&element.atom);
        let until = element.until.as_ref().map(|until| self.test(until, self.captured.len()));
        self.around.pop();
        let has = |wanted| modifiers.iter().any(|modifier| modifier.node == wanted);
        let join = match () {
            () if has(Modifier::Any) => LinkKind::ThenAny,
            () if has(Modifier::Consecutive) => LinkKind::Next,
            () => LinkKind::Then,
        };
        self.uses_any |= join == LinkKind::ThenAny;
        let until = match until {
            Some(test) => Some(test?),
            None => None,
        };
        Some(Node::Loop(Box::new(Loop {
            scope,
            body: body?,
            min,
            max,
            lazy: has(Modifier::Lazy),
            join,
            until,
        })))
    }

    fn report_until(&mut self, until: &tree::Name) {
        self.diagnostics.push(
            Diagnostic::new(
                E0307,
                until.span,
                "`until` ends an open count of a single step, such as `3+ a until r`",
            )
            .help("take it away, or count a single event with `+`"),
        );
    }

    fn check_count(
        &mut self,
        count: &tree::Spanned<tree::Count>,
        modifiers: &[tree::Spanned<Modifier>],
    ) -> Option<()> {
        let tree::Count { min, max } = count.node;
        let wrong = |message: &str, help: &str| Diagnostic::new(E0308, count.span, message).help(help);
        let problem = if max == Some(0) {
            Some(wrong(
                "something that comes zero times is no part of a match",
                "use `then not …` for what must not come",
            ))
        } else if max.is_some_and(|max| max < min) {
            Some(wrong("the count goes down", "write the smaller number first"))
        } else if min.max(max.unwrap_or(0)) > MAX_COUNT {
            let message = format!("a count may be at most {MAX_COUNT}");
            Some(
                Diagnostic::new(E0403, count.span, message)
                    .help("count a smaller number, or use a shorter window"),
            )
        } else if let (true, Some(lazy)) =
            (max == Some(min), modifiers.iter().find(|modifier| modifier.node == Modifier::Lazy))
        {
            Some(
                Diagnostic::new(E0308, lazy.span, "an exact count cannot be lazy")
                    .help("it always takes the same number; take `lazy` away"),
            )
        } else {
            modifiers
                .iter()
                .find(|modifier| modifier.node == Modifier::Any)
                .filter(|_| modifiers.iter().any(|modifier| modifier.node == Modifier::Consecutive))
                .map(|any| {
                    Diagnostic::new(E0308, any.span, "repetitions cannot be both consecutive and any")
                        .help("keep one of the two")
                })
        };
        match problem {
            Some(diagnostic) => {
                self.diagnostics.push(diagnostic);
                None
            }
            None => Some(()),
        }
    }

    fn atom(&mut self, atom: &'t Atom) -> Option<Node> {
        match atom {
            Atom::Name { name, alias } => {
                let variable = alias.as_ref().unwrap_or(name);
                let stream = self.stream_of(name)?;
                if self.captured.iter().any(|captured| captured.name == variable.node.as_str()) {
                    self.diagnostics.push(
                        Diagnostic::new(
                            E0309,
                            variable.span,
                            format!("`{}` captures at two places", variable.node),
                        )
                        .help(format!("name one of them: `{} as other`", name.node)),
                    );
                    return None;
                }
                let id = VariableId(self.captured.len() as u32);
                self.captured.push(Captured {
                    name: CompactString::new(&variable.node),
                    stream,
                    around: self.around.clone(),
                });
                let test = self.test(name, id.0 as usize + 1)?;
                Some(Node::Step { test, variable: id })
            }
            Atom::Group(group) => self.group(group),
            Atom::Element(element) => self.element(element),
        }
    }

    fn group(&mut self, group: &'t tree::Group) -> Option<Node> {
        self.limits.extend(group.within.clone());
        let mut nodes = Vec::new();
        for branch in &group.branches {
            nodes.push(self.sequence(branch, Ends::Group));
            if is_nullable(branch) {
                let what = if group.branches.len() > 1 { "this branch" } else { "this group" };
                self.report_nullable(branch.span, what);
            }
        }
        if group.within.is_some() {
            self.limits.pop();
        }
        let mut nodes: Vec<Node> = nodes.into_iter().collect::<Option<_>>()?;
        let node = match (nodes.len(), group.kind) {
            (1, _) => nodes.remove(0),
            (_, tree::GroupKind::Or) => Node::Or(nodes),
            (count, tree::GroupKind::And) if count > 32 => {
                self.diagnostics.push(Diagnostic::new(
                    E0403,
                    group.span,
                    format!("{count} branches in any order; at most 32 are possible"),
                ));
                return None;
            }
            (_, tree::GroupKind::And) => Node::And(nodes),
        };
        let Some(within) = &group.within else { return Some(node) };
        self.is_limited = true;
        self.clocks.push(within.node);
        Some(Node::Within(ClockId(self.clocks.len() as u32 - 1), Box::new(node)))
    }

    /// The stream of an event definition or a stream itself.
    fn stream_of(&mut self, name: &tree::Name) -> Option<StreamId> {
        match self.event(&name.node) {
            Some((index, event)) => {
                self.used_events[index] = true;
                // An unknown stream is reported where the event is defined.
                self.globals.stream(&event.stream.node)
            }
            None => self.globals.stream(&name.node).or_else(|| {
                self.diagnostics.push(self.unknown_event(name));
                None
            }),
        }
    }

    fn event(&self, name: &str) -> Option<(usize, &'t tree::EventDef)> {
        let index = self.events.iter().position(|event| event.name.node == name)?;
        Some((index, self.events[index]))
    }

    fn unknown_event(&self, name: &tree::Name) -> Diagnostic {
        let known = self
            .events
            .iter()
            .map(|event| event.name.node.as_str())
            .chain(self.globals.streams.iter().map(|stream| stream.name.as_str()));
        let diagnostic =
            Diagnostic::new(E0103, name.span, format!("there is no event or stream `{}`", name.node));
        match nearest(&name.node, known) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => {
                diagnostic.help(format!("define it in this rule: `event {} = stream where …`", name.node))
            }
        }
    }

    /// The test for an event as seen from the place being checked, where the first `seen`
    /// variables can be used.
    fn test(&mut self, name: &'t tree::Name, seen: usize) -> Option<TestId> {
        let stream = self.stream_of(name)?;
        let condition = self.event(&name.node).and_then(|(_, event)| event.condition.as_ref());
        let checked = match condition {
            Some(condition) => self.condition(condition, stream, seen)?,
            None => Expr::TRUE,
        };
        let (unary, residual) = match checked.as_const().and_then(crate::event::Value::as_bool) {
            Some(true) => (None, None),
            _ => checked.split_by_registers(),
        };
        let id = TestId(self.tests.len() as u32);
        self.tests.push(Test {
            name: CompactString::new(&name.node),
            stream,
            unary,
            residual,
            source: condition.map(|condition| condition.span),
        });
        Some(id)
    }

    fn condition(&mut self, condition: &'t tree::Expr, stream: StreamId, seen: usize) -> Option<Expr> {
        let visible =
            Visible { captured: &self.captured[..seen], around: &self.around, later: &self.names[seen..] };
        let mut checker = Checker::new(
            self.globals,
            self.diagnostics,
            Place::Condition { stream },
            visible,
            &mut self.registers,
        );
        let typed = checker.check(condition)?;
        checker.expect_bool(&typed, condition.span, "`where` needs a condition")?;
        lint::constant_condition(&typed.expr, condition.span, self.diagnostics);
        Some(typed.expr)
    }
}

/// What the end of a sequence is the end of.
#[derive(Clone, Copy)]
enum Ends {
    Match { limited: bool },
    Group,
}

fn absence_kind(absence: &tree::Absence) -> AbsenceKind {
    match &absence.duration {
        Some(duration) => AbsenceKind::For(duration.node),
        None if absence.next => AbsenceKind::Next,
        None => AbsenceKind::Between,
    }
}

/// The node of a sequence of one step.
fn only(parts: Vec<Part>) -> Node {
    match parts.into_iter().next() {
        Some(Part::Step(_, node)) => node,
        _ => unreachable!("a sequence begins with an element"),
    }
}

/// Checks the condition of an event that the pattern does not use, so that mistakes in it show.
fn check_unused<'t>(
    event: &'t tree::EventDef,
    globals: &Globals<'t>,
    diagnostics: &mut Diagnostics,
    captured: &[Captured],
) {
    let (Some(condition), Some(stream)) = (&event.condition, globals.stream(&event.stream.node)) else {
        return;
    };
    let visible = Visible { captured, around: &[], later: &[] };
    let mut registers = Vec::new();
    Checker::new(globals, diagnostics, Place::Condition { stream }, visible, &mut registers).check(condition);
}

/// Names of the variables of a sequence, in order.
fn collect_names(sequence: &tree::Sequence, names: &mut Vec<CompactString>) {
    let rest = sequence.rest.iter().filter_map(|part| match part {
        tree::Part::Step { element, .. } => Some(element),
        tree::Part::Absence(_) => None,
    });
    for element in std::iter::once(&sequence.first).chain(rest) {
        collect_element_names(element, names);
    }
}

fn collect_element_names(element: &tree::Element, names: &mut Vec<CompactString>) {
    match &element.atom {
        Atom::Name { name, alias } => names.push(CompactString::new(&alias.as_ref().unwrap_or(name).node)),
        Atom::Group(group) => group.branches.iter().for_each(|branch| collect_names(branch, names)),
        Atom::Element(element) => collect_element_names(element, names),
    }
}

/// Whether all of a sequence could be left out.
fn is_nullable(sequence: &tree::Sequence) -> bool {
    is_nullable_element(&sequence.first)
        && sequence.rest.iter().all(|part| match part {
            tree::Part::Step { element, .. } => is_nullable_element(element),
            tree::Part::Absence(_) => true,
        })
}

fn is_nullable_element(element: &tree::Element) -> bool {
    match &element.quantifier {
        Some(Quantifier::Optional(_)) => true,
        Some(Quantifier::Count(count, _)) if count.node.min == 0 => true,
        _ => is_nullable_atom(&element.atom),
    }
}

fn is_nullable_atom(atom: &Atom) -> bool {
    match atom {
        Atom::Name { .. } => false,
        Atom::Group(group) => match group.kind {
            tree::GroupKind::Or => group.branches.iter().any(is_nullable),
            tree::GroupKind::And => group.branches.iter().all(is_nullable),
        },
        Atom::Element(element) => is_nullable_element(element),
    }
}

/// Whether an atom takes exactly one event: a name, perhaps in parentheses.
fn is_single_step(atom: &Atom) -> bool {
    match atom {
        Atom::Name { .. } => true,
        Atom::Group(group) => match group.branches.as_slice() {
            [branch] => {
                branch.rest.is_empty()
                    && branch.first.quantifier.is_none()
                    && is_single_step(&branch.first.atom)
            }
            _ => false,
        },
        Atom::Element(_) => false,
    }
}
