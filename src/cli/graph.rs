//! `tripline graph`: what the rules were compiled to.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;

use super::output;
use super::rules::{self, RuleArgs};

/// Draw the automata that rules are compiled to
///
/// Without --rule, all rules are drawn, one after the other.
#[derive(Debug, clap::Args)]
pub struct Graph {
    #[command(flatten)]
    rules: RuleArgs,

    /// Draw this rule only
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,

    /// Mermaid text, which Markdown viewers draw, or an SVG picture
    #[arg(long, value_name = "FORMAT", default_value = "mermaid")]
    format: Format,

    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Mermaid,
    Svg,
}

impl Graph {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let program = self.rules.program()?;
        if let Some(wanted) = &self.rule
            && !program.rules().iter().any(|rule| *rule.name == **wanted)
        {
            let names = program.rules().iter().map(|rule| &*rule.name);
            return Err(rules::unknown(wanted, names).into());
        }
        let rule = self.rule.as_deref();
        let text = match self.format {
            Format::Mermaid => program.mermaid(rule),
            Format::Svg => program.svg(rule),
        };
        let mut out = output::writer(self.output.as_ref())?;
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}
