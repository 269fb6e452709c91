//! Diagnostics as the protocol has them.

use std::collections::BTreeMap;

use gen_lsp_types::{
    Code, Diagnostic as Shown, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, Message,
    Range,
};

use crate::diagnostic::{Code as OurCode, Diagnostic, Severity, codes};

use super::ruleset::RuleSet;

/// The name that editors show beside a message.
pub const SOURCE: &str = "tripline";

/// Warnings of what could be left out, which editors show in a paler colour.
const UNNEEDED: [OurCode; 5] = [codes::W0507, codes::W0510, codes::W0512, codes::W0517, codes::W0519];

/// What is to be shown of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The version of the document that it was found in, when it is open.
    pub version: Option<i32>,
    /// What is wrong with it.
    pub diagnostics: Vec<Shown>,
}

/// What is wrong with each file of a rule set, also with those that are as they should be.
pub fn pages(set: &RuleSet) -> BTreeMap<String, Page> {
    let mut pages: BTreeMap<String, Page> = BTreeMap::new();
    for (_, uri, version) in set.files() {
        pages.insert(uri.0.clone(), Page { version, diagnostics: Vec::new() });
    }
    for diagnostic in set.diagnostics() {
        let place = set.location(diagnostic.primary.span);
        pages.entry(place.uri.0).or_default().diagnostics.push(shown(set, diagnostic, place.range));
    }
    for (uri, why) in set.unreadable() {
        pages.entry(uri.0.clone()).or_default().diagnostics.push(unreadable(why));
    }
    pages
}

fn shown(set: &RuleSet, diagnostic: &Diagnostic, range: Range) -> Shown {
    let related = diagnostic.secondary.iter().map(|label| DiagnosticRelatedInformation {
        location: set.location(label.span),
        message: label.text.clone(),
    });
    let mut message = diagnostic.message.clone();
    if !diagnostic.primary.text.is_empty() {
        message.push_str(&format!("\n{}", diagnostic.primary.text));
    }
    for help in &diagnostic.help {
        message.push_str(&format!("\nhelp: {help}"));
    }
    let is_unneeded = UNNEEDED.contains(&diagnostic.code);
    Shown {
        range,
        severity: Some(match diagnostic.severity() {
            Severity::Error => DiagnosticSeverity::Error,
            Severity::Warning => DiagnosticSeverity::Warning,
        }),
        code: Some(Code::String(diagnostic.code.as_str().to_owned())),
        source: Some(SOURCE.to_owned()),
        message: Message::String(message),
        tags: is_unneeded.then(|| vec![DiagnosticTag::Unnecessary]),
        related_information: Some(related.collect()).filter(|related: &Vec<_>| !related.is_empty()),
        ..Shown::default()
    }
}

fn unreadable(why: &str) -> Shown {
    Shown {
        severity: Some(DiagnosticSeverity::Error),
        code: Some(Code::String(codes::E0611.as_str().to_owned())),
        source: Some(SOURCE.to_owned()),
        message: Message::String(why.to_owned()),
        ..Shown::default()
    }
}
