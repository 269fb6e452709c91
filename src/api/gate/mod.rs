//! What every request passes before it is led to a handler: it has to be for this service, it is found out who sends it, and
//! they may not have asked too often. Whether they may do what they ask for is decided by the route.

mod hosts;
mod rates;
mod tokens;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, header};
use tokio::time::Instant;
use tracing::warn;

use crate::access::{self, Certificate, Client, Policy, Refused, Shown, Who, bearer};
use crate::config::{Api, ApiLimits};
use crate::event::Duration;
use crate::rate::Rate;
use crate::source::Clock;
use crate::telemetry::limit::{RateLimit, Verdict};

use super::audit::Audit;
use super::handler::Taken;
use super::health;
use super::problem::{Kind, Problem};
use hosts::Hosts;
use rates::{Rates, Whose};
use tokens::Tokens;
pub use tokens::TokensError;

/// How often refusals are logged: so many in each such time.
const MINUTE: Duration = Duration::from_micros(60 * Duration::SECOND.as_micros());
const LOGGED: u64 = 10;

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub enum Peer {
    /// The owner of the state: it came over the socket in its folder.
    Owner,
    /// Somebody at this address.
    Network {
        /// The address.
        address: SocketAddr,
        /// The certificate that they have shown, if they have.
        certificate: Option<Arc<Certificate>>,
    },
}

impl Peer {
    /// The same, who has shown a certificate with these bytes.
    pub fn with_certificate(self, der: &[u8]) -> Peer {
        let certificate = match Certificate::read(der) {
            Ok(certificate) => Some(Arc::new(certificate)),
            Err(why) => {
                warn!(peer = ?self, why, "cannot read what a certificate says of whose it is");
                None
            }
        };
        match self {
            Peer::Network { address, .. } => Peer::Network { address, certificate },
            Peer::Owner => Peer::Owner,
        }
    }
}

/// Who asks. Every request that is led to a handler has one.
#[derive(Clone, Debug)]
pub struct Asker {
    /// Who it is, or why that is not known.
    pub who: Result<Who, Refused>,
    /// From where: an IP address; nothing over the socket.
    pub from: Option<String>,
}

/// Looks at requests.
pub struct Gate {
    hosts: Hosts,
    tokens: Option<Tokens>,
    clients: Vec<Client>,
    clock: Arc<dyn Clock>,
    rates: Mutex<Rates>,
    reports: Mutex<RateLimit>,
}

/// What a request has shown, to look again later whether that still counts.
#[derive(Clone)]
pub struct Pass {
    gate: Arc<Gate>,
    peer: Peer,
    shown: HeaderMap,
}

impl Pass {
    /// Of a request to that gate.
    pub fn new<B>(gate: &Arc<Gate>, peer: &Peer, request: &Request<B>) -> Pass {
        let shown = request.headers().get_all(header::AUTHORIZATION).iter();
        let shown = shown.map(|value| (header::AUTHORIZATION, value.clone())).collect();
        Pass { gate: Arc::clone(gate), peer: peer.clone(), shown }
    }

    /// Whether whoever sent it would still be let in.
    pub fn counts(&self) -> bool {
        self.gate.who(&self.peer, &self.shown).is_ok()
    }
}

impl Gate {
    /// One that lets in who `api` says, and records when those are others.
    ///
    /// # Errors
    /// When the tokens cannot be read.
    pub fn new(api: &Api, clock: Arc<dyn Clock>, audit: Audit) -> Result<Gate, TokensError> {
        let open = |path| Tokens::open(path, Arc::clone(&clock), audit);
        let tokens = api.tokens.as_deref().map(open).transpose()?;
        let hosts = Hosts::new(api.hosts.clone(), !api.listen.ip().is_loopback());
        Ok(Gate { tokens, clients: api.clients.clone(), ..Gate::open(hosts, api.limits.rate, clock) })
    }

    /// One for a service that is asked over the socket in the folder of its state alone.
    pub fn for_owner(clock: Arc<dyn Clock>) -> Gate {
        Gate::open(Hosts::new(Vec::new(), false), ApiLimits::default().rate, clock)
    }

    /// One for which nobody has to show who they are.
    fn open(hosts: Hosts, rate: Rate, clock: Arc<dyn Clock>) -> Gate {
        let reports = Mutex::new(RateLimit::new(LOGGED, MINUTE));
        Gate { hosts, tokens: None, clients: Vec::new(), clock, rates: Mutex::new(Rates::new(rate)), reports }
    }

    /// The clock by which it is decided.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Who sends a request, if it is for this service at all.
    ///
    /// # Errors
    /// When it is for another one, or one too many.
    pub fn admit<B>(&self, peer: &Peer, request: &Request<B>) -> Result<Asker, Problem> {
        let address = match peer {
            Peer::Owner => None,
            Peer::Network { address, .. } => {
                self.check_hosts(request)?;
                Some(address.ip().to_canonical())
            }
        };
        let who = self.who(peer, request.headers());
        let from = address.map(|address| address.to_string());
        if !health::PATHS.contains(&request.uri().path()) {
            self.count(who.as_ref().ok(), address)?;
        }
        if let Err(refused) = &who
            && *refused != Refused::Nothing
        {
            self.report(refused, from.as_deref());
        }
        Ok(Asker { who, from })
    }

    /// Who sends a request with these headers.
    fn who(&self, peer: &Peer, headers: &HeaderMap) -> Result<Who, Refused> {
        let certificate = match peer {
            Peer::Owner => None,
            Peer::Network { certificate, .. } => certificate.as_deref(),
        };
        let shown = Shown { is_owner: matches!(peer, Peer::Owner), certificate, bearer: bearer(headers) };
        let tokens = self.tokens.as_ref().map(Tokens::now);
        let policy = Policy { tokens: tokens.as_deref(), clients: &self.clients };
        access::who(&shown, policy, self.clock.now())
    }

    /// Counts a request of somebody.
    fn count(&self, who: Option<&Who>, from: Option<IpAddr>) -> Result<(), Problem> {
        let Some(whose) = Whose::request(who, from) else { return Ok(()) };
        let taken = self.rates.lock().unwrap_or_else(PoisonError::into_inner).take(whose, Instant::now());
        taken.map_err(|wait| {
            let detail = format!(
                "too many requests came in a short time (`api.limits.rate`); ask again in {wait:.1?}"
            );
            Problem::new(Kind::TooMany, detail).over_after(wait)
        })
    }

    /// A browser sends requests for another host's name for a page whose name has been made to stand for this machine, and
    /// those of another origin for a page of somebody else.
    fn check_hosts<B>(&self, request: &Request<B>) -> Result<(), Problem> {
        let mut given = request.headers().get_all(header::HOST).iter();
        let host = match (given.next(), given.next()) {
            (Some(host), None) => host.to_str().unwrap_or_default(),
            _ => "",
        };
        let named = request.uri().authority().map_or(host, |authority| authority.as_str());
        if !self.hosts.are_ours(host) || !self.hosts.are_ours(named) {
            let detail = "the header `Host` has to say `localhost`, an address of this machine, or a name of `api.hosts`";
            return Err(Problem::new(Kind::OtherHost, detail));
        }
        match origin(request.headers()) {
            Some(origin) if !self.hosts.is_own_origin(origin, host) => {
                let detail = format!(
                    "pages of `{origin}` may not ask this service; if it is a name of its own, add it to `api.hosts`"
                );
                Err(Problem::new(Kind::OtherOrigin, detail))
            }
            _ => Ok(()),
        }
    }

    fn report(&self, refused: &Refused, from: Option<&str>) {
        let verdict = self.reports.lock().unwrap_or_else(PoisonError::into_inner).check(self.clock.now());
        if let Verdict::Show { held_back } = verdict {
            warn!(from, reason = %refused, not_logged = held_back, "somebody was not let in to the API");
        }
    }
}

/// What a browser says of the page that makes it send a request.
fn origin(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default())
}

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Asker, Problem> {
        // Without one nobody has looked, which lets nobody in.
        parts.extensions.get::<Asker>().cloned().ok_or_else(|| Refused::Nothing.into())
    }
}

impl Taken for Asker {}
