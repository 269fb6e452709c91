//! What is said of a condition is tried with every event there is.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::cases::cases;
use crate::event::{Event, Position, StreamId, Timestamp};
use crate::expression::{Faults, Scope};

/// Four fields: `#0 int?`, `#1 bool`, `#2 string?`, `#3 int`.
struct Fields;

impl Known for Fields {
    fn field(&self, field: FieldId) -> (Type, bool) {
        [(Type::Int, true), (Type::Bool, false), (Type::Str, true), (Type::Int, false)][field.0 as usize]
    }

    fn register(&self, _: RegisterId) -> RegisterSpec {
        unreachable!("there is none")
    }

    fn history(&self, _: HistoryId) -> RegisterSpec {
        unreachable!("there is none")
    }

    fn past(&self, _: FieldSource) -> (Type, bool) {
        unreachable!("there is none")
    }
}

/// Every event with small values.
fn events() -> Vec<Event> {
    let ints = || (-1..5).map(Value::Int);
    let optional_ints: Vec<Value> = ints().chain([Value::Null]).collect();
    let texts = [Value::text("a"), Value::text("b"), Value::text("c"), Value::Null];
    let mut events = Vec::new();
    for first in &optional_ints {
        for second in [true, false] {
            for third in &texts {
                for fourth in ints() {
                    let values = [first.clone(), Value::Bool(second), third.clone(), fourth];
                    events.push(Event::new(
                        StreamId(0),
                        Timestamp::from_micros(0),
                        Position::default(),
                        values,
                        [],
                    ));
                }
            }
        }
    }
    events
}

fn outcome(condition: &Expr, event: &Event) -> Option<bool> {
    let faults = Faults::default();
    condition.truth(&Scope { event: Some(event), ..Scope::bare(&faults) })
}

fn field(number: u32) -> Expr {
    Expr::Field(FieldId(number))
}

fn comparison() -> impl Strategy<Value = Comparison> {
    use Comparison::{Eq, Ge, Gt, Le, Lt, Ne};
    prop::sample::select(vec![Eq, Ne, Lt, Le, Gt, Ge])
}

/// Conditions over these integer fields alone.
fn over_ints(fields: Vec<u32>) -> impl Strategy<Value = Expr> {
    let int = prop::sample::select(fields).prop_map(field);
    let number =
        prop_oneof![(0..4_i64).prop_map(Value::Int), (0..4_i64).prop_map(|i| Value::Float(i as f64 + 0.5))];
    let set = prop::collection::vec((0..4_i64).prop_map(Value::Int), 1..3);
    prop_oneof![
        (comparison(), int.clone(), number.clone()).prop_map(|(comparison, of, value)| Expr::Compare(
            comparison,
            Box::new((of, Expr::Const(value)))
        )),
        (comparison(), int.clone(), number).prop_map(|(comparison, of, value)| Expr::Compare(
            comparison,
            Box::new((Expr::Const(value), of))
        )),
        (int.clone(), set)
            .prop_map(|(of, values)| Expr::InSet(Box::new(of), Arc::new(values.into_iter().collect()))),
        int.prop_map(|of| Expr::IsMissing(Box::new(of))),
    ]
}

fn joined(part: BoxedStrategy<Expr>) -> BoxedStrategy<Expr> {
    let joined = part.prop_recursive(3, 12, 3, |inner| {
        let several = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            several.clone().prop_map(|operands| Expr::And(operands.into())),
            several.prop_map(|operands| Expr::Or(operands.into())),
            inner.prop_map(|operand| Expr::Not(Box::new(operand))),
        ]
    });
    joined.boxed()
}

fn conditions() -> BoxedStrategy<Expr> {
    let text = || prop::sample::select(vec!["a", "b"]).prop_map(|text| Expr::Const(Value::text(text)));
    let lower =
        Expr::Call(crate::expression::functions::find("lower").expect("there is one"), [field(2)].into());
    let pair = (comparison(), prop::bool::ANY).prop_map(|(comparison, exchanged)| {
        let (a, b) = if exchanged { (field(3), field(0)) } else { (field(0), field(3)) };
        Expr::Compare(comparison, Box::new((a, b)))
    });
    let default = text().prop_map(|text| Expr::Coalesce([field(2), text].into()));
    let texts = prop_oneof![Just(field(2)), Just(lower), default];
    let part = prop_oneof![
        over_ints(vec![0, 3]),
        Just(field(1)),
        pair,
        (comparison(), texts.clone(), text())
            .prop_map(|(comparison, of, value)| Expr::Compare(comparison, Box::new((of, value)))),
        texts.prop_map(|of| Expr::IsMissing(Box::new(of))),
        Just(Expr::Const(Value::Null)),
        prop::bool::ANY.prop_map(|value| Expr::Const(Value::Bool(value))),
    ];
    joined(part.boxed())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(300, 2_000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_impossible_never_happens(condition in conditions()) {
        let truth = Truth::of(&condition, &Fields);
        for event in events() {
            let outcome = outcome(&condition, &event);
            prop_assert!(truth.yes.is_some() || outcome != Some(true), "{event:?}");
            prop_assert!(truth.no.is_some() || outcome != Some(false), "{event:?}");
            prop_assert!(truth.not_yes.is_some() || outcome == Some(true), "{event:?}");
            prop_assert!(truth.not_no.is_some() || outcome == Some(false), "{event:?}");
        }
    }

    #[test]
    fn what_implies_does(first in conditions(), second in conditions()) {
        if Truth::of(&first, &Fields).implies(&Truth::of(&second, &Fields)) {
            for event in events() {
                prop_assert!(outcome(&first, &event) != Some(true) || outcome(&second, &event) == Some(true));
            }
        }
    }

    /// Of one field, everything is known.
    #[test]
    fn of_one_field_what_never_happens_is_impossible(condition in joined(over_ints(vec![0]).boxed())) {
        let truth = Truth::of(&condition, &Fields);
        let outcomes: Vec<Option<bool>> = events().iter().map(|event| outcome(&condition, event)).collect();
        prop_assert_eq!(truth.yes.is_some(), outcomes.contains(&Some(true)));
        prop_assert_eq!(truth.no.is_some(), outcomes.contains(&Some(false)));
        prop_assert_eq!(truth.not_yes.is_some(), outcomes.iter().any(|outcome| *outcome != Some(true)));
        prop_assert_eq!(truth.not_no.is_some(), outcomes.iter().any(|outcome| *outcome != Some(false)));
    }
}

#[test]
fn a_clash_is_found_where_it_is() {
    let is = |number: u32, comparison, value: i64| {
        let condition = Expr::Compare(comparison, Box::new((field(number), Expr::Const(Value::Int(value)))));
        Truth::of(&condition, &Fields).yes
    };
    let all = [
        is(3, Comparison::Gt, 1),
        is(0, Comparison::Gt, 2),
        is(3, Comparison::Lt, 9),
        is(0, Comparison::Lt, 2),
    ];
    let all: Vec<&Facts> = all.iter().collect();
    assert_eq!(clash(&all), Some(("#0".to_owned(), vec![1, 3])));
    assert_eq!(clash(&all[..3]), None);
    let three = [is(3, Comparison::Ne, 1), is(3, Comparison::Ge, 1), is(3, Comparison::Le, 1)];
    assert_eq!(clash(&three.iter().collect::<Vec<_>>()), Some(("#3".to_owned(), vec![0, 1, 2])));
}
