//! The traffic of the demo, made beforehand, so that sending it costs next to nothing.
//!
//! Enters: how many cards, how many connections. Leaves: for each connection its lines in chunks, as
//! many as are wanted: when the lines of the day are used up, they come again a day later. Only the
//! times in them change, by whole days and in place, so that each line keeps its length.
//!
//! Invariant: the same number of chunks gives the same bytes, however often they are asked for, so
//! that what was sent to a service can be given to `tripline replay` afterwards.

use std::collections::HashMap;
use std::ops::Range;

use super::generator::{Generator, HOUR, Line, STREAMS, Settings, Stream};

/// After this the same lines come again, in milliseconds.
pub const DAY: i64 = 24 * HOUR;

/// Event time of the beginning, in milliseconds: 2026-03-01T08:00:00Z.
pub const START_MS: i64 = 1_772_352_000_000;

/// Lines a card and day, over all streams, of the demo's generator.
const LINES_PER_CARD: u64 = 10;

/// How many days after the rest the closing line of a connection is: longer than any rule waits.
const CLOSING_DAYS: i64 = 30;

/// What to prepare.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The day has about ten times as many lines, over all streams.
    pub cards: u64,
    /// So many streams, the busiest ones, have a connection each; the lines of others are left out.
    pub connections: usize,
    /// Lines of a chunk, over all connections.
    pub chunk: usize,
    /// Whether lines come in the order of event time, and not somewhat disordered as `late` allows.
    pub in_order: bool,
}

/// A day of lines for some connections.
pub struct Traffic {
    /// One for each connection, the busiest first.
    pub lanes: Vec<Lane>,
    /// Lines of a chunk, over all connections. The last chunk of a day is shorter.
    pub chunk: usize,
    /// Average length of a line in bytes, with its line end.
    pub line_bytes: f64,
}

/// The lines of one connection.
pub struct Lane {
    /// The stream that they are of.
    pub stream: Stream,
    bytes: Vec<u8>,
    times: Vec<Time>,
    /// Of each chunk of the day, the lines and the bytes.
    chunks: Vec<(Range<usize>, Range<usize>)>,
}

/// The event time of a line.
#[derive(Clone, Copy)]
struct Time {
    /// Where it is written.
    at: usize,
    /// On the first day, in milliseconds.
    time_ms: i64,
}

impl Traffic {
    /// Makes the lines.
    pub fn prepare(plan: Plan) -> Traffic {
        let events = plan.cards * LINES_PER_CARD;
        let settings = Settings { seed: 1, events, keys: plan.cards, start_ms: START_MS, planted: 1 };
        // A line at the very end would be before the first ones of the next day in the order of time.
        let mut lines: Vec<Line> =
            Generator::new(settings).filter(|line| line.time_ms < START_MS + DAY).collect();
        let streams = busiest(&lines, plan.connections);
        lines.retain(|line| streams.contains(&line.stream));
        if plan.in_order {
            lines.sort_by_key(|line| line.time_ms);
        }
        let mut lanes: Vec<Lane> = streams.iter().map(|stream| Lane::new(STREAMS[*stream])).collect();
        for chunk in lines.chunks(plan.chunk) {
            for (lane, stream) in lanes.iter_mut().zip(&streams) {
                lane.add(chunk.iter().filter(|line| line.stream == *stream));
            }
        }
        let bytes: usize = lanes.iter().map(|lane| lane.bytes.len()).sum();
        Traffic { lanes, chunk: plan.chunk, line_bytes: bytes as f64 / lines.len() as f64 }
    }

    /// The date from which on only the closing lines are, when so many chunks come before them.
    pub fn closing_date(&self, chunks: usize) -> String {
        date(START_MS + (self.lanes[0].day(chunks) + CLOSING_DAYS) * DAY)
    }

    /// How many lines so many chunks have on all connections, closing lines included.
    pub fn lines(&self, chunks: usize) -> u64 {
        self.lanes.iter().map(|lane| lane.lines(chunks)).sum()
    }
}

/// The streams with the most lines, by their places in [`STREAMS`].
fn busiest(lines: &[Line], count: usize) -> Vec<usize> {
    let mut lines_of = [0; STREAMS.len()];
    lines.iter().for_each(|line| lines_of[line.stream] += 1);
    let mut streams: Vec<usize> = (0..STREAMS.len()).collect();
    streams.sort_by_key(|stream| std::cmp::Reverse(lines_of[*stream]));
    streams.truncate(count);
    streams
}

impl Lane {
    fn new(stream: Stream) -> Lane {
        Lane { stream, bytes: Vec::new(), times: Vec::new(), chunks: Vec::new() }
    }

    /// Adds a chunk of these lines.
    fn add<'a>(&mut self, lines: impl Iterator<Item = &'a Line>) {
        let (first_line, first_byte) = (self.times.len(), self.bytes.len());
        for line in lines {
            let field = line.json.rfind(r#""at":"#).expect("a line has a time") + r#""at":"#.len();
            self.times.push(Time { at: self.bytes.len() + field, time_ms: line.time_ms });
            self.bytes.extend_from_slice(line.json.as_bytes());
            self.bytes.push(b'\n');
        }
        self.chunks.push((first_line..self.times.len(), first_byte..self.bytes.len()));
    }

    /// The bytes of a chunk, counted over all days.
    pub fn chunk(&mut self, number: usize) -> &[u8] {
        let day = self.day(number);
        let (lines, bytes) = self.chunks[number % self.chunks.len()].clone();
        let mut dates = Dates::default();
        for time in &self.times[lines] {
            write_time(&mut self.bytes[time.at..], time.time_ms + day * DAY, &mut dates);
        }
        &self.bytes[bytes]
    }

    /// A line so long after so many chunks that whatever waits for time to pass is decided by then.
    pub fn closing(&self, chunks: usize) -> Vec<u8> {
        let last = self.times.last().expect("a connection has lines");
        let begin = self.bytes[..last.at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let mut line = self.bytes[begin..].to_vec();
        let time_ms = last.time_ms + (self.day(chunks) + CLOSING_DAYS) * DAY;
        write_time(&mut line[last.at - begin..], time_ms, &mut Dates::default());
        line
    }

    /// How many lines so many chunks have, with the closing line.
    pub fn lines(&self, chunks: usize) -> u64 {
        let whole_days = chunks / self.chunks.len() * self.times.len();
        let rest = self.chunks[chunks % self.chunks.len()].0.start;
        (whole_days + rest + 1) as u64
    }

    /// For the id of each line of the day, the chunk in which it is.
    pub fn chunks_by_id(&self) -> HashMap<String, usize> {
        let text =
            |bytes: &Range<usize>| std::str::from_utf8(&self.bytes[bytes.clone()]).expect("JSON is UTF-8");
        let chunks = self.chunks.iter().enumerate();
        let lines =
            chunks.flat_map(|(number, (_, bytes))| text(bytes).lines().map(move |line| (number, line)));
        lines.map(|(number, line)| (id(line).to_owned(), number)).collect()
    }

    /// The chunk, counted over all days, of what is in this chunk of the day and has this event time.
    pub fn chunk_at(&self, chunk_of_day: usize, time_ms: i64) -> usize {
        (time_ms - START_MS).div_euclid(DAY) as usize * self.chunks.len() + chunk_of_day
    }

    /// How many chunks make the day.
    #[allow(dead_code, reason = "the tests ask for it, the benchmark does not")]
    pub fn chunks_a_day(&self) -> usize {
        self.chunks.len()
    }

    /// The day of a chunk, from 0.
    fn day(&self, chunk: usize) -> i64 {
        (chunk / self.chunks.len()) as i64
    }
}

/// The id of a line, which stands first in it.
fn id(line: &str) -> &str {
    line.split('"').nth(3).expect("a line begins with its id")
}

/// Writes a time over the one at the beginning of `text`, in the same form: a quoted text or a number
/// of milliseconds or seconds.
fn write_time(text: &mut [u8], time_ms: i64, dates: &mut Dates) {
    if text[0] == b'"' {
        text[1..11].copy_from_slice(dates.of(time_ms));
        return;
    }
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // Ten digits are seconds until the year 2286, and thirteen are milliseconds.
    let mut rest = if digits == 10 { time_ms / 1_000 } else { time_ms };
    for digit in text[..digits].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// Dates as text. Neighbours mostly have the same.
#[derive(Default)]
struct Dates {
    day: Option<i64>,
    text: [u8; 10],
}

impl Dates {
    fn of(&mut self, time_ms: i64) -> &[u8; 10] {
        let day = time_ms.div_euclid(DAY);
        if self.day != Some(day) {
            self.day = Some(day);
            self.text.copy_from_slice(date(time_ms).as_bytes());
        }
        &self.text
    }
}

fn date(time_ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(time_ms).expect("a time of this age");
    time.to_string()[..10].to_owned()
}
