//! The catalogue of codes. A code is permanent: its meaning never changes and a number is never
//! given twice.
//!
//! Ranges: `E00xx` text and syntax, `E01xx` names, `E02xx` types and expressions, `E03xx` patterns,
//! `E040x` rules and alerts, `E042x` lists and tables, `E043x` streams of alerts, `E044x` tests, `E06xx`
//! the configuration and files that cannot be read; `W05xx` warnings of rules, `W06xx` of the
//! configuration. `E0901` was given to parts of the language that early versions did not run.

use std::fmt;

use super::Severity;

/// A permanent code such as `E0104`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(&'static str);

impl Code {
    /// The code as text.
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Errors begin with `E`, warnings with `W`.
    pub fn severity(self) -> Severity {
        if self.0.starts_with('W') { Severity::Warning } else { Severity::Error }
    }

    /// What the code stands for, in a few words.
    pub fn summary(self) -> &'static str {
        ALL.iter().find(|(code, _)| *code == self).map_or("", |(_, summary)| summary)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

macro_rules! codes {
    ($($name:ident $summary:literal)*) => {
        $(#[doc = $summary] pub const $name: Code = Code(stringify!($name));)*

        /// Every code with what it stands for.
        pub const ALL: &[(Code, &str)] = &[$(($name, $summary)),*];
    };
}

codes! {
    // Text and syntax.
    E0001 "a character that the language does not know"
    E0002 "a text that is not closed"
    E0003 "an unknown escape in a text"
    E0004 "a number that cannot be read or is out of range"
    E0005 "a duration that cannot be read or is out of range"
    E0006 "something else was expected here"
    E0007 "a brace or parenthesis that is not closed"
    E0008 "nested too deeply"
    E0009 "fields that are not separated by a comma or a line end"
    E0010 "a file that is too large"
    E0011 "a mistake inside the braces of a title"
    E0012 "a modifier given twice or where it has no meaning"
    E0013 "a comparison that is chained"
    E0014 "a file that is not UTF-8"
    E0015 "more problems than are shown"
    E0016 "an unknown type"

    // Names.
    E0101 "an unknown stream"
    E0102 "an unknown field"
    E0103 "an unknown event"
    E0104 "an unknown name"
    E0105 "an unknown function"
    E0106 "a name that is declared twice"
    E0107 "a reserved word used as a name"
    E0108 "definitions that use each other in a circle"
    E0109 "a clause that is given twice"
    E0110 "a clause that is missing"
    E0111 "a path that cannot be read"

    // Types and expressions.
    E0201 "a value of the wrong type"
    E0202 "values that cannot be compared or combined"
    E0203 "a comparison with null"
    E0204 "a wrong number of arguments"
    E0205 "a regular expression that cannot be used"
    E0206 "a network that cannot be read"
    E0207 "a condition that is not a bool"
    E0208 "an expression that grows too large"
    E0209 "a time zone that does not exist"
    E0210 "a variable that can capture several events"
    E0211 "a variable that stands later in the pattern"
    E0212 "a value that must be constant"
    E0213 "a name that is no value, or has no fields"
    E0214 "a constant without a value"
    E0220 "an aggregate over the past that cannot stand there"
    E0221 "the past of something that is no stream"
    E0222 "a time of no length"
    E0223 "a current event where there is none"

    // Patterns.
    E0301 "a part of the pattern that could match nothing"
    E0302 "an absence with nothing certain before it"
    E0303 "an absence directly after another absence"
    E0304 "an absence at the end without a time"
    E0305 "an absence that ends a group"
    E0306 "an absence as long as the time around it"
    E0307 "`until` where it has no meaning"
    E0308 "a count that cannot be"
    E0309 "a name that captures at two places"
    E0310 "a pattern that grows too large"
    E0311 "`on timeout` where it has no meaning"
    E0312 "`resume at` or `after` something that the pattern does not capture"

    // Rules and alerts.
    E0401 "an event-time field of the wrong type"
    E0402 "keys that do not fit each other"
    E0403 "a limit out of range"
    E0404 "an unknown severity, mode or policy"
    E0430 "a stream of the alerts of a rule that does not exist"
    E0431 "rules that read each other's alerts in a circle"
    E0432 "an alert field whose name a stream of alerts cannot give"
    E0433 "an alert field without one type for a stream of alerts"

    // Lists and tables.
    E0420 "a list or table whose file cannot be read"
    E0421 "a value that a list or table cannot take"
    E0422 "a row whose key stands in the table already"
    E0423 "a first line that does not name the columns"
    E0424 "a list or table that is too large"
    E0425 "a list or table used as something else"
    E0426 "a table whose rows cannot be found"

    // Tests.
    E0440 "a test event without a required field"
    E0441 "the event time given by hand"
    E0442 "a test event of a stream that is made of alerts"
    E0443 "an unknown rule"
    E0444 "an alert expected of a rule that is off"
    E0445 "a place that an alert does not have"
    E0446 "a time-out expected of a rule that reports none"
    E0447 "lines of a test that contradict each other"
    E0448 "a time of a test that cannot be"
    E0449 "two fields at one place of a record"

    // The configuration, and files that cannot be read.
    E0601 "a configuration that is not TOML"
    E0602 "an unknown key"
    E0603 "a key that is missing"
    E0604 "a value of another type than the key takes"
    E0605 "a value that cannot be read"
    E0606 "a source of an unknown stream"
    E0607 "a sink that is not configured"
    E0608 "an address that cannot be read"
    E0609 "a URL that cannot be used"
    E0610 "a name, address or file that is given twice"
    E0611 "a file or folder that cannot be read"
    E0612 "a value that the key does not know"
    E0613 "a value out of range"
    E0614 "keys that do not go together"
    E0615 "a path that cannot be one of files"
    E0616 "an API that is not safe where others can reach it"
    E0620 "a source of a stream that carries alerts"
    E0621 "a codec that cannot fill its stream"
    E0622 "a schema that cannot be used"

    // Warnings.
    W0501 "a step that can never be captured"
    W0502 "a part of the match that comes too late to be reported"
    W0503 "a condition that is always true"
    W0504 "a condition that is never true"
    W0505 "runs that can live for ever"
    W0506 "a quiet partition would hold an absence back for good"
    W0507 "an event or stream that the pattern does not use"
    W0508 "an `on timeout` that can never happen"
    W0509 "a negation over a field that may be missing"
    W0510 "a time limit that changes nothing"
    W0511 "a rule that never matches"
    W0512 "a declaration that nothing uses"
    W0513 "two rules with the same meaning"
    W0515 "a value that a time-out never has"
    W0516 "partial matches that multiply"
    W0517 "a `not` that changes nothing"
    W0518 "an `allow` of what cannot be allowed"
    W0519 "an `allow` that silences nothing"
    W0520 "an aggregate over the past that compares each past event"
    W0530 "a value that stands twice in a list"
    W0531 "a list or table that holds nothing"
    W0540 "a stream of the alerts of a rule that is off"
    W0550 "a test that expects nothing in particular"
    W0601 "alerts that no sink receives"
    W0602 "a stream that no source feeds"
    W0603 "a source whose events no rule reads"
    W0604 "a route that no alert comes to"
    W0605 "a route or an inhibition for rules that there are not"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_well_formed() {
        let mut seen = std::collections::BTreeSet::new();
        for (code, summary) in ALL {
            let text = code.as_str();
            assert!(text.len() == 5 && text[1..].bytes().all(|b| b.is_ascii_digit()), "{text}");
            assert!(seen.insert(text), "{text} is given twice");
            assert!(!summary.is_empty());
        }
    }
}
