//! `tripline routes test`

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;

use crate::cli::alerts::stored;
use crate::cli::quarantine::visible;
use crate::cli::silences::add::time;
use crate::cli::{output, place, rules, run};
use crate::config::Config;
use crate::event::Timestamp;
use crate::routing::{Facts, Plan, Router, Silence, Trace, plain};
use crate::runtime::clock::SystemClock;
use crate::source::Clock;

use super::given::Given;

/// Show where an alert would go, and why, route by route
///
/// From the configuration and its rules alone, with the silences of the service if it runs, or those that it has left.
/// Groups that are open and alerts that hold back others are not known here. Nothing is sent.
#[derive(Debug, clap::Args)]
pub struct Test {
    #[command(flatten)]
    given: Given,

    /// At this time, as `2026-01-01T22:30:00Z` [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,

    /// The configuration
    #[arg(long, short, value_name = "FILE", default_value = "tripline.toml")]
    config: PathBuf,

    /// Write a JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// What is shown.
#[derive(Serialize)]
struct Shown {
    alert: Facts,
    at: Timestamp,
    silences: usize,
    #[serde(flatten)]
    trace: Trace,
}

impl Test {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let config = run::load_config(&self.config)?.config;
        let (program, _) = rules::compile(std::slice::from_ref(&config.rules.value)).show_and_take()?;
        let (alert, named) = self.given.alert(&program)?;
        let at = self.at.unwrap_or_else(|| SystemClock.now());
        let silences = silences(&config)?;
        let count = silences.iter().filter(|silence| silence.holds(at)).count();
        let mut router = Router::new(Arc::new(config.routing.settings), [])?;
        router.silences().take_over(silences);
        let trace = router.trace(&alert, &named, at);
        let shown = Shown { alert, at, silences: count, trace };
        if self.json {
            output::print_json(&shown)?;
        } else {
            output::print(&shown.text())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The silences of the service, whether it runs or not; none if there is no state.
fn silences(config: &Config) -> anyhow::Result<Vec<Silence>> {
    let Some(state) = &config.state else { return Ok(Vec::new()) };
    if let Some(service) = place::service(&state.path)? {
        return Ok(place::block_on(service.silences())??);
    }
    // There may be no state yet.
    Ok(stored(&state.path).map(|mut router| router.silences().list()).unwrap_or_default())
}

impl Shown {
    fn text(&self) -> String {
        let Shown { alert, at, silences, trace } = self;
        let mut text = format!("{} {} of `{}`", alert.severity.name(), alert.kind.name(), alert.rule);
        for (what, pairs) in [("key", &alert.key), ("fields", &alert.fields)] {
            if !pairs.is_empty() {
                let pairs: Vec<String> =
                    pairs.iter().map(|(name, value)| format!("{name}={}", visible(&plain(value)))).collect();
                text.push_str(&format!(", {what} {}", pairs.join(" ")));
            }
        }
        if !alert.tags.is_empty() {
            text.push_str(&format!(", tags {}", alert.tags.join(" ")));
        }
        text.push_str(&format!("\nat {at}\n\n"));
        match &trace.held {
            Some(held) => text.push_str(&format!("{held}\nwithout that:\n")),
            None => text.push_str(&format!("no silence is about it ({silences} hold)\n")),
        }
        for step in &trace.steps {
            let said = match (&step.mismatch, &step.plan) {
                (Some(mismatch), _) => format!("no: {mismatch}"),
                (None, Some(plan)) => format!("yes: {plan}"),
                (None, None) => String::new(),
            };
            let goes_on = if step.plan.is_some() && step.goes_on { "; continues" } else { "" };
            text.push_str(&format!("route `{}`: {}{goes_on}\n", step.route, visible(&said)));
        }
        let sinks = if trace.held.is_some() { Vec::new() } else { trace.sinks() };
        match sinks.is_empty() {
            true => text.push_str("\ngoes nowhere\n"),
            false => text.push_str(&format!("\ngoes to {}\n", sinks.join(", "))),
        }
        text
    }
}

impl Trace {
    /// The sinks that it would go to, sooner or later.
    fn sinks(&self) -> Vec<&str> {
        let plans = self.steps.iter().filter_map(|step| step.plan.as_ref());
        let mut sinks: Vec<&str> = Vec::new();
        for plan in plans {
            let more: &[String] = match plan {
                Plan::Nowhere | Plan::Unrouted | Plan::Already { .. } => &[],
                Plan::Send { sinks } | Plan::Lower { sinks, .. } => sinks,
                Plan::Group(joining) => &joining.sinks,
            };
            let more = more.iter().map(String::as_str);
            for sink in more {
                if !sinks.contains(&sink) {
                    sinks.push(sink);
                }
            }
        }
        sinks
    }
}
