//! `tripline quarantine`: the records that were set aside.

mod list;
mod replay;
mod show;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;

use crate::config;
use crate::event::{Duration, Timestamp};
use crate::quarantine::filter::Filter;
use crate::quarantine::read::Line;
use crate::quarantine::taken;
use crate::runtime::clock::SystemClock;
use crate::source::Clock;

use super::{Misuse, output, run};

/// Look at records that were set aside, and feed them again
///
/// Records that are no events of their stream (malformed, too long, from the future, …) are kept in the
/// quarantine file. Look at them, mend the rule or the sender, and feed them again.
#[derive(Debug, clap::Args)]
pub struct Quarantine {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    List(list::List),
    Show(show::Show),
    Replay(replay::Replay),
}

impl Quarantine {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::List(command) => command.run(),
            What::Show(command) => command.run(),
            What::Replay(command) => command.run(),
        }
    }
}

/// Which file is looked at.
#[derive(Debug, clap::Args)]
struct FileArgs {
    /// The quarantine file [default: the one of the configuration]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// The configuration that names the file
    #[arg(long, short, value_name = "FILE", default_value = "tripline.toml")]
    config: PathBuf,
}

/// Which records are meant.
#[derive(Debug, clap::Args)]
struct FilterArgs {
    /// Only records of this source; may be given many times
    #[arg(long, value_name = "NAME")]
    source: Vec<String>,

    /// Only records that were meant for this stream; may be given many times
    #[arg(long, value_name = "NAME")]
    stream: Vec<String>,

    /// Only records with this reason, such as `wrong_type`; may be given many times
    #[arg(long, value_name = "REASON")]
    reason: Vec<String>,

    /// Only records rejected since then: a time such as `2026-03-01T08:00:00Z`, or how long ago, such
    /// as `2h`
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
}

fn since(text: &str) -> Result<Timestamp, String> {
    if let Some(time) = Timestamp::parse(text) {
        return Ok(time);
    }
    let ago = Duration::parse(text)
        .ok_or("a time is written like 2026-03-01T08:00:00Z, or how long ago, like 2h")?;
    Ok(SystemClock.now().saturating_sub(ago))
}

impl FilterArgs {
    fn filter(&self) -> Filter {
        Filter {
            sources: self.source.clone(),
            streams: self.stream.clone(),
            reasons: self.reason.clone(),
            since: self.since,
        }
    }
}

impl FileArgs {
    fn path(&self) -> anyhow::Result<PathBuf> {
        if let Some(file) = &self.file {
            return Ok(file.clone());
        }
        Ok(in_config(&run::load_config(&self.config)?.config, &self.config)?)
    }

    /// Gives each line to `each`, until that says that it has seen enough.
    fn read(&self, mut each: impl FnMut(Line) -> anyhow::Result<bool>) -> anyhow::Result<PathBuf> {
        let path = self.path()?;
        let wrong = |error| Misuse(format!("cannot read `{}`: {error}", path.display()));
        if self.file.is_some() {
            // What was named should be there; what the configuration names is made when it is needed.
            std::fs::metadata(&path).map_err(wrong)?;
        }
        for lines in taken::peek(&path).map_err(wrong)? {
            for line in lines {
                if !each(line.map_err(wrong)?)? {
                    return Ok(path);
                }
            }
        }
        Ok(path)
    }
}

/// The quarantine file of a configuration.
fn in_config(config: &config::Config, path: &Path) -> Result<PathBuf, Misuse> {
    let none = || Misuse(format!("`{}` keeps no quarantine: `enabled` is false", path.display()));
    Ok(config.quarantine.as_ref().ok_or_else(none)?.file.clone())
}

/// Says how many lines are no records.
fn note_unreadable(count: u64, named: &[(u64, String)], path: &Path) {
    if count == 0 {
        return;
    }
    let plural = output::plural(usize::try_from(count).unwrap_or(usize::MAX), "line");
    output::complain(&format!("note: {plural} of `{}` cannot be read as records:", path.display()));
    for (line, why) in named {
        output::complain(&format!("  line {line}: {}", visible(why)));
    }
    if count > named.len() as u64 {
        output::complain(&format!("  and {} more", output::grouped(count - named.len() as u64)));
    }
}

/// Text from outside, on one line and without what a terminal would take for commands.
pub(in crate::cli) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() || is_reordering(letter) {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// Letters that make a terminal show a text in another order than it has.
fn is_reordering(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_came_in_commands_the_terminal() {
        assert_eq!(visible("a\u{1b}[31mé\n\u{202e}"), "a\\u{1b}[31mé\\n\\u{202e}");
    }

    #[test]
    fn since_is_a_time_or_how_long_ago() {
        assert_eq!(
            since("2026-03-01T08:00:00Z"),
            Ok(Timestamp::parse("2026-03-01T08:00:00Z").expect("a time"))
        );
        assert!(since("2h").expect("a span") < SystemClock.now());
        assert!(since("yesterday").is_err());
    }
}
