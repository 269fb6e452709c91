//! What a service tells Prometheus.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long a value is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// The metrics of a moment.
#[derive(Debug)]
pub struct Scrape {
    /// As they were sent.
    pub text: String,
    values: BTreeMap<String, f64>,
}

impl Scrape {
    /// Asks a service for its metrics.
    pub fn of(address: SocketAddr) -> Scrape {
        let mut stream = TcpStream::connect(address).expect("the API listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let request = format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, text) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let value = |line: &str| {
            let (name, value) = line.rsplit_once(' ').expect("a value");
            (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("no number: {line}")))
        };
        let values = lines.map(value).collect();
        Scrape { text: text.to_owned(), values }
    }

    /// Asks again and again until what is asked for holds.
    pub fn until(address: SocketAddr, holds: impl Fn(&Scrape) -> bool) -> Scrape {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let scrape = Scrape::of(address);
            if holds(&scrape) {
                return scrape;
            }
            assert!(Instant::now() < deadline, "it does not come to that:\n{}", scrape.text);
        }
    }

    /// The value of a metric with its labels, as they are written.
    pub fn value(&self, name: &str) -> f64 {
        let found = self.values.get(name);
        *found.unwrap_or_else(|| panic!("there is no {name} in\n{}", self.text))
    }

    /// The same as a whole number, as most are.
    pub fn count(&self, name: &str) -> u64 {
        let value = self.value(name);
        assert!(value >= 0.0 && value.fract() == 0.0, "{name} is {value}");
        value as u64
    }

    /// The names of all metrics with their kinds, in the order in which they were sent.
    pub fn families(&self) -> Vec<(&str, &str)> {
        let types = self.text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        types.map(|line| line.split_once(' ').expect("a kind")).collect()
    }
}
