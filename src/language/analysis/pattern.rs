//! The pattern: from the syntax tree to checked nodes, with everything that the language rejects.

use std::collections::{BTreeMap, HashMap};

use compact_str::CompactString;

use crate::diagnostic::codes::{E0103, E0301, E0302, E0303, E0304, E0305, E0306, E0307, E0309, E0403};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, nearest};
use crate::event::{Duration, StreamId};
use crate::expression::Expr;
use crate::language::checked::{
    Absence, ClockId, Conjunct, History, Link, LinkKind, Loop, LoopId, Node, Part, RunRegister, Test, TestId,
    Variable,
};
use crate::language::tree::{self, Atom, Modifier, Quantifier};

use super::expression::{Checker, Place};
use super::scope::Globals;
use super::shape::{
    absence_kind, collect_names, is_nullable, is_nullable_atom, is_nullable_element, is_single_step,
    wrong_count,
};
use super::variables::{Around, Captured, Registers, Variables, Visible};
use super::{conjuncts, lint};

/// Most groups with a time limit, and most values of captured events that conditions read: every run
/// keeps them.
const MAX_KEPT: usize = 1_000;
/// Most branches that may come in any order: a state keeps one bit for each.
const MAX_BRANCHES: usize = 32;

/// What a pattern consists of once it has been checked.
pub(super) struct Checked {
    /// `None` when something is wrong, which has been reported. The rest then holds what could be
    /// understood, so that mistakes elsewhere in the rule are found as well.
    pub root: Option<Node>,
    pub variables: Vec<Variable>,
    pub captured: Variables,
    pub tests: Vec<Test>,
    pub registers: Vec<RunRegister>,
    pub histories: Vec<History>,
    pub clocks: Vec<Duration>,
    /// Where a copy of a run may first go on without an event that it could have taken.
    pub any: Option<Span>,
    /// The first absence that is decided by the passing of time.
    pub waits: Option<Span>,
    /// Whether something in it, or around it, limits its time.
    pub is_limited: bool,
    /// The streams that it reads, with the place that first names each.
    pub reads: BTreeMap<StreamId, Span>,
}

/// The event or stream that a name in a pattern means, as far as that is known.
struct Meant<'t> {
    event: Option<&'t tree::EventDef>,
    stream: Option<StreamId>,
    /// Its name; another than the one written where that is misspelt.
    name: CompactString,
}

/// Checks the pattern of one rule.
pub(super) struct PatternChecker<'g, 't> {
    globals: &'g Globals<'t>,
    diagnostics: &'g mut Diagnostics,
    events: &'g [&'t tree::EventDef],
    /// Their places by name.
    event_places: HashMap<&'t str, usize>,
    /// How many names of the pattern stand before or at the place being checked.
    place: usize,
    used_events: Vec<bool>,
    captured: Variables,
    tests: Vec<Test>,
    registers: Registers,
    clocks: Vec<Duration>,
    /// The loops around the place being checked.
    around: Vec<Around>,
    /// The time limits around the place being checked, the innermost last.
    limits: Vec<tree::Spanned<Duration>>,
    loops: u32,
    scopes: u32,
    any: Option<Span>,
    waits: Option<Span>,
    is_limited: bool,
    reads: BTreeMap<StreamId, Span>,
    /// What has been reported as able to match nothing.
    nullable: Vec<Span>,
    /// Whether events of the rule could not be read.
    is_incomplete: bool,
    /// Whether no error has been found.
    is_sound: bool,
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
            event_places: events.iter().map(|event| event.name.node.as_str()).zip(0..).collect(),
            place: 0,
            used_events: vec![false; events.len()],
            captured: Variables::default(),
            tests: Vec::new(),
            registers: Registers::default(),
            clocks: Vec::new(),
            around: Vec::new(),
            limits: Vec::new(),
            loops: 0,
            scopes: 0,
            any: None,
            waits: None,
            is_limited: false,
            reads: BTreeMap::new(),
            nullable: Vec::new(),
            is_incomplete: false,
            is_sound: true,
        }
    }

    /// Checks the pattern; what is wrong is reported. `is_incomplete`: events of the rule could not
    /// be read.
    pub fn check(mut self, clause: &'t tree::Match, is_incomplete: bool) -> Checked {
        self.is_incomplete = is_incomplete;
        let mut names = Vec::new();
        collect_names(&clause.pattern, &mut names);
        self.captured = Variables::named(names);
        self.limits.extend(clause.within.clone());
        self.is_limited = clause.within.is_some();
        let root = self.sequence(&clause.pattern, Ends::Match { limited: clause.within.is_some() });
        if is_nullable(&clause.pattern) {
            self.report_nullable(clause.pattern.span, "the pattern");
        }
        self.check_kept(clause.pattern.span);
        let visible = Visible { is_incomplete, ..Visible::of_alert(&self.captured, self.events) };
        for (_, event) in self.used_events.iter().zip(self.events).filter(|(used, _)| !**used) {
            if !is_incomplete {
                self.diagnostics.push(lint::unused_event(event));
            }
            check_unused(event, self.globals, self.diagnostics, visible);
        }
        let variable = |captured: &Captured| {
            Some(Variable {
                name: captured.name.clone(),
                span: captured.span,
                stream: captured.stream?,
                repeated: captured.around.iter().any(|around| around.repeats),
            })
        };
        let (registers, histories) = self.registers.into_parts();
        Checked {
            root: root.filter(|_| self.is_sound && !is_incomplete),
            variables: self.captured.iter().filter_map(variable).collect(),
            captured: self.captured,
            tests: self.tests,
            registers,
            histories,
            clocks: self.clocks,
            any: self.any,
            waits: self.waits,
            is_limited: self.is_limited,
            reads: self.reads,
        }
    }

    /// Reports what would make every run large.
    fn check_kept(&mut self, span: Span) {
        let kept = [
            (self.clocks.len(), "groups with a time limit"),
            (self.registers.len(), "values of captured events that its conditions read"),
        ];
        for (count, what) in kept.into_iter().filter(|(count, _)| *count > MAX_KEPT) {
            let message = format!("the pattern has {count} {what}; at most {MAX_KEPT} are possible");
            let diagnostic = Diagnostic::new(E0403, span, message)
                .label("every partial match keeps them")
                .help("split the rule into several");
            self.report(diagnostic);
        }
    }

    /// Reports an error.
    fn report(&mut self, diagnostic: Diagnostic) {
        self.is_sound = false;
        self.diagnostics.push(diagnostic);
    }

    /// Reports the innermost part only: what is around it can match nothing because of it.
    fn report_nullable(&mut self, span: Span, what: &str) {
        if self.diagnostics.is_full()
            || self.nullable.iter().any(|inner| span.start <= inner.start && inner.end <= span.end)
        {
            return;
        }
        self.nullable.push(span);
        self.report(
            Diagnostic::new(E0301, span, format!("{what} could match nothing"))
                .label("every step of it may be left out")
                .help("make at least one step of it neither `optional` nor `0+`"),
        );
    }

    fn sequence(&mut self, sequence: &'t tree::Sequence, ends: Ends) -> Option<Node> {
        let mut parts = vec![self.element(&sequence.first).map(|node| Part::Step(Link::THEN, node))];
        let mut certain = !is_nullable_element(&sequence.first);
        for (index, part) in sequence.rest.iter().enumerate() {
            match part {
                tree::Part::Step { link, element } => {
                    parts.push(self.step(link, element));
                    certain |= !is_nullable_element(element);
                }
                tree::Part::Absence(absence) => {
                    if !certain {
                        self.report(
                            Diagnostic::new(
                                E0302,
                                absence.span,
                                "everything before this absence could be left out",
                            )
                            .help("begin with a step that is neither `optional` nor `0+`: the absence counts from its event"),
                        );
                    }
                    self.absence_in_place(absence, index, sequence, ends);
                    let meant = self.look_up(&absence.name);
                    let test = self.test(&absence.name, meant, self.captured.len());
                    parts.push(test.map(|test| Part::Absence(Absence { test, kind: absence_kind(absence) })));
                }
            }
        }
        let parts: Vec<Part> = parts.into_iter().collect::<Option<_>>()?;
        Some(if parts.len() == 1 { only(parts) } else { Node::Sequence(parts) })
    }

    fn step(&mut self, link: &tree::Link, element: &'t tree::Element) -> Option<Part> {
        if link.kind == LinkKind::ThenAny {
            self.any.get_or_insert(link.span);
        }
        self.is_limited |= link.within.is_some();
        let within = link.within.as_ref().map(|within| within.node);
        let node = self.element(element)?;
        Some(Part::Step(Link { kind: link.kind, within }, node))
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
            self.report(
                Diagnostic::new(E0303, absence.span, "an absence directly after another one without `for`")
                    .also(before.span, "this one has no end of its own")
                    .help("define one event that covers both: `event either = … where … or …`"),
            );
        }
        let last = index + 1 == sequence.rest.len();
        if absence.duration.is_some() || last {
            self.waits.get_or_insert(absence.span);
        }
        match (last, ends) {
            (true, Ends::Group) => self.report(
                Diagnostic::new(E0305, absence.span, "an absence cannot end a group")
                    .help("put it after the parentheses, or put a step after it"),
            ),
            (true, Ends::Match { limited: false }) if absence.duration.is_none() => self.report(
                Diagnostic::new(
                    E0304,
                    absence.span,
                    format!("nothing says how long `{}` must not come", absence.name.node),
                )
                .help(format!(
                    "write `then not {} for 30m`, or end the match with `within 1h`",
                    absence.name.node
                )),
            ),
            (false, _) => self.absence_fits(absence),
            _ => {}
        }
    }

    /// Reports an absence with a step after it that lasts as long as a time limit around both.
    fn absence_fits(&mut self, absence: &'t tree::Absence) {
        let Some(duration) = &absence.duration else { return };
        if let Some(limit) = self.limits.iter().find(|limit| limit.node <= duration.node) {
            let diagnostic =
                Diagnostic::new(E0306, duration.span, "after this absence it is too late for the next step")
                    .label(format!("decided only when these {} have passed", duration.node))
                    .also(limit.span, "but all must come within this time")
                    .help("make the absence shorter or the limit longer");
            self.report(diagnostic);
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
                if let Some(diagnostic) = wrong_count(count, modifiers) {
                    self.report(diagnostic);
                }
                (count.node.min, count.node.max, modifiers)
            }
        };
        let single = is_single_step(&element.atom);
        if let Some(until) = &element.until
            && !(max.is_none() && single)
        {
            self.report_until(until);
        }
        let repeats = max != Some(1);
        let scope = (repeats && !single).then(|| {
            self.scopes += 1;
            LoopId(self.scopes - 1)
        });
        self.loops += 1;
        self.around.push(Around { number: self.loops, repeats, scope });
        let body = self.atom(&element.atom);
        let until = element.until.as_ref().map(|until| {
            let meant = self.look_up(until);
            self.test(until, meant, self.captured.len())
        });
        self.around.pop();
        if is_nullable_atom(&element.atom) {
            self.report_nullable(element.span, "what is repeated here");
        }
        let find = |wanted| modifiers.iter().find(|modifier| modifier.node == wanted);
        let join = match (find(Modifier::Any), find(Modifier::Consecutive)) {
            (Some(any), _) => {
                self.any.get_or_insert(any.span);
                LinkKind::ThenAny
            }
            (None, Some(_)) => LinkKind::Next,
            (None, None) => LinkKind::Then,
        };
        let until = match until {
            Some(test) => Some(test?),
            None => None,
        };
        let lazy = find(Modifier::Lazy).is_some();
        Some(Node::Loop(Box::new(Loop { scope, body: body?, min, max, lazy, join, until })))
    }

    /// Reports an `until` where it has no meaning; the event that it names counts as used.
    fn report_until(&mut self, until: &'t tree::Name) {
        self.look_up(until);
        self.report(Diagnostic::new(E0307, until.span, "`until` has no meaning here").help(
            "it ends an open count of a single event, such as `3+ a until r`; take it away, or count one event with `+`",
        ));
    }

    fn atom(&mut self, atom: &'t Atom) -> Option<Node> {
        match atom {
            Atom::Name { name, alias } => self.capture(name, alias.as_ref()),
            Atom::Group(group) => self.group(group),
            Atom::Element(element) => self.element(element),
        }
    }

    /// `NAME [as NAME]`
    fn capture(&mut self, name: &'t tree::Name, alias: Option<&'t tree::Name>) -> Option<Node> {
        self.place += 1;
        let meant = self.look_up(name);
        let written = alias.unwrap_or(name);
        let variable = match alias {
            Some(alias) => CompactString::new(&alias.node),
            None if self.captured.has_name(&meant.name) => CompactString::new(&name.node),
            // What was meant by a misspelt name is what the rest of the rule calls it.
            None => meant.name.clone(),
        };
        if let Some((_, first)) = self.captured.find(&variable) {
            let diagnostic =
                Diagnostic::new(E0309, written.span, format!("`{variable}` captures at two places"))
                    .label("captures again here")
                    .also(first.span, "captures first here")
                    .help(format!("give one of them another name: `{} as {variable}_2`", name.node));
            self.report(diagnostic);
            return None;
        }
        let id = self.captured.push(Captured {
            name: variable,
            span: written.span,
            stream: meant.stream,
            around: self.around.clone(),
        });
        let test = self.test(name, meant, id.0 as usize + 1)?;
        Some(Node::Step { test, variable: id })
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
            (count, tree::GroupKind::And) if count > MAX_BRANCHES => {
                let message = format!("{count} branches in any order; at most {MAX_BRANCHES} are possible");
                self.report(Diagnostic::new(E0403, group.span, message).help("split the rule into several"));
                return None;
            }
            (_, tree::GroupKind::And) => Node::And(nodes),
        };
        let Some(within) = &group.within else { return Some(node) };
        self.is_limited = true;
        self.clocks.push(within.node);
        Some(Node::Within(ClockId(self.clocks.len() as u32 - 1), Box::new(node)))
    }

    /// What a name in the pattern means; one that means nothing is reported.
    fn look_up(&mut self, name: &'t tree::Name) -> Meant<'t> {
        let is_known = |name: &str| self.event(name).is_some() || self.globals.stream(name).is_some();
        let mut meant = name.node.as_str();
        if !is_known(meant) && !self.diagnostics.is_full() {
            self.is_sound = false;
            let near = nearest(meant, self.known_names());
            // An event that could not be read may be meant, unless another is near.
            let is_told = self.globals.reported.contains(meant) || self.is_incomplete && near.is_none();
            if !is_told {
                self.report(self.unknown_event(name, near));
                // What was probably meant is looked at in place of it.
                meant = near.unwrap_or(meant);
            }
        }
        let event = self.event(meant).map(|(index, event)| {
            self.used_events[index] = true;
            event
        });
        let stream = event.map_or(meant, |event| event.stream.node.as_str());
        let stream = self.globals.stream(stream);
        if let Some(stream) = stream {
            self.reads.entry(stream).or_insert(event.map_or(name.span, |event| event.stream.span));
        }
        Meant { event, stream, name: CompactString::new(meant) }
    }

    fn event(&self, name: &str) -> Option<(usize, &'t tree::EventDef)> {
        let index = *self.event_places.get(name)?;
        Some((index, self.events[index]))
    }

    fn known_names(&self) -> impl Iterator<Item = &'g str> + use<'g, 't> {
        let streams = self.globals.streams.iter().map(|stream| stream.name.as_str());
        self.events.iter().map(|event| event.name.node.as_str()).chain(streams)
    }

    fn unknown_event(&self, name: &tree::Name, near: Option<&str>) -> Diagnostic {
        let diagnostic =
            Diagnostic::new(E0103, name.span, format!("there is no event or stream `{}`", name.node));
        if let Some(near) = near {
            return diagnostic.help(format!("did you mean `{near}`?"));
        }
        match self.globals.events.get(name.node.as_str()) {
            Some((rule, span)) => diagnostic
                .also(*span, format!("an event of the rule `{rule}` alone"))
                .help("events belong to the rule that defines them: define it in this rule as well"),
            None => diagnostic.help(format!("define it in this rule: `event {} = … where …`", name.node)),
        }
    }

    /// The test for an event as seen from the place being checked, where the first `seen`
    /// variables can be used.
    fn test(&mut self, name: &'t tree::Name, meant: Meant<'t>, seen: usize) -> Option<TestId> {
        let stream = meant.stream?;
        let condition = meant.event.and_then(|event| event.condition.as_ref());
        let (checked, conjuncts) = match condition {
            Some(condition) => self.condition(condition, stream, name.span, seen)?,
            None => (Expr::TRUE, Vec::new()),
        };
        let (unary, residual) = match checked.as_const().and_then(crate::event::Value::as_bool) {
            Some(true) => (None, None),
            _ => checked.split_by_reach(),
        };
        let id = TestId(self.tests.len() as u32);
        let name = CompactString::new(&name.node);
        self.tests.push(Test { name, stream, unary, residual, conjuncts });
        Some(id)
    }

    fn condition(
        &mut self,
        condition: &'t tree::Expr,
        stream: StreamId,
        tested: Span,
        seen: usize,
    ) -> Option<(Expr, Vec<Conjunct>)> {
        let visible = Visible {
            variables: Some(&self.captured),
            seen,
            place: self.place,
            around: &self.around,
            defined: self.events,
            is_incomplete: self.is_incomplete,
        };
        let place = Place::Condition { stream, tested };
        let mut checker = Checker::new(self.globals, self.diagnostics, place, visible, &mut self.registers);
        checker.pieces = self.globals.for_tests.then(Vec::new);
        let checked = checker.condition(condition)?;
        let conjuncts = checker.pieces.take().map(|pieces| conjuncts::of(condition, pieces));
        Some((checked, conjuncts.unwrap_or_default()))
    }
}

/// What the end of a sequence is the end of.
#[derive(Clone, Copy)]
enum Ends {
    Match { limited: bool },
    Group,
}

/// The node of a sequence of one step.
fn only(parts: Vec<Part>) -> Node {
    match parts.into_iter().next() {
        Some(Part::Step(_, node)) => node,
        _ => unreachable!("a sequence begins with an element"),
    }
}

/// Checks the condition of an event that no pattern tests for, so that mistakes in it show.
pub(super) fn check_unused<'t>(
    event: &'t tree::EventDef,
    globals: &Globals<'t>,
    diagnostics: &mut Diagnostics,
    visible: Visible<'_>,
) {
    let (Some(condition), Some(stream)) = (&event.condition, globals.stream(&event.stream.node)) else {
        return;
    };
    let mut registers = Registers::default();
    let place = Place::Condition { stream, tested: event.name.span };
    let mut checker = Checker::new(globals, diagnostics, place, visible, &mut registers);
    checker.condition(condition);
}
