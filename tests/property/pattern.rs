//! Rules as the generator makes them: a pattern that can be printed and made smaller.

use std::fmt;

/// A rule over stream `s`.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Whether the field `v` may be null.
    pub optional_v: bool,
    /// Whether it has `by k`; without it all events form one group.
    pub by: bool,
    /// The pattern.
    pub pattern: Sequence,
    /// `within` of the match, in milliseconds.
    pub within: Option<u32>,
    /// What follows `overlap`.
    pub overlap: String,
    /// `on timeout`, and what it comes after.
    pub on_timeout: Option<Option<String>>,
}

/// Elements and absences one after the other.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// The first element.
    pub first: Element,
    /// What follows.
    pub rest: Vec<Part>,
}

/// What may follow the first element.
#[derive(Clone, Debug)]
pub enum Part {
    /// `then`, `then any` or `next`, its limit in milliseconds, and the element.
    Step(&'static str, Option<u32>, Element),
    /// `then not` or `next not`, what must not come, and for how many milliseconds.
    Absence(&'static str, Event, Option<u32>),
}

/// An element.
#[derive(Clone, Debug)]
pub struct Element {
    /// How often.
    pub count: Count,
    /// What.
    pub atom: Atom,
}

/// How often an element comes.
#[derive(Clone, Debug)]
pub enum Count {
    /// Once.
    One,
    /// Once or not.
    Optional,
    /// At least and at most so often.
    Loop {
        /// At least.
        min: u32,
        /// At most.
        max: Option<u32>,
        /// `lazy`, `consecutive`, `any`.
        modifiers: Vec<&'static str>,
        /// What ends it.
        until: Option<Event>,
    },
}

/// What an element takes.
#[derive(Clone, Debug)]
pub enum Atom {
    /// An event, perhaps captured under another name.
    Event(Event, Option<String>),
    /// Branches joined by `or` or `and`, and the limit in milliseconds.
    Group(&'static str, Vec<Sequence>, Option<u32>),
    /// A counted element counted again.
    Again(Box<Element>),
}

/// An event definition, or the stream itself when it has no condition.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// What must hold, all of it.
    pub condition: Vec<String>,
}

impl Sequence {
    /// Whether it could match nothing.
    pub fn may_be_empty(&self) -> bool {
        self.first.may_be_empty()
            && self.rest.iter().all(|part| match part {
                Part::Step(_, _, element) => element.may_be_empty(),
                Part::Absence(..) => true,
            })
    }

    /// Calls `f` for every event named in it.
    pub fn events<'a>(&'a self, f: &mut dyn FnMut(&'a Event)) {
        self.first.events(f);
        for part in &self.rest {
            match part {
                Part::Step(_, _, element) => element.events(f),
                Part::Absence(_, event, _) => f(event),
            }
        }
    }
}

impl Element {
    /// Whether it could match nothing.
    pub fn may_be_empty(&self) -> bool {
        matches!(self.count, Count::Optional | Count::Loop { min: 0, .. })
            || match &self.atom {
                Atom::Event(..) => false,
                Atom::Group("and", branches, _) => branches.iter().all(Sequence::may_be_empty),
                Atom::Group(_, branches, _) => branches.iter().any(Sequence::may_be_empty),
                Atom::Again(element) => element.may_be_empty(),
            }
    }

    fn events<'a>(&'a self, f: &mut dyn FnMut(&'a Event)) {
        match &self.atom {
            Atom::Event(event, _) => f(event),
            Atom::Group(_, branches, _) => branches.iter().for_each(|branch| branch.events(f)),
            Atom::Again(element) => element.events(f),
        }
        if let Count::Loop { until: Some(event), .. } = &self.count {
            f(event);
        }
    }
}

/// The declaration of stream `s`.
pub fn stream(optional_v: bool) -> String {
    let mark = if optional_v { "?" } else { "" };
    format!("stream s time at {{\n  id int\n  k string\n  t string\n  v int{mark}\n  at timestamp(ms)\n}}\n")
}

impl Rule {
    /// The whole rule file: the stream and the rule `r`.
    pub fn file(&self) -> String {
        format!("{}\n{}", stream(self.optional_v), self.declaration("r"))
    }

    /// The rule alone, under a name.
    pub fn declaration(&self, name: &str) -> String {
        let mut definitions: Vec<String> = vec![];
        self.pattern.events(&mut |event| {
            if !event.condition.is_empty() {
                let line = format!("  event {} = s where {}\n", event.name, event.condition.join(" and "));
                if !definitions.contains(&line) {
                    definitions.push(line);
                }
            }
        });
        let by = if self.by { "  by k\n" } else { "" };
        let within = Limit(self.within);
        let timeout = match &self.on_timeout {
            None => String::new(),
            Some(None) => "  on timeout alert info \"t\"\n".to_string(),
            Some(Some(after)) => format!("  on timeout after {after} alert info \"t\"\n"),
        };
        format!(
            "rule {name} {{\n{by}{}  match {}{within}\n  overlap {}\n  alert info \"m\"\n{timeout}}}\n",
            definitions.concat(),
            self.pattern,
            self.overlap
        )
    }
}

/// A number of milliseconds as the language writes it.
struct Millis(u32);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1000) { write!(f, "{}s", self.0 / 1000) } else { write!(f, "{}ms", self.0) }
    }
}

/// ` within …` or nothing.
struct Limit(Option<u32>);

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |millis| write!(f, " within {}", Millis(millis)))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        for part in &self.rest {
            match part {
                Part::Step(link, within, element) => write!(f, " {link}{} {element}", Limit(*within))?,
                Part::Absence(word, event, None) => write!(f, " {word} {}", event.name)?,
                Part::Absence(word, event, Some(span)) => {
                    write!(f, " {word} {} for {}", event.name, Millis(*span))?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.count {
            Count::One => write!(f, "{}", self.atom),
            Count::Optional => write!(f, "optional {}", self.atom),
            Count::Loop { min, max, modifiers, until } => {
                match max {
                    None => write!(f, "{min}+")?,
                    Some(max) if min == max => write!(f, "{min}")?,
                    Some(max) => write!(f, "{min}..{max}")?,
                }
                for modifier in modifiers {
                    write!(f, " {modifier}")?;
                }
                write!(f, " {}", self.atom)?;
                until.as_ref().map_or(Ok(()), |event| write!(f, " until {}", event.name))
            }
        }
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Atom::Event(event, None) => write!(f, "{}", event.name),
            Atom::Event(event, Some(alias)) => write!(f, "{} as {alias}", event.name),
            Atom::Group(word, branches, within) => {
                let branches: Vec<String> = branches.iter().map(Sequence::to_string).collect();
                write!(f, "({}{})", branches.join(&format!(" {word} ")), Limit(*within))
            }
            Atom::Again(element) => write!(f, "{element}"),
        }
    }
}
