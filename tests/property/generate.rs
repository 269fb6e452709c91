//! Random rules and streams.
//!
//! A rule covers every construct of the pattern grammar, and is built so that none of the reasons
//! for which the language rejects a pattern applies. A seed stands for one rule and one stream.

use super::case::Event as Input;
use super::pattern::{Atom, Count, Element, Event, Part, Rule, Sequence};
use super::random::Random;

/// How rules are to be.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// How deep groups may stand in each other.
    pub depth: u32,
    /// How many keys the stream has at most.
    pub keys: u32,
}

/// How many letters events and conditions choose from: few, so that rules match.
const LETTERS: [u32; 5] = [2, 2, 3, 3, 4];

/// A random rule and a random stream for it.
pub fn rule_and_events(seed: u64, shape: Shape) -> (Rule, Vec<Input>) {
    let mut random = Random::new(seed);
    let letters = random.pick(&LETTERS);
    let rule = rule(&mut random, shape, letters);
    let keys = random.number(1, shape.keys);
    let events = events(&mut random, &[&rule], keys, letters);
    (rule, events)
}

/// A random rule whose conditions use so many letters.
pub fn rule(random: &mut Random, shape: Shape, letters: u32) -> Rule {
    let timeouts = random.chance(30);
    let within = random.chance(if timeouts { 90 } else { 50 }).then(|| random.number(2, 24) * 500);
    let optional_v = random.chance(15);
    let mut writer = Writer {
        random,
        any: !timeouts,
        letters,
        names: 0,
        variables: vec![],
        plain: vec![],
        loops: vec![],
        loop_count: 0,
    };
    let length = writer.random.pick(&[1, 2, 2, 3, 3, 3, 4, 4, 5]);
    let pattern = writer.sequence(length, shape.depth, Around { top: true, within });
    let variables: Vec<String> = writer.variables.iter().map(|variable| variable.name.clone()).collect();
    let overlap = match random.number(0, 4) {
        0 => "none".to_string(),
        1 => "per start".to_string(),
        2 => "all".to_string(),
        3 => format!("resume at first {}", random.pick(&variables)),
        _ => format!("resume at last {}", random.pick(&variables)),
    };
    let on_timeout = timeouts.then(|| random.chance(30).then(|| random.pick(&variables)));
    Rule { optional_v, by: random.chance(95), pattern, within, overlap, on_timeout }
}

/// A random stream for some rules. Times never go back and are often equal.
pub fn events(random: &mut Random, rules: &[&Rule], keys: u32, letters: u32) -> Vec<Input> {
    let longest = if rules.iter().any(|rule| rule.has_any()) { 13 } else { 22 };
    let nullable = rules.iter().all(|rule| rule.optional_v);
    let count = random.number(6, longest * keys.min(2));
    let mut at = 0;
    (1..=count)
        .map(|id| {
            at += i64::from(random.pick(&[0, 0, 500, 500, 1000, 1000, 1000, 2000, 3000])) / i64::from(keys);
            Input {
                id: i64::from(id),
                k: format!("k{}", random.number(1, keys)),
                t: letter(random.number(0, letters - 1)),
                v: (!(nullable && random.chance(20))).then(|| i64::from(random.number(0, 9))),
                at,
            }
        })
        .collect()
}

fn letter(number: u32) -> String {
    ["a", "b", "c", "d"][number as usize].to_string()
}

/// Something captured by an earlier step.
#[derive(Clone)]
struct Variable {
    name: String,
    /// The loops around it, from the outermost in.
    loops: Vec<u32>,
}

/// What stands around a sequence.
#[derive(Clone, Copy)]
struct Around {
    /// Whether it is the whole pattern.
    top: bool,
    /// The shortest limit around it, in milliseconds.
    within: Option<u32>,
}

/// Writes a pattern from left to right.
struct Writer<'a> {
    random: &'a mut Random,
    any: bool,
    letters: u32,
    names: u32,
    /// What has been captured so far.
    variables: Vec<Variable>,
    /// Definitions that look at nothing but the event.
    plain: Vec<Event>,
    /// The loops around the place, from the outermost in.
    loops: Vec<u32>,
    loop_count: u32,
}

impl Writer<'_> {
    /// A sequence of so many elements that cannot match nothing.
    fn sequence(&mut self, length: u32, depth: u32, around: Around) -> Sequence {
        let firm = self.random.number(0, length - 1);
        let first = self.element(depth, firm == 0, around.within);
        let mut needed = !first.may_be_empty();
        let mut rest = vec![];
        for number in 1..length {
            if needed {
                self.absences(&mut rest, around.within);
            }
            let link = self.link();
            let within = self.random.chance(12).then(|| self.span(6));
            let element = self.element(depth, firm == number, around.within);
            needed |= !element.may_be_empty();
            rest.push(Part::Step(link, within, element));
        }
        if around.top && self.random.chance(25) {
            let span = (around.within.is_none() || self.random.chance(50)).then(|| self.span(8));
            let event = self.watched();
            rest.push(Part::Absence("then not", event, span));
        }
        Sequence { first, rest }
    }

    /// Sometimes an absence or two before the next step; only the last may be without `for`.
    fn absences(&mut self, rest: &mut Vec<Part>, within: Option<u32>) {
        while self.random.chance(if matches!(rest.last(), Some(Part::Absence(..))) { 15 } else { 22 }) {
            let event = self.watched();
            let longest = within.map_or(6, |within| within.saturating_sub(1) / 500).min(6);
            if longest > 0 && self.random.chance(40) {
                let span = self.span(longest);
                rest.push(Part::Absence("then not", event, Some(span)));
            } else {
                let word = self.random.pick(&["then not", "then not", "next not"]);
                rest.push(Part::Absence(word, event, None));
                return;
            }
        }
    }

    /// A time in milliseconds, at most so many half seconds, seldom none at all.
    fn span(&mut self, longest: u32) -> u32 {
        if self.random.chance(4) { 0 } else { self.random.number(1, longest) * 500 }
    }

    fn link(&mut self) -> &'static str {
        match self.random.number(0, 99) {
            0..20 => "next",
            20..36 if self.any => "then any",
            _ => "then",
        }
    }

    fn element(&mut self, depth: u32, firm: bool, within: Option<u32>) -> Element {
        match self.random.number(0, 99) {
            0..12 if !firm => {
                let atom = self.atom(depth, within);
                Element { count: Count::Optional, atom }
            }
            12..46 => self.counted(depth, firm, within),
            _ => Element { count: Count::One, atom: self.atom(depth, within) },
        }
    }

    fn counted(&mut self, depth: u32, firm: bool, within: Option<u32>) -> Element {
        let least = u32::from(firm);
        let (min, max) = match self.random.number(0, 9) {
            0..2 => {
                let exact = self.random.number(1, 3);
                (exact, Some(exact))
            }
            2..6 => (self.random.number(least, 3), None),
            _ => {
                let min = self.random.number(least, 2);
                (min, Some(self.random.number(min + 1, 3)))
            }
        };
        let mut modifiers = vec![];
        if max != Some(min) && self.random.chance(20) {
            modifiers.push("lazy");
        }
        match self.random.number(0, 9) {
            0..3 => modifiers.push("consecutive"),
            3..5 if self.any => modifiers.push("any"),
            _ => {}
        }
        self.random.shuffle(&mut modifiers);
        if max != Some(1) {
            self.loop_count += 1;
            self.loops.push(self.loop_count);
        }
        let atom = if depth > 0 && self.random.chance(5) {
            Atom::Again(Box::new(self.counted(0, true, within)))
        } else {
            self.atom(depth, within)
        };
        if max != Some(1) {
            self.loops.pop();
        }
        let until = (max.is_none() && matches!(atom, Atom::Event(..)) && self.random.chance(25))
            .then(|| self.watched());
        Element { count: Count::Loop { min, max, modifiers, until }, atom }
    }

    fn atom(&mut self, depth: u32, around: Option<u32>) -> Atom {
        if depth == 0 || self.random.chance(72) {
            return self.event();
        }
        let within = self.random.chance(25).then(|| self.span(8));
        let around = Around { top: false, within: within.into_iter().chain(around).min() };
        let (word, count) =
            self.random.pick(&[("or", 2), ("or", 2), ("or", 3), ("and", 2), ("and", 3), ("", 1)]);
        let before = self.variables.clone();
        let mut captured = before.clone();
        let mut branches = vec![];
        for _ in 0..count {
            // Sometimes a branch looks at what one to its left may have captured.
            self.variables.clone_from(if self.random.chance(25) { &captured } else { &before });
            let known = self.variables.len();
            let length = self.random.pick(if count == 1 { &[1, 2, 2, 2, 3] } else { &[1, 1, 1, 2, 2] });
            branches.push(self.sequence(length, depth - 1, around));
            captured.extend_from_slice(&self.variables[known..]);
        }
        self.variables = captured;
        Atom::Group(word, branches, within)
    }

    /// A step: usually a definition of its own; sometimes the stream, or an earlier definition again.
    fn event(&mut self) -> Atom {
        self.names += 1;
        let name = format!("s{}", self.names);
        let (event, alias) = match self.random.number(0, 99) {
            0..4 => (Event { name: "s".to_string(), condition: vec![] }, Some(name.clone())),
            4..10 if !self.plain.is_empty() => (self.random.pick(&self.plain), Some(name.clone())),
            10..15 => (self.definition(name.clone(), false), Some(format!("as_{name}"))),
            _ => (self.definition(name.clone(), true), None),
        };
        let name = alias.clone().unwrap_or(name);
        self.variables.push(Variable { name, loops: self.loops.clone() });
        Atom::Event(event, alias)
    }

    /// What a `not` or `until` names.
    fn watched(&mut self) -> Event {
        if !self.plain.is_empty() && self.random.chance(15) {
            return self.random.pick(&self.plain);
        }
        if self.random.chance(2) {
            return Event { name: "s".to_string(), condition: vec![] };
        }
        self.names += 1;
        self.definition(format!("x{}", self.names), false)
    }

    fn definition(&mut self, name: String, own: bool) -> Event {
        let mut letters: Vec<String> = (0..self.letters).map(letter).collect();
        self.random.shuffle(&mut letters);
        let mut condition = vec![match self.random.number(0, 9) {
            0..6 => format!("t == \"{}\"", letters[0]),
            6..8 => format!("t in (\"{}\", \"{}\")", letters[0], letters[1]),
            8 => format!("t != \"{}\"", letters[0]),
            _ => format!("(t == \"{}\" or t == \"{}\")", letters[0], letters[1]),
        }];
        match self.random.number(0, 99) {
            0..10 => condition.push(format!("v < {}", self.random.number(4, 8))),
            10..20 => {
                let op = self.random.pick(&["<=", ">", ">=", "!="]);
                condition.push(format!("v {op} {}", self.random.number(1, 5)));
            }
            20..45 => condition.extend(self.about_captures(own.then_some(name.as_str()))),
            _ => {}
        }
        let event = Event { name, condition };
        if event.condition.iter().all(|part| !part.contains('s')) {
            self.plain.push(event.clone());
        }
        event
    }

    /// A condition on what was captured before, or on the step's own loop.
    fn about_captures(&mut self, own: Option<&str>) -> Option<String> {
        let own = own.filter(|_| self.random.chance(25));
        let (name, single) = match own {
            Some(name) => (name.to_string(), false),
            None if self.variables.is_empty() => return None,
            None => {
                let variable = self.random.pick(&self.variables);
                (variable.name.clone(), self.loops.starts_with(&variable.loops))
            }
        };
        let op = self.random.pick(&["<", "<=", ">", ">=", "==", "!="]);
        let place = self.random.pick(&["first", "last"]);
        Some(match self.random.number(0, 9) {
            0..5 if single => format!("v {op} {name}.v"),
            0..2 => format!("(count({name}) == 0 or v {op} {place}({name}).v)"),
            2..4 => format!("v {op} {place}({name}).v"),
            4 => format!("v {op} ({place}({name}).v ?? 5)"),
            5 => format!("({place}({name}).v is missing or t != {place}({name}).t)"),
            6 => format!("count({name}) < {}", self.random.number(1, 3)),
            7 => format!("v <= max({name}.v) + {}", self.random.number(0, 4)),
            8 => format!("not v {op} min({name}.v)"),
            _ => format!("sum({name}.v) + v < {}", self.random.number(6, 25)),
        })
    }
}

impl Rule {
    /// Whether the pattern uses `any`, which makes the number of runs grow fast.
    fn has_any(&self) -> bool {
        self.pattern.to_string().split(' ').any(|word| word == "any")
    }
}
