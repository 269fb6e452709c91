//! Making a failing rule and stream smaller.
//!
//! Every simplification of the rule, and every event left out, is tried as long as the failure
//! stays; what remains is printed.

use super::case::Event as Input;
use super::pattern::{Atom, Count, Element, Event, Part, Rule, Sequence};

/// The smallest rule and stream reached for which `fails` still holds.
pub fn smallest(
    rule: Rule,
    events: Vec<Input>,
    fails: impl Fn(&Rule, &[Input]) -> bool,
) -> (Rule, Vec<Input>) {
    let (mut rule, mut events) = (rule, events);
    let fails = |rule: &Rule, events: &[Input]| {
        let well_formed = rule.optional_v || events.iter().all(|event| event.v.is_some());
        well_formed && fails(rule, events)
    };
    loop {
        if let Some(fewer) = without_one(&events).into_iter().find(|events| fails(&rule, events)) {
            events = fewer;
        } else if let Some(simpler) = simpler(&rule).into_iter().find(|rule| fails(rule, &events)) {
            rule = simpler;
        } else {
            return (rule, events);
        }
    }
}

fn without_one(events: &[Input]) -> Vec<Vec<Input>> {
    let without = |left_out: usize| [&events[..left_out], &events[left_out + 1..]].concat();
    (0..events.len()).map(without).collect()
}

/// The rules that are one simplification away.
fn simpler(rule: &Rule) -> Vec<Rule> {
    let mut rules = vec![];
    loop {
        let mut rule = rule.clone();
        let mut edit = Edit { left: rules.len() };
        if !edit.rule(&mut rule) {
            return rules;
        }
        rules.push(rule);
    }
}

/// Makes the simplification with a given number, counting as it walks.
struct Edit {
    left: usize,
}

impl Edit {
    /// Whether the simplification at hand is the one to make.
    fn now(&mut self, possible: bool) -> bool {
        if possible && self.left == 0 {
            return true;
        }
        self.left -= usize::from(possible);
        false
    }

    fn rule(&mut self, rule: &mut Rule) -> bool {
        if self.now(rule.within.is_some()) {
            rule.within = None;
        } else if self.now(rule.on_timeout.is_some()) {
            rule.on_timeout = None;
        } else if self.now(rule.overlap != "all") {
            rule.overlap = "all".to_string();
        } else if self.now(rule.optional_v) {
            rule.optional_v = false;
        } else {
            return self.sequence(&mut rule.pattern);
        }
        true
    }

    fn sequence(&mut self, sequence: &mut Sequence) -> bool {
        if self.now(matches!(sequence.rest.first(), Some(Part::Step(..)))) {
            let Part::Step(_, _, element) = sequence.rest.remove(0) else { unreachable!("checked above") };
            sequence.first = element;
            return true;
        }
        for part in 0..sequence.rest.len() {
            if self.now(true) {
                sequence.rest.remove(part);
                return true;
            }
        }
        self.element(&mut sequence.first) || sequence.rest.iter_mut().any(|part| self.part(part))
    }

    fn part(&mut self, part: &mut Part) -> bool {
        match part {
            Part::Step(link, within, element) => {
                if self.now(*link != "then") {
                    *link = "then";
                } else if self.now(within.is_some()) {
                    *within = None;
                } else {
                    return self.element(element);
                }
                true
            }
            Part::Absence(_, event, _) => self.event(event),
        }
    }

    fn element(&mut self, element: &mut Element) -> bool {
        if self.now(!matches!(element.count, Count::One)) {
            element.count = Count::One;
            return true;
        }
        if let Count::Loop { modifiers, until, .. } = &mut element.count {
            if self.now(!modifiers.is_empty()) {
                modifiers.clear();
                return true;
            }
            if self.now(until.is_some()) {
                *until = None;
                return true;
            }
            if until.as_mut().is_some_and(|event| self.event(event)) {
                return true;
            }
        }
        self.atom(&mut element.atom)
    }

    fn atom(&mut self, atom: &mut Atom) -> bool {
        match atom {
            Atom::Event(event, _) => self.event(event),
            Atom::Again(inner) => {
                if self.now(true) {
                    *atom = inner.atom.clone();
                    return true;
                }
                self.element(inner)
            }
            Atom::Group(_, branches, within) => {
                if self.now(branches.len() == 1 && branches[0].rest.is_empty()) {
                    if matches!(branches[0].first.count, Count::One) {
                        *atom = branches[0].first.atom.clone();
                    } else {
                        *atom = Atom::Again(Box::new(branches[0].first.clone()));
                    }
                    return true;
                }
                if self.now(within.is_some()) {
                    *within = None;
                    return true;
                }
                for branch in 0..branches.len() {
                    if self.now(branches.len() > 1) {
                        branches.remove(branch);
                        return true;
                    }
                }
                branches.iter_mut().any(|branch| self.sequence(branch))
            }
        }
    }

    fn event(&mut self, event: &mut Event) -> bool {
        if self.now(event.condition.len() > 1) {
            event.condition.pop();
            return true;
        }
        false
    }
}
