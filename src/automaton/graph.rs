//! The automaton as a picture: a graph that can be written as Mermaid text or, by `svg`,
//! drawn.
//!
//! A box is a state, named after what was taken last; an arrow is what can happen next, the
//! preferred first. Long stretches of a counted step are drawn as one dashed arrow.

use std::fmt::Write;

use super::representation::Held;
use super::{AbsenceEnd, Automaton, CompiledRule, StateId, Transition, Trigger};
use crate::event::Duration;
use crate::language::checked::{LinkKind, Rule, TestId};

/// Most boxes of one rule; what is left out is said in the picture.
const MAX_NODES: usize = 150;
/// A counted step with more states than this in a row is drawn short.
const LONG_STRETCH: usize = 5;

/// The picture of one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// The rule's name.
    pub rule: String,
    /// The boxes; the first is where a run begins.
    pub nodes: Vec<Node>,
    /// The arrows.
    pub edges: Vec<Edge>,
    /// The time limit of the whole match.
    pub within: Option<Duration>,
    /// How its partial matches are held.
    pub held: Held,
    /// How many states are not drawn.
    pub left_out: usize,
    /// For each state the box that it is drawn as, or that comes before it if it is one of a long stretch; `None` if
    /// none is drawn for it.
    pub boxes: Vec<Option<usize>>,
}

/// A box.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What was taken last.
    pub label: String,
    /// Whether a run is reported when it comes here.
    pub accepting: bool,
}

/// An arrow.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// Index of the box that it leaves.
    pub from: usize,
    /// Index of the box that it leads to.
    pub to: usize,
    /// What makes it happen.
    pub label: String,
    /// Whether it stands for several steps, or for the passing of time.
    pub dashed: bool,
}

impl Graph {
    /// The picture of a compiled rule.
    pub fn new(compiled: &CompiledRule) -> Graph {
        let automaton = &compiled.automaton;
        let drawn = drawn_states(automaton);
        let place = |id: StateId| drawn.iter().position(|state| *state == id);
        let mut graph = Graph {
            rule: compiled.rule.name.to_string(),
            nodes: Vec::new(),
            edges: Vec::new(),
            within: compiled.rule.within,
            held: Held::of(compiled),
            left_out: automaton.states.len() - drawn.len(),
            boxes: boxes(automaton, &drawn),
        };
        for (from, &id) in drawn.iter().enumerate() {
            let state = automaton.state(id);
            graph.nodes.push(Node { label: state_label(compiled, id), accepting: state.accepting });
            for transition in &state.transitions {
                let (to, skipped) = next_drawn(automaton, transition.target, &place);
                let Some(to) = to else { continue };
                let mut label = transition_label(&compiled.rule, transition);
                if skipped > 0 {
                    write!(label, " ×{}", skipped + 1).expect("writing to a String cannot fail");
                }
                let dashed = skipped > 0 || matches!(transition.trigger, Trigger::Absence { .. });
                graph.edges.push(Edge { from, to, label, dashed });
            }
        }
        graph
    }

    /// The picture as Mermaid text, without the header that opens a flowchart.
    fn write_mermaid(&self, number: usize, out: &mut String) {
        let mut line = |text: String| {
            out.push_str(&text);
            out.push('\n');
        };
        let title = self.title().map(|line| mermaid_text(&line)).join("<br/>");
        line(format!("  subgraph r{number}[\"{title}\"]"));
        for (index, node) in self.nodes.iter().enumerate() {
            let label = mermaid_text(&node.label);
            let shape = match (index, node.accepting) {
                (0, _) => format!("([\"{label}\"])"),
                (_, true) => format!("[[\"{label}\"]]"),
                _ => format!("[\"{label}\"]"),
            };
            line(format!("    r{number}s{index}{shape}"));
        }
        for edge in &self.edges {
            let arrow = if edge.dashed { "-.->" } else { "-->" };
            line(format!(
                "    r{number}s{} {arrow}|\"{}\"| r{number}s{}",
                edge.from,
                mermaid_text(&edge.label),
                edge.to
            ));
        }
        line("  end".to_owned());
    }

    /// Two lines: the rule with its time limit and how much is left out; how its partial matches are held.
    pub fn title(&self) -> [String; 2] {
        let within = self.within.map(|within| format!(" within {within}")).unwrap_or_default();
        let left_out = match self.left_out {
            0 => String::new(),
            count => format!(" ({count} more states)"),
        };
        [format!("{}{within}{left_out}", self.rule), format!("partial matches are {}", self.held)]
    }
}

/// The pictures of several rules as one Mermaid flowchart.
pub fn mermaid(graphs: &[Graph]) -> String {
    let mut text = String::from("flowchart LR\n");
    for (number, graph) in graphs.iter().enumerate() {
        graph.write_mermaid(number, &mut text);
    }
    text
}

/// The states to be drawn, in the order in which they are reached: of a long stretch of counts only
/// the ends.
fn drawn_states(automaton: &Automaton) -> Vec<StateId> {
    let mut order = vec![StateId::START];
    let mut seen = vec![false; automaton.states.len()];
    seen[0] = true;
    let mut next = 0;
    while let Some(&id) = order.get(next) {
        next += 1;
        for transition in &automaton.state(id).transitions {
            if !std::mem::replace(&mut seen[transition.target.0 as usize], true) {
                order.push(transition.target);
            }
        }
    }
    let mut hidden = vec![false; automaton.states.len()];
    for &id in &order {
        let stretch = stretch(automaton, id);
        if stretch.len() > LONG_STRETCH && !hidden[id.0 as usize] {
            for inner in &stretch[2..stretch.len() - 1] {
                hidden[inner.0 as usize] = true;
            }
        }
    }
    order.retain(|id| !hidden[id.0 as usize]);
    order.truncate(MAX_NODES);
    order
}

/// For each state the box that it belongs to.
fn boxes(automaton: &Automaton, drawn: &[StateId]) -> Vec<Option<usize>> {
    let mut boxes = vec![None; automaton.states.len()];
    for (place, id) in drawn.iter().enumerate() {
        boxes[id.0 as usize] = Some(place);
    }
    for (place, id) in drawn.iter().enumerate() {
        let mut at = *id;
        while let [only] = automaton.state(at).transitions.as_slice()
            && boxes[only.target.0 as usize].is_none()
        {
            boxes[only.target.0 as usize] = Some(place);
            at = only.target;
        }
    }
    boxes
}

/// The states from `id` on that do nothing but take one and the same step again.
fn stretch(automaton: &Automaton, id: StateId) -> Vec<StateId> {
    let mut states = vec![id];
    let mut at = id;
    while let [only] = automaton.state(at).transitions.as_slice() {
        let next = only.target;
        let same = match automaton.state(next).transitions.as_slice() {
            [follower] => follower.trigger == only.trigger && next != at,
            _ => false,
        };
        if !same || states.len() > automaton.states.len() {
            break;
        }
        states.push(next);
        at = next;
    }
    states
}

/// The first drawn state at or after `id`, and how many hidden ones lie between.
fn next_drawn(
    automaton: &Automaton,
    mut id: StateId,
    place: &dyn Fn(StateId) -> Option<usize>,
) -> (Option<usize>, usize) {
    for skipped in 0..automaton.states.len() {
        if let Some(index) = place(id) {
            return (Some(index), skipped);
        }
        match automaton.state(id).transitions.as_slice() {
            [only] => id = only.target,
            _ => break,
        }
    }
    (None, 0)
}

fn state_label(compiled: &CompiledRule, id: StateId) -> String {
    if id == StateId::START {
        return "start".to_owned();
    }
    let incoming = compiled
        .automaton
        .states
        .iter()
        .flat_map(|state| &state.transitions)
        .find(|transition| transition.target == id);
    let name = match incoming.map(|transition| transition.trigger) {
        Some(Trigger::Take { variable, .. }) => compiled.rule.variables[variable.0 as usize].name.to_string(),
        Some(Trigger::Absence { test, .. }) => format!("no {}", test_name(&compiled.rule, test)),
        None => "never".to_owned(),
    };
    match compiled.automaton.state(id).count {
        Some((count, open)) => format!("{name} {count}{}", if open { "+" } else { "" }),
        None => name,
    }
}

fn test_name(rule: &Rule, test: TestId) -> &str {
    &rule.tests[test.0 as usize].name
}

fn transition_label(rule: &Rule, transition: &Transition) -> String {
    let mut label = String::new();
    let mut word = |text: &str| {
        if !label.is_empty() {
            label.push(' ');
        }
        label.push_str(text);
    };
    match transition.trigger {
        Trigger::Take { test, link, within, .. } => {
            match link {
                LinkKind::Then => {}
                LinkKind::ThenAny => word("any"),
                LinkKind::Next => word("next"),
            }
            word(test_name(rule, test));
            if let Some(within) = within {
                word(&format!("within {within}"));
            }
        }
        Trigger::Absence { test, end } => {
            word(&format!("no {}", test_name(rule, test)));
            match (end, rule.within) {
                (AbsenceEnd::After(duration), _) => word(&format!("for {duration}")),
                (AbsenceEnd::Within, Some(within)) => word(&format!("until {within} after the first")),
                (_, _) => word("next"),
            }
        }
    }
    for clock in &transition.checks {
        word(&format!("(group within {})", rule.clocks[clock.0 as usize]));
    }
    for test in transition.not.iter().chain(&transition.next_not) {
        word(&format!("unless {}", test_name(rule, *test)));
    }
    if let Some(until) = transition.until {
        word(&format!("until {}", test_name(rule, until)));
    }
    label
}

/// Text inside quotes in Mermaid, which reads entities but no escapes.
fn mermaid_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}
