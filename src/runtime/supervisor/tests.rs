//! A supervisor that listens, on a clock of its own.

use std::sync::Mutex;
use std::sync::mpsc::channel;

use super::*;
use crate::runtime::control::tests::control;

const SECOND: Duration = Duration::from_secs(1);

/// What was said, but for what is said all the time.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Word>>>);

impl Heard {
    /// What was said since this was asked last, once all that there is to say has been said.
    async fn since(&self) -> Vec<Word> {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        self.0.lock().expect("no panic").drain(..).collect()
    }

    /// The same without the line about what the service is at, and without patience.
    async fn words(&self) -> Vec<Word> {
        let all = self.since().await.into_iter();
        all.filter(|word| !matches!(word, Word::Status(_) | Word::Patience(_))).collect()
    }
}

fn supervisor(watchdog: Option<Duration>) -> (Supervisor, Heard) {
    let (known, heard) = (Arc::new(watch::Sender::new(Known::default())), Heard::default());
    let listening = heard.clone();
    let tell = move |words: &[Word]| listening.0.lock().expect("no panic").extend_from_slice(words);
    let task = begin(known.subscribe(), watchdog, 30 * SECOND, tell);
    (Supervisor { known, task: Some(task) }, heard)
}

fn status(line: &str) -> Word {
    Word::Status(line.into())
}

#[tokio::test(start_paused = true)]
async fn a_service_is_followed_from_its_start_to_its_end() {
    let (supervisor, heard) = supervisor(None);
    let patience = Word::Patience(30 * SECOND);
    assert_eq!(heard.since().await, [patience.clone(), status("starts: loads its state"), patience.clone()]);
    let (service, _requests) = control(None);
    supervisor.follow(&service);
    tokio::time::advance(5 * SECOND).await;
    assert!(heard.since().await.iter().all(|word| *word == patience), "it is waited for as long as it takes");
    service.health().started();
    let fine = "takes events: 0 so far, 0 alerts, event time 0 s behind the clock";
    assert_eq!(heard.since().await, [Word::Ready, status(fine)]);
    service.metrics().engine.events.follow(12);
    tokio::time::advance(5 * SECOND).await;
    assert_eq!(heard.since().await, [status(&fine.replace("0 so far", "12 so far"))]);
    service.health().stopping();
    let stops = [Word::Stopping, Word::Patience(40 * SECOND), status("stops: finishes what it has received")];
    assert_eq!(heard.since().await, stops);
    tokio::time::advance(60 * SECOND).await;
    assert_eq!(heard.since().await, [], "its time is not made longer");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_takes_the_place_of_another_is_a_reload() {
    let (supervisor, heard) = supervisor(None);
    let (one, _requests) = control(None);
    supervisor.follow(&one);
    one.health().started();
    assert_eq!(heard.words().await, [Word::Ready]);
    let renewal = supervisor.renewing();
    assert_eq!(heard.words().await, [Word::Reloading]);
    one.health().stopping();
    let (other, _requests) = control(None);
    supervisor.follow(&other);
    other.health().started();
    assert_eq!(heard.words().await, [], "of what becomes of one and the other nothing is said");
    drop(renewal);
    assert_eq!(heard.words().await, [Word::Ready]);
    // Nothing comes of it: the files are wrong.
    let renewal = supervisor.renewing();
    assert_eq!(heard.words().await, [Word::Reloading]);
    drop(renewal);
    assert_eq!(heard.words().await, [Word::Ready]);
    other.health().stopping();
    assert_eq!(heard.words().await, [Word::Stopping]);
}

#[tokio::test(start_paused = true)]
async fn the_watchdog_hears_of_an_engine_that_hangs_and_of_none_that_waits() {
    let (supervisor, heard) = supervisor(Some(20 * SECOND));
    let (service, _requests) = control(None);
    supervisor.follow(&service);
    service.health().started();
    heard.since().await;
    let pulse = service.health().pulse();
    // It moves, and then it waits for a sink for minutes.
    pulse.beat();
    tokio::time::advance(5 * SECOND).await;
    assert_eq!(heard.words().await, [Word::Moves]);
    let ((begun, begins), (end, ends)) = (channel(), channel());
    let own = pulse.clone();
    let waiting = std::thread::spawn(move || {
        own.wait(|| {
            begun.send(()).expect("the test waits for it");
            ends.recv().expect("the test ends it");
        });
    });
    begins.recv().expect("it waits");
    for _ in 0..60 {
        tokio::time::advance(5 * SECOND).await;
        assert_eq!(heard.words().await, [Word::Moves]);
    }
    end.send(()).expect("it waits");
    waiting.join().expect("no panic");
    pulse.beat();
    // It hangs.
    tokio::time::advance(10 * SECOND).await;
    assert_eq!(heard.words().await, [Word::Moves]);
    assert_eq!(service.health().failure(), None);
    tokio::time::advance(11 * SECOND).await;
    assert_eq!(heard.words().await, [Word::Hangs]);
    tokio::time::advance(300 * SECOND).await;
    assert_eq!(heard.words().await, [], "silence is what the watchdog bites for");
    // Where nobody watches, it is seen as well.
    assert_eq!(service.health().failure().as_deref(), Some("the engine has not moved for 321 s"));
    pulse.beat();
    tokio::time::advance(5 * SECOND).await;
    assert_eq!(heard.words().await, [Word::Moves]);
    assert_eq!(service.health().failure(), None, "it was slow, and moves again");
}
