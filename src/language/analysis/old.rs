//! Old versions of rules: checked beside the rules that have taken their names.
//!
//! Enters: for each its text with the constants and definitions of its time, and what it meant, as a
//! fingerprint. Leaves: the checked rule, for the streams, lists and tables of now, if it still means the
//! same; otherwise why it does not. Nothing of it is reported to those who write rules: they see the files
//! of now.
//!
//! The alerts of all versions of a rule are one stream, as far as their fields are the same. What a rule that
//! reads it means depends on the version that it was written for; so an old reader is tried with each.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostics, FileId, Severity};
use crate::event::StreamId;
use crate::language::checked::{self, AlertStream, Mode, OldRule};
use crate::language::{MAX_ALONE, parse, tree};

use super::chain::{self, Derived};
use super::reads::reads;
use super::scope::{Declarations, Globals, Reported};
use super::{constants, rule, scope};

/// A rule of former times.
#[derive(Debug)]
pub struct Old<'t> {
    /// The rule.
    pub name: &'t str,
    /// What it meant.
    pub fingerprint: &'t str,
    /// Its text, with the constants and definitions that it names.
    pub text: &'t str,
    /// What has been read of the text, if it was of use.
    file: OnceCell<tree::File>,
}

impl<'t> Old<'t> {
    /// The rule with that name and meaning.
    pub fn new(name: &'t str, fingerprint: &'t str, text: &'t str) -> Old<'t> {
        Old { name, fingerprint, text, file: OnceCell::new() }
    }

    /// The tree of its text.
    fn file(&self) -> Result<&tree::File, Refused> {
        if self.text.is_empty() || self.text.len() > MAX_ALONE {
            return Err(Refused::Wrong(format!(
                "its text has more than the {} KiB that are kept",
                MAX_ALONE >> 10
            )));
        }
        // Its places are shown to nobody.
        Ok(self.file.get_or_init(|| parse(FileId(u32::MAX), self.text).0))
    }
}

/// Most old versions of one rule that are checked; of more, the newest.
const MAX_OLD: usize = 4;

/// In so many ways the versions of the streams that a rule reads are put together.
const MAX_WAYS: usize = 16;
/// So many rules that read each other's alerts are followed.
const MAX_ROUNDS: usize = 64;

/// A version of a stream of alerts, with the stratum of its rule.
#[derive(Clone, Debug)]
struct Version {
    derived: Derived,
    stratum: u32,
}

/// What is known of streams of alerts, the versions of now first.
type Versions = BTreeMap<StreamId, Vec<Version>>;

/// Why a version cannot be checked.
enum Refused {
    /// It never can.
    Wrong(String),
    /// It means something else now; perhaps not with a version of a stream that is not known yet.
    Otherwise,
}

/// Checks the old versions of rules that are there, run, and mean something else now; of these `rules`, which
/// are sorted by name, and the newest versions first. Gives, by name, the place of each and the rule, or why there is none.
pub(super) fn check<'t>(
    olds: &'t [Old<'t>],
    declarations: &Declarations<'t>,
    rules: &[checked::Rule],
    globals: &mut Globals<'t>,
) -> Vec<(usize, Result<OldRule, String>)> {
    let mut found = Vec::new();
    let mut open = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, old) in olds.iter().enumerate() {
        let Some(now) = find(rules, old.name).filter(|now| now.mode != Mode::Off) else { continue };
        if *now.fingerprint == *old.fingerprint {
            continue;
        }
        let count = counts.entry(old.name).or_default();
        *count += 1;
        if *count <= MAX_OLD {
            open.push((place, old));
        } else {
            found.push((place, Err(format!("{MAX_OLD} newer versions of it have not come to an end"))));
        }
    }
    let mut versions = versions_of_now(rules, globals);
    // Those that read alerts of others come after these.
    for _ in 0..MAX_ROUNDS {
        let known = found.len();
        open.retain(|(place, old)| {
            let mut checker =
                Checker { declarations, rules, globals: &mut *globals, versions: &mut versions };
            match checker.with_its_names(old) {
                Ok(rule) => found.push((*place, Ok(rule))),
                Err(Refused::Wrong(why)) => found.push((*place, Err(why))),
                Err(Refused::Otherwise) => return true,
            }
            false
        });
        if found.len() == known {
            break;
        }
    }
    let otherwise = "the alerts of other rules that it reads are others now";
    found.extend(open.into_iter().map(|(place, _)| (place, Err(otherwise.to_owned()))));
    found.sort_by_key(|(place, _)| (olds[*place].name, *place));
    found
}

fn versions_of_now(rules: &[checked::Rule], globals: &Globals<'_>) -> Versions {
    let of_now = globals.derived.iter().filter_map(|(id, derived)| {
        let rule = find(rules, globals.schema(*id).alerts_of.as_deref()?)?;
        Some((*id, vec![Version { derived: derived.clone(), stratum: rule.stratum }]))
    });
    of_now.collect()
}

fn find<'r>(rules: &'r [checked::Rule], name: &str) -> Option<&'r checked::Rule> {
    rules.binary_search_by(|rule| (*rule.name).cmp(name)).ok().map(|index| &rules[index])
}

struct Checker<'c, 't> {
    declarations: &'c Declarations<'t>,
    /// Those of now.
    rules: &'c [checked::Rule],
    globals: &'c mut Globals<'t>,
    versions: &'c mut Versions,
}

impl<'t> Checker<'_, 't> {
    /// Checks a version with the constants and definitions of its time.
    fn with_its_names(&mut self, old: &'t Old<'t>) -> Result<OldRule, Refused> {
        let own = scope::collect([old.file()?], &mut Diagnostics::default());
        let tree = own.rules.iter().find(|rule| rule.name.node == old.name);
        let Some(tree) = tree else {
            return Err(Refused::Wrong("its text is not that of a rule".to_owned()));
        };
        let globals = &mut *self.globals;
        let constants = std::mem::take(&mut globals.constants);
        let definitions = std::mem::take(&mut globals.definitions);
        let broken = std::mem::take(&mut globals.broken);
        let events = std::mem::replace(&mut globals.events, own.events());
        let reported = std::mem::replace(&mut globals.reported, Reported::of(&[]));
        // What is wrong with one of them now is seen where the rule uses it.
        constants::settle(globals, &own.constants, &own.definitions, &mut Diagnostics::default());
        let checked = self.in_some_way(old, tree);
        let globals = &mut *self.globals;
        (globals.constants, globals.definitions, globals.broken) = (constants, definitions, broken);
        (globals.events, globals.reported) = (events, reported);
        checked
    }

    /// Checks a version with versions of the streams that it reads with which it means what it meant.
    fn in_some_way(&mut self, old: &Old<'t>, tree: &'t tree::Rule) -> Result<OldRule, Refused> {
        let read: BTreeSet<StreamId> =
            reads(tree).filter_map(|read| self.globals.stream(read.stream)).collect();
        let read: Vec<StreamId> = read.into_iter().filter(|id| self.versions.contains_key(id)).collect();
        let counts: Vec<usize> = read.iter().map(|id| self.versions[id].len()).collect();
        let ways = counts.iter().fold(1_usize, |ways, count| ways.saturating_mul(*count));
        let of_now: Vec<Derived> = read.iter().map(|id| self.versions[id][0].derived.clone()).collect();
        let mut result = Err(Refused::Otherwise);
        for way in 0..ways.min(MAX_WAYS) {
            let mut rest = way;
            let mut stratum = 0;
            for (id, count) in read.iter().zip(&counts) {
                let version = &self.versions[id][rest % count];
                rest /= count;
                stratum = stratum.max(version.stratum + 1);
                self.globals.derived.insert(*id, version.derived.clone());
            }
            result = self.check(old, tree, stratum);
            if !matches!(result, Err(Refused::Otherwise)) {
                break;
            }
        }
        if read.is_empty() && matches!(result, Err(Refused::Otherwise)) {
            let why = "with the streams, lists and tables of now it means something else";
            result = Err(Refused::Wrong(why.to_owned()));
        }
        self.globals.derived.extend(read.into_iter().zip(of_now));
        result
    }

    /// Checks a version in the stratum that it is in with the streams as they are.
    fn check(&mut self, old: &Old<'t>, tree: &'t tree::Rule, stratum: u32) -> Result<OldRule, Refused> {
        let mut diagnostics = Diagnostics::default();
        let checked = rule::check(tree, stratum, self.globals, &mut diagnostics);
        let Some(mut rule) = checked.filter(|_| !diagnostics.has_errors()) else {
            let error = diagnostics.iter().find(|one| one.severity() == Severity::Error);
            let why = error.map_or("it cannot be read any more", |error| &*error.message);
            return Err(Refused::Wrong(why.to_owned()));
        };
        if *rule.fingerprint != *old.fingerprint {
            return Err(Refused::Otherwise);
        }
        if let Some(now) = find(self.rules, old.name) {
            // Where alerts go, and whether they are sent, is what it is for the rule of now.
            rule.sinks = now.sinks.clone();
            rule.mode = if rule.mode == Mode::Live { now.mode } else { rule.mode };
        }
        let streams = self.streams(&rule, tree);
        Ok(OldRule { rule, streams })
    }

    /// The streams of the rule's alerts that its old version goes on to fill: those whose fields are the same.
    fn streams(&mut self, rule: &checked::Rule, tree: &tree::Rule) -> Vec<AlertStream> {
        let mut filled = Vec::new();
        for stream in self.declarations.streams_of(&rule.name) {
            let Some(id) = self.globals.stream(&stream.name.node) else { continue };
            let fields = self.globals.schema(id).fields.clone();
            let derived = self.globals.derived.get(&id).cloned();
            let made = chain::settle(rule, tree, &[*stream], self.globals, &mut Diagnostics::default());
            let then = std::mem::replace(&mut self.globals.streams[id.0 as usize].fields, fields);
            let then =
                (then == self.globals.schema(id).fields).then(|| self.globals.derived.get(&id).cloned());
            match derived {
                Some(derived) => self.globals.derived.insert(id, derived),
                None => self.globals.derived.remove(&id),
            };
            if let (Some(Some(derived)), false) = (then, made.is_empty()) {
                let stratum = rule.stratum;
                self.versions.entry(id).or_default().push(Version { derived, stratum });
                filled.extend(made);
            }
        }
        filled
    }
}
