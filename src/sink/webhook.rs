//! Alerts by HTTP: one POST with the alert's JSON object as its body for each.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};

use crate::outbox::Outgoing;

use super::{Attempt, DeliveryError, Sink};

/// How much of an answer is read, so that its connection can be used again.
const READ_ANSWER: usize = 64 << 10;
/// How much of an answer that is no success is shown in the log.
const SHOWN_ANSWER: usize = 200;
/// By this header, receivers can drop an alert that is delivered again. The name is that of the
/// IETF's draft "The Idempotency-Key HTTP Header Field".
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What a webhook is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to send to.
    pub url: Url,
    /// Longest time for one attempt, from the connection to the end of the answer.
    pub timeout: Duration,
}

/// Posts alerts to a URL.
#[derive(Debug)]
pub struct WebhookSink {
    client: Client,
    url: Url,
}

/// A client cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot prepare to send by HTTP: {0}; does the system have certificates (`ca-certificates`)?")]
pub struct ClientError(String);

impl WebhookSink {
    /// Prepares to send. Connects to nothing yet.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn new(settings: &Settings) -> Result<WebhookSink, ClientError> {
        Ok(WebhookSink { client: client(&settings.url, settings.timeout)?, url: settings.url.clone() })
    }

    async fn post(&self, alert: &Outgoing) -> Result<(), DeliveryError> {
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(IDEMPOTENCY_KEY, &alert.id)
            .body(alert.body.clone());
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let retry_after = wait_asked_for(&response);
        // The status says it all; an answer that breaks off does not change it.
        let answer = read_answer(response).await;
        if status.is_success() {
            return Ok(());
        }
        Err(DeliveryError::Status { status: status.as_u16(), retry_after, answer })
    }
}

/// What sends requests to `url`; each may take as long as `timeout`, to the end of its answer.
///
/// # Errors
/// When the system's certificates cannot be read.
pub fn client(url: &Url, timeout: Duration) -> Result<Client, ClientError> {
    // The first caller decides which implementation of TLS the process uses; a second call
    // changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut client = Client::builder()
        .timeout(timeout)
        .redirect(Policy::none())
        .user_agent(concat!("tripline/", env!("CARGO_PKG_VERSION")));
    if url.scheme() == "http" {
        // No one's certificate will be asked for, so a system without any is good enough.
        client = client.tls_certs_only([]);
    }
    client.build().map_err(|error| ClientError(causes(&error)))
}

impl Sink for WebhookSink {
    fn most(&self) -> usize {
        1
    }

    async fn deliver(&mut self, alerts: &[Arc<Outgoing>]) -> Attempt {
        let Some(alert) = alerts.first() else { return Attempt { delivered: 0, failure: None } };
        match self.post(alert).await {
            Ok(()) => Attempt { delivered: 1, failure: None },
            Err(failure) => Attempt { delivered: 0, failure: Some(failure) },
        }
    }
}

/// Without the URL, which may hold a secret.
fn unreachable(error: reqwest::Error) -> DeliveryError {
    if error.is_timeout() {
        return DeliveryError::Unreachable("no answer in time".into());
    }
    DeliveryError::Unreachable(causes(&error.without_url()))
}

/// An error with what caused it. Some libraries repeat the cause in their own text.
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

async fn read_answer(mut response: Response) -> String {
    let mut shown = Vec::new();
    let mut read = 0;
    while read < READ_ANSWER
        && let Ok(Some(piece)) = response.chunk().await
    {
        read += piece.len();
        let room = SHOWN_ANSWER.saturating_sub(shown.len());
        shown.extend_from_slice(&piece[..piece.len().min(room)]);
    }
    String::from_utf8_lossy(&shown).trim().to_string()
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
