//! `limit N per D [for each …]`.

use crate::diagnostic::codes::E0403;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::event::Duration;
use crate::expression::Expr;
use crate::language::checked::Limit;
use crate::language::tree;

use super::expression::{Checker, KeyName, Place};
use super::scope::Globals;
use super::variables::{Registers, Visible};

/// Greatest number of alerts that a limit may let pass: their times are kept.
pub const GREATEST_COUNT: i64 = 1_000;
/// Most expressions of `for each`.
const MAX_EACH: usize = 16;

/// The checked limit; `None` when something is wrong, which has been reported.
pub(super) fn check<'t>(
    clause: &'t tree::Limit,
    key: Option<&[KeyName]>,
    visible: Visible<'_>,
    globals: &Globals<'t>,
    diagnostics: &mut Diagnostics,
) -> Option<Limit> {
    let is_sound = in_range(clause, diagnostics);
    let mut registers = Registers::default();
    let mut checker = Checker::new(globals, diagnostics, Place::Alert { key }, visible, &mut registers);
    let each = clause.for_each.iter().take(MAX_EACH);
    let checked: Vec<Option<Expr>> = each.map(|expr| Some(checker.check(expr)?.expr)).collect();
    let for_each = checked.into_iter().collect::<Option<_>>()?;
    let count = usize::try_from(clause.count.node).ok()?;
    let (registers, histories) = registers.into_parts();
    // What it means is known once the whole rule is.
    let meaning = "".into();
    is_sound.then(|| Limit { count, per: clause.per.node, for_each, meaning, registers, histories })
}

fn in_range(clause: &tree::Limit, diagnostics: &mut Diagnostics) -> bool {
    let mut wrong = Vec::new();
    if !(1..=GREATEST_COUNT).contains(&clause.count.node) {
        let message = format!("a limit lets from 1 to {GREATEST_COUNT} alerts pass");
        wrong.push(Diagnostic::new(E0403, clause.count.span, message).help(match clause.count.node {
            ..1 => "to send nothing at all, write `mode shadow`",
            _ => "take more per a shorter time, or leave the limit out",
        }));
    }
    if clause.per.node <= Duration::ZERO {
        let message = "a limit needs a time, and this is none";
        wrong.push(Diagnostic::new(E0403, clause.per.span, message).help("write for example `per 1h`"));
    }
    if let Some(beyond) = clause.for_each.get(MAX_EACH) {
        let message = format!("`for each` may have at most {MAX_EACH} parts");
        wrong.push(
            Diagnostic::new(E0403, beyond.span, message).help("keep apart what must be told apart, no more"),
        );
    }
    let is_sound = wrong.is_empty();
    wrong.into_iter().for_each(|diagnostic| diagnostics.push(diagnostic));
    is_sound
}
