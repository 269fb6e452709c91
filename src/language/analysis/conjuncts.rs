//! Conditions in pieces, as they are written: for telling why an event did not fit.
//!
//! Enters: the condition of an event and what became of each expression in it. Leaves: its conjuncts
//! with their places and, for each, the places whose values one wants to see.

use std::collections::HashMap;

use crate::diagnostic::Span;
use crate::expression::{Aggregate, Expr};
use crate::language::checked::Conjunct;
use crate::language::tree::{self, ExprKind};

/// Most values that are shown of one conjunct.
const MAX_SHOWN: usize = 8;

/// The conjuncts of a condition. `checked`: what the expressions in it have become, by their places.
pub(super) fn of(condition: &tree::Expr, checked: Vec<(Span, Expr)>) -> Vec<Conjunct> {
    let mut found = Vec::new();
    let checked: HashMap<Span, Expr> = checked.into_iter().collect();
    let mut rest = vec![condition];
    while let Some(expr) = rest.pop() {
        match &expr.kind {
            ExprKind::And(operands) => rest.extend(operands.iter().rev()),
            _ => found.extend(conjunct(expr, &checked)),
        }
    }
    found
}

fn conjunct(expr: &tree::Expr, checked: &HashMap<Span, Expr>) -> Option<Conjunct> {
    let condition = checked.get(&expr.span).filter(|condition| !condition.is_const())?.clone();
    let mut shown = Vec::new();
    let mut show = |expr: &tree::Expr| {
        let value = checked.get(&expr.span).map(|value| (expr.span, value.clone()));
        shown.extend(value.filter(|_| shown.len() < MAX_SHOWN));
    };
    // What is computed before it is compared says more than what it is computed from.
    if let ExprKind::Binary(left, operator, right) = &expr.kind
        && operator.node.is_comparison()
    {
        [left, right].into_iter().filter(|side| is_computed(side)).for_each(|side| show(side));
    }
    let mut rest = vec![expr];
    while let Some(expr) = rest.pop() {
        // The key of a row is worth seeing beside what stands in it.
        if let ExprKind::Field(of, _) = &expr.kind
            && let ExprKind::Index(_, keys) = &of.kind
        {
            show(expr);
            rest.extend(keys.iter().rev());
            continue;
        }
        let (is_shown, goes_on) = match &expr.kind {
            ExprKind::Name(_) | ExprKind::Field(..) | ExprKind::Index(..) => (true, false),
            ExprKind::Call { function, over, .. } => {
                let is_aggregate = Aggregate::FUNCTIONS.iter().any(|(name, _)| *name == function.node);
                (true, !is_aggregate && over.is_none())
            }
            _ => (false, true),
        };
        if is_shown {
            show(expr);
        }
        if goes_on {
            rest.extend(tree::operands(expr).into_iter().rev());
        }
    }
    Some(Conjunct { span: expr.span, condition, shown })
}

/// Whether an expression is neither a literal nor shown as it stands.
fn is_computed(expr: &tree::Expr) -> bool {
    matches!(expr.kind, ExprKind::Binary(..) | ExprKind::Unary(..))
}
