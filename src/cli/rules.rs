//! The rule set that a command works on.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::rules;
use crate::diagnostic::{Diagnostics, Sources};
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

impl RuleArgs {
    /// The program, for commands that need one; what is wrong with the rules goes to standard error.
    pub fn program(&self) -> anyhow::Result<Arc<Program>> {
        let compiled = compile(&self.rules);
        output::show(&compiled.diagnostics, &compiled.sources);
        match compiled.program {
            Some(program) => Ok(Arc::new(program)),
            None => {
                let (errors, _) = compiled.diagnostics.counts();
                Err(Misuse(format!("the rules have {}", output::plural(errors, "error"))).into())
            }
        }
    }
}
