//! The rule set that a command works on.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{rules, tables};
use crate::diagnostic::{Diagnostics, Sources, did_you_mean};
use crate::program::{Modes, OldRule, Program};

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
    /// Its lists and tables, once they have been read.
    tables: Option<tables::Loaded>,
    /// What the diagnostics point into.
    pub sources: Sources,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// A rule was asked for that does not exist; `names` do.
pub fn unknown<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> Misuse {
    Misuse(format!("there is no rule `{wanted}`{}", did_you_mean(wanted, names)))
}

/// A rule set that can be run.
pub struct Ready {
    /// The program.
    pub program: Arc<Program>,
    /// Its lists and tables.
    pub tables: tables::Loaded,
    /// The files that it was made of.
    pub sources: Sources,
}

/// Reads and compiles a rule set. When a file cannot be read nothing is compiled, because every name
/// that the file declares would be reported as unknown.
pub fn compile(paths: &[PathBuf]) -> Compiled {
    compile_by(paths, Program::compile)
}

/// The same for running the tests of the rules.
pub fn compile_for_tests(paths: &[PathBuf]) -> Compiled {
    compile_by(paths, Program::compile_for_tests)
}

/// The same for going on with a state that is of these rules.
pub fn compile_with_old(paths: &[PathBuf], olds: &[OldRule]) -> Compiled {
    compile_with(paths, olds, &Modes::new())
}

/// The same with rules that are in another mode than their text says.
pub fn compile_with(paths: &[PathBuf], olds: &[OldRule], modes: &Modes) -> Compiled {
    compile_by(paths, |sources| Program::compile_with(sources, olds, modes))
}

fn compile_by(
    paths: &[PathBuf],
    compile: impl FnOnce(&Sources) -> (Option<Program>, Diagnostics),
) -> Compiled {
    match rules::read(paths) {
        Ok(sources) => {
            let (program, diagnostics) = compile(&sources);
            Compiled { program, tables: None, diagnostics: diagnostics.sorted(), sources }
        }
        Err(unreadable) => {
            let rules::Unreadable { sources, diagnostics, .. } = unreadable;
            Compiled { program: None, tables: None, sources, diagnostics }
        }
    }
}

impl Compiled {
    /// The same with the lists and tables read. Without them there is no program.
    pub fn with_tables(mut self) -> Compiled {
        if let Some(program) = &self.program {
            let (loaded, diagnostics) = tables::load(program, &mut self.sources);
            if diagnostics.has_errors() {
                self.program = None;
            }
            self.diagnostics.append(diagnostics);
            self.diagnostics = self.diagnostics.sorted();
            self.tables = Some(loaded);
        }
        self
    }

    /// The program with its lists and tables, if they have been read and all is right, and what there is to say.
    pub fn into_parts(self) -> (Option<Ready>, Diagnostics, Sources) {
        let Compiled { program, tables, sources, diagnostics } = self;
        let ready = program.zip(tables).map(|(program, tables)| Ready {
            program: Arc::new(program),
            tables,
            sources: sources.clone(),
        });
        (ready, diagnostics, sources)
    }

    /// Shows what is wrong on standard error and gives the program with its lists and tables, if they
    /// are right.
    pub fn show_and_take_all(self) -> anyhow::Result<Ready> {
        let (ready, diagnostics, sources) = self.with_tables().into_parts();
        output::show(&diagnostics, &sources);
        Ok(ready.ok_or_else(|| wrong(&diagnostics))?)
    }

    /// Shows what is wrong on standard error and gives the program, if there is one.
    pub fn show_and_take(self) -> anyhow::Result<(Program, Sources)> {
        output::show(&self.diagnostics, &self.sources);
        Ok((self.program.ok_or_else(|| wrong(&self.diagnostics))?, self.sources))
    }
}

fn wrong(diagnostics: &Diagnostics) -> Misuse {
    let (errors, _) = diagnostics.counts();
    Misuse(format!("the rules have {}", output::plural(errors, "error")))
}

impl RuleArgs {
    /// The program with its lists and tables, for commands that run it; what is wrong with them goes to
    /// standard error.
    pub fn load(&self) -> anyhow::Result<Ready> {
        compile(&self.rules).show_and_take_all()
    }

    /// The program alone, for commands that look at it; what is wrong with the rules goes to standard error.
    pub fn program(&self) -> anyhow::Result<Arc<Program>> {
        Ok(Arc::new(compile(&self.rules).show_and_take()?.0))
    }
}
