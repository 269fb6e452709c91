//! Alerts as incidents of PagerDuty, by its Events API v2.

mod event;

use std::sync::Arc;

use reqwest::Url;

use crate::outbox::Outgoing;
use crate::secret::Secret;

use super::http::{self, Http};
use super::{Attempt, DeliveryError, OpenError, Sink};

/// Where PagerDuty takes events; accounts in the European Union have another.
pub const API: &str = "https://events.pagerduty.com/v2/enqueue";

/// What a sink for PagerDuty is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to send to.
    pub url: Url,
    /// The key of the integration.
    pub routing_key: Secret,
    /// What incidents name as where they come from.
    pub source: String,
    /// How to send.
    pub http: http::Settings,
}

/// Sends events.
#[derive(Debug)]
pub struct PagerDutySink {
    http: Http,
    settings: Settings,
}

impl PagerDutySink {
    /// Prepares to send. Connects to nothing yet.
    ///
    /// # Errors
    /// When there is no key, or certificates cannot be read.
    pub fn open(settings: &Settings) -> Result<PagerDutySink, OpenError> {
        settings.routing_key.get()?;
        Ok(PagerDutySink { http: Http::new(&settings.http, &settings.url)?, settings: settings.clone() })
    }

    async fn send(&self, alert: &Outgoing) -> Result<(), DeliveryError> {
        let Settings { url, routing_key, source, .. } = &self.settings;
        let event = event::event(&alert.notification()?, &routing_key.get()?, source);
        self.http.send(self.http.post_json(url.clone(), &event)?).await
    }
}

impl Sink for PagerDutySink {
    fn most(&self) -> usize {
        1
    }

    async fn deliver(&self, alerts: &[Arc<Outgoing>]) -> Attempt {
        let Some(alert) = alerts.first() else { return Attempt::all(0) };
        Attempt::of_one(self.send(alert).await)
    }
}
