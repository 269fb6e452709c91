//! Files that are read once, before and after a restart.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::super::{Once, Paths};
use crate::source::positions::{Keeper, Positions, Resume, Stored};
use crate::source::tests::Bench;
use crate::source::together::Turn;
use crate::source::{Input, Source};

/// A folder of files, and what an engine has taken of them.
struct World {
    folder: tempfile::TempDir,
    keeper: Keeper,
    /// Partition, offset and record of each event.
    taken: Vec<(u32, u64, String)>,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().expect("a folder");
        World { folder, keeper: Keeper::new(Positions::default(), ["s"]), taken: Vec::new() }
    }

    fn write(&self, name: &str, text: &str) {
        let bytes = match Path::new(name).extension().is_some_and(|end| end == "gz") {
            false => text.into(),
            true => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(text.as_bytes()).expect("in memory");
                encoder.finish().expect("in memory")
            }
        };
        fs::write(self.folder.path().join(name), bytes).expect("a file");
    }

    /// What would be stored now.
    fn stored(&self) -> Vec<Stored> {
        let bytes = self.keeper.positions().encode();
        Resume::at(Positions::decode(&bytes).expect("they were encoded")).files("source", "s")
    }

    /// Reads what is there until the end, or until so many inputs with events have been taken.
    async fn read(&mut self, most: usize) {
        let mut bench = Bench::after(1, self.keeper.positions());
        let paths = Paths::new("*", self.folder.path()).expect("a pattern");
        let source = Once::open(paths, 10, self.stored()).await.expect("it can be opened");
        let running = tokio::spawn(Box::new(source).run(vec![bench.inlet()], Turn::alone()));
        let mut left = most;
        while left > 0 {
            let input = tokio::select! {
                biased;
                queued = bench.queue.recv() => queued.expect("the bench has a sender").input,
                () = async { while !running.is_finished() { tokio::task::yield_now().await } } => break,
            };
            self.keeper.follow(&input);
            if let Input::Events { batch, .. } = &input {
                left -= 1;
                self.taken.extend(batch.events.iter().map(|event| {
                    let raw = String::from_utf8_lossy(event.raw()).into_owned();
                    (event.position().partition.0, event.position().offset, raw)
                }));
            }
        }
        running.abort();
    }

    fn ids(&self) -> Vec<&str> {
        self.taken.iter().map(|(_, _, raw)| raw.as_str()).collect()
    }
}

fn lines(ids: std::ops::Range<u32>) -> String {
    ids.map(|id| format!("{{\"id\":{id}}}\n")).collect()
}

#[tokio::test]
async fn wherever_it_is_stopped_every_record_is_taken_once_and_where_it_stood() {
    let mut whole = World::new();
    let text = lines(0..7);
    whole.write("a.jsonl", &text);
    whole.write("b.jsonl.gz", &text);
    whole.read(usize::MAX).await;
    whole.taken.sort();
    assert_eq!(whole.taken.len(), 14);
    for first in 0..14 {
        let mut parts = World::new();
        parts.write("a.jsonl", &text);
        parts.write("b.jsonl.gz", &text);
        for most in [first, 2, usize::MAX, usize::MAX] {
            parts.read(most).await;
        }
        parts.taken.sort();
        assert_eq!(parts.taken, whole.taken, "stopped after {first}");
    }
}

#[tokio::test]
async fn what_has_been_read_to_its_end_is_read_on_if_it_grows_and_anew_if_it_is_another() {
    let mut world = World::new();
    world.write("a", &lines(0..2));
    world.write("b", &lines(10..12));
    world.read(usize::MAX).await;
    assert_eq!(world.ids().len(), 4);
    world.taken.clear();
    world.write("a", &lines(0..3));
    fs::remove_file(world.folder.path().join("b")).expect("it is there");
    world.write("c", &lines(20..21));
    world.read(usize::MAX).await;
    world.taken.sort();
    assert_eq!(world.taken, [(0, 18, "{\"id\":2}".into()), (2, 0, "{\"id\":20}".into())]);
    let known: Vec<u32> = world.stored().iter().map(|stored| stored.partition.0).collect();
    assert_eq!(known, [0, 2], "what has gone is forgotten");
    world.taken.clear();
    world.write("a", &lines(5..9));
    world.read(usize::MAX).await;
    assert_eq!(world.taken[0], (3, 0, "{\"id\":5}".into()), "the same file with another content");
    assert_eq!(world.taken.len(), 4);
}

#[tokio::test]
async fn a_file_that_was_renamed_in_the_middle_goes_on() {
    let mut world = World::new();
    world.write("a", &lines(0..5));
    world.read(2).await;
    let at = |name| world.folder.path().join(name);
    fs::rename(at("a"), at("z")).expect("renamed");
    world.read(usize::MAX).await;
    assert_eq!(world.ids().len(), 5);
    assert!(world.taken.iter().all(|(partition, _, _)| *partition == 0), "{:?}", world.taken);
}
