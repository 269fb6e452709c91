//! A receiver that takes only what a vendor has published that it takes, and answers as the vendor does.

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver as Channel, Sender, channel};
use std::thread;

use serde_json::Value;

use crate::harness::PATIENCE;
use crate::receiver::{Request, read_request};

/// A status with its reason, a header with its line end or none, and a body.
pub type Answer = (&'static str, &'static str, String);

/// Decides what to answer.
pub type Judge = dyn FnMut(&Request) -> Answer + Send;

/// A receiver; its threads end with the test.
pub struct Strict {
    pub address: SocketAddr,
    requests: Channel<(Request, Answer)>,
}

impl Strict {
    /// Answers as `judge` says.
    pub fn start(judge: impl FnMut(&Request) -> Answer + Send + 'static) -> Strict {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, requests) = channel();
        let judge: Arc<std::sync::Mutex<Box<Judge>>> = Arc::new(std::sync::Mutex::new(Box::new(judge)));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (judge, sender) = (Arc::clone(&judge), sender.clone());
                thread::spawn(move || serve(stream, &judge, &sender));
            }
        });
        Strict { address, requests }
    }

    /// The next request and what was answered.
    pub fn next(&self) -> (Request, Answer) {
        self.requests.recv_timeout(PATIENCE).expect("a request comes")
    }
}

fn serve(
    stream: TcpStream,
    judge: &std::sync::Mutex<Box<Judge>>,
    requests: &Sender<(Request, Answer)>,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let request = read_request(&mut reader)?;
        let answer = judge.lock().expect("no panic")(&request);
        let (status, header, body) = &answer;
        let text = format!("HTTP/1.1 {status}\r\n{header}content-length: {}\r\n\r\n{body}", body.len());
        requests.send((request, answer)).ok()?;
        reader.get_mut().write_all(text.as_bytes()).ok()?;
    }
}

/// What is wrong with a document by a published schema; none if it fits.
pub fn misfits(schema: &str, document: &Value) -> Vec<String> {
    let schema = serde_json::from_str(schema).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}
