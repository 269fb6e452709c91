//! The HTTP sources of a service, for requests that come in elsewhere than at their own addresses.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::extract::Request;

use super::answer::{Refusal, Taken};
use super::service::Service;

/// The HTTP sources that run. Cloning shares them.
#[derive(Clone, Default)]
pub struct Doors(Arc<Mutex<Vec<Weak<Service>>>>);

impl std::fmt::Debug for Doors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Doors").field(&self.all().len()).finish()
    }
}

impl Doors {
    /// One more, as long as it lasts.
    pub(super) fn add(&self, service: &Arc<Service>) {
        let mut doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        doors.retain(|door| door.strong_count() > 0);
        doors.push(Arc::downgrade(service));
    }

    fn all(&self) -> Vec<Arc<Service>> {
        let doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        doors.iter().filter_map(Weak::upgrade).collect()
    }

    /// Takes the body of a request as records of a stream, as the source does that feeds it. Whoever asks has to know
    /// that the sender may do that: tokens of sources are not looked at.
    ///
    /// # Errors
    /// When no source feeds that stream, or its source refuses the body.
    pub async fn take(&self, stream: &str, request: Request) -> Result<Taken, Refusal> {
        let all = self.all();
        let feeds = |service: &&Arc<Service>| service.feeds(stream);
        let Some(service) = all.iter().find(feeds).or(all.first()) else {
            return Err(Refusal::NoSuchStream {
                why: "no stream is fed over HTTP: the configuration has no source of `type = \"http\"`"
                    .into(),
                meant: None,
                streams: Vec::new(),
            });
        };
        service.take_in(stream, request, || ()).await
    }
}
