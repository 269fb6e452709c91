//! What a simulation of sinks consists of: alerts that are decided in a known order, sinks that fail, and a
//! record of what they were sent, held against what is allowed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::sleep;

use crate::disk::simulated::Random;
use crate::event::Timestamp;
use crate::outbox::Outgoing;
use crate::sink::{Attempt, DeliveryError, Sink};
use crate::store;

/// The sinks. What the first gives up goes to the last, to which nothing is sent otherwise.
pub const SINKS: [&str; 3] = ["desk", "archive", "spare"];
/// The places of the first and the last.
pub const DESK: usize = 0;
pub const SPARE: usize = 2;

/// An alert that is decided sooner or later.
pub struct Planned {
    id: String,
    key: [u8; 16],
    /// The places of the sinks that are to get it.
    sinks: Vec<usize>,
    fate: Fate,
}

/// What a sink that is well makes of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Accepted,
    /// It fails with it, each time.
    Poison,
    /// It refuses it.
    Refused,
}

/// How a sink is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Well,
    /// It fails so many times in a hundred.
    Flaky(u64),
    /// It cannot be reached.
    Away,
    /// It fails with everything.
    Broken,
    /// It wants nothing any more.
    Gone,
}

/// What a sink has seen of an alert.
#[derive(Clone, Copy, Debug, Default)]
pub struct Record {
    pub accepted: u32,
    /// The life of the process in which it was accepted last.
    accepted_in: u64,
    pub failures: u32,
    pub refusals: u32,
}

/// What one sink has seen.
#[derive(Default)]
pub struct Seen {
    pub records: HashMap<usize, Record>,
    /// For each key the alert that was attempted last, in this life.
    last: HashMap<[u8; 16], usize>,
    /// The keys that are being attempted.
    under_way: Vec<[u8; 16]>,
}

pub struct World {
    pub plan: Vec<Planned>,
    places: HashMap<String, usize>,
    /// How many of the alerts are in the store.
    pub durable: usize,
    pub life: u64,
    pub tries: u32,
    /// Whether alerts leave a sink only after all their tries, and not because time has passed or it is gone.
    pub is_patient: bool,
    pub modes: [Mode; SINKS.len()],
    pub seen: [Seen; SINKS.len()],
    pub attempts: u64,
}

impl World {
    pub fn new(random: &mut Random, alerts: usize, keys: u64, tries: u32, is_patient: bool) -> World {
        let plan: Vec<Planned> = (0..alerts).map(|number| Planned::random(random, number, keys)).collect();
        let places = plan.iter().enumerate().map(|(place, alert)| (alert.id.clone(), place)).collect();
        World {
            plan,
            places,
            durable: 0,
            life: 0,
            tries,
            is_patient,
            modes: [Mode::Well; SINKS.len()],
            seen: Default::default(),
            attempts: 0,
        }
    }

    /// The process begins anew.
    pub fn begin_life(&mut self) {
        self.life += 1;
        self.seen.iter_mut().for_each(|seen| {
            seen.last.clear();
            seen.under_way.clear();
        });
    }

    pub fn change_mode(&mut self, random: &mut Random) {
        let modes = [Mode::Well, Mode::Well, Mode::Flaky(20), Mode::Flaky(70), Mode::Away, Mode::Broken];
        let mode = modes[random.size(modes.len())];
        let is_gone = !self.is_patient && random.percent(10);
        self.modes[random.size(SINKS.len())] = if is_gone { Mode::Gone } else { mode };
    }

    /// Whether nothing more is to be done about an alert, as far as a sink has seen.
    pub fn is_done(&self, sink: usize, alert: usize) -> bool {
        self.seen[sink]
            .records
            .get(&alert)
            .is_some_and(|record| record.accepted > 0 || record.refusals > 0 || record.failures >= self.tries)
    }

    /// The alert that is sent, which must be one that may be.
    fn attempted(&mut self, sink: usize, sent: &Outgoing) -> usize {
        self.attempts += 1;
        let alert = self.places[&sent.id];
        let planned = &self.plan[alert];
        assert!(alert < self.durable, "{alert} is sent before it is in the store");
        let comes_from = if sink == SPARE { DESK } else { sink };
        assert!(planned.sinks.contains(&comes_from), "{alert} is sent to {}", SINKS[sink]);
        assert_eq!((&*sent.body, sent.key), (&*planned.body(), planned.key));
        let record = self.seen[sink].records.get(&alert).copied().unwrap_or_default();
        assert!(
            record.accepted == 0 || record.accepted_in < self.life,
            "{alert} is sent again in the same life"
        );
        let before = (0..alert).filter(|before| {
            self.plan[*before].key == planned.key && self.plan[*before].sinks.contains(&sink)
        });
        for before in before.filter(|_| self.is_patient) {
            assert!(self.is_done(sink, before), "{alert} is sent before {before}");
        }
        if sink == SPARE && self.is_patient {
            assert!(self.is_done(DESK, alert), "{alert} is not given up");
        }
        let last = self.seen[sink].last.insert(planned.key, alert);
        assert!(last.is_none_or(|last| last <= alert), "{alert} is sent after {last:?}");
        alert
    }

    /// What becomes of an alert that is sent.
    fn answer(&mut self, random: &mut Random, sink: usize, sent: &Outgoing) -> Result<(), DeliveryError> {
        let alert = self.attempted(sink, sent);
        let mode = self.modes[sink];
        let answer = match (mode, self.plan[alert].fate) {
            (Mode::Gone, _) => Err(status(410)),
            (Mode::Away, _) => Err(away(random)),
            (Mode::Broken, _) | (_, Fate::Poison) => Err(status(500)),
            (Mode::Flaky(percent), _) if random.percent(percent) => Err(away(random)),
            (_, Fate::Refused) => Err(status(422)),
            _ => Ok(()),
        };
        let life = self.life;
        let record = self.seen[sink].records.entry(alert).or_default();
        match &answer {
            Ok(()) => (record.accepted, record.accepted_in) = (record.accepted + 1, life),
            Err(DeliveryError::Status { status: 422, .. }) => record.refusals += 1,
            Err(DeliveryError::Status { status: 410, .. }) => {}
            Err(_) => record.failures += 1,
        }
        answer
    }

    /// Of an alert, by its id, what a sink has seen.
    pub fn record(&self, sink: usize, id: &str) -> Record {
        self.seen[sink].records.get(&self.places[id]).copied().unwrap_or_default()
    }
}

fn status(status: u16) -> DeliveryError {
    DeliveryError::Status { status, retry_after: None, answer: String::new() }
}

fn away(random: &mut Random) -> DeliveryError {
    match random.size(4) {
        0 => status(500),
        1 => status(503),
        2 => {
            let retry_after = Some(Duration::from_millis(random.below(500)));
            DeliveryError::Status { status: 429, retry_after, answer: String::new() }
        }
        _ => DeliveryError::Unreachable("refused".into()),
    }
}

impl Planned {
    fn random(random: &mut Random, number: usize, keys: u64) -> Planned {
        let sinks = [vec![0], vec![1], vec![0, 1]];
        let fate = match random.size(20) {
            0 => Fate::Poison,
            1 => Fate::Refused,
            _ => Fate::Accepted,
        };
        Planned {
            id: format!("alert-{number}"),
            key: [u8::try_from(random.below(keys)).expect("there are few keys"); 16],
            sinks: sinks[random.size(sinks.len())].clone(),
            fate,
        }
    }

    fn body(&self) -> String {
        format!("{{\"id\":\"{}\"}}", self.id)
    }

    /// The alert as it enters the store, with its body.
    pub fn enter<'a>(&'a self, body: &'a str) -> impl Iterator<Item = store::Alert<'a>> {
        self.sinks.iter().map(|sink| store::Alert {
            sink: SINKS[*sink],
            id: &self.id,
            rule: "rule",
            key: &self.key,
            time: Timestamp::from_micros(0),
            body: body.as_bytes(),
        })
    }

    /// What is to be sent of some alerts.
    pub fn bodies(plan: &[Planned]) -> Vec<String> {
        plan.iter().map(Planned::body).collect()
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn goes_to(&self, sink: usize) -> bool {
        self.sinks.contains(&sink)
    }
}

/// A sink that does what the world says.
pub struct RandomSink {
    pub place: usize,
    pub most: usize,
    pub random: Mutex<Random>,
    pub world: Arc<Mutex<World>>,
}

impl RandomSink {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no test has failed")
    }

    /// An attempt begins with alerts of these keys.
    fn begin(&self, keys: &[[u8; 16]]) {
        let under_way = &mut self.world().seen[self.place].under_way;
        for key in keys {
            assert!(!under_way.contains(key), "{key:?} is attempted twice at a time");
        }
        under_way.extend(keys);
    }

    async fn dawdle(&self) {
        let time = self.random.lock().expect("no test has failed").below(20);
        sleep(Duration::from_millis(time)).await;
    }
}

impl Sink for RandomSink {
    fn most(&self) -> usize {
        self.most
    }

    async fn deliver(&self, alerts: &[Arc<Outgoing>]) -> Attempt {
        assert!(!alerts.is_empty() && alerts.len() <= self.most);
        let keys: Vec<[u8; 16]> = alerts.iter().map(|alert| alert.key).collect();
        self.begin(&keys);
        self.dawdle().await;
        let mut attempt = Attempt { delivered: 0, failure: None };
        for alert in alerts {
            let answer = {
                let mut world = self.world();
                world.answer(&mut self.random.lock().expect("no test has failed"), self.place, alert)
            };
            match answer {
                Ok(()) => attempt.delivered += 1,
                Err(failure) => {
                    attempt.failure = Some(failure);
                    break;
                }
            }
        }
        // What it has done may never be known.
        self.dawdle().await;
        self.world().seen[self.place].under_way.retain(|key| !keys.contains(key));
        attempt
    }
}
