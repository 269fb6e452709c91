//! Why an event did not fit, in words.

use crate::diagnostic::Span;
use crate::event::Value;
use crate::language::checked::TestId;
use crate::matcher::explain::{Answer, Gone, Reason, Step};
use crate::program::RuleId;

use super::judge::Judge;
use super::show;

/// Most steps of which is told why an event did not fit.
const MAX_STEPS: usize = 2;
/// The longest piece of a condition that is quoted, in characters.
const MAX_QUOTED: usize = 100;

impl Judge<'_> {
    /// Why an event fits none of the steps that are nearest to a match; `None` when there is nothing to
    /// say, because it is of a stream that none of them reads.
    pub(super) fn why_not(&self, rule: RuleId, steps: &[Step]) -> Option<String> {
        let automaton = &self.program.compiled()[rule.0 as usize].automaton;
        let asked = steps.iter().filter(|step| {
            !step.is_absence && !matches!(step.answer, Answer::OtherStream | Answer::Fits)
                || step.gone.is_some()
        });
        let mut asked: Vec<&Step> = asked.collect();
        asked.sort_by_key(|step| automaton.distance(step.target));
        let nearest = automaton.distance(asked.first()?.target);
        let mut words: Vec<String> = Vec::new();
        for step in asked.iter().filter(|step| automaton.distance(step.target) == nearest) {
            let why = self.why_step(rule, step);
            if !words.contains(&why) && words.len() < MAX_STEPS {
                words.push(why);
            }
        }
        Some(words.join("; "))
    }

    fn why_step(&self, rule: RuleId, step: &Step) -> String {
        let name = self.test(rule, step.test);
        if let Some(gone) = step.gone {
            return self.why_gone(rule, step, gone);
        }
        match &step.answer {
            Answer::Unfit(Some(reason)) => format!("not `{name}`: {}", self.why_unfit(reason)),
            _ => format!("not `{name}`"),
        }
    }

    fn why_gone(&self, rule: RuleId, step: &Step, gone: Gone) -> String {
        let name = self.test(rule, step.test);
        match gone {
            Gone::TooLate(until) => {
                format!("too late for `{name}`, which could come until {}", show::moment(self.case, until))
            }
            Gone::Until(test) => format!("`{}` ends the loop of `{name}`", self.test(rule, test)),
            Gone::Not(_) if step.is_absence => format!("`{name}` came, and must not"),
            Gone::Not(test) => format!("`{}` came, and must not before `{name}`", self.test(rule, test)),
            Gone::NotDirectly => match &step.answer {
                Answer::Unfit(Some(reason)) => {
                    format!("the very next event must be `{name}`: {}", self.why_unfit(reason))
                }
                _ => format!("the very next event must be `{name}`"),
            },
        }
    }

    pub(super) fn why_killed(&self, rule: RuleId, steps: &[Step]) -> String {
        let mut words: Vec<String> = Vec::new();
        for (step, gone) in steps.iter().filter_map(|step| Some((step, step.gone?))) {
            let why = self.why_gone(rule, step, gone);
            if !words.contains(&why) && words.len() < MAX_STEPS {
                words.push(why);
            }
        }
        words.join("; ")
    }

    /// `amount > big_ticket` is false: amount = 400, big_ticket = 500
    fn why_unfit(&self, reason: &Reason) -> String {
        let quoted = self.quoted(reason.span);
        let mut values: Vec<(String, &Value)> = Vec::new();
        for (span, value) in &reason.shown {
            let text = self.quoted(*span);
            if text != quoted && !values.iter().any(|(known, _)| *known == text) {
                values.push((text, value));
            }
        }
        let missing: Vec<&str> =
            values.iter().filter(|(_, value)| value.is_null()).map(|(text, _)| text.as_str()).collect();
        let list = || {
            let parts = values.iter().map(|(text, value)| format!("{text} = {}", show::value(value)));
            parts.collect::<Vec<_>>().join(", ")
        };
        match (reason.is_unknown, missing.as_slice()) {
            (true, []) if values.is_empty() => format!("`{quoted}` is unknown"),
            (true, []) => format!("`{quoted}` cannot be computed: {}", list()),
            (true, missing) => {
                let is = if missing.len() == 1 { "is missing" } else { "are missing" };
                format!("`{quoted}` is unknown: `{}` {is}", missing.join("`, `"))
            }
            (false, _) if values.is_empty() => format!("`{quoted}` is false"),
            (false, _) => format!("`{quoted}` is false: {}", list()),
        }
    }

    /// The text of a place, on one line.
    fn quoted(&self, span: Span) -> String {
        let words: Vec<&str> = self.sources.text(span).split_whitespace().collect();
        show::shortened(&words.join(" "), MAX_QUOTED)
    }

    fn test(&self, rule: RuleId, test: TestId) -> &str {
        &self.program.compiled()[rule.0 as usize].rule.tests[test.0 as usize].name
    }
}
