//! `/v1/quarantine`: records that were set aside because they are no events.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::event::Timestamp;
use crate::quarantine::back::{self, Found};
use crate::quarantine::filter::Filter;
use crate::quarantine::record::Record;
use crate::runtime::control::{Control, ControlError};

use super::extract::{Json, Limit, Query};
use super::problem::Problem;
use super::rules::aside;

/// A longer record is not shown whole.
const LONGEST_SHOWN: usize = 16 << 10;

/// Which records are shown: those for which all of this is so.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Wanted {
    /// Those of this source. May be given several times.
    #[serde(default)]
    #[param(max_items = 100)]
    source: Vec<String>,
    /// Those that were meant for this stream. May be given several times.
    #[serde(default)]
    #[param(max_items = 100)]
    stream: Vec<String>,
    /// Those with this reason, such as `wrong_type`. May be given several times.
    #[serde(default)]
    #[param(max_items = 100)]
    reason: Vec<String>,
    /// Those that were set aside then or later.
    #[param(inline)]
    since: Option<Timestamp>,
    /// So many at most, the last ones first.
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// Those behind the last one of a page: what that page has as `next`.
    cursor: Option<u64>,
}

/// Records that were set aside, the last ones first.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuarantinePage {
    /// The records.
    records: Vec<SetAside>,
    /// The cursor of the next page, if there may be one.
    next: Option<u64>,
    /// The size of the file that keeps them, in bytes.
    bytes: u64,
    /// The size that it does not grow beyond; none where nothing is kept.
    max_bytes: Option<u64>,
}

/// A record that was set aside.
#[derive(Debug, Serialize, ToSchema)]
pub struct SetAside {
    /// Its place in the file.
    place: u64,
    /// When it was set aside.
    time: Timestamp,
    /// The source it came through.
    source: String,
    /// The stream it was meant for.
    stream: String,
    /// The partition of the stream.
    partition: u32,
    /// Offset in bytes of its first byte in the partition.
    offset: u64,
    /// Its line in the partition, or its number where records are not lines; from 1.
    number: u64,
    /// The kind of mistake, as metrics count it.
    reason: String,
    /// The mistake, for people.
    detail: String,
    /// The record, or its beginning; what is no text in it is replaced by `�`.
    record: String,
    /// Its length in bytes, if that is not all of it.
    length: Option<u64>,
}

impl From<(u64, Record)> for SetAside {
    fn from((place, record): (u64, Record)) -> SetAside {
        let shown = &record.bytes[..record.bytes.len().min(LONGEST_SHOWN)];
        let is_cut = shown.len() < record.bytes.len();
        SetAside {
            place,
            time: record.time,
            record: String::from_utf8_lossy(shown).into_owned(),
            length: record.length.or(is_cut.then_some(record.bytes.len() as u64)),
            source: record.source,
            stream: record.stream,
            partition: record.partition,
            offset: record.offset,
            number: record.number,
            reason: record.reason,
            detail: record.detail,
        }
    }
}

/// Looks at records that were set aside because they are no events.
///
/// A search that has looked at many and found few answers with what it has, and says where to go on. `tripline quarantine`
/// shows them whole and feeds them again.
#[utoipa::path(
    get,
    path = "/v1/quarantine",
    tag = "events",
    responses((status = 200, description = "The records, the last ones first."))
)]
pub async fn look(
    State(control): State<Control>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<QuarantinePage>, Problem> {
    let Wanted { source, stream, reason, since, limit, cursor } = wanted;
    let filter = Filter { sources: source, streams: stream, reasons: reason, since };
    let page = aside(&control, move |_, about| {
        let kept = about.config.quarantine.as_ref();
        let look = |kept: &crate::quarantine::Settings| back::look(&kept.file, &filter, cursor, limit.0);
        let found = kept.map(look).transpose();
        let Found { records, next, size } = found
            .map_err(|error| ControlError::System(format!("the quarantine cannot be read: {error}")))?
            .unwrap_or_default();
        Ok(QuarantinePage {
            records: records.into_iter().map(SetAside::from).collect(),
            next,
            bytes: size,
            max_bytes: kept.map(|kept| kept.max_size),
        })
    });
    page.await.map(Json)
}
