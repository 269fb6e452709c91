//! Whether the service is alive and ready, and why not.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::watch;

use super::Pulse;

/// A step of the engine that takes longer is no step.
const HANGING: Duration = Duration::from_secs(120);

/// How the service does. Clones are the same.
#[derive(Clone, Debug)]
pub struct Health {
    known: Arc<Mutex<Known>>,
    phase: Arc<watch::Sender<Phase>>,
    pulse: Pulse,
}

/// What the service is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It loads its state, and lets no events in yet.
    Starting,
    /// It runs.
    Running,
    /// It finishes what it has received.
    Stopping,
}

#[derive(Default)]
struct Known {
    /// Why it does not work any more, if that is so.
    failed: Option<String>,
    /// What is not in order, by the part of the service.
    trouble: BTreeMap<ServicePart, String>,
    /// Parts that are asked whether they are in order.
    asked: Vec<(ServicePart, Probe)>,
    /// Who is asked what does not work although events are taken.
    notes: Vec<Notes>,
}

/// Says what is not in order.
type Probe = Box<dyn Fn() -> Option<String> + Send>;
/// Says what does not work.
type Notes = Box<dyn Fn() -> Vec<Trouble> + Send>;

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Known { failed, trouble, asked, notes: _ } = self;
        let asked: Vec<_> = asked.iter().map(|(part, _)| part).collect();
        let mut shown = f.debug_struct("Known");
        shown.field("failed", failed).field("trouble", trouble).field("asked", &asked).finish()
    }
}

/// A part of the service for which it can be not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServicePart {
    /// The service as a whole.
    Service,
    /// What reads.
    Sources,
    /// How far what is decided is behind the clock.
    Lag,
    /// What keeps records that cannot be read again.
    Journal,
    /// What stores checkpoints.
    Store,
    /// What holds alerts for sinks.
    Outbox,
}

impl ServicePart {
    /// All, in order.
    #[cfg(test)]
    pub const ALL: [ServicePart; 6] = [
        ServicePart::Service,
        ServicePart::Sources,
        ServicePart::Lag,
        ServicePart::Journal,
        ServicePart::Store,
        ServicePart::Outbox,
    ];

    /// Its name, for people and machines.
    pub const fn name(self) -> &'static str {
        match self {
            ServicePart::Service => "service",
            ServicePart::Sources => "sources",
            ServicePart::Lag => "lag",
            ServicePart::Journal => "journal",
            ServicePart::Store => "store",
            ServicePart::Outbox => "outbox",
        }
    }
}

/// What is wrong with a part of the service, for which it is not ready or worse than it might be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Trouble {
    /// The part of the service.
    pub part: String,
    /// What is wrong.
    pub why: String,
}

impl Health {
    /// Of a service that starts: it is alive, and not ready before [`Health::started`].
    pub fn starting() -> Health {
        let health = Health {
            known: Arc::default(),
            phase: Arc::new(watch::Sender::new(Phase::Starting)),
            pulse: Pulse::default(),
        };
        let why = "it starts: the state is loaded and what is left in the journal is worked off";
        health.trouble(ServicePart::Service, why);
        health
    }

    /// The service takes events.
    pub fn started(&self) {
        self.fine(ServicePart::Service);
        self.phase.send_replace(Phase::Running);
    }

    /// The service stops: nothing new is to be sent to it.
    pub fn stopping(&self) {
        self.trouble(ServicePart::Service, "it stops");
        self.phase.send_replace(Phase::Stopping);
    }

    /// What the service is at, and what it comes to.
    pub fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// Told whether the engine moves.
    pub fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// The service cannot do its work any more, and will not by itself.
    pub fn failed(&self, why: impl Into<String>) {
        self.lock().failed.get_or_insert(why.into());
    }

    /// Something is wrong with a part of the service, for which nothing may be sent to it. Takes the place of what was
    /// wrong with it before.
    pub fn trouble(&self, part: ServicePart, why: impl Into<String>) {
        self.lock().trouble.insert(part, why.into());
    }

    /// Nothing is wrong with a part of the service any more.
    pub fn fine(&self, part: ServicePart) {
        self.lock().trouble.remove(&part);
    }

    /// A part of the service is asked what is wrong with it, whenever someone wants to know. It must answer at
    /// once.
    pub fn ask(&self, part: ServicePart, probe: impl Fn() -> Option<String> + Send + 'static) {
        self.lock().asked.push((part, Box::new(probe)));
    }

    /// Is asked what does not work although the service takes events, whenever someone wants to know. It must answer
    /// at once.
    pub fn ask_for_notes(&self, notes: impl Fn() -> Vec<Trouble> + Send + 'static) {
        self.lock().notes.push(Box::new(notes));
    }

    /// What does not work, although it may be ready.
    pub fn notes(&self) -> Vec<Trouble> {
        self.lock().notes.iter().flat_map(|notes| notes()).collect()
    }

    /// Why it is not alive, if it is not.
    pub fn failure(&self) -> Option<String> {
        let hangs = || self.pulse.still().filter(|still| *still > HANGING);
        let failed = self.lock().failed.clone();
        failed.or_else(|| Some(format!("the engine has not moved for {} s", hangs()?.as_secs())))
    }

    /// Why it is not ready; none if it is.
    pub fn reasons(&self) -> Vec<Trouble> {
        let failed = self.failure().into_iter().map(|why| (ServicePart::Service, why));
        let known = self.lock();
        let trouble = known.trouble.iter().map(|(part, why)| (*part, why.clone()));
        let asked = known.asked.iter().filter_map(|(part, probe)| Some((*part, probe()?)));
        let all = failed.chain(trouble).chain(asked);
        all.map(|(part, why)| Trouble { part: part.name().into(), why }).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
