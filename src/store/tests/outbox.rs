//! Alerts in the outbox.

use super::*;
use crate::store::RoutingRow;

fn alert<'a>(sink: &'a str, id: &'a str) -> Alert<'a> {
    Alert { sink, id, rule: "rule", key: b"key", time: at(5), body: id.as_bytes() }
}

fn commit(store: &mut Store, alerts: &[Alert<'_>], outbox: &[OutboxChange<'_>]) -> Vec<Option<u64>> {
    store.commit(&Commit { alerts, outbox, ..Commit::default() }).expect("it can be stored").alerts
}

fn waiting(store: &Store, sink: &str) -> Vec<String> {
    let waiting = store.snapshot().waiting(sink, 0, 100, u64::MAX).expect("they can be read");
    let text = |alert: &Waiting| format!("{} {} {}", alert.number, alert.id, alert.tries.failed);
    waiting.iter().map(text).collect()
}

fn dead(store: &Store) -> Vec<String> {
    let dead = store.snapshot().dead_letters(0, 100).expect("they can be read");
    let text = |letter: &DeadLetter| {
        let Waiting { sink, id, tries, .. } = &letter.alert;
        format!("{} {sink} {id} {} {}", letter.letter, tries.failed, tries.error)
    };
    dead.iter().map(text).collect()
}

#[test]
fn alerts_wait_until_they_are_accepted_and_never_enter_twice() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk);
    let numbers =
        commit(&mut store, &[alert("a", "1"), alert("b", "1"), alert("a", "1"), alert("a", "2")], &[]);
    assert_eq!(numbers, [Some(1), Some(2), None, Some(3)]);
    assert_eq!(commit(&mut store, &[alert("b", "2"), alert("aa", "3")], &[]), [None, Some(4)]);
    disk.crash();
    let mut store = open(&disk);
    assert_eq!(waiting(&store, "a"), ["1 1 0", "3 2 0"]);
    assert_eq!((waiting(&store, "b"), waiting(&store, "aa")), (vec!["2 1 0".into()], vec!["4 3 0".into()]));
    assert_eq!(store.snapshot().lanes()["a"], Lane { alerts: 2, bytes: 2 * 10, disabled: None });
    let accepted = OutboxChange::Accepted { sink: "a", number: 1 };
    let failed = OutboxChange::Failed { sink: "a", number: 3, failed: 2, again: at(9), error: "refused" };
    let nothing = OutboxChange::Failed { sink: "a", number: 2, failed: 1, again: at(9), error: "it is b's" };
    assert_eq!(commit(&mut store, &[alert("a", "1")], &[accepted, failed, nothing, failed]), [None]);
    assert_eq!(waiting(&store, "a"), ["3 2 2"]);
    let alert = store.snapshot().waiting("a", 0, 1, 0).expect("they can be read").pop().expect("one");
    assert_eq!(alert.tries, Tries { failed: 2, again: at(9), error: "refused".into() });
    let hurried = [3, 9].map(|number| OutboxChange::Hurried { sink: "a", number });
    store.change_outbox(&hurried).expect("it can be stored");
    let alert = store.snapshot().waiting("a", 0, 9, u64::MAX).expect("they can be read").pop().expect("one");
    assert_eq!(alert.tries, Tries { failed: 2, again: Timestamp::MIN, error: "refused".into() });
    assert_eq!(
        (&*alert.rule, &*alert.key, alert.time, &*alert.body),
        ("rule", &b"key"[..], at(5), &b"2"[..])
    );
    assert_eq!(store.snapshot().waiting("a", 3, 1, 0).expect("they can be read"), []);
    store.change_outbox(&[OutboxChange::Accepted { sink: "a", number: 3 }]).expect("it can be stored");
    assert_eq!(store.snapshot().lanes().keys().collect::<Vec<_>>(), ["aa", "b"]);
}

#[test]
fn as_many_alerts_are_read_as_are_asked_for() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk);
    commit(&mut store, &[alert("a", "1"), alert("a", "2"), alert("a", "3")], &[]);
    let read = |after, most, bytes| {
        let waiting = store.snapshot().waiting("a", after, most, bytes).expect("they can be read");
        waiting.iter().map(|alert| alert.number).collect::<Vec<_>>()
    };
    assert_eq!(read(0, 2, u64::MAX), [1, 2]);
    assert_eq!(read(1, 100, u64::MAX), [2, 3]);
    assert_eq!(read(0, 100, 25), [1, 2]);
    assert_eq!(read(0, 100, 1), [1]);
}

#[test]
fn alerts_that_are_given_up_are_listed_and_can_be_sent_again() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk);
    commit(&mut store, &[alert("a", "1"), alert("b", "2"), alert("a", "3")], &[]);
    let failed = OutboxChange::Failed { sink: "a", number: 1, failed: 1, again: at(9), error: "refused" };
    let up = |sink, number| OutboxChange::GivenUp { sink, number, time: at(8), error: "gone" };
    commit(&mut store, &[], &[failed, up("a", 1), up("b", 2), up("b", 7)]);
    assert_eq!(dead(&store), ["1 a 1 2 gone", "2 b 2 1 gone"]);
    assert_eq!(store.snapshot().dead_letters(1, 9).expect("they can be read")[0].time, at(8));
    assert_eq!((waiting(&store, "a"), waiting(&store, "b")), (vec!["3 3 0".into()], vec![]));
    assert_eq!(commit(&mut store, &[alert("b", "2")], &[]), [None], "its id is remembered");
    store.change_outbox(&[OutboxChange::Retried { letter: 1, time: at(77) }]).expect("it can be stored");
    store.change_outbox(&[OutboxChange::Dropped { letter: 2 }]).expect("it can be stored");
    assert_eq!((waiting(&store, "a"), dead(&store)), (vec!["3 3 0".into(), "4 1 0".into()], vec![]));
    let again = store.snapshot().waiting("a", 3, 1, 0).expect("they can be read").pop().expect("one");
    assert_eq!((again.time, again.tries), (at(77), Tries::default()), "it counts as new");
}

#[test]
fn an_alert_that_is_forwarded_leaves_one_sink_and_waits_for_another_in_one_step() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk);
    commit(&mut store, &[alert("a", "1"), alert("a", "2"), alert("b", "3")], &[]);
    let failed = OutboxChange::Failed { sink: "a", number: 1, failed: 4, again: at(9), error: "refused" };
    let forward = OutboxChange::Forwarded { sink: "a", number: 1, to: "b", time: at(8) };
    commit(&mut store, &[alert("b", "4")], &[failed, forward, forward]);
    disk.crash();
    let store = open(&disk);
    assert_eq!((waiting(&store, "a"), dead(&store)), (vec!["2 2 0".into()], vec![]));
    // Said twice, it counts once; it has not failed there.
    assert_eq!(waiting(&store, "b"), ["3 3 0", "4 1 0", "5 4 0"]);
    assert_eq!(store.snapshot().lanes()["b"].alerts, 3);
    let forwarded = store.snapshot().waiting("b", 3, 1, 0).expect("they can be read").pop().expect("one");
    assert_eq!((forwarded.time, &*forwarded.body, &*forwarded.key), (at(8), &b"1"[..], &b"key"[..]));
}

#[test]
fn that_a_sink_is_not_used_is_kept_until_it_is_used_again() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk);
    let why = Disabled { since: at(3), receiver: b"hash".to_vec(), error: "x".repeat(2_000) };
    store.change_outbox(&[OutboxChange::Disabled { sink: "a", why: &why }]).expect("it can be stored");
    commit(&mut store, &[alert("a", "1")], &[]);
    commit(&mut store, &[], &[OutboxChange::Accepted { sink: "a", number: 1 }]);
    disk.crash();
    let mut store = open(&disk);
    let kept = Disabled { error: "x".repeat(1_000), ..why };
    assert_eq!(store.snapshot().lanes()["a"], Lane { alerts: 0, bytes: 0, disabled: Some(kept) });
    store.change_outbox(&[OutboxChange::Enabled { sink: "a" }]).expect("it can be stored");
    assert_eq!(*store.snapshot().lanes(), Lanes::new());
}

#[test]
fn of_those_given_up_the_oldest_are_dropped_and_counted() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk);
    let ids: Vec<String> = (1..=8).map(|id| id.to_string()).collect();
    let alerts: Vec<Alert<'_>> = ids.iter().map(|id| alert("a", id)).collect();
    commit(&mut store, &alerts, &[]);
    let up = |number| OutboxChange::GivenUp { sink: "a", number, time: at(8), error: "" };
    let changes: Vec<OutboxChange<'_>> = (1..=7).map(up).collect();
    commit(&mut store, &[], &changes);
    assert_eq!(dead(&store), ["3 a 3 1 ", "4 a 4 1 ", "5 a 5 1 ", "6 a 6 1 ", "7 a 7 1 "]);
    assert_eq!((store.snapshot().dead().0, store.snapshot().dead().2), (5, 2));
    let body = [b'x'; 300];
    commit(&mut store, &[Alert { body: &body, ..alert("a", "9") }], &[]);
    commit(&mut store, &[], &[OutboxChange::GivenUp { sink: "a", number: 9, time: at(8), error: "" }]);
    assert_eq!(dead(&store), ["8 a 9 1 "], "one is kept even if it is too large");
}

#[test]
fn ids_are_remembered_over_restarts_until_they_may_be_forgotten() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk);
    commit(&mut store, &[Alert { time: at(5), ..alert("a", "1") }], &[]);
    commit(&mut store, &[Alert { time: at(6), ..alert("a", "2") }], &[]);
    assert_eq!(store.ids(), 2);
    store.commit(&Commit { forget: Some(at(6)), ..Commit::default() }).expect("it can be stored");
    disk.crash();
    let mut store = open(&disk);
    assert_eq!(store.ids(), 1);
    assert_eq!(commit(&mut store, &[alert("a", "1"), alert("a", "2")], &[]), [Some(3), None]);
}

#[test]
fn what_routing_keeps_comes_with_the_alerts_or_by_itself() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk);
    let row = |key, value| RoutingRow { key, value };
    let (a, b) = (row(b"a", Some(&b"1"[..])), row(b"b", Some(b"2")));
    store.commit(&Commit { routing: &[a, b], ..Commit::default() }).expect("it can be stored");
    let before = store.snapshot().number();
    let alerts = [alert("a", "1")];
    let beside = Commit { time: at(5), alerts: &alerts, dealt_with: &["0", "1"], ..Commit::default() };
    let beside =
        Commit { routing: &[row(b"a", None), row(b"b", Some(b"3")), row(b"b", Some(b"4"))], ..beside };
    assert_eq!(store.commit_beside(&beside).expect("it can be stored").alerts, [Some(1)]);
    disk.crash();
    let mut store = open(&disk);
    assert_eq!(store.snapshot().routing().expect("it can be read"), [(b"b".to_vec(), b"4".to_vec())]);
    assert_eq!((store.snapshot().number(), waiting(&store, "a")), (before, vec!["1 1 0".to_owned()]));
    assert!(store.knows("0") && store.knows("1") && !store.knows("2"));
    // Each commit keeps the ids that it has brought by itself.
    let more = Commit { time: at(9), dealt_with: &["2"], ..Commit::default() };
    store.commit_beside(&more).expect("it can be stored");
    store.commit(&Commit { forget: Some(at(6)), ..Commit::default() }).expect("it can be stored");
    assert!(!store.knows("0") && store.knows("2"));
}
