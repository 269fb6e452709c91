//! `tripline check`: are the rules, or a configuration and its rules, right?

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;

use crate::config;
use crate::diagnostic::{Diagnostics, JsonDiagnostic, Sources, render_all};
use crate::program::Program;
use crate::program::cost::Cost;

use super::output::{self, plural};
use super::rules;
use super::{Misuse, cost};

/// Check rules for mistakes
///
/// Reports every mistake with its place and what to do about it. Exits with 1 when there are errors
/// and with 0 when there are none; warnings do not count.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// Folders of *.trip files, or single files; together they are one rule set. Or a configuration
    /// (*.toml), which is checked together with the rules it names
    #[arg(required = true, value_name = "RULES")]
    paths: Vec<PathBuf>,

    /// How to report: `text` for people, `json` for editors
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,

    /// Tell as well what each rule costs to run: partial matches, memory, conditions
    #[arg(long)]
    cost: bool,

    /// Tell what this rule costs, in detail
    #[arg(long, value_name = "NAME", requires = "cost")]
    rule: Option<String>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    costs: Option<&'a [Cost]>,
}

/// What has been found: each part with the files that it points into.
#[derive(Default)]
struct Findings {
    parts: Vec<(Diagnostics, Sources)>,
    /// What was checked, if it is right.
    checked: Option<String>,
    /// What the rules cost, if they are right.
    costs: Vec<Cost>,
}

impl Check {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let is_config = |path: &Path| path.extension().is_some_and(|extension| extension == "toml");
        let findings = match self.paths.as_slice() {
            [path] if is_config(path) => check_config(path)?,
            paths if paths.iter().any(|path| is_config(path)) => {
                return Err(Misuse("a configuration is checked by itself: it names its rules".into()).into());
            }
            paths => check_rules(paths),
        };
        let costs = self.wanted(&findings)?;
        let report = match self.format {
            Format::Text => findings.text(costs, self.rule.is_some()),
            Format::Json => findings.json(costs)?,
        };
        output::print(&report)?;
        Ok(if findings.counts().0 == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// The costs that are to be told; none where the rules are wrong.
    fn wanted<'f>(&self, findings: &'f Findings) -> anyhow::Result<Option<&'f [Cost]>> {
        let Some(wanted) = self.rule.as_ref().filter(|_| findings.checked.is_some()) else {
            return Ok((self.cost && findings.checked.is_some()).then_some(findings.costs.as_slice()));
        };
        match findings.costs.iter().position(|cost| cost.rule == *wanted) {
            Some(at) => Ok(Some(&findings.costs[at..=at])),
            None => {
                let names = findings.costs.iter().map(|cost| cost.rule.as_str());
                Err(rules::unknown(wanted, names).into())
            }
        }
    }
}

fn check_rules(paths: &[PathBuf]) -> Findings {
    let compiled = rules::compile(paths).with_tables();
    let checked = compiled.program.as_ref().map(|program| {
        format!(
            "{} and {} in {}",
            plural(program.rules().len(), "rule"),
            plural(program.streams().len(), "stream"),
            plural(compiled.sources.iter().count(), "file"),
        )
    });
    let costs = compiled.program.as_ref().map(Program::costs).unwrap_or_default();
    Findings { parts: vec![(compiled.diagnostics, compiled.sources)], checked, costs }
}

fn check_config(path: &Path) -> anyhow::Result<Findings> {
    let loaded = config::load(path).map_err(Misuse)?;
    let mut findings = Findings::default();
    let mut own = loaded.diagnostics;
    if let Some(config) = loaded.config {
        let compiled = rules::compile(std::slice::from_ref(&config.rules.value)).with_tables();
        if let Some(program) = &compiled.program {
            own.append(config.check(program));
            findings.checked = Some(format!(
                "{} and {} for {}",
                plural(config.sources.len(), "source"),
                plural(config.sinks.len(), "sink"),
                plural(program.rules().len(), "rule"),
            ));
            findings.costs = program.costs();
        }
        findings.parts.push((compiled.diagnostics, compiled.sources));
    }
    findings.parts.insert(0, (own.sorted(), loaded.sources));
    Ok(findings)
}

impl Findings {
    fn counts(&self) -> (usize, usize) {
        let add = |(errors, warnings), (diagnostics, _): &(Diagnostics, Sources)| {
            let (more_errors, more_warnings) = diagnostics.counts();
            (errors + more_errors, warnings + more_warnings)
        };
        self.parts.iter().fold((0, 0), add)
    }

    fn text(&self, costs: Option<&[Cost]>, in_detail: bool) -> String {
        let style = output::style(&io::stdout());
        let shown = self.parts.iter().map(|(diagnostics, sources)| render_all(diagnostics, sources, style));
        let mut text: String = shown.collect();
        let (errors, warnings) = self.counts();
        match (&self.checked, errors) {
            (Some(checked), 0) => text.push_str(checked),
            _ => text.push_str(&plural(errors, "error")),
        }
        match (errors, warnings) {
            (0, 0) => text.push_str(": no mistakes found\n"),
            (_, 0) => text.push('\n'),
            _ => text.push_str(&format!(", {}\n", plural(warnings, "warning"))),
        }
        if let Some(costs) = costs {
            text.push('\n');
            match costs {
                [one] if in_detail => text.push_str(&cost::details(one)),
                all => text.push_str(&cost::table(all)),
            }
        }
        text
    }

    fn json(&self, costs: Option<&[Cost]>) -> anyhow::Result<String> {
        let (errors, warnings) = self.counts();
        let mut diagnostics = Vec::new();
        for (found, sources) in &self.parts {
            diagnostics.extend(found.iter().map(|one| JsonDiagnostic::new(one, sources)));
        }
        let mut text = serde_json::to_string_pretty(&Report { errors, warnings, diagnostics, costs })?;
        text.push('\n');
        Ok(text)
    }
}
