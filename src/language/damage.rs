//! Which problems only follow from a mistake of syntax.
//!
//! The parser leaves out what it could not read, and the analysis then misses it: a rule without
//! its `match`, an event that nothing declares. Showing that as well would send authors after
//! mistakes that they have not made. Enters: the trees with what the parser found in them. Leaves:
//! for each later problem, whether one of those mistakes explains it. When in doubt it does: the
//! problem is shown once the syntax is right.

use super::tree::{File, Item};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity, Span, codes};

/// Names that something outside of a rule declares.
const NAMES: [Code; 5] = [codes::E0101, codes::E0102, codes::E0103, codes::E0104, codes::E0105];

/// What an event or a clause that is left out of a rule leads to; problems of the pattern as well.
const IN_RULE: [Code; 6] =
    [codes::E0103, codes::E0104, codes::E0110, codes::E0210, codes::E0211, codes::E0213];

/// What a wrong guess at a type leads to.
const TYPES: [Code; 3] = [codes::E0201, codes::E0202, codes::E0207];

/// Where the trees do not hold what was meant.
#[derive(Debug, Default)]
pub(crate) struct Damage {
    /// Rules with a mistake of syntax in them.
    rules: Vec<Span>,
    /// Whether there are mistakes elsewhere, so that declarations or fields may be missing.
    elsewhere: bool,
    /// Whether a type had to be guessed.
    types: bool,
}

impl Damage {
    /// Adds a file and what the parser found in it.
    pub(crate) fn add(&mut self, file: &File, problems: &Diagnostics) {
        // Rules stand in the order of the text, so that each problem's rule is found by halving.
        let rules: Vec<Span> = file
            .items
            .iter()
            .filter_map(|item| if let Item::Rule(rule) = item { Some(rule.span) } else { None })
            .collect();
        for problem in problems {
            self.types |= problem.code == codes::E0016;
            let place = problem.primary.span;
            let before = rules.partition_point(|rule| rule.start <= place.start);
            match before.checked_sub(1).map(|index| rules[index]).filter(|rule| place.end <= rule.end) {
                Some(rule) => self.rules.push(rule),
                None => self.elsewhere = true,
            }
        }
    }

    /// Whether a problem that was found after the parser may only follow from what is missing.
    pub(crate) fn explains(&self, problem: &Diagnostic) -> bool {
        let (code, place) = (problem.code, problem.primary.span);
        let is_rules = IN_RULE.contains(&code)
            || code.as_str().starts_with("E03")
            || problem.severity() == Severity::Warning;
        let in_rule =
            |rule: &Span| rule.file == place.file && rule.start <= place.start && place.end <= rule.end;
        self.elsewhere && NAMES.contains(&code)
            || self.types && TYPES.contains(&code)
            || is_rules && self.rules.iter().any(in_rule)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check, parse};
    use super::*;
    use crate::diagnostic::FileId;

    const STREAM: &str = "stream s { k string, v int }\n";

    /// The codes that the parser and the analysis report, and those of the analysis that remain.
    fn codes_of(text: &str) -> (Vec<&'static str>, Vec<&'static str>) {
        let (tree, problems) = parse(FileId(0), text);
        let mut damage = Damage::default();
        damage.add(&tree, &problems);
        let (_, later) = check(&[tree]);
        let kept =
            later.iter().filter(|problem| !damage.explains(problem)).map(|problem| problem.code.as_str());
        (problems.iter().map(|problem| problem.code.as_str()).collect(), kept.collect())
    }

    #[test]
    fn what_is_left_out_of_a_rule_is_not_missed_in_it() {
        let rule = |clauses: &str| format!("{STREAM}rule r {{\n by k\n {clauses}\n}}");
        let (syntax, later) = codes_of(&rule("event a = s\n event b = s\n match a thn b\n alert low \"x\""));
        assert_eq!((syntax.as_slice(), later.as_slice()), (&["E0006"][..], &[][..]));
        let (syntax, later) = codes_of(&rule("event = s\n match a\n alert \"x\""));
        assert_eq!((syntax.as_slice(), later.as_slice()), (&["E0006", "E0006"][..], &[][..]));
    }

    #[test]
    fn what_is_left_out_elsewhere_is_not_missed_in_rules() {
        let rule = "rule r {\n by k\n event a = s where w > big\n match a\n alert low \"x\"\n}";
        let (syntax, later) = codes_of(&format!("stream s {{ k string, w }}\nlet big 5\n{rule}"));
        assert_eq!((syntax.as_slice(), later.as_slice()), (&["E0006", "E0006"][..], &[][..]));
        let (syntax, later) = codes_of(&format!("stream s {{ k string, w zahl }}\nlet big = 5\n{rule}"));
        assert_eq!((syntax.as_slice(), later.as_slice()), (&["E0016"][..], &[][..]));
    }

    #[test]
    fn other_problems_are_still_shown() {
        let damaged = "rule a {\n by k\n event e = s where v + k > 1\n match e\n alert low \"x\"\n to }\n";
        let sound = "rule b {\n by k\n match t\n alert low \"x\"\n}";
        let (syntax, later) = codes_of(&format!("{STREAM}{damaged}{sound}"));
        assert_eq!(syntax, ["E0006"]);
        assert_eq!(later, ["E0202", "E0103"]);
    }
}
