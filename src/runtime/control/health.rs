//! Whether the service is alive and ready, and why not.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How the service does. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<Known>>);

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
    pub const ALL: [ServicePart; 5] = [
        ServicePart::Service,
        ServicePart::Sources,
        ServicePart::Journal,
        ServicePart::Store,
        ServicePart::Outbox,
    ];

    /// Its name, for people and machines.
    pub const fn name(self) -> &'static str {
        match self {
            ServicePart::Service => "service",
            ServicePart::Sources => "sources",
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
        let health = Health::default();
        let why = "it starts: the state is loaded and what is left in the journal is worked off";
        health.trouble(ServicePart::Service, why);
        health
    }

    /// The service takes events.
    pub fn started(&self) {
        self.fine(ServicePart::Service);
    }

    /// The service stops: nothing new is to be sent to it.
    pub fn stopping(&self) {
        self.trouble(ServicePart::Service, "it stops");
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
        self.lock().failed.clone()
    }

    /// Why it is not ready; none if it is.
    pub fn reasons(&self) -> Vec<Trouble> {
        let known = self.lock();
        let failed = known.failed.iter().map(|why| (ServicePart::Service, why.clone()));
        let trouble = known.trouble.iter().map(|(part, why)| (*part, why.clone()));
        let asked = known.asked.iter().filter_map(|(part, probe)| Some((*part, probe()?)));
        let all = failed.chain(trouble).chain(asked);
        all.map(|(part, why)| Trouble { part: part.name().into(), why }).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
