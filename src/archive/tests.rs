//! Alerts that are kept, in memory and in a store.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use serde_json::value::RawValue;
use tokio::time::{Instant, sleep};

use super::item::{Evidence, Header};
use super::*;
use crate::alert::notification::Named;
use crate::alert::{AlertKind, Severity};
use crate::disk::SimulatedDisk;
use crate::routing::{Captured, Decision, Entry, Record};
use crate::store::{Commit, Options, Store};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn decided(second: i64, decision: Decision) -> Entry {
    Entry { at: at(second), decision }
}

fn sent() -> Decision {
    Decision::Sent { route: "r".into(), sinks: vec!["desk".into()] }
}

/// An alert that came in that second.
fn alert(id: &str, rule: &str, severity: Severity, card: &str, second: i64) -> Item {
    let record = Record {
        id: id.into(),
        rule: rule.into(),
        severity,
        kind: AlertKind::Match,
        title: format!("Card {card}"),
        key: Named(vec![("card".into(), json!(card)), ("region".into(), json!(7))]),
        decided_time: at(second - 10),
        time: at(second),
        subject: "s".into(),
        decisions: vec![decided(second, sent())],
    };
    let header = Header {
        record,
        about: None,
        first_time: at(second - 20),
        last_time: at(second - 10),
        suppressed: 0,
        events: 1,
    };
    let text = json!({ "id": id, "fields": { "merchant": "Phones.example" } }).to_string();
    let captured = vec![Captured { variable: "a".into(), time: at(second - 20) }];
    let alert = RawValue::from_string(text).expect("it is JSON");
    Item::Alert(Box::new(header), Evidence { alert, captured })
}

fn happened(id: &str, decision: Decision, second: i64) -> Item {
    Item::Happening(Happening::Decided { alert: id.into(), entries: vec![decided(second, decision)] })
}

fn delivered(id: &str, sink: &str, second: i64) -> Item {
    let accepted = crate::store::OutboxChange::Accepted { sink, number: 1 };
    let delivery = Delivery::of(&accepted, id, at(second)).expect("it tells something");
    Item::Happening(Happening::Delivered(delivery))
}

fn acknowledged() -> Decision {
    Decision::Acknowledged { by: "ana".into(), comment: String::new() }
}

/// An archive of each kind, and what writes to it.
struct Both {
    memory: Archive,
    stored: Archive,
    store: Store,
}

impl Both {
    fn new() -> Both {
        let store = Store::open(Arc::new(SimulatedDisk::new(1)), Path::new("/state"), Options::default());
        let store = store.expect("it can be opened");
        let (memory, stored) = (Archive::default(), Archive::default());
        memory.in_memory();
        stored.in_store(store.current()).expect("it can be read");
        Both { memory, stored, store }
    }

    fn keep(&mut self, items: impl IntoIterator<Item = Item>) {
        let batch: Batch = items.into_iter().collect();
        self.memory.keep(&batch);
        let entries: Vec<_> = batch.entries().collect();
        let committed = self.store.commit(&Commit { archive: &entries, ..Commit::default() });
        self.stored.tell(&batch, committed.expect("it can be stored").archived);
    }

    fn each(&self) -> [&Archive; 2] {
        [&self.memory, &self.stored]
    }

    /// The ids that are found.
    fn found(&self, query: &Query) -> Vec<String> {
        let ids = self.each().map(|archive| {
            let found = archive.search(query, Page { before: None, limit: 100 }).expect("it can be read");
            assert_eq!((found.next, found.searched_to), (None, None));
            found.alerts.into_iter().map(|alert| alert.header.record.id).collect::<Vec<_>>()
        });
        assert_eq!(ids[0], ids[1]);
        ids.into_iter().next().expect("there are two")
    }
}

fn some() -> Both {
    let mut both = Both::new();
    both.keep([
        alert("a1", "testing", Severity::Critical, "c1", 100),
        alert("a2", "testing", Severity::Low, "c2", 101),
    ]);
    both.keep([alert("b1", "mule", Severity::High, "c1", 102), happened("a1", acknowledged(), 103)]);
    both
}

#[test]
fn alerts_are_found_by_all_that_can_be_asked() {
    let both = some();
    let all = Query::default();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(both.found(&all), ["b1", "a2", "a1"]);
    let rule = |rule: &str| Query { rules: vec![rule.into()], ..all.clone() };
    assert_eq!(both.found(&rule("testing")), ["a2", "a1"]);
    assert_eq!(both.found(&rule("none")), Vec::<String>::new());
    assert_eq!(both.found(&Query { rules: vec!["testing".into(), "mule".into()], ..all.clone() }).len(), 3);
    let severities = vec![Severity::High, Severity::Critical];
    assert_eq!(both.found(&Query { severities, ..all.clone() }), ["b1", "a1"]);
    let key = |keys: &[&str]| Query { keys: keys.iter().map(|key| (*key).into()).collect(), ..all.clone() };
    assert_eq!(both.found(&key(&["c1"])), ["b1", "a1"]);
    assert_eq!(both.found(&key(&["card=c1", "region=7"])), ["b1", "a1"]);
    assert_eq!(both.found(&key(&["region=c1"])), Vec::<String>::new());
    assert_eq!(both.found(&Query { rules: vec!["mule".into()], ..key(&["c1"]) }), ["b1"]);
    assert_eq!(both.found(&Query { text: text("CARD C2"), ..all.clone() }), ["a2"]);
    assert_eq!(both.found(&Query { text: text("phones.EXAMPLE"), ..all.clone() }).len(), 3);
    assert_eq!(both.found(&Query { since: Some(at(101)), ..all.clone() }), ["b1", "a2"]);
    assert_eq!(both.found(&Query { until: Some(at(101)), ..all.clone() }), ["a1"]);
    assert_eq!(both.found(&Query { statuses: vec![Status::Acknowledged], ..all.clone() }), ["a1"]);
    assert_eq!(both.found(&Query { reason: text("acknowledged"), ..all.clone() }), ["a1"]);
    assert_eq!(both.found(&Query { kinds: vec![AlertKind::Timeout], ..all }), Vec::<String>::new());
}

#[test]
fn pages_follow_each_other_to_the_end() {
    let both = some();
    for archive in both.each() {
        let (mut before, mut ids) = (None, Vec::new());
        for _ in 0..3 {
            let found = archive.search(&Query::default(), Page { before, limit: 1 }).expect("it can be read");
            ids.extend(found.alerts.into_iter().map(|alert| alert.header.record.id));
            before = found.next;
        }
        assert_eq!((ids, before), (vec!["b1".to_owned(), "a2".into(), "a1".into()], None));
    }
}

#[test]
fn all_that_is_known_of_an_alert_is_shown() {
    let mut both = some();
    let grouped = Decision::GroupSent {
        route: "r".into(),
        notification: "n1".into(),
        count: 2,
        sinks: vec!["chat".into()],
    };
    both.keep([happened("a1", grouped, 104), delivered("n1", "chat", 106), delivered("a1", "desk", 105)]);
    for archive in both.each() {
        let whole = archive.whole("a1").expect("it can be read").expect("it is there");
        assert_eq!(
            (whole.summary.status, whole.summary.status_by.as_deref()),
            (Status::Acknowledged, Some("ana"))
        );
        let reasons: Vec<_> =
            whole.summary.header.record.decisions.iter().map(|entry| entry.decision.reason()).collect();
        assert_eq!(reasons, ["sent", "acknowledged", "group_sent"]);
        let sinks: Vec<_> = whole.deliveries.iter().map(|delivery| (&*delivery.sink, delivery.at)).collect();
        assert_eq!(sinks, [("desk", at(105)), ("chat", at(106))]);
        assert!(whole.alert.get().contains("\"a1\""));
        assert_eq!(whole.captured.len(), 1);
        assert!(archive.whole("a").expect("it can be read").is_none());
        assert_eq!(archive.find("b").expect("there is one"), "b1");
        assert_eq!(archive.find("a1").expect("there is one"), "a1");
        assert!(
            matches!(archive.find("a"), Err(FindError::Several { one, other, .. }) if (&*one, &*other) == ("a1", "a2"))
        );
        assert!(matches!(archive.find("c"), Err(FindError::Unknown(_))));
    }
}

#[test]
fn alerts_are_counted_by_time_and_severity() {
    let both = some();
    for archive in both.each() {
        let buckets = archive.counts(at(100), at(104), 2_000_000).expect("it can be read");
        let none = Bucket { time: at(100), info: 0, low: 0, medium: 0, high: 0, critical: 0 };
        let first = Bucket { low: 1, critical: 1, ..none };
        assert_eq!(buckets, [first, Bucket { time: at(102), high: 1, ..none }]);
    }
}

fn told(news: &[Arc<News>]) -> Vec<String> {
    let tell = |news: &Arc<News>| match &news.what {
        What::Alert { summary, .. } => summary.header.record.id.clone(),
        What::Changed { id, status, by } => {
            format!("{id} {} {}", status.name(), by.as_deref().unwrap_or_default())
        }
    };
    news.iter().map(tell).collect()
}

#[tokio::test]
async fn followers_are_told_what_comes_and_what_they_have_missed() {
    let mut both = some();
    let after =
        both.stored.search(&Query::default(), Page { before: None, limit: 1 }).expect("it can be read");
    let number = after.alerts[0].number;
    for archive in both.each() {
        let mut all = archive.follow(Query::default(), Some(0));
        assert_eq!(
            told(&all.next().await.expect("it can be read")),
            ["a1", "a2", "b1", "a1 acknowledged ana"]
        );
        let mut later = archive.follow(Query::default(), Some(number));
        assert_eq!(told(&later.next().await.expect("it can be read")), ["a1 acknowledged ana"]);
        let mut mules = archive.follow(Query { rules: vec!["mule".into()], ..Query::default() }, Some(0));
        assert_eq!(told(&mules.next().await.expect("it can be read"))[0], "b1");
    }
    let mut followers = both.each().map(|archive| archive.follow(Query::default(), None));
    both.keep([alert("a3", "testing", Severity::Low, "c3", 110)]);
    for follower in &mut followers {
        assert_eq!(told(&follower.next().await.expect("it can be read")), ["a3"]);
    }
}

#[tokio::test]
async fn who_has_fallen_far_behind_reads_what_is_kept_and_misses_nothing() {
    let mut both = some();
    let mut followers = both.each().map(|archive| archive.follow(Query::default(), None));
    for second in 0..2_000 {
        both.keep([alert(&format!("m{second}"), "mule", Severity::Low, "c9", 200 + second)]);
    }
    for follower in &mut followers {
        let mut ids = Vec::new();
        while ids.len() < 2_000 {
            ids.extend(told(&follower.next().await.expect("it can be read")));
        }
        let expected: Vec<String> = (0..2_000).map(|second| format!("m{second}")).collect();
        assert_eq!(ids, expected);
    }
    // After a start there is nothing in memory.
    let again = Archive::default();
    again.in_store(both.store.current()).expect("it can be read");
    let mut follower = again.follow(Query { rules: vec!["testing".into()], ..Query::default() }, Some(0));
    assert_eq!(told(&follower.next().await.expect("it can be read")), ["a1", "a2"]);
}

#[tokio::test(start_paused = true)]
async fn followers_are_told_at_once_and_then_the_less_often_the_more_they_are() {
    let mut both = some();
    let followers = both.each().map(|archive| archive.follow(Query::default(), None));
    let others = both.each().map(|archive| [(); 399].map(|()| archive.follow(Query::default(), None)));
    let begin = Instant::now();
    let writing = async {
        for number in 0..100 {
            both.keep([alert(&format!("m{number}"), "mule", Severity::Low, "c9", 200 + number)]);
            sleep(Duration::from_millis(10)).await;
        }
    };
    let reading = async |mut follower: Follower| {
        let (mut ids, mut times) = (Vec::new(), Vec::new());
        while ids.len() < 100 {
            ids.extend(told(&follower.next().await.expect("it can be read")));
            times.push(begin.elapsed());
        }
        let expected: Vec<String> = (0..100).map(|number| format!("m{number}")).collect();
        assert_eq!(ids, expected);
        assert_eq!(times[0], Duration::ZERO);
        assert!(times.windows(2).all(|two| two[1] - two[0] >= Duration::from_millis(100)), "{times:?}");
        assert!(times[times.len() - 1] <= Duration::from_millis(1_100), "{times:?}");
    };
    let [memory, stored] = followers;
    tokio::join!(reading(memory), reading(stored), writing);
    // One alone, or two, notices nothing of it.
    drop(others);
    let mut both = some();
    let mut follower = both.memory.follow(Query::default(), None);
    for id in ["m1", "m2"] {
        both.keep([alert(id, "mule", Severity::Low, "c9", 200)]);
        let begin = Instant::now();
        assert_eq!(told(&follower.next().await.expect("it can be read")), [id]);
        assert!(begin.elapsed() <= Duration::from_millis(2), "{:?}", begin.elapsed());
    }
}
