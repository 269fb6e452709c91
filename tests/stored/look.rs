//! Looking at partial matches: of an engine, and of what was stored of it, without an engine.

use tripline::engine::{EngineOptions, Found, Look, Restoring, Summary};

use super::harness::{Bench, compile};

const RULES: &str = r#"
stream charges time at { card string, shop int, amount float, at timestamp }
stream visits time at { shop int, at timestamp }

rule testing {
  by card
  event small = charges where amount < 5
  event big = charges where amount > 100
  match 2+ small then big within 1h
  alert high "{card}"
}

rule silent {
  by card, shop
  event any_charge = charges where amount > 0
  event refund = charges where amount < 0
  match any_charge then not refund for 30m
  on timeout alert low "never"
  alert low "{card}"
}
"#;

fn bench() -> Bench {
    let mut bench = Bench::new(RULES);
    let charge = |card: &str, shop: u32, amount: f64, minute: u32| {
        format!(
            r#"{{"card": "{card}", "shop": {shop}, "amount": {amount:?}, "at": "2026-03-01T08:{minute:02}:00Z"}}"#
        )
    };
    let stream = bench.engine.program().input("charges").expect("it is fed");
    bench.engine.open(stream, tripline::event::PartitionId(0), tripline::event::Timestamp::default());
    for (card, shop, amount, minute) in
        [("c1", 1, 1.0, 0), ("c2", 2, 2.0, 1), ("c1", 2, 3.0, 2), ("c3", 1, 50.0, 5)]
    {
        bench.push("charges", &charge(card, shop, amount, minute));
    }
    bench
}

/// What was found, in short: rule, key, place, what is waited for.
fn shown(found: &Found) -> Vec<String> {
    let mut all: Vec<String> = found
        .runs
        .iter()
        .map(|found| {
            let run = &found.run;
            let key: Vec<String> = run.key.iter().map(|(_, value)| value.to_string()).collect();
            let waits: Vec<&str> = run.waits.iter().map(|wait| wait.event.as_str()).collect();
            let (step, until) = (&run.step, run.until.expect("it ends"));
            format!(
                "{} {} {}/{} {} ({}) {} {until} {:?}",
                run.rule,
                key.join(","),
                step.number,
                step.of,
                step.text,
                step.taken,
                waits.join("|"),
                run.end
            )
        })
        .collect();
    all.sort();
    all
}

/// The same question to the engine and to the rows.
fn both(bench: &mut Bench, rule: Option<&str>, key: &[&str]) -> Vec<String> {
    let key: Vec<String> = key.iter().map(|part| (*part).to_owned()).collect();
    bench.store();
    let program = compile(RULES);
    let look = Look::new(&program, rule, &key, 100).expect("there is such a rule");
    let live = bench.engine.look(look.clone());
    let state = bench.state();
    let restoring =
        Restoring::new(program.clone(), EngineOptions::RECORDED, state.head()).expect("it was just written");
    let mut search = restoring.search(&look);
    let few = look.rows(&program);
    for row in state.rows() {
        let is_wanted = few
            .as_ref()
            .is_none_or(|few| few.iter().any(|(group, key)| (*group, &key[..]) == (row.group, row.key)));
        if is_wanted {
            search.row(row).expect("it was just written");
        }
    }
    let (stored, left) = search.finish();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!((shown(&live), &live.counts), (shown(&stored), &stored.counts));
    shown(&live)
}

#[test]
fn what_is_stored_looks_as_it_does_in_the_engine() {
    let mut bench = bench();
    let c1 = [
        "testing c1 1/2 2+ small (1) small 2026-03-01T09:02:00Z Nothing",
        "testing c1 2/2 big (0) small|big 2026-03-01T09:00:00Z Nothing",
    ];
    assert_eq!(both(&mut bench, Some("testing"), &["card=c1"]), c1);
    assert_eq!(both(&mut bench, Some("testing"), &["c1"]), c1);
    let of_shop = [
        "silent c1,2 2/2 not refund for 30m (0) refund 2026-03-01T08:32:00Z Match",
        "silent c2,2 2/2 not refund for 30m (0) refund 2026-03-01T08:31:00Z Match",
    ];
    // A part of a key, and a value that no other part can have.
    assert_eq!(both(&mut bench, None, &["shop=2"]), of_shop);
    assert_eq!(both(&mut bench, Some("silent"), &["card=c1", "shop=2"]), of_shop[..1]);
    assert_eq!(both(&mut bench, None, &["shop=two"]), Vec::<String>::new());
    assert_eq!(both(&mut bench, None, &["c4"]), Vec::<String>::new());
    assert_eq!(both(&mut bench, None, &[]).len(), 7);
    assert!(Look::new(&compile(RULES), Some("other"), &[], 1).is_none());
}

#[test]
fn those_come_first_of_whose_key_something_is_decided_soonest() {
    let mut bench = bench();
    let program = compile(RULES);
    let look = Look::new(&program, None, &[], 2).expect("all rules");
    let found = bench.engine.look(look);
    assert_eq!((found.total(), found.runs.len()), (7, 2));
    let soonest: Vec<String> = found.runs.iter().map(|found| found.due.to_string()).collect();
    assert_eq!(soonest, ["2026-03-01T08:30:00Z", "2026-03-01T08:31:00Z"]);
}

#[test]
fn a_summary_needs_no_rules() {
    let mut bench = bench();
    bench.store();
    let state = bench.state();
    let mut summary = Summary::new(state.head()).expect("it was just written");
    for row in state.rows() {
        summary.row(row).expect("it was just written");
    }
    let rules: Vec<_> = summary.rules.iter().map(|rule| (rule.rule.as_str(), rule.keys, rule.runs)).collect();
    assert_eq!(rules, [("silent", 4, 4), ("testing", 2, 3)]);
    assert_eq!((summary.streams.join(" "), summary.events, summary.waiting), ("charges visits".into(), 4, 0));
    assert!(Summary::new(b"something else").is_err());
    // Damage is told, or changes what is said; it does no harm.
    let head = state.head();
    for length in 0..head.len() {
        let _ = Summary::new(&head[..length]);
    }
    assert!(Summary::new(&head[..40]).is_err());
}
