//! What could be written at a place, as an editor offers it.

use crate::language::index::SymbolId;

/// What an offer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferKind {
    /// A word of the language.
    Word,
    /// A type.
    Type,
    /// A function.
    Function,
    /// Something that is declared.
    Symbol(SymbolId),
    /// A whole piece with gaps to fill in.
    Skeleton,
    /// A name that needs no declaration: of a sink, a tag, a severity.
    Label,
}

/// Something that could be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// What is shown and, unless `snippet` says otherwise, written.
    pub label: String,
    /// What it is.
    pub kind: OfferKind,
    /// A few words beside it; may be empty.
    pub detail: String,
    /// What is written, with the gaps of a snippet as editors know them: `${1:name}`, `$0`.
    pub snippet: Option<String>,
}

impl Offer {
    /// An offer that is written as it is shown.
    pub fn new(label: impl Into<String>, kind: OfferKind, detail: impl Into<String>) -> Offer {
        Offer { label: label.into(), kind, detail: detail.into(), snippet: None }
    }

    /// Writes this snippet instead of the label.
    pub fn snippet(mut self, snippet: impl Into<String>) -> Offer {
        self.snippet = Some(snippet.into());
        self
    }
}

/// A word with the skeleton that it begins and what that is.
type Skeleton = (&'static str, &'static str, &'static str);

/// The declarations.
pub(super) const DECLARATIONS: &[Skeleton] = &[
    (
        "stream",
        "where events come from",
        "stream ${1:name} time ${2:at} late ${3:5s} idle ${4:30s} {\n  ${5:id} ${6:string}\n  $2 timestamp\n}\n$0",
    ),
    ("list", "one value a line, from a file", "list ${1:name} ${2:string} from \"${3:lists/name.txt}\"\n$0"),
    (
        "table",
        "rows with a key, from a file",
        "table ${1:name} from \"${2:name.csv}\" {\n  key ${3:id} string\n  ${4:value} ${5:string}\n}\n$0",
    ),
    ("let", "a constant", "let ${1:name} = ${0:1}"),
    ("def", "a calculation", "def ${1:name}(${2:x} ${3:float}) = ${0:x}"),
    (
        "rule",
        "what to look for, and what to say",
        "rule ${1:name} {\n  about \"${2:What it finds}\"\n\n  by ${3:key}\n\n  event ${4:a} = ${5:stream} where ${6:condition}\n\n  match $4 within ${7:10m}\n  overlap none\n\n  alert ${8|medium,info,low,high,critical|} \"${9:What happened}\"\n}\n$0",
    ),
    (
        "test",
        "events, and the alerts they must give",
        "test \"${1:what it shows}\" {\n  at 0s ${2:stream} { $3 }\n  expect ${4:rule}\n  expect nothing else\n}\n$0",
    ),
];

/// The clauses of a rule.
pub(super) const CLAUSES: &[Skeleton] = &[
    ("about", "what the rule finds, in words", "about \"$0\""),
    ("tags", "words to find and sort it by", "tags ${0:tag}"),
    ("runbook", "where it is written what to do", "runbook \"${0:https://}\""),
    ("by", "what events are grouped by", "by ${0:key}"),
    ("event", "a kind of event that the pattern uses", "event ${1:name} = ${2:stream} where ${0:condition}"),
    ("match", "the pattern", "match ${1:a} then ${2:b} within ${0:10m}"),
    (
        "overlap",
        "what a match does to others",
        "overlap ${0|none,per start,all,resume at first v,resume at last v|}",
    ),
    (
        "alert",
        "what a match says",
        "alert ${1|medium,info,low,high,critical|} \"${2:title}\" {\n  ${3:name} = ${0:value}\n}",
    ),
    (
        "on timeout",
        "what a match says that ran out of time",
        "on timeout alert ${1|low,info,medium,high,critical|} \"${0:title}\"",
    ),
    ("to", "the sinks of its alerts", "to ${0:sink}"),
    ("limit", "how often it may alert", "limit ${1:1} per ${0:1h}"),
    ("max runs", "a bound on partial matches of a key", "max runs ${0:1000}"),
    ("max events", "a bound on events held for a key", "max events ${0:10000}"),
    ("mode", "evaluated but not sent, or off", "mode ${0|shadow,off|}"),
];

/// The lines of a test.
pub(super) const TEST_LINES: &[Skeleton] = &[
    ("at", "an event", "at ${1:0s} ${2:stream} { $0 }"),
    ("expect", "an alert", "expect ${1:rule} { $0 }"),
    ("expect nothing else", "no other alert", "expect nothing else"),
    ("restart", "stop and restore the engine", "restart"),
    ("stop", "do not let event time run on", "stop"),
];

/// The policies of `overlap`.
pub(super) const OVERLAPS: &[(&str, &str)] = &[
    ("none", "no event is in two matches"),
    ("per start", "one match for each first event"),
    ("all", "every match"),
    ("resume at first", "go on from the first event captured as a name"),
    ("resume at last", "go on from the last event captured as a name"),
];

/// The types, and units of numbers that are timestamps.
pub(super) const TYPES: &[(&str, &str)] = &[
    ("string", "text"),
    ("int", "a whole number of 64 bits"),
    ("float", "a number of 64 bits"),
    ("bool", "true or false"),
    ("timestamp", "RFC 3339 text"),
    ("timestamp(s)", "seconds since 1970"),
    ("timestamp(ms)", "milliseconds since 1970"),
    ("timestamp(us)", "microseconds since 1970"),
    ("timestamp(ns)", "nanoseconds since 1970"),
    ("duration", "text such as 1h30m"),
    ("ip", "an address"),
];

/// What may follow an operand.
pub(super) const OPERATORS: &[(&str, &str)] = &[
    ("and", ""),
    ("or", ""),
    ("in", "one of several values, a list, a network"),
    ("not in", ""),
    ("like", "text with * and ?"),
    ("matches", "a regular expression"),
    ("is missing", "has no value"),
    ("is present", "has a value"),
];

/// The aggregates and what stands before a point, with what they yield.
pub(super) const CAPTURES: &[(&str, &str)] = &[
    ("count", "how many events or values"),
    ("sum", "the sum of a field"),
    ("avg", "the mean of a field"),
    ("min", "the least of a field"),
    ("max", "the greatest of a field"),
    ("stddev", "the population standard deviation of a field"),
    ("count_distinct", "how many different values"),
    ("first", "the first event captured"),
    ("last", "the last event captured"),
];
