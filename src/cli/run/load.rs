//! Reads what a service is made of: its configuration, its rules with their lists and tables, and its state.

use std::path::Path;
use std::sync::Arc;

use crate::config::tables::Loaded;
use crate::config::{self, Config};
use crate::diagnostic::{Diagnostics, Sources, Style, render_all};
use crate::disk::RealDisk;
use crate::program::Program;
use crate::runtime::modes::WantedModes;
use crate::runtime::recovery;
use crate::store::Store;

use super::super::output::{self, plural};
use super::super::rules::{self, Ready};

/// What a service is made of.
#[derive(Clone)]
pub struct Loading {
    /// What it is to do.
    pub config: Config,
    /// The text of that, without its secrets.
    pub text: String,
    /// Its rules.
    pub program: Arc<Program>,
    /// The files of these.
    pub rules: Sources,
    /// What their lists and tables hold.
    pub tables: Loaded,
    /// Rules that somebody has put into another mode.
    pub modes: WantedModes,
}

/// What there is to say of files, the configuration first.
#[derive(Default)]
pub struct Said(Vec<(Diagnostics, Sources)>);

/// Files that make no service.
pub struct Wrong {
    /// What is wrong, in place.
    pub said: Said,
    /// The same in a few words.
    pub why: String,
}

impl Said {
    /// Shows it on standard error.
    pub fn show(&self) {
        self.0.iter().for_each(|(diagnostics, sources)| output::show(diagnostics, sources));
    }

    /// The same as text, without colours.
    pub fn text(&self) -> String {
        self.0.iter().map(|(diagnostics, sources)| render_all(diagnostics, sources, Style::Plain)).collect()
    }

    fn wrong(self, what: impl FnOnce(String) -> String) -> Wrong {
        let errors = self.0.iter().map(|(diagnostics, _)| diagnostics.counts().0).sum();
        Wrong { said: self, why: what(plural(errors, "error")) }
    }
}

/// Reads all of it as the files say now. `modes` are those of rules that somebody has put into another, unless they are
/// to be read as well.
///
/// # Errors
/// When something is wrong with it.
pub fn load(path: &Path, modes: Option<WantedModes>) -> Result<(Loading, Said), Wrong> {
    let mut said = Said::default();
    let plain = |why: String| Wrong { said: Said::default(), why };
    let config::Loaded { config, diagnostics, sources, shown } = config::load(path).map_err(plain)?;
    said.0.push((diagnostics, sources.clone()));
    let Some(config) = config else {
        return Err(said.wrong(|errors| format!("the configuration has {errors}")));
    };
    let folder = config.state.as_ref().map(|state| &*state.path);
    let modes = match modes {
        Some(modes) => modes,
        None => WantedModes::open(&RealDisk, folder).map_err(|error| plain(error.to_string()))?,
    };
    let compiled = rules::compile_with(std::slice::from_ref(&config.rules.value), &[], &modes.modes());
    let (ready, diagnostics, rules) = compiled.with_tables().into_parts();
    said.0.push((diagnostics, rules));
    let Some(Ready { program, tables, sources: rules }) = ready else {
        return Err(said.wrong(|errors| format!("the rules have {errors}")));
    };
    let misfits = config.check(&program);
    let do_not_fit = misfits.has_errors();
    said.0.push((misfits, sources));
    if do_not_fit {
        return Err(said.wrong(|errors| format!("the configuration and the rules do not fit: {errors}")));
    }
    Ok((Loading { config, text: shown, program, rules, tables, modes }, said))
}

impl Loading {
    /// Opens the store of a service that keeps state, and adds to its rules the old versions of those that have changed
    /// since the state was stored.
    ///
    /// # Errors
    /// When the state cannot be gone on from.
    pub fn open_state(&mut self) -> anyhow::Result<Option<Store>> {
        let Some(state) = &self.config.state else { return Ok(None) };
        let store = recovery::store(state)?;
        let olds = recovery::old_rules(state, &store)?;
        if !olds.is_empty() {
            let paths = std::slice::from_ref(&self.config.rules.value);
            // What there is to say about the rules has been said.
            let with_old = rules::compile_with(paths, &olds, &self.modes.modes()).program;
            self.program = with_old.map_or_else(|| Arc::clone(&self.program), Arc::new);
        }
        Ok(Some(store))
    }
}
