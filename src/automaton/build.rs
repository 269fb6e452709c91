//! Building the automaton: every state that can be reached is made once.
//!
//! A state is described by the path from the root of the pattern to where a run stands, with the
//! count of each loop on it (a [`Frame`] each). Its transitions are found by walking on from there
//! to every step that could come next, in the order of preference, carrying along what the walk
//! passes: links, absences, time limits that begin, registers that begin anew. The walk is the
//! position automaton of Glushkov (Russian Mathematical Surveys 16(5), 1961) with counters.

use std::collections::HashMap;
use std::sync::Arc;

use super::distance::distances;
use super::{
    AbsenceEnd, Automaton, MAX_FRONTIER, MAX_STATES, MAX_TRANSITIONS, State, StateId, TooLarge, Transition,
    Trigger,
};
use crate::expression::RegisterId;
use crate::language::checked::{
    Absence, AbsenceKind, ClockId, Link, LinkKind, Loop, LoopId, Node, Part, Rule, TestId,
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

    /// The parts of the sequence that a frame names.
    fn sequence(&self, number: u32) -> &'r [Part] {
        match self.get(number) {
            Node::Sequence(parts) => parts,
            _ => unreachable!("the frame names a sequence"),
        }
    }

    /// The loop that a frame names.
    fn repeat(&self, number: u32) -> &'r Loop {
        match self.get(number) {
            Node::Loop(repeat) => repeat,
            _ => unreachable!("the frame names a loop"),
        }
    }

    /// The branches of the `and` that a frame names.
    fn and(&self, number: u32) -> &'r [Node] {
        match self.get(number) {
            Node::And(branches) => branches,
            _ => unreachable!("the frame names an `and`"),
        }
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
    /// The registers that the repetitions of each loop begin anew.
    scoped: HashMap<LoopId, Vec<RegisterId>>,
    /// The same for each set of loops that begin together, shared by the transitions.
    resets: HashMap<Vec<LoopId>, Arc<[RegisterId]>>,
    states: Vec<State>,
    /// How many transitions all states have.
    transitions: usize,
    /// The states by the path that describes them.
    known: HashMap<Vec<Frame>, StateId>,
    /// Paths of states whose transitions are still to be found.
    open: Vec<(StateId, Vec<Frame>)>,
    /// The place of the walk: the path from the root to it.
    path: Vec<Frame>,
    /// The state whose transitions the walk finds.
    state: State,
}

/// Builds the automaton of a rule.
///
/// # Errors
/// When it would have more than [`MAX_STATES`] states, more than [`MAX_FRONTIER`] transitions out
/// of one state or more than [`MAX_TRANSITIONS`] in all.
pub fn build(rule: &Rule) -> Result<Automaton, TooLarge> {
    let mut builder = Builder::new(rule);
    builder.enter(&rule.pattern, Link::THEN, &Passed::default());
    builder.finish_state(StateId::START)?;
    while let Some((id, path)) = builder.open.pop() {
        builder.state.count = builder.count(&path);
        builder.path = path;
        builder.leave(&Passed::default());
        builder.finish_state(id)?;
    }
    let states = builder.states;
    let sees_every_event = states.iter().flat_map(|state| &state.transitions).any(|transition| {
        let is_next = matches!(
            transition.trigger,
            Trigger::Take { link: LinkKind::Next, .. } | Trigger::Absence { end: AbsenceEnd::NextEvent, .. }
        );
        is_next || !transition.next_not.is_empty()
    });
    Ok(Automaton { distances: distances(&states), states, sees_every_event })
}

impl<'r> Builder<'r> {
    fn new(rule: &'r Rule) -> Builder<'r> {
        let mut scoped: HashMap<LoopId, Vec<RegisterId>> = HashMap::new();
        for (index, register) in rule.registers.iter().enumerate() {
            if let Some(scope) = register.scope {
                scoped.entry(scope).or_default().push(RegisterId(index as u32));
            }
        }
        Builder {
            rule,
            nodes: Nodes::new(&rule.pattern),
            scoped,
            resets: HashMap::new(),
            states: vec![State::default()],
            transitions: 0,
            known: HashMap::new(),
            open: Vec::new(),
            path: Vec::new(),
            state: State::default(),
        }
    }

    /// The count of the innermost loop of a path, if that is what the path ends in.
    fn count(&self, path: &[Frame]) -> Option<(u32, bool)> {
        let Some(Frame::Loop { node, count }) = path.last() else { return None };
        let repeat = self.nodes.repeat(*node);
        let open = repeat.max.is_none() && *count >= repeat.min;
        (repeat.max != Some(1)).then_some((*count, open))
    }

    /// Puts the state whose transitions have been found in its place.
    fn finish_state(&mut self, id: StateId) -> Result<(), TooLarge> {
        let mut state = std::mem::take(&mut self.state);
        let frontier = state.transitions.len();
        self.transitions += frontier;
        let what = if frontier > MAX_FRONTIER {
            format!("more than {MAX_FRONTIER} steps could come next at one place")
        } else if self.states.len() > MAX_STATES {
            format!("it needs more than {MAX_STATES} states")
        } else if self.transitions > MAX_TRANSITIONS {
            format!("it needs more than {MAX_TRANSITIONS} transitions between its states")
        } else {
            state.transitions.shrink_to_fit();
            self.states[id.0 as usize] = state;
            return Ok(());
        };
        Err(TooLarge { what, span: self.rule.pattern_span })
    }

    /// The state described by the path of the walk, made if it is new.
    fn target(&mut self) -> StateId {
        if let Some(id) = self.known.get(&self.path) {
            return *id;
        }
        let id = StateId(self.states.len() as u32);
        self.states.push(State::default());
        self.known.insert(self.path.clone(), id);
        self.open.push((id, self.path.clone()));
        id
    }

    /// Whether the state has more transitions than it may, which `finish_state` reports: the walk
    /// must not go on for as long as the pattern is.
    fn is_too_wide(&self) -> bool {
        self.state.transitions.len() > MAX_FRONTIER
    }

    /// Walks into `node`, which follows what was taken by `link`, to every step that it can begin
    /// with. Whatever may be left out is left out by the caller, see [`is_nullable`].
    fn enter(&mut self, node: &'r Node, link: Link, passed: &Passed) {
        if self.is_too_wide() {
            return;
        }
        let number = self.nodes.number(node);
        match node {
            Node::Step { test, variable } => self.push(
                Trigger::Take { test: *test, variable: *variable, link: link.kind, within: link.within },
                passed,
            ),
            Node::Sequence(_) => {
                self.path.push(Frame::Sequence { node: number, part: 0 });
                self.enter_parts(number, 0, Some(link), passed.clone());
                self.path.pop();
            }
            Node::Or(branches) => {
                for branch in branches {
                    self.enter(branch, link, passed);
                }
            }
            Node::And(branches) => self.enter_branches(number, branches, 0, link, passed),
            Node::Loop(_) => self.repeat(number, 1, link, passed),
            Node::Within(clock, body) => {
                let mut passed = passed.clone();
                passed.entered.push(*clock);
                self.path.push(Frame::Within { node: number });
                self.enter(body, link, &passed);
                self.path.pop();
            }
        }
    }

    /// Walks into every branch of an `and` that has not begun.
    fn enter_branches(&mut self, number: u32, branches: &'r [Node], begun: u32, link: Link, passed: &Passed) {
        for (index, branch) in branches.iter().enumerate().filter(|(index, _)| begun & (1 << index) == 0) {
            self.path.push(Frame::And { node: number, begun: begun | (1 << index) });
            self.enter(branch, link, passed);
            self.path.pop();
        }
    }

    /// Walks into the repetition number `count` of a loop.
    fn repeat(&mut self, number: u32, count: u32, link: Link, passed: &Passed) {
        let repeat = self.nodes.repeat(number);
        let mut passed = passed.clone();
        passed.until = if count > 1 { repeat.until } else { None };
        passed.begun.extend(repeat.scope);
        // An open count stops at its minimum: further repetitions change nothing.
        let count = if repeat.max.is_none() { count.min(repeat.min.max(1)) } else { count };
        self.path.push(Frame::Loop { node: number, count });
        self.enter(&repeat.body, link, &passed);
        self.path.pop();
    }

    /// Walks through the parts of a sequence, whose frame the path ends in, from `index` on until
    /// one that cannot be left out; goes on behind the sequence if all of them can.
    fn enter_parts(&mut self, number: u32, from: usize, mut first_link: Option<Link>, mut passed: Passed) {
        let parts = self.nodes.sequence(number);
        // Lazy loops are entered after what follows them, which is preferred.
        let mut lazy: Vec<(usize, &'r Node, Link, Passed)> = Vec::new();
        let mut index = from;
        while !self.is_too_wide() && lazy.len() <= MAX_FRONTIER {
            let Some(part) = parts.get(index) else {
                // The rest of the sequence can be left out: only what is around it remains.
                let own = self.path.pop();
                self.leave(&passed);
                self.path.extend(own);
                break;
            };
            self.set_part(number, index);
            match part {
                Part::Absence(absence) => {
                    if self.absence(*absence, index + 1 == parts.len(), &passed) {
                        break;
                    }
                    match absence.kind {
                        AbsenceKind::Next => passed.next_not.push(absence.test),
                        _ => passed.not.push(absence.test),
                    }
                }
                Part::Step(link, node) => {
                    let link = first_link.take().unwrap_or(*link);
                    match node {
                        Node::Loop(repeat) if repeat.lazy && is_nullable(node) => {
                            lazy.push((index, node, link, passed.clone()));
                        }
                        _ => self.enter(node, link, &passed),
                    }
                    if !is_nullable(node) {
                        break;
                    }
                }
            }
            index += 1;
        }
        for (index, node, link, passed) in lazy.into_iter().rev() {
            self.set_part(number, index);
            self.enter(node, link, &passed);
        }
    }

    /// Moves the walk to another part of the sequence whose frame the path ends in.
    fn set_part(&mut self, number: u32, index: usize) {
        let innermost = self.path.last_mut().expect("the path ends in the frame of the sequence");
        *innermost = Frame::Sequence { node: number, part: index as u32 };
    }

    /// Adds the transition of an absence that time decides; `false` for one that only guards what
    /// follows it.
    fn absence(&mut self, absence: Absence, is_last: bool, passed: &Passed) -> bool {
        let ends_match = is_last && self.path.len() == 1;
        let end = match absence.kind {
            AbsenceKind::For(duration) => AbsenceEnd::After(duration),
            AbsenceKind::Between if ends_match => AbsenceEnd::Within,
            AbsenceKind::Next if ends_match => AbsenceEnd::NextEvent,
            _ => return false,
        };
        // A `not` before optional steps guards the steps that may follow it, but not a span of time:
        // that stands for itself.
        let alone = Passed { not: Vec::new(), next_not: Vec::new(), ..passed.clone() };
        self.push(Trigger::Absence { test: absence.test, end }, &alone);
        true
    }

    /// Walks on from what the path describes as done to every step that can come next.
    fn leave(&mut self, passed: &Passed) {
        let Some(frame) = self.path.pop() else {
            self.state.accepting = true;
            return;
        };
        match frame {
            Frame::Sequence { node, part } => {
                self.path.push(frame);
                self.enter_parts(node, part as usize + 1, None, passed.clone());
                self.path.pop();
            }
            Frame::Loop { node, count } => {
                let repeat = self.nodes.repeat(node);
                let may_leave = count >= repeat.min;
                if may_leave && repeat.lazy {
                    self.leave(passed);
                }
                if repeat.max.is_none_or(|max| count < max) {
                    self.repeat(node, count + 1, Link { kind: repeat.join, within: None }, passed);
                }
                if may_leave && !repeat.lazy {
                    self.leave(passed);
                }
            }
            Frame::And { node, begun } => {
                let branches = self.nodes.and(node);
                if begun.count_ones() as usize == branches.len() {
                    self.leave(passed);
                }
                self.enter_branches(node, branches, begun, Link::THEN, passed);
            }
            Frame::Within { .. } => self.leave(passed),
        }
        self.path.push(frame);
    }

    /// Adds a transition to what the path describes.
    fn push(&mut self, trigger: Trigger, passed: &Passed) {
        let around = self.path.iter().filter_map(|frame| match frame {
            Frame::Within { node } => match self.nodes.get(*node) {
                Node::Within(clock, _) => Some(*clock),
                _ => None,
            },
            _ => None,
        });
        let checks = around.filter(|clock| !passed.entered.contains(clock)).collect();
        let transition = Transition {
            trigger,
            not: passed.not.clone(),
            next_not: passed.next_not.clone(),
            until: passed.until,
            checks,
            sets: passed.entered.clone(),
            resets: self.resets(&passed.begun),
            target: self.target(),
        };
        self.state.transitions.push(transition);
    }

    /// The registers that begin anew with a repetition of these loops.
    fn resets(&mut self, begun: &[LoopId]) -> Arc<[RegisterId]> {
        if let Some(known) = self.resets.get(begun) {
            return Arc::clone(known);
        }
        let mut registers: Vec<RegisterId> =
            begun.iter().filter_map(|scope| self.scoped.get(scope)).flatten().copied().collect();
        registers.sort();
        registers.dedup();
        let shared: Arc<[RegisterId]> = registers.into();
        self.resets.insert(begun.to_vec(), Arc::clone(&shared));
        shared
    }
}

/// Whether a node may take nothing. Only a loop without a minimum does: the analysis rejects every
/// body, branch and group that could match nothing.
fn is_nullable(node: &Node) -> bool {
    matches!(node, Node::Loop(repeat) if repeat.min == 0)
}
