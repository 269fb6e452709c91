//! What every request passes before it is led to a handler: it has to be for this service, and it is found out who sends
//! it. Whether they may do what they ask for is decided by the route.

mod hosts;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, header};
use tracing::{error, info, warn};

use crate::access::{self, Certificate, Client, Policy, Refused, Shown, TokenSet, Who, bearer};
use crate::changing::{Changing, Look};
use crate::config::Api;
use crate::event::Duration;
use crate::source::Clock;
use crate::telemetry::limit::{RateLimit, Verdict};

use super::handler::Taken;
use super::problem::{Kind, Problem};
use hosts::Hosts;

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
    tokens: Option<Changing<TokenSet>>,
    clients: Vec<Client>,
    clock: Arc<dyn Clock>,
    reports: Mutex<RateLimit>,
}

/// The tokens cannot be had.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot read the tokens in `{}`, which `api.tokens` names: {why}; `tripline token new --name NAME --role admin` makes the file",
    path.display()
)]
pub struct TokensError {
    path: PathBuf,
    why: String,
}

impl Gate {
    /// One that lets in who `api` says.
    ///
    /// # Errors
    /// When the tokens cannot be read.
    pub fn new(api: &Api, clock: Arc<dyn Clock>) -> Result<Gate, TokensError> {
        let tokens = api.tokens.clone().map(access::file::watch);
        if let Some(tokens) = &tokens {
            let fail = |why| TokensError { path: tokens.path().to_path_buf(), why };
            let count = tokens.look().map_err(fail)?.into_value().entries().len();
            info!(file = %tokens.path().display(), count, "tokens are needed for the API");
        }
        let hosts = Hosts::new(api.hosts.clone(), !api.listen.ip().is_loopback());
        let reports = Mutex::new(RateLimit::new(LOGGED, MINUTE));
        Ok(Gate { hosts, tokens, clients: api.clients.clone(), clock, reports })
    }

    /// One for a service that is asked over the socket in the folder of its state alone.
    pub fn for_owner(clock: Arc<dyn Clock>) -> Gate {
        let reports = Mutex::new(RateLimit::new(LOGGED, MINUTE));
        Gate { hosts: Hosts::new(Vec::new(), false), tokens: None, clients: Vec::new(), clock, reports }
    }

    /// Who sends a request, if it is for this service at all.
    ///
    /// # Errors
    /// When it is for another one.
    pub fn admit<B>(&self, peer: &Peer, request: &Request<B>) -> Result<Asker, Problem> {
        let (certificate, from) = match peer {
            Peer::Owner => (None, None),
            Peer::Network { address, certificate } => {
                self.check_hosts(request)?;
                (certificate.as_deref(), Some(address.ip().to_canonical().to_string()))
            }
        };
        let is_owner = matches!(peer, Peer::Owner);
        let shown = Shown { is_owner, certificate, bearer: bearer(request.headers()) };
        let tokens = self.tokens();
        let policy = Policy { tokens: tokens.as_deref(), clients: &self.clients };
        let who = access::who(&shown, policy, self.clock.now());
        if let Err(refused) = &who
            && *refused != Refused::Nothing
        {
            self.report(refused, from.as_deref());
        }
        Ok(Asker { who, from })
    }

    /// The tokens as they are now.
    fn tokens(&self) -> Option<Arc<TokenSet>> {
        let file = self.tokens.as_ref()?;
        Some(match file.look() {
            Ok(Look::Same(tokens)) => tokens,
            Ok(Look::Read(tokens)) => {
                info!(file = %file.path().display(), count = tokens.entries().len(), "the tokens were read again");
                tokens
            }
            Ok(Look::Kept { value, why, is_news }) => {
                if is_news {
                    error!(file = %file.path().display(), %why, "the tokens cannot be read again: those of before count on");
                }
                value
            }
            // They were read at the start.
            Err(_) => Arc::default(),
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
