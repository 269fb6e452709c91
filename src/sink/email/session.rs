//! A connection to a server for mail, over which one mail after the other is sent.
//!
//! Recipients are answered for one by one: a mail goes to those that the server takes, and who is refused is told
//! apart from who is to be tried again.

use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;

use super::Encryption;

/// How long taking leave may take.
const LEAVE: Duration = Duration::from_secs(1);

/// An open connection.
pub struct Session(AsyncSmtpConnection);

/// How a server is reached.
pub struct Access<'a> {
    /// Its name.
    pub host: &'a str,
    /// Its port.
    pub port: u16,
    /// From when on it is encrypted.
    pub encryption: Encryption,
    /// With what.
    pub tls: Option<&'a TlsParameters>,
    /// Who asks.
    pub credentials: Option<Credentials>,
    /// How long connecting and every answer may take.
    pub timeout: Duration,
}

/// What the server has said of a mail.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Those whom it has taken it for.
    pub taken: Vec<Address>,
    /// Those whom it will not take it for.
    pub refused: Vec<(Address, Error)>,
    /// Those whom it may take it for later.
    pub later: Vec<(Address, Error)>,
}

impl Session {
    /// Connects, encrypts, and says who it is.
    ///
    /// # Errors
    /// When any of it does not work. Without encryption that was asked for, nothing is said.
    pub async fn open(access: Access<'_>) -> Result<Session, Error> {
        let hello = ClientId::default();
        let at_once = access.tls.filter(|_| access.encryption == Encryption::Implicit).cloned();
        let server = (access.host, access.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(access.timeout), &hello, at_once, None).await?;
        if let (Encryption::StartTls, Some(tls)) = (access.encryption, access.tls) {
            connection.starttls(tls.clone(), &hello).await?;
        }
        if let Some(credentials) = access.credentials {
            connection.auth(DEFAULT_MECHANISMS, &credentials).await?;
        }
        Ok(Session(connection))
    }

    /// Sends a mail to those of the recipients for whom it is taken.
    ///
    /// # Errors
    /// When the server refuses it for all, or says nothing more.
    pub async fn send(&mut self, from: &Address, to: &[Address], mail: &[u8]) -> Result<Outcome, Error> {
        let Session(connection) = self;
        connection.command(Mail::new(Some(from.clone()), Vec::new())).await?;
        let mut outcome = Outcome::default();
        for address in to {
            match connection.command(Rcpt::new(address.clone(), Vec::new())).await {
                Ok(_) => outcome.taken.push(address.clone()),
                Err(error) if error.is_permanent() => outcome.refused.push((address.clone(), error)),
                Err(error) if error.is_transient() => outcome.later.push((address.clone(), error)),
                Err(error) => return Err(error),
            }
        }
        if outcome.taken.is_empty() {
            connection.command(Rset).await?;
            return Ok(outcome);
        }
        connection.command(Data).await?;
        connection.message(mail).await?;
        Ok(outcome)
    }

    /// Takes leave, as far as the server listens.
    pub async fn close(mut self) {
        // What it answers makes no difference any more.
        let _ = tokio::time::timeout(LEAVE, self.0.abort()).await;
    }
}
