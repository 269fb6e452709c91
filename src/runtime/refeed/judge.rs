//! Would a record be an event now?

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{self, Config};
use crate::event::{PartitionId, StreamId};
use crate::program::Program;
use crate::quarantine::record::Record;
use crate::source::Clock;
use crate::source::reader::{Batch, BatchLimits, Checks, Place, Quarantine, Reason, Rejection};

/// Decodes records as the sources of a configuration do it for the rules as they are now.
pub struct Judge<'a> {
    config: &'a Config,
    program: &'a Program,
    clock: Arc<dyn Clock>,
    /// The sources by name.
    sources: BTreeMap<&'a str, &'a config::Source>,
}

/// What is to be said of a record.
#[derive(Clone, Debug)]
pub enum Verdict<'a> {
    /// It is an event now.
    Event {
        /// The source that it came through.
        source: &'a config::Source,
        /// Its bytes as the source wants to have them: framed.
        wire: Vec<u8>,
    },
    /// It is still none.
    Rejected {
        /// The word for the mistake.
        reason: String,
        /// The mistake, for people.
        detail: String,
    },
    /// It cannot be decoded: what it was meant for is no longer there.
    Homeless(String),
}

impl<'a> Judge<'a> {
    /// For a configuration and its rules.
    pub fn new(config: &'a Config, program: &'a Program, clock: Arc<dyn Clock>) -> Judge<'a> {
        let sources = config.sources.iter().map(|source| (source.name.value.as_str(), source)).collect();
        Judge { config, program, clock, sources }
    }

    /// Whether events of that stream carry their time.
    pub fn has_event_time(&self, stream: &str) -> bool {
        self.program.input(stream).is_ok_and(|stream| self.program.schema(stream).time.is_some())
    }

    /// The verdict on a record.
    pub fn judge(&self, record: &Record) -> Verdict<'a> {
        let Some(source) = self.sources.get(record.source.as_str()) else {
            return Verdict::Homeless(format!("the configuration has no source `{}`", record.source));
        };
        if !source.feeds(&record.stream) {
            let message =
                format!("the source `{}` no longer feeds the stream `{}`", record.source, record.stream);
            return Verdict::Homeless(message);
        }
        let stream = match self.program.input(&record.stream) {
            Ok(stream) => stream,
            Err(why) => return Verdict::Homeless(why.to_string()),
        };
        if !record.is_whole() {
            let detail = match record.bytes.len() {
                0 => "none of its bytes were kept: send it again from where it came from".to_owned(),
                kept => {
                    format!("only its first {kept} bytes were kept: send it again from where it came from")
                }
            };
            return Verdict::Rejected { reason: record.reason.clone(), detail };
        }
        let wire = framed(source, &record.bytes);
        match self.decode(source, stream, &wire) {
            Ok(()) => Verdict::Event { source, wire },
            Err(Some(why)) => {
                Verdict::Rejected { reason: why.reason().name().to_owned(), detail: why.to_string() }
            }
            Err(None) => Verdict::Rejected {
                reason: Reason::Incomplete.name().to_owned(),
                detail: "it carries no event by itself, without what came before it".to_owned(),
            },
        }
    }

    /// Whether the source would make an event of these bytes. Each record gets a reader of its own, as
    /// if it were the first of its partition: another must not decide what it means.
    fn decode(
        &self,
        source: &config::Source,
        stream: StreamId,
        wire: &[u8],
    ) -> Result<(), Option<Rejection>> {
        let schema = self.program.schema(stream);
        let now = self.clock.now();
        let limits = self.config.limits;
        let checks = Checks::new(Some(self.config.max_ahead), self.program.groupings(stream), schema);
        let mut reader = source.decoding.reader(stream, schema, limits, PartitionId(0), checks);
        let (mut seen, mut events) = (Seen::default(), Batch::default());
        let mut rest = wire;
        while !rest.is_empty() {
            let space = reader.space();
            let count = space.len().min(rest.len());
            let (piece, behind) = rest.split_at(count);
            space[..count].copy_from_slice(piece);
            reader.filled(count);
            rest = behind;
            reader.decode(now, ALL, &mut events, &mut seen);
        }
        reader.end(now, &mut events, &mut seen);
        match seen.0 {
            Some(why) => Err(Some(why)),
            None if events.events.is_empty() => Err(None),
            None => Ok(()),
        }
    }
}

/// A record is to be decoded in one pass.
const ALL: BatchLimits = BatchLimits { events: usize::MAX, bytes: usize::MAX };

/// The first rejection.
#[derive(Default)]
struct Seen(Option<Rejection>);

impl Quarantine for Seen {
    fn reject(&mut self, _place: Place, why: &Rejection, _record: &[u8]) {
        self.0.get_or_insert_with(|| why.clone());
    }
}

/// The bytes by which a record is sent to a source.
fn framed(_source: &config::Source, record: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(record.len() + 1);
    wire.extend_from_slice(record);
    wire.push(b'\n');
    wire
}
