//! `tripline explain`: what a rule, or the code of a mistake, means.

mod layout;
mod page;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;

use crate::config;
use crate::diagnostic::{Sources, codes, nearest};
use crate::language::explain::RuleSet;
use crate::language::parse;
use crate::language::tree::{ClauseKind, File, Rule};
use crate::program::Program;

use super::Misuse;
use super::output::{self, plural};
use layout::Layout;

/// The configuration that names the rules when nothing else does.
const CONFIG: &str = "tripline.toml";
/// The folder of rules when there is no configuration either.
const FOLDER: &str = "rules";

/// Say in plain English what a rule does, or what a mistake's code means
///
/// `tripline explain card_testing` explains a rule, `tripline explain E0104` a mistake; without either,
/// the rules are listed, or those of a folder that is named. A rule with mistakes is explained as far as it
/// can be read.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// The name of a rule, or a code such as E0104
    #[arg(value_name = "RULE|CODE")]
    what: Option<String>,

    /// Folders of *.trip files, single files, or a configuration (*.toml) that names them [default: the
    /// rules of ./tripline.toml or, without one, ./rules]
    #[arg(value_name = "RULES")]
    rules: Vec<PathBuf>,

    /// How to write: `text` for a terminal, `markdown` for documents
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Markdown,
}

impl Explain {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let text = match self.what.as_deref() {
            Some(code) if is_code(code) => self.code(code)?,
            what => self.rules(what)?,
        };
        output::print(&text)?;
        Ok(ExitCode::SUCCESS)
    }

    /// What a code means.
    fn code(&self, wanted: &str) -> Result<String, Misuse> {
        let Some((code, _)) = codes::ALL.iter().find(|(code, _)| code.as_str() == wanted) else {
            return Err(unknown("code", wanted, codes::ALL.iter().map(|(code, _)| code.as_str())));
        };
        Ok(match self.format {
            Format::Text => page::text(*code, &Layout::of(&io::stdout())),
            Format::Markdown => page::markdown(*code),
        })
    }

    /// What a rule does, or which rules there are.
    fn rules(&self, what: Option<&str>) -> anyhow::Result<String> {
        let mut paths = self.rules.clone();
        let mut wanted = what;
        if let Some(path) = what.filter(|what| is_path(what)) {
            paths.insert(0, path.into());
            wanted = None;
        }
        let sources = read(&paths)?;
        let files: Vec<File> = sources.iter().map(|(id, file)| parse(id, &file.text).0).collect();
        let set = RuleSet::new(&files);
        let Some(name) = wanted else { return Ok(self.list(&set)) };
        warn_of_mistakes(&sources);
        let Some(rule) = set.rule(name) else {
            let known = set.rules().map(|rule| rule.name.node.as_str());
            let all = known.chain(codes::ALL.iter().map(|(code, _)| code.as_str()));
            return Err(unknown("rule", name, all).into());
        };
        let explanation = set.explain(rule);
        Ok(match self.format {
            Format::Text => Layout::of(&io::stdout()).explanation(&explanation),
            Format::Markdown => explanation.to_markdown(),
        })
    }

    /// The rules with what they are about.
    fn list(&self, set: &RuleSet<'_>) -> String {
        let rules: Vec<(String, String)> =
            set.rules().map(|rule| (rule.name.node.clone(), about(rule))).collect();
        match self.format {
            Format::Text => Layout::of(&io::stdout()).list(&rules),
            Format::Markdown => rules.iter().map(|(name, about)| format!("- `{name}`: {about}\n")).collect(),
        }
    }
}

/// What a rule's author says that it is about, on one line, and whether it runs.
fn about(rule: &Rule) -> String {
    let mut about = String::new();
    let mut mode = String::new();
    for clause in &rule.clauses {
        match &clause.kind {
            ClauseKind::About(text) => about = text.node.replace(char::is_control, " "),
            ClauseKind::Mode(name) => mode = format!(" (mode {})", name.node),
            _ => {}
        }
    }
    let about = if about.trim().is_empty() { "it has no `about`" } else { about.trim() };
    format!("{about}{mode}")
}

/// Whether a text has the form of a code: `E0104`, `W0502`.
fn is_code(text: &str) -> bool {
    let digits = text.strip_prefix(['E', 'W']).unwrap_or_default();
    digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text is a place of rules rather than the name of one: `tripline explain rules` lists what is
/// there.
fn is_path(text: &str) -> bool {
    let is_name = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    !is_name || Path::new(text).is_dir()
}

/// The rule files at the paths or, without any, of the configuration here or the folder `rules`.
fn read(paths: &[PathBuf]) -> anyhow::Result<Sources> {
    let paths = match paths {
        [] if Path::new(CONFIG).exists() => vec![rules_of(Path::new(CONFIG))?],
        [] if Path::new(FOLDER).exists() => vec![FOLDER.into()],
        [] => {
            let message = format!(
                "there is neither a `{CONFIG}` nor a folder `{FOLDER}` here; name the rules: `tripline explain RULE path/to/rules`"
            );
            return Err(Misuse(message).into());
        }
        [path] if path.extension().is_some_and(|extension| extension == "toml") => vec![rules_of(path)?],
        paths => paths.to_vec(),
    };
    config::rules::read(&paths).map_err(|unreadable| {
        output::show(&unreadable.diagnostics, &unreadable.sources);
        let (errors, _) = unreadable.diagnostics.counts();
        Misuse(format!("the rules cannot be read: {}", plural(errors, "error"))).into()
    })
}

/// The rules that a configuration names.
fn rules_of(path: &Path) -> anyhow::Result<PathBuf> {
    let loaded = config::load(path).map_err(Misuse)?;
    match loaded.config {
        Some(config) => Ok(config.rules.value),
        None => {
            output::show(&loaded.diagnostics, &loaded.sources);
            let (errors, _) = loaded.diagnostics.counts();
            Err(Misuse(format!("the configuration has {}", plural(errors, "error"))).into())
        }
    }
}

/// Says on standard error that the rules have mistakes, which the explanation passes over.
fn warn_of_mistakes(sources: &Sources) {
    let (_, diagnostics) = Program::compile(sources);
    let (errors, _) = diagnostics.counts();
    if errors > 0 {
        let errors = plural(errors, "error");
        output::complain(&format!(
            "warning: these rules have {errors}, and what is said of them may be wrong; `tripline check` shows where"
        ));
    }
}

/// A rule or code that does not exist.
fn unknown<'a>(what: &str, wanted: &str, known: impl Iterator<Item = &'a str>) -> Misuse {
    let hint = match nearest(wanted, known) {
        Some(name) => format!("; did you mean `{name}`?"),
        None if what == "rule" => "; `tripline explain` lists them".to_owned(),
        None => "; docs/errors.md has them all".to_owned(),
    };
    Misuse(format!("there is no {what} `{wanted}`{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_by_their_form() {
        for text in ["E0104", "W0502", "E9999"] {
            assert!(is_code(text), "{text}");
        }
        for text in ["", "E", "E01045", "e0104", "F0104", "E010x", "card_testing"] {
            assert!(!is_code(text), "{text}");
        }
    }

    #[test]
    fn every_code_has_a_page() {
        for (code, summary) in codes::ALL {
            let markdown = page::markdown(*code);
            assert!(markdown.contains(code.as_str()) && markdown.contains(summary), "{code}");
            let text = page::text(*code, &Layout::plain(80));
            assert!(text.starts_with(code.as_str()), "{code}: {text}");
            assert!(!text.contains("```"), "{code}: {text}");
        }
    }
}
