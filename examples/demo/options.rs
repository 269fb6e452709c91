//! The options of the demo.

/// What can be chosen on the command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The same seed gives the same traffic.
    pub seed: u64,
    /// About how many events to send; they make up one day.
    pub events: u64,
    /// How many to send in a second.
    pub rate: u64,
}

const HELP: &str = "\
Runs the service on a day of made-up traffic with planted cases, and shows what it finds.

Options:
  --seed N      the same seed gives the same traffic (default 1)
  --events N    about how many events the day has (default 240000)
  --rate N      how many to send in a second (default 20000)
  --help        this text";

impl Options {
    /// The options in `arguments`.
    ///
    /// # Errors
    /// With the text to show when the arguments cannot be understood or ask for help.
    pub fn from_arguments(arguments: impl IntoIterator<Item = String>) -> Result<Options, String> {
        let mut options = Options { seed: 1, events: 240_000, rate: 20_000 };
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            let target = match name.as_str() {
                "--seed" => &mut options.seed,
                "--events" => &mut options.events,
                "--rate" => &mut options.rate,
                "--help" | "-h" => return Err(HELP.to_owned()),
                _ => return Err(format!("unknown option {name}\n\n{HELP}")),
            };
            let value = arguments.next().ok_or_else(|| format!("{name} needs a number"))?;
            *target = value.parse().map_err(|_| format!("{name} needs a number, not `{value}`"))?;
        }
        if options.events < 1_000 || options.rate == 0 {
            return Err("--events must be at least 1000 and --rate at least 1".to_owned());
        }
        Ok(options)
    }
}
