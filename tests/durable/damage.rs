//! Files that are not what the service has left: it says so, and leaves them as they are.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use tempfile::TempDir;

use crate::binary::tripline;
use crate::client::{Client, Wire};
use crate::inbox::Inbox;
use crate::process::{Process, service};

/// A partial match for each card, which its second event completes.
const RULES: &str = r#"
stream auth { n int, card string, step string }
rule both {
  by card
  event first  = auth where step == "first"
  event second = auth where step == "second"
  match first then second within 1h
  alert low "{card}" { n = first.n }
  to desk
}
"#;

const CARDS: usize = 300;

/// A folder with a configuration, rules and, when a service has run there, its state.
struct Place {
    folder: TempDir,
    inbox: Inbox,
}

impl Place {
    fn new() -> Place {
        let place = Place { folder: tempfile::tempdir().expect("a folder"), inbox: Inbox::start(0) };
        let config = format!(
            "rules = \"rules.trip\"\nshards = 2\n[state]\npath = \"state\"\n[sources.auth]\ntype = \"tcp\"\n\
             stream = \"auth\"\nack = true\nlisten = \"127.0.0.1:0\"\n{}",
            place.inbox.sink("desk")
        );
        fs::write(place.path("tripline.toml"), config).expect("a file");
        fs::write(place.path("rules.trip"), RULES).expect("a file");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&self) -> Process {
        Process::start(service(self.folder.path()))
    }

    /// Sends an event for each card.
    fn send(process: &Process, step: &str) {
        let mut client = Client::connect(Wire::Tcp, process.address("auth"));
        let line = |n| format!("{{\"n\":{n},\"card\":\"card {n}\",\"step\":\"{step}\"}}\n");
        client.send("auth", &(0..CARDS).map(line).collect::<String>());
        assert!(client.wait_for(CARDS), "{}", process.text());
        client.close();
    }

    /// A state in which every card waits for its second event.
    fn begun() -> Place {
        let place = Place::new();
        let process = place.start();
        Place::send(&process, "first");
        assert!(process.stop().status.success());
        place
    }

    /// What the service says when it does not start; what is `untouched` is left as it is.
    fn refusal(&self, untouched: &str) -> String {
        let before = content(&self.path(untouched));
        let mut command = tripline();
        command.args(["run", "--log-level", "error"]).current_dir(self.folder.path()).stdin(Stdio::null());
        let output = command.output().expect("it starts");
        let said = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(before == content(&self.path(untouched)), "something has changed: {said}");
        said
    }
}

/// The files in a folder with what is in them; of locks only that they are there.
fn content(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    if !path.is_dir() {
        return fs::read(path).map(|bytes| vec![(path.to_owned(), bytes)]).unwrap_or_default();
    }
    let mut paths: Vec<PathBuf> =
        fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.file_name().is_some_and(|name| name != "lock" && name != "control.sock"));
    paths.sort();
    paths.iter().flat_map(|path| content(path)).collect()
}

/// Copies a folder.
fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    for (path, bytes) in content(from) {
        let to = to.join(path.strip_prefix(from).expect("it is in the folder"));
        fs::create_dir_all(to.parent().expect("a folder")).expect("made");
        fs::write(to, bytes).expect("written");
    }
}

fn open(path: &Path) -> fs::File {
    fs::OpenOptions::new().read(true).write(true).open(path).expect("a file")
}

/// Turns some bytes of a file round.
fn turn(path: &Path, offset: u64, length: usize) {
    let (file, mut bytes) = (open(path), vec![0; length]);
    file.read_exact_at(&mut bytes, offset).expect("it is so long");
    bytes.iter_mut().for_each(|byte| *byte = !*byte);
    file.write_all_at(&bytes, offset).expect("written");
}

#[test]
fn a_store_that_is_not_one_is_refused_and_left_alone() {
    let place = Place::begun();
    copy(&place.path("state"), &place.path("kept"));
    let store = place.path("state/state.store");
    let advice = "bring the file back from a copy, or restore a savepoint into an empty state folder (it was left as it is)";
    let cases: [(&str, &dyn Fn(), String); 5] = [
        (
            "foreign",
            &|| fs::write(&store, "# a letter\n").expect("written"),
            "state/state.store is no state of Tripline; move it out of the way, or name another file (it was left as it is)"
                .into(),
        ),
        (
            "empty",
            &|| fs::write(&store, "").expect("written"),
            "state/state.store is no state of Tripline; move it out of the way, or name another file (it was left as it is)"
                .into(),
        ),
        (
            "cut off within its head",
            &|| open(&store).set_len(20_000).expect("cut"),
            format!("state/state.store is damaged: it ends or is empty at byte 32768; {advice}"),
        ),
        (
            "all copies of its head",
            &|| (0..8).for_each(|copy| turn(&store, copy * 4096 + 40, 16)),
            format!("state/state.store is damaged: no copy of its first bytes fits its checksum; {advice}"),
        ),
        (
            "newer",
            &|| (0..8).for_each(|copy| open(&store).write_all_at(&[9], copy * 4096 + 8).expect("written")),
            "state/state.store has format 9 and this program knows 1: a newer version has written it, or it is damaged; run \
             that version (the file was left as it is)"
                .into(),
        ),
    ];
    for (what, damage, message) in cases {
        damage();
        assert_eq!(place.refusal("state"), format!("error: {message}\n"), "{what}");
        copy(&place.path("kept"), &place.path("state"));
    }
    // Cut off anywhere else.
    let length = fs::metadata(&store).expect("a file").len();
    for cut in [4096, 16_384, length / 2] {
        open(&store).set_len(length - cut).expect("cut");
        let said = place.refusal("state");
        assert!(said.starts_with("error: state/state.store is damaged: ") && said.contains(advice), "{said}");
        copy(&place.path("kept"), &place.path("state"));
    }
    // Nothing is left of all this.
    let process = place.start();
    Place::send(&process, "second");
    assert!(process.stop().status.success());
    assert_eq!(place.inbox.mail.look().order.len(), CARDS);
}

/// Wherever bytes change: it is noticed, or they were of no use.
#[test]
fn a_store_with_other_bytes_in_it_is_refused_unless_nothing_is_wrong_with_it() {
    let place = Place::begun();
    copy(&place.path("state"), &place.path("kept"));
    let store = place.path("state/state.store");
    // Most of the file is not in use, and has never been written.
    let bytes = fs::read(&store).expect("a file");
    let is_written = |block: &(usize, &[u8])| block.1.iter().any(|byte| *byte != 0);
    let blocks: Vec<u64> =
        bytes.chunks(512).enumerate().filter(is_written).map(|(number, _)| number as u64 * 512).collect();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let (mut refused, mut started) = (0, 0);
    for _ in 0..24 {
        let offset = blocks[random.random_range(0..blocks.len())] + random.random_range(0..448);
        turn(&store, offset, random.random_range(1..64));
        let before = content(&place.path("state"));
        let process = Process::spawn(service(place.folder.path()));
        let is_ready = process.log.wait(|log| {
            let is_ready = log.find("ready", |_| true).is_some();
            (log.has_ended || is_ready).then_some(is_ready)
        });
        if is_ready == Some(true) {
            started += 1;
            let heard = place.inbox.mail.look().order.len();
            Place::send(&process, "second");
            assert!(process.stop().status.success());
            // Of what has come before, the ids are known.
            let mail = place.inbox.mail.look();
            assert!(
                mail.order.len() >= CARDS && (heard == 0 || mail.order.len() == heard),
                "byte {offset}: {heard}"
            );
        } else {
            refused += 1;
            let ended = process.end();
            let said = ended.log.text.last().expect("it says why").clone();
            assert_eq!(ended.status.code(), Some(1), "byte {offset}: {}", ended.text());
            assert!(said.starts_with("error: state/state.store is damaged: "), "byte {offset}: {said}");
            assert!(before == content(&place.path("state")), "byte {offset}: something has changed");
        }
        copy(&place.path("kept"), &place.path("state"));
    }
    println!("{refused} refused, {started} started");
    assert!(refused >= 3 && started >= 3, "{refused} refused, {started} started");
}

#[test]
fn a_journal_that_is_damaged_is_refused_and_left_alone() {
    let place = Place::new();
    // So that nothing of it is in a checkpoint.
    let config = fs::read_to_string(place.path("tripline.toml")).expect("it is there");
    let config = config.replace("path = \"state\"", "path = \"state\"\ncheckpoint = \"1h\"");
    fs::write(place.path("tripline.toml"), config).expect("written");
    let process = place.start();
    Place::send(&process, "first");
    Place::send(&process, "first");
    process.kill();
    let segment = content(&place.path("state/journal")).pop().expect("a segment").0;
    let name = segment.strip_prefix(place.folder.path()).expect("it is there").display().to_string();
    copy(&place.path("state"), &place.path("kept"));

    turn(&segment, 200, 8);
    let said = place.refusal("state/journal");
    assert!(said.starts_with(&format!("error: {name} is damaged at byte ")), "{said}");
    let advice = "bring the file back from a copy, or start with an empty state folder and do without what the journal \
                  holds (it was left as it is)\n";
    assert!(said.ends_with(advice), "{said}");

    copy(&place.path("kept"), &place.path("state"));
    fs::write(&segment, "# a letter\n# and another line of it, so that it is longer than a head\n")
        .expect("written");
    let said = place.refusal("state/journal");
    let message =
        "is named like a part of the journal and is none; move it out of the folder (it was left as it is)";
    assert_eq!(said, format!("error: {name} {message}\n"));

    // A line that a crash has cut off is none of that.
    copy(&place.path("kept"), &place.path("state"));
    let length = fs::metadata(&segment).expect("a file").len();
    let end =
        fs::read(&segment).expect("a file").iter().rposition(|byte| *byte != 0).expect("it has something");
    turn(&segment, end as u64 - 3, 2);
    let process = place.start();
    process
        .wait_for("the journal has been worked off", |line| line["records"].as_u64() >= Some(CARDS as u64));
    assert!(process.stop().status.success());
    assert!(fs::metadata(&segment).map_or(0, |data| data.len()) <= length);
}

#[test]
fn a_folder_that_is_none_is_refused() {
    let place = Place::new();
    fs::write(place.path("state"), "# a letter\n").expect("written");
    let said = place.refusal("state");
    let message = "cannot make the folder state: not a directory; move what is there out of the way, or name another folder";
    assert_eq!(said, format!("error: {message}\n"));
    assert_eq!(fs::read_to_string(place.path("state")).expect("a file"), "# a letter\n");
}

#[test]
fn a_second_service_in_the_same_folder_is_refused_and_the_first_goes_on() {
    let place = Place::new();
    let first = place.start();
    Place::send(&first, "first");
    let mut command = service(place.folder.path());
    let second = command.stdin(Stdio::null()).output().expect("it starts");
    let said = String::from_utf8(second.stderr).expect("text");
    assert_eq!(second.status.code(), Some(1), "{said}");
    let message = format!(
        "error: the state in state is in use by another process ({}); stop that one first, or give this one a folder of its \
         own\n",
        first.id()
    );
    assert!(said.ends_with(&message), "{said}");
    Place::send(&first, "second");
    assert!(first.stop().status.success());
    assert_eq!(place.inbox.mail.look().order.len(), CARDS);
}
