//! Alerts by HTTP: one POST with the alert's JSON object as its body for each.

use std::sync::Arc;

use reqwest::header::CONTENT_TYPE;

use crate::outbox::Outgoing;
use crate::secret::Secret;

use super::http::{self, Http, Target};
use super::{Attempt, DeliveryError, OpenError, Sink};

/// By this header, receivers can drop an alert that is delivered again. The name is that of the
/// IETF's draft "The Idempotency-Key HTTP Header Field".
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What a webhook is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to send to: a URL.
    pub url: Secret,
    /// How to send.
    pub http: http::Settings,
}

/// Posts alerts to a URL.
#[derive(Debug)]
pub struct WebhookSink {
    http: Http,
    target: Target,
}

impl WebhookSink {
    /// Prepares to send. Connects to nothing yet.
    ///
    /// # Errors
    /// When there is no URL, or certificates cannot be read.
    pub fn open(settings: &Settings) -> Result<WebhookSink, OpenError> {
        let target = Target(settings.url.clone());
        let http = Http::new(&settings.http, &target.url()?)?;
        Ok(WebhookSink { http, target })
    }

    async fn post(&self, alert: &Outgoing) -> Result<(), DeliveryError> {
        let request = self
            .http
            .post(self.target.url()?)
            .header(CONTENT_TYPE, "application/json")
            .header(IDEMPOTENCY_KEY, &alert.id)
            .body(alert.body.clone());
        self.http.send(request).await
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
}
