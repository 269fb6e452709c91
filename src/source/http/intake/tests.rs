use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use proptest::prelude::*;

use super::*;
use crate::codec::Format;
use crate::diagnostic::Sources;
use crate::event::{Event, FieldId};
use crate::program::Program;
use crate::source::compression::Compression;
use crate::source::positions::Resume;
use crate::source::queue::{QueueLimits, Receiver, queue};
use crate::source::reader::{BatchLimits, Checks};
use crate::source::{
    Clock, Decoding, Identity, LastThings, PartitionNumbers, SourceLimits, Stop, Surroundings, Troubles,
};
use crate::telemetry::catalogue::SourceMetrics;
use crate::watch;

const NOW: Duration = Duration::ZERO;

/// A clock that a test sets.
#[derive(Default)]
struct Set(AtomicI64);

impl Clock for Set {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// The way into a stream, and what comes out at its end.
struct Bench {
    intake: Intake,
    queue: Receiver,
    clock: Arc<Set>,
    _stop: watch::Sender<bool>,
}

impl Bench {
    fn new() -> Bench {
        Bench::with(QueueLimits { inputs: 8, bytes: 1 << 20 }, 1000)
    }

    fn with(limits: QueueLimits, max_records: usize) -> Bench {
        let sources = Sources::new([("a.trip", "stream auth { id int, card string? }")]);
        let (program, problems) = Program::compile(&sources);
        let program = program.unwrap_or_else(|| panic!("{problems:?}"));
        let stream = program.input("auth").expect("it is declared");
        let (sender, queue) = queue(limits);
        let (stop, stopped) = watch::channel(false);
        let clock = Arc::new(Set::default());
        let around = Surroundings {
            limits: SourceLimits { max_line: 200, batch: BatchLimits { events: 4, bytes: 1000 } },
            numbers: Arc::new(PartitionNumbers::new(1)),
            queue: sender,
            gate: None,
            resume: Resume::default(),
            quarantine: None,
            flow: Arc::default(),
            settled: watch::channel(Arc::default()).1,
            last: LastThings::default(),
            troubles: Troubles::default(),
            stop: Stop::new(stopped),
            clock: clock.clone(),
        };
        let identity = Identity {
            name: "web".into(),
            index: 7,
            stream,
            schema: Arc::new(program.schema(stream).clone()),
            kept: crate::event::Kept::ALL,
            decoding: Decoding {
                format: Format::Json,
                framing: Framing::Lines,
                compression: Compression::None,
            },
            checks: Checks::default(),
            metrics: Arc::new(SourceMetrics::new("web")),
        };
        let intake = Intake::new(Inlet::new(identity, around), max_records);
        Bench { intake, queue, clock, _stop: stop }
    }

    async fn take(&self, body: &str) -> Result<Taken, Refusal> {
        self.take_or(body, OnBad::Refuse).await
    }

    async fn take_or(&self, body: &str, on_bad: OnBad) -> Result<Taken, Refusal> {
        let shape = Shape::of_json(body.as_bytes());
        self.intake.take(body.as_bytes(), shape, on_bad, &Semaphore::new(1), NOW).await
    }

    /// What has been sent to the engine since the last time.
    fn sent(&mut self) -> (Vec<Event>, Vec<Timestamp>) {
        let (mut events, mut arrivals) = (Vec::new(), Vec::new());
        while let Ok(queued) = self.queue.try_recv() {
            match queued.input {
                Input::Events { batch, arrival, source, .. } => {
                    assert_eq!(source, 7);
                    let bytes: usize = batch.events.iter().map(|event| event.footprint()).sum();
                    assert_eq!(batch.bytes, bytes);
                    events.extend(batch.events);
                    arrivals.push(arrival);
                }
                Input::Opened { partition, .. } => assert_eq!(partition, PartitionId(0)),
                other => panic!("{other:?}"),
            }
        }
        (events, arrivals)
    }

    fn raw(&mut self) -> Vec<String> {
        let raw = |event: &Event| String::from_utf8_lossy(event.raw()).into_owned();
        self.sent().0.iter().map(raw).collect()
    }
}

fn accepted(count: u64) -> Result<Taken, Refusal> {
    Ok(Taken { accepted: count, bad: Bad::default() })
}

fn bad(taken: Result<Taken, Refusal>) -> String {
    let Err(Refusal::Bad(bad)) = taken else { panic!("{taken:?}") };
    serde_json::to_string(&bad.first).expect("it is JSON")
}

#[test]
fn the_shape_of_a_body_shows_at_its_beginning() {
    let shape = |text: &str| Shape::of_json(text.as_bytes());
    let lines = Shape::Framed(Framing::Lines);
    for text in ["", "{}", "{}\n{}", "x\n{", "\n{\"a\":\"}\"}\r\n{", "{}}\n", "\u{feff}{}"] {
        assert_eq!(shape(text), lines, "{text}");
    }
    for text in ["{", "{\n}", "\n {\"a\":\n1}", "{\"a}\n"] {
        assert_eq!(shape(text), Shape::Whole, "{text}");
    }
    assert_eq!(shape("[{}]"), Shape::List(0));
    assert_eq!(shape("\u{feff}\r\n [1"), Shape::List(6));
    let decoding = Bench::new().intake.inlet.identity.decoding.clone();
    assert_eq!(Shape::of(b"[{}]", &decoding, true), lines, "the sender has said so");
    assert_eq!(Shape::of(b"[{}]", &decoding, false), Shape::List(0));
    let prefixed = Decoding { framing: Framing::LengthPrefixed, ..decoding };
    assert_eq!(Shape::of(b"[{}]", &prefixed, false), Shape::Framed(Framing::LengthPrefixed));
}

#[tokio::test]
async fn objects_lines_and_lists_are_taken() {
    let mut bench = Bench::new();
    assert_eq!(bench.take("{\"id\":1}").await, accepted(1));
    assert_eq!(bench.take("{\n  \"id\": 2\n}\n").await, accepted(1));
    assert_eq!(bench.take("{\"id\":3}\r\n\n{\"id\":4}").await, accepted(2));
    assert_eq!(bench.take(" [ {\"id\":5},\n{\"id\":6} ]\n").await, accepted(2));
    assert_eq!(
        bench.raw(),
        ["{\"id\":1}", "{   \"id\": 2 }", "{\"id\":3}", "{\"id\":4}", "{\"id\":5}", "{\"id\":6}"]
    );
    assert_eq!(bench.intake.inlet.identity.metrics.events.get(), 6);
}

#[tokio::test]
async fn one_bad_record_and_nothing_is_taken() {
    let mut bench = Bench::new();
    let lines = bench.take("{\"id\":1}\n{\"id\":\"x\"}\nnonsense\n{}").await;
    assert_eq!(
        bad(lines),
        concat!(
            r#"[{"line":2,"reason":"wrong_type","detail":"the field `id` should be an integer of 64 bits, but is the text \"x\""},"#,
            r#"{"line":3,"reason":"syntax","detail":"not a JSON object: expected `{`, found 'n' at column 1"},"#,
            r#"{"line":4,"reason":"missing_field","detail":"the required field `id` is missing"}]"#
        )
    );
    let list = bench.take("[{\"id\":1},\n\n7,{\"id\":2}").await;
    assert_eq!(
        bad(list),
        concat!(
            r#"[{"element":2,"reason":"syntax","detail":"not a JSON object: expected `{`, found '7' at column 1"},"#,
            r#"{"element":3,"reason":"incomplete","detail":"the record is not complete: the list has no end, a `]`"}]"#
        )
    );
    let long = format!("{{\"id\":1,\n\"card\":\"{}\"}}", "x".repeat(300));
    assert!(bad(bench.take(&long).await).contains(r#""line":1,"reason":"oversized""#));
    for empty in ["", " \n\r\n ", "[]"] {
        assert_eq!(bench.take(empty).await, Err(Refusal::Empty));
    }
    assert_eq!(bench.queue.inputs(), 0, "not even the partition has begun");
    assert_eq!(bench.intake.inlet.identity.metrics.rejected.total(), 0, "it has not come in");
    assert_eq!(bench.raw(), [] as [&str; 0]);
}

#[tokio::test]
async fn bad_records_are_set_aside_if_the_sender_wants_that() {
    let mut bench = Bench::new();
    let taken = bench.take_or("{\"id\":1}\nnonsense\n{\"id\":2}\n", OnBad::Quarantine).await.expect("taken");
    assert_eq!((taken.accepted, taken.bad.count), (2, 1));
    assert_eq!(bench.raw(), ["{\"id\":1}", "{\"id\":2}"]);
    let taken = bench.take_or("[0, 1]", OnBad::Quarantine).await.expect("taken");
    assert_eq!((taken.accepted, taken.bad.count), (0, 2));
    assert_eq!(bench.raw(), [] as [&str; 0]);
    assert_eq!(bench.intake.inlet.identity.metrics.rejected.of("syntax").get(), 3);
}

#[tokio::test]
async fn many_bad_records_are_counted_and_the_first_listed() {
    let bench = Bench::new();
    let Err(Refusal::Bad(bad)) = bench.take(&"x\n".repeat(250)).await else { panic!("they are bad") };
    assert_eq!((bad.count, bad.first.len()), (250, 100));
}

#[tokio::test]
async fn positions_grow_and_arrival_does_not_go_back() {
    let mut bench = Bench::new();
    bench.clock.0.store(100, Ordering::Relaxed);
    bench.take("{\"id\":1}\n{\"id\":2}\n").await.expect("taken");
    bench.take("nonsense").await.expect_err("not taken");
    bench.clock.0.store(50, Ordering::Relaxed);
    bench.take("[{\"id\":3}]").await.expect("taken");
    let (events, arrivals) = bench.sent();
    let offsets: Vec<u64> = events.iter().map(|event| event.position().offset).collect();
    assert_eq!(offsets, [0, 9, 18 + 1]);
    assert_eq!(arrivals, [100, 100].map(Timestamp::from_micros));
    assert_eq!(events[2].time(), Timestamp::from_micros(100));
}

#[tokio::test]
async fn without_room_nothing_is_taken_and_later_all_of_it() {
    let mut bench = Bench::with(QueueLimits { inputs: 2, bytes: 1 << 20 }, 1000);
    assert_eq!(bench.take("{\"id\":1}").await, accepted(1));
    let behind = Err(Refusal::Behind { retry: NOW });
    assert_eq!(bench.take("{\"id\":2}\n{\"id\":3}").await, behind);
    assert_eq!(bench.raw(), ["{\"id\":1}"]);
    assert_eq!(bench.take("{\"id\":2}\n{\"id\":3}").await, accepted(2));
    let (events, _) = bench.sent();
    assert_eq!(events[0].position().offset, 8);
    bench.queue.close();
    assert!(matches!(bench.take("{\"id\":4}").await, Err(Refusal::Unavailable(_))));
}

#[tokio::test]
async fn a_paused_partition_takes_nothing() {
    let mut bench = Bench::new();
    bench.take("{\"id\":1}").await.expect("taken");
    let id = (bench.intake.inlet.identity.stream, PartitionId(0));
    bench.intake.inlet.around.flow.pause([id].into());
    assert_eq!(bench.take("{\"id\":2}").await, Err(Refusal::Behind { retry: NOW }));
    bench.intake.inlet.around.flow.pause([].into());
    bench.take("{\"id\":3}").await.expect("taken");
    assert_eq!(bench.raw(), ["{\"id\":1}", "{\"id\":3}"]);
}

#[tokio::test]
async fn a_body_waits_for_the_one_before_it_but_not_for_ever() {
    let bench = Bench::new();
    let before = bench.intake.partition.lock().await;
    assert_eq!(bench.take("{\"id\":1}").await, Err(Refusal::Behind { retry: NOW }));
    drop(before);
    assert_eq!(bench.take("{\"id\":1}").await, accepted(1));
    let turns = Semaphore::new(0);
    let taken = bench.intake.take(b"{\"id\":2}", Shape::Whole, OnBad::Refuse, &turns, NOW).await;
    assert_eq!(taken, Err(Refusal::Behind { retry: NOW }), "others have their turn");
}

#[tokio::test]
async fn a_body_of_many_records_fits_into_the_queue() {
    let mut bench = Bench::new();
    let body: String = (0..1000).map(|id| format!("{{\"id\":{id}}}\n")).collect();
    assert_eq!(bench.take(&body).await, accepted(1000));
    assert_eq!(bench.queue.inputs(), 1 + 2, "a quarter of the places");
    let offsets: Vec<u64> = bench.sent().0.iter().map(|event| event.position().offset).collect();
    assert_eq!(offsets.len(), 1000);
    assert!(offsets.is_sorted());
    let one_more = format!("{body}{{\"id\":0}}\n");
    assert_eq!(bench.take(&one_more).await, Err(Refusal::TooMany { limit: 1000 }));
}

#[test]
fn batches_are_joined_evenly_and_in_order() {
    let joined = |count: usize, most| -> Vec<usize> {
        let batches = (0..count).map(|bytes| Batch { bytes, ..Batch::default() }).collect();
        at_most(most, batches).iter().map(|batch| batch.bytes).collect()
    };
    assert_eq!(joined(0, 2), [] as [usize; 0]);
    assert_eq!(joined(2, 2), [0, 1]);
    assert_eq!(joined(5, 2), [1 + 2, 3 + 4]);
    assert_eq!(joined(5, 1), [10]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The elements of a list are the same records as its lines would be.
    #[test]
    fn a_list_is_what_its_lines_are(
        records in proptest::collection::vec(
            prop_oneof![
                4 => (any::<i64>(), "[a-z\\[\\]{},: ]{0,10}").prop_map(|(id, card)| serde_json::json!({ "id": id, "card": card }).to_string()),
                1 => "[a-z]{1,5}",
                1 => Just("{}".to_string()),
            ],
            1..20,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let both = [records.join("\n"), format!("[{}]", records.join(" ,\n"))].map(|body| {
            runtime.block_on(async {
                let mut bench = Bench::new();
                let taken = bench.take_or(&body, OnBad::Quarantine).await.expect("taken");
                let bad = serde_json::to_string(&taken.bad.first).expect("JSON").replace("element", "line");
                let value = |event: &Event| [0, 1].map(|field| event.value(FieldId(field)).clone());
                let values: Vec<_> = bench.sent().0.iter().map(value).collect();
                (taken.accepted, taken.bad.count, bad, values)
            })
        });
        prop_assert_eq!(&both[0], &both[1]);
        prop_assert_eq!(both[0].0 + both[0].1, records.len() as u64);
    }
}
