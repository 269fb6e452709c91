//! Old versions of rules, which go on with the partial matches that they have and begin no new ones.

use std::sync::Arc;

use crate::automaton::CompiledRule;
use crate::diagnostic::{Diagnostics, Sources};
use crate::language;
use crate::language::checked::{self, AlertStream};

use super::compiling::Compiling;
use super::{Modes, Program, RuleId, RuleInfo, find};

/// A rule as it was when a state was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldRule {
    /// Its name.
    pub name: Arc<str>,
    /// Hash of its meaning.
    pub fingerprint: Arc<str>,
    /// Its text, with that of the constants and definitions that it names; empty where that was too long.
    pub text: Arc<str>,
}

/// A rule of a stored state that has changed since, and of which the old version does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotOld {
    /// Its name.
    pub name: Arc<str>,
    /// Hash of its meaning.
    pub fingerprint: Arc<str>,
    /// Why, in words.
    pub why: Arc<str>,
}

/// What has become of old versions of rules.
#[derive(Debug)]
pub(super) struct Olds {
    /// Those that go on, in the order of their ids.
    infos: Vec<RuleInfo>,
    /// For each of these, the rule that has its name now.
    now: Vec<RuleId>,
    /// Those that do not.
    refused: Vec<NotOld>,
}

impl Olds {
    /// Of those that go on, and those that do not, beside the rules of now.
    pub fn new(infos: Vec<RuleInfo>, rules: &[RuleInfo], refused: Vec<NotOld>) -> Olds {
        let now = infos.iter().filter_map(|old| find(rules, &old.name)).collect();
        Olds { infos, now, refused }
    }
}

/// What a program has of an old version that goes on, beside the compiled rule.
pub(super) struct GoesOn {
    /// The streams of its alerts.
    pub streams: Vec<AlertStream>,
    /// Its text.
    pub text: Arc<str>,
}

impl Compiling {
    /// Compiles old versions of rules, which come behind the rules of now. Gives those that go on, in the
    /// order of their ids, and those that do not. Places are those in `olds`.
    pub(super) fn old_rules(
        &mut self,
        checked: Vec<(usize, Result<checked::OldRule, String>)>,
        olds: &[OldRule],
    ) -> (Vec<GoesOn>, Vec<NotOld>) {
        let (mut going_on, mut refused) = (Vec::new(), Vec::new());
        for (place, checked) in checked {
            let OldRule { name, fingerprint, text } = olds[place].clone();
            match checked.and_then(|checked| self.old_rule(checked)) {
                Ok(streams) => going_on.push(GoesOn { streams, text }),
                Err(why) => refused.push(NotOld { name, fingerprint, why: why.into() }),
            }
        }
        (going_on, refused)
    }

    /// Compiles an old version of a rule. Gives the streams of alerts that it fills, or why it cannot be run.
    fn old_rule(&mut self, old: checked::OldRule) -> Result<Vec<AlertStream>, String> {
        let mut compiled = CompiledRule::new(old.rule, &mut self.predicates).map_err(|error| error.what)?;
        compiled.begins = false;
        let pushed = self.push(compiled);
        pushed.map_err(|(most, what)| format!("with it all rules together need more than {most} {what}"))?;
        Ok(old.streams)
    }
}

impl Program {
    /// Compiles like [`Program::compile`] a program that goes on with a state. Of the rules that the state
    /// has, in [`crate::engine::stored_rules`], those that are there but mean something else now are run in
    /// their old versions as well: with the partial matches that they have, and without beginning new ones.
    /// [`Program::old_rules`] says which these are, and [`Program::not_old`] of which others that is not possible.
    /// Rules that are not there any more, or are off, do not go on.
    pub fn compile_with_old(sources: &Sources, olds: &[OldRule]) -> (Option<Program>, Diagnostics) {
        Program::compile_with(sources, olds, &Modes::new())
    }

    /// The same with rules that are in another mode than their text says, as somebody wants it. So are their old versions.
    pub fn compile_with(
        sources: &Sources,
        olds: &[OldRule],
        modes: &Modes,
    ) -> (Option<Program>, Diagnostics) {
        Program::compile_by(sources, olds, modes, language::check)
    }

    /// The old versions of rules that are run besides, each with the name that its rule has.
    pub fn old_rules(&self) -> &[RuleInfo] {
        &self.old.infos
    }

    /// The rules of a state that mean something else now, and whose old versions are not run.
    pub fn not_old(&self) -> &[NotOld] {
        &self.old.refused
    }

    /// The old versions of rules.
    pub(crate) fn olds(&self) -> impl Iterator<Item = RuleId> + use<> {
        (self.infos.len() as u32..self.rules.len() as u32).map(RuleId)
    }

    /// The rule of now: of an old version, that which has its name.
    pub(crate) fn now(&self, rule: RuleId) -> RuleId {
        let old = (rule.0 as usize).checked_sub(self.infos.len());
        old.map_or(rule, |old| self.old.now[old])
    }

    /// What a rule is, also of an old version.
    pub(crate) fn info(&self, rule: RuleId) -> &RuleInfo {
        let rule = rule.0 as usize;
        self.infos.get(rule).unwrap_or_else(|| &self.old.infos[rule - self.infos.len()])
    }
}
