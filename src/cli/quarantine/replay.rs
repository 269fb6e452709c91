//! `tripline quarantine replay`: records are fed again.

use std::fs::File;
use std::io::{self, BufWriter};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use crate::config::{self, Config};
use crate::diagnostic::did_you_mean;
use crate::program::Program;
use crate::quarantine::file::MODE;
use crate::runtime::clock::SystemClock;
use crate::runtime::refeed::judge::Judge;
use crate::runtime::refeed::target::{SendError, Target};
use crate::runtime::refeed::{self, Outcome, RefeedError, Way};

use super::{FilterArgs, in_config, note_unreadable, visible};
use crate::cli::output::{self, complain, plural};
use crate::cli::{Misuse, rules, run};

/// What stands for standard output.
const STDOUT: &str = "-";

/// Feed records again, after the rule or the configuration was mended
///
/// Reads each record by the rules as they are now. Those that are events are sent to the source that
/// they came through, and leave the quarantine; the others stay there, with the reason as it is now. The
/// service may run meanwhile. What is interrupted is gone on with the next time; some records may then
/// be fed twice.
///
/// Event time has moved on since: events that are later than `late` of their stream allows are not taken
/// by a service that runs. `tripline replay` can run them through the rules by themselves.
///
/// Exits with 0 when everything that was asked for has been fed, and with 1 when something stays.
#[derive(Debug, clap::Args)]
pub struct Replay {
    /// The quarantine file, such as one that was moved away [default: the one of the configuration]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// The configuration, with its rules and sources
    #[arg(long, short, value_name = "FILE", default_value = "tripline.toml")]
    config: PathBuf,

    #[command(flatten)]
    filter: FilterArgs,

    /// Change and send nothing: say what would become of the records
    #[arg(long)]
    dry_run: bool,

    /// Send the records of one source to `host:port` (TCP), `udp:host:port`, `unix:PATH` or
    /// `http://host:port` instead
    #[arg(long, value_name = "ADDRESS", value_parser = Target::parse, conflicts_with = "output")]
    to: Option<Target>,

    /// Write the records of one source to this new file instead, to be fed in another way. `-` is
    /// standard output; the records then stay in the quarantine
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Replay {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let (config, program) = self.load()?;
        let path = match &self.file {
            Some(file) => {
                std::fs::metadata(file)
                    .map_err(|error| Misuse(format!("cannot read `{}`: {error}", file.display())))?;
                file.clone()
            }
            None => in_config(&config, &self.config)?,
        };
        self.check_places(&config)?;
        let judge = Judge::new(&config, &program, Arc::new(SystemClock))
            .map_err(|error| Misuse(error.to_string()))?;
        let mut outcome = Outcome::default();
        let way = self.way()?;
        let result = refeed::refeed(&path, &self.filter.filter(), &judge, way, self.dry_run, &mut outcome);
        if let Err(error @ (RefeedError::Take(_) | RefeedError::Read { .. })) = result {
            return Err(Misuse(error.to_string()).into());
        }
        let report = self.describe(&outcome, &path);
        if self.writes_to_stdout() {
            complain(report.trim_end());
        } else {
            output::print(&report)?;
        }
        if outcome.unconfirmed {
            complain(
                "note: nothing answers to datagrams; look at the metrics of the source for what has arrived",
            );
        }
        if outcome.may_be_late && !self.dry_run {
            complain(
                "note: the service does not take events that are later than `late` of their stream allows; it counts \
                 and logs them",
            );
        }
        note_unreadable(outcome.unreadable.0, &outcome.unreadable.1, &path);
        match result {
            // Whoever reads our output has seen enough.
            Err(RefeedError::Send { error: SendError::Connection(error), .. })
                if self.writes_to_stdout() && error.kind() == io::ErrorKind::BrokenPipe =>
            {
                return Ok(ExitCode::SUCCESS);
            }
            result => result?,
        }
        Ok(if outcome.stay() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn load(&self) -> anyhow::Result<(Config, Program)> {
        let config = run::load_config(&self.config)?.config;
        // Lists and tables decide no record; without them the rules are as good here.
        let (program, _) = rules::compile(std::slice::from_ref(&config.rules.value)).show_and_take()?;
        Ok((config, program))
    }

    /// Names of sources are right, and one place gets the records of one source, or of one stream.
    fn check_places(&self, config: &Config) -> Result<(), Misuse> {
        let names = || config.sources.iter().map(|source| source.name.value.as_str());
        if let Some(wanted) = self.filter.source.iter().find(|wanted| !names().any(|name| name == *wanted)) {
            let hint = did_you_mean(wanted, names());
            return Err(Misuse(format!("the configuration has no source `{wanted}`{hint}")));
        }
        let is_meant = |source: &&config::Source| {
            self.filter.source.is_empty() || self.filter.source.contains(&source.name.value)
        };
        let meant: Vec<_> = config.sources.iter().filter(is_meant).collect();
        if self.to.is_some() && meant.len() > 1 {
            return Err(Misuse("`--to` is for the records of one source: name it with `--source`".into()));
        }
        let one_stream = |source: &config::Source| source.streams.as_ref().is_some_and(|it| it.len() == 1);
        if self.output.is_some() && meant.len() > 1 {
            return Err(Misuse(
                "`--output` is for the records of one source: name it with `--source`".into(),
            ));
        }
        if self.output.is_some() && self.filter.stream.len() != 1 && !meant.into_iter().all(one_stream) {
            return Err(Misuse(
                "`--output` is for the records of one stream: name it with `--stream`".into(),
            ));
        }
        Ok(())
    }

    fn writes_to_stdout(&self) -> bool {
        self.output.as_ref().is_some_and(|path| path.as_os_str() == STDOUT)
    }

    fn way(&self) -> Result<Way, Misuse> {
        Ok(match (&self.to, &self.output) {
            (Some(target), _) => Way::To(target.clone()),
            (None, Some(_)) if self.writes_to_stdout() => {
                Way::Copy(Box::new(BufWriter::new(io::stdout())), "standard output".into())
            }
            // A file is not made for nothing.
            (None, Some(path)) if self.dry_run => Way::Copy(Box::new(io::sink()), path.display().to_string()),
            (None, Some(path)) => Way::File(create_new(path)?, path.clone()),
            (None, None) => Way::Home,
        })
    }

    /// What was done, as people read it.
    fn describe(&self, outcome: &Outcome, path: &Path) -> String {
        let mut lines = Vec::new();
        let path = path.display();
        if outcome.resumed {
            lines.push(format!(
                "went on with a replay that did not come to its end; some records may have been fed twice. What was \
                 rejected since is still in `{path}`: run this again for it"
            ));
        }
        let done = if self.dry_run { "would feed" } else { "fed" };
        for ((source, to), count) in &outcome.fed {
            lines.push(format!("{done:<12}{} of `{}` to {to}", records(*count), visible(source)));
        }
        if outcome.headers > 0 {
            let done = if self.dry_run { "would take out" } else { "took out" };
            let headers = plural(usize::try_from(outcome.headers).unwrap_or(usize::MAX), "header");
            lines.push(format!("{done} {headers}: right by now; the records below have them with them"));
        }
        for ((source, reason), (count, detail)) in &outcome.rejected {
            let (source, detail) = (visible(source), visible(detail));
            lines.push(format!("{:<12}{} of `{source}`, {reason}: {detail}", "still wrong", records(*count)));
        }
        for (source, (count, why)) in &outcome.stuck {
            lines.push(format!(
                "{:<12}{} of `{}`: {}",
                "stuck",
                records(*count),
                visible(source),
                visible(why)
            ));
        }
        if outcome.others > 0 {
            lines.push(format!("{:<12}{} not asked for", "left", records(outcome.others)));
        }
        if outcome.fed.is_empty() && outcome.headers == 0 && outcome.stay() == 0 {
            lines.push(format!("nothing to feed: `{path}` has no such records"));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

fn records(count: u64) -> String {
    plural(usize::try_from(count).unwrap_or(usize::MAX), "record")
}

/// A file that was not there, so that nothing that was fed into it before is lost.
fn create_new(path: &Path) -> Result<File, Misuse> {
    File::options().write(true).create_new(true).mode(MODE).open(path).map_err(|error| {
        let advice = if error.kind() == io::ErrorKind::AlreadyExists { "; name a new file" } else { "" };
        Misuse(format!("cannot create `{}`: {error}{advice}", path.display()))
    })
}
