//! Alerts for Prometheus Alertmanager, several in a request.

mod alert;

use std::sync::Arc;

use jiff::Timestamp;
use reqwest::Url;

use crate::outbox::Outgoing;
use crate::secret::Secret;

use super::http::{self, Http};
use super::{Again, Attempt, DeliveryError, OpenError, Sink};
pub use alert::{Labelling, label_name};

/// Notifications in one request.
const MOST: usize = 64;

/// What a sink for Alertmanager is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where its API takes alerts: `…/api/v2/alerts`.
    pub url: Url,
    /// Who asks, where a proxy in front of it wants to know.
    pub login: Option<Login>,
    /// What alerts look like.
    pub labelling: Labelling,
    /// How to send.
    pub http: http::Settings,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// Whoever has this token.
    Bearer(Secret),
    /// A name with its password.
    Basic(String, Secret),
}

/// Posts alerts.
#[derive(Debug)]
pub struct AlertmanagerSink {
    http: Http,
    settings: Settings,
}

impl AlertmanagerSink {
    /// Prepares to send. Connects to nothing yet.
    ///
    /// # Errors
    /// When a secret is not there, or certificates cannot be read.
    pub fn open(settings: &Settings) -> Result<AlertmanagerSink, OpenError> {
        match &settings.login {
            Some(Login::Bearer(secret) | Login::Basic(_, secret)) => drop(secret.get()?),
            None => {}
        }
        Ok(AlertmanagerSink { http: Http::new(&settings.http, &settings.url)?, settings: settings.clone() })
    }

    async fn post(&self, alerts: &[Arc<Outgoing>]) -> Result<(), DeliveryError> {
        let now = Timestamp::now();
        let mut document = Vec::new();
        for alert in alerts {
            document.extend(alert::alerts(&alert.notification()?, &self.settings.labelling, now));
        }
        let request = self.http.post_json(self.settings.url.clone(), &document)?;
        let request = match &self.settings.login {
            None => request,
            Some(Login::Bearer(token)) => request.bearer_auth(token.get()?),
            Some(Login::Basic(name, password)) => request.basic_auth(name, Some(password.get()?)),
        };
        self.http.send(request).await
    }
}

impl Sink for AlertmanagerSink {
    fn most(&self) -> usize {
        MOST
    }

    async fn deliver(&self, alerts: &[Arc<Outgoing>]) -> Attempt {
        match self.post(alerts).await {
            Ok(()) => Attempt::all(alerts.len()),
            // One that it does not take stands for all of the request: it is found by itself.
            Err(failure) if failure.again() == Again::Never && alerts.len() > 1 => {
                Attempt::of_one(self.post(&alerts[..1]).await)
            }
            Err(failure) => Attempt { delivered: 0, failure: Some(failure) },
        }
    }
}
