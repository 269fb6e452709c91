//! What the gate does while the disk is slow, full or broken, and what is found afterwards.

use super::*;
use crate::source::partition::Feed;
use crate::source::positions::{FileId, Head, Kind, Piece};

fn small() -> Limits {
    Limits { disk: 64 << 10, waiting: 16 << 10, entry: 2 << 10, segment: 4 << 10 }
}

#[tokio::test]
async fn the_engine_gets_what_is_durable_and_nothing_else() {
    let disk = SimulatedDisk::new(1);
    let (journal, mut committer, listening) = journal(&disk, 0, Limits::default());
    let mut life = Life::new(journal, &listening).await;
    let inlet = life.inlet("conn", &Format::Json);
    let mut feed = Feed::begin(&inlet, connection()).await.expect("it begins");
    feed.take(b"{\"id\":1}\n{\"id\":2}\nnonsense\n{\"id\":3").await.expect("there is room");
    let inputs = life.arrived().await;
    assert!(matches!(inputs[..], [Input::Opened { .. }]), "{inputs:?}");
    committer.round();
    let inputs = life.arrived().await;
    assert_eq!(events(&inputs), [(0, 0, "{\"id\":1}".into()), (0, 9, "{\"id\":2}".into())]);
    let Input::Events { reached, source, .. } = &inputs[0] else { panic!("{inputs:?}") };
    assert_eq!((reached.offset, reached.number, reached.journal, *source), (27, 4, 3, 0));
    feed.take(b"}\n").await.expect("there is room");
    feed.end().await.expect("there is room");
    feed.close().await;
    assert!(life.arrived().await.is_empty(), "not even that it has ended");
    committer.round();
    let inputs = life.arrived().await;
    assert_eq!(events(&inputs), [(0, 27, "{\"id\":3}".into())]);
    assert!(matches!(inputs[1], Input::Closed { journal: 5, .. }), "{inputs:?}");
    assert!(inlet.identity.metrics.rejected.of("syntax").get() == 1);
}

#[tokio::test]
async fn a_source_waits_for_the_disk_and_goes_on_by_itself() {
    let disk = SimulatedDisk::new(1);
    let (journal, mut committer, listening) = journal(&disk, 0, small());
    let mut life = Life::new(journal.clone(), &listening).await;
    let inlet = life.inlet("conn", &Format::Json);
    let backlog = Arc::clone(listening.backlog());
    let records: String = (0..2_000).map(|id| format!("{{\"id\":{id}}}\n")).collect();
    disk.set_read_only(true);
    let reading = tokio::spawn(async move {
        let mut feed = Feed::begin(&inlet, connection()).await.expect("it begins");
        feed.take(records.as_bytes()).await.expect("the engine is there");
    });
    let mut inputs = life.arrived().await;
    let now = Timestamp::from_micros(8);
    committer.round();
    inputs.extend(life.arrived().await);
    assert!(events(&inputs).is_empty() && !reading.is_finished());
    assert!(backlog.is_behind(now), "nobody is quiet now");
    let why = backlog.reason().expect("it waits").to_string();
    assert!(why.contains("takes no records"), "{why}");
    assert_eq!(backlog.metrics.stuck.get(), 1);
    disk.set_read_only(false);
    // Then the journal is full, until checkpoints make room.
    let mut was_full = false;
    for _ in 0..1_000 {
        committer.round();
        let more = life.arrived().await;
        let why = backlog.reason().map(|why| why.to_string()).unwrap_or_default();
        if more.is_empty() && why.contains("journal.max_size") {
            was_full = true;
            let taken = inputs.iter().filter_map(|input| match input {
                Input::Events { reached, .. } => Some(reached.journal),
                _ => None,
            });
            journal.trim(taken.max().expect("something was taken"));
        }
        inputs.extend(more);
        if reading.is_finished() {
            break;
        }
    }
    reading.await.expect("it has read all");
    committer.round();
    inputs.extend(life.arrived().await);
    let found = events(&inputs);
    assert!(was_full);
    assert_eq!(found.len(), 2_000);
    assert!(found.is_sorted_by_key(|(_, offset, _)| *offset));
    assert_eq!((backlog.is_behind(now), backlog.reason(), backlog.metrics.stuck.get()), (false, None, 0));
    assert_eq!(backlog.metrics.records.get(), 2_001);
}

#[tokio::test]
async fn batches_of_many_connections_leave_in_the_order_of_their_numbers() {
    let disk = SimulatedDisk::new(1);
    let (journal, mut committer, listening) = journal(&disk, 0, Limits::default());
    let mut life = Life::new(journal, &listening).await;
    let mut tasks = tokio::task::JoinSet::new();
    for connection_number in 0..20 {
        let inlet = life.inlet("conn", &Format::Json);
        tasks.spawn(async move {
            let mut feed = Feed::begin(&inlet, connection()).await.expect("it begins");
            for id in 0..30 {
                let record = format!("{{\"id\":{id}}}\n");
                feed.take(record.as_bytes()).await.expect("there is room");
                if (id + connection_number) % 3 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            feed.close().await;
        });
    }
    let (mut last, mut count) = (0, 0);
    for _ in 0..200 {
        for input in life.arrived().await {
            let number = match &input {
                Input::Events { reached, batch, .. } => {
                    count += batch.events.len();
                    reached.journal
                }
                Input::Closed { journal, .. } => *journal,
                _ => continue,
            };
            assert!(number > last, "{number} after {last}");
            last = number;
        }
        committer.round();
    }
    assert_eq!((count, tasks.len()), (600, 20));
    while let Some(done) = tasks.join_next().await {
        done.expect("no panic");
    }
}

#[tokio::test]
async fn after_a_restart_the_journal_gives_the_same_events_and_ends_what_is_gone() {
    let disk = SimulatedDisk::new(1);
    let (first, mut committer, listening) = journal(&disk, 0, Limits::default());
    let mut life = Life::begin(first, &listening, Positions::default(), &csv(), |_| {}).await;
    let (conn, lasting) = (life.inlet("conn", &csv()), life.inlet("lasting", &csv()));
    let mut one = Feed::begin(&conn, connection()).await.expect("it begins");
    let mut two = Feed::begin(&conn, connection()).await.expect("it begins");
    let mut three = Feed::begin(&lasting, Kind::Source).await.expect("it begins");
    one.take(b"id,x\n1,a\n2,b\n").await.expect("there is room");
    two.take(b"y,id\n7,3\n").await.expect("there is room");
    committer.round();
    let mut keeper = Keeper::new(Positions::default(), ["s"]);
    let before = life.arrived().await;
    before.iter().for_each(|input| keeper.follow(input));
    let checkpoint = keeper.positions().encode();
    one.take(b"4,c\n").await.expect("there is room");
    two.close().await;
    three.take(b"id\n5\n").await.expect("there is room");
    three.begin_anew().await.expect("there is room");
    three.take(b"z,id\n1,6\n").await.expect("there is room");
    committer.round();
    let after = events(&life.arrived().await);
    assert_eq!(after.len(), 3);
    drop((one, three, life, committer));

    disk.crash();
    let positions = Positions::decode(&checkpoint).expect("it was encoded");
    let (second, mut committer, listening) = journal(&disk, positions.journal, Limits::default());
    let mut again = Vec::new();
    let mut life = Life::begin(second, &listening, positions, &csv(), |input| match input {
        Input::Events { .. } => again.extend(events(&[clone(input)])),
        Input::Closed { partition, .. } => again.push((partition.0, 0, "closed".into())),
        Input::Opened { .. } | Input::Reached { .. } => {}
        other => panic!("{other:?}"),
    })
    .await;
    let closed = |partition| (partition, 0, "closed".to_owned());
    let [four, five, six] = &after[..] else { unreachable!() };
    // The second connection had ended before, and the first ends because it is gone.
    assert_eq!(again, [four.clone(), closed(1), five.clone(), six.clone(), closed(0)]);
    assert_eq!((life.recovered.records, life.recovered.ended), (6 - 1, 1));
    assert_eq!(life.positions.streams["s"].next, 3);
    // The source goes on as it was, with a header of its own and behind what it had.
    let lasting = life.inlet("lasting", &csv());
    let mut three = Feed::begin(&lasting, Kind::Source).await.expect("it goes on");
    three.take(b"id\n9\n").await.expect("there is room");
    committer.round();
    let inputs = life.arrived().await;
    assert!(matches!(inputs[0], Input::Connected { partition: PartitionId(2), .. }), "{inputs:?}");
    let found = events(&inputs);
    assert_eq!((found.len(), found[0].0, &*found[0].2), (1, 2, "{\"id\":9}"));
    assert!(found[0].1 > six.1, "offsets grow");
}

pub fn clone(input: &Input) -> Input {
    let Input::Events { source, stream, partition, batch, arrival, reached } = input else {
        panic!("{input:?}")
    };
    let batch = Batch { events: batch.events.clone(), ..Batch::default() };
    let (source, stream, partition, arrival) = (*source, *stream, *partition, *arrival);
    Input::Events { source, stream, partition, batch, arrival, reached: reached.clone() }
}

/// What is said when the journal has entries that do not go with the positions.
async fn failure(record: &[u8]) -> String {
    let disk = SimulatedDisk::new(1);
    let (first, mut committer, _) = journal(&disk, 0, Limits::default());
    let entry = Entry { stream: "s", partition: 5, offset: 0, arrival: Timestamp::MIN, record };
    first.append(&[entry]).expect("there is room");
    committer.round();
    let (sender, _receiver) = queue(QueueLimits { inputs: 10, bytes: 1_000 });
    let mut positions = Positions::default();
    let done = recover(&first, &mut positions, &[], |_| None, &sender).await;
    let Err(error @ (RecoverError::Unknown { .. } | RecoverError::Entry { .. })) = done else {
        panic!("{done:?}")
    };
    error.to_string()
}

#[tokio::test]
async fn a_journal_that_does_not_belong_to_the_positions_is_refused() {
    assert_eq!(
        failure(&[0, 1, b'x']).await,
        "entry 1 of the journal is of partition 5 of `s`, which neither the journal nor the state says anything of: \
         use a state and a journal that belong together"
    );
    assert_eq!(
        failure(&[5]).await,
        "entry 1 of the journal cannot be read: an entry of the journal is of a kind that this program does not \
         know; use the version of the program that wrote it"
    );
}

#[tokio::test]
async fn records_of_a_source_that_is_not_configured_any_more_are_counted_and_left_out() {
    let disk = SimulatedDisk::new(1);
    let (first, mut committer, listening) = journal(&disk, 0, Limits::default());
    let mut life = Life::new(first.clone(), &listening).await;
    let inlet = life.inlet("conn", &Format::Json);
    let mut feed = Feed::begin(&inlet, connection()).await.expect("it begins");
    feed.take(b"{\"id\":1}\n{\"id\":2}\n").await.expect("there is room");
    committer.round();
    assert_eq!(events(&life.arrived().await).len(), 2);
    let (sender, mut receiver) = queue(QueueLimits { inputs: 10, bytes: 1_000 });
    let mut positions = Positions::default();
    let recovered = recover(&first, &mut positions, &[], |_| None, &sender).await.expect("it is no mistake");
    assert_eq!(recovered.left, [(("conn".into(), "s".into()), 2)].into());
    assert_eq!((receiver.inputs(), positions.streams["s"].next), (0, 1), "its number is not given again");
    assert!(receiver.try_recv().is_err());
}

#[tokio::test]
async fn how_far_a_file_had_come_is_not_said_after_what_came_next() {
    let disk = SimulatedDisk::new(1);
    let (journal, mut committer, listening) = journal(&disk, 0, Limits::default());
    let mut life = Life::new(journal, &listening).await;
    let (files, conn) = (life.inlet("file", &Format::Json), life.inlet("conn", &Format::Json));
    let path = Kind::File(Path::new("/a").into());
    let mut file = Feed::begin(&files, path).await.expect("it begins");
    committer.round();
    assert!(matches!(life.arrived().await[..], [Input::Opened { .. }, Input::Reached { .. }]));
    // Something waits for the disk, and what is said of the file waits behind it.
    let mut other = Feed::begin(&conn, connection()).await.expect("it begins");
    other.take(b"{\"id\":1}\n").await.expect("there is room");
    let piece = Piece { file: FileId { device: 1, inode: 1, born: None }, read: 0, head: Head::default() };
    file.in_file(Some(piece), 0, Arc::default());
    file.flush().await.expect("there is room");
    let mut inputs = {
        let mut taking = std::pin::pin!(file.take(b"{\"id\":2}\n"));
        tokio::select! {
            biased;
            taken = &mut taking => panic!("nothing is said before it: {taken:?}"),
            inputs = life.arrived() => assert!(matches!(inputs[..], [Input::Opened { .. }]), "{inputs:?}"),
        }
        committer.round();
        let (taken, inputs) = tokio::join!(taking, life.arrived());
        taken.expect("there is room");
        inputs
    };
    inputs.extend(life.arrived().await);
    let of_file = |input: &Input| match input {
        Input::Reached { partition: PartitionId(0), reached, .. }
        | Input::Events { partition: PartitionId(0), reached, .. } => Some(reached.offset),
        _ => None,
    };
    assert_eq!(inputs.iter().filter_map(of_file).collect::<Vec<_>>(), [0, 9]);
}
