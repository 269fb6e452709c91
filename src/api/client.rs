//! Asks the service that uses the folder of a state, over its socket.

use std::path::Path;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, RequestBuilder, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::archive::Query;
use crate::routing::{NewSilence, Settled, Silence};
use crate::runtime::control::StateQuery;
use crate::runtime::control::view::StateView;
use crate::runtime::outbox::{Done, Order, OutboxView, Which};
use crate::runtime::routing::desk::Said;
use crate::runtime::savepoints::Saved;

use super::alerts::view::{AlertPage, WholeAlert};
use super::outbox::Enable;
use super::problem::Sent;
use super::savepoints::Wanted;
use super::socket::{self, SocketPath};

/// How long an answer that takes no writing may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The largest answer that is read.
const MOST: usize = 64 << 20;

/// A service that runs.
pub struct Client {
    http: reqwest::Client,
    /// It has to be there as long as it is connected through.
    socket: SocketPath,
}

/// Why there is no answer, or none that was wanted.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The service says no.
    #[error("{0}")]
    Refused(String),
    /// It does not answer, or not so that it can be understood.
    #[error("the service behind {socket} does not answer as it should: {why}; look at its log")]
    Silent {
        /// Its socket.
        socket: String,
        /// What is wrong.
        why: String,
    },
}

impl Client {
    /// The service that uses the folder of a state, if one runs.
    ///
    /// # Errors
    /// When the means to ask cannot be had.
    pub fn find(state: &Path) -> Result<Option<Client>, ClientError> {
        let Some(socket) = socket::find(state) else { return Ok(None) };
        match over(&socket).build() {
            Ok(http) => Ok(Some(Client { http, socket })),
            Err(error) => Err(silent(&socket, &error)),
        }
    }

    /// Partial matches.
    ///
    /// # Errors
    /// When the service does not give them.
    pub async fn state(&self, query: &StateQuery) -> Result<StateView, ClientError> {
        let mut url = url("/v1/state");
        {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("limit", &query.limit.to_string());
            let rule = query.rule.iter().map(|rule| ("rule", rule));
            pairs.extend_pairs(rule.chain(query.key.iter().map(|key| ("key", key))));
        }
        self.ask(self.http.get(url).timeout(PATIENCE)).await
    }

    /// Makes a savepoint, which takes as long as the disk does.
    ///
    /// # Errors
    /// When the service does not make it.
    pub async fn savepoint(&self, name: Option<&str>) -> Result<Saved, ClientError> {
        self.post(url("/v1/savepoints"), &Wanted { name: name.map(str::to_owned) }).await
    }

    /// What waits for sinks and what was given up, so many of each at most.
    ///
    /// # Errors
    /// When the service does not say it.
    pub async fn outbox(&self, which: &Which, most: usize) -> Result<OutboxView, ClientError> {
        let Which { sink, rule, before, ids } = which;
        let before = before.map(|before| before.to_string());
        let mut url = url("/v1/outbox");
        {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("limit", &most.to_string());
            for (name, value) in [("sink", sink), ("rule", rule), ("before", &before)] {
                pairs.extend_pairs(value.iter().map(|value| (name, value)));
            }
            pairs.extend_pairs(ids.iter().map(|id| ("id", id)));
        }
        self.ask(self.http.get(url).timeout(PATIENCE)).await
    }

    /// Alerts.
    ///
    /// # Errors
    /// When the service does not give them.
    pub async fn alerts(&self, query: &Query, limit: usize) -> Result<AlertPage, ClientError> {
        let Query { rules, severities, kinds, keys, text, since, until, reason, statuses } = query;
        let mut url = url("/v1/alerts");
        {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("limit", &limit.to_string());
            pairs.extend_pairs(rules.iter().map(|rule| ("rule", rule)));
            pairs.extend_pairs(severities.iter().map(|severity| ("severity", severity.name())));
            pairs.extend_pairs(kinds.iter().map(|kind| ("kind", kind.name())));
            pairs.extend_pairs(keys.iter().map(|key| ("key", key)));
            pairs.extend_pairs(text.iter().map(|text| ("text", text)));
            pairs.extend_pairs(since.iter().map(|since| ("since", since.to_string())));
            pairs.extend_pairs(until.iter().map(|until| ("until", until.to_string())));
            pairs.extend_pairs(reason.iter().map(|reason| ("reason", reason)));
            pairs.extend_pairs(statuses.iter().map(|status| ("status", status.name())));
        }
        self.ask(self.http.get(url).timeout(PATIENCE)).await
    }

    /// Has something done with what was given up, or with a sink.
    ///
    /// # Errors
    /// When the service does not do it.
    pub async fn order(&self, order: &Order) -> Result<Done, ClientError> {
        match order {
            Order::Retry(which) => self.post(url("/v1/outbox/retry"), which).await,
            Order::Drop(which) => self.post(url("/v1/outbox/drop"), which).await,
            Order::Hurry(which) => self.post(url("/v1/outbox/waiting/retry"), which).await,
            Order::Discard(which) => self.post(url("/v1/outbox/waiting/drop"), which).await,
            Order::Enable(sink) => self.post(url("/v1/sinks/enable"), &Enable { sink: sink.clone() }).await,
        }
    }

    /// All of an alert.
    ///
    /// # Errors
    /// When there is none, or the service does not say it.
    pub async fn alert(&self, id: &str) -> Result<WholeAlert, ClientError> {
        self.ask(self.http.get(of("alerts", id, &[])).timeout(PATIENCE)).await
    }

    /// Says something of an alert: `ack` or `resolve`.
    ///
    /// # Errors
    /// When there is none, or the service does not take it.
    pub async fn say(&self, id: &str, what: &str, said: &Said) -> Result<Settled, ClientError> {
        self.post(of("alerts", id, &[what]), said).await
    }

    /// The silences that there are.
    ///
    /// # Errors
    /// When the service does not say it.
    pub async fn silences(&self) -> Result<Vec<Silence>, ClientError> {
        let list: super::silences::List =
            self.ask(self.http.get(url("/v1/silences")).timeout(PATIENCE)).await?;
        Ok(list.silences)
    }

    /// Makes a silence.
    ///
    /// # Errors
    /// When the service does not make it.
    pub async fn silence(&self, wanted: &NewSilence) -> Result<Silence, ClientError> {
        self.post(url("/v1/silences"), wanted).await
    }

    /// Ends a silence.
    ///
    /// # Errors
    /// When there is none, or the service does not end it.
    pub async fn end_silence(&self, id: &str, said: &Said) -> Result<Silence, ClientError> {
        self.post(of("silences", id, &["end"]), said).await
    }

    async fn post<T: DeserializeOwned>(&self, url: Url, body: &impl Serialize) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).expect("plain data can be written as JSON");
        self.ask(self.http.post(url).header("content-type", super::answer::JSON).body(body)).await
    }

    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let answer = request.send().await.map_err(|error| silent(&self.socket, &error))?;
        let status = answer.status();
        let body = body(answer).await.map_err(|error| silent(&self.socket, &error))?;
        let body = body.ok_or_else(|| self.strange("the answer has no end".into()))?;
        if !status.is_success() {
            return Err(match serde_json::from_slice::<Sent>(&body) {
                Ok(problem) => ClientError::Refused(problem.detail),
                Err(_) => self.strange(format!("it says {status}")),
            });
        }
        serde_json::from_slice(&body)
            .map_err(|error| self.strange(format!("{error}; is it of another version than this program?")))
    }

    fn strange(&self, why: String) -> ClientError {
        ClientError::Silent { socket: self.socket.shown.display().to_string(), why }
    }
}

/// What asks over a socket.
pub(super) fn over(socket: &SocketPath) -> ClientBuilder {
    // Nothing is encrypted there, so that no authority is needed.
    asking().unix_socket(socket.used.as_path()).tls_certs_only([])
}

/// What asks a service.
pub(super) fn asking() -> ClientBuilder {
    // The first caller decides which implementation of TLS the process uses; a second call changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .user_agent(concat!("tripline/", env!("CARGO_PKG_VERSION")))
}

/// The body of an answer; `None`: it has no end.
pub(super) async fn body(mut answer: Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await? {
        body.extend_from_slice(&piece);
        if body.len() > MOST {
            return Ok(None);
        }
    }
    Ok(Some(body))
}

/// The last of the causes of an error, which says most.
pub(super) fn cause(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.last().map(ToString::to_string).unwrap_or_default()
}

/// The host is of no meaning over a socket, but something has to stand there.
fn url(path: &str) -> Url {
    let mut url = Url::parse("http://localhost").expect("it is a URL");
    url.set_path(path);
    url
}

/// The path of something by its id.
fn of(what: &str, id: &str, more: &[&str]) -> Url {
    let mut url = url("/v1");
    if let Ok(mut path) = url.path_segments_mut() {
        path.push(what).push(id).extend(more);
    }
    url
}

fn silent(socket: &SocketPath, error: &reqwest::Error) -> ClientError {
    ClientError::Silent { socket: socket.shown.display().to_string(), why: cause(error) }
}
