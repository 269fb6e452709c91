//! Events over TCP from a server to which the service connects, encrypted or not.
//!
//! One partition for as long as the service runs: while there is no connection it holds event time
//! back, because what the server will send then is not known. A new connection begins with a whole
//! record; what the last one left half is reported as incomplete.

use std::io;
use std::time::Duration;

use rustls::pki_types::ServerName;
use socket2::SockRef;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tracing::{debug, info, warn};

use crate::tls;

use super::partition::Feed;
use super::positions::Kind;
use super::pour::{End, pour};
use super::queue::EngineGone;
use super::together::Turn;
use super::{Bytes, Inlet, Running, Source, only, tcp};

/// How long an address may take to answer, and again to agree on the encryption.
const CONNECTING: Duration = Duration::from_secs(10);

/// What a client is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where the server is, as `host:port`.
    pub address: String,
    /// When it connects again.
    pub backoff: Backoff,
    /// A connection that is silent for this long is given up.
    pub read_timeout: Option<Duration>,
    /// How the connection is encrypted, if it is.
    pub tls: Option<tls::ClientSettings>,
}

/// How long to wait before the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Longest wait before the second attempt; doubles from each attempt to the next.
    pub first: Duration,
    /// Longest wait of all.
    pub most: Duration,
}

impl Backoff {
    /// The wait after so many attempts in a row that came to nothing. `chance` is a random number
    /// from 0 to 1.
    ///
    /// Half of it is certain, so that a server that closes at once is not asked without a pause; the
    /// other half is evenly spread, so that many clients do not come back together (M. Brooker,
    /// "Exponential Backoff and Jitter", 2015: equal jitter).
    pub fn wait(&self, attempts: u32, chance: f64) -> Duration {
        let bound = self.first.saturating_mul(1 << attempts.saturating_sub(1).min(31)).min(self.most);
        bound.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
    }
}

/// A client that has not connected yet.
pub struct Client {
    settings: Settings,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Client {
    /// Reads the files for TLS.
    ///
    /// # Errors
    /// When TLS cannot be spoken with these files.
    pub fn new(settings: &Settings) -> Result<Client, tls::TlsError> {
        let tls = settings.tls.as_ref().map(tls::connector).transpose()?;
        Ok(Client { settings: settings.clone(), tls })
    }

    async fn run(&self, inlet: &Inlet, mut turn: Turn) -> Result<(), EngineGone> {
        turn.come().await;
        let Some(mut feed) = Feed::begin(inlet, Kind::Source).await else { return Ok(()) };
        feed.disconnected().await?;
        turn.wait().await;
        let mut stop = inlet.around.stop.clone();
        let mut attempts = 0;
        loop {
            let connected = tokio::select! {
                biased;
                () = stop.wanted() => return Ok(()),
                connected = self.connect(inlet) => connected,
            };
            let why = match connected {
                Ok(bytes) => match self.read(bytes, &mut feed, inlet).await? {
                    Left::Stopped => return Ok(()),
                    Left::Lost { why, fruitful } => {
                        attempts = if fruitful { 0 } else { attempts };
                        why
                    }
                },
                Err(why) => {
                    inlet.identity.metrics.connect_failures.add(1);
                    why
                }
            };
            attempts += 1;
            inlet.around.troubles.away(&inlet.identity, &why);
            let wait = self.settings.backoff.wait(attempts, rand::random());
            self.report(&why, attempts, wait, inlet);
            tokio::select! {
                biased;
                () = stop.wanted() => return Ok(()),
                () = sleep(wait) => {}
            }
        }
    }

    fn report(&self, why: &str, attempts: u32, wait: Duration, inlet: &Inlet) {
        let Some(held_back) = inlet.reports.may_log() else { return };
        let (source, address) = (&inlet.identity.name, &self.settings.address);
        let wait_ms = wait.as_millis();
        warn!(
            %source,
            %address,
            %why,
            attempts,
            wait_ms,
            not_logged = held_back,
            "not connected; connecting again"
        );
    }

    /// Reads a connection to its end.
    async fn read(&self, bytes: Bytes<'_>, feed: &mut Feed<'_>, inlet: &Inlet) -> Result<Left, EngineGone> {
        let (source, address) = (&inlet.identity.name, &self.settings.address);
        let metrics = &inlet.identity.metrics;
        info!(%source, %address, partition = feed.partition().0, "connected");
        inlet.around.troubles.back(&inlet.identity);
        feed.connected().await?;
        metrics.opened.add(1);
        metrics.connections.increase();
        let before = feed.received();
        let ended = pour(inlet.open(bytes, self.settings.read_timeout), feed).await;
        metrics.connections.decrease();
        let why = match ended? {
            End::Stopped => {
                feed.say_what_is_left();
                return Ok(Left::Stopped);
            }
            End::Finished => "the server has closed the connection".into(),
            End::Failed(error) => error.to_string(),
        };
        feed.begin_anew().await?;
        feed.disconnected().await?;
        Ok(Left::Lost { why, fruitful: feed.received() > before })
    }

    async fn connect(&self, inlet: &Inlet) -> Result<Bytes<'static>, String> {
        let stream = connect(&self.settings.address).await.map_err(|error| error.to_string())?;
        let Some((connector, name)) = &self.tls else { return Ok(Box::new(stream)) };
        let why = match timeout(CONNECTING, connector.connect(name.clone(), stream)).await {
            Ok(Ok(stream)) => return Ok(Box::new(tls::Bytes(stream))),
            Ok(Err(error)) => tls::no_agreement(&error),
            Err(_) => late(),
        };
        inlet.identity.metrics.tls_failures.add(1);
        Err(format!("no agreement on TLS: {why}"))
    }
}

impl Source for Client {
    fn announce(&self, inlets: &[Inlet]) {
        super::announce(inlets, "connecting", &self.settings.address);
    }

    fn run(self: Box<Self>, inlets: Vec<Inlet>, turn: Turn) -> Running {
        let inlet = only(inlets);
        inlet.around.troubles.away(&inlet.identity, "the server has not been reached yet");
        Box::pin(async move {
            if let Err(EngineGone) = Client::run(&self, &inlet, turn).await {
                debug!(source = %inlet.identity.name, "the engine has stopped");
            }
        })
    }
}

/// How a connection was left.
enum Left {
    /// The service stops.
    Stopped,
    /// It has ended or failed.
    Lost {
        /// Why, in words.
        why: String,
        /// Whether anything came through it.
        fruitful: bool,
    },
}

/// Connects to the first address of a name that answers. Each has its own time, so that one that is
/// silent does not keep the others from being asked.
async fn connect(address: &str) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in lookup_host(address).await? {
        match timeout(CONNECTING, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                tcp::keep_alive(&SockRef::from(&stream))?;
                return Ok(stream);
            }
            Ok(Err(error)) => failure = error,
            Err(_) => failure = io::Error::new(io::ErrorKind::TimedOut, late()),
        }
    }
    Err(failure)
}

fn late() -> String {
    format!("no answer for {} s", CONNECTING.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_bound_and_are_never_nothing() {
        let backoff = Backoff { first: Duration::from_secs(1), most: Duration::from_secs(3) };
        let waits = [1, 2, 3, u32::MAX].map(|attempts| backoff.wait(attempts, 1.0).as_millis());
        assert_eq!(waits, [1_000, 2_000, 3_000, 3_000]);
        assert_eq!(backoff.wait(1, 0.0), Duration::from_millis(500));
    }
}
