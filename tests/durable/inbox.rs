//! A receiver of webhooks that outlives the service, and holds what comes again against what came first.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

use crate::watched::Watched;

/// What has come.
#[derive(Debug, Default)]
pub struct Mail {
    /// The alerts by their ids, as they came first.
    pub alerts: BTreeMap<String, Vec<u8>>,
    /// The ids in the order in which they came first.
    pub order: Vec<String>,
    /// The records that the rule `taken` has reported: their connection and their number.
    pub taken: BTreeSet<(usize, usize)>,
    /// How many requests have come.
    pub requests: usize,
    /// What was not as it should be.
    pub wrong: Vec<String>,
}

impl Mail {
    fn take(&mut self, body: Vec<u8>, header: &str) {
        self.requests += 1;
        let alert: Value = serde_json::from_slice(&body).unwrap_or_default();
        let Some(id) = alert["id"].as_str().filter(|id| *id == header).map(str::to_owned) else {
            return self.wrong.push(format!("under {header}: {}", String::from_utf8_lossy(&body)));
        };
        match self.alerts.get(&id) {
            None => {
                self.order.push(id.clone());
                self.taken.extend(taken(&alert));
                self.alerts.insert(id, body);
            }
            Some(first) if *first == body => {}
            Some(first) => {
                let (first, again) = (String::from_utf8_lossy(first), String::from_utf8_lossy(&body));
                self.wrong.push(format!("another alert with the same id:\n{first}\n{again}"));
            }
        }
    }

    /// The alerts in the order in which they came first, read.
    pub fn read(&self) -> Vec<Value> {
        let alerts = self.order.iter().map(|id| &self.alerts[id]);
        alerts.map(|body| serde_json::from_slice(body).expect("it was read before")).collect()
    }
}

/// The connection and the number of the record of which this alert says that it was taken.
fn taken(alert: &Value) -> Option<(usize, usize)> {
    let number = |name: &str| usize::try_from(alert["fields"][name].as_u64()?).ok();
    (alert["rule"] == "taken").then_some((number("conn")?, number("n")?))
}

/// A receiver; its threads end with the test.
pub struct Inbox {
    pub address: SocketAddr,
    pub mail: Watched<Mail>,
}

impl Inbox {
    /// Takes every alert, and says of each `fails`th request only that it failed. 0: of none.
    pub fn start(fails: usize) -> Inbox {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (mail, count) = (Watched::<Mail>::default(), Arc::new(AtomicUsize::new(0)));
        let taken = mail.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (mail, count) = (taken.clone(), Arc::clone(&count));
                let fails = move || fails != 0 && count.fetch_add(1, Ordering::Relaxed) % fails == fails - 1;
                thread::spawn(move || serve(stream, &mail, fails));
            }
        });
        Inbox { address, mail }
    }

    /// A sink that sends here.
    pub fn sink(&self, name: &str) -> String {
        format!(
            "[sinks.{name}]\ntype = \"webhook\"\nurl = \"http://{}/\"\ntries = 1000\nbackoff = \"1ms\"\n\
             max_backoff = \"5ms\"\n",
            self.address
        )
    }
}

fn serve(stream: TcpStream, mail: &Watched<Mail>, fails: impl Fn() -> bool) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (header, body) = read(&mut reader)?;
        let status = if fails() { "503 Service Unavailable" } else { "200 OK" };
        // Who says that it failed may have taken it all the same.
        mail.change(|mail| mail.take(body, &header));
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        reader.get_mut().write_all(answer.as_bytes()).ok()?;
    }
}

/// The next request: its key, and its body. `None` when there is none that is whole.
fn read(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let (mut key, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let Some((name, value)) = line.split_once(':') else {
            if line == "\r\n" {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "idempotency-key" => key = value.trim().to_owned(),
            "content-length" => length = value.trim().parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((key, body))
}
