//! The options of the demo.

use std::str::FromStr;

/// What can be chosen on the command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The same seed gives the same traffic.
    pub seed: u64,
    /// About how many events to send; they make up one day.
    pub events: u64,
    /// How many to send in a second.
    pub rate: u64,
    /// Where on this machine the service can be looked at; 0: at any port that is free.
    pub port: u16,
    /// Whether the service stays at the end, to be looked at.
    pub keep: bool,
}

const HELP: &str = "\
Runs the service on a day of made-up traffic with planted cases, and shows what it finds.

Options:
  --seed N      the same seed gives the same traffic (default 1)
  --events N    about how many events the day has (default 240000)
  --rate N      how many to send in a second (default 20000)
  --port N      where its web page and its metrics are, on 127.0.0.1 (default 7070, or another one if that is taken)
  --keep        let the service run at the end until Enter is pressed
  --help        this text";

impl Options {
    /// The options in `arguments`.
    ///
    /// # Errors
    /// With the text to show when the arguments cannot be understood or ask for help.
    pub fn from_arguments(arguments: impl IntoIterator<Item = String>) -> Result<Options, String> {
        let mut options = Options { seed: 1, events: 240_000, rate: 20_000, port: 7070, keep: false };
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--seed" => options.seed = number(&name, arguments.next())?,
                "--events" => options.events = number(&name, arguments.next())?,
                "--rate" => options.rate = number(&name, arguments.next())?,
                "--port" => options.port = number(&name, arguments.next())?,
                "--keep" => options.keep = true,
                "--help" | "-h" => return Err(HELP.to_owned()),
                _ => return Err(format!("unknown option {name}\n\n{HELP}")),
            }
        }
        if options.events < 1_000 || options.rate == 0 {
            return Err("--events must be at least 1000 and --rate at least 1".to_owned());
        }
        Ok(options)
    }
}

fn number<N: FromStr>(name: &str, value: Option<String>) -> Result<N, String> {
    let value = value.ok_or_else(|| format!("{name} needs a number"))?;
    value.parse().map_err(|_| format!("{name} needs a number, not `{value}`"))
}
