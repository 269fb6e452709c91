//! What a run may take next, by walking the syntax tree.
//!
//! A [`Place`] in the pattern is the list of what is still to be done. [`choices`] turns it into
//! the ordered list of steps that the next event may be taken as, of absences that time must
//! confirm, and of the end of the pattern. Nothing is compiled and nothing shared: every question
//! is answered by walking the tree again.

use tripline::language::tree::{
    Absence, Atom, Count, Element, Group, GroupKind, Link, LinkKind, Match, Modifier, Name, Part, Quantifier,
    Sequence,
};

use super::condition::Repetition;

/// Something still to be done.
#[derive(Clone, Debug)]
enum Todo<'t> {
    /// A sequence from its part of this number on; part 0 is the first element.
    Sequence(&'t Sequence, usize),
    /// A whole element.
    Element(&'t Element),
    /// A counted element of which so many repetitions are done.
    Loop(&'t Element, u32),
    /// An atom, once.
    Atom(&'t Atom),
    /// The branches of an `and` that are still to be taken, and whether they are all of them.
    All(&'t Group, Vec<usize>),
    /// The end of a repetition.
    EndRepetition,
    /// The end of a group.
    LeaveGroup,
}

/// A group around a place.
#[derive(Clone, Copy, Debug)]
struct Around {
    within: Option<i64>,
    start: Option<i64>,
}

/// A place in the pattern.
#[derive(Clone, Debug)]
pub struct Place<'t> {
    /// What is still to be done; the next thing last.
    todo: Vec<Todo<'t>>,
    /// The groups around it, from the outermost in.
    groups: Vec<Around>,
    /// The repetitions around it, from the outermost in.
    repetitions: Vec<Repetition>,
}

impl<'t> Place<'t> {
    /// The beginning of a pattern.
    pub fn beginning(pattern: &'t Sequence) -> Place<'t> {
        Place { todo: vec![Todo::Sequence(pattern, 0)], groups: vec![], repetitions: vec![] }
    }

    /// The same place after an event of this time was taken: groups entered with it begin at it.
    pub fn taken_at(mut self, time: i64) -> Place<'t> {
        for group in &mut self.groups {
            group.start = group.start.or(Some(time));
        }
        self
    }

    fn then(mut self, todo: Todo<'t>) -> Place<'t> {
        self.todo.push(todo);
        self
    }
}

/// How a run came to a place, and what lies between the last event taken and the place.
#[derive(Clone, Debug)]
pub struct Way<'t> {
    /// The match, for its time limit.
    pub of: &'t Match,
    /// Time of the run's first event; `None` before it.
    pub first: Option<i64>,
    /// Time of the last event taken, or the end of the absence after it.
    pub from: Option<i64>,
    link: LinkKind,
    link_within: Option<i64>,
    guards: Vec<Guard<'t>>,
    until: Option<Watch<'t>>,
}

impl<'t> Way<'t> {
    /// The way of a run that begins.
    pub fn start(of: &'t Match) -> Way<'t> {
        Way {
            of,
            first: None,
            from: None,
            link: LinkKind::Then,
            link_within: None,
            guards: vec![],
            until: None,
        }
    }

    /// The way of a run that began at `first` and goes on from `from`.
    pub fn go_on(of: &'t Match, first: i64, from: i64) -> Way<'t> {
        Way { first: Some(first), from: Some(from), ..Way::start(of) }
    }

    fn joined(mut self, link: &Link) -> Way<'t> {
        self.link = link.kind;
        self.link_within = link.within.as_ref().map(|within| within.node.as_micros() / 1000);
        self
    }
}

/// An event that must not come.
#[derive(Clone, Debug)]
pub struct Watch<'t> {
    /// The event definition or stream.
    pub name: &'t str,
    /// The repetitions in which it stands.
    pub repetitions: Vec<Repetition>,
}

/// A `not` between the last event taken and a step.
#[derive(Clone, Debug)]
pub struct Guard<'t> {
    /// What must not come.
    pub watch: Watch<'t>,
    /// `next not`: only the very next event counts, and also if it would fit the step.
    pub next: bool,
}

/// A step that the next event may be taken as.
#[derive(Clone, Debug)]
pub struct Step<'t> {
    /// The event definition or stream.
    pub name: &'t str,
    /// What it is captured as.
    pub variable: &'t str,
    /// The repetitions in which it stands.
    pub repetitions: Vec<Repetition>,
    /// How it follows what was taken before it; `None` when nothing was.
    pub link: Option<LinkKind>,
    /// The latest time it may be taken at.
    pub limit: Option<i64>,
    /// What must not come before it.
    pub guards: Vec<Guard<'t>>,
    /// What ends the loop that it continues.
    pub until: Option<Watch<'t>>,
    /// Where the run stands once it is taken.
    pub after: Place<'t>,
}

/// `not x` until a moment.
#[derive(Clone, Debug)]
pub struct Wait<'t> {
    /// What must not come.
    pub watch: Watch<'t>,
    /// The last moment that counts.
    pub end: i64,
    /// Where the run stands once event time has passed the end.
    pub after: Place<'t>,
}

/// One way to go on.
#[derive(Clone, Debug)]
pub enum Choice<'t> {
    /// Take an event.
    Step(Step<'t>),
    /// Wait for an absence to be certain.
    Wait(Wait<'t>),
    /// Nothing more is needed.
    Complete,
}

/// What may come next at a place, the preferred first.
pub fn choices<'t>(mut place: Place<'t>, way: Way<'t>) -> Vec<Choice<'t>> {
    match place.todo.pop() {
        None => vec![Choice::Complete],
        Some(Todo::Sequence(sequence, part)) => sequence_from(sequence, part, place, way),
        Some(Todo::Element(element)) => match element.quantifier {
            None => choices(place.then(Todo::Atom(&element.atom)), way),
            Some(_) => choices(place.then(Todo::Loop(element, 0)), way),
        },
        Some(Todo::Loop(element, done)) => loop_after(element, done, place, way),
        Some(Todo::Atom(Atom::Name { name, alias })) => {
            vec![Choice::Step(step(name, alias.as_ref(), place, way))]
        }
        Some(Todo::Atom(Atom::Element(element))) => choices(place.then(Todo::Element(element)), way),
        Some(Todo::Atom(Atom::Group(group))) => open(group, place, way),
        Some(Todo::All(group, branches)) => all(group, &branches, place, way),
        Some(Todo::EndRepetition) => {
            place.repetitions.pop();
            choices(place, way)
        }
        Some(Todo::LeaveGroup) => {
            place.groups.pop();
            choices(place, way)
        }
    }
}

fn sequence_from<'t>(sequence: &'t Sequence, part: usize, place: Place<'t>, way: Way<'t>) -> Vec<Choice<'t>> {
    if part == 0 {
        return choices(place.then(Todo::Sequence(sequence, 1)).then(Todo::Element(&sequence.first)), way);
    }
    match sequence.rest.get(part - 1) {
        None => choices(place, way),
        Some(Part::Step { link, element }) => {
            let place = place.then(Todo::Sequence(sequence, part + 1)).then(Todo::Element(element));
            choices(place, way.joined(link))
        }
        Some(Part::Absence(absence)) => {
            let ends_match = part == sequence.rest.len() && place.todo.is_empty();
            not(absence, ends_match, place.then(Todo::Sequence(sequence, part + 1)), way)
        }
    }
}

/// An absence: a span to wait for, or a guard before what follows. A `not` before an optional step
/// guards the steps after it too, but not a span: that stands for itself (case 20261-6).
fn not<'t>(absence: &'t Absence, ends_match: bool, place: Place<'t>, mut way: Way<'t>) -> Vec<Choice<'t>> {
    let watch = Watch { name: &absence.name.node, repetitions: place.repetitions.clone() };
    let millis = |duration: &tripline::event::Duration| duration.as_micros() / 1000;
    let end = match (&absence.duration, &way.of.within) {
        (Some(duration), _) => Some(way.from.expect("an absence follows something") + millis(&duration.node)),
        (None, Some(within)) if ends_match => {
            Some(way.first.expect("an absence follows something") + millis(&within.node))
        }
        (None, _) => None,
    };
    match end {
        Some(end) => vec![Choice::Wait(Wait { watch, end, after: place })],
        None => {
            way.guards.push(Guard { watch, next: absence.next });
            choices(place, way)
        }
    }
}

/// A counted element of which `done` repetitions are done: one more, or what follows.
fn loop_after<'t>(element: &'t Element, done: u32, place: Place<'t>, way: Way<'t>) -> Vec<Choice<'t>> {
    let (count, modifiers) = match element.quantifier.as_ref().expect("only counted elements loop") {
        Quantifier::Optional(_) => (Count { min: 0, max: Some(1) }, vec![]),
        Quantifier::Count(count, modifiers) => (count.node, modifiers.iter().map(|m| m.node).collect()),
    };
    let mut repeat = vec![];
    if count.max.is_none_or(|max| done < max) {
        let mut way = way.clone();
        if done > 0 {
            way.link_within = None;
            way.link = if modifiers.contains(&Modifier::Any) {
                LinkKind::ThenAny
            } else if modifiers.contains(&Modifier::Consecutive) {
                LinkKind::Next
            } else {
                LinkKind::Then
            };
            way.until = element
                .until
                .as_ref()
                .map(|name| Watch { name: &name.node, repetitions: place.repetitions.clone() });
        }
        let mut place = place.clone();
        place.repetitions.push((std::ptr::from_ref(element).addr(), done));
        let place = place
            .then(Todo::Loop(element, done + 1))
            .then(Todo::EndRepetition)
            .then(Todo::Atom(&element.atom));
        repeat = choices(place, way);
    }
    let follow = if done >= count.min { choices(place, way) } else { vec![] };
    if modifiers.contains(&Modifier::Lazy) { [follow, repeat].concat() } else { [repeat, follow].concat() }
}

fn open<'t>(group: &'t Group, mut place: Place<'t>, way: Way<'t>) -> Vec<Choice<'t>> {
    let within = group.within.as_ref().map(|within| within.node.as_micros() / 1000);
    place.groups.push(Around { within, start: None });
    let place = place.then(Todo::LeaveGroup);
    if group.kind == GroupKind::And && group.branches.len() > 1 {
        return choices(place.then(Todo::All(group, (0..group.branches.len()).collect())), way);
    }
    group
        .branches
        .iter()
        .flat_map(|branch| choices(place.clone().then(Todo::Sequence(branch, 0)), way.clone()))
        .collect()
}

/// The remaining branches of an `and`, each as the next.
fn all<'t>(group: &'t Group, branches: &[usize], place: Place<'t>, mut way: Way<'t>) -> Vec<Choice<'t>> {
    if branches.is_empty() {
        return choices(place, way);
    }
    if branches.len() < group.branches.len() {
        way.link = LinkKind::Then;
        way.link_within = None;
    }
    let one = |branch: &usize| {
        let others = branches.iter().copied().filter(|other| other != branch).collect();
        let place =
            place.clone().then(Todo::All(group, others)).then(Todo::Sequence(&group.branches[*branch], 0));
        choices(place, way.clone())
    };
    branches.iter().flat_map(one).collect()
}

fn step<'t>(name: &'t Name, alias: Option<&'t Name>, place: Place<'t>, way: Way<'t>) -> Step<'t> {
    let of_match = way.first.zip(way.of.within.as_ref().map(|within| within.node.as_micros() / 1000));
    let of_link = way.from.zip(way.link_within);
    let of_groups = place.groups.iter().map(|group| group.start.zip(group.within));
    let limits = of_groups.chain([of_match, of_link]).flatten();
    Step {
        name: &name.node,
        variable: &alias.unwrap_or(name).node,
        repetitions: place.repetitions.clone(),
        link: way.from.map(|_| way.link),
        limit: limits.map(|(start, within)| start + within).min(),
        guards: way.guards,
        until: way.until,
        after: place,
    }
}
