//! Positions as bytes, and as they follow inputs.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::cases::cases;
use crate::event::Timestamp;
use crate::source::reader::Batch;

fn piece() -> impl Strategy<Value = Piece> {
    let head = (0..=Head::MOST as u16, any::<u32>()).prop_map(|(length, crc)| Head { length, crc });
    let id = (any::<u64>(), any::<u64>(), any::<Option<i64>>());
    (id, any::<u64>(), head).prop_map(|((device, inode, born), read, head)| Piece {
        file: FileId { device, inode, born },
        read,
        head,
    })
}

fn position() -> impl Strategy<Value = PartitionPosition> {
    let kind = prop_oneof![
        ".{0,8}".prop_map(|peer| Kind::Connection(peer.into())),
        Just(Kind::Source),
        ".{1,8}".prop_map(|path| Kind::File(Path::new(&path).into())),
        (".{1,8}", any::<u32>())
            .prop_map(|(topic, partition)| Kind::Kafka { topic: topic.into(), partition }),
    ];
    let file = (prop::option::of(piece()), prop::collection::vec(piece(), 0..3), any::<Option<u64>>())
        .prop_map(|(current, left, ended)| Arc::new(FileReached { current, left: left.into(), ended }));
    let header = prop::option::of(prop::collection::vec(any::<u8>(), 0..9));
    let reached = (any::<[u64; 3]>(), header, prop::option::of(file));
    ("[a-z]{1,4}", kind, any::<bool>(), reached).prop_map(|(source, kind, is_open, reached)| {
        let ([offset, number, journal], header, file) = reached;
        let reached = Reached { offset, number, header: header.map(Into::into), journal, file };
        PartitionPosition { origin: Arc::new(Origin { source: source.into(), kind }), is_open, reached }
    })
}

fn positions() -> impl Strategy<Value = Positions> {
    let partitions = prop::collection::btree_map(any::<u32>().prop_map(PartitionId), position(), 0..4);
    let stream = (partitions, 0..9_u64).prop_map(|(partitions, more)| {
        let last = partitions.keys().next_back().map_or(0, |last| u64::from(last.0) + 1);
        StreamPositions { next: last + more, partitions }
    });
    let streams = prop::collection::btree_map("[a-z]{1,4}".prop_map(Box::from), stream, 0..3);
    (any::<u64>(), streams).prop_map(|(journal, streams)| Positions { journal, streams })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(64, 1_000)))]

    #[test]
    fn bytes_give_the_same_positions_again(positions in positions()) {
        let bytes = positions.encode();
        prop_assert_eq!(Positions::decode(&bytes), Ok(positions));
        for end in 0..bytes.len() {
            prop_assert!(Positions::decode(&bytes[..end]).is_err(), "cut off at {}", end);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..200), positions in positions(), place: usize) {
        let _ = Positions::decode(&bytes);
        let mut whole = positions.encode();
        let place = place % whole.len();
        whole.splice(place..place, bytes.drain(..));
        let _ = Positions::decode(&whole);
    }
}

#[test]
fn a_newer_format_is_said_to_be_one() {
    let error = Positions::decode(&[2, 0, 0]).expect_err("it is not known");
    assert!(error.to_string().contains("a format that this program does not know"), "{error}");
}

fn origin(kind: Kind) -> Arc<Origin> {
    Arc::new(Origin { source: "s".into(), kind })
}

fn opened(partition: u32, kind: Kind) -> Input {
    Input::Opened { stream: StreamId(0), partition: PartitionId(partition), origin: origin(kind) }
}

fn events(partition: u32, reached: Reached) -> Input {
    let (stream, partition) = (StreamId(0), PartitionId(partition));
    let (batch, arrival) = (Batch::default(), Timestamp::MIN);
    Input::Events { source: 0, stream, partition, batch, arrival, reached }
}

fn closed(partition: u32, journal: u64) -> Input {
    Input::Closed { stream: StreamId(0), partition: PartitionId(partition), journal }
}

fn kept(keeper: &Keeper) -> Vec<(u32, bool, u64)> {
    let partitions = keeper.positions().streams.get("a").map(|stream| &stream.partitions);
    let all = partitions.into_iter().flatten();
    all.map(|(id, position)| (id.0, position.is_open, position.reached.offset)).collect()
}

#[test]
fn a_connection_is_forgotten_when_it_has_ended_and_its_number_is_not() {
    let mut keeper = Keeper::new(Positions::default(), ["a"]);
    keeper.follow(&opened(3, Kind::Connection("peer".into())));
    keeper.follow(&events(3, Reached { offset: 10, journal: 5, ..Reached::default() }));
    assert_eq!(kept(&keeper), [(3, true, 10)]);
    keeper.follow(&closed(3, 6));
    assert_eq!((kept(&keeper), keeper.positions().journal), (vec![], 6));
    assert_eq!(keeper.positions().streams["a"].next, 4);
}

#[test]
fn a_file_that_was_read_is_remembered_until_it_is_to_be_forgotten() {
    let mut keeper = Keeper::new(Positions::default(), ["a"]);
    keeper.follow(&opened(0, Kind::File(Path::new("x").into())));
    let piece = Piece { file: FileId { device: 1, inode: 2, born: None }, read: 9, head: Head::of(b"abc") };
    let file = FileReached { current: Some(piece), ended: Some(9), ..FileReached::default() };
    keeper.follow(&events(0, Reached { offset: 9, file: Some(Arc::new(file)), ..Reached::default() }));
    keeper.follow(&closed(0, 0));
    assert_eq!(kept(&keeper), [(0, false, 9)]);
    let resume = Resume::at(keeper.positions().clone());
    assert_eq!((resume.files("s", "a").len(), resume.files("s", "b").len()), (1, 0));
    assert_eq!((resume.files("t", "a").len(), resume.lasting("s", "a")), (0, None));
    keeper.follow(&Input::Forgotten { stream: StreamId(0), partition: PartitionId(0) });
    assert_eq!(kept(&keeper), []);
}
