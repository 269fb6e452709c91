//! Alerts into a channel or chat of Microsoft Teams, by the webhook of a workflow.

mod message;

use std::sync::Arc;

use crate::outbox::Outgoing;

use super::http::{self, Http, Target};
use super::{Attempt, DeliveryError, OpenError, Sink};

/// What a sink for Teams is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The URL of the workflow.
    pub url: Target,
    /// How to send.
    pub http: http::Settings,
}

/// Posts cards.
#[derive(Debug)]
pub struct TeamsSink {
    http: Http,
    target: Target,
}

impl TeamsSink {
    /// Prepares to send. Connects to nothing yet.
    ///
    /// # Errors
    /// When there is no URL, or certificates cannot be read.
    pub fn open(settings: &Settings) -> Result<TeamsSink, OpenError> {
        let target = settings.url.clone();
        Ok(TeamsSink { http: Http::new(&settings.http, &target.url()?)?, target })
    }

    async fn post(&self, alert: &Outgoing) -> Result<(), DeliveryError> {
        let message = message::message(&alert.notification()?);
        self.http.send(self.http.post_json(self.target.url()?, &message)?).await
    }
}

impl Sink for TeamsSink {
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
