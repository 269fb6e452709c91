//! Requests to a registry: one schema with all that it refers to.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::header::ACCEPT;
use reqwest::redirect::Policy;
use reqwest::{Certificate, RequestBuilder, Response, StatusCode, Url};

use crate::codec::schemas::{Reference, Registered, SchemaId};
use crate::secret::SecretError;
use crate::telemetry::causes;

use super::body::{self, Schema};
use super::{Credentials, Settings};

/// The longest answer, in bytes.
const MAX_ANSWER: usize = 16 << 20;
/// Most schemas that one refers to, directly or not.
const MAX_REFERENCES: usize = 1_000;
/// What the API's answers are written in.
const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// A client cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot prepare to ask a schema registry: {0}")]
pub struct ClientError(String);

/// Why there is no schema.
#[derive(Debug)]
pub(super) enum Failure {
    /// The registry says that there is none, or it is none that could be used.
    Absent(String),
    /// The registry could not be asked; it may be another time.
    Trouble(String),
}

/// Asks the addresses of a registry.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    urls: Vec<Url>,
    /// The address that answered last.
    good: AtomicUsize,
    credentials: Credentials,
}

impl Client {
    pub(super) fn new(settings: &Settings) -> Result<Client, ClientError> {
        // The first caller decides which implementation of TLS the process uses; a second call
        // changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .timeout(settings.timeout)
            .redirect(Policy::none())
            .user_agent(concat!("tripline/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &settings.ca {
            let cannot = |why: &dyn std::fmt::Display| ClientError(format!("`{}`: {why}", path.display()));
            let pem = std::fs::read(path).map_err(|error| cannot(&error))?;
            let authorities = Certificate::from_pem_bundle(&pem).map_err(|error| cannot(&error))?;
            if authorities.is_empty() {
                return Err(cannot(&"it has no certificate"));
            }
            http = http.tls_certs_only(authorities);
        } else if settings.urls.iter().all(|url| url.scheme() == "http") {
            // No one's certificate will be asked for, so a system without any is good enough.
            http = http.tls_certs_only([]);
        }
        let http = http.build().map_err(|error| ClientError(causes(&error)))?;
        Ok(Client {
            http,
            urls: settings.urls.clone(),
            good: AtomicUsize::new(0),
            credentials: settings.credentials.clone(),
        })
    }

    /// The schema with that id.
    pub(super) async fn schema(&self, id: SchemaId) -> Result<Registered, Failure> {
        let (kind, text) = match id {
            SchemaId::Number(_) => ("ids", id.to_string()),
            SchemaId::Guid(_) => ("guids", id.to_string()),
        };
        let schema = self.get(&["schemas", kind, &text]).await?;
        let kind = schema
            .kind()
            .map_err(|other| Failure::Absent(format!("a schema of the kind `{other}` cannot be read")))?;
        let references = self.references(schema.references).await?;
        Ok(Registered { kind, text: schema.schema, references })
    }

    /// What a schema refers to, each behind what it needs itself.
    async fn references(&self, wanted: Vec<body::Reference>) -> Result<Vec<Reference>, Failure> {
        /// What is to be done next, the last first.
        enum Step {
            Fetch(body::Reference),
            Done(Reference),
        }
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let mut steps: Vec<Step> = wanted.into_iter().rev().map(Step::Fetch).collect();
        while let Some(step) = steps.pop() {
            let wanted = match step {
                Step::Done(reference) => {
                    found.push(reference);
                    continue;
                }
                Step::Fetch(wanted) => wanted,
            };
            if !seen.insert(wanted.name.clone()) {
                continue;
            }
            if seen.len() > MAX_REFERENCES {
                let why = format!("it refers to more than {MAX_REFERENCES} other schemas");
                return Err(Failure::Absent(why));
            }
            let version = wanted.version.to_string();
            let path = ["subjects", &wanted.subject, "versions", &version];
            let schema = self.get(&path).await.map_err(|failure| match failure {
                Failure::Absent(why) => Failure::Absent(format!(
                    "it refers to `{}`, version {version} of the subject `{}`: {why}",
                    wanted.name, wanted.subject
                )),
                trouble @ Failure::Trouble(_) => trouble,
            })?;
            steps.push(Step::Done(Reference { name: wanted.name, text: schema.schema }));
            steps.extend(schema.references.into_iter().rev().map(Step::Fetch));
        }
        Ok(found)
    }

    /// Asks one address after the other, first the one that answered last.
    async fn get(&self, path: &[&str]) -> Result<Schema, Failure> {
        let first = self.good.load(Ordering::Relaxed);
        let mut troubles = Vec::new();
        for index in 0..self.urls.len() {
            let index = (first + index) % self.urls.len();
            match self.ask(&self.urls[index], path).await {
                Err(Failure::Trouble(why)) => {
                    let host = self.urls[index].host_str().unwrap_or_default();
                    troubles.push(format!("{host}: {why}"));
                }
                answer => {
                    self.good.store(index, Ordering::Relaxed);
                    return answer;
                }
            }
        }
        Err(Failure::Trouble(troubles.join("; ")))
    }

    async fn ask(&self, base: &Url, path: &[&str]) -> Result<Schema, Failure> {
        let mut url = base.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => segments.pop_if_empty().extend(path),
            Err(()) => return Err(Failure::Trouble("the address cannot have a path".to_owned())),
        };
        let request = self.identified(self.http.get(url)).map_err(|why| Failure::Trouble(why.to_string()))?;
        let request = request.header(ACCEPT, MEDIA_TYPE);
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let body = read(response).await?;
        if status.is_success() {
            return serde_json::from_slice(&body)
                .map_err(|error| Failure::Trouble(format!("its answer is not as it should be: {error}")));
        }
        match body::absent(&body) {
            Some(why) if status == StatusCode::NOT_FOUND => Err(Failure::Absent(why)),
            _ => Err(Failure::Trouble(refusal(status))),
        }
    }

    /// Secrets are read each time, because they may have been replaced.
    fn identified(&self, request: RequestBuilder) -> Result<RequestBuilder, SecretError> {
        Ok(match &self.credentials {
            Credentials::None => request,
            Credentials::Basic { user, password } => request.basic_auth(user, Some(password.get()?)),
            Credentials::Bearer(token) => request.bearer_auth(token.get()?),
        })
    }
}

/// What a status says that is neither success nor the registry's word that there is no schema.
fn refusal(status: StatusCode) -> String {
    let hint = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "; are the user and password, or the token, right?"
        }
        StatusCode::NOT_FOUND => "; is it a schema registry, and has its URL the right path?",
        _ if status.is_redirection() => "; redirects are not followed",
        _ => "",
    };
    format!("it answers {status}{hint}")
}

/// The body of an answer.
async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            let why = format!("its answer is longer than {} MiB", MAX_ANSWER >> 20);
            return Err(Failure::Trouble(why));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Without the URL, which may hold a secret.
fn unreachable(error: reqwest::Error) -> Failure {
    if error.is_timeout() {
        return Failure::Trouble("no answer in time".to_owned());
    }
    Failure::Trouble(causes(&error.without_url()))
}
