//! What is wrong with a rule file, where, and what to do about it.
//!
//! Enters: the source files and the problems found in them. Leaves: diagnostics that can be shown
//! to a person ([`render`]) or given to an editor (JSON, by `serde`). A diagnostic is data: nothing
//! here decides whether a rule is right.

pub mod codes;
mod render;
mod source;

pub use codes::Code;
pub use render::{JsonDiagnostic, Style, render, render_all, render_finding};
pub use source::{FileId, LineColumn, SourceFile, Sources, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The rule set cannot be used.
    Error,
    /// It can be used, but probably does not do what its author means.
    Warning,
}

/// A place in the source with a word about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is to be seen there; may be empty.
    pub text: String,
}

/// One problem.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// Its permanent code.
    pub code: Code,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where it is wrong.
    pub primary: Label,
    /// Other places that matter ("first declared here").
    pub secondary: Vec<Label>,
    /// What to do about it, one hint each.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// A problem at `span`.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            message: message.into(),
            primary: Label { span, text: String::new() },
            secondary: Vec::new(),
            help: Vec::new(),
        }
    }

    /// Adds the words shown under the underlined place.
    pub fn label(mut self, text: impl Into<String>) -> Diagnostic {
        self.primary.text = text.into();
        self
    }

    /// Adds another place.
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.secondary.push(Label { span, text: text.into() });
        self
    }

    /// Adds a hint.
    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.help.push(text.into());
        self
    }

    /// Whether it is the same problem, perhaps found on another way that adds places of its own.
    fn is_same(&self, other: &Diagnostic) -> bool {
        (self.primary.span, self.code) == (other.primary.span, other.code) && self.message == other.message
    }

    /// How bad it is, which the code decides.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// Most errors, and most warnings, that are kept; those beyond are only counted. Nobody reads more,
/// and a file can hold a mistake every few bytes.
pub const MAX_KEPT: usize = 500;

/// Problems found, in no particular order until [`Diagnostics::sorted`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnostics {
    kept: Vec<Diagnostic>,
    /// How many errors and how many warnings there are, with those that were not kept.
    errors: usize,
    warnings: usize,
}

impl Diagnostics {
    /// Adds a problem, unless it is known: what an event's condition has wrong is found again wherever
    /// the pattern tests for the event, and must not push other problems out.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.kept.iter().any(|known| known.is_same(&diagnostic)) {
            return;
        }
        let count = match diagnostic.severity() {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        if *count <= MAX_KEPT {
            self.kept.push(diagnostic);
        }
    }

    /// Adds all problems of `other`.
    pub fn append(&mut self, other: Diagnostics) {
        let errors = other.kept.iter().filter(|one| one.severity() == Severity::Error).count();
        let more = (other.errors - errors, other.warnings - (other.kept.len() - errors));
        other.kept.into_iter().for_each(|diagnostic| self.push(diagnostic));
        (self.errors, self.warnings) = (self.errors + more.0, self.warnings + more.1);
    }

    /// Keeps the problems for which `keep` holds; those that were only counted stay counted.
    pub fn retain(&mut self, mut keep: impl FnMut(&Diagnostic) -> bool) {
        self.kept.retain(|diagnostic| {
            let is_kept = keep(diagnostic);
            match diagnostic.severity() {
                Severity::Error => self.errors -= usize::from(!is_kept),
                Severity::Warning => self.warnings -= usize::from(!is_kept),
            }
            is_kept
        });
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Whether further errors would only be counted, so that it is no use to look for them.
    pub fn is_full(&self) -> bool {
        self.errors > MAX_KEPT
    }

    /// How many errors and how many warnings there are, with those that were not kept.
    pub fn counts(&self) -> (usize, usize) {
        (self.errors, self.warnings)
    }

    /// The same problems by place in the files.
    pub fn sorted(mut self) -> Diagnostics {
        let place = |d: &Diagnostic| (d.primary.span, d.code, d.message.clone());
        self.kept.sort_by_cached_key(place);
        self
    }

    /// The problems that were kept.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.kept.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// How many there are, with those that were not kept.
    pub fn len(&self) -> usize {
        self.errors + self.warnings
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The longest name that is looked at for suggestions, in bytes.
const MAX_NAME: usize = 40;
/// Most names of about the right length that are compared for one suggestion.
const MAX_COMPARED: usize = 1_000;

/// What is added to a sentence that says that there is no `wanted`: which of `names` was probably meant; nothing
/// when none is near.
pub fn did_you_mean<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wanted, names).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// The name among `names` that `wanted` was probably meant to be: one that differs in few letters or,
/// failing that, one that goes on where the other ends. `None` when none is near.
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    // Of one or two letters a change leaves too little to recognise.
    let limit = match wanted.chars().count() {
        0..=2 => 0,
        length => (length / 3).max(1),
    };
    let mut near: Option<(usize, &str)> = None;
    let mut prefix: Option<(usize, &str)> = None;
    let mut compared = 0;
    for name in names {
        if wanted.len().max(name.len()) > MAX_NAME || compared == MAX_COMPARED {
            continue;
        }
        let lower = name.to_lowercase();
        let differ = wanted.len().abs_diff(lower.len());
        let shorter = wanted.len().min(lower.len());
        if shorter >= 4 && (wanted.starts_with(&lower) || lower.starts_with(&wanted)) {
            prefix = prefix.into_iter().chain([(differ, name)]).min();
        }
        // A letter takes up to four bytes.
        if differ <= 4 * limit {
            compared += 1;
            let distance = strsim::damerau_levenshtein(&wanted, &lower);
            if distance <= limit {
                near = near.into_iter().chain([(distance, name)]).min();
            }
        }
    }
    near.or(prefix).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_found() {
        let names = ["amount", "country", "lower", "length", "id", "card"];
        for (wanted, near) in [
            ("ammount", Some("amount")),
            ("Amount", Some("amount")),
            ("crad", Some("card")),
            ("country_code", Some("country")),
            ("lowercase", Some("lower")),
            ("ID", Some("id")),
            ("it", None),
            ("merchant", None),
        ] {
            assert_eq!(nearest(wanted, names), near, "{wanted}");
        }
    }

    #[test]
    fn the_same_problem_is_kept_once() {
        let span = Span::default();
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(Diagnostic::new(codes::E0102, span, "no field").also(span, "one way"));
        diagnostics.push(Diagnostic::new(codes::E0102, span, "no field").also(span, "another way"));
        diagnostics.push(Diagnostic::new(codes::E0102, span, "no other field"));
        assert_eq!((diagnostics.counts(), diagnostics.sorted().len()), ((2, 0), 2));
    }

    #[test]
    fn a_flood_of_problems_is_counted_but_not_kept() {
        let mut diagnostics = Diagnostics::default();
        for place in 0..2_000 {
            let span = Span::new(FileId(0), place, place + 1);
            diagnostics.push(Diagnostic::new(codes::W0503, span, "a warning"));
        }
        assert!(!diagnostics.has_errors());
        let mut errors = Diagnostics::default();
        for place in 0..1_000 {
            let span = Span::new(FileId(0), place, place + 1);
            errors.push(Diagnostic::new(codes::E0102, span, "an error"));
        }
        assert!(errors.is_full());
        diagnostics.append(errors);
        assert!(diagnostics.has_errors());
        assert_eq!((diagnostics.counts(), diagnostics.iter().count()), ((1_000, 2_000), 2 * MAX_KEPT));
        let sorted = diagnostics.sorted();
        assert_eq!((sorted.counts(), sorted.iter().count()), ((1_000, 2_000), 2 * MAX_KEPT));
    }

    #[test]
    fn a_repeated_problem_pushes_no_other_out() {
        let mut diagnostics = Diagnostics::default();
        for _ in 0..1_000 {
            diagnostics.push(Diagnostic::new(codes::E0102, Span::default(), "the same error"));
        }
        diagnostics.push(Diagnostic::new(codes::E0102, Span::default(), "another"));
        assert_eq!((diagnostics.counts(), diagnostics.iter().count()), ((2, 0), 2));
    }
}
