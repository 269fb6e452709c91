//! `/v1/alerts/stream` and `/v1/alerts/ws`: alerts as they come, as server-sent events or over a WebSocket.
//!
//! Whoever reads slowly is not waited for, and misses nothing that is still kept (see [`crate::archive`]). The number of
//! an alert says where to go on after a connection has ended.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{Response, header};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use serde::{Deserialize, Serialize};
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;
use utoipa::{IntoParams, ToSchema};

use crate::api::counting::Reader;
use crate::api::extract::{Both, Query};
use crate::api::handler::{Described, Taken};
use crate::api::places::{Over, Place};
use crate::api::problem::{Kind, Problem};
use crate::archive::{AlertView, Follower, News, Status, What};
use crate::runtime::control::Control;

use super::wanted::Wanted;

/// So often something is sent, so that whoever is between knows that the connection is used.
const PULSE: Duration = Duration::from_secs(15);
/// So large a message may be that comes over a WebSocket, of which none means anything.
const LARGEST_MESSAGE: usize = 4 << 10;

/// From where on.
#[derive(Debug, Deserialize, IntoParams)]
pub struct From {
    /// What came behind the alert of this number comes first. Without it, alerts come from now on.
    after: Option<u64>,
}

/// What a reader of server-sent events had last, by the header `Last-Event-ID`.
#[derive(Clone, Copy, Debug)]
pub struct LastSeen(Option<u64>);

impl<S: Send + Sync> FromRequestParts<S> for LastSeen {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<LastSeen, Problem> {
        let last = parts.headers.get("last-event-id").and_then(|value| value.to_str().ok());
        // An id that is none of ours says nothing.
        Ok(LastSeen(last.and_then(|last| last.parse().ok())))
    }
}

impl Taken for LastSeen {}

/// A WebSocket that somebody wants.
pub struct Upgrade(WebSocketUpgrade);

impl<S: Send + Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Upgrade, Problem> {
        let upgrade = WebSocketUpgrade::from_request_parts(parts, state).await;
        let refused = |_| {
            let why = "this path speaks WebSocket (RFC 6455); `/v1/alerts/stream` gives the same as server-sent events";
            Problem::new(Kind::NoWebSocket, why)
        };
        upgrade.map(Upgrade).map_err(refused)
    }
}

impl Taken for Upgrade {
    fn describe(_: &mut Described) {}
}

/// A server-sent event, as the document says it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(dead_code, reason = "events are written as text, piece by piece")]
pub enum AlertEvent {
    /// An alert has come.
    Alert {
        /// Its number.
        id: String,
        /// The alert: an `AlertView`, as JSON.
        #[schema(content_media_type = "application/json")]
        data: String,
    },
    /// An alert is in another condition.
    Changed {
        /// The number behind which a reader goes on that comes again.
        id: String,
        /// Which alert and which condition: a `ChangedAlert`, as JSON.
        #[schema(content_media_type = "application/json")]
        data: String,
    },
}

/// A message over a WebSocket.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Told {
    /// An alert has come.
    Alert {
        /// Its number.
        number: u64,
        /// The alert.
        alert: Box<AlertView>,
    },
    /// An alert is in another condition.
    Changed(ChangedAlert),
}

/// An alert that is in another condition.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangedAlert {
    /// Its id.
    id: String,
    /// The condition.
    status: Status,
    /// Who says so, if somebody does.
    status_by: Option<String>,
}

/// Gives alerts as they come, as server-sent events.
///
/// An event `alert` has the alert as in the list, and its number as `id`; an event `changed` says that an alert is in another
/// condition. A comment comes every 15 seconds.
#[utoipa::path(
    get,
    path = "/v1/alerts/stream",
    tag = "alerts",
    responses((status = 200, description = "Events without an end.", body = AlertEvent, content_type = "text/event-stream"))
)]
pub async fn follow(
    State(control): State<Control>,
    Query(Both(wanted, From { after })): Query<Both<Wanted, From>>,
    LastSeen(last): LastSeen,
    place: Place,
) -> Result<Response<Body>, Problem> {
    let follower = control.archive().follow(wanted.query(), after.or(last));
    let reader = Reader::new(&control, "sse");
    let events = Sse::new(events(follower, place, reader)).keep_alive(KeepAlive::new().interval(PULSE));
    let mut answer = events.into_response();
    answer.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    Ok(answer)
}

/// Gives alerts as they come, over a WebSocket.
///
/// Each message is JSON.
#[utoipa::path(
    get,
    path = "/v1/alerts/ws",
    tag = "alerts",
    responses((status = 101, description = "Messages without an end.", body = Told))
)]
pub async fn talk(
    State(control): State<Control>,
    Query(Both(wanted, From { after })): Query<Both<Wanted, From>>,
    place: Place,
    Upgrade(upgrade): Upgrade,
) -> Result<Response<Body>, Problem> {
    let follower = control.archive().follow(wanted.query(), after);
    let upgrade = upgrade.max_message_size(LARGEST_MESSAGE).max_frame_size(LARGEST_MESSAGE);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let _reader = Reader::new(&control, "websocket");
        tell(socket, follower, place).await;
    }))
}

/// News one by one, until what is kept cannot be read or the place is lost.
fn events(
    follower: Follower,
    place: Place,
    reader: Reader,
) -> impl Stream<Item = Result<Event, std::convert::Infallible>> {
    let begin = (follower, place, reader, VecDeque::<Arc<News>>::new());
    unfold(begin, |(mut follower, mut place, reader, mut waiting)| async move {
        loop {
            if let Some(news) = waiting.pop_front() {
                return Some((Ok(event(&news)), (follower, place, reader, waiting)));
            }
            waiting.extend(tokio::select! {
                _ = place.over() => return None,
                news = next(&mut follower) => news?,
            });
        }
    })
}

/// What comes next; `None` when what is kept cannot be read: the reader comes again.
async fn next(follower: &mut Follower) -> Option<Vec<Arc<News>>> {
    let news = follower.next().await;
    news.inspect_err(|error| warn!(%error, "alerts that are kept cannot be read; a reader of them is left"))
        .ok()
}

fn event(news: &News) -> Event {
    let event = Event::default().id(news.number.to_string());
    match &news.what {
        What::Alert { json, .. } => event.event("alert").data(json),
        What::Changed { id, status, by } => {
            let changed = ChangedAlert { id: id.clone(), status: *status, status_by: by.clone() };
            event.event("changed").data(json_of(&changed))
        }
    }
}

fn json_of(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain data can be written as JSON")
}

async fn tell(mut socket: WebSocket, mut follower: Follower, mut place: Place) {
    let mut pulse = interval(PULSE);
    pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let messages: Vec<Message> = tokio::select! {
            // Whoever closes it, or sends what is no message, is left.
            heard = socket.recv() => match heard {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => continue,
            },
            over = place.over() => {
                // Whoever has gone by now need not hear it.
                let _ = socket.send(farewell(over)).await;
                return;
            }
            _ = pulse.tick() => vec![Message::Ping(axum::body::Bytes::new())],
            news = next(&mut follower) => match news {
                Some(news) => news.iter().map(|news| Message::Text(message(news).into())).collect(),
                None => return,
            },
        };
        for message in messages {
            if socket.send(message).await.is_err() {
                return;
            }
        }
    }
}

/// What is said at the end.
fn farewell(over: Over) -> Message {
    let (code, reason) = match over {
        Over::Stopping => (close_code::AWAY, "the service stops"),
        Over::NotLetIn => (close_code::POLICY, "you are not let in any more"),
    };
    Message::Close(Some(CloseFrame { code, reason: reason.into() }))
}

fn message(news: &News) -> String {
    match &news.what {
        What::Alert { summary, .. } => json_of(&Told::Alert {
            number: news.number,
            alert: Box::new(AlertView::from((**summary).clone())),
        }),
        What::Changed { id, status, by } => {
            let changed = ChangedAlert { id: id.clone(), status: *status, status_by: by.clone() };
            json_of(&Told::Changed(changed))
        }
    }
}
