//! A schema registry, asked over HTTP as Confluent's is (others speak the same).
//!
//! Enters: the ids that records begin with. Leaves: their schemas, with all that these refer to.
//!
//! - A schema never changes, so that an id is asked for once (`cache`). That there is none is asked again
//!   after a while: registries may lag behind each other.
//! - A registry that is not there, is slow or refuses us makes who asks wait, never a record undecodable:
//!   [`Registry::fetch`] does not return before there is an answer. Sources read nothing meanwhile. All the
//!   addresses of the registry are tried, then again after a pause that grows.
//! - Only when the registry itself says that it does not know the id, a record with it cannot be decoded.
//!
//! How a source uses it, for each record as it came:
//!
//! ```text
//! while let Some(id) = decoder.needs(record) {
//!     decoder.give(id, &registry.fetch(id).await);
//! }
//! decoder.decode(record, position, arrival)
//! ```

mod body;
mod cache;
mod client;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Url;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::codec::schemas::{Answer, SchemaId};
use crate::secret::Secret;
use crate::telemetry::catalogue::RegistryMetrics;

use self::cache::Cache;
use self::client::{Client, Failure};
use super::tcp_client::Backoff;

pub use client::ClientError;

/// How a registry is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where it is; the next address is asked when one does not answer. At least one.
    pub urls: Vec<Url>,
    /// Who asks.
    pub credentials: Credentials,
    /// A PEM file of the authorities that may vouch for the registry; `None`: those of the system.
    pub ca: Option<std::path::PathBuf>,
    /// Longest time for one request, from the connection to the end of the answer.
    pub timeout: Duration,
    /// How long to wait when no address answers.
    pub backoff: Backoff,
    /// For how long it is believed that there is no schema with an id.
    pub absent_for: Duration,
}

/// How we say to a registry who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Not at all.
    None,
    /// By a name and a password.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// By a token.
    Bearer(Secret),
}

/// A registry that can be asked by any number of sources at a time.
#[derive(Debug)]
pub struct Registry {
    name: String,
    client: Client,
    backoff: Backoff,
    cache: Mutex<Cache>,
    /// Who asks for an id that somebody asks for already waits for that answer.
    asked: Mutex<HashMap<SchemaId, Arc<tokio::sync::Mutex<()>>>>,
    metrics: Arc<RegistryMetrics>,
}

impl Registry {
    /// The registry with a name in the configuration. Connects to nothing yet.
    ///
    /// # Errors
    /// When certificates cannot be read.
    pub fn new(
        name: &str,
        settings: &Settings,
        metrics: Arc<RegistryMetrics>,
    ) -> Result<Registry, ClientError> {
        Ok(Registry {
            name: name.to_owned(),
            client: Client::new(settings)?,
            backoff: settings.backoff,
            cache: Mutex::new(Cache::new(settings.absent_for)),
            asked: Mutex::default(),
            metrics,
        })
    }

    /// What the registry says of an id, sooner or later: as long as it cannot be asked, this waits, says
    /// so in the log and tries again. May be dropped at any time.
    pub async fn fetch(&self, id: SchemaId) -> Answer {
        if let Some(answer) = self.known(id) {
            return answer;
        }
        let turn = Arc::clone(lock(&self.asked).entry(id).or_default());
        let answer = {
            let _mine = turn.lock().await;
            match self.known(id) {
                Some(answer) => answer,
                None => self.ask_until_answered(id).await,
            }
        };
        lock(&self.asked).remove(&id);
        answer
    }

    fn known(&self, id: SchemaId) -> Option<Answer> {
        lock(&self.cache).get(id, Instant::now())
    }

    async fn ask_until_answered(&self, id: SchemaId) -> Answer {
        let registry = &self.name;
        let mut waiting = None;
        let mut attempts = 0;
        loop {
            self.metrics.requests.add(1);
            let answer = match self.client.schema(id).await {
                Ok(schema) => Answer::Schema(Arc::new(schema)),
                Err(Failure::Absent(why)) => Answer::Absent(why.into()),
                Err(Failure::Trouble(why)) => {
                    attempts += 1;
                    self.metrics.failures.add(1);
                    let _ = waiting.get_or_insert_with(|| Waiting::new(&self.metrics));
                    let wait = self.backoff.wait(attempts, rand::random());
                    let wait_ms = wait.as_millis();
                    warn!(%registry, schema = %id, %why, attempts, wait_ms, "the schema registry does not answer; records wait for their schema");
                    sleep(wait).await;
                    continue;
                }
            };
            if attempts > 0 {
                info!(%registry, schema = %id, "the schema registry answers again; reading goes on");
            }
            if let Answer::Absent(why) = &answer {
                warn!(%registry, schema = %id, %why, "records with this schema cannot be decoded");
            }
            let mut cache = lock(&self.cache);
            cache.put(id, answer.clone(), Instant::now());
            self.metrics.schemas.set(cache.len() as u64);
            return answer;
        }
    }
}

/// Somebody waits for the registry, as long as this is there.
struct Waiting<'a>(&'a RegistryMetrics);

impl<'a> Waiting<'a> {
    fn new(metrics: &'a RegistryMetrics) -> Waiting<'a> {
        metrics.waiting.increase();
        Waiting(metrics)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.decrease();
    }
}

/// What is guarded is changed by single steps, so that a panic leaves it whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
