//! Feeds records of the quarantine again.
//!
//! Enters: a quarantine file, a configuration and its rules as they are now. Leaves: the records that
//! are events by now, sent to the sources that they came through or written to a file; the others are
//! in the quarantine file again, with the reason as it is now.
//!
//! Records are dealt with in passes of a few MiB, and nothing is lost between them: a pass is first sent,
//! then what stays is appended to the quarantine file and synced, and only then is the pass marked as done
//! in the file that was taken away ([`Taken`]). A crash in between means that the records of one pass may
//! be fed twice.

pub mod judge;
pub mod target;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::quarantine::file::Shared;
use crate::quarantine::filter::Filter;
use crate::quarantine::read::Line;
use crate::quarantine::record::Record;
use crate::quarantine::taken::{FileLines, TakeError, Taken, peek};
use crate::source::Decoding;

use self::judge::{Judge, Verdict};
use self::target::{Load, SendError, Target, Unsent};

/// A pass ends with the record that reaches one of these.
const PASS_BYTES: usize = 4 << 20;
const PASS_RECORDS: usize = 4096;
/// Why a record is not in a file with others.
const ANOTHER_HEADER: &str = "their header is not that of the records before them; run this again for them, with \
                              another file";
/// How many lines that are no records are named.
const NAMED: usize = 5;

/// Where records go that are events now.
pub enum Way {
    /// To the source that they came through.
    Home,
    /// All to this one.
    To(Target),
    /// To the end of this file, of that name, which is synced before they leave the quarantine.
    File(File, PathBuf),
    /// To a pipe, of that name. Nobody says whether they arrive, so that they also stay in the quarantine.
    Copy(Box<dyn Write>, String),
}

/// What came of feeding records again.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many records were fed, by source and where they went.
    pub fed: BTreeMap<(String, String), u64>,
    /// Records that are still no events, by source and reason, with the message for one of them.
    pub rejected: BTreeMap<(String, String), (u64, String)>,
    /// Headers that are as they should be. They have left the quarantine: the records below them have them.
    pub headers: u64,
    /// Records that cannot be fed, by source, and why.
    pub stuck: BTreeMap<String, (u64, String)>,
    /// Lines that are no records: how many, and the first of them with what is wrong.
    pub unreadable: (u64, Vec<(u64, String)>),
    /// Records that were not asked for.
    pub others: u64,
    /// Whether some went where nothing says that they have been received.
    pub unconfirmed: bool,
    /// Whether some are of streams with an event time, by which they may be late.
    pub may_be_late: bool,
    /// Whether this went on with what an earlier one had left.
    pub resumed: bool,
}

impl Outcome {
    /// How many records were asked for and stay.
    pub fn stay(&self) -> u64 {
        self.rejected.values().map(|(count, _)| count).sum::<u64>()
            + self.stuck.values().map(|(count, _)| count).sum::<u64>()
    }
}

/// Why feeding did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RefeedError {
    /// The file cannot be taken.
    #[error(transparent)]
    Take(#[from] TakeError),
    /// The file cannot be read.
    #[error("cannot read `{}`: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What happened.
        error: io::Error,
    },
    /// Records cannot be sent.
    #[error(
        "cannot feed records of `{from}` to {to}: {error}; what was not fed is in the quarantine file again"
    )]
    Send {
        /// The source that they came through.
        from: String,
        /// Where they were to go.
        to: String,
        /// What happened.
        error: SendError,
    },
    /// What stays cannot be written down.
    #[error("{error}; nothing is lost: the records are in `{}`, and the next `tripline quarantine replay` goes on there", path.display())]
    Left {
        /// Where they are.
        path: PathBuf,
        /// What happened.
        error: io::Error,
    },
}

/// Feeds the records of the quarantine file at `path` again that `filter` takes; a dry run only tells
/// what would be done. `outcome` tells what was done, also up to a failure.
///
/// # Errors
/// When that does not come to its end. Nothing is lost then.
pub fn refeed(
    path: &Path,
    filter: &Filter,
    judge: &Judge<'_>,
    way: Way,
    dry_run: bool,
    outcome: &mut Outcome,
) -> Result<(), RefeedError> {
    let mut work = Work { filter, judge, way, dry_run, written: None, has_written: false, outcome };
    if dry_run || matches!(work.way, Way::Copy(..)) {
        return work.look(path);
    }
    let Some(mut taken) = Taken::take(path)? else { return Ok(()) };
    work.outcome.resumed = taken.was_resumed();
    let away = taken.path().to_path_buf();
    match work.deal(&mut taken) {
        Ok(()) => taken.finish().map_err(|error| RefeedError::Left { path: away, error }),
        Err(failure @ RefeedError::Send { .. }) => {
            taken.put_back().map_err(|error| RefeedError::Left { path: away, error })?;
            Err(failure)
        }
        Err(failure) => Err(failure),
    }
}

/// A part of the file, sorted.
#[derive(Default)]
struct Pass<'a> {
    /// What is to be fed.
    parcels: BTreeMap<Label, Parcel<'a>>,
    /// Lines that stay, each with its end.
    stay: Vec<u8>,
    records: usize,
    bytes: usize,
    /// Where the part ends in the file.
    end: u64,
}

/// What records have in common that go together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Label {
    source: String,
    stream: String,
    /// What must come before them, framed.
    header: Option<Vec<u8>>,
}

/// Records that go together.
struct Parcel<'a> {
    /// Where they go; `None`: where all go.
    target: Option<Target>,
    decoding: &'a Decoding,
    /// As they are sent.
    wires: Vec<Vec<u8>>,
    /// As they stand in the file.
    lines: Vec<Vec<u8>>,
}

/// What is to be done with a line.
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
enum Next<'a> {
    /// It stays as it is.
    Stay,
    /// It stays, in these words.
    Renew(Vec<u8>),
    /// It is fed.
    Feed {
        /// With these.
        label: Label,
        /// Where it goes; `None`: where all go.
        target: Option<Target>,
        /// How its source reads.
        decoding: &'a Decoding,
        /// As it is sent.
        wire: Vec<u8>,
    },
    /// It goes.
    Drop,
}

impl<'a> Pass<'a> {
    fn add(&mut self, line: Line, next: Next<'a>) {
        self.records += 1;
        self.bytes += line.bytes.len();
        self.end = line.end;
        match next {
            Next::Stay => push_line(&mut self.stay, &line.bytes),
            Next::Renew(line) => push_line(&mut self.stay, &line),
            Next::Drop => {}
            Next::Feed { label, target, decoding, wire } => {
                let new = Parcel { target, decoding, wires: Vec::new(), lines: Vec::new() };
                let parcel = self.parcels.entry(label).or_insert(new);
                parcel.wires.push(wire);
                parcel.lines.push(line.bytes);
            }
        }
    }

    fn is_full(&self) -> bool {
        self.records >= PASS_RECORDS || self.bytes >= PASS_BYTES
    }
}

fn push_line(lines: &mut Vec<u8>, line: &[u8]) {
    lines.extend_from_slice(line);
    lines.push(b'\n');
}

struct Work<'a> {
    filter: &'a Filter,
    judge: &'a Judge<'a>,
    way: Way,
    dry_run: bool,
    /// The header of the records that go to a file, once there are some.
    written: Option<Option<Vec<u8>>>,
    /// Whether the header is in the file.
    has_written: bool,
    outcome: &'a mut Outcome,
}

impl<'a> Work<'a> {
    /// Deals with a file that was taken away.
    fn deal(&mut self, taken: &mut Taken) -> Result<(), RefeedError> {
        let path = taken.path().to_path_buf();
        let left = |error| RefeedError::Left { path: path.clone(), error };
        let mut origin = taken.origin().map_err(left)?;
        let mut lines = taken.lines().map_err(left)?;
        loop {
            let pass = self.next_pass(&mut lines).map_err(left)?;
            if pass.records == 0 {
                return Ok(());
            }
            let end = pass.end;
            let (stay, failure) = match self.feed(pass) {
                Fed::All(stay) => (stay, None),
                Fed::Some(stay, failure) => (stay, Some(failure)),
                // As nothing has happened, the pass can be put back as it is.
                Fed::None(failure) => return Err(failure),
            };
            keep(&mut origin, &stay).and_then(|()| taken.advance(end)).map_err(left)?;
            if let Some(failure) = failure {
                return Err(failure);
            }
        }
    }

    /// Looks at the records, and copies them if that is wanted; changes nothing.
    fn look(&mut self, path: &Path) -> Result<(), RefeedError> {
        let read = |error| RefeedError::Read { path: path.to_path_buf(), error };
        for mut lines in peek(path).map_err(read)? {
            loop {
                let pass = self.next_pass(&mut lines).map_err(read)?;
                if pass.records == 0 {
                    break;
                }
                if let Fed::Some(_, failure) | Fed::None(failure) = self.feed(pass) {
                    return Err(failure);
                }
            }
        }
        Ok(())
    }

    fn next_pass(&mut self, lines: &mut FileLines) -> io::Result<Pass<'a>> {
        let mut pass = Pass::default();
        while !pass.is_full()
            && let Some(line) = lines.next().transpose()?
        {
            let next = self.sort(&line);
            pass.add(line, next);
        }
        Ok(pass)
    }

    fn sort(&mut self, line: &Line) -> Next<'a> {
        let record = match &line.record {
            Ok(record) => record,
            Err(why) => {
                let (count, named) = &mut self.outcome.unreadable;
                *count += 1;
                if named.len() < NAMED {
                    named.push((line.number, why.to_string()));
                }
                return Next::Stay;
            }
        };
        if !self.filter.takes(record) {
            self.outcome.others += 1;
            return Next::Stay;
        }
        match self.judge.judge(record) {
            Verdict::Header => {
                self.outcome.headers += 1;
                Next::Drop
            }
            Verdict::Event { source, wire, header } => {
                let target = match &self.way {
                    Way::Home => match Target::of(source) {
                        Ok(target) => Some(target),
                        Err(why) => return self.stuck(record, why),
                    },
                    Way::To(target) => Some(target.clone()),
                    Way::File(..) | Way::Copy(..) => {
                        if *self.written.get_or_insert_with(|| header.clone()) != header {
                            return self.stuck(record, ANOTHER_HEADER.into());
                        }
                        None
                    }
                };
                let (source_name, stream) = (record.source.clone(), record.stream.clone());
                let label = Label { source: source_name, stream, header };
                Next::Feed { label, target, decoding: &source.decoding, wire }
            }
            Verdict::Rejected { reason, detail } => {
                let home = (record.source.clone(), reason.clone());
                let (count, _) = self.outcome.rejected.entry(home).or_insert_with(|| (0, detail.clone()));
                *count += 1;
                Next::Renew(Record { reason, detail, ..record.clone() }.to_line())
            }
            Verdict::Homeless(why) => self.stuck(record, why),
        }
    }

    fn stuck(&mut self, record: &Record, why: String) -> Next<'a> {
        let (count, _) = self.outcome.stuck.entry(record.source.clone()).or_insert((0, why));
        *count += 1;
        Next::Stay
    }

    fn feed(&mut self, pass: Pass<'a>) -> Fed {
        let mut stay = pass.stay;
        let mut failure = None;
        let mut has_fed = false;
        for (Label { source, stream, header }, parcel) in pass.parcels {
            let mut received = 0;
            if failure.is_none() {
                let to = self.way.describe(parcel.target.as_ref());
                let header = header.filter(|_| parcel.target.is_some() || !self.has_written);
                self.has_written = true;
                received = parcel.wires.len();
                if let Err(unsent) = self.send(&stream, header.as_deref(), &parcel) {
                    received = unsent.received;
                    failure =
                        Some(RefeedError::Send { from: source.clone(), to: to.clone(), error: unsent.error });
                }
                if received > 0 {
                    has_fed = true;
                    self.outcome.unconfirmed |= parcel.target.as_ref().is_some_and(|it| !it.confirms());
                    self.outcome.may_be_late |= parcel.target.is_some() && self.judge.has_event_time(&stream);
                    *self.outcome.fed.entry((source, to)).or_default() += received as u64;
                }
            }
            parcel.lines[received..].iter().for_each(|line| push_line(&mut stay, line));
        }
        match failure {
            None => Fed::All(stay),
            Some(failure) if has_fed => Fed::Some(stay, failure),
            Some(failure) => Fed::None(failure),
        }
    }

    fn send(&mut self, stream: &str, header: Option<&[u8]>, parcel: &Parcel<'_>) -> Result<(), Unsent> {
        let Parcel { target, decoding, wires: records, .. } = parcel;
        let written = match (&mut self.way, target) {
            _ if self.dry_run => return Ok(()),
            (_, Some(target)) => return target.send(&Load { stream, decoding, header, records }),
            (Way::File(file, _), None) => write_all(file, header, records).and_then(|()| file.sync_data()),
            (Way::Copy(out, _), None) => write_all(out, header, records).and_then(|()| out.flush()),
            (Way::Home | Way::To(_), None) => unreachable!("what is sent has a target"),
        };
        Ok(written?)
    }
}

fn write_all(out: &mut impl Write, header: Option<&[u8]>, records: &[Vec<u8>]) -> io::Result<()> {
    out.write_all(header.unwrap_or_default())?;
    records.iter().try_for_each(|record| out.write_all(record))
}

/// What came of feeding a pass.
enum Fed {
    /// All that was to be fed was; these lines stay, each with its end.
    All(Vec<u8>),
    /// Some was; these lines stay, among them those that were to be fed.
    Some(Vec<u8>, RefeedError),
    /// Nothing was.
    None(RefeedError),
}

impl Way {
    fn describe(&self, target: Option<&Target>) -> String {
        match (self, target) {
            (Way::File(_, name), _) => name.display().to_string(),
            (Way::Copy(_, name), _) => name.clone(),
            (_, Some(target)) => target.to_string(),
            (_, None) => "nowhere".into(),
        }
    }
}

/// Appends lines to the quarantine file, for good.
fn keep(origin: &mut Shared, lines: &[u8]) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    origin.append(lines, u64::MAX)?;
    origin.sync()
}
