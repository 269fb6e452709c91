//! Constants: expressions that depend on nothing are computed when the rule is compiled.

use crate::event::{Type, Value};
use crate::expression::{Expr, Faults, Scope};

use super::expression::Typed;

/// The expression as one of type `wanted`, where an int becomes a float.
pub(super) fn widen(typed: Typed, wanted: Type) -> Expr {
    match (wanted, typed.ty, typed.expr) {
        (Type::Float, Type::Int, Expr::Const(value)) => {
            Expr::Const(value.as_f64().map_or(Value::Null, Value::Float))
        }
        (Type::Float, Type::Int, expr) => Expr::ToFloat(Box::new(expr)),
        (_, _, expr) => expr,
    }
}

pub(super) fn constant(value: Value) -> Typed {
    let ty = value.ty();
    Typed::new(Expr::Const(value), ty)
}

pub(super) fn boolean(expr: Expr) -> Typed {
    Typed::new(expr, Type::Bool)
}

/// Computes what depends on constants alone. The type stays, also when the value is null.
pub(super) fn fold(typed: Typed) -> Typed {
    let foldable = !matches!(
        typed.expr,
        Expr::Const(_)
            | Expr::Field(_)
            | Expr::Time
            | Expr::Key(_)
            | Expr::Register(_)
            | Expr::History(_)
            | Expr::Past(..)
    ) && !typed.expr.reads_table()
        && typed.expr.operands().into_iter().all(Expr::is_const);
    if foldable {
        let faults = Faults::default();
        let scope = Scope::bare(&faults);
        let value = typed.expr.value(&scope).into_owned();
        return Typed::new(Expr::Const(value), typed.ty);
    }
    match typed.expr {
        Expr::And(operands) => simplify(operands, true, typed.ty),
        Expr::Or(operands) => simplify(operands, false, typed.ty),
        expr => Typed::new(expr, typed.ty),
    }
}

/// Takes constant operands out of `and` (`neutral` true) and `or`, and puts nested ones of the same
/// kind on one level.
fn simplify(operands: Box<[Expr]>, neutral: bool, ty: Type) -> Typed {
    let mut kept = Vec::new();
    for operand in operands {
        match operand {
            Expr::Const(Value::Bool(b)) if b == neutral => {}
            Expr::Const(Value::Bool(b)) => return Typed::new(Expr::Const(Value::Bool(b)), ty),
            Expr::And(inner) if neutral => kept.extend(inner),
            Expr::Or(inner) if !neutral => kept.extend(inner),
            other => kept.push(other),
        }
    }
    let expr = match (kept.len(), neutral) {
        (0, _) => Expr::Const(Value::Bool(neutral)),
        (1, _) => kept.remove(0),
        (_, true) => Expr::And(kept.into()),
        (_, false) => Expr::Or(kept.into()),
    };
    Typed::new(expr, ty)
}
