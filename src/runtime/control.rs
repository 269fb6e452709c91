//! What a running service can be asked, by people and by machines.
//!
//! [`Control`] is held by those who ask, [`Requests`] by the engine's thread, which looks for requests between
//! two inputs. What only needs the engine is answered there at once ([`LookRequest::answer`]); a savepoint is
//! made of the checkpoint that is made for it ([`SavepointRequest::write`]), on a thread of its own, so that
//! checkpoints go on meanwhile. [`Health`] is set by whoever knows of trouble and read by whoever is asked.
//!
//! Whoever asks is always answered: a request that is dropped is answered with [`ControlError::Gone`].

mod health;
mod looking;
pub mod orders;
mod pulse;
pub mod samples;
mod scrape;
#[cfg(test)]
pub mod tests;
pub mod view;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Mutex, mpsc, oneshot};

use crate::archive::Archive;
use crate::config::Config;
use crate::diagnostic::Sources;
use crate::disk::Disk;
use crate::event::Timestamp;
use crate::program::Program;
use crate::routing::Refused;
use crate::source::http::Doors;
use crate::store::{Snapshot, StoreError};
use crate::table::Tables;
use crate::telemetry::Metrics;

use super::modes::WantedModes;
use super::outbox::Desk;
use super::routing;
use super::savepoints::{self, BadName, Saved};

use orders::{Giver, ModeOrder, Renewed};
use samples::Samples;

pub use health::{Health, Phase, ServicePart, Trouble};
pub use looking::{LookRequest, Question, StandingQuery, StateQuery};
pub use pulse::Pulse;

/// How many requests may wait for the engine.
const WAITING: usize = 16;
/// The most partial matches that are shown at once.
pub const MOST_SHOWN: usize = 1_000;

/// Asks a running service.
#[derive(Clone, Debug)]
pub struct Control {
    requests: mpsc::Sender<Request>,
    health: Health,
    metrics: Arc<Metrics>,
    /// The folder of the state, if there is one.
    state: Option<Arc<Path>>,
    /// Whether a savepoint is being made.
    is_saving: Arc<AtomicBool>,
    /// Whoever has it looks at all keys.
    turn: Arc<Mutex<looking::Turn>>,
    /// What waits for sinks.
    outbox: Arc<Desk>,
    /// Where is asked what was decided of alerts.
    desk: routing::desk::Desk,
    doors: Doors,
    /// Where alerts are looked at.
    archive: Archive,
    /// What the service is made of, where that is known.
    about: Option<Arc<About>>,
    /// How busy the process was.
    samples: Samples,
    /// Where orders are given, where some are taken.
    orders: Option<Giver>,
}

/// What a service is made of.
#[derive(Debug)]
pub struct About {
    /// What it is to do.
    pub config: Config,
    /// The name of the file of that.
    pub file: PathBuf,
    /// Its text, without its secrets.
    pub text: String,
    /// Its rules.
    pub program: Arc<Program>,
    /// The files of these.
    pub rules: Sources,
    /// Rules that somebody has put into another mode.
    pub modes: WantedModes,
    /// When it began.
    pub started: Timestamp,
}

/// What has been asked, for the engine's thread.
#[derive(Debug)]
pub struct Requests(mpsc::Receiver<Request>);

/// Something that was asked.
#[derive(Debug)]
pub enum Request {
    /// To look at partial matches.
    State(LookRequest<StateQuery>),
    /// To count where those of a rule stand.
    Standing(LookRequest<StandingQuery>),
    /// What lists and tables hold.
    Tables(oneshot::Sender<Arc<Tables>>),
    /// To make a savepoint.
    Savepoint(SavepointRequest),
}

/// Why something that was asked cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The service stops, or has failed.
    #[error("the service is stopping")]
    Gone,
    /// Too much has been asked.
    #[error("the service is busy with other questions; ask again in a moment")]
    Busy,
    /// There is no such rule.
    #[error("{0}")]
    NoRule(String),
    /// Nothing is kept.
    #[error("the service keeps no state: there is no `[state]` in its configuration")]
    NoState,
    /// What is kept is not here.
    #[error("the state is kept in a topic of Kafka (`state.topic`): there are no savepoints of it")]
    Elsewhere,
    /// The name cannot be used.
    #[error(transparent)]
    Name(#[from] BadName),
    /// There is a savepoint of that name.
    #[error("there is a savepoint `{0}` already; choose another name")]
    Exists(String),
    /// Another savepoint is being made.
    #[error("another savepoint is being made; wait until it is done")]
    Saving,
    /// It cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It makes no sense, or is about nothing that there is.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The files of the service are wrong.
    #[error("{0}")]
    Rules(String),
    /// The system does not let us.
    #[error("{0}")]
    System(String),
}

/// A request for a savepoint.
#[derive(Debug)]
pub struct SavepointRequest {
    name: String,
    folder: PathBuf,
    reply: oneshot::Sender<Result<Saved, ControlError>>,
    _saving: Saving,
}

/// A savepoint is being made as long as this is there.
#[derive(Debug)]
struct Saving(Arc<AtomicBool>);

impl Drop for Saving {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// A way to ask a service whose state is in that folder, if it keeps any, and that counts there; and what its engine's
/// thread needs to answer.
pub fn control(state: Option<&Path>, metrics: Arc<Metrics>) -> (Control, Requests) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let health = Health::starting();
    let control = Control {
        requests: sender,
        health,
        metrics,
        state: state.map(Arc::from),
        is_saving: Arc::default(),
        turn: Arc::default(),
        outbox: Arc::default(),
        desk: routing::desk::Desk::default(),
        doors: Doors::default(),
        archive: Archive::default(),
        about: None,
        samples: Samples::default(),
        orders: None,
    };
    (control, Requests(receiver))
}

impl Control {
    /// The same that can say what the service is made of.
    pub fn about(self, about: About) -> Control {
        Control { about: Some(Arc::new(about)), ..self }
    }

    /// The same that takes orders.
    pub fn taking_orders(self, giver: Giver) -> Control {
        Control { orders: Some(giver), ..self }
    }

    /// The same with alerts that others look at already.
    pub fn with_archive(self, archive: Archive) -> Control {
        Control { archive, ..self }
    }

    /// The same whose process has these samples already.
    pub fn with_samples(self, samples: Samples) -> Control {
        Control { samples, ..self }
    }

    /// How busy the process was.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// What the service is made of.
    ///
    /// # Errors
    /// When nobody has said.
    pub fn made_of(&self) -> Result<&Arc<About>, ControlError> {
        self.about.as_ref().ok_or(ControlError::Gone)
    }

    /// Lets the service begin anew with what its files say now, and with a rule in another mode if so.
    ///
    /// # Errors
    /// When it cannot; then all is as it was.
    pub async fn order(&self, mode: Option<ModeOrder>) -> Result<Renewed, ControlError> {
        self.orders.as_ref().ok_or(ControlError::Gone)?.give(mode).await
    }

    /// How the service does.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// What the service counts.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// What waits for sinks.
    ///
    /// # Errors
    /// When nothing is kept.
    pub fn outbox(&self) -> Result<&Arc<Desk>, ControlError> {
        if self.state.is_some() { Ok(&self.outbox) } else { Err(ControlError::NoState) }
    }

    /// Where is asked what was decided of alerts.
    pub fn desk(&self) -> &routing::desk::Desk {
        &self.desk
    }

    /// The HTTP sources that run.
    pub fn doors(&self) -> &Doors {
        &self.doors
    }

    /// Where alerts are looked at.
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// The folder of the state, if there is one.
    pub fn state_folder(&self) -> Option<&Path> {
        self.state.as_deref()
    }

    /// What the lists and tables of the rules hold now.
    ///
    /// # Errors
    /// When too much is asked, or the service stops.
    pub async fn tables(&self) -> Result<Arc<Tables>, ControlError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Tables(reply))?;
        answer.await.map_err(|_| ControlError::Gone)
    }

    /// Makes a savepoint of that name of the state as it is now. It takes as long as the disk does.
    ///
    /// # Errors
    /// When the name cannot be used, another is being made, or the disk fails.
    pub async fn savepoint(&self, name: String) -> Result<Saved, ControlError> {
        let folder = savepoints::folder(self.state.as_deref().ok_or(ControlError::NoState)?);
        savepoints::check_name(&name)?;
        if savepoints::file(&folder, &name).exists() {
            return Err(ControlError::Exists(name));
        }
        // It would wait until that is over, and nobody knows how long.
        if let Some(trouble) =
            self.health.reasons().into_iter().find(|trouble| trouble.part == ServicePart::Store.name())
        {
            return Err(ControlError::System(format!("nothing can be stored now: {}", trouble.why)));
        }
        if self.is_saving.swap(true, Ordering::Acquire) {
            return Err(ControlError::Saving);
        }
        let _saving = Saving(Arc::clone(&self.is_saving));
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Savepoint(SavepointRequest { name, folder, reply, _saving }))?;
        answer.await.unwrap_or(Err(ControlError::Gone))
    }

    fn ask(&self, request: Request) -> Result<(), ControlError> {
        self.requests.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => ControlError::Busy,
            mpsc::error::TrySendError::Closed(_) => ControlError::Gone,
        })
    }
}

impl Requests {
    /// The next request, if there is one.
    pub fn try_next(&mut self) -> Option<Request> {
        self.0.try_recv().ok()
    }

    /// The next request; waits for it, for ever if nobody asks any more. Nothing is lost when it is not waited
    /// for to the end.
    pub async fn next(&mut self) -> Request {
        match self.0.recv().await {
            Some(request) => request,
            None => std::future::pending().await,
        }
    }
}

impl SavepointRequest {
    /// Writes it from the state of the checkpoint that was made for it. The writing is done by a thread of its
    /// own; whoever asked is told by that.
    pub fn write(self, disk: Arc<dyn Disk>, snapshot: Arc<Snapshot>) {
        let SavepointRequest { name, folder, reply, _saving } = self;
        let write = move || {
            let saved = savepoints::write(&*disk, &folder, &name, &snapshot);
            // Another may be asked for as soon as the answer is there.
            drop(_saving);
            let _ = reply.send(saved);
        };
        // Without a thread the request is dropped, and thereby answered.
        if let Err(error) = std::thread::Builder::new().name("savepoint".into()).spawn(write) {
            tracing::error!(%error, "cannot start a thread to write a savepoint");
        }
    }

    /// Says that no checkpoint can be made for it.
    pub fn refuse(self, why: ControlError) {
        let _ = self.reply.send(Err(why));
    }
}
