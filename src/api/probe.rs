//! Asks a service how it is, for health checks: over its socket, or at an address.
//!
//! Enters: whom to ask, what, and how long to wait. Leaves: what it says of itself. That a service does not answer is an
//! error here: whoever asks decides what that means.

use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::StatusCode;
use reqwest::Url;

use super::client;
use super::health::Report;
use super::socket::{self, SocketPath};

/// Whom to ask.
#[derive(Clone, Debug)]
pub enum Whom {
    /// The service that uses the folder of a state.
    State(PathBuf),
    /// The one that answers at an address.
    Address(Url),
}

/// What to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether it works at all; one that does not should be started again.
    Alive,
    /// Whether it takes events.
    Ready,
}

impl Question {
    fn path(self) -> &'static str {
        match self {
            Question::Alive => "livez",
            Question::Ready => "readyz",
        }
    }
}

/// It cannot be known how it is.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// No service has its socket there.
    #[error(
        "nothing answers at `{}`: no service runs that keeps its state there, or it has just begun to start",
        .0.display()
    )]
    NotThere(PathBuf),
    /// The address does not lead to a service.
    #[error("`{0}` is no address of a service: it begins with `http://` or `https://`")]
    NoAddress(Url),
    /// It does not answer in time, or cannot be reached.
    #[error("{whom} does not answer: {why}")]
    Silent {
        /// Who was asked.
        whom: String,
        /// Why there is no answer.
        why: String,
    },
    /// What answers does not say how it is.
    #[error("what answers at {whom} does not say how it is: {why}")]
    Strange {
        /// Who was asked.
        whom: String,
        /// What it says.
        why: String,
    },
}

/// What a service says of itself.
///
/// # Errors
/// When it does not say it within `patience`.
pub async fn ask(whom: &Whom, question: Question, patience: Duration) -> Result<Report, ProbeError> {
    match whom {
        Whom::State(folder) => over_socket(folder, question, patience).await,
        Whom::Address(url) => at_address(url, question, patience).await,
    }
}

async fn over_socket(folder: &Path, question: Question, patience: Duration) -> Result<Report, ProbeError> {
    let not_there = || ProbeError::NotThere(folder.join(socket::NAME));
    let socket: SocketPath = socket::find(folder).ok_or_else(not_there)?;
    let shown = socket.shown.display().to_string();
    // The host is of no meaning over a socket, but something has to stand there.
    let url = Url::parse("http://localhost").expect("it is a URL");
    get(client::over(&socket), with_path(url, question), patience, shown).await
}

async fn at_address(url: &Url, question: Question, patience: Duration) -> Result<Report, ProbeError> {
    let client = match url.scheme() {
        // No one's certificate will be asked for, so a system without any is good enough.
        "http" => client::asking().tls_certs_only([]),
        "https" => client::asking(),
        _ => return Err(ProbeError::NoAddress(url.clone())),
    };
    get(client, with_path(url.clone(), question), patience, url.to_string()).await
}

/// A service behind a proxy may have a path in front of its own.
fn with_path(mut url: Url, question: Question) -> Url {
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(question.path());
    }
    url
}

async fn get(
    client: reqwest::ClientBuilder,
    url: Url,
    patience: Duration,
    whom: String,
) -> Result<Report, ProbeError> {
    let answer = async {
        let answer = client.timeout(patience).build()?.get(url).send().await?;
        Ok((answer.status(), client::body(answer).await?))
    };
    let (status, body) = match answer.await {
        Ok(answer) => answer,
        Err(error) => return Err(silent(whom, &error)),
    };
    let says = [StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE].contains(&status);
    let report = body.filter(|_| says).and_then(|body| serde_json::from_slice(&body).ok());
    report.ok_or_else(|| ProbeError::Strange { whom, why: format!("it says {status}") })
}

fn silent(whom: String, error: &reqwest::Error) -> ProbeError {
    let why = match error.is_timeout() {
        true => "it has taken too long".to_owned(),
        false => client::cause(error),
    };
    ProbeError::Silent { whom, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_address_stays() {
        for (given, asked) in [
            ("http://127.0.0.1:7070", "http://127.0.0.1:7070/readyz"),
            ("http://127.0.0.1:7070/", "http://127.0.0.1:7070/readyz"),
            ("https://example.com/tripline", "https://example.com/tripline/readyz"),
            ("https://example.com/tripline/", "https://example.com/tripline/readyz"),
        ] {
            let url = Url::parse(given).expect("a URL");
            assert_eq!(with_path(url, Question::Ready).as_str(), asked);
        }
    }
}
