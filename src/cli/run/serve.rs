//! Runs a service until it ends, and anew when it is told to: with what its files say then.
//!
//! A service that begins anew goes on from the state of the one before, as after a restart; who asks it meanwhile is
//! told to come back in a moment. What is wrong with files is said before anything stops, and a service that cannot
//! begin leaves its place to the one before.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info, warn};

use crate::api::audit::{Audit, Record};
use crate::api::counting;
use crate::api::server::Server;
use crate::archive::Archive;
use crate::disk::RealDisk;
use crate::runtime::clock::SystemClock;
use crate::runtime::control::orders::{Giver, ModeOrder, Order, Orders, Renewed, orders};
use crate::runtime::control::samples::{EVERY, Samples};
use crate::runtime::control::{self, About, Control, ControlError, Requests};
use crate::runtime::service::{self, Ending, Service, Start};
use crate::runtime::supervisor::{Renewal, Supervisor};
use crate::source::Clock as _;
use crate::telemetry::Metrics;
use crate::telemetry::catalogue::ApiMetrics;

use super::load::{Loading, Wrong, load};
use super::open_files;

/// What outlasts the services that run one after the other.
struct Host {
    path: PathBuf,
    signals: Signals,
    giver: Giver,
    orders: Orders,
    archive: Archive,
    samples: Samples,
    /// What is counted of requests.
    counted: Arc<ApiMetrics>,
    supervisor: Supervisor,
    /// Takes samples of the service that runs.
    sampling: JoinSet<()>,
    audit: Audit,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    /// A file that may not grow further is an error of writing, like a full disk, and not the end: that is what this
    /// signal would be if nobody listened.
    _file_too_large: Signal,
}

/// How a service has ended.
enum End {
    /// For good.
    Over(ExitCode),
    /// Another is to take its place.
    Anew(Box<Loading>, Wanted),
}

/// That another service is to take the place of the one that runs.
struct Wanted {
    order: Order,
    /// Who supervises the process knows of it.
    _renewal: Renewal,
}

/// Something that is being read to begin anew with it.
type Preparing = (JoinHandle<Result<Loading, ControlError>>, Wanted);

/// Runs a service of that configuration.
pub async fn serve(path: &Path, first: Loading) -> anyhow::Result<ExitCode> {
    if let Some(api) = &first.config.api {
        open_files::allow(&api.limits);
    }
    // Before anything is opened, so that a signal from now on stops cleanly.
    let signals = Signals::new()?;
    let (giver, orders) = orders();
    let (archive, samples, sampling) = Default::default();
    let supervisor = Supervisor::of_environment(first.config.shutdown_timeout);
    let path = path.to_owned();
    let counted = counting::metrics();
    let mut first = first;
    // What is wrong with the state is said before anything else is opened.
    let store = first.open_state()?;
    let audit = Audit::open(first.config.api.as_ref().and_then(|api| api.audit.as_ref()))?;
    let mut host =
        Host { path, signals, giver, orders, archive, samples, counted, supervisor, sampling, audit };
    let (control, requests) = host.control(&first);
    let (clock, audit) = (Arc::new(SystemClock), host.audit.clone());
    let mut api = Server::new(control.clone(), clock, first.config.api.as_ref(), audit);
    let result = async {
        host.listen(&mut api, &first).await?;
        let service = host.start(&first, store, control, requests).await?;
        host.go_on(&mut api, service, first).await
    };
    let result = result.await;
    api.stop().await;
    result
}

impl Host {
    async fn listen(&self, api: &mut Server, loading: &Loading) -> anyhow::Result<()> {
        if let Some(settings) = &loading.config.api {
            api.listen(settings).await?;
        }
        if let Some(state) = &loading.config.state
            && let Err(error) = api.listen_in(&state.path)
        {
            warn!(%error, "`tripline state`, `tripline savepoint` and `tripline outbox` cannot reach this service");
        }
        Ok(())
    }

    /// A way to ask the service that is made of this.
    fn control(&mut self, loading: &Loading) -> (Control, Requests) {
        let Loading { config, text, program, rules, modes, .. } = loading;
        let state = config.state.as_ref().map(|state| &*state.path);
        let metrics = Arc::new(service::metrics(config, program).with_api(Arc::clone(&self.counted)));
        self.sampling.abort_all();
        self.sampling.spawn(sample(self.samples.clone(), Arc::clone(&metrics)));
        let (control, requests) = control::control(state, metrics);
        let about = About {
            config: config.clone(),
            file: self.path.clone(),
            text: text.clone(),
            program: Arc::clone(program),
            rules: rules.clone(),
            modes: modes.clone(),
            started: SystemClock.now(),
        };
        let control = control.about(about).taking_orders(self.giver.clone());
        self.supervisor.follow(&control);
        (control.with_archive(self.archive.clone()).with_samples(self.samples.clone()), requests)
    }

    async fn start(
        &self,
        loading: &Loading,
        store: Option<crate::store::Store>,
        control: Control,
        requests: Requests,
    ) -> anyhow::Result<Service> {
        let Loading { config, program, tables, .. } = loading.clone();
        let clock = Arc::new(SystemClock);
        Service::start(Start { config, program, tables, store, control, requests, clock }).await
    }

    /// Runs a service, and those that take its place.
    async fn go_on(
        &mut self,
        api: &mut Server,
        mut service: Service,
        mut loading: Loading,
    ) -> anyhow::Result<ExitCode> {
        loop {
            let (next, wanted) = match self.run(service, &loading).await? {
                End::Over(code) => return Ok(code),
                End::Anew(next, wanted) => (*next, wanted),
            };
            let renewed = Renewed::between(&loading.program, &next.program);
            match self.begin(api, next).await {
                Ok((begun, now)) => {
                    info!(added = ?renewed.added, changed = ?renewed.changed, removed = ?renewed.removed, modes = ?renewed.modes, "began anew");
                    (service, loading) = (begun, now);
                    wanted.order.answer(Ok(renewed));
                }
                Err(why) => {
                    error!(error = format!("{why:#}"), "cannot begin anew");
                    (service, loading) = self.begin(api, loading).await.context("cannot go on as before")?;
                    warn!("went on as before");
                    let why = format!("the service went on as before: {why:#}");
                    wanted.order.answer(Err(ControlError::System(why)));
                }
            }
        }
    }

    /// Begins a service in the place of the one before.
    async fn begin(&mut self, api: &mut Server, mut loading: Loading) -> anyhow::Result<(Service, Loading)> {
        let (loading, store) = spawn_blocking(move || {
            let store = loading.open_state();
            (loading, store)
        })
        .await
        .context("the state cannot be opened")?;
        let store = store?;
        loading.modes.keep(&RealDisk)?;
        let (control, requests) = self.control(&loading);
        api.replace(control.clone());
        let service = self.start(&loading, store, control, requests).await?;
        Ok((service, loading))
    }

    /// Runs a service until it has ended, is asked to stop, or another is to take its place.
    async fn run(&mut self, service: Service, now: &Loading) -> anyhow::Result<End> {
        let (asked, stop) = oneshot::channel();
        let mut asked = Some(asked);
        // The sender is kept until it is used.
        let run = service.run(async { stop.await.unwrap_or(Ending::Good) });
        tokio::pin!(run);
        let mut preparing: Option<Preparing> = None;
        let mut next: Option<(Loading, Wanted)> = None;
        let Host { path, signals, orders, supervisor, audit, .. } = self;
        loop {
            // Who has been asked to stop does not begin anew.
            let is_idle = asked.is_some() && preparing.is_none();
            let signal = tokio::select! {
                outcome = &mut run => {
                    let is_complete = outcome?.complete;
                    return Ok(match next {
                        Some((loading, wanted)) => End::Anew(Box::new(loading), wanted),
                        None if is_complete => End::Over(ExitCode::SUCCESS),
                        None => End::Over(ExitCode::FAILURE),
                    });
                }
                _ = signals.terminate.recv() => "SIGTERM",
                _ = signals.interrupt.recv() => "SIGINT",
                _ = signals.hang_up.recv(), if is_idle => {
                    preparing = Some(prepare(path, now, order_by_signal(audit.clone()), supervisor));
                    continue;
                }
                order = orders.next(), if is_idle => {
                    preparing = Some(prepare(path, now, order, supervisor));
                    continue;
                }
                prepared = prepared(&mut preparing) => {
                    match prepared {
                        (Ok(loading), wanted) => {
                            info!("begins anew: finishes what has been received");
                            asked.take().map(|asked| asked.send(Ending::Anew));
                            next = Some((loading, wanted));
                        }
                        (Err(error), wanted) => {
                            warn!(%error, "does not begin anew");
                            wanted.order.answer(Err(error));
                        }
                    }
                    continue;
                }
            };
            // What is being read is not wanted any more.
            preparing = None;
            let is_renewal = next.take().is_some();
            match asked.take() {
                Some(asked) => {
                    info!(signal, "asked to stop");
                    let _ = asked.send(Ending::Good);
                }
                None if is_renewal => info!(signal, "asked to stop"),
                None => {
                    warn!(signal, "asked again: stopping at once");
                    return Ok(End::Over(ExitCode::FAILURE));
                }
            }
        }
    }
}

/// The order that SIGHUP is, of which there is a record when it was carried out or could not be.
fn order_by_signal(audit: Audit) -> Order {
    let (order, outcome) = Order::new(None);
    tokio::spawn(async move {
        let outcome = outcome.await;
        audit.keep(Record::of_signal("SIGHUP", outcome, SystemClock.now())).await;
    });
    order
}

/// Takes samples for ever.
async fn sample(samples: Samples, metrics: Arc<Metrics>) {
    let mut every = interval(EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        samples.take(&metrics, SystemClock.now());
    }
}

/// Reads what the files say now, beside everything else.
fn prepare(path: &Path, now: &Loading, order: Order, supervisor: &Supervisor) -> Preparing {
    let (path, now, mode) = (path.to_owned(), now.clone(), order.mode.clone());
    let wanted = Wanted { order, _renewal: supervisor.renewing() };
    (spawn_blocking(move || read_again(&path, &now, mode)), wanted)
}

/// What was prepared; waits for it, for ever if nothing is.
async fn prepared(preparing: &mut Option<Preparing>) -> (Result<Loading, ControlError>, Wanted) {
    let Some((task, _)) = preparing else { return std::future::pending().await };
    let read = task.await;
    let (_, wanted) = preparing.take().expect("it was there");
    (read.unwrap_or(Err(ControlError::Gone)), wanted)
}

fn read_again(path: &Path, now: &Loading, order: Option<ModeOrder>) -> Result<Loading, ControlError> {
    let modes = match order {
        Some(order) => {
            let known = now.program.rules().iter().find(|known| *known.name == *order.rule);
            let own = known.map(|known| known.mode_of_text);
            now.modes.with(&order.rule, (own != Some(order.mode)).then(|| order.wanted()))
        }
        None => now.modes.clone(),
    };
    let (next, said) = load(path, Some(modes)).map_err(|Wrong { said, why }| {
        ControlError::Rules(format!("{why}; the service goes on with what it had\n{}", said.text()))
    })?;
    let folder = |loading: &Loading| loading.config.state.as_ref().map(|state| state.path.clone());
    if folder(now) != folder(&next) {
        let why = "`state.path` is another now: that needs a restart; the service goes on with what it had";
        return Err(ControlError::Rules(why.into()));
    }
    if now.config.api != next.config.api {
        warn!("`[api]` is another now: that needs a restart, and stays as it is until then");
    }
    let said = said.text();
    if !said.is_empty() {
        warn!("what the files say now:\n{said}");
    }
    Ok(next)
}

impl Signals {
    fn new() -> anyhow::Result<Signals> {
        let of = |kind| signal(kind).context("cannot listen for signals");
        Ok(Signals {
            terminate: of(SignalKind::terminate())?,
            interrupt: of(SignalKind::interrupt())?,
            hang_up: of(SignalKind::hangup())?,
            _file_too_large: of(SignalKind::from_raw(nix::libc::SIGXFSZ))?,
        })
    }
}
