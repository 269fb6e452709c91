//! Expressions as code, on one line: for what has no natural words.

use crate::language::parser::Level;
use crate::language::tree::{Expr, ExprKind, InSet, Template, TemplatePart, UnaryOp};

/// An expression as the language writes it.
pub(super) fn expression(expr: &Expr) -> String {
    let mut text = String::new();
    write(&mut text, expr, Level::Or);
    text
}

/// A title with its quotes and braces.
pub(super) fn template(template: &Template) -> String {
    let mut text = String::from("\"");
    for part in &template.parts {
        match part {
            TemplatePart::Text(part) => text.push_str(&escaped(part).replace('{', "{{").replace('}', "}}")),
            TemplatePart::Expr(expr) => {
                text.push('{');
                text.push_str(&expression(expr));
                text.push('}');
            }
        }
    }
    text.push('"');
    text
}

/// A text with its quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{{{:x}}}", c as u32)),
            c => out.push(c),
        }
    }
    out
}

/// Writes an expression, in parentheses if it holds together less tightly than `least`.
fn write(out: &mut String, expr: &Expr, least: Level) {
    let own = Level::of(expr);
    if own < least {
        out.push('(');
    }
    match &expr.kind {
        ExprKind::Null => out.push_str("null"),
        ExprKind::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        ExprKind::Int(value) => out.push_str(&value.to_string()),
        ExprKind::Float(value) => out.push_str(&format!("{value:?}")),
        ExprKind::Str(text) => out.push_str(&quoted(text)),
        ExprKind::Duration(value) => out.push_str(&value.to_string()),
        ExprKind::Name(name) => out.push_str(name),
        ExprKind::Field(of, field) => {
            write(out, of, Level::Atom);
            out.push('.');
            out.push_str(&field.node);
        }
        ExprKind::Index(of, keys) => {
            write(out, of, Level::Atom);
            out.push('[');
            join(out, keys, ", ", Level::Or);
            out.push(']');
        }
        ExprKind::Call { function, arguments, condition, over } => {
            out.push_str(&function.node);
            out.push('(');
            join(out, arguments, ", ", Level::Or);
            if let Some(condition) = condition {
                out.push_str(" where ");
                write(out, condition, Level::Or);
            }
            out.push(')');
            if let Some(over) = over {
                let previous = if over.previous { "previous " } else { "" };
                out.push_str(&format!(" over {previous}{}", over.duration.node));
            }
        }
        ExprKind::Unary(op, of) => {
            out.push_str(if op.node == UnaryOp::Not { "not " } else { "-" });
            write(out, of, own);
        }
        ExprKind::Binary(left, op, right) => {
            write(out, left, if own == Level::Comparison { Level::Default } else { own });
            out.push_str(&format!(" {} ", op.node.as_str()));
            write(out, right, above(own));
        }
        ExprKind::And(operands) => join(out, operands, " and ", Level::Not),
        ExprKind::Or(operands) => join(out, operands, " or ", Level::And),
        ExprKind::In { value, set, negated } => {
            write(out, value, Level::Default);
            out.push_str(if *negated { " not in " } else { " in " });
            match set {
                InSet::Values(values) => {
                    out.push('(');
                    join(out, values, ", ", Level::Or);
                    out.push(')');
                }
                InSet::Expr(set) => write(out, set, Level::Default),
            }
        }
        ExprKind::Like(left, right) | ExprKind::Matches(left, right) => {
            write(out, left, Level::Default);
            out.push_str(if matches!(expr.kind, ExprKind::Like(..)) { " like " } else { " matches " });
            write(out, right, Level::Default);
        }
        ExprKind::IsMissing(of, missing) => {
            write(out, of, Level::Default);
            out.push_str(if *missing { " is missing" } else { " is present" });
        }
    }
    if own < least {
        out.push(')');
    }
}

/// The level that the right side of an operator needs: operators of one level go from left to right.
fn above(level: Level) -> Level {
    match level {
        Level::Or => Level::And,
        Level::And => Level::Not,
        Level::Not => Level::Comparison,
        Level::Comparison => Level::Default,
        Level::Default => Level::Sum,
        Level::Sum => Level::Product,
        Level::Product => Level::Negation,
        Level::Negation | Level::Atom => Level::Atom,
    }
}

fn join(out: &mut String, list: &[Expr], separator: &str, least: Level) {
    for (index, expr) in list.iter().enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        write(out, expr, least);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::FileId;
    use crate::language::parse;
    use crate::language::tree::Item;

    fn read(text: &str) -> Expr {
        let (file, diagnostics) = parse(FileId(0), &format!("let x = {text}"));
        assert!(!diagnostics.has_errors(), "{text}: {diagnostics:?}");
        match file.items.into_iter().next() {
            Some(Item::Let(constant)) => constant.value,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn code_is_written_with_the_parentheses_it_needs() {
        for text in [
            "1 + 2 * 3",
            "(1 + 2) * 3",
            "1 - (2 - 3)",
            "1 - 2 - 3",
            "not (a or b) and c",
            "(a or b) and c",
            "-(1 + 2)",
            "a ?? b ?? 3",
            "(a == b) == c",
            "x not in (1, 2, 3)",
            "ip in \"10.0.0.0/8\"",
            "name like \"a*\\\"\\n\"",
            "first(v).f is missing",
            "count(auth where not ok) over previous 1d12h > 3",
            "m[k, 2].risk >= 0.5",
            "(not a) is missing",
        ] {
            assert_eq!(expression(&read(text)), text);
        }
    }
}
