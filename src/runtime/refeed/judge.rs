//! Would a record be an event now?

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::codec::Malformed;
use crate::config::{self, Config};
use crate::event::PartitionId;
use crate::program::{NoInput, Program};
use crate::quarantine::record::Record;
use crate::runtime::sources;
use crate::source::reader::{Batch, BatchLimits, Place, Quarantine, Reason, Rejection};
use crate::source::{Clock, Identity, SourceLimits};
use crate::telemetry::catalogue::SourceMetrics;

/// Decodes records as the sources of a configuration do it for the rules as they are now.
pub struct Judge<'a> {
    program: &'a Program,
    limits: SourceLimits,
    clock: Arc<dyn Clock>,
    sources: BTreeMap<&'a str, &'a config::Source>,
    /// How each source makes events for each of its streams.
    ways: BTreeMap<(&'a str, String), Identity>,
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
        /// What must come before it, framed as well.
        header: Option<Vec<u8>>,
    },
    /// It is as it should be, and holds no event: the header of others, which have it with them.
    Header,
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
    /// For a configuration and its rules, which fit together.
    ///
    /// # Errors
    /// When a source feeds a stream that the rules do not have.
    pub fn new(
        config: &'a Config,
        program: &'a Program,
        clock: Arc<dyn Clock>,
    ) -> Result<Judge<'a>, NoInput> {
        let mut judge =
            Judge { program, limits: config.limits, clock, sources: BTreeMap::new(), ways: BTreeMap::new() };
        for (index, source) in config.sources.iter().enumerate() {
            let name = source.name.value.as_str();
            judge.sources.insert(name, source);
            for stream in sources::streams(source, program)? {
                let metrics = Arc::new(SourceMetrics::new(name));
                let identity = sources::identity(config, program, index, stream, metrics);
                judge.ways.insert((name, identity.schema.name.to_string()), identity);
            }
        }
        Ok(judge)
    }

    /// Whether events of that stream carry their time.
    pub fn has_event_time(&self, stream: &str) -> bool {
        self.program.input(stream).is_ok_and(|stream| self.program.schema(stream).time.is_some())
    }

    /// The verdict on a record.
    pub fn judge(&self, record: &Record) -> Verdict<'a> {
        let Some((name, source)) = self.sources.get_key_value(record.source.as_str()) else {
            return Verdict::Homeless(format!("the configuration has no source `{}`", record.source));
        };
        let Some(identity) = self.ways.get(&(*name, record.stream.clone())) else {
            let (source, stream) = (&record.source, &record.stream);
            return Verdict::Homeless(format!(
                "the source `{source}` does not feed the stream `{stream}` now"
            ));
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
        let wire = identity.decoding.wire(&record.bytes);
        let has_header = identity.decoding.format.has_header();
        let header = record.header.as_ref().filter(|_| has_header);
        let header = header.map(|header| identity.decoding.wire(header.as_bytes()));
        let bytes = [header.as_deref().unwrap_or_default(), &wire].concat();
        match self.decode(identity, &bytes) {
            Ok(()) => Verdict::Event { source, wire, header },
            Err(None) if has_header && header.is_none() => Verdict::Header,
            // That it was cut off says more than what the cut has made of it.
            Err(Some(Rejection::Malformed(Malformed::Syntax(_))))
                if record.reason == Reason::Incomplete.name() =>
            {
                Verdict::Rejected { reason: record.reason.clone(), detail: record.detail.clone() }
            }
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
    fn decode(&self, identity: &Identity, wire: &[u8]) -> Result<(), Option<Rejection>> {
        let now = self.clock.now();
        let mut reader = identity.reader(self.limits, PartitionId(0));
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
        // Nothing of a record that was kept has been cut off.
        reader.end_datagram(now, &mut events, &mut seen);
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
