//! `tripline alerts ack` and `resolve`

use std::process::ExitCode;

use crate::cli::output::{self, plural};
use crate::cli::place::{self, Place};
use crate::routing::Settled;
use crate::runtime::routing::desk::Said;

/// Say that you have seen an alert: it is not escalated
#[derive(Debug, clap::Args)]
pub struct Ack {
    #[command(flatten)]
    saying: Saying,
}

/// Say that what an alert tells of is over
///
/// Sinks that were told are told that too, if its route has `resolve`; it is not escalated, and holds back no others.
#[derive(Debug, clap::Args)]
pub struct Resolve {
    #[command(flatten)]
    saying: Saying,
}

#[derive(Debug, clap::Args)]
struct Saying {
    /// Its id, or the beginning of it
    #[arg(value_name = "ID")]
    id: String,

    #[command(flatten)]
    who: Who,

    #[command(flatten)]
    place: Place,

    /// Write a JSON object instead of a sentence
    #[arg(long)]
    json: bool,
}

/// Who says something.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Who {
    /// Who you are [default: the name of the user]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,

    /// A remark for others
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub comment: String,
}

impl Who {
    /// The name of who says it.
    pub fn name(&self) -> String {
        let user = || ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
        self.by.clone().or_else(user).unwrap_or_else(|| "somebody".to_owned())
    }

    /// What he says.
    pub fn said(&self) -> Said {
        Said { by: self.name(), comment: self.comment.clone() }
    }
}

impl Ack {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        self.saying.run("ack", |settled| match settled.stopped {
            0 => format!("{} is acknowledged; it waited for nobody", settled.alert),
            stopped => {
                format!("{} is acknowledged; {} stopped", settled.alert, plural(stopped, "escalation"))
            }
        })
    }
}

impl Resolve {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        self.saying.run("resolve", |settled| match &settled.told[..] {
            [] => format!(
                "{} is resolved; no sink is told (its route has no `resolve`, or nobody knew of it)",
                settled.alert
            ),
            told => format!("{} is resolved; {} told", settled.alert, told.join(", ")),
        })
    }
}

impl Saying {
    fn run(self, what: &str, sentence: impl FnOnce(&Settled) -> String) -> anyhow::Result<ExitCode> {
        let service = place::running(&self.place.folder()?)?;
        let settled = place::block_on(service.say(&self.id, what, &self.who.said()))??;
        if self.json {
            output::print_json(&settled)?;
        } else {
            output::print(&format!("{}\n", sentence(&settled)))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
