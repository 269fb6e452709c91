//! Trees as short texts without places, so that a test can say what it expects.
//!
//! Expressions are written with the operator first: `a + b * c` is `(+ a (* b c))`.

use crate::language::tree::*;

pub fn expr(e: &Expr) -> String {
    match &e.kind {
        ExprKind::Null => "null".into(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Int(value) => value.to_string(),
        ExprKind::Float(value) => format!("{value:?}"),
        ExprKind::Str(text) => format!("{text:?}"),
        ExprKind::Duration(value) => value.to_string(),
        ExprKind::Name(name) => name.clone(),
        ExprKind::Field(of, name) => format!("{}.{}", expr(of), name.node),
        ExprKind::Index(of, keys) => format!("{}[{}]", expr(of), exprs(keys, ", ")),
        ExprKind::Call { function, arguments, condition, over } => {
            let condition = condition.as_ref().map_or(String::new(), |c| format!(" where {}", expr(c)));
            let over = over.as_ref().map_or(String::new(), |over| {
                format!(" over {}{}", if over.previous { "previous " } else { "" }, over.duration.node)
            });
            format!("{}({}{condition}){over}", function.node, exprs(arguments, ", "))
        }
        ExprKind::Unary(op, of) if op.node == UnaryOp::Not => format!("(not {})", expr(of)),
        ExprKind::Unary(_, of) => format!("(- {})", expr(of)),
        ExprKind::Binary(a, op, b) => format!("({} {} {})", op.node.as_str(), expr(a), expr(b)),
        ExprKind::And(parts) => format!("(and {})", exprs(parts, " ")),
        ExprKind::Or(parts) => format!("(or {})", exprs(parts, " ")),
        ExprKind::In { value, set, negated } => {
            let set = match set {
                InSet::Values(values) => format!("[{}]", exprs(values, " ")),
                InSet::Expr(e) => expr(e),
            };
            format!("({} {} {set})", if *negated { "not-in" } else { "in" }, expr(value))
        }
        ExprKind::Like(a, b) => format!("(like {} {})", expr(a), expr(b)),
        ExprKind::Matches(a, b) => format!("(matches {} {})", expr(a), expr(b)),
        ExprKind::IsMissing(of, true) => format!("(missing {})", expr(of)),
        ExprKind::IsMissing(of, false) => format!("(present {})", expr(of)),
    }
}

fn exprs(list: &[Expr], separator: &str) -> String {
    list.iter().map(expr).collect::<Vec<_>>().join(separator)
}

fn within(limit: &Option<Spanned<crate::event::Duration>>) -> String {
    limit.as_ref().map_or(String::new(), |limit| format!(" within {}", limit.node))
}

pub fn match_(m: &Match) -> String {
    format!("{}{}", sequence(&m.pattern), within(&m.within))
}

fn sequence(s: &Sequence) -> String {
    let mut text = element(&s.first);
    for part in &s.rest {
        text.push(' ');
        text.push_str(&match part {
            Part::Step { link, element: e } => {
                let kind = match link.kind {
                    LinkKind::Then => "then",
                    LinkKind::ThenAny => "then-any",
                    LinkKind::Next => "next",
                };
                format!("{kind}{} {}", within(&link.within), element(e))
            }
            Part::Absence(absence) => {
                let link = if absence.next { "next-not" } else { "then-not" };
                let span = absence.duration.as_ref().map_or(String::new(), |d| format!(" for {}", d.node));
                format!("{link} {}{span}", absence.name.node)
            }
        });
    }
    text
}

fn element(e: &Element) -> String {
    let quantifier = match &e.quantifier {
        None => String::new(),
        Some(Quantifier::Optional(_)) => "optional ".into(),
        Some(Quantifier::Count(count, modifiers)) => {
            let max = count.node.max.map_or("*".to_owned(), |max| max.to_string());
            let modifiers: String =
                modifiers.iter().map(|m| format!("{:?} ", m.node).to_lowercase()).collect();
            format!("{{{}..{max}}} {modifiers}", count.node.min)
        }
    };
    let atom = match &e.atom {
        Atom::Name { name, alias: None } => name.node.clone(),
        Atom::Name { name, alias: Some(alias) } => format!("{} as {}", name.node, alias.node),
        Atom::Element(inner) => format!("<{}>", element(inner)),
        Atom::Group(group) => {
            let combined = if group.kind == GroupKind::Or { " or " } else { " and " };
            let branches: Vec<String> = group.branches.iter().map(sequence).collect();
            format!("({}{})", branches.join(combined), within(&group.within))
        }
    };
    let until = e.until.as_ref().map_or(String::new(), |name| format!(" until {}", name.node));
    format!("{quantifier}{atom}{until}")
}

pub fn template(t: &Template) -> String {
    t.parts
        .iter()
        .map(|part| match part {
            TemplatePart::Text(text) => format!("{text:?}"),
            TemplatePart::Expr(e) => format!("<{}>", expr(e)),
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn names(list: &[Name]) -> String {
    list.iter().map(|name| name.node.as_str()).collect::<Vec<_>>().join(", ")
}

fn alert(a: &Alert) -> String {
    let fields: String =
        a.fields.iter().map(|field| format!(" {}={}", field.name.node, expr(&field.value))).collect();
    format!("alert {} {}{fields}", a.severity.node, template(&a.title))
}

pub fn clause(c: &Clause) -> String {
    match &c.kind {
        ClauseKind::About(text) => format!("about {:?}", text.node),
        ClauseKind::Tags(tags) => format!("tags {}", names(tags)),
        ClauseKind::Runbook(text) => format!("runbook {:?}", text.node),
        ClauseKind::By(parts) => {
            let field = |f: &KeyField| match &f.stream {
                Some(stream) => format!("{}.{}", stream.node, f.field.node),
                None => f.field.node.clone(),
            };
            let part = |p: &KeyPart| p.fields.iter().map(field).collect::<Vec<_>>().join("=");
            format!("by {}", parts.iter().map(part).collect::<Vec<_>>().join(", "))
        }
        ClauseKind::Event(e) => {
            let condition = e.condition.as_ref().map_or(String::new(), |c| format!(" where {}", expr(c)));
            format!("event {} = {}{condition}", e.name.node, e.stream.node)
        }
        ClauseKind::Match(m) => format!("match {}", match_(m)),
        ClauseKind::Overlap(o) => match o {
            Overlap::None => "overlap none".into(),
            Overlap::PerStart => "overlap per start".into(),
            Overlap::All => "overlap all".into(),
            Overlap::ResumeAtFirst(v) => format!("overlap resume at first {}", v.node),
            Overlap::ResumeAtLast(v) => format!("overlap resume at last {}", v.node),
        },
        ClauseKind::Alert(a) => alert(a),
        ClauseKind::OnTimeout(t) => {
            let after = t.after.as_ref().map_or(String::new(), |v| format!(" after {}", v.node));
            format!("on timeout{after} {}", alert(&t.alert))
        }
        ClauseKind::To(sinks) => format!("to {}", names(sinks)),
        ClauseKind::Limit(l) => {
            let each = if l.for_each.is_empty() {
                String::new()
            } else {
                format!(" each {}", exprs(&l.for_each, ", "))
            };
            format!("limit {} per {}{each}", l.count.node, l.per.node)
        }
        ClauseKind::Max(m) => format!("max {:?} {}", m.what, m.count.node),
        ClauseKind::Mode(mode) => format!("mode {}", mode.node),
    }
}

fn field(f: &Field) -> String {
    let from = f.from.as_ref().map_or(String::new(), |path| format!(" from {:?}", path.node));
    format!("{} {:?}{}{from}", f.name.node, f.ty.node, if f.optional { "?" } else { "" })
}

pub fn item(item: &Item) -> String {
    match item {
        Item::Stream(s) => {
            let time = match &s.time {
                None => String::new(),
                Some(TimeClause::Arrival(_)) => " time arrival".into(),
                Some(TimeClause::Field(name)) => format!(" time {}", name.node),
            };
            let late = s.late.as_ref().map_or(String::new(), |d| format!(" late {}", d.node));
            let idle = s.idle.as_ref().map_or(String::new(), |d| format!(" idle {}", d.node));
            let body = match &s.body {
                StreamBody::Rule(rule) => format!("from {}", rule.node),
                StreamBody::Fields(fields) => {
                    format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join("; "))
                }
            };
            format!("stream {}{time}{late}{idle} {body}", s.name.node)
        }
        Item::List(l) => format!("list {} {:?} from {:?}", l.name.node, l.ty.node, l.file.node),
        Item::Table(t) => {
            let column = |c: &Column| format!("{}{}", if c.key { "key " } else { "" }, field(&c.field));
            let columns: Vec<String> = t.columns.iter().map(column).collect();
            format!("table {} from {:?} {{{}}}", t.name.node, t.file.node, columns.join("; "))
        }
        Item::Let(l) => format!("let {} = {}", l.name.node, expr(&l.value)),
        Item::Def(d) => {
            let parameters: Vec<String> =
                d.parameters.iter().map(|p| format!("{} {:?}", p.name.node, p.ty.node)).collect();
            format!("def {}({}) = {}", d.name.node, parameters.join(", "), expr(&d.body))
        }
        Item::Rule(r) => {
            format!(
                "rule {} {{{}}}",
                r.name.node,
                r.clauses.iter().map(clause).collect::<Vec<_>>().join("; ")
            )
        }
        Item::Test(t) => {
            let from = t.from.as_ref().map_or(String::new(), |from| format!(" from {:?}", from.node));
            let steps: Vec<String> = t.steps.iter().map(step).collect();
            format!("test {:?}{from} {{{}}}", t.name.node, steps.join("; "))
        }
    }
}

pub fn step(s: &TestStep) -> String {
    match &s.kind {
        TestStepKind::Event { at, stream, fields } => {
            let fields: String =
                fields.iter().map(|(name, value)| format!(" {}:{}", name.node, expr(value))).collect();
            format!("at {} {}{fields}", at.node, stream.node)
        }
        TestStepKind::Restart => "restart".into(),
        TestStepKind::Stop => "stop".into(),
        TestStepKind::ExpectAlert { rule, times, timeout, fields } => {
            let times = times.as_ref().map_or(String::new(), |n| format!(" x{}", n.node));
            let path = |parts: &[PathPart]| -> String {
                parts
                    .iter()
                    .map(|part| match part {
                        PathPart::Name(name) => format!("/{name}"),
                        PathPart::Index(index) => format!("/{index}"),
                    })
                    .collect()
            };
            let fields: String =
                fields.iter().map(|(p, value)| format!(" {}:{}", path(&p.node), expr(value))).collect();
            format!("expect {}{times}{}{fields}", rule.node, if *timeout { " timeout" } else { "" })
        }
        TestStepKind::ExpectNothing => "expect nothing".into(),
        TestStepKind::ExpectNothingElse => "expect nothing else".into(),
        TestStepKind::ExpectLate(n) => format!("expect late {}", n.node),
    }
}
