//! Expressions.

use super::super::parser::{Infix, Level};
use super::super::tree::{BinaryOp, Expr, ExprKind, InSet, UnaryOp};
use super::Formatter;
use super::layout::Doc;

/// How far the lines are indented that continue a comparison or an arithmetic expression.
const CONTINUED: usize = 2;

/// The least level of the operands of an operator that stand without parentheses. Some stand in
/// parentheses that are not needed, because few people know by heart what binds more tightly.
fn least(own: Level) -> Level {
    match own {
        Level::Or | Level::And | Level::Not => Level::Not,
        Level::Comparison => Level::Sum,
        Level::Sum => Level::Product,
        Level::Default | Level::Product | Level::Negation => Level::Negation,
        Level::Atom => Level::Atom,
    }
}

/// Whether an operand stands in parentheses where one of `least` would not.
fn is_parenthesised(expr: &Expr, least: Level) -> bool {
    let own = Level::of(expr);
    // `not a ?? b` is `not (a ?? b)`, which looks otherwise.
    own < least || own == Level::Default && least == Level::Not
}

/// Whether an expression ends with a call, to which a `where` behind it would belong.
fn ends_with_call(expr: &Expr) -> bool {
    let last = match &expr.kind {
        ExprKind::Call { .. } => return true,
        ExprKind::Unary(_, last) | ExprKind::Binary(_, _, last) => &**last,
        ExprKind::Like(_, last) | ExprKind::Matches(_, last) => last,
        ExprKind::In { set: InSet::Expr(last), .. } => last,
        ExprKind::And(operands) | ExprKind::Or(operands) => match operands.last() {
            Some(last) => last,
            None => return false,
        },
        _ => return false,
    };
    !is_parenthesised(last, least(Level::of(expr))) && ends_with_call(last)
}

impl Formatter<'_> {
    /// An expression.
    pub(super) fn expression(&mut self, expr: &Expr) -> Doc {
        self.operand(expr, Level::Or)
    }

    /// The expression behind `=`, on the next line if that is much better.
    pub(super) fn value(&mut self, expr: &Expr) -> Doc {
        let may_begin_line = self.source.may_begin_line(expr.span.start);
        let value = self.expression(expr);
        if may_begin_line { Doc::Fold(Box::new(value)) } else { value }
    }

    /// `where`, with `before` before it, and the condition, whose operands line up.
    pub(super) fn condition(&mut self, before: Doc, expr: &Expr) -> Doc {
        let comments = self.source.comments_to_leaf(expr.span.start);
        let condition = match &expr.kind {
            ExprKind::And(operands) => self.chain("and", operands, Level::And, "and ".len()),
            ExprKind::Or(operands) => self.chain("or", operands, Level::Or, "or ".len()),
            _ => self.expression(expr),
        };
        Doc::All(vec![comments, before, Doc::text("where"), Doc::Space, condition])
    }

    /// An expression, in parentheses if it binds less tightly than `least`.
    fn operand(&mut self, expr: &Expr, least: Level) -> Doc {
        let comments = self.source.comments_before(expr.span.start);
        let body = self.body(expr);
        let body = if is_parenthesised(expr, least) { parenthesised(body) } else { body };
        Doc::All(vec![comments, body])
    }

    fn body(&mut self, expr: &Expr) -> Doc {
        match &expr.kind {
            ExprKind::Null => Doc::text("null"),
            ExprKind::Bool(value) => Doc::text(value.to_string()),
            ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Str(_) | ExprKind::Duration(_) => {
                Doc::text(self.source.literal(expr.span))
            }
            ExprKind::Name(name) => Doc::text(name),
            ExprKind::Field(of, name) => {
                let of = self.operand(of, Level::Atom);
                let comments = self.source.comments(name.span.start);
                Doc::All(vec![of, comments, Doc::text(format!(".{}", name.node))])
            }
            ExprKind::Index(of, keys) => {
                let of_doc = self.operand(of, Level::Atom);
                let keys = self.arguments(keys, None, "]", of.span.end);
                Doc::group(vec![of_doc, Doc::text("["), keys, Doc::text("]")])
            }
            ExprKind::Call { .. } => self.call(expr),
            ExprKind::Unary(op, of) => match op.node {
                UnaryOp::Not => Doc::All(vec![Doc::text("not "), self.operand(of, Level::Not)]),
                UnaryOp::Neg => Doc::All(vec![Doc::text("-"), self.operand(of, Level::Negation)]),
            },
            ExprKind::Binary(left, op, right) => self.binary(left, op.node, right),
            ExprKind::And(operands) => self.chain("and", operands, Level::And, 0),
            ExprKind::Or(operands) => self.chain("or", operands, Level::Or, 0),
            ExprKind::In { value, set, negated } => self.membership(value, set, *negated),
            ExprKind::Like(left, right) => self.comparison(left, "like", right),
            ExprKind::Matches(left, right) => self.comparison(left, "matches", right),
            ExprKind::IsMissing(of, missing) => {
                let of = self.operand(of, least(Level::Comparison));
                let text = if *missing { "is missing" } else { "is present" };
                Doc::All(vec![of, Doc::Space, Doc::text(text)])
            }
        }
    }

    /// `a and b and c`; the lines behind the first begin `hang` columns to the left of it.
    fn chain(&mut self, word: &str, operands: &[Expr], own: Level, hang: usize) -> Doc {
        let mut docs = Vec::new();
        for (index, operand) in operands.iter().enumerate() {
            if index > 0 {
                docs.push(self.source.comments_to_leaf(operand.span.start));
                docs.extend([Doc::Line, Doc::text(word), Doc::Space]);
            }
            docs.push(self.operand(operand, least(own)));
        }
        Doc::Group(Box::new(Doc::Align(hang, Box::new(Doc::All(docs)))))
    }

    /// `a + b - c`: operators of one level in a row are one chain.
    fn binary(&mut self, left: &Expr, op: BinaryOp, right: &Expr) -> Doc {
        let own = Infix::Binary(op).level();
        if own == Level::Comparison {
            return self.comparison(left, op.as_str(), right);
        }
        let mut rest = vec![(op, right)];
        let mut first = left;
        while let ExprKind::Binary(left, op, right) = &first.kind
            && Infix::Binary(op.node).level() == own
        {
            rest.push((op.node, right));
            first = left;
        }
        let mut docs = vec![self.operand(first, least(own))];
        for (op, operand) in rest.into_iter().rev() {
            docs.push(self.continued(op.as_str(), operand, own));
        }
        Doc::Group(Box::new(Doc::align(docs)))
    }

    fn comparison(&mut self, left: &Expr, op: &str, right: &Expr) -> Doc {
        let left = self.operand(left, least(Level::Comparison));
        let right = self.continued(op, right, Level::Comparison);
        Doc::Group(Box::new(Doc::align(vec![left, right])))
    }

    /// An operator and its right side, which may begin a line.
    fn continued(&mut self, op: &str, right: &Expr, own: Level) -> Doc {
        let comments = self.source.comments_to_leaf(right.span.start);
        let right = self.operand(right, least(own));
        Doc::indent(CONTINUED, vec![comments, Doc::Line, Doc::text(op), Doc::Space, right])
    }

    fn membership(&mut self, value: &Expr, set: &InSet, negated: bool) -> Doc {
        let word = if negated { "not in" } else { "in" };
        let values = match set {
            InSet::Expr(set) => return self.comparison(value, word, set),
            InSet::Values(values) => values,
        };
        let value = self.operand(value, least(Level::Comparison));
        let words = self.list(values, |value| value.span.start, Self::expression);
        let last = values.last().map_or(0, |value| value.span.end);
        let inside = self.source.comments_inside(self.source.next_symbol(last, ")"));
        let opening = Doc::text(format!("{word} ("));
        let list = Doc::align(vec![Doc::Fill(words), inside]);
        Doc::group(vec![value, Doc::Space, opening, list, Doc::text(")")])
    }

    fn call(&mut self, expr: &Expr) -> Doc {
        let ExprKind::Call { function, arguments, condition, over } = &expr.kind else {
            unreachable!("only calls come here");
        };
        let opening = Doc::text(format!("{}(", function.node));
        let arguments = self.arguments(arguments, condition.as_deref(), ")", function.span.end);
        let mut docs = vec![Doc::group(vec![opening, arguments, Doc::text(")")])];
        if let Some(over) = over {
            let words = if over.previous { "over previous" } else { "over" };
            docs.push(self.duration(Doc::Space, words, &over.duration));
        }
        Doc::All(docs)
    }

    /// What stands in brackets that open at or behind `start`.
    fn arguments(&mut self, list: &[Expr], condition: Option<&Expr>, close: &str, start: u32) -> Doc {
        let before_where = list.last().filter(|last| condition.is_some() && ends_with_call(last));
        let argument = |this: &mut Self, argument: &Expr| {
            let doc = this.expression(argument);
            if before_where.is_some_and(|last| std::ptr::eq(last, argument)) {
                parenthesised(doc)
            } else {
                doc
            }
        };
        let words = self.list(list, |argument| argument.span.start, argument);
        let mut docs = Vec::new();
        for word in words {
            if !docs.is_empty() {
                docs.push(Doc::Line);
            }
            docs.push(word);
        }
        docs.extend(condition.map(|condition| self.condition(Doc::Line, condition)));
        let last = list.iter().chain(condition).map(|part| part.span.end).max();
        let end = self.source.next_symbol(last.unwrap_or(start), close);
        docs.push(self.source.comments_inside(end));
        Doc::align(docs)
    }
}

fn parenthesised(doc: Doc) -> Doc {
    Doc::All(vec![Doc::text("("), Doc::align(vec![doc]), Doc::text(")")])
}
