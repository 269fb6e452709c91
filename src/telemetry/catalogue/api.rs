//! Who asks the service.

use super::super::metric::{Histogram, Levels, Requests, Route};
use super::group::group;

/// Over what alerts are read as they come, in the order shown.
pub const STREAM_PROTOCOLS: [&str; 2] = ["sse", "websocket"];

group! {
    /// Requests to the API and the web page. They are counted on while the service begins anew with other rules.
    "API": ApiMetrics by "" {
        requests: Requests = Requests::default(), "tripline_api_requests_total", "requests",
            "Requests, by the method and the template of the path that they fit, and by the class of the status of the answer; `other` are those for the web page and those that fit nothing.";
        time: Histogram = Histogram::default(), "tripline_api_request_seconds", "seconds",
            "Time that it took to answer them; those for streams, which have no end, are not in it.";
        readers: Levels = Levels::new("protocol", STREAM_PROTOCOLS), "tripline_api_stream_readers", "connections",
            "Who reads alerts as they come: as server-sent events, or over WebSocket, as the web page does.";
    }
}

impl ApiMetrics {
    /// For an API with these routes.
    pub fn of(routes: impl IntoIterator<Item = Route>) -> ApiMetrics {
        ApiMetrics { requests: Requests::new(routes), ..ApiMetrics::new("") }
    }
}
