//! Alerts into a channel of Slack, by an incoming webhook or, with the token of a bot, by `chat.postMessage`.

mod message;

use std::sync::Arc;

use reqwest::Url;
use serde::Deserialize;

use crate::outbox::Outgoing;
use crate::secret::Secret;

use super::http::{self, Http, Target};
use super::{Attempt, DeliveryError, OpenError, Sink};

/// Where Slack takes messages of bots.
pub const API: &str = "https://slack.com/api/chat.postMessage";

/// What a sink for Slack is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How to get into the channel.
    pub way: Way,
    /// How to send.
    pub http: http::Settings,
}

/// How messages get into a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// By the URL of an incoming webhook, which has its channel.
    Webhook(Target),
    /// As a bot.
    Bot {
        /// The address of `chat.postMessage`.
        url: Url,
        /// The bot's token.
        token: Secret,
        /// The channel's id, or its name.
        channel: String,
    },
}

/// Posts messages.
#[derive(Debug)]
pub struct SlackSink {
    http: Http,
    way: Way,
}

impl SlackSink {
    /// Prepares to send. Connects to nothing yet.
    ///
    /// # Errors
    /// When a secret is not there, or certificates cannot be read.
    pub fn open(settings: &Settings) -> Result<SlackSink, OpenError> {
        let url = match &settings.way {
            Way::Webhook(target) => target.url()?,
            Way::Bot { url, token, .. } => {
                token.get()?;
                url.clone()
            }
        };
        Ok(SlackSink { http: Http::new(&settings.http, &url)?, way: settings.way.clone() })
    }

    async fn post(&self, alert: &Outgoing) -> Result<(), DeliveryError> {
        let notification = alert.notification()?;
        match &self.way {
            Way::Webhook(target) => {
                let message = message::message(&notification, None);
                self.http.send(self.http.post_json(target.url()?, &message)?).await
            }
            Way::Bot { url, token, channel } => {
                let message = message::message(&notification, Some(channel));
                let request = self.http.post_json(url.clone(), &message)?.bearer_auth(token.get()?);
                verdict(&self.http.ask(request).await?)
            }
        }
    }
}

/// What an answer with the status 200 says: Slack tells failures in the body.
fn verdict(answer: &str) -> Result<(), DeliveryError> {
    #[derive(Deserialize)]
    struct Answer {
        ok: bool,
        #[serde(default)]
        error: String,
    }
    let Ok(Answer { ok, error }) = serde_json::from_str(answer) else {
        return Err(DeliveryError::Unreachable("the answer is none of Slack's API".into()));
    };
    if ok {
        return Ok(());
    }
    let reason = format!("Slack's answer was `{}`", error.chars().take(100).collect::<String>());
    Err(match &*error {
        // These are about the message, and the next one may be taken.
        "invalid_blocks"
        | "invalid_blocks_format"
        | "invalid_arguments"
        | "msg_too_long"
        | "no_text"
        | "msg_blocks_too_long"
        | "restricted_action" => DeliveryError::Refused(reason),
        "ratelimited"
        | "rate_limited"
        | "message_limit_exceeded"
        | "internal_error"
        | "fatal_error"
        | "service_unavailable"
        | "request_timeout" => DeliveryError::Unreachable(reason),
        // The token or the channel: somebody has to mend it, and until then nothing is lost.
        _ => DeliveryError::NotReady(reason),
    })
}

impl Sink for SlackSink {
    fn most(&self) -> usize {
        1
    }

    async fn deliver(&self, alerts: &[Arc<Outgoing>]) -> Attempt {
        let Some(alert) = alerts.first() else { return Attempt::all(0) };
        Attempt::of_one(self.post(alert).await)
    }

    fn receiver(&self) -> Vec<u8> {
        match &self.way {
            Way::Webhook(target) => target.receiver(),
            Way::Bot { .. } => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Again;

    #[test]
    fn slack_tells_failures_in_the_body() {
        let failure = |answer: &str| verdict(answer).expect_err("it failed");
        assert!(verdict(r#"{"ok":true,"channel":"C1","ts":"1.2","message":{}}"#).is_ok());
        for (error, again, of_sink) in [
            ("invalid_blocks", Again::Never, false),
            ("ratelimited", Again::Later, true),
            ("invalid_auth", Again::Later, true),
            ("channel_not_found", Again::Later, true),
            ("something_new", Again::Later, true),
        ] {
            let failure = failure(&format!(r#"{{"ok":false,"error":"{error}"}}"#));
            assert_eq!((failure.again(), failure.is_of_sink()), (again, of_sink), "{error}");
            assert_eq!(failure.to_string(), format!("Slack's answer was `{error}`"));
        }
        assert!(failure("<html>maintenance</html>").is_of_sink());
    }
}
