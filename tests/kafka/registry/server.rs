//! A schema registry that speaks Confluent's API as far as readers need it, and that can be out of order.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::harness::{Folder, PATIENCE};

/// Who may ask.
const USER: &str = "tripline";
const PASSWORD: &str = "let me read";

/// What the registry does with requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It answers them.
    Well,
    /// It answers all of them with the status 500.
    Failing,
    /// It takes them and says nothing.
    Hanging,
}

struct State {
    mood: Mood,
    /// Bodies by path.
    answers: HashMap<String, Value>,
    /// The paths that were asked for, in order.
    requests: Vec<String>,
}

/// A server on this machine, whose threads end with the tests.
pub struct Registry {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    asked: Condvar,
}

impl Registry {
    /// One that knows nothing.
    pub fn start(mood: Mood) -> Registry {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let state = State { mood, answers: HashMap::new(), requests: Vec::new() };
        let shared = Arc::new(Shared { state: Mutex::new(state), asked: Condvar::new() });
        let of_server = Arc::clone(&shared);
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&of_server);
                // One who goes away without an answer has not been told, and that is all.
                thread::spawn(move || serve(connection, &shared));
            }
        });
        Registry { address, shared }
    }

    /// Has a schema under an id. `kind`: `AVRO`, which is not said, as by Confluent's; `PROTOBUF`, `JSON`.
    /// `references`: names, and the subjects whose first version they are.
    pub fn has(&self, id: impl std::fmt::Display, kind: &str, schema: &str, references: &[(&str, &str)]) {
        let path = match id.to_string() {
            guid if guid.contains('-') => format!("/schemas/guids/{guid}"),
            number => format!("/schemas/ids/{number}"),
        };
        self.shared.lock().answers.insert(path, body(kind, schema, references));
    }

    /// Has a schema as the first version of a subject, for others to refer to.
    pub fn has_subject(&self, subject: &str, kind: &str, schema: &str, references: &[(&str, &str)]) {
        let path = format!("/subjects/{subject}/versions/1");
        self.shared.lock().answers.insert(path, body(kind, schema, references));
    }

    /// From now on, it is like that.
    pub fn becomes(&self, mood: Mood) {
        self.shared.lock().mood = mood;
    }

    /// The paths that were asked for, in order.
    pub fn requests(&self) -> Vec<String> {
        self.shared.lock().requests.clone()
    }

    /// Waits until it has been asked so often.
    pub fn wait_for_requests(&self, many: usize) {
        let is_waiting = |state: &mut State| state.requests.len() < many;
        let waited = self.shared.asked.wait_timeout_while(self.shared.lock(), PATIENCE, is_waiting);
        let (state, timeout) = waited.expect("no test has panicked here");
        assert!(!timeout.timed_out(), "{} of {many} requests have come", state.requests.len());
    }

    /// A configuration that names it `main`, with its password in a file of the folder.
    pub fn config(&self, folder: &Folder) -> String {
        folder.write("registry-password", PASSWORD);
        format!(
            "[registries.main]\nurls = [\"http://{}/\"]\nuser = \"{USER}\"\npassword_file = \"registry-password\"\n\
             timeout = \"500ms\"\nbackoff = \"100ms\"\nmax_backoff = \"200ms\"\n",
            self.address
        )
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test has panicked here")
    }

    /// What a request is answered with; `None`: nothing.
    fn answer(&self, path: &str, is_known: bool) -> Option<(u16, Value)> {
        let mut state = self.lock();
        state.requests.push(path.to_owned());
        self.asked.notify_all();
        match state.mood {
            Mood::Hanging => return None,
            Mood::Failing => {
                return Some((500, json!({"error_code": 50001, "message": "Error in the backend"})));
            }
            Mood::Well => {}
        }
        Some(match state.answers.get(path) {
            _ if !is_known => (401, json!({"error_code": 401, "message": "Unauthorized"})),
            Some(body) => (200, body.clone()),
            None => (404, json!({"error_code": 40403, "message": "Schema not found"})),
        })
    }
}

fn body(kind: &str, schema: &str, references: &[(&str, &str)]) -> Value {
    let mut body = json!({"schema": schema});
    if kind != "AVRO" {
        body["schemaType"] = kind.into();
    }
    if !references.is_empty() {
        let reference =
            |(name, subject): &(&str, &str)| json!({"name": name, "subject": subject, "version": 1});
        body["references"] = references.iter().map(reference).collect();
    }
    body
}

/// Answers the requests of a connection.
fn serve(connection: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut answers = connection.try_clone()?;
    let mut lines = BufReader::new(connection).lines();
    let expected = format!("Basic {}", BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}")));
    while let Some(request) = lines.next().transpose()? {
        let path = request.split(' ').nth(1).expect("a path").to_owned();
        let mut is_known = false;
        while let Some(header) = lines.next().transpose()?.filter(|line| !line.is_empty()) {
            is_known |= header.strip_prefix("authorization: ") == Some(&expected);
        }
        // As long as the connection is there, the client waits.
        let Some((status, body)) = shared.answer(&path, is_known) else { continue };
        let body = body.to_string();
        let length = body.len();
        let kind = "application/vnd.schemaregistry.v1+json";
        write!(
            answers,
            "HTTP/1.1 {status} .\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
        )?;
    }
    Ok(())
}
