//! Conditions on captured events in two sides: what they read of the event, and what they read of what
//! a run has captured.
//!
//! Enters: the residual of a test. Leaves: its comparisons of one side with the other. What the run's side
//! is worth does not change until the run takes an event, so that it can be computed once and kept beside
//! those of other runs; the event's side is the same for all of them.
//!
//! What cannot be computed is counted each time a condition is asked. Where sides are compared instead,
//! it is asked of fewer runs; so a residual is left whole unless all that can fail in it are sides, which
//! whoever compares them watches.

use crate::expression::{Aggregate, Comparison, Expr, RegisterId, RegisterSpec};

/// A comparison of something of the event with something of the run.
#[derive(Clone, Debug)]
pub struct Sides {
    /// How the event's side must compare with the run's.
    pub comparison: Comparison,
    /// What reads the event and what all events share.
    pub event: Expr,
    /// What reads captured events alone.
    pub run: Expr,
}

/// The comparisons of a residual, all of which must hold, the one first that fewest runs fit. None, if
/// it must be asked of each run as a whole.
pub fn sides(residual: &Expr, specs: &[RegisterSpec]) -> Box<[Sides]> {
    let parts = match residual {
        Expr::And(parts) => parts,
        other => std::slice::from_ref(other),
    };
    // Sums may leave their types.
    let may_fail = |id: RegisterId| {
        matches!(specs[id.0 as usize].aggregate, Aggregate::Sum | Aggregate::Avg | Aggregate::Stddev)
    };
    let mut found = Vec::new();
    for part in parts {
        match Sides::of(part) {
            Some(sides) => found.push(sides),
            None if part.can_fail_where(&may_fail) => return Box::default(),
            None => {}
        }
    }
    found.sort_by_key(|sides| match sides.comparison {
        Comparison::Eq => 0,
        Comparison::Ne => 2,
        _ => 1,
    });
    found.into()
}

impl Sides {
    fn of(condition: &Expr) -> Option<Sides> {
        match condition {
            Expr::Compare(comparison, pair) => {
                let (left, right) = &**pair;
                if reads_event_alone(left) && reads_run_alone(right) {
                    Some(Sides { comparison: *comparison, event: left.clone(), run: right.clone() })
                } else if reads_run_alone(left) && reads_event_alone(right) {
                    let comparison = comparison.flipped();
                    Some(Sides { comparison, event: right.clone(), run: left.clone() })
                } else {
                    None
                }
            }
            // With null, both are unknown.
            Expr::Not(negated) => {
                let sides = Sides::of(negated)?;
                Some(Sides { comparison: sides.comparison.opposite(), ..sides })
            }
            _ => None,
        }
    }
}

/// Whether the value is the same for all runs that are offered an event.
fn reads_event_alone(expr: &Expr) -> bool {
    !matches!(expr, Expr::Register(_) | Expr::History(_) | Expr::Past(..) | Expr::Key(_))
        && expr.operands().into_iter().all(reads_event_alone)
}

/// Whether the value depends on what a run has captured, and on nothing else that can change.
fn reads_run_alone(expr: &Expr) -> bool {
    fn reads_nothing_else(expr: &Expr) -> bool {
        let is_other =
            matches!(expr, Expr::Field(_) | Expr::Time | Expr::Key(_) | Expr::History(_) | Expr::Past(..));
        !is_other && !expr.reads_table() && expr.operands().into_iter().all(reads_nothing_else)
    }
    expr.looks_beyond_event() && reads_nothing_else(expr)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Sources;
    use crate::program::Program;

    /// The comparisons of the condition of `b`, behind `2+ a`.
    fn of(condition: &str) -> Vec<String> {
        let text = format!(
            "stream s time at {{ t string, v int?, w float, at timestamp(ms) }}
             list known string from \"known.txt\"
             rule r {{ event a = s where t == \"a\"
                       event b = s where {condition}
                       match 2+ a then b within 1h
                       alert low \"x\" }}"
        );
        let (program, diagnostics) = Program::compile(&Sources::new([("r.trip", text)]));
        let program = program.unwrap_or_else(|| panic!("{condition}: {diagnostics:?}"));
        let rule = &program.compiled()[0];
        let test = rule.rule.tests.iter().find(|test| test.name == "b").expect("it is there");
        let residual = test.residual.as_ref().expect("it reads captured events");
        let found = sides(residual, &rule.specs);
        found
            .iter()
            .map(|sides| format!("{:?} {} {}", sides.comparison, size(&sides.event), size(&sides.run)))
            .collect()
    }

    fn size(expr: &Expr) -> usize {
        expr.size().operations
    }

    #[test]
    fn comparisons_of_one_side_with_the_other() {
        assert_eq!(of("v > last(a).v"), ["Gt 1 1"]);
        assert_eq!(of("last(a).v < v"), ["Gt 1 1"]);
        assert_eq!(of("not last(a).v < v"), ["Le 1 1"]);
        assert_eq!(of("w > 10 * last(a).w and t == last(a).t"), ["Eq 1 1", "Gt 1 3"]);
        assert_eq!(of("t != first(a).t and v - 1 >= max(a.v)"), ["Ge 3 1", "Ne 1 1"]);
        assert_eq!(of("count(a) > 5"), ["Lt 1 1"]);
        assert_eq!(of("w > 20 * avg(a.w)"), ["Gt 1 3"]);
    }

    #[test]
    fn what_must_be_asked_as_a_whole() {
        for condition in [
            "v - last(a).v < 5",
            "v > last(a).v or t == last(a).t",
            "sum(a.v) + v > 5 and t == last(a).t",
            "v > last(a).v + w",
            "count(s where v == this.v) over 1h > count(a)",
        ] {
            assert_eq!(of(condition), [""; 0], "{condition}");
        }
    }

    #[test]
    fn what_cannot_fail_may_stand_beside() {
        assert_eq!(of("t == last(a).t and (v > last(a).v or w > 5)"), ["Eq 1 1"]);
        assert_eq!(of("t == last(a).t and last(a).v is missing"), ["Eq 1 1"]);
        assert_eq!(of("t == last(a).t and (sum(a.v) > v or w > 5)"), [""; 0]);
    }
}
