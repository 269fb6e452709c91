//! Alerts by mail, over SMTP.
//!
//! Each attempt has a connection of its own, over which all its mails go. What the server takes for some recipients
//! only is sent to the others later; who has got a mail is remembered until it is through, so that it does not come
//! twice unless the service ends in between.

mod body;
mod message;
mod partly;
mod session;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lettre::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters};
use tracing::warn;

use crate::alert::notification::Notification;
use crate::outbox::Outgoing;
use crate::secret::{Secret, SecretError};

use crate::telemetry::causes;

use super::template::Template;
use super::{Attempt, DeliveryError, Sink, words};
use message::Addresses;
use partly::Partly;
use session::{Access, Outcome, Session};

/// Mails over one connection.
const MOST: usize = 16;

/// From when on a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Once the server has said that it can (RFC 3207).
    StartTls,
    /// From the beginning (RFC 8314).
    Implicit,
    /// Never.
    None,
}

/// What a sink for mail is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The server, whose certificate must have this name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// From when on the connection is encrypted.
    pub encryption: Encryption,
    /// The PEM file of the authorities that may vouch for the server; otherwise those of the system.
    pub ca: Option<PathBuf>,
    /// Who sends.
    pub from: Mailbox,
    /// Who gets it.
    pub to: Vec<Mailbox>,
    /// The template of subject lines.
    pub subject: Template,
    /// The name and the secret to log in with.
    pub login: Option<(String, Secret)>,
    /// How long connecting and logging in may take, and each mail.
    pub timeout: Duration,
}

/// Sends mails.
pub struct EmailSink {
    settings: Settings,
    tls: Option<TlsParameters>,
    addresses: Addresses,
    partly: Partly,
}

/// A sink for mail cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum EmailError {
    /// The authorities cannot be read.
    #[error("`tls_ca` names the file `{}`, which cannot be used: {why}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The password is not there.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The library refuses the settings.
    #[error("cannot prepare to send mails: {0}")]
    Tls(String),
}

impl EmailSink {
    /// Prepares to send. Connects to nothing yet.
    ///
    /// # Errors
    /// When the password is not there, or certificates cannot be read.
    pub fn open(settings: &Settings) -> Result<EmailSink, EmailError> {
        let tls = match settings.encryption {
            Encryption::None => None,
            Encryption::StartTls | Encryption::Implicit => Some(tls(settings)?),
        };
        if let Some((_, password)) = &settings.login {
            password.get()?;
        }
        let addresses = Addresses { from: settings.from.clone(), to: settings.to.clone() };
        Ok(EmailSink { settings: settings.clone(), tls, addresses, partly: Partly::default() })
    }

    async fn connect(&self) -> Result<Session, DeliveryError> {
        let Settings { host, port, encryption, login, timeout, .. } = &self.settings;
        let credentials = match login {
            None => None,
            Some((name, secret)) => Some(Credentials::new(name.clone(), secret.get()?.to_string())),
        };
        let access = Access {
            host,
            port: *port,
            encryption: *encryption,
            tls: self.tls.as_ref(),
            credentials,
            timeout: *timeout,
        };
        // Whatever goes wrong so far has nothing to do with what is to be sent.
        Session::open(access).await.map_err(|error| DeliveryError::Unreachable(causes(&error)))
    }

    async fn send(&self, session: &mut Session, alert: &Outgoing) -> Result<(), DeliveryError> {
        let notification = alert.notification()?;
        let mail = self.mail(&notification)?;
        let before = self.partly.of(&alert.id);
        let all = self.addresses.to.iter().map(|to| &to.email);
        let to: Vec<Address> = all.filter(|address| !before.contains(address)).cloned().collect();
        let outcome = session.send(&self.addresses.from.email, &to, &mail).await;
        self.note(&alert.id, before, outcome.map_err(|error| failure(&error))?)
    }

    fn mail(&self, notification: &Notification) -> Result<Vec<u8>, DeliveryError> {
        let line = self.settings.subject.render(notification).unwrap_or_else(|why| {
            warn!(id = %notification.id, %why, "the template of the subject line cannot be filled in: the headline stands for it");
            words::headline(notification)
        });
        message::message(notification, &self.addresses, &line, SystemTime::now())
            .map_err(|error| DeliveryError::Refused(error.to_string()))
    }

    /// What has come of a mail for those who had not got it `before`.
    fn note(&self, id: &str, mut before: Vec<Address>, outcome: Outcome) -> Result<(), DeliveryError> {
        let Outcome { taken, refused, later } = outcome;
        before.extend(taken);
        let is_taken = !before.is_empty();
        if let Some((address, error)) = later.into_iter().next() {
            self.partly.remember(id, before);
            return Err(DeliveryError::NotNow(format!("{address}: {}", causes(&error))));
        }
        self.partly.forget(id);
        for (address, error) in &refused {
            let why = causes(error);
            warn!(%id, %address, %why, "the server for mail does not take a recipient");
        }
        match refused.into_iter().next() {
            Some((address, error)) if !is_taken => {
                Err(DeliveryError::Refused(format!("{address}: {}", causes(&error))))
            }
            _ => Ok(()),
        }
    }

    /// Gives up when the server says nothing more.
    async fn in_time<T>(
        &self,
        what: impl Future<Output = Result<T, DeliveryError>>,
    ) -> Result<T, DeliveryError> {
        let late = || Err(DeliveryError::Unreachable("no answer in time".into()));
        tokio::time::timeout(self.settings.timeout, what).await.unwrap_or_else(|_| late())
    }
}

/// What an answer to a mail means: 4xx later, 5xx never (RFC 5321, 4.2.1).
fn failure(error: &Error) -> DeliveryError {
    let reason = causes(error);
    match error.status().map(u16::from) {
        Some(500..) => DeliveryError::Refused(reason),
        // A server that takes leave says nothing of the mail.
        Some(421) | None => DeliveryError::Unreachable(reason),
        Some(_) => DeliveryError::NotNow(reason),
    }
}

fn tls(settings: &Settings) -> Result<TlsParameters, EmailError> {
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(path) = &settings.ca {
        let fail = |why: String| EmailError::Authorities { path: path.clone(), why };
        let pem = std::fs::read(path).map_err(|error| fail(error.to_string()))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| fail(causes(&error)))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    builder.build().map_err(|error| EmailError::Tls(causes(&error)))
}

impl Sink for EmailSink {
    fn most(&self) -> usize {
        MOST
    }

    async fn deliver(&self, alerts: &[Arc<Outgoing>]) -> Attempt {
        let mut session = match self.in_time(self.connect()).await {
            Ok(session) => session,
            Err(error) => return Attempt { delivered: 0, failure: Some(error) },
        };
        let mut attempt = Attempt::all(alerts.len());
        for (delivered, alert) in alerts.iter().enumerate() {
            if let Err(failure) = self.in_time(self.send(&mut session, alert)).await {
                attempt = Attempt { delivered, failure: Some(failure) };
                break;
            }
        }
        session.close().await;
        attempt
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::examples::{firing, outgoing};
    use crate::sink::template::Makes;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_nothing_is_given_up_in_time() {
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mailbox = |text: &str| text.parse().expect("an address");
        let settings = Settings {
            host: "127.0.0.1".into(),
            port: server.local_addr().expect("an address").port(),
            encryption: Encryption::None,
            ca: None,
            from: mailbox("a@example.com"),
            to: vec![mailbox("b@example.com")],
            subject: Template::new("s", Makes::Text, &firing()).expect("it is one"),
            login: None,
            timeout: Duration::from_secs(30),
        };
        let sink = EmailSink::open(&settings).expect("it is right");
        let begun = tokio::time::Instant::now();
        let attempt = sink.deliver(&[outgoing(&firing())]).await;
        assert_eq!((attempt.delivered, begun.elapsed()), (0, Duration::from_secs(30)));
        assert!(attempt.failure.is_some_and(|failure| failure.is_of_sink()));
    }
}
