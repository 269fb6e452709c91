//! The alert that is asked about: from a file, or put together of what is said.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::alert::notification::Told;
use crate::alert::{AlertKind, Severity};
use crate::cli::Misuse;
use crate::diagnostic::did_you_mean;
use crate::program::{Program, RuleInfo};
use crate::routing::Facts;

/// The most bytes of an alert that are read.
const MOST: u64 = 16 << 20;

/// The alert that is asked about.
#[derive(Debug, clap::Args)]
pub struct Given {
    /// A file with an alert as JSON, as sinks get it; `-` is standard input
    #[arg(value_name = "FILE", required_unless_present = "rule", conflicts_with_all = ["rule", "key", "field", "severity", "kind"])]
    file: Option<PathBuf>,

    /// An alert of this rule instead
    #[arg(long, short, value_name = "RULE")]
    rule: Option<String>,

    /// With this in the key, as `card=4711`
    #[arg(long, short, value_name = "NAME=VALUE", value_parser = pair)]
    key: Vec<(String, Json)>,

    /// With this field, as `merchant=acme`
    #[arg(long, short, value_name = "NAME=VALUE", value_parser = pair)]
    field: Vec<(String, Json)>,

    /// That matters so much [default: as the rule says]
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    severity: Option<Severity>,

    /// That was made for this reason
    #[arg(long, value_name = "KIND", default_value = "match", value_parser = kind)]
    kind: AlertKind,
}

/// A name and a value, which is a number, `true` or `false` if it looks like one.
fn pair(text: &str) -> Result<(String, Json), String> {
    let (name, value) = text.split_once('=').ok_or("write it as `name=value`")?;
    let plain =
        serde_json::from_str(value).ok().filter(|value: &Json| value.is_number() || value.is_boolean());
    Ok((name.to_owned(), plain.unwrap_or_else(|| Json::from(value))))
}

fn severity(text: &str) -> Result<Severity, String> {
    let names = || Severity::ALL.map(Severity::name).join(", ");
    Severity::of_name(text).ok_or_else(|| format!("possible are {}", names()))
}

fn kind(text: &str) -> Result<AlertKind, String> {
    AlertKind::of_name(text).ok_or_else(|| "possible are match, timeout and limit".into())
}

impl Given {
    /// What routing looks at of it, and the sinks that its rule names.
    pub fn alert(self, program: &Program) -> anyhow::Result<(Facts, Vec<String>)> {
        let rule = |name: &str| program.rules().iter().find(|rule| *rule.name == *name);
        if let Some(file) = &self.file {
            let facts = read(file)?;
            let sinks = rule(&facts.rule).map(|rule| rule.sinks.to_vec()).unwrap_or_default();
            return Ok((facts, sinks));
        }
        let name = self.rule.unwrap_or_default();
        let Some(RuleInfo { severity, notes, sinks, .. }) = rule(&name) else {
            let hint = did_you_mean(&name, program.rules().iter().map(|rule| &*rule.name));
            return Err(Misuse(format!("there is no rule `{name}`{hint}")).into());
        };
        let severity = self.severity.unwrap_or(*severity);
        let (tags, kind) = (notes.tags.clone(), self.kind);
        let facts = Facts { rule: name, severity, kind, tags, key: self.key, fields: self.field };
        Ok((facts, sinks.to_vec()))
    }
}

fn read(file: &Path) -> anyhow::Result<Facts> {
    let (mut text, name) = (String::new(), file.display());
    let read = match file.as_os_str() == "-" {
        true => io::stdin().take(MOST).read_to_string(&mut text),
        false => fs::File::open(file).and_then(|file| file.take(MOST).read_to_string(&mut text)),
    };
    read.map_err(|error| Misuse(format!("cannot read `{name}`: {error}")))?;
    let told: Told = serde_json::from_str(&text)
        .map_err(|error| Misuse(format!("`{name}` is no alert: {error}; give one as sinks get it")))?;
    let facts = Facts::told(&told);
    Ok(facts.ok_or_else(|| Misuse(format!("`{name}` is no alert: its severity or kind is not known")))?)
}
