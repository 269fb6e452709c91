//! However an input is read, it gives the same turns.

use proptest::prelude::*;

use super::super::super::workers;
use super::*;
use crate::cases;
use crate::codec::{Format, csv};
use crate::diagnostic::Sources;
use crate::engine::EngineOptions;
use crate::event::Event;
use crate::source::Decoding;
use crate::source::compression::Compression;
use crate::source::framing::Framing;
use crate::source::reader::Reason;

const RULES: &str = "stream s time at { at timestamp(ms), n int }";
const MAX_LINE: usize = 60;

fn program() -> Arc<Program> {
    let (program, diagnostics) = Program::compile(&Sources::new([("rules.trip", RULES)]));
    Arc::new(program.unwrap_or_else(|| panic!("{diagnostics:?}")))
}

/// Bytes that come in pieces, and perhaps a failure behind them.
struct Pieces {
    rest: Vec<u8>,
    sizes: std::vec::IntoIter<usize>,
    fails: bool,
}

impl Read for Pieces {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() && self.fails {
            return Err(io::Error::other("the disk is gone"));
        }
        let count = match self.sizes.next() {
            Some(0) => return Err(io::ErrorKind::Interrupted.into()),
            Some(size) => size.min(space.len()).min(self.rest.len()),
            None => space.len().min(self.rest.len()),
        };
        space[..count].copy_from_slice(&self.rest[..count]);
        self.rest.drain(..count);
        Ok(count)
    }
}

/// How the inputs are to be read.
#[derive(Clone, Debug)]
struct Case {
    files: Vec<Vec<u8>>,
    format: Format,
    sizes: Vec<usize>,
    fails: bool,
    turn: BatchLimits,
}

/// What can be seen of the turns: the number of the input, its events, whether it ended, its failure,
/// and what has been rejected so far.
type Seen = Vec<(u32, Vec<(u64, Timestamp, Vec<u8>)>, bool, Option<String>, Vec<String>)>;

/// All turns of the inputs, in a fixed order, with what was rejected in the end. A single thread reads and
/// decodes; several read blocks of about `size` bytes, `blocks` of each input ahead.
fn turns(case: &Case, threads: usize, blocks: usize, size: usize) -> (Seen, BTreeMap<Reason, u64>) {
    let program = program();
    let stream = program.input("s").expect("a stream");
    let clock = Timestamp::from_micros(5);
    let settings = Settings { max_line: MAX_LINE, shards: threads, clock };
    let options = EngineOptions { shards: threads, ..EngineOptions::RECORDED };
    let (_engine, helpers) =
        workers::engine_and_helpers(Arc::clone(&program), options, &Arc::default()).expect("threads");
    let mut inputs = Inputs::at_pace(program, settings, Pace { turn: case.turn, blocks, size }, helpers);
    for (number, bytes) in (0..).zip(&case.files) {
        let framing = Framing::Lines;
        let decoding = Decoding { format: case.format.clone(), framing, compression: Compression::None };
        let input = Input { stream, path: format!("{number}").into(), decoding };
        let sizes = case.sizes.clone().into_iter();
        let bytes = Box::new(Pieces { rest: bytes.clone(), sizes, fails: case.fails && number == 0 });
        let recording = Recording { bytes, stored_size: None, stored_read: Arc::default() };
        inputs.add((stream, PartitionId(number)), input, recording);
    }
    let (mut seen, mut rejections) = (Seen::new(), Rejections::default());
    let mut next = 0;
    loop {
        // In turn, so that many are under way.
        let open: Vec<Id> = inputs.open.keys().copied().collect();
        let Some(id) = open.get(next % open.len().max(1)) else { return (seen, rejections.counts) };
        next += 1;
        let Turn { batch, ended, failure } = inputs.turn(id, &mut rejections);
        let event = |event: &Event| {
            assert_eq!(event.position().partition, id.1);
            (event.position().offset, event.time(), event.raw().to_vec())
        };
        let failure = failure.map(|error| error.to_string());
        let failed = failure.is_some();
        let shown =
            rejections.shown.iter().map(|it| format!("{}:{}: {}", it.path.display(), it.line, it.why));
        seen.push((id.1.0, batch.events.iter().map(event).collect(), ended, failure, shown.collect()));
        if failed {
            // What was rejected behind the last event given may have been counted or not.
            return (seen, BTreeMap::new());
        }
    }
}

fn bytes_of_file() -> impl Strategy<Value = Vec<u8>> {
    let record = (0_i64..50, any::<u8>()).prop_map(|(at, n)| format!("{{\"at\":{at},\"n\":{n}}}"));
    let line = prop_oneof![
        6 => record,
        1 => Just(String::new()),
        1 => Just("  ".to_owned()),
        1 => Just("no object".to_owned()),
        1 => Just("{\"at\":1}".to_owned()),
        1 => Just("\u{feff}{\"at\":1,\"n\":2}".to_owned()),
        1 => (40_usize..200).prop_map(|length| "x".repeat(length)),
        1 => (0_usize..60).prop_map(|blanks| format!("{{\"at\":1,{}\"n\":3}}", " ".repeat(blanks))),
    ];
    let end = prop_oneof![4 => Just("\n"), 2 => Just("\r\n"), 1 => Just("\r")];
    let lines = proptest::collection::vec((line, end), 0..40);
    (lines, any::<bool>(), any::<bool>()).prop_map(|(lines, mark, cut_off)| {
        let mut text: String = lines.into_iter().flat_map(|(line, end)| [line, end.to_owned()]).collect();
        if mark {
            text.insert(0, '\u{feff}');
        }
        let length = text.len();
        let mut bytes = text.into_bytes();
        if cut_off {
            bytes.truncate(length.saturating_sub(2));
        }
        bytes
    })
}

fn formats() -> impl Strategy<Value = Format> {
    let pattern =
        crate::codec::regex::Settings::new(r#""at":(?<at>\d+).*"n":(?<n>\d+)"#).expect("it is right");
    let columns = csv::Settings::new(b':', Some(vec!["x".into(), "n".into(), "at".into()]));
    prop_oneof![
        4 => Just(Format::Json),
        1 => Just(Format::Regex(pattern)),
        1 => Just(Format::Csv(columns.expect("they are right"))),
        // Only with a header, and so in one thread.
        1 => Just(Format::Csv(csv::Settings::default())),
        1 => Just(Format::Logfmt),
    ]
}

prop_compose! {
    fn cases()(
        files in proptest::collection::vec(bytes_of_file(), 1..5),
        format in formats(),
        sizes in proptest::collection::vec(prop_oneof![1 => Just(0), 20 => 1_usize..300], 0..60),
        fails in prop_oneof![4 => Just(false), 1 => Just(true)],
        events in 1_usize..30,
        bytes in 100_usize..20_000,
    ) -> Case {
        Case { files, format, sizes, fails, turn: BatchLimits { events, bytes } }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases::cases(60, 300), ..ProptestConfig::default() })]

    #[test]
    fn threads_give_the_turns_of_one_thread(
        case in cases(),
        threads in 2_usize..5,
        blocks in 1_usize..5,
        size in 1_usize..400,
    ) {
        prop_assert_eq!(turns(&case, threads, blocks, size), turns(&case, 1, 1, 1));
    }
}

#[test]
fn however_many_inputs_there_are_what_is_read_ahead_is_bounded() {
    let ahead = |inputs, threads| {
        let Pace { blocks, size, .. } = Pace::of(inputs, threads);
        (blocks, size)
    };
    assert_eq!(ahead(1, 2), (6, 64 << 10));
    assert_eq!(ahead(2, 2), (3, 64 << 10));
    assert_eq!(ahead(10, 2), (2, 64 << 10));
    assert_eq!(ahead(1000, 2), (2, 16_777));
    assert_eq!(ahead(5000, 2), (2, SMALLEST));
    assert_eq!(ahead(1, 1024), (2050, SMALLEST));
    for inputs in [1, 3, 64, 500, 1000] {
        for threads in [2, 8, 500] {
            let (blocks, size) = ahead(inputs, threads);
            assert!(inputs * blocks * size <= READ_AHEAD, "{inputs} inputs, {threads} threads");
        }
    }
}

#[test]
fn only_lines_that_can_be_read_by_themselves_are_divided() {
    let header = Format::Csv(csv::Settings::default());
    let columns = Format::Csv(csv::Settings::new(b',', Some(vec!["n".into()])).expect("they are right"));
    for (format, framing, can) in [
        (Format::Json, Framing::Lines, true),
        (columns.clone(), Framing::Lines, true),
        (columns, Framing::Csv { delimiter: b',' }, false),
        (header, Framing::Lines, false),
        (Format::Syslog, Framing::OctetCounting, false),
    ] {
        let decoding = Decoding { format, framing, compression: Compression::Gzip };
        assert_eq!(decoding.can_be_divided(), can, "{decoding:?}");
    }
}
