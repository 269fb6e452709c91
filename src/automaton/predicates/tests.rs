//! The index against asking every predicate of every event.

use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::HashSet;
use proptest::prelude::*;

use super::*;
use crate::cases::cases;
use crate::event::{Duration, Event, Position, Timestamp, Value};
use crate::expression::functions;
use crate::expression::{Arithmetic, Comparison, Faults, Scope, Wildcard};
use crate::table::Tables;

const STREAM: StreamId = StreamId(0);

/// The fields, each of which may be null.
const INT: u32 = 0;
const FLOAT: u32 = 1;
const TEXT: u32 = 2;
const OTHER_TEXT: u32 = 3;
const BOOL: u32 = 4;
const TIME: u32 = 5;
const SPAN: u32 = 6;
const ADDRESS: u32 = 7;
const OTHER_INT: u32 = 8;

fn field(number: u32) -> Expr {
    Expr::Field(FieldId(number))
}

fn float_of(number: u32) -> Expr {
    Expr::ToFloat(Box::new(field(number)))
}

fn compared(comparison: Comparison, of: Expr, with: Value) -> Expr {
    Expr::Compare(comparison, Box::new((of, Expr::Const(with))))
}

/// 2^53, from which on floats leave integers out.
const LARGE: i64 = 1 << 53;

fn ints() -> impl Strategy<Value = Value> {
    let some = vec![-3, -1, 0, 1, 2, 3, LARGE, LARGE + 1, i64::MAX, i64::MIN];
    prop::sample::select(some).prop_map(Value::Int)
}

fn floats() -> impl Strategy<Value = Value> {
    let some = vec![
        -1.5,
        -0.0,
        0.0,
        0.5,
        1.0,
        2.0,
        2.5,
        LARGE as f64,
        i64::MAX as f64,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    prop::sample::select(some).prop_map(Value::Float)
}

fn texts() -> impl Strategy<Value = Value> {
    let some =
        vec!["", "a", "ab", "abc", "abd", "AB", "aXb", "xab", "abcab", "ßx", "a\u{10ffff}b", "b", "zürich"];
    prop::sample::select(some).prop_map(Value::text)
}

fn addresses() -> impl Strategy<Value = Value> {
    let some = ["10.0.0.0", "10.0.0.7", "10.0.1.0", "10.255.255.255", "11.0.0.0", "::1", "2001:db8::1", "::"];
    let some: Vec<IpAddr> = some.iter().map(|text| text.parse().expect("it is an address")).collect();
    prop::sample::select(some).prop_map(Value::Ip)
}

/// Values of a field, or a number of another type.
fn values(number: u32) -> BoxedStrategy<Value> {
    match number {
        INT | OTHER_INT => ints().boxed(),
        FLOAT => floats().boxed(),
        TEXT | OTHER_TEXT => texts().boxed(),
        BOOL => any::<bool>().prop_map(Value::Bool).boxed(),
        TIME => (0..4_i64).prop_map(|us| Value::Timestamp(Timestamp::from_micros(us))).boxed(),
        SPAN => (-2..2_i64).prop_map(|us| Value::Duration(Duration::from_micros(us))).boxed(),
        _ => addresses().boxed(),
    }
}

/// What a field can be compared with.
fn constants(number: u32) -> BoxedStrategy<Value> {
    match number {
        INT | FLOAT | OTHER_INT => prop_oneof![ints(), floats()].boxed(),
        _ => values(number),
    }
}

fn event() -> impl Strategy<Value = Event> {
    let values: Vec<_> =
        (INT..=OTHER_INT).map(|number| prop_oneof![1 => Just(Value::Null), 5 => values(number)]).collect();
    values.prop_map(|values| Event::new(STREAM, Timestamp::from_micros(1), Position::default(), values, []))
}

fn comparisons() -> impl Strategy<Value = Comparison> {
    use Comparison::{Eq, Ge, Gt, Le, Lt, Ne};
    prop::sample::select(vec![Eq, Eq, Eq, Ne, Lt, Le, Gt, Ge])
}

fn comparison() -> impl Strategy<Value = Expr> {
    let sides = (INT..=OTHER_INT).prop_flat_map(|number| (Just(number), constants(number)));
    (sides, comparisons(), any::<bool>(), any::<bool>()).prop_map(
        |((number, constant), comparison, is_flipped, as_float)| {
            let side = match constant {
                Value::Float(_) if number == INT || as_float && number == OTHER_INT => float_of(number),
                _ => field(number),
            };
            let pair = if is_flipped { (Expr::Const(constant), side) } else { (side, Expr::Const(constant)) };
            Expr::Compare(comparison, Box::new(pair))
        },
    )
}

fn membership() -> impl Strategy<Value = Expr> {
    (INT..=OTHER_INT).prop_flat_map(|number| {
        prop::collection::vec(constants(number), 1..4).prop_map(move |members| {
            let members: HashSet<Value, _> = members.into_iter().collect();
            Expr::InSet(Box::new(field(number)), Arc::new(members))
        })
    })
}

fn networks() -> impl Strategy<Value = Expr> {
    let all = vec!["10.0.0.0/8", "10.0.0.0/24", "0.0.0.0/0", "11.0.0.0/32", "::/0", "2001:db8::/32"];
    prop::collection::vec(prop::sample::select(all), 1..3).prop_map(|networks| {
        let networks = networks.iter().map(|text| text.parse().expect("it is a network"));
        Expr::InNetworks(Box::new(field(ADDRESS)), networks.collect())
    })
}

fn pattern() -> impl Strategy<Value = Expr> {
    let likes = vec![
        "*",
        "",
        "ab",
        "ab*",
        "a*",
        "ab?",
        "?b",
        "*ab",
        "*ab*",
        "a*b",
        "AB*",
        "*AB*",
        "**",
        "a\u{10ffff}*",
        "*ü*",
        "*cab",
        "\u{10ffff}*",
        "ß*",
    ];
    let regexes = vec![
        "",
        "ab",
        "(?i)ab",
        "^ab",
        "ab$",
        "a.b",
        "(ab|bc)+",
        "(?:ab)*",
        "[ab]{2}",
        "^$",
        "(?i)ss",
        "x(ab){1,2}",
        "b|zürich",
        "z.rich",
        "abc?",
        "ab(?i)C",
    ];
    let regexes: Vec<_> = regexes
        .into_iter()
        .map(|pattern| Arc::new(regex::Regex::new(pattern).expect("it is an expression")))
        .collect();
    let of = || prop::sample::select(vec![TEXT, OTHER_TEXT]).prop_map(|number| Box::new(field(number)));
    prop_oneof![
        (of(), prop::sample::select(likes))
            .prop_map(|(of, pattern)| Expr::Like(of, Arc::new(Wildcard::new(pattern)))),
        (of(), prop::sample::select(regexes)).prop_map(|(of, regex)| Expr::Matches(of, regex)),
    ]
}

/// What cannot be found, and what may have no value.
fn asked_of_each() -> impl Strategy<Value = Expr> {
    let ratio = |a, b| Expr::Arithmetic(Arithmetic::Div, Box::new((a, b)));
    let positive = |x| Expr::Compare(Comparison::Gt, Box::new((x, Expr::Const(Value::Float(0.0)))));
    let root = functions::find("sqrt").expect("there is such a function");
    prop_oneof![
        Just(positive(ratio(Expr::Const(Value::Int(1)), field(INT)))),
        Just(positive(ratio(field(INT), field(OTHER_INT)))),
        Just(positive(Expr::Neg(Box::new(field(OTHER_INT))))),
        Just(positive(Expr::Call(root, [field(FLOAT)].into()))),
        comparisons()
            .prop_map(|comparison| { Expr::Compare(comparison, Box::new((field(TEXT), field(OTHER_TEXT)))) }),
        comparisons().prop_map(|comparison| Expr::Compare(
            comparison,
            Box::new((field(INT), Expr::Const(Value::Null)))
        )),
    ]
}

fn condition() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        6 => comparison(),
        2 => membership(),
        1 => networks(),
        2 => pattern(),
        1 => (INT..=OTHER_INT).prop_map(|number| Expr::IsMissing(Box::new(field(number)))),
        1 => Just(field(BOOL)),
        2 => asked_of_each(),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let several = || prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            4 => several().prop_map(|parts| Expr::And(parts.into())),
            2 => several().prop_map(|parts| Expr::Or(parts.into())),
            1 => inner.clone().prop_map(|part| Expr::Not(Box::new(part))),
        ]
    })
}

/// Conditions of which many ask for the same values, or for one of two, so that the index has nodes below
/// nodes, and one condition stands in several.
fn conditions() -> impl Strategy<Value = Vec<Expr>> {
    let is = |number, value| compared(Comparison::Eq, field(number), value);
    let kinds = vec![
        is(TEXT, Value::text("a")),
        is(TEXT, Value::text("ab")),
        is(INT, Value::Int(1)),
        is(OTHER_INT, Value::Int(1)),
        field(BOOL),
    ];
    // Few kinds for all conditions of a case, so that each is that of many.
    prop::sample::subsequence(kinds, 1..4).prop_flat_map(|kinds| {
        let kind = prop::sample::select(kinds);
        let kind = prop_oneof![
            3 => kind.clone(),
            1 => (kind.clone(), kind).prop_map(|(one, other)| Expr::Or([one, other].into())),
        ];
        let of_a_kind = (kind, condition()).prop_map(|(kind, condition)| match condition {
            Expr::And(parts) => Expr::And(std::iter::once(kind).chain(parts).collect()),
            other => Expr::And([kind, other].into()),
        });
        prop::collection::vec(prop_oneof![1 => condition(), 2 => of_a_kind], 1..60)
    })
}

/// What holds of the event and what cannot be computed, with each predicate asked by itself.
fn asked(predicates: &Predicates, event: &Event, tables: &Tables) -> (Vec<u32>, Vec<(u32, u64)>) {
    let (mut held, mut failed) = (Vec::new(), Vec::new());
    for (number, condition) in (0..).zip(&predicates.list) {
        let faults = Faults::default();
        if condition.holds(&Scope { event: Some(event), tables, ..Scope::bare(&faults) }) {
            held.push(number);
        }
        failed.extend(Some((number, faults.take())).filter(|(_, count)| *count > 0));
    }
    (held, failed)
}

/// What cannot be computed counts once, in however many ways a condition is found: here by each of two
/// values by which many others are found as well, so that both are nodes of their own.
#[test]
fn what_is_found_in_several_crowds_fails_once() {
    let is = |number, value| compared(Comparison::Eq, field(number), value);
    let is_one = |number| is(number, Value::Int(1));
    let inverse = Expr::Arithmetic(Arithmetic::Div, Box::new((Expr::Const(Value::Float(1.0)), field(FLOAT))));
    let fails = compared(Comparison::Gt, inverse, Value::Float(0.0));
    let either = Expr::Or([is_one(INT), is_one(OTHER_INT)].into());
    let mut conditions = vec![Expr::And([either, is(TEXT, Value::text("a")), fails].into())];
    for number in 0..20 {
        let rest = compared(Comparison::Gt, field(SPAN), Value::Duration(Duration::from_micros(number)));
        for of in [INT, OTHER_INT] {
            conditions.push(Expr::And([is_one(of), rest.clone()].into()));
            conditions.push(is(of, Value::Int(100 + number)));
        }
    }
    let mut predicates = Predicates::default();
    let all = conditions.iter().map(|condition| predicates.intern(STREAM, condition)).collect();
    let index = Index::new(&predicates, all);
    let mut values = [const { Value::Null }; 9];
    for (number, value) in [
        (INT, Value::Int(1)),
        (OTHER_INT, Value::Int(1)),
        (TEXT, Value::text("a")),
        (FLOAT, Value::Float(0.0)),
    ] {
        values[number as usize] = value;
    }
    let event = Event::new(STREAM, Timestamp::from_micros(1), Position::default(), values, []);
    let mut answers = Answers::new(&predicates);
    answers.ask(&index, &event, &Tables::unread(&[]));
    assert_eq!(answers.failed(), [(Place(0), 1)]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(100, 2_000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_what_asking_each_would(
        conditions in conditions(),
        events in prop::collection::vec(event(), 1..8),
    ) {
        let mut predicates = Predicates::default();
        let mut all: Vec<_> = conditions.iter().map(|condition| predicates.intern(STREAM, condition)).collect();
        // In whatever order and however often.
        all.reverse();
        let index = Index::new(&predicates, all);
        let tables = Tables::unread(&[]);
        let mut answers = Answers::new(&predicates);
        for event in &events {
            answers.ask(&index, event, &tables);
            let (held, failed) = asked(&predicates, event, &tables);
            let mut found: Vec<u32> =
                answers.true_ones().iter().map(|place| index.predicate(*place).0).collect();
            found.sort_unstable();
            prop_assert_eq!(&found, &held, "of {:?}", event);
            let looked_up = (0..predicates.len() as u32).filter(|id| answers.holds(PredicateId(*id)));
            prop_assert_eq!(looked_up.collect::<Vec<_>>(), held);
            let mut counted: Vec<(u32, u64)> =
                answers.failed().iter().map(|(place, count)| (index.predicate(*place).0, *count)).collect();
            counted.sort_unstable();
            prop_assert_eq!(counted, failed, "of {:?}", event);
        }
    }
}
