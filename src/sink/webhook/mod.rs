//! Alerts by HTTP: a POST for each, after the Standard Webhooks specification (<https://www.standardwebhooks.com>).

mod signature;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::outbox::Outgoing;
use crate::secret::Secret;

use super::http::{self, Http, Target};
use super::template::Template;
use super::{Attempt, DeliveryError, OpenError, Sink};

pub use signature::BadSecret;
use signature::Keys;

/// The alert's id, the same at every attempt.
const ID: HeaderName = HeaderName::from_static("webhook-id");
/// The time of the attempt, in seconds since 1970.
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// Who has sent it.
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
/// By this header, receivers can drop an alert that is delivered again. The name is that of the
/// IETF's draft "The Idempotency-Key HTTP Header Field".
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Headers that the configuration may not set.
pub const OWN_HEADERS: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "idempotency-key",
    "te",
    "transfer-encoding",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
];

/// What a webhook is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to send to: a URL.
    pub url: Secret,
    /// The secrets to sign with, with spaces between; `None`: nothing is signed.
    pub secret: Option<Secret>,
    /// More headers.
    pub headers: Vec<(HeaderName, Secret)>,
    /// What makes the body; `None`: it is what waits in the outbox.
    pub template: Option<Template>,
    /// How to send.
    pub http: http::Settings,
}

/// Posts alerts to a URL.
#[derive(Debug)]
pub struct WebhookSink {
    http: Http,
    target: Target,
    settings: Settings,
}

impl WebhookSink {
    /// Prepares to send. Connects to nothing yet.
    ///
    /// # Errors
    /// When there is no URL, a secret is missing or of no use, or certificates cannot be read.
    pub fn open(settings: &Settings) -> Result<WebhookSink, OpenError> {
        let target = Target(settings.url.clone());
        let http = Http::new(&settings.http, &target.url()?)?;
        let sink = WebhookSink { http, target, settings: settings.clone() };
        sink.keys()?;
        sink.headers()?;
        Ok(sink)
    }

    async fn post(&self, alert: &Outgoing) -> Result<(), DeliveryError> {
        let headers = self.all_headers(alert).map_err(|error| DeliveryError::NotReady(error.to_string()))?;
        let body = self.body(alert)?;
        let now =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
        let keys = self.keys().map_err(|error| DeliveryError::NotReady(error.to_string()))?;
        let mut request = self.http.post(self.target.url()?)?.headers(headers).header(TIMESTAMP, now);
        if let Some(keys) = keys {
            request = request.header(SIGNATURE, keys.sign(&alert.id, now, body.as_bytes()));
        }
        self.http.send(request.body(body)).await
    }

    /// The headers but for those of the attempt.
    fn all_headers(&self, alert: &Outgoing) -> Result<HeaderMap, OpenError> {
        let mut headers = self.headers()?;
        let id = HeaderValue::from_str(&alert.id).map_err(|_| OpenError::Header { key: "id".into() })?;
        headers.insert(ID, id.clone());
        headers.insert(IDEMPOTENCY_KEY, id);
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        Ok(headers)
    }

    /// Those that the configuration says.
    fn headers(&self) -> Result<HeaderMap, OpenError> {
        let mut headers = HeaderMap::new();
        for (name, secret) in &self.settings.headers {
            let value = secret.get()?;
            let bad = || OpenError::Header { key: secret.key().to_owned() };
            let mut value = HeaderValue::from_str(&value).map_err(|_| bad())?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }

    fn keys(&self) -> Result<Option<Keys>, OpenError> {
        let Some(secret) = &self.settings.secret else { return Ok(None) };
        let bad = |why| OpenError::Signing { key: secret.key().to_owned(), why };
        Keys::read(&secret.get()?).map(Some).map_err(bad)
    }

    fn body(&self, alert: &Outgoing) -> Result<String, DeliveryError> {
        let Some(template) = &self.settings.template else { return Ok(alert.body.clone()) };
        let refused = |why: String| DeliveryError::Refused(format!("no body can be made of it: {why}"));
        let notification = alert.notification().map_err(|error| refused(error.to_string()))?;
        template.render(&notification).map_err(|error| refused(error.to_string()))
    }
}

impl Sink for WebhookSink {
    fn most(&self) -> usize {
        1
    }

    async fn deliver(&self, alerts: &[Arc<Outgoing>]) -> Attempt {
        let Some(alert) = alerts.first() else { return Attempt::all(0) };
        Attempt::of_one(self.post(alert).await)
    }

    fn receiver(&self) -> Vec<u8> {
        self.target.receiver()
    }
}
