//! HTTP as sinks speak it: requests that end in time and follow nobody, and what their answers mean.

pub mod addresses;
mod target;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, RequestBuilder, Response, Url};
use serde::Serialize;

use crate::telemetry::causes;

use super::DeliveryError;
use addresses::Resolver;

pub use target::{Target, TargetError};

/// How much of an answer is read, so that its connection can be used again.
const READ_ANSWER: usize = 64 << 10;
/// How much of an answer that is no success is shown in the log.
const SHOWN_ANSWER: usize = 200;

/// How a sink sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Longest time for one attempt, from the connection to the end of the answer.
    pub timeout: Duration,
    /// The PEM file of the authorities that may vouch for the receiver; otherwise those of the system.
    pub ca: Option<PathBuf>,
    /// Which addresses may be sent to.
    pub addresses: addresses::Rule,
}

/// Sends requests.
#[derive(Clone, Debug)]
pub struct Http {
    client: Client,
    addresses: addresses::Rule,
}

/// A client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The system has no certificates, or something else is not there.
    #[error("cannot prepare to send by HTTP: {0}; does the system have certificates (`ca-certificates`)?")]
    System(String),
    /// The address may not be sent to.
    #[error("nothing may be sent there: {0}")]
    Address(#[from] addresses::Refusal),
    /// The certificates of the authorities cannot be read.
    #[error("`tls_ca` names the file `{}`, which cannot be used: {why}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl Http {
    /// Prepares to send to receivers such as `url`. Connects to nothing yet.
    ///
    /// # Errors
    /// When certificates cannot be read, or the address of `url` may not be sent to.
    pub fn new(settings: &Settings, url: &Url) -> Result<Http, ClientError> {
        let addresses = &settings.addresses;
        addresses.judge_url(url)?;
        let resolver = Arc::new(Resolver(addresses.clone()));
        let client = builder(url).timeout(settings.timeout).dns_resolver(resolver);
        // A proxy would resolve names by itself.
        let client = if addresses.allows_proxy() { client } else { client.no_proxy() };
        let client = match &settings.ca {
            Some(path) => client.tls_certs_only(authorities(path)?),
            None => client,
        };
        Ok(Http { client: build(client)?, addresses: addresses.clone() })
    }

    /// A request that can be completed and sent.
    ///
    /// # Errors
    /// When the address of the URL may not be sent to.
    pub fn post(&self, url: Url) -> Result<RequestBuilder, DeliveryError> {
        // It may be another one than at the start.
        let judged = self.addresses.judge_url(&url);
        judged.map_err(|refusal| DeliveryError::NotReady(format!("nothing may be sent there: {refusal}")))?;
        Ok(self.client.post(url))
    }

    /// The same with a JSON document as the body.
    ///
    /// # Errors
    /// When the address of the URL may not be sent to.
    pub fn post_json(&self, url: Url, document: &impl Serialize) -> Result<RequestBuilder, DeliveryError> {
        let body = serde_json::to_string(document).expect("documents for receivers have text for keys");
        Ok(self.post(url)?.header(CONTENT_TYPE, "application/json").body(body))
    }

    /// Sends a request. Any answer of 2xx is success.
    ///
    /// # Errors
    /// When there is another answer or none.
    pub async fn send(&self, request: RequestBuilder) -> Result<(), DeliveryError> {
        self.ask(request).await.map(drop)
    }

    /// The same for receivers of which a success has to be read. Gives the answer, as far as it is read.
    ///
    /// # Errors
    /// When there is another answer or none.
    pub async fn ask(&self, request: RequestBuilder) -> Result<String, DeliveryError> {
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let retry_after = wait_asked_for(&response);
        // The status says it all; an answer that breaks off does not change it.
        let answer = read_answer(response).await;
        if status.is_success() {
            return Ok(answer);
        }
        let answer = shown(&answer);
        Err(DeliveryError::Status { status: status.as_u16(), retry_after, answer })
    }
}

/// What sends requests to `url`; each may take as long as `timeout`, to the end of its answer.
///
/// # Errors
/// When the system's certificates cannot be read.
pub fn client(url: &Url, timeout: Duration) -> Result<Client, ClientError> {
    build(builder(url).timeout(timeout))
}

fn builder(url: &Url) -> ClientBuilder {
    // The first caller decides which implementation of TLS the process uses; a second call
    // changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .redirect(Policy::none())
        .user_agent(concat!("tripline/", env!("CARGO_PKG_VERSION")));
    match url.scheme() {
        // No one's certificate will be asked for, so a system without any is good enough.
        "http" => client.tls_certs_only([]),
        _ => client,
    }
}

fn build(client: ClientBuilder) -> Result<Client, ClientError> {
    client.build().map_err(|error| ClientError::System(causes(&error)))
}

fn authorities(path: &PathBuf) -> Result<Vec<Certificate>, ClientError> {
    let fail = |why: String| ClientError::Authorities { path: path.clone(), why };
    let pem = std::fs::read(path).map_err(|error| fail(error.to_string()))?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|error| fail(causes(&error)))?;
    if found.is_empty() { Err(fail("there is no certificate in it".into())) } else { Ok(found) }
}

/// Without the URL, which may hold a secret.
fn unreachable(error: reqwest::Error) -> DeliveryError {
    if error.is_timeout() {
        return DeliveryError::Unreachable("no answer in time".into());
    }
    DeliveryError::Unreachable(causes(&error.without_url()))
}

async fn read_answer(mut response: Response) -> String {
    let mut answer = Vec::new();
    while answer.len() < READ_ANSWER
        && let Ok(Some(piece)) = response.chunk().await
    {
        let room = READ_ANSWER - answer.len();
        answer.extend_from_slice(&piece[..piece.len().min(room)]);
    }
    String::from_utf8_lossy(&answer).trim().to_string()
}

/// The beginning of an answer.
fn shown(answer: &str) -> String {
    answer.chars().take(SHOWN_ANSWER).collect()
}

fn wait_asked_for(response: &Response) -> Option<Duration> {
    retry_after(response.headers().get(RETRY_AFTER)?.to_str().ok()?, SystemTime::now())
}

/// The wait that a `Retry-After` header asks for: a number of seconds or a date.
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    // A date that has passed asks for no wait.
    Some(SystemTime::from(date).duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_a_number_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_420);
        let wait = |text| retry_after(text, now);
        assert_eq!(wait("120"), Some(Duration::from_secs(120)));
        assert_eq!(wait("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(wait("Wed, 21 Oct 2015 07:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("-5"), None);
    }
}
