//! What the command line asks for.

use std::path::PathBuf;

/// How many events a case has where it says nothing else.
pub const EVENTS: u64 = 2_000_000;

/// How often each case is measured.
const RUNS: u64 = 3;
/// CPU time after which a measurement is given up, in seconds.
const PATIENCE_S: u64 = 120;

/// What to measure, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Only cases whose `group: case` has one of these texts in it; all if there are none.
    pub only: Vec<String>,
    /// Events of the cases end to end; other cases keep their proportion to these.
    pub events: u64,
    /// How often each case is measured.
    pub runs: usize,
    /// The binary that is measured.
    pub binary: PathBuf,
    /// CPU time after which a measurement is given up, in seconds.
    pub patience_s: u64,
    /// A file to which a line is added for each figure.
    pub append: Option<PathBuf>,
    /// The result that is compared with.
    pub result: PathBuf,
    /// Whether the result of now takes its place.
    pub save: bool,
}

const HELP: &str = "\
cargo bench --bench suite -- [OPTIONS]        make bench ARGS=\"[OPTIONS]\"

Measures how fast the service is and compares with the result that is kept in benches/results.

  --only TEXT    only cases whose `group: case` has TEXT in it, as in the table; may be given many times
  --events N     events of a case end to end (default 2000000); other cases keep their proportion
  --runs N       how often each case is measured (default 3); the median by CPU time counts
  --binary FILE  measure this build of tripline instead of the one just built
  --append FILE  add a line with case, value and unit to this file for each figure
  --result FILE  the result to compare with (default benches/results/latest.json)
  --save         keep the result of now in its place
  --patience N   give a measurement up after so many seconds of CPU time (default 120)
  --help         this text";

impl Options {
    /// The options in `arguments`.
    ///
    /// # Errors
    /// With the text to show when the arguments cannot be understood or ask for help.
    pub fn from_arguments(arguments: impl IntoIterator<Item = String>) -> Result<Options, String> {
        let mut options = Options {
            only: Vec::new(),
            events: EVENTS,
            runs: RUNS as usize,
            binary: PathBuf::from(env!("CARGO_BIN_EXE_tripline")),
            patience_s: PATIENCE_S,
            append: None,
            result: [env!("CARGO_MANIFEST_DIR"), "benches", "results", "latest.json"].iter().collect(),
            save: false,
        };
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{name} needs a value"));
            match name.as_str() {
                "--only" => options.only.push(value()?),
                "--events" => options.events = number(&name, &value()?)?,
                "--runs" => options.runs = number(&name, &value()?)? as usize,
                "--binary" => options.binary = PathBuf::from(value()?),
                "--append" => options.append = Some(PathBuf::from(value()?)),
                "--patience" => options.patience_s = number(&name, &value()?)?,
                "--result" => options.result = PathBuf::from(value()?),
                "--save" => options.save = true,
                // Cargo adds it.
                "--bench" => {}
                "--help" | "-h" => return Err(HELP.to_owned()),
                _ => return Err(format!("unknown option {name}\n\n{HELP}")),
            }
        }
        Ok(options)
    }

    /// The call that measures the same again, without what says where files are.
    pub fn command(&self) -> String {
        let mut words: Vec<String> = self.only.iter().map(|text| format!("--only '{text}'")).collect();
        let numbers = [
            ("--events", self.events, EVENTS),
            ("--runs", self.runs as u64, RUNS),
            ("--patience", self.patience_s, PATIENCE_S),
        ];
        let chosen = numbers.iter().filter(|(_, number, default)| number != default);
        words.extend(chosen.map(|(name, number, _)| format!("{name} {number}")));
        if words.is_empty() {
            "make bench".to_owned()
        } else {
            format!("make bench ARGS=\"{}\"", words.join(" "))
        }
    }

    /// `default`, which is meant for [`EVENTS`], in proportion to what was asked for.
    pub fn scaled(&self, default: u64) -> u64 {
        (u128::from(default) * u128::from(self.events) / u128::from(EVENTS)).max(1) as u64
    }
}

fn number(name: &str, text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("{name} needs a number from 1, not `{text}`"))
}
