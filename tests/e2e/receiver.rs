//! A receiver of webhooks that answers as a test wants.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver as Channel, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::harness::PATIENCE;

/// What to answer a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A status line and headers, each with its line end.
    Status(&'static str),
    /// Nothing: keep the connection open.
    Hang,
    /// Nothing: close the connection.
    Close,
}

/// A request as it came in.
#[derive(Debug)]
pub struct Request {
    pub head: String,
    pub body: Value,
    pub at: Instant,
}

impl Request {
    /// The id of the alert in it.
    pub fn id(&self) -> &str {
        self.body["id"].as_str().expect("an alert has an id")
    }

    /// The `id` field that the test rule gives its alerts.
    pub fn event(&self) -> &str {
        self.body["fields"]["id"].as_str().expect("the rule has a field")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// A gate that requests wait at.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub fn open(&self) {
        *self.0.0.lock().expect("no panic") = true;
        self.0.1.notify_all();
    }

    /// Lets requests wait again.
    pub fn close(&self) {
        *self.0.0.lock().expect("no panic") = false;
    }

    fn pass(&self) {
        let mut open = self.0.0.lock().expect("no panic");
        while !*open {
            open = self.0.1.wait(open).expect("no panic");
        }
    }
}

/// A receiver; its threads end with the test.
pub struct Receiver {
    pub address: SocketAddr,
    requests: Channel<Request>,
}

impl Receiver {
    /// Answers the first requests as given and all others with success.
    pub fn start(answers: impl IntoIterator<Item = Answer>) -> Receiver {
        let gate = Gate::default();
        gate.open();
        Receiver::gated(answers, gate)
    }

    /// The same, but answers wait until the gate is open.
    pub fn gated(answers: impl IntoIterator<Item = Answer>, gate: Gate) -> Receiver {
        let mut answers: VecDeque<Answer> = answers.into_iter().collect();
        Receiver::judging(move |_| answers.pop_front().unwrap_or(Answer::Status("200 OK\r\n")), gate)
    }

    /// Answers as `judge` says, once the gate is open.
    pub fn judging(judge: impl FnMut(&Request) -> Answer + Send + 'static, gate: Gate) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let judge: Arc<Judge> = Arc::new(Mutex::new(judge));
        let (sender, requests) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (judge, sender, gate) = (Arc::clone(&judge), sender.clone(), gate.clone());
                thread::spawn(move || serve(stream, &judge, &sender, &gate));
            }
        });
        Receiver { address, requests }
    }

    /// A sink of that name that sends here.
    pub fn sink(&self, name: &str, more: &str) -> String {
        format!("[sinks.{name}]\ntype = \"webhook\"\nurl = \"http://{}/alerts\"\n{more}\n", self.address)
    }

    /// The next request.
    pub fn next(&self) -> Request {
        self.requests.recv_timeout(PATIENCE).expect("a request comes")
    }

    /// All requests that have come and were not taken.
    pub fn received(&self) -> Vec<Request> {
        self.requests.try_iter().collect()
    }

    /// Whether a request has come that was not taken.
    pub fn is_empty(&self) -> bool {
        self.requests.try_recv().is_err()
    }
}

/// Decides what to answer.
type Judge = Mutex<dyn FnMut(&Request) -> Answer + Send>;

fn serve(stream: TcpStream, judge: &Judge, requests: &Sender<Request>, gate: &Gate) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let request = read_request(&mut reader)?;
        let answer = judge.lock().expect("no panic")(&request);
        requests.send(request).ok()?;
        gate.pass();
        match answer {
            Answer::Status(head) => {
                let answer = format!("HTTP/1.1 {head}content-length: 2\r\n\r\nno");
                reader.get_mut().write_all(answer.as_bytes()).ok()?;
            }
            Answer::Hang => {
                // Until the other side gives up.
                let _ = reader.read(&mut [0]);
                return None;
            }
            Answer::Close => return None,
        }
    }
}

/// Reads a request with a body of JSON.
pub fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let at = Instant::now();
    let mut request = Request { head, body: Value::Null, at };
    let length = request.header("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.body = serde_json::from_slice(&body).ok()?;
    Some(request)
}
