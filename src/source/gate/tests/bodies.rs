//! Bodies over HTTP, of which a loss of power leaves all or nothing.

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::trouble::clone;
use super::*;
use crate::source::http::answer::{Refusal, Taken};
use crate::source::http::{Intake, OnBad, Shape};

/// It takes more than one batch.
const BODY: &[u8] = b"x,id\na,1\nb,2\nc,3\nd,4\ne,5\nf,6\n";

/// Takes a body, as soon as the committer has made it durable.
fn take(life: &Life, body: &'static [u8]) -> JoinHandle<Result<Taken, Refusal>> {
    let intake = Intake::new(life.inlet("lasting", &csv()), 100);
    tokio::spawn(async move {
        let shape = Shape::of(body, &intake.inlet().identity.decoding, false);
        let turns = Semaphore::new(1);
        intake.take(body, shape, OnBad::Refuse, &turns, std::time::Duration::from_secs(5)).await
    })
}

/// Works off a journal; also what that has brought.
async fn begin(journal: Journal, listening: &Listening, positions: Positions) -> (Life, Vec<Input>) {
    let mut inputs = Vec::new();
    let take = |input: &Input| match input {
        Input::Opened { stream, partition, origin } => {
            let (stream, partition, origin) = (*stream, *partition, Arc::clone(origin));
            inputs.push(Input::Opened { stream, partition, origin });
        }
        Input::Events { .. } => inputs.push(clone(input)),
        _ => {}
    };
    let life = Life::begin(journal, listening, positions, &csv(), take).await;
    (life, inputs)
}

#[tokio::test]
async fn a_body_of_which_the_state_has_a_part_is_gone_on_with() {
    let disk = SimulatedDisk::new(1);
    let (first, mut committer, listening) = journal(&disk, 0, Limits::default());
    let mut life = Life::begin(first, &listening, Positions::default(), &csv(), |_| {}).await;
    let taking = take(&life, BODY);
    assert!(life.arrived().await.is_empty());
    committer.round();
    let inputs = life.arrived().await;
    assert_eq!(taking.await.expect("no panic").map(|taken| taken.accepted), Ok(6));
    let all = events(&inputs);
    assert_eq!(all.len(), 6);
    let mut keeper = Keeper::new(Positions::default(), ["s"]);
    let first_batch = inputs.iter().position(|input| matches!(input, Input::Events { .. })).expect("one");
    inputs[..=first_batch].iter().for_each(|input| keeper.follow(input));
    let taken = events(&inputs[..=first_batch]).len();
    assert!((1..6).contains(&taken));
    drop((life, committer));
    disk.crash();
    let positions = Positions::decode(&keeper.positions().encode()).expect("it was encoded");
    let (second, _committer, listening) = journal(&disk, positions.journal, Limits::default());
    let (life, again) = begin(second, &listening, positions).await;
    assert_eq!(events(&again), all[taken..]);
    let intake = Intake::new(life.inlet("lasting", &csv()), 100);
    assert!(intake.next_offset().await > all[5].1);
}

/// The entries that a body makes when it is the first of all.
async fn entries(body: &'static [u8]) -> Vec<(u64, Vec<u8>)> {
    let (journal, mut committer, listening) = journal(&SimulatedDisk::new(1), 0, Limits::default());
    let mut life = Life::begin(journal.clone(), &listening, Positions::default(), &csv(), |_| {}).await;
    let taking = take(&life, body);
    life.arrived().await;
    committer.round();
    taking.await.expect("no panic").expect("it is taken");
    let (mut reader, mut entries) = (journal.read_from(1).expect("it can be read"), Vec::new());
    while let Some((_, entry)) = reader.read().expect("it can be read") {
        entries.push((entry.offset, entry.record.to_vec()));
    }
    entries
}

#[tokio::test]
async fn of_a_body_all_is_left_or_nothing_wherever_the_journal_ends() {
    let entries = entries(BODY).await;
    // Where the partition begins, the header, and the records.
    assert_eq!(entries.len(), 8);
    for left in 0..=entries.len() {
        let disk = SimulatedDisk::new(1);
        let (first, mut committer, _) = journal(&disk, 0, Limits::default());
        let entry = |(offset, record): &(u64, Vec<u8>)| {
            let entry = Entry { stream: "s", partition: 0, offset: *offset, arrival: Timestamp::MIN, record };
            first.append(&[entry]).expect("there is room");
        };
        entries[..left].iter().for_each(entry);
        committer.round();
        drop((first, committer));

        let (second, mut committer, listening) = journal(&disk, 0, Limits::default());
        let (mut life, found) = begin(second, &listening, Positions::default()).await;
        let is_whole = left == entries.len();
        assert_eq!(events(&found).len(), if is_whole { 6 } else { 0 }, "{left}");
        assert_eq!(found.iter().any(|input| matches!(input, Input::Opened { .. })), is_whole, "{left}");
        assert_eq!(life.recovered.parts, if is_whole { 0 } else { left.saturating_sub(1) as u64 }, "{left}");

        // What comes next has nothing to do with it, after one more restart neither.
        let taking = take(&life, b"x,id\ng,7\n");
        life.arrived().await;
        committer.round();
        assert_eq!(taking.await.expect("no panic").map(|taken| taken.accepted), Ok(1));
        let seventh = events(&life.arrived().await);
        drop((life, committer));
        let (third, _committer, listening) = journal(&disk, 0, Limits::default());
        let (_life, found_again) = begin(third, &listening, Positions::default()).await;
        let wanted = [events(&found), seventh].concat();
        assert_eq!(events(&found_again), wanted, "{left}");
    }
}
