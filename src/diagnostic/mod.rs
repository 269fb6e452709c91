//! What is wrong with a rule file, where, and what to do about it.
//!
//! Enters: the source files and the problems found in them. Leaves: diagnostics that can be shown
//! to a person ([`render`]) or given to an editor (JSON, by `serde`). A diagnostic is data: nothing
//! here decides whether a rule is right.

pub mod codes;
mod render;
mod source;

pub use codes::Code;
pub use render::{JsonDiagnostic, Style, render, render_all};
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

    /// How bad it is, which the code decides.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// Problems found, in no particular order until [`Diagnostics::sorted`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds a problem.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds all problems of `other`.
    pub fn append(&mut self, mut other: Diagnostics) {
        self.0.append(&mut other.0);
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity() == Severity::Error)
    }

    /// How many errors and how many warnings there are.
    pub fn counts(&self) -> (usize, usize) {
        let errors = self.0.iter().filter(|d| d.severity() == Severity::Error).count();
        (errors, self.0.len() - errors)
    }

    /// The same problems by place in the files, repeats left out.
    pub fn sorted(mut self) -> Diagnostics {
        let place = |d: &Diagnostic| (d.primary.span, d.code, d.message.clone());
        self.0.sort_by_cached_key(place);
        // The same problem found on two ways is one, also if each way adds places of its own.
        self.0.dedup_by(|a, b| (a.primary.span, a.code, &a.message) == (b.primary.span, b.code, &b.message));
        self
    }

    /// The problems.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
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
    for name in names {
        let lower = name.to_lowercase();
        let distance = strsim::damerau_levenshtein(&wanted, &lower);
        if distance <= limit {
            near = near.into_iter().chain([(distance, name)]).min();
        }
        let shorter = wanted.len().min(lower.len());
        if shorter >= 4 && (wanted.starts_with(&lower) || lower.starts_with(&wanted)) {
            prefix = prefix.into_iter().chain([(distance, name)]).min();
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
        assert_eq!(diagnostics.sorted().len(), 2);
    }
}
