//! `tripline silences add`

use std::collections::BTreeMap;
use std::process::ExitCode;

use crate::alert::AlertKind;
use crate::cli::Misuse;
use crate::cli::alerts::say::Who;
use crate::cli::output;
use crate::cli::place::{self, Place};
use crate::event::{Duration, Timestamp};
use crate::routing::{Glob, Matcher, NewSilence, SeverityTest, Wanted};
use crate::runtime::clock::SystemClock;
use crate::source::Clock;

/// Make a silence, which holds from now on or from `--from` on
///
/// Everything that is said has to hold of an alert: `tripline silences add --rule 'card_*' --field merchant=acme --for 2h
/// --comment "deploy"`. Texts may have `*` for any letters and `?` for one.
#[derive(Debug, clap::Args)]
pub struct Add {
    /// Alerts of these rules
    #[arg(long, short, value_name = "RULE")]
    rule: Vec<Glob>,

    /// Alerts that matter so much, as `high` or `<= medium`
    #[arg(long, value_name = "SEVERITY")]
    severity: Option<SeverityTest>,

    /// Alerts of rules with this tag
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,

    /// Alerts that were made for this reason: `match`, `timeout` or `limit`
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Vec<AlertKind>,

    /// Alerts with this value in a part of the key or a field; given twice for one name, with one of the values
    #[arg(long, short, value_name = "NAME=VALUE", value_parser = field)]
    field: Vec<(String, Glob)>,

    /// How long it holds
    #[arg(long = "for", value_name = "DURATION", value_parser = duration, required_unless_present = "until")]
    lasts: Option<Duration>,

    /// Until when it holds, as `2026-01-01T18:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "lasts")]
    until: Option<Timestamp>,

    /// From when on it holds [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,

    #[command(flatten)]
    who: Who,

    #[command(flatten)]
    place: Place,

    /// Write a JSON object instead of a sentence
    #[arg(long)]
    json: bool,
}

fn kind(text: &str) -> Result<AlertKind, String> {
    AlertKind::of_name(text).ok_or_else(|| "possible are match, timeout and limit".into())
}

fn field(text: &str) -> Result<(String, Glob), String> {
    let (name, value) = text.split_once('=').ok_or("write it as `merchant=acme`")?;
    let value: Glob = value.parse().map_err(|error| format!("{error}"))?;
    Ok((name.to_owned(), value))
}

fn duration(text: &str) -> Result<Duration, String> {
    Duration::parse(text).ok_or_else(|| "a duration is written `30m`, `2h` or `1d12h`".into())
}

pub(in crate::cli) fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "a time is written `2026-01-01T18:00:00Z`".into())
}

impl Add {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut fields: BTreeMap<String, Vec<Wanted>> = BTreeMap::new();
        for (name, value) in self.field {
            fields.entry(name).or_default().push(Wanted::Text(value));
        }
        let (rules, tags, kinds) = (self.rule, self.tag, self.kind);
        let matcher = Matcher { severity: self.severity, rules, tags, kinds, fields };
        if matcher.is_empty() {
            let why =
                "say which alerts are meant, with `--rule`, `--severity`, `--tag`, `--kind` or `--field`";
            return Err(Misuse(why.into()).into());
        }
        let begins = self.from.unwrap_or_else(|| SystemClock.now());
        let lasts = self.lasts.unwrap_or(Duration::ZERO);
        let ends = self.until.unwrap_or_else(|| begins.saturating_add(lasts));
        let (author, comment) = (self.who.name(), self.who.comment);
        let wanted = NewSilence { matcher, starts: self.from, ends, author, comment };
        let service = place::running(&self.place.folder()?)?;
        let silence = place::block_on(service.silence(&wanted))??;
        if self.json {
            output::print_json(&silence)?;
        } else {
            let (id, ends) = (&silence.id, silence.ends);
            output::print(&format!("{id} silences {} until {ends}\n", silence.matcher))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
