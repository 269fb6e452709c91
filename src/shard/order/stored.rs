//! The place of a report as bytes.

use super::{Order, Root, Step};
use crate::event::stored::{StreamNumbers, Streams};
use crate::event::{SequencePoint, StreamId, Timestamp};
use crate::matcher::ReportKind;
use crate::shard::legend::{Legend, Meaning};
use crate::stored::{Damaged, Reader, Writer};

const KINDS: [ReportKind; 4] =
    [ReportKind::Match, ReportKind::Timeout, ReportKind::TooManyRuns, ReportKind::TooManyEvents];

impl Order {
    /// Writes it.
    pub fn store(&self, legend: &Legend, w: &mut Writer) {
        self.time.write(w);
        w.number(self.turn.into());
        w.size(self.hops);
        self.root.store(&legend.streams, w);
        w.list(&self.path, |w, step| {
            step.stream.write(w, &legend.streams);
            w.option(legend.runs(step.rule), |w, number| w.number(number.into()));
            w.number(step.number.into());
        });
    }

    /// Reads one; none if a rule or a stream on its way is not there any more. With the last of the rules.
    pub fn restore(meaning: &Meaning, r: &mut Reader<'_>) -> Result<(Option<Order>, LastRule), Damaged> {
        let time = Timestamp::read(r)?;
        let turn = r.small()?;
        let hops = r.count()? as usize;
        let root = Root::restore(&meaning.streams, r)?;
        let mut last = None;
        let path = r.list(|r| {
            let stream = StreamId::read(r, &meaning.streams)?;
            last = r.option(Reader::small)?;
            let rule = last.and_then(|number| meaning.rule(number));
            let number = r.small()?;
            Ok(stream.zip(rule).map(|(stream, rule)| Step { stream, rule, number }))
        })?;
        let path: Option<_> = path.into_iter().collect();
        Ok((root.zip(path).map(|(root, path)| Order { time, turn, hops, root, path }), last))
    }
}

/// The number of the rule that made a report, as it was stored.
pub type LastRule = Option<u32>;

impl Root {
    fn store(&self, streams: &StreamNumbers, w: &mut Writer) {
        match self {
            Root::Event(point) => {
                w.size(KINDS.len());
                point.write(w, streams);
            }
            Root::Time(kind, point) => {
                let kind = KINDS.iter().position(|known| known == kind);
                w.size(kind.expect("every kind is in the list"));
                point.write(w, streams);
            }
        }
    }

    fn restore(streams: &Streams, r: &mut Reader<'_>) -> Result<Option<Root>, Damaged> {
        let kind = KINDS.get(r.place(KINDS.len() + 1)?);
        let point = SequencePoint::read(r, streams)?;
        Ok(point.map(|point| match kind {
            Some(kind) => Root::Time(*kind, point),
            None => Root::Event(point),
        }))
    }
}
