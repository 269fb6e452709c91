//! A webhook: takes alerts over HTTP on a loopback port. It understands just what a sink sends: POST
//! requests with a length, one after the other on a connection.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde_json::Value;

/// The largest request that is read, in bytes.
const LARGEST: u64 = 16 << 20;

/// What the demo shows of an alert.
#[derive(Clone, Debug)]
pub struct Alert {
    pub id: String,
    pub rule: String,
    pub kind: String,
    pub severity: String,
    pub title: String,
    pub key: BTreeMap<String, String>,
    pub decided_time: String,
    /// How many events it captured.
    pub events: usize,
}

/// Starts the receiver; alerts come out of the channel, also repeated ones.
///
/// # Errors
/// When no port can be had.
pub fn start() -> io::Result<(SocketAddr, Receiver<Alert>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let sender = sender.clone();
            thread::spawn(move || serve(connection, &sender));
        }
    });
    Ok((address, receiver))
}

/// Answers the requests of a connection until it ends or breaks: the service then sends again.
fn serve(connection: TcpStream, alerts: &Sender<Alert>) {
    let mut reader = BufReader::new(connection);
    while let Ok(Some(body)) = read_request(&mut reader) {
        let taken = serde_json::from_slice::<Value>(&body).is_ok_and(|body| take(&body, alerts));
        let status = if taken { "200 OK" } else { "400 Bad Request" };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// The body of the next request; `None` at the end of the connection.
fn read_request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Vec<u8>>> {
    let mut length = 0;
    let mut lines = 0;
    loop {
        let mut line = String::new();
        if reader.by_ref().take(LARGEST).read_line(&mut line)? == 0 {
            return Ok(None);
        }
        lines += 1;
        if line.trim_end().is_empty() && lines > 1 {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse::<u64>().map_err(io::Error::other)?.min(LARGEST);
        }
    }
    let mut body = vec![0; length as usize];
    reader.read_exact(&mut body)?;
    Ok(Some(body))
}

/// Passes on the alert, or the alerts of a list; whether it was one.
fn take(body: &Value, alerts: &Sender<Alert>) -> bool {
    let list = match body {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    list.iter().all(|alert| alert_from(alert).is_some_and(|alert| alerts.send(alert).is_ok()))
}

fn alert_from(json: &Value) -> Option<Alert> {
    let text = |name: &str| Some(json.get(name)?.as_str()?.to_owned());
    let key = json.get("key")?.as_object()?.iter().map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (name.clone(), value)
    });
    let captured = json.get("events")?.as_object()?.values().filter_map(Value::as_array);
    Some(Alert {
        id: text("id")?,
        rule: text("rule")?,
        kind: text("kind")?,
        severity: text("severity")?,
        title: text("title")?,
        key: key.collect(),
        decided_time: text("decided_time")?,
        events: captured.map(Vec::len).sum(),
    })
}
