//! Does what is said of routing go together, and with the rules?

use crate::diagnostic::codes::{E0607, W0604, W0605};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, nearest};
use crate::event::Timestamp;
use crate::program::{Program, RuleInfo};
use crate::routing::{Glob, QuietHours, Route, quiet_until};

use super::Routing;
use crate::config::document::{Report, list};
use crate::config::{Located, Sink};

/// The rules and tags that are named, with their places.
#[derive(Clone, Debug, Default)]
pub struct Mentioned {
    /// Rules.
    pub rules: Vec<Located<Glob>>,
    /// Tags.
    pub tags: Vec<Located<String>>,
}

/// Reports sinks that there are not.
pub fn known_sinks(named: &[Located<String>], sinks: &[Sink], report: &mut Report) {
    let names = || sinks.iter().map(|sink| sink.name.value.as_str());
    for sink in named.iter().filter(|sink| !names().any(|name| name == sink.value)) {
        let message = format!("there is no sink `{}`", sink.value);
        let help = match nearest(&sink.value, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add `[sinks.{}]` to this file", sink.value),
        };
        report.push(Diagnostic::new(E0607, sink.span, message).help(help));
    }
}

/// Reports routes that no alert can come to.
pub fn check_routes(routes: &[(Route, Span)], report: &mut Report) {
    for (place, (route, span)) in routes.iter().enumerate() {
        let before = routes[..place].iter().map(|(route, _)| route);
        let covers = |other: &&Route| !other.goes_on && other.matcher.covers(&route.matcher);
        if let Some(before) = before.into_iter().find(covers) {
            let message = format!("no alert comes to the route `{}`", route.name);
            let help = format!(
                "all that it matches takes `{}` before it: put it before that, or give that `continue = true`",
                before.name
            );
            report.push(Diagnostic::new(W0604, *span, message).help(help));
        }
    }
}

/// Reports hours that together never end.
pub fn check_ends(hours: &[QuietHours], place: Span, report: &mut Report) {
    // Whether a week has a moment that is not quiet is found out by looking from one of its moments on.
    let some_week = Timestamp::from_micros(0);
    if hours.iter().any(|hours| hours.end(some_week).is_some()) && quiet_until(hours, some_week).is_none() {
        let help = "alerts would wait for ever: leave some of the hours out";
        report.contradiction(place, "these hours together never end", help);
    }
}

impl Routing {
    /// What does not fit the rules: names of rules and tags that no rule has.
    pub fn check(&self, program: &Program, diagnostics: &mut Diagnostics) {
        let rules = || program.rules().iter();
        for glob in &self.mentioned.rules {
            if !rules().any(|rule| glob.value.fits(&rule.name)) {
                let message = format!("no rule is called `{}`", glob.value);
                let near =
                    nearest(&glob.value.to_string(), rules().map(|rule| &*rule.name)).map(str::to_owned);
                diagnostics.push(nothing(glob.span, message, near));
            }
        }
        let tags = || rules().flat_map(|rule| rule.notes.tags.iter().map(String::as_str));
        for tag in &self.mentioned.tags {
            if !tags().any(|known| known == tag.value) {
                let message = format!("no rule has the tag `{}`", tag.value);
                diagnostics.push(nothing(tag.span, message, nearest(&tag.value, tags()).map(str::to_owned)));
            }
        }
    }

    /// Whether a route may take alerts of a rule to sinks that it names itself.
    pub fn may_send(&self, rule: &RuleInfo) -> bool {
        self.settings.routes.iter().any(|route| {
            let matcher = &route.matcher;
            route.sinks.as_ref().is_some_and(|sinks| !sinks.is_empty())
                && (matcher.rules.is_empty() || matcher.rules.iter().any(|glob| glob.fits(&rule.name)))
                && matcher.tags.iter().all(|tag| rule.notes.tags.contains(tag))
        })
    }
}

fn nothing(span: Span, message: String, near: Option<String>) -> Diagnostic {
    let help = match near {
        Some(near) => format!("did you mean {}?", list([near])),
        None => "it matches nothing: take it out, or write the rule".to_owned(),
    };
    Diagnostic::new(W0605, span, message).help(help)
}
