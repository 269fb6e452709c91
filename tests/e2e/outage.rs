//! A receiver that is down, in each of the ways there are: nothing is lost or comes twice, alerts of a key stay in order,
//! it is not flooded, and another sink does not notice. `src/sink/tests/outage.rs` plays the same for hours, on a clock of
//! its own.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::harness::{RULES, Service, TCP, text};
use crate::outbox::outbox;
use crate::receiver::{Answer, Gate, Receiver, Request};

/// So many alerts, of so many cards in turn.
const ALERTS: usize = 60;
const CARDS: usize = 12;
/// A sink that is down is left alone for at least half of its pause.
const PAUSE: Duration = Duration::from_millis(200);
/// Attempts under way at a time, and as many as may fail before they show that it is the sink.
const AT_ONCE: usize = 4;
const BEFORE_IT_SHOWS: usize = AT_ONCE + 2;

/// What a receiver does until it is well.
struct Trouble {
    answer: Answer,
    is_well: Arc<Mutex<bool>>,
    /// What it has taken: the card and the number.
    taken: Arc<Mutex<Vec<(String, usize)>>>,
}

impl Trouble {
    fn new(answer: Answer) -> Trouble {
        Trouble { answer, is_well: Arc::default(), taken: Arc::default() }
    }

    fn receiver(&self) -> Receiver {
        let (is_well, taken, answer) =
            (Arc::clone(&self.is_well), Arc::clone(&self.taken), self.answer.clone());
        let gate = Gate::default();
        gate.open();
        let judge = move |request: &Request| {
            if !*is_well.lock().expect("no panic") {
                return answer.clone();
            }
            let card = request.body["key"]["card"].as_str().expect("the rule has a key").to_owned();
            let number = request.event().parse().expect("a number");
            taken.lock().expect("no panic").push((card, number));
            Answer::Status("200 OK\r\n")
        };
        Receiver::judging(judge, gate)
    }
}

/// Each came once, those of a card in order.
fn check_whole(taken: &[(String, usize)]) {
    let numbers: BTreeSet<usize> = taken.iter().map(|(_, number)| *number).collect();
    assert_eq!((numbers.len(), taken.len()), (ALERTS, ALERTS), "{taken:?}");
    let mut last = BTreeMap::new();
    for (card, number) in taken {
        let before = last.insert(card, number);
        assert!(before < Some(number), "{number} came after {before:?}");
    }
}

/// A service that sends all alerts to `desk`, which is in trouble, and to `other`, which has them all by now.
fn start(desk: &Receiver) -> Service {
    let other = Receiver::start([]);
    let sinks = [
        desk.sink(
            "desk",
            "timeout = \"1s\"\nbackoff = \"200ms\"\nmax_backoff = \"200ms\"\nmax_pause = \"200ms\"",
        ),
        other.sink("other", ""),
    ];
    let config = format!("[state]\npath = \"state\"\n{TCP}{}", sinks.concat());
    let mut service = Service::start(&RULES.replace("to desk", "to desk, other"), &config);
    let event = |id| format!("{{\"id\":\"{id}\",\"card\":\"c{}\",\"amount\":120.5}}\n", id % CARDS);
    let events: String = (0..ALERTS).map(event).collect();
    service.connect("auth").write_all(events.as_bytes()).expect("sent");
    let others: BTreeSet<String> = (0..ALERTS).map(|_| other.next().event().to_owned()).collect();
    assert_eq!(others.len(), ALERTS, "all that there are, once");
    service
}

/// The service when all has been delivered.
fn check_end(service: Service, trouble: &Trouble, desk: &Receiver) {
    while trouble.taken.lock().expect("no panic").len() < ALERTS {
        desk.next();
    }
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
    let total = ended.total("sink", "desk");
    assert_eq!((&total["delivered"], &total["failed"]), (&ALERTS.into(), &0.into()), "{total}");
    check_whole(&trouble.taken.lock().expect("no panic"));
}

/// It is in trouble for so many attempts and until the other one has everything. Between attempts on a sink that is
/// down there is at least this pause.
fn play(answer: Answer, attempts: usize, pause: Duration) {
    let trouble = Trouble::new(answer);
    let desk = trouble.receiver();
    let service = start(&desk);
    let asked: Vec<Request> = (0..attempts).map(|_| desk.next()).collect();
    *trouble.is_well.lock().expect("no panic") = true;
    let took = asked[attempts - 1].at - asked[0].at;
    let least = pause * u32::try_from(attempts - BEFORE_IT_SHOWS).expect("they are few");
    assert!(took >= least, "{attempts} attempts in {took:?}");
    check_end(service, &trouble, &desk);
}

#[test]
fn it_answers_500() {
    play(Answer::Status("500 Oh\r\n"), 14, PAUSE / 2);
}

#[test]
fn it_hangs() {
    play(Answer::Hang, 8, PAUSE / 2);
}

#[test]
fn it_drops_connections() {
    play(Answer::Close, 14, PAUSE / 2);
}

#[test]
fn it_asks_to_be_left_alone_for_a_while() {
    play(Answer::Status("429 Slow\r\nretry-after: 1\r\n"), 9, Duration::from_secs(1));
}

#[test]
fn it_says_that_it_is_gone() {
    let trouble = Trouble::new(Answer::Status("410 Gone\r\n"));
    let desk = trouble.receiver();
    let service = start(&desk);
    outbox(&service.folder, |view| view["sinks"][0]["disabled"].is_string());
    let asked = desk.received().len();
    assert!((1..=AT_ONCE).contains(&asked), "{asked} attempts");
    *trouble.is_well.lock().expect("no panic") = true;
    let enabled = service.folder.run(&["sink", "enable", "desk"]);
    assert_eq!(text(&enabled.stdout), "`desk` is used again\n");
    check_end(service, &trouble, &desk);
}
