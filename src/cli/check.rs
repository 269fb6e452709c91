//! `tripline check`: are the rules right?

use std::io;
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;

use crate::diagnostic::{JsonDiagnostic, render_all};

use super::output::{self, plural};
use super::rules::{self, Compiled, RuleArgs};

/// Check rules for mistakes
///
/// Reports every mistake with its place and what to do about it. Exits with 1 when there are errors
/// and with 0 when there are none; warnings do not count.
#[derive(Debug, clap::Args)]
pub struct Check {
    #[command(flatten)]
    rules: RuleArgs,

    /// How to report: `text` for people, `json` for editors
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// The report for editors.
#[derive(Serialize)]
struct Report<'a> {
    errors: usize,
    warnings: usize,
    diagnostics: Vec<JsonDiagnostic<'a>>,
}

impl Check {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let compiled = rules::compile(&self.rules.rules);
        match self.format {
            Format::Text => output::print(&text(&compiled))?,
            Format::Json => output::print(&json(&compiled)?)?,
        }
        Ok(ExitCode::from(u8::from(compiled.program.is_none())))
    }
}

fn text(compiled: &Compiled) -> String {
    let mut text = render_all(&compiled.diagnostics, &compiled.sources, output::style(&io::stdout()));
    let (errors, warnings) = compiled.diagnostics.counts();
    if let Some(program) = &compiled.program {
        text.push_str(&format!(
            "{} and {} in {}",
            plural(program.rules().len(), "rule"),
            plural(program.streams().len(), "stream"),
            plural(compiled.sources.iter().count(), "file"),
        ));
    } else {
        text.push_str(&plural(errors, "error"));
    }
    match warnings {
        0 if compiled.program.is_some() => text.push_str(": no mistakes found\n"),
        0 => text.push('\n'),
        _ => text.push_str(&format!(", {}\n", plural(warnings, "warning"))),
    }
    text
}

fn json(compiled: &Compiled) -> anyhow::Result<String> {
    let (errors, warnings) = compiled.diagnostics.counts();
    let diagnostics =
        compiled.diagnostics.iter().map(|one| JsonDiagnostic::new(one, &compiled.sources)).collect();
    let mut text = serde_json::to_string_pretty(&Report { errors, warnings, diagnostics })?;
    text.push('\n');
    Ok(text)
}
