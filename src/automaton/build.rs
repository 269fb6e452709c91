//! Building the automaton: every state that can be reached is made once.
//!
//! A state is described by the path from the root of the pattern to where a run stands, with the
//! count of each loop on it (a [`Frame`] each). Its transitions are found by walking on from there
//! to every step that could come next, in the order of preference, carrying along what the walk
//! passes: links, absences, time limits that begin, registers that begin anew. The walk is the
//! position automaton of Glushkov (Russian Mathematical Surveys 16(5), 1961) with counters.

use std::collections::HashMap;

use super::{AbsenceEnd, Automaton, MAX_FRONTIER, MAX_STATES, State, StateId, TooLarge, Transition, Trigger};
use crate::expression::RegisterId;
use crate::language::checked::{
    Absence, AbsenceKind, ClockId, Link, LinkKind, Loop, LoopId, Node, Part, Rule, TestId, VariableId,
};

/// One level of the path from the root to where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Frame {
    /// After the part of that index of a sequence.
    Sequence { node: u32, part: u32 },
    /// In the repetition of that number (from 1) of a loop.
    Loop { node: u32, count: u32 },
    /// In a branch of an `and`, with the set of branches already begun.
    And { node: u32, begun: u32 },
    /// In a group with a time limit.
    Within { node: u32 },
}

/// The nodes of a pattern by number, so that a frame can name them.
struct Nodes<'r> {
    nodes: Vec<&'r Node>,
    numbers: HashMap<*const Node, u32>,
}

impl<'r> Nodes<'r> {
    fn new(root: &'r Node) -> Nodes<'r> {
        let mut all = Nodes { nodes: Vec::new(), numbers: HashMap::new() };
        let mut rest = vec![root];
        while let Some(node) = rest.pop() {
            all.numbers.insert(std::ptr::from_ref(node), all.nodes.len() as u32);
            all.nodes.push(node);
            match node {
                Node::Step { .. } => {}
                Node::Sequence(parts) => rest.extend(parts.iter().filter_map(|part| match part {
                    Part::Step(_, node) => Some(node),
                    Part::Absence(_) => None,
                })),
                Node::Or(branches) | Node::And(branches) => rest.extend(branches),
                Node::Loop(repeat) => rest.push(&repeat.body),
                Node::Within(_, body) => rest.push(body),
            }
        }
        all
    }

    fn number(&self, node: &'r Node) -> u32 {
        self.numbers[&std::ptr::from_ref(node)]
    }

    fn get(&self, number: u32) -> &'r Node {
        self.nodes[number as usize]
    }
}

/// What a walk has passed on its way to a step.
#[derive(Clone, Default)]
struct Passed {
    not: Vec<TestId>,
    next_not: Vec<TestId>,
    until: Option<TestId>,
    /// Groups that the walk has entered: they begin with the step that it reaches.
    entered: Vec<ClockId>,
    /// Loops of which a repetition begins with that step.
    begun: Vec<LoopId>,
}

struct Builder<'r> {
    rule: &'r Rule,
    nodes: Nodes<'r>,
    states: Vec<State>,
    /// The states by the path that describes them.
    known: HashMap<Vec<Frame>, StateId>,
    /// Paths of states whose transitions are still to be found.
    open: Vec<(StateId, Vec<Frame>)>,
}

/// Builds the automaton of a rule.
///
/// # Errors
/// When it would have more than [`MAX_STATES`] states or more than [`MAX_FRONTIER`] transitions out
/// of one state.
pub fn build(rule: &Rule) -> Result<Automaton, TooLarge> {
    let mut builder = Builder {
        rule,
        nodes: Nodes::new(&rule.pattern),
        states: vec![State::default()],
        known: HashMap::new(),
        open: Vec::new(),
    };
    let mut start = State::default();
    let mut stack = Vec::new();
    builder.enter(&rule.pattern, Link::THEN, &mut stack, &Passed::default(), &mut start);
    builder.finish_state(StateId::START, start)?;
    while let Some((id, path)) = builder.open.pop() {
        let mut state = State { count: builder.count(&path), ..State::default() };
        let mut stack = path;
        builder.leave(&mut stack, &Passed::default(), &mut state);
        builder.finish_state(id, state)?;
    }
    let sees_every_event = builder.states.iter().any(|state| {
        state.transitions.iter().any(|transition| {
            !transition.next_not.is_empty()
                || matches!(
                    transition.trigger,
                    Trigger::Take { link: LinkKind::Next, .. }
                        | Trigger::Absence { end: AbsenceEnd::NextEvent, .. }
                )
        })
    });
    Ok(Automaton { states: builder.states, sees_every_event })
}

impl<'r> Builder<'r> {
    fn too_large(&self, what: String) -> TooLarge {
        TooLarge { what, span: self.rule.span }
    }

    /// The count of the innermost loop of a path, if that is what the path ends in.
    fn count(&self, path: &[Frame]) -> Option<(u32, bool)> {
        let Some(Frame::Loop { node, count }) = path.last() else { return None };
        let Node::Loop(repeat) = self.nodes.get(*node) else { return None };
        let open = repeat.max.is_none() && *count >= repeat.min;
        (repeat.max != Some(1)).then_some((*count, open))
    }

    fn finish_state(&mut self, id: StateId, state: State) -> Result<(), TooLarge> {
        if state.transitions.len() > MAX_FRONTIER {
            let what = format!(
                "{} steps could come next at one place; at most {MAX_FRONTIER} are possible",
                state.transitions.len()
            );
            return Err(self.too_large(what));
        }
        if self.states.len() > MAX_STATES {
            return Err(self.too_large(format!("it needs more than {MAX_STATES} states")));
        }
        self.states[id.0 as usize] = state;
        Ok(())
    }

    /// The state described by `path`, made if it is new.
    fn state(&mut self, path: &[Frame]) -> StateId {
        if let Some(id) = self.known.get(path) {
            return *id;
        }
        let id = StateId(self.states.len() as u32);
        self.states.push(State::default());
        self.known.insert(path.to_vec(), id);
        // Beyond the limit nothing more is explored; `finish_state` reports it.
        if self.states.len() <= MAX_STATES + 1 {
            self.open.push((id, path.to_vec()));
        }
        id
    }

    /// Walks into `node`, which follows what was taken by `link`, to every step that it can begin
    /// with. Whatever may be left out is left out by the caller, see [`Builder::is_nullable`].
    fn enter(
        &mut self,
        node: &'r Node,
        link: Link,
        stack: &mut Vec<Frame>,
        passed: &Passed,
        out: &mut State,
    ) {
        if out.transitions.len() > MAX_FRONTIER {
            // Already too many, which `finish_state` reports: the walk must not go on for as long,
            // or as deep, as the pattern is.
            return;
        }
        let number = self.nodes.number(node);
        match node {
            Node::Step { test, variable } => self.take(*test, *variable, link, stack, passed, out),
            Node::Sequence(parts) => {
                stack.push(Frame::Sequence { node: number, part: 0 });
                self.enter_parts(parts, number, 0, Some(link), stack, passed.clone(), out);
                stack.pop();
            }
            Node::Or(branches) => {
                for branch in branches {
                    self.enter(branch, link, stack, passed, out);
                }
            }
            Node::And(branches) => {
                for (index, branch) in branches.iter().enumerate() {
                    stack.push(Frame::And { node: number, begun: 1 << index });
                    self.enter(branch, link, stack, passed, out);
                    stack.pop();
                }
            }
            Node::Loop(repeat) => self.repeat(repeat, number, 1, link, None, stack, passed, out),
            Node::Within(clock, body) => {
                let mut passed = passed.clone();
                passed.entered.push(*clock);
                stack.push(Frame::Within { node: number });
                self.enter(body, link, stack, &passed, out);
                stack.pop();
            }
        }
    }

    /// Walks into the repetition number `count` of a loop.
    #[allow(clippy::too_many_arguments)]
    fn repeat(
        &mut self,
        repeat: &'r Loop,
        number: u32,
        count: u32,
        link: Link,
        until: Option<TestId>,
        stack: &mut Vec<Frame>,
        passed: &Passed,
        out: &mut State,
    ) {
        // An open count stops at its minimum: further repetitions change nothing.
        let count = if repeat.max.is_none() { count.min(repeat.min.max(1)) } else { count };
        let mut passed = passed.clone();
        passed.until = until;
        passed.begun.extend(repeat.scope);
        stack.push(Frame::Loop { node: number, count });
        self.enter(&repeat.body, link, stack, &passed, out);
        stack.pop();
    }

    /// Walks through the parts of a sequence from `index` on, until one that cannot be left out;
    /// goes on behind the sequence if all of them can.
    #[allow(clippy::too_many_arguments)]
    fn enter_parts(
        &mut self,
        parts: &'r [Part],
        number: u32,
        index: usize,
        first_link: Option<Link>,
        stack: &mut Vec<Frame>,
        mut passed: Passed,
        out: &mut State,
    ) {
        if out.transitions.len() > MAX_FRONTIER {
            return;
        }
        let Some(part) = parts.get(index) else {
            // The rest of the sequence could be left out: only what is around it remains. At the
            // very beginning the caller does that, because a nullable sequence is rejected there.
            let own = stack.pop();
            self.leave(stack, &passed, out);
            stack.extend(own);
            return;
        };
        match part {
            Part::Absence(absence) => {
                if self.absence(*absence, parts, number, index, stack, &passed, out) {
                    return;
                }
                match absence.kind {
                    AbsenceKind::Next => passed.next_not.push(absence.test),
                    _ => passed.not.push(absence.test),
                }
                self.enter_parts(parts, number, index + 1, None, stack, passed, out);
            }
            Part::Step(link, node) => {
                let link = first_link.unwrap_or(*link);
                let depth = stack.len() - 1;
                stack[depth] = Frame::Sequence { node: number, part: index as u32 };
                if !is_nullable(node) {
                    self.enter(node, link, stack, &passed, out);
                    return;
                }
                // Whether the part or what follows it is preferred is the loop's word.
                let lazy = matches!(node, Node::Loop(repeat) if repeat.lazy);
                if !lazy {
                    self.enter(node, link, stack, &passed, out);
                }
                self.enter_parts(parts, number, index + 1, None, stack, passed.clone(), out);
                if lazy {
                    let depth = stack.len() - 1;
                    stack[depth] = Frame::Sequence { node: number, part: index as u32 };
                    self.enter(node, link, stack, &passed, out);
                }
            }
        }
    }

    /// Adds the transition of an absence that time decides; `false` for one that only guards what
    /// follows it.
    #[allow(clippy::too_many_arguments)]
    fn absence(
        &mut self,
        absence: Absence,
        parts: &[Part],
        number: u32,
        index: usize,
        stack: &mut [Frame],
        passed: &Passed,
        out: &mut State,
    ) -> bool {
        let ends_match = index + 1 == parts.len() && stack.len() == 1;
        let end = match absence.kind {
            AbsenceKind::For(duration) => AbsenceEnd::After(duration),
            AbsenceKind::Between if ends_match => AbsenceEnd::Within,
            AbsenceKind::Next if ends_match => AbsenceEnd::NextEvent,
            _ => return false,
        };
        let depth = stack.len() - 1;
        stack[depth] = Frame::Sequence { node: number, part: index as u32 };
        let trigger = Trigger::Absence { test: absence.test, end };
        // A `not` before optional steps guards the steps that may follow it, but not a span of time:
        // that stands for itself.
        let alone = Passed { not: Vec::new(), next_not: Vec::new(), ..passed.clone() };
        self.push(trigger, stack, &alone, out);
        true
    }

    /// Walks on from what `stack` describes as done to every step that can come next.
    fn leave(&mut self, stack: &mut Vec<Frame>, passed: &Passed, out: &mut State) {
        let Some(frame) = stack.pop() else {
            out.accepting = true;
            return;
        };
        match frame {
            Frame::Sequence { node, part } => {
                let Node::Sequence(parts) = self.nodes.get(node) else {
                    unreachable!("the frame names a sequence")
                };
                stack.push(frame);
                self.enter_parts(parts, node, part as usize + 1, None, stack, passed.clone(), out);
                stack.pop();
            }
            Frame::Loop { node, count } => {
                let Node::Loop(repeat) = self.nodes.get(node) else { unreachable!("the frame names a loop") };
                let may_repeat = repeat.max.is_none_or(|max| count < max);
                let may_leave = count >= repeat.min;
                let link = Link { kind: repeat.join, within: None };
                if may_leave && repeat.lazy {
                    self.leave(stack, passed, out);
                }
                if may_repeat {
                    self.repeat(repeat, node, count + 1, link, repeat.until, stack, passed, out);
                }
                if may_leave && !repeat.lazy {
                    self.leave(stack, passed, out);
                }
            }
            Frame::And { node, begun } => {
                let Node::And(branches) = self.nodes.get(node) else {
                    unreachable!("the frame names an `and`")
                };
                if begun.count_ones() as usize == branches.len() {
                    self.leave(stack, passed, out);
                }
                for (index, branch) in
                    branches.iter().enumerate().filter(|(index, _)| begun & (1 << index) == 0)
                {
                    stack.push(Frame::And { node, begun: begun | (1 << index) });
                    self.enter(branch, Link::THEN, stack, passed, out);
                    stack.pop();
                }
            }
            Frame::Within { .. } => self.leave(stack, passed, out),
        }
        stack.push(frame);
    }

    fn take(
        &mut self,
        test: TestId,
        variable: VariableId,
        link: Link,
        stack: &[Frame],
        passed: &Passed,
        out: &mut State,
    ) {
        self.push(Trigger::Take { test, variable, link: link.kind, within: link.within }, stack, passed, out);
    }

    fn push(&mut self, trigger: Trigger, stack: &[Frame], passed: &Passed, out: &mut State) {
        let around = stack.iter().filter_map(|frame| match frame {
            Frame::Within { node } => match self.nodes.get(*node) {
                Node::Within(clock, _) => Some(*clock),
                _ => None,
            },
            _ => None,
        });
        let checks = around.filter(|clock| !passed.entered.contains(clock)).collect();
        let resets = self
            .rule
            .registers
            .iter()
            .enumerate()
            .filter(|(_, register)| register.scope.is_some_and(|scope| passed.begun.contains(&scope)))
            .map(|(index, _)| RegisterId(index as u32))
            .collect();
        let target = self.state(stack);
        out.transitions.push(Transition {
            trigger,
            not: passed.not.clone(),
            next_not: passed.next_not.clone(),
            until: passed.until,
            checks,
            sets: passed.entered.clone(),
            resets,
            target,
        });
    }
}

/// Whether a node may take nothing. Only a loop without a minimum does: the analysis rejects every
/// body, branch and group that could match nothing.
fn is_nullable(node: &Node) -> bool {
    matches!(node, Node::Loop(repeat) if repeat.min == 0)
}
