//! The rule set that a command works on.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::rules;
use crate::diagnostic::{Diagnostics, Sources, nearest};
use crate::program::Program;

use super::{Misuse, output};

/// The rule set a command works on.
#[derive(Debug, clap::Args)]
pub struct RuleArgs {
    /// Folders of *.trip files, or single files; together they are one rule set
    #[arg(required = true, value_name = "RULES")]
    pub rules: Vec<PathBuf>,
}

/// A rule set that has been read, and what there is to say about it.
pub struct Compiled {
    /// The program, if the rules are right.
    pub program: Option<Program>,
    /// What the diagnostics point into.
    pub sources: Sources,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// A rule was asked for that does not exist; `names` do.
pub fn unknown<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> Misuse {
    let hint = nearest(wanted, names).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
    Misuse(format!("there is no rule `{wanted}`{hint}"))
}

/// Reads and compiles a rule set. When a file cannot be read nothing is compiled, because every name
/// that the file declares would be reported as unknown.
pub fn compile(paths: &[PathBuf]) -> Compiled {
    match rules::read(paths) {
        Ok(sources) => {
            let (program, diagnostics) = Program::compile(&sources);
            Compiled { program, diagnostics: diagnostics.sorted(), sources }
        }
        Err(unreadable) => {
            Compiled { program: None, sources: unreadable.sources, diagnostics: unreadable.diagnostics }
        }
    }
}

impl Compiled {
    /// Shows what is wrong on standard error and gives the program, if there is one.
    pub fn show_and_take(self) -> anyhow::Result<(Program, Sources)> {
        output::show(&self.diagnostics, &self.sources);
        let (errors, _) = self.diagnostics.counts();
        let wrong = || Misuse(format!("the rules have {}", output::plural(errors, "error")));
        Ok((self.program.ok_or_else(wrong)?, self.sources))
    }
}

impl RuleArgs {
    /// The program, for commands that need one; what is wrong with the rules goes to standard error.
    pub fn program(&self) -> anyhow::Result<Arc<Program>> {
        Ok(Arc::new(compile(&self.rules).show_and_take()?.0))
    }
}
