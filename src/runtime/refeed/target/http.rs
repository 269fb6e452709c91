//! Records by HTTP, to `POST /v1/events/{stream}`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};

use crate::codec::Format;
use crate::sink;
use crate::source::http;
use crate::telemetry::causes;
use crate::tls;

use super::{Load, SendError, Unsent};

/// How long a server may take to answer: it may be waiting for its engine.
const ANSWERING: Duration = Duration::from_secs(300);
/// How often a server may say that it is busy, and how long to wait each time at most.
const BUSY_TRIES: usize = 60;
const BUSY_WAIT: Duration = Duration::from_secs(10);
/// How much of an answer is shown, in letters.
const SHOWN_ANSWER: usize = 300;
/// Bodies are not larger, even if the server would allow it.
const MAX_BODY: usize = 1 << 20;
const MAX_RECORDS: usize = 1_000;

/// An HTTP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its root, or the whole URL to post to.
    url: Url,
    /// The file of tokens, of which it wants one.
    token_file: Option<PathBuf>,
    /// The PEM file of its certificate, if that alone is trusted.
    certificate: Option<PathBuf>,
    /// Largest body in bytes; a larger record is still sent, alone.
    max_body: usize,
    /// Most records of a body.
    max_records: usize,
}

impl Server {
    /// The server at a URL.
    pub fn at(url: Url) -> Server {
        Server { url, token_file: None, certificate: None, max_body: MAX_BODY, max_records: MAX_RECORDS }
    }

    /// The server of a source, which is reached at `address`.
    ///
    /// # Errors
    /// When that is no part of a URL.
    pub fn of(address: &str, settings: &http::Settings) -> Result<Server, String> {
        let scheme = if settings.tls.is_some() { "https" } else { "http" };
        let url = Url::parse(&format!("{scheme}://{address}/")).map_err(|error| error.to_string())?;
        Ok(Server {
            url,
            token_file: settings.token_file.clone(),
            certificate: settings.tls.as_ref().map(|tls| tls.identity.certificate.clone()),
            max_body: settings.max_body.min(MAX_BODY),
            // A header counts as a record.
            max_records: settings.max_records.saturating_sub(1).clamp(1, MAX_RECORDS),
        })
    }

    /// Posts records, in as many bodies as they need, and waits while the server is busy.
    ///
    /// # Errors
    /// When the server does not take a body. Those before have been received.
    pub fn post(&self, load: &Load<'_>) -> Result<(), Unsent> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client = self.client()?;
        let token = self.token_file.as_deref().map(first_token).transpose()?;
        let mut received = 0;
        while received < load.records.len() {
            let count = self.fitting(load.header, &load.records[received..]);
            let records = &load.records[received..received + count];
            let body = [load.header.unwrap_or_default(), &records.concat()].concat();
            let posting = self.post_body(&client, token.as_deref(), load, body);
            runtime.block_on(posting).map_err(|error| Unsent { received, error })?;
            received += count;
        }
        Ok(())
    }

    /// How many of the first records make a body.
    fn fitting(&self, header: Option<&[u8]>, records: &[Vec<u8>]) -> usize {
        let mut room = self.max_body.saturating_sub(header.map_or(0, <[u8]>::len));
        let fits = |record: &&Vec<u8>| {
            let fits = record.len() <= room;
            room = room.saturating_sub(record.len());
            fits
        };
        records.iter().take(self.max_records).take_while(fits).count().max(1)
    }

    async fn post_body(
        &self,
        client: &Client,
        token: Option<&str>,
        load: &Load<'_>,
        body: Vec<u8>,
    ) -> Result<(), SendError> {
        for _ in 0..BUSY_TRIES {
            let mut request = client.post(self.events_url(load.stream)).header(CONTENT_TYPE, media(load));
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let response = request.body(body.clone()).send().await.map_err(failed)?;
            let status = response.status();
            if status.is_success() {
                return Ok(());
            }
            if !matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
                let answer = response.text().await.unwrap_or_default();
                let answer = answer.trim().chars().take(SHOWN_ANSWER).collect();
                return Err(SendError::Refused { status, answer });
            }
            tokio::time::sleep(wait_asked_for(&response)).await;
        }
        Err(SendError::Http("the service is too busy to take more".into()))
    }

    fn client(&self) -> Result<Client, SendError> {
        let cannot = |error: String| SendError::Http(error);
        let Some(certificate) = &self.certificate else {
            return sink::http::client(&self.url, ANSWERING).map_err(|error| cannot(error.to_string()));
        };
        let config = tls::pinned(certificate).map_err(|error| SendError::Tls(error.to_string()))?;
        let client = Client::builder().timeout(ANSWERING).redirect(Policy::none()).no_proxy();
        let client = client.tls_backend_preconfigured(rustls::ClientConfig::clone(&config));
        client.build().map_err(|error| cannot(error.to_string()))
    }

    /// Where events of a stream are posted to.
    pub fn events_url(&self, stream: &str) -> Url {
        let mut url = self.url.clone();
        if url.path() == "/" {
            url.set_path(&format!("/v1/events/{stream}"));
        }
        url
    }
}

impl fmt::Display for Server {
    /// Without the name, password and query that the URL may have.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.url.scheme(), self.url.host_str().unwrap_or_default())?;
        self.url.port().map_or(Ok(()), |port| write!(f, ":{port}"))?;
        f.write_str(self.url.path())
    }
}

/// What the body is.
fn media(load: &Load<'_>) -> &'static str {
    match load.decoding.format {
        Format::Json | Format::JsonSchema(_) => "application/x-ndjson",
        Format::Csv(_) => "text/csv",
        Format::Avro(_) | Format::Protobuf(_) => "application/octet-stream",
        Format::Logfmt | Format::Syslog | Format::Regex(_) => "text/plain",
    }
}

/// A token that the server takes.
fn first_token(path: &Path) -> Result<String, SendError> {
    let cannot =
        |why: String| SendError::Http(format!("cannot read a token from `{}`: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| cannot(error.to_string()))?;
    let token = text.lines().map(str::trim).find(|line| !line.is_empty());
    token.map(str::to_owned).ok_or_else(|| cannot("there is none".into()))
}

/// What happened, with what caused it and without the URL, which may hold a secret.
fn failed(error: reqwest::Error) -> SendError {
    SendError::Http(causes(&error.without_url()))
}

fn wait_asked_for(response: &Response) -> Duration {
    let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1)).min(BUSY_WAIT)
}
