//! Tells who supervises the process how it does: systemd, by datagrams to the socket that `NOTIFY_SOCKET` names.
//!
//! Enters: the [`Health`] of the service that runs, and whether it is being renewed. Leaves: that it is ready, reloads
//! or stops; a line about what it is at; and, where `WATCHDOG_USEC` asks for it, that the engine moves. Where nobody
//! supervises, nothing happens.
//!
//! [`words`] decides what there is to say; here it is sent, by a task of the runtime, so that a runtime that hangs
//! is silent, too.

#[cfg(test)]
mod tests;
mod words;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tracing::{error, info, warn};

use crate::telemetry::Metrics;
use crate::watch;

use super::control::{Control, Health, Phase};
use words::{Numbers, State, Watchdog, Word};

/// How often the line about what the service is at is looked at, where no watchdog wants to hear more often.
const EVERY: Duration = Duration::from_secs(5);

/// Tells who supervises the process how it does, until it is dropped. To be made in asynchronous code.
pub struct Supervisor {
    known: Arc<watch::Sender<Known>>,
    task: Option<AbortHandle>,
}

/// What is known of the services that run one after the other.
#[derive(Clone, Default)]
struct Known {
    /// The one that runs.
    service: Option<(Health, Arc<Metrics>)>,
    /// Whether another is about to take its place.
    is_renewed: bool,
}

/// The service is being renewed as long as this is there.
#[must_use]
pub struct Renewal(Arc<watch::Sender<Known>>);

impl Supervisor {
    /// Tells whom the environment names, if it names somebody. `stopping`: how long the service may take to stop.
    pub fn of_environment(stopping: Duration) -> Supervisor {
        let known = Arc::new(watch::Sender::new(Known::default()));
        if std::env::var_os("NOTIFY_SOCKET").is_none_or(|socket| socket.is_empty()) {
            return Supervisor { known, task: None };
        }
        let watchdog = sd_notify::watchdog_enabled().filter(|within| !within.is_zero());
        info!(
            watchdog_ms = watchdog.map(|within| within.as_millis() as u64),
            "systemd is told how the service does"
        );
        let mut has_failed = false;
        let tell = move |words: &[Word]| {
            // What is wrong with the socket stays wrong.
            if let Err(error) = send(words)
                && !std::mem::replace(&mut has_failed, true)
            {
                warn!(%error, "systemd cannot be told how the service does");
            }
        };
        Supervisor { task: Some(begin(known.subscribe(), watchdog, stopping, tell)), known }
    }

    /// This is the service that runs from now on.
    pub fn follow(&self, service: &Control) {
        let service = (service.health().clone(), Arc::clone(service.metrics()));
        self.known.send_modify(|known| known.service = Some(service));
    }

    /// Another service is to take the place of the one that runs. That is over when what is given here is dropped, and
    /// the process is then what the service is at that is followed by then.
    pub fn renewing(&self) -> Renewal {
        self.known.send_modify(|known| known.is_renewed = true);
        Renewal(Arc::clone(&self.known))
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.task.iter().for_each(AbortHandle::abort);
    }
}

impl Drop for Renewal {
    fn drop(&mut self) {
        self.0.send_modify(|known| known.is_renewed = false);
    }
}

/// Begins to tell what there is to say, as soon as it is.
fn begin(
    known: watch::Receiver<Known>,
    watchdog: Option<Duration>,
    stopping: Duration,
    tell: impl FnMut(&[Word]) + Send + 'static,
) -> AbortHandle {
    let (said, status) = (State::Starting, String::new());
    let speaker = Speaker { watchdog: watchdog.map(Watchdog::new), stopping, said, status };
    tokio::spawn(speaker.run(known, tell)).abort_handle()
}

/// Who tells it.
struct Speaker {
    watchdog: Option<Watchdog>,
    /// How long the service may take to stop.
    stopping: Duration,
    /// What was said last.
    said: State,
    status: String,
}

impl Speaker {
    async fn run(mut self, mut known: watch::Receiver<Known>, mut tell: impl FnMut(&[Word])) {
        let mut ticks = self.ticks();
        loop {
            let Known { service, is_renewed } = known.borrow_and_update().clone();
            let phase = service.as_ref().map(|(health, _)| *health.phase().borrow());
            let words = self.words(service.as_ref(), State::of(phase, is_renewed));
            if words.contains(&Word::Hangs) {
                error!("the engine does not move: systemd is told to end the service and to start it again");
            }
            if !words.is_empty() {
                tell(&words);
            }
            tokio::select! {
                biased;
                changed = known.changed() => if changed.is_err() { return },
                () = leaves(service, phase) => {}
                _ = ticks.tick() => {}
            }
        }
    }

    fn ticks(&self) -> Interval {
        let every = self.watchdog.map_or(EVERY, |watchdog| watchdog.every().min(EVERY));
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    }

    /// What there is to say now.
    fn words(&mut self, service: Option<&(Health, Arc<Metrics>)>, state: State) -> Vec<Word> {
        let mut words = words::change(std::mem::replace(&mut self.said, state), state, self.stopping);
        words.extend(words::patience(state));
        let (reasons, notes, numbers) = match service {
            Some((health, metrics)) => (health.reasons(), health.notes(), numbers(metrics)),
            None => Default::default(),
        };
        let status = words::status(state, &reasons, &notes, numbers);
        if status != self.status {
            self.status.clone_from(&status);
            words.push(Word::Status(status));
        }
        let still = service.and_then(|(health, _)| health.pulse().still());
        words.extend(self.watchdog.as_mut().and_then(|watchdog| watchdog.says(still)));
        words
    }
}

fn numbers(metrics: &Metrics) -> Numbers {
    Numbers {
        events: metrics.engine.events.get(),
        alerts: metrics.rules.iter().map(|rule| rule.alerts.get()).sum(),
        lag: metrics.engine.lag.get().as_secs(),
    }
}

/// Until a service is at something else.
async fn leaves(service: Option<(Health, Arc<Metrics>)>, known: Option<Phase>) {
    if let Some((health, _)) = &service
        && health.phase().wait_for(|phase| Some(*phase) != known).await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

/// Sends words to systemd.
fn send(words: &[Word]) -> io::Result<()> {
    use sd_notify::NotifyState;

    let micros = |time: Duration| u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
    let mut states = Vec::new();
    for word in words {
        match word {
            Word::Ready => states.push(NotifyState::Ready),
            Word::Reloading => states.extend([NotifyState::Reloading, NotifyState::monotonic_usec_now()?]),
            Word::Stopping => states.push(NotifyState::Stopping),
            Word::Patience(time) => states.push(NotifyState::ExtendTimeoutUsec(micros(*time))),
            Word::Status(line) => states.push(NotifyState::Status(line)),
            Word::Moves => states.push(NotifyState::Watchdog),
            Word::Hangs => states.push(NotifyState::WatchdogTrigger),
        }
    }
    sd_notify::notify(&states)
}
