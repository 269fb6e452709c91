//! The options of the benchmark.

use crate::common::generator::STREAMS;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    /// Events a second.
    Throughput,
    /// What a receiver that does not answer for a while does.
    Stall,
    /// The time from an event to its alert.
    Delay,
    /// Events a second while many read the alerts as they come.
    Readers,
}

/// What can be chosen on the command line. Where nothing is chosen, each part has a default of its own.
#[derive(Clone, Debug)]
pub struct Options {
    /// In the order given.
    pub parts: Vec<Part>,
    /// How long to send.
    pub seconds: Option<u64>,
    /// How many connections.
    pub connections: usize,
    /// Events a second.
    pub rate: Option<u64>,
    /// How many cards the traffic is about.
    pub cards: Option<u64>,
    /// How many seconds the receiver does not answer.
    pub stall: u64,
    /// The most memory that the service may take in the stall, in megabytes.
    pub most_mb: u64,
    /// How many chunks a connection that sends as fast as it can may be ahead of another.
    pub ahead: usize,
}

/// Far enough that no connection ever waits for another that only happens to be a little behind.
const AHEAD: usize = 16;

const HELP: &str = "\
Puts the running service under load. Parts, all of them unless some are named:
  throughput    events a second over TCP, as many as it takes (20 s)
  stall         the same while the receiver of alerts does not answer for a while (60 s)
  delay         the time from an event to its alert, at a steady rate, with `late 0s` (20 s)
  readers       events a second with a thousand readers of the live stream of alerts and without (3 times 10 s each)

Options:
  --seconds N       how long each part sends
  --connections N   how many, 1 to 8: the busiest streams have one each (default 2)
  --rate N          events a second over all connections (default for delay 250000, otherwise no bound)
  --cards N         how many cards the traffic is about; ten times as many events are a day
  --stall N         how many seconds the receiver does not answer (default 10)
  --most-mb N       the most memory the service may take in the stall (default 400)
  --ahead N         how far a connection may get ahead of another in event time, in chunks of 2000 events
                    (default 16; what is further ahead than the service allows, it holds back itself)
  --help            this text";

impl Options {
    /// The options in `arguments`.
    ///
    /// # Errors
    /// With the text to show when the arguments cannot be understood or ask for help.
    pub fn from_arguments(arguments: impl IntoIterator<Item = String>) -> Result<Options, String> {
        let mut options = Options {
            parts: Vec::new(),
            seconds: None,
            connections: 2,
            rate: None,
            cards: None,
            stall: 10,
            most_mb: 400,
            ahead: AHEAD,
        };
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            let mut number = || {
                let value = arguments.next().ok_or_else(|| format!("{name} needs a number"))?;
                let number = value.parse::<u64>().ok().filter(|number| *number > 0);
                number.ok_or_else(|| format!("{name} needs a number from 1, not `{value}`"))
            };
            match name.as_str() {
                "throughput" => options.parts.push(Part::Throughput),
                "stall" => options.parts.push(Part::Stall),
                "delay" => options.parts.push(Part::Delay),
                "readers" => options.parts.push(Part::Readers),
                "--seconds" => options.seconds = Some(number()?),
                "--connections" => options.connections = number()? as usize,
                "--rate" => options.rate = Some(number()?),
                "--cards" => options.cards = Some(number()?),
                "--stall" => options.stall = number()?,
                "--most-mb" => options.most_mb = number()?,
                "--ahead" => options.ahead = number()? as usize,
                // Cargo adds it.
                "--bench" => {}
                "--help" | "-h" => return Err(HELP.to_owned()),
                _ => return Err(format!("unknown option {name}\n\n{HELP}")),
            }
        }
        if options.parts.is_empty() {
            options.parts = vec![Part::Throughput, Part::Stall, Part::Delay, Part::Readers];
        }
        if options.connections > STREAMS.len() {
            return Err(format!("--connections is at most {}: one for each stream", STREAMS.len()));
        }
        if options.cards.is_some_and(|cards| cards < 100) {
            return Err("--cards is at least 100, or some streams have no events".to_owned());
        }
        Ok(options)
    }
}
