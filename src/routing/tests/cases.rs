//! What people see of it.

use serde_json::json;

use super::*;

const HIGH: Severity = Severity::High;
const LOW: Severity = Severity::Low;

#[test]
fn without_routes_alerts_go_where_their_rules_say() {
    let mut kept = Kept::new(Vec::new());
    kept.offer(&alert("1", "r", LOW, "x"), at(0));
    kept.offer(&alert("1", "r", LOW, "x"), at(1));
    let gone = Alert { sinks: Arc::from(["gone".to_owned()]), ..alert("2", "r", LOW, "x") };
    kept.offer(&gone, at(2));
    assert_eq!(kept.told(), ["firing 1: 1 to own"]);
    assert_eq!((kept.reasons("1"), kept.reasons("2")), (vec!["sent", "repeat"], vec!["unrouted"]));
}

#[test]
fn routes_are_taken_in_order_and_go_on_only_if_they_say_so() {
    let first = Route { matcher: matcher(json!({"severity": "high"})), goes_on: true, ..route("1", "a") };
    let second = Route { matcher: matcher(json!({"rules": ["r"]})), sinks: None, ..route("2", "") };
    let never = Route { sinks: Some(Vec::new()), ..route("3", "") };
    let mut kept = Kept::new(vec![first.clone(), second, never]);
    kept.offer(&alert("1", "r", HIGH, "x"), at(0));
    kept.offer(&alert("2", "r", LOW, "x"), at(0));
    kept.offer(&alert("3", "s", HIGH, "x"), at(0));
    assert_eq!(
        kept.told(),
        ["firing 1: 1 to a", "firing 1: 1 to own", "firing 1: 2 to own", "firing 1: 3 to a"]
    );
    assert_eq!(kept.reasons("3"), ["sent", "nowhere"]);
    // The same sink gets an alert once, whoever sends it.
    let mut kept = Kept::new(vec![first, route("2", "a")]);
    kept.offer(&alert("1", "r", HIGH, "x"), at(0));
    assert_eq!((kept.told().len(), kept.reasons("1")), (1, vec!["sent", "already"]));
}

#[test]
fn a_group_is_sent_after_a_while_and_again_after_another() {
    let grouped = Route { group: grouping(&["rule"], 30, 300, 2), ..route("g", "a") };
    let mut kept = Kept::new(vec![grouped]);
    for (id, rule, second) in [("1", "r", 0), ("2", "s", 10), ("3", "r", 20), ("4", "r", 29)] {
        kept.offer(&alert(id, rule, LOW, "x"), at(second));
    }
    assert_eq!(kept.router.next_due(), Some(at(30)));
    kept.tick(at(30));
    assert_eq!(kept.told(), ["firing 3: 1 3 to a"], "two are listed, three are counted");
    kept.tick(at(40));
    assert_eq!(kept.told(), ["firing 1: 2 to a"]);
    kept.restart();
    kept.offer(&alert("5", "r", LOW, "y"), at(100));
    kept.tick(at(329));
    assert_eq!(kept.told(), [] as [&str; 0]);
    kept.tick(at(330));
    assert_eq!(kept.told(), ["firing 1: 5 to a"]);
    // Nothing has come for so long that the next alert begins a new group.
    kept.tick(at(700));
    assert_eq!(kept.router.next_due(), None);
    kept.offer(&alert("6", "r", LOW, "y"), at(700));
    assert_eq!(kept.router.next_due(), Some(at(730)));
    assert_eq!(kept.reasons("3"), ["grouped", "group_sent"]);
}

/// A silence for alerts of a rule.
fn silenced(rule: &str, ends: i64) -> NewSilence {
    let (matcher, comment) = (matcher(json!({"rules": [rule]})), "deploy".into());
    NewSilence { matcher, starts: None, ends: at(ends), author: "ana".into(), comment }
}

#[test]
fn what_is_silenced_is_not_told_not_even_what_waits_already() {
    let grouped = Route { group: grouping(&[], 30, 300, 9), ..route("g", "a") };
    let mut kept = Kept::new(vec![grouped]);
    kept.offer(&alert("1", "r", LOW, "x"), at(0));
    kept.offer(&alert("2", "s", LOW, "x"), at(0));
    let silence = kept.router.silences().add(silenced("r", 100), at(10)).expect("it makes sense");
    kept.store(at(10));
    kept.restart();
    kept.offer(&alert("3", "r", LOW, "y"), at(20));
    kept.tick(at(30));
    assert_eq!(kept.told(), ["firing 1: 2 to a"]);
    assert_eq!((kept.reasons("1"), kept.reasons("3")), (vec!["grouped", "silenced"], vec!["silenced"]));
    kept.router.silences().end(&silence.id, "ana", at(40)).expect("it is there");
    kept.offer(&alert("4", "r", LOW, "y"), at(50));
    kept.tick(at(330));
    assert_eq!(kept.told(), ["firing 1: 4 to a"]);
}

#[test]
fn an_alert_holds_back_others_where_values_are_equal() {
    let inhibit = Inhibit {
        name: "down".into(),
        source: matcher(json!({"rules": ["down"]})),
        target: matcher(json!({"severity": "< critical"})),
        equal: vec!["site".into()],
        lasts: seconds(60),
    };
    let mut kept = Kept::with(Settings { inhibit: vec![inhibit], ..Settings::default() });
    kept.offer(&alert("1", "down", HIGH, "x1"), at(0));
    kept.offer(&alert("2", "r", LOW, "x2"), at(1));
    kept.restart();
    kept.offer(&alert("3", "r", LOW, "y"), at(2));
    kept.offer(&alert("4", "r", Severity::Critical, "x"), at(3));
    // Also on both sides, as the first is, and so not held back by it.
    kept.offer(&alert("5", "down", HIGH, "x3"), at(4));
    kept.offer(&alert("6", "r", LOW, "x2"), at(63));
    kept.offer(&alert("7", "r", LOW, "x2"), at(64));
    assert_eq!(kept.told(), ["1", "3", "4", "5", "7"].map(|id| format!("firing 1: {id} to own")));
    assert_eq!(kept.reasons("2"), ["inhibited"]);
}

fn nights(route: Route, instead: Option<&str>) -> Route {
    let (from, to) = (22 * 60, 7 * 60);
    let hours =
        QuietHours { name: "nights".into(), days: [true; 7], from, to, zone: jiff::tz::TimeZone::UTC };
    let instead = instead.map(|sink| vec![sink.to_owned()]);
    Route { quiet: Some(Quiet { hours: vec![hours], instead, even_critical: false }), ..route }
}

#[test]
fn in_quiet_hours_alerts_wait_for_the_end_except_critical_ones() {
    const EVENING: i64 = 22 * 3_600;
    let mut kept = Kept::new(vec![nights(route("q", "a"), None)]);
    kept.offer(&alert("1", "r", LOW, "x"), at(EVENING - 1));
    kept.offer(&alert("2", "r", LOW, "x"), at(EVENING));
    kept.restart();
    kept.offer(&alert("3", "r", Severity::Critical, "x"), at(EVENING + 1));
    kept.offer(&alert("4", "s", HIGH, "y"), at(EVENING + 2));
    assert_eq!(kept.router.next_due(), Some(at(31 * 3_600)));
    kept.tick(at(31 * 3_600));
    assert_eq!(kept.told(), ["firing 1: 1 to a", "firing 1: 3 to a", "firing 2: 2 4 to a"]);
    assert_eq!(kept.reasons("2"), ["quiet", "group_sent"]);
    let mut kept = Kept::new(vec![nights(route("q", "a"), Some("b"))]);
    kept.offer(&alert("1", "r", LOW, "x"), at(EVENING));
    assert_eq!((kept.told(), kept.reasons("1")), (vec!["firing 1: 1 to b".to_owned()], vec!["lowered"]));
    // A group that is due when it is quiet waits, until something urgent comes to it.
    let grouped = Route { group: grouping(&[], 30, 300, 9), ..nights(route("q", "a"), None) };
    let mut kept = Kept::new(vec![grouped]);
    kept.offer(&alert("1", "r", LOW, "x"), at(EVENING - 10));
    kept.tick(at(EVENING + 20));
    assert_eq!((kept.told().len(), kept.reasons("1")), (0, vec!["grouped", "postponed"]));
    kept.offer(&alert("2", "r", Severity::Critical, "x"), at(EVENING + 100));
    kept.tick(at(EVENING + 130));
    assert_eq!(kept.told(), ["firing 2: 1 2 to a"]);
}

#[test]
fn what_nobody_acknowledges_goes_further() {
    let escalate = Some(Escalate { after: seconds(60), to: vec!["c".into()] });
    let alone =
        Route { matcher: matcher(json!({"rules": ["r"]})), escalate: escalate.clone(), ..route("1", "a") };
    let grouped = Route { group: grouping(&[], 30, 300, 9), escalate, ..route("2", "b") };
    let mut kept = Kept::new(vec![alone, grouped]);
    kept.offer(&alert("ab1", "r", LOW, "x"), at(0));
    kept.offer(&alert("ab2", "r", LOW, "y"), at(0));
    kept.offer(&alert("g1", "s", LOW, "x"), at(0));
    kept.offer(&alert("g2", "s", LOW, "y"), at(0));
    assert!(matches!(kept.router.acknowledge("ab", "ana", "", at(1)), Err(Refused::Ambiguous { .. })));
    assert!(matches!(kept.router.acknowledge("x", "ana", "", at(1)), Err(Refused::Unknown { .. })));
    assert_eq!(kept.router.acknowledge("ab1", "ana", "on it", at(1)).map(|settled| settled.stopped), Ok(1));
    kept.store(at(1));
    kept.restart();
    kept.tick(at(30));
    assert_eq!(kept.told(), ["firing 1: ab1 to a", "firing 1: ab2 to a", "firing 2: g1 g2 to b"]);
    assert_eq!(kept.router.acknowledge("g2", "ana", "", at(31)).map(|settled| settled.stopped), Ok(1));
    kept.tick(at(60));
    let (id, _, body) = kept.sent[0].clone();
    assert!(id != "ab2" && body.contains("nobody came for 1m"), "{body}");
    assert_eq!(kept.told(), ["firing 1: ab2 to c"]);
    kept.tick(at(1_000));
    assert_eq!(kept.told(), [] as [&str; 0]);
    assert_eq!(kept.reasons("g1"), ["grouped", "group_sent", "waits", "acknowledged"]);
    // One that is acknowledged before it is sent does not wait at all.
    kept.offer(&alert("g3", "s", LOW, "x"), at(2_000));
    assert_eq!(kept.router.acknowledge("g3", "ana", "", at(2_001)).map(|settled| settled.stopped), Ok(1));
    kept.tick(at(9_000));
    assert_eq!(kept.told(), ["firing 1: g3 to b"]);
}

#[test]
fn sinks_are_told_when_it_is_over() {
    let resolve = Some(Resolve { after: Some(seconds(100)), by: vec!["up*".parse().expect("a pattern")] });
    let alone = Route { matcher: matcher(json!({"rules": ["down"]})), resolve, ..route("1", "a") };
    let mut kept = Kept::new(vec![alone]);
    kept.offer(&alert("1", "down", LOW, "x"), at(0));
    kept.offer(&alert("2", "down", LOW, "y"), at(0));
    kept.offer(&alert("3", "down", LOW, "z"), at(0));
    kept.offer(&alert("4", "down", LOW, "x"), at(90));
    let subject =
        |body: &str| serde_json::from_str::<serde_json::Value>(body).expect("JSON")["subject"].clone();
    kept.told();
    kept.offer(&alert("5", "up_again", LOW, "y"), at(95));
    assert_eq!(kept.told(), ["firing 1: 5 to own", "resolved 1: 2 to a"]);
    kept.restart();
    assert_eq!(kept.router.resolve("3", "ana", "", at(96)).map(|settled| settled.told), Ok(vec!["a".into()]));
    kept.store(at(96));
    assert_eq!(kept.told(), ["resolved 1: 3 to a"]);
    kept.tick(at(100));
    assert_eq!(kept.told(), [] as [&str; 0], "another has come meanwhile");
    kept.tick(at(190));
    let sent = kept.sent.clone();
    assert_eq!(kept.told(), ["resolved 1: 4 to a"]);
    assert_eq!(subject(&sent[0].2).as_str().map(str::len), Some(32));
    assert_eq!(kept.reasons("4"), ["sent", "resolved"]);
    assert_eq!(kept.router.resolve("5", "ana", "", at(200)).map(|settled| settled.told), Ok(vec![]));
}

#[test]
fn a_group_is_over_when_all_of_it_is() {
    let resolve = Some(Resolve { after: None, by: vec!["up".parse().expect("a pattern")] });
    let escalate = Some(Escalate { after: seconds(1_000), to: vec!["c".into()] });
    let group = grouping(&["rule"], 30, 300, 9);
    let grouped =
        Route { matcher: matcher(json!({"rules": ["down"]})), group, resolve, escalate, ..route("1", "a") };
    let mut kept = Kept::new(vec![grouped, route("2", "b")]);
    kept.offer(&alert("1", "down", LOW, "x"), at(0));
    kept.offer(&alert("2", "down", LOW, "y"), at(1));
    // Over before it was told: it is told, and then that it is over.
    kept.offer(&alert("3", "up", LOW, "x"), at(2));
    kept.tick(at(30));
    assert_eq!(kept.told(), ["firing 1: 3 to b", "firing 2: 1 2 to a"]);
    kept.restart();
    kept.offer(&alert("4", "up", LOW, "y"), at(40));
    assert_eq!(kept.told(), ["firing 1: 4 to b", "resolved 2: 1 2 to a"]);
    kept.tick(at(5_000));
    assert_eq!(kept.told(), [] as [&str; 0], "nobody is waited for any more");
}

#[test]
fn what_one_route_does_not_tell_another_may_and_tells_its_end() {
    let by_hand = || Some(Resolve::default());
    let slow = Route { group: grouping(&[], 60, 300, 9), resolve: by_hand(), ..route("1", "a") };
    let fast = Route { group: grouping(&[], 10, 300, 9), resolve: by_hand(), ..route("2", "b") };
    let mut kept = Kept::new(vec![Route { goes_on: true, ..slow }, fast]);
    kept.offer(&alert("1", "r", LOW, "x"), at(0));
    kept.router.silences().add(silenced("r", 30), at(5)).expect("it makes sense");
    kept.tick(at(10));
    assert_eq!(kept.told(), [] as [&str; 0], "the fast one would have told of it while it was silenced");
    kept.tick(at(60));
    assert_eq!(kept.told(), ["firing 1: 1 to a"]);
    kept.router.resolve("1", "ana", "", at(70)).expect("it is known");
    kept.store(at(70));
    assert_eq!(kept.told(), ["resolved 1: 1 to a"]);
}

#[test]
fn what_limits_hold_back_is_shown() {
    let mut kept = Kept::new(Vec::new());
    let limit = crate::alert::Passing { count: 1, per: seconds(3_600) };
    let notes = Arc::new(Notes { limit: Some(limit), ..Notes::default() });
    let limited = Alert { notes: Arc::clone(&notes), ..alert("1", "r", LOW, "x") };
    kept.router.note_limited(&limited, 3, at(0));
    kept.offer(&Alert { suppressed: 4, notes, ..alert("2", "r", LOW, "x") }, at(1));
    let shown = |id: &str| kept.router.log().get(id).expect("it is kept").decisions[0].decision.to_string();
    assert_eq!(shown("1"), "held: limit 1 per 1h, 3 before it");
    assert_eq!(shown("2"), "passed: limit 1 per 1h, 4 held before it");
}

#[test]
fn where_there_is_too_much_an_alert_goes_out_by_itself() {
    let grouped = Route { group: grouping(&["key"], 30, 300, 9), ..route("g", "a") };
    let mut kept = Kept::new(vec![grouped]);
    for number in 0..=MOST_GROUPS {
        kept.router.offer(&alert(&format!("{number}"), "r", LOW, &format!("x{number}")), false, at(0));
    }
    kept.store(at(0));
    assert_eq!(kept.told(), [format!("firing 1: {MOST_GROUPS} to a")]);
    kept.router.flush_all(at(1));
    kept.store(at(1));
    assert_eq!(kept.told().len(), MOST_GROUPS);
}
