//! A disk that is full, read-only or taken away: the service says so, promises nothing, loses nothing, and
//! goes on by itself.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::client::{Client, Wire};
use crate::inbox::Inbox;
use crate::process::{Process, service};
use crate::room::Room;
use crate::watched::PATIENCE;

const RULES: &str = r#"
stream auth { id int, via string }
rule seen {
  match auth as it
  overlap all
  alert low "{it.id}" { id = it.id }
  to desk
}
"#;

/// A service with a source over TCP and one over HTTP, and clients that send numbered records.
struct Scene {
    folder: TempDir,
    inbox: Inbox,
    /// The number of the last record that was sent.
    last: u64,
    /// Those that were promised to be kept, over HTTP.
    promised: BTreeSet<u64>,
    /// Those of which was said that they may be.
    uncertain: BTreeSet<u64>,
}

impl Scene {
    fn new() -> Scene {
        let scene = Scene {
            folder: tempfile::tempdir().expect("a folder"),
            inbox: Inbox::start(0),
            last: 0,
            promised: BTreeSet::new(),
            uncertain: BTreeSet::new(),
        };
        let config = format!(
            "rules = \"rules.trip\"\n[state]\npath = \"room/state\"\ncheckpoint = \"100ms\"\n\
             [sources.auth]\ntype = \"tcp\"\nstream = \"auth\"\nack = true\nlisten = \"127.0.0.1:0\"\n\
             [sources.web]\ntype = \"http\"\nlisten = \"127.0.0.1:0\"\n{}",
            scene.inbox.sink("desk")
        );
        fs::write(scene.path("tripline.toml"), config).expect("a file");
        fs::write(scene.path("rules.trip"), RULES).expect("a file");
        fs::create_dir(scene.path("room")).expect("a folder");
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn record(&mut self, via: &str) -> String {
        self.last += 1;
        format!("{{\"id\":{},\"via\":\"{via}\"}}\n", self.last)
    }

    /// Posts a record, and gives what it was answered.
    fn post(&mut self, client: &mut Client) -> u16 {
        let record = self.record("http");
        let (accepted, refusals) = {
            let told = client.told.look();
            (told.accepted, told.refusals)
        };
        client.send("auth", &record);
        let answer = client.told.wait(|told| match told.refused {
            _ if told.accepted > accepted => Some(202),
            Some(status) if told.refusals > refusals => Some(status),
            _ if told.has_ended => Some(0),
            _ => None,
        });
        let answer = answer.expect("an answer");
        if answer == 202 {
            self.promised.insert(self.last);
        } else if client.told.look().why.contains("may be kept") {
            self.uncertain.insert(self.last);
        }
        answer
    }

    /// Posts records until one is answered so.
    fn post_until(&mut self, client: &mut Client, wanted: u16, process: &Process) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.post(client);
            if answer == wanted {
                return;
            }
            assert!([202, 429, 503].contains(&answer), "{answer}:\n{}", process.text());
            assert!(Instant::now() < deadline, "no {wanted}:\n{}", process.text());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The numbers of the records of which an alert has come.
    fn heard(&self) -> BTreeSet<u64> {
        let mail = self.inbox.mail.look();
        assert_eq!(mail.wrong, Vec::<String>::new());
        mail.read().iter().map(|alert| alert["fields"]["id"].as_u64().expect("a number")).collect()
    }

    /// Waits until there have been alerts of all that was promised, and checks that there are none of what
    /// was never sent.
    fn expect(&self, promised: &BTreeSet<u64>, process: &Process) {
        let mut heard = BTreeSet::new();
        let come = poll(|| {
            heard = self.heard();
            promised.is_subset(&heard).then_some(())
        });
        assert!(come.is_some(), "missing: {:?}\n{}", promised.difference(&heard), process.text());
        assert!(heard.iter().all(|id| (1..=self.last).contains(id)));
    }
}

/// Looks until there is something; `None` when it does not come.
fn poll<R>(mut find: impl FnMut() -> Option<R>) -> Option<R> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match find() {
            None if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
            found => return found,
        }
    }
}

/// What `/readyz` answers over the socket in a state folder: the status and the body.
fn readiness(state: &Path) -> (u16, Value) {
    let away = state.with_file_name("away");
    let folder = if state.exists() { state } else { &away };
    let mut stream = UnixStream::connect(folder.join("control.sock")).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
    (status, serde_json::from_str(body).expect("JSON"))
}

fn becomes_ready(state: &Path, wanted: u16) -> Value {
    let ready = poll(|| Some(readiness(state)).filter(|(status, _)| *status == wanted));
    ready.unwrap_or_else(|| panic!("not {wanted}: {:?}", readiness(state))).1
}

/// While there is trouble, and after it has gone.
fn goes_through(
    mut scene: Scene,
    command: impl Fn() -> Command,
    state: &Path,
    (begin, end): (impl Fn(&Process), impl Fn(&Process)),
    said: &str,
) {
    let process = Process::start(command());
    assert_eq!(becomes_ready(state, 200)["status"], "ok");
    let (mut tcp, mut web) = (
        Client::connect(Wire::Tcp, process.address("auth")),
        Client::connect(Wire::Http, process.address("web")),
    );
    let mut over_tcp = Vec::new();
    for _ in 0..20 {
        let record = scene.record("tcp");
        over_tcp.push(scene.last);
        tcp.send("auth", &record);
        assert_eq!(scene.post(&mut web), 202);
    }
    assert!(tcp.wait_for(20));

    begin(&process);
    scene.post_until(&mut web, 503, &process);
    // What is sent now is not acknowledged, as little as what HTTP refuses is taken.
    let record = scene.record("tcp");
    over_tcp.push(scene.last);
    tcp.send("auth", &record);
    let reason = becomes_ready(state, 503);
    let text = reason.to_string();
    assert!(text.contains(said), "{reason}");
    let line = process.log.wait(|log| {
        let fits = |line: &&Value| line["level"] != "INFO" && line.to_string().contains(said);
        log.lines.iter().find(fits).cloned()
    });
    assert!(line.is_some(), "it does not say `{said}`:\n{}", process.text());
    for _ in 0..3 {
        assert_eq!(scene.post(&mut web), 503, "{}", process.text());
    }
    assert_eq!(tcp.told.look().accepted, 20, "nothing is promised that cannot be kept");

    end(&process);
    scene.post_until(&mut web, 202, &process);
    assert!(tcp.wait_for(21), "{}", process.text());
    assert_eq!(becomes_ready(state, 200)["status"], "ok");
    let mut promised = scene.promised.clone();
    promised.extend(&over_tcp);
    scene.expect(&promised, &process);

    // It was the truth: a crash changes nothing.
    process.kill();
    let process = Process::start(command());
    let mut web = Client::connect(Wire::Http, process.address("web"));
    scene.post_until(&mut web, 202, &process);
    promised.extend(&scene.promised);
    scene.expect(&promised, &process);
    let ended = process.stop();
    assert!(ended.status.success(), "{}", ended.text());
    // Nothing that was refused has been taken, but what was being written when the trouble began.
    let heard = scene.heard();
    let mut more = heard.difference(&promised);
    assert!(
        more.all(|id| scene.uncertain.contains(id)),
        "{heard:?} besides {promised:?} and {:?}",
        scene.uncertain
    );
    assert!(scene.uncertain.len() < 3, "{:?}", scene.uncertain);
}

#[test]
fn while_the_disk_is_full_nothing_is_promised_and_then_it_goes_on() {
    let scene = Scene::new();
    let Some(room) = Room::open(&scene.path("room"), 24 << 20) else { return };
    let folder = scene.folder.path().to_owned();
    let state = room.outside("state");
    let trouble = (|_: &Process| room.fill(), |_: &Process| room.make_room());
    goes_through(scene, || room.enter(&service(&folder)), &state, trouble, "make room on its file system");
}

/// The same where no file system can be had: files must not grow. What a limit of the shell allows counts
/// in KiB.
#[test]
fn while_files_must_not_grow_nothing_is_promised_and_then_it_goes_on() {
    let scene = Scene::new();
    let (folder, state) = (scene.folder.path().to_owned(), scene.path("room/state"));
    let limit = |process: &Process, bytes: &str| {
        let process = process.id().to_string();
        let limited =
            Command::new("prlimit").args(["--pid", &process, &format!("--fsize={bytes}:")]).status();
        assert!(limited.expect("prlimit is there").success());
    };
    let trouble = (|process: &Process| limit(process, "1"), |process: &Process| limit(process, "unlimited"));
    goes_through(scene, || service(&folder), &state, trouble, "make room on its file system");
}

#[test]
fn a_disk_that_may_not_be_written_keeps_the_service_from_starting() {
    let scene = Scene::new();
    let Some(room) = Room::open(&scene.path("room"), 24 << 20) else { return };
    let folder = scene.folder.path().to_owned();
    let refused = || {
        let ended = Process::spawn(room.enter(&service(&folder))).end();
        assert_eq!(ended.status.code(), Some(1), "{}", ended.text());
        ended.log.text.last().expect("it says why").clone()
    };
    room.remount("ro");
    let said = refused();
    assert!(said.starts_with("error: cannot make the folder room/state: Read-only file system"), "{said}");
    assert!(said.contains("make it writable for the user that runs the service"), "{said}");
    room.remount("rw");
    assert!(Process::start(room.enter(&service(&folder))).stop().status.success());
    room.remount("ro");
    let said = refused();
    assert!(said.starts_with("error: cannot open for writing room/state/"), "{said}");
    assert!(said.contains("make it writable for the user that runs the service"), "{said}");
    room.remount("rw");
    assert!(Process::start(room.enter(&service(&folder))).stop().status.success());
}

/// Records go on into files that are open; but what is stored might never be found again.
#[test]
fn while_its_folder_is_away_nothing_is_stored_and_then_it_goes_on() {
    let mut scene = Scene::new();
    let (folder, state, away) =
        (scene.folder.path().to_owned(), scene.path("room/state"), scene.path("room/away"));
    let process = Process::start(service(&folder));
    let mut web = Client::connect(Wire::Http, process.address("web"));
    for _ in 0..20 {
        assert_eq!(scene.post(&mut web), 202);
    }
    scene.expect(&scene.promised, &process);
    let before = scene.heard();
    fs::rename(&state, &away).expect("moved");
    scene.post(&mut web);
    let reason = becomes_ready(&state, 503).to_string();
    assert!(reason.contains("look who has moved it away"), "{reason}");
    process.wait_for("nothing is taken until the state can be stored", |line| line["level"] == "ERROR");
    assert_eq!(scene.heard(), before, "nothing leaves that is not stored");
    fs::rename(&away, &state).expect("moved back");
    assert_eq!(becomes_ready(&state, 200)["status"], "ok");
    scene.post_until(&mut web, 202, &process);
    scene.expect(&scene.promised, &process);
    process.kill();
    let process = Process::start(service(&folder));
    scene.expect(&scene.promised, &process);
    let ended = process.stop();
    assert!(ended.status.success(), "{}", ended.text());
}
