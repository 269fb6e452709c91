//! Webhooks that fail in all the ways they do.

use std::io::Write;
use std::time::Duration;

use crate::harness::{RULES, Service, TCP, event};
use crate::ports::own_port;
use crate::receiver::{Answer, Receiver};

/// Quick retries, so that tests are quick.
const QUICK: &str = "backoff = \"1ms\"\nmax_backoff = \"5ms\"";

fn start(receiver: &Receiver, more: &str) -> (Service, std::net::TcpStream) {
    let mut service = Service::start(RULES, &format!("{TCP}{}", receiver.sink("desk", more)));
    let client = service.connect("auth");
    (service, client)
}

#[test]
fn an_alert_is_posted_as_json_with_its_id() {
    let receiver = Receiver::start([]);
    let (service, mut client) = start(&receiver, "");
    client.write_all(event("e1", 120.5).as_bytes()).expect("sent");
    let request = receiver.next();
    assert!(request.head.starts_with("POST /alerts HTTP/1.1\r\n"), "{}", request.head);
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("idempotency-key"), Some(request.id()));
    assert_eq!(request.body["rule"], "big");
    assert_eq!(request.body["title"], "c spent 120.5");
    assert_eq!(request.body["events"]["big"][0]["id"], "e1");
    assert!(service.stop().status.success());
}

#[test]
fn a_receiver_that_fails_is_tried_again_until_it_accepts() {
    let answers = [
        Answer::Status("500 Oh\r\n"),
        Answer::Close,
        Answer::Status("503 Busy\r\n"),
        Answer::Status("204 Ok\r\n"),
    ];
    let receiver = Receiver::start(answers);
    let (service, mut client) = start(&receiver, QUICK);
    client
        .write_all(format!("{}{}", event("first", 500.0), event("second", 500.0)).as_bytes())
        .expect("sent");
    let ids: Vec<_> = (0..4).map(|_| receiver.next()).map(|request| request.id().to_string()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "it is the same alert: {ids:?}");
    assert_eq!(receiver.next().event(), "second", "order is kept over failures");
    let ended = service.stop();
    assert!(ended.status.success());
    let total = ended.total("sink", "desk");
    assert_eq!((&total["delivered"], &total["retried"], &total["failed"]), (&2.into(), &3.into(), &0.into()));
}

#[test]
fn a_receiver_that_hangs_is_tried_again_after_the_time_out() {
    let receiver = Receiver::start([Answer::Hang]);
    let (service, mut client) = start(&receiver, &format!("timeout = \"50ms\"\n{QUICK}"));
    client.write_all(event(1, 500.0).as_bytes()).expect("sent");
    assert_eq!(receiver.next().id(), receiver.next().id());
    let ended = service.stop();
    let retry = &ended.lines("will be tried again")[0];
    assert!(retry["reason"].as_str().expect("a reason").contains("no answer in time"), "{retry}");
    assert_eq!(ended.total("sink", "desk")["delivered"], 1);
}

#[test]
fn the_wait_that_a_receiver_asks_for_is_respected() {
    let receiver = Receiver::start([Answer::Status("429 Slow\r\nretry-after: 1\r\n")]);
    let (service, mut client) = start(&receiver, QUICK);
    client.write_all(event(1, 500.0).as_bytes()).expect("sent");
    let (first, second) = (receiver.next(), receiver.next());
    assert!(second.at - first.at >= Duration::from_secs(1), "{:?}", second.at - first.at);
    assert_eq!(service.stop().total("sink", "desk")["delivered"], 1);
}

#[test]
fn what_will_not_succeed_fails_at_once_and_redirects_are_not_followed() {
    let elsewhere = Receiver::start([]);
    let redirect: &'static str =
        Box::leak(format!("302 Found\r\nlocation: http://{}/\r\n", elsewhere.address).into_boxed_str());
    let receiver = Receiver::start([Answer::Status("404 No\r\n"), Answer::Status(redirect)]);
    let (service, mut client) = start(&receiver, QUICK);
    let three = format!("{}{}{}", event(1, 500.0), event(2, 500.0), event(3, 500.0));
    client.write_all(three.as_bytes()).expect("sent");
    let (first, second) = (receiver.next(), receiver.next());
    assert_eq!(receiver.next().event(), "3");
    let ended = service.stop();
    let failures = ended.lines("failed for good");
    assert_eq!(failures.len(), 2, "{}", ended.log());
    assert_eq!(
        (failures[0]["alert"].as_str(), failures[1]["alert"].as_str()),
        (Some(first.id()), Some(second.id()))
    );
    assert!(failures[0]["reason"].as_str().expect("a reason").contains("404: no"), "{}", failures[0]);
    assert!(elsewhere.is_empty());
    let total = ended.total("sink", "desk");
    assert_eq!((&total["delivered"], &total["failed"]), (&1.into(), &2.into()));
}

#[test]
fn an_alert_is_given_up_after_the_last_try() {
    let receiver = Receiver::start([Answer::Status("500 Oh\r\n"), Answer::Status("500 Oh\r\n")]);
    let (service, mut client) = start(&receiver, &format!("tries = 2\n{QUICK}"));
    client.write_all(format!("{}{}", event(1, 500.0), event(2, 500.0)).as_bytes()).expect("sent");
    let failed = receiver.next().id().to_string();
    assert_eq!(receiver.next().id(), failed);
    assert_eq!(receiver.next().event(), "2");
    let ended = service.stop();
    let failures = ended.lines("failed for good");
    assert_eq!((failures.len(), failures[0]["alert"].as_str()), (1, Some(failed.as_str())));
    assert_eq!(failures[0]["tries"], 2);
}

#[test]
fn a_url_with_a_secret_is_not_logged() {
    // Nobody listens there.
    let port = own_port();
    let sink = format!(
        "[sinks.desk]\ntype = \"webhook\"\nurl = \"http://127.0.0.1:{port}/secret-token\"\ntries = 2\n{QUICK}\n"
    );
    let mut service = Service::start(RULES, &format!("{TCP}{sink}"));
    service.connect("auth").write_all(event(1, 500.0).as_bytes()).expect("sent");
    let failure = service.wait_for("failed for good", |_| true);
    assert!(failure["reason"].as_str().expect("a reason").contains("refused"), "{failure}");
    assert!(!service.stop().log().contains("secret-token"));
}
