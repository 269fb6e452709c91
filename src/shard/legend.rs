//! What the numbers in stored rows stand for.
//!
//! Rows are written when they change and then stay as they are, perhaps through many restarts, while rules
//! are edited: added, removed, renamed, changed. So what a row names (a rule, what its `limit` counts, a
//! stream and the fields of its events, a log of the past) it names by a number that is given once and
//! never again. The head of the state holds the [`Legend`]: what each number stands for.
//!
//! When a program takes over a state, what means the same keeps its number, and what is new gets a new one.
//! A rule is found by its name and its meaning, so that an old version of it, which the program runs besides,
//! takes over what it held. What is gone or means something else loses its number for good: rows that still have it hold something
//! of which nobody knows any more. So nothing can come back that has missed events in the meantime. The
//! versions of streams, which say where the values of stored events belong, are kept as long as there may
//! be rows that were written with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::automaton::CompiledRule;
use crate::event::Kept;
use crate::event::stored::{StoredStream, Streams};
use crate::history::stored::{Columns, describe};
use crate::history::{LogId, LogSpec};
use crate::language::checked::Mode;
use crate::matcher::stored::shape;
use crate::program::{NotOld, OldRule, Program, RuleId};
use crate::stored::{Damaged, Reader, Writer};

/// What a program's rules, streams and logs are called where they are stored.
#[derive(Clone, Debug)]
pub struct Legend {
    /// For each rule; none for those that are off, which hold nothing.
    rules: Vec<Option<RuleNumbers>>,
    /// For each stream, the number of its version of now, and the fields that its events keep.
    pub streams: Vec<(u32, Kept)>,
    logs: Vec<LogNumbers>,
    /// Versions that rows may still name.
    older: Older,
    next: u32,
    /// All that as it is stored.
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct RuleNumbers {
    /// Of its runs.
    runs: u32,
    /// Of what its `limit` counts.
    limit: Option<u32>,
}

/// How a log is stored.
#[derive(Clone, Copy, Debug)]
pub struct LogNumbers {
    /// The number of the log.
    pub log: u32,
    /// The number of its columns: which values follow each other.
    pub columns: u32,
}

#[derive(Clone, Debug, Default)]
struct Older {
    streams: Vec<(u32, StoredStream)>,
    columns: Vec<(u32, Columns)>,
}

/// What a number stands for that a row names as holding something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Runs of a rule.
    Runs(RuleId),
    /// What the `limit` of a rule counts.
    Limit(RuleId),
    /// Something of a rule that is left out, by its place in [`Meaning::left`].
    Left(usize),
}

/// What becomes of a state that a program takes over.
#[derive(Debug, Default)]
pub struct Meaning {
    held: HashMap<u32, Held, FixedState>,
    /// The streams.
    pub streams: Streams,
    /// Each log, with the strata in which rules read it that are as they were.
    logs: HashMap<u32, (LogId, Vec<usize>), FixedState>,
    /// For each log that is not there any more, the rules that read it, by their places in `left`.
    left_logs: HashMap<u32, Vec<usize>, FixedState>,
    /// What numbers of columns stand for.
    pub columns: HashMap<u32, Columns, FixedState>,
    /// The columns that each log has now.
    pub columns_now: Vec<Columns>,
    /// For each rule, whether it is the one that it was.
    is_kept: Vec<bool>,
    /// The rules of which what they hold is left out.
    pub left: Vec<Left>,
}

/// What is left out of a state because the rule that it belongs to is not the one that it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The rule's name.
    pub rule: Arc<str>,
    /// Hash of what it meant.
    pub fingerprint: Arc<str>,
    /// What has become of it.
    pub why: Why,
    /// Of a rule that has changed: why its old version does not go on, if it was to.
    pub refused: Option<Arc<str>>,
    /// For how many keys something was held.
    pub keys: u64,
    /// How many partial matches there were.
    pub runs: u64,
    /// How many past events were kept for it that no other rule needs.
    pub past_events: u64,
    /// How many of its alerts no other rule has read yet.
    pub alerts: u64,
}

impl Left {
    /// Whether anything is left out.
    pub fn is_something(&self) -> bool {
        self.keys > 0 || self.past_events > 0 || self.alerts > 0
    }
}

/// Why what a rule holds is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// There is no rule of that name.
    Gone,
    /// It means something else now, and its old version does not go on.
    Changed,
    /// It is off, and so misses events.
    Off,
}

/// A rule as it was stored.
struct StoredRule<'a> {
    name: &'a str,
    fingerprint: &'a str,
    shape: u64,
    runs: u32,
    limit: Option<(u32, &'a str)>,
}

/// A log as it was stored.
struct StoredLog<'a> {
    number: u32,
    meaning: &'a str,
    /// The numbers of the rules that read it.
    readers: Vec<u32>,
}

/// A legend as it was stored.
#[derive(Default)]
pub struct StoredLegend<'a> {
    rules: Vec<StoredRule<'a>>,
    streams: Vec<(u32, StoredStream)>,
    logs: Vec<StoredLog<'a>>,
    columns: Vec<(u32, Columns)>,
    next: u32,
}

impl Legend {
    /// For a program of which nothing has been stored.
    pub fn new(program: &Program) -> Legend {
        StoredLegend::default().take_over(program).0
    }

    /// The number of a rule's runs, if it has any.
    pub fn runs(&self, rule: RuleId) -> Option<u32> {
        Some(self.rules[rule.0 as usize]?.runs)
    }

    /// The number of what a rule's limit counts, if it has one.
    pub fn limit(&self, rule: RuleId) -> Option<u32> {
        self.rules[rule.0 as usize]?.limit
    }

    /// How a log is stored.
    pub fn log(&self, log: LogId) -> LogNumbers {
        self.logs[log.0 as usize]
    }

    /// Whether there are versions of streams or columns that only older rows name.
    pub fn has_older(&self) -> bool {
        !self.older.streams.is_empty() || !self.older.columns.is_empty()
    }

    /// The same without the versions of streams and columns that no row names any more.
    pub fn without_older(mut self, program: &Program) -> Legend {
        self.older = Older::default();
        self.written(program)
    }

    /// The same without rules that hold nothing and will hold nothing any more.
    pub fn without(mut self, rules: &[RuleId], program: &Program) -> Legend {
        rules.iter().for_each(|rule| self.rules[rule.0 as usize] = None);
        self.written(program)
    }

    /// What is stored of it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn written(mut self, program: &Program) -> Legend {
        let mut w = Writer::default();
        self.store(program, &mut w);
        self.bytes = w.into_bytes();
        self
    }

    fn store(&self, program: &Program, w: &mut Writer) {
        w.number(self.next.into());
        let rules = (0..).map(RuleId).zip(&self.rules);
        let rules = rules.filter_map(|(id, numbers)| Some((id, (*numbers)?)));
        w.list(rules.collect::<Vec<_>>(), |w, (id, numbers)| {
            let compiled = &program.compiled()[id.0 as usize];
            let rule = &compiled.rule;
            w.text(&rule.name);
            w.text(&rule.fingerprint);
            w.bits(shape(compiled));
            w.number(numbers.runs.into());
            w.option(numbers.limit.zip(rule.limit.as_ref()), |w, (number, limit)| {
                w.number(number.into());
                w.text(&limit.meaning);
            });
        });
        let streams = program.streams().iter().zip(&self.streams);
        let streams = streams.map(|(schema, (number, kept))| (*number, StoredStream::of(schema, *kept)));
        let streams: Vec<_> = streams.chain(self.older.streams.iter().cloned()).collect();
        w.list(streams, |w, (number, stream)| {
            w.number(number.into());
            stream.write(w);
        });
        w.list((0..self.logs.len() as u32).map(LogId), |w, id| {
            w.number(self.log(id).log.into());
            w.text(&describe(program.logs().get(id), program.streams(), program.predicates()));
            let readers = program.readers(id).iter().filter_map(|rule| self.runs(*rule));
            w.list(readers.collect::<Vec<_>>(), |w, number| w.number(number.into()));
        });
        let columns: BTreeMap<u32, Columns> = (0..self.logs.len() as u32)
            .map(LogId)
            .map(|id| (self.log(id).columns, columns(program, program.logs().get(id))))
            .chain(self.older.columns.iter().cloned())
            .collect();
        w.list(columns, |w, (number, columns)| {
            w.number(number.into());
            columns.write(w);
        });
    }
}

fn columns(program: &Program, log: &LogSpec) -> Columns {
    Columns::of(log, program.schema(log.stream))
}

impl<'a> StoredLegend<'a> {
    /// Reads one.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn restore(r: &mut Reader<'a>) -> Result<StoredLegend<'a>, Damaged> {
        let next = r.small()?;
        let rule = |r: &mut Reader<'a>| {
            Ok(StoredRule {
                name: r.text()?,
                fingerprint: r.text()?,
                shape: r.bits()?,
                runs: r.small()?,
                limit: r.option(|r| Ok((r.small()?, r.text()?)))?,
            })
        };
        let legend = StoredLegend {
            next,
            rules: r.list(rule)?,
            streams: r.list(|r| Ok((r.small()?, StoredStream::read(r)?)))?,
            logs: r.list(|r| {
                Ok(StoredLog { number: r.small()?, meaning: r.text()?, readers: r.list(Reader::small)? })
            })?,
            columns: r.list(|r| Ok((r.small()?, Columns::read(r)?)))?,
        };
        legend.check()?;
        Ok(legend)
    }

    /// The rules: name, fingerprint and the number of its runs.
    pub fn numbers(&self) -> impl Iterator<Item = (&'a str, &'a str, u32)> {
        self.rules.iter().map(|rule| (rule.name, rule.fingerprint, rule.runs))
    }

    /// The names of the streams, one for each version.
    pub fn streams(&self) -> impl Iterator<Item = &str> {
        self.streams.iter().map(|(_, stream)| stream.name())
    }

    /// Each number is given once, and there are more to be given.
    fn check(&self) -> Result<(), Damaged> {
        let limits = self.rules.iter().filter_map(|rule| rule.limit).map(|(number, _)| number);
        let mut numbers: Vec<u32> = limits.chain(self.rules.iter().map(|rule| rule.runs)).collect();
        numbers.extend(self.streams.iter().map(|(number, _)| number));
        numbers.extend(self.logs.iter().map(|log| log.number));
        numbers.extend(self.columns.iter().map(|(number, _)| number));
        numbers.sort_unstable();
        let is_twice = numbers.windows(2).any(|pair| pair[0] == pair[1]);
        let is_beyond = numbers.last().is_some_and(|last| *last >= self.next) || self.next > u32::MAX / 2;
        if is_twice || is_beyond { Err(Damaged::new("a number stands for two things")) } else { Ok(()) }
    }

    /// The rules with their numbers, those that were stored first last, and without their texts.
    pub fn rules(&self) -> Vec<(u32, OldRule)> {
        let mut rules: Vec<&StoredRule<'_>> = self.rules.iter().collect();
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.runs));
        let old = |rule: &StoredRule<'_>| {
            let (name, fingerprint) = (rule.name.into(), rule.fingerprint.into());
            (rule.runs, OldRule { name, fingerprint, text: "".into() })
        };
        rules.into_iter().map(old).collect()
    }

    /// What becomes of the state in a program, and what the program's things are called from now on.
    pub fn take_over(self, program: &Program) -> (Legend, Meaning) {
        let mut taking = Taking { next: self.next, meaning: Meaning::default(), older: Older::default() };
        let rules = taking.rules(program, &self.rules);
        let streams = taking.streams(program, self.streams);
        let logs = taking.logs(program, &self.logs, self.columns);
        let Taking { next, meaning, older } = taking;
        let legend = Legend { rules, streams, logs, older, next, bytes: Vec::new() };
        (legend.written(program), meaning)
    }
}

/// Taking a state over.
struct Taking {
    next: u32,
    meaning: Meaning,
    older: Older,
}

impl Taking {
    /// A number that has never been given.
    fn new_number(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    fn rules(&mut self, program: &Program, stored: &[StoredRule<'_>]) -> Vec<Option<RuleNumbers>> {
        let name = |rule: &StoredRule<'_>| (rule.name.to_owned(), rule.fingerprint.to_owned());
        let mut by_name: HashMap<(String, String), &StoredRule<'_>, FixedState> =
            stored.iter().map(|rule| (name(rule), rule)).collect();
        let mut numbers = Vec::new();
        for (id, compiled) in (0..).map(RuleId).zip(program.compiled()) {
            let rule = &compiled.rule;
            let stored = by_name.remove(&(rule.name.to_string(), rule.fingerprint.to_string()));
            let why = stored.and_then(|stored| stored.why_left(compiled));
            stored.zip(why).into_iter().for_each(|(stored, why)| self.leave(program, stored, why));
            let kept = stored.filter(|_| why.is_none());
            self.meaning.is_kept.push(kept.is_some());
            let is_off = rule.mode == Mode::Off;
            numbers.push((!is_off).then(|| self.rule(id, compiled, kept)));
        }
        for rule in stored.iter().filter(|rule| by_name.contains_key(&name(rule))) {
            let why = match program.rule(rule.name).map(|now| program.info(now).mode) {
                None => Why::Gone,
                Some(Mode::Off) => Why::Off,
                Some(Mode::Live | Mode::Shadow) => Why::Changed,
            };
            self.leave(program, rule, why);
        }
        numbers
    }

    fn rule(&mut self, id: RuleId, compiled: &CompiledRule, kept: Option<&StoredRule<'_>>) -> RuleNumbers {
        let runs = kept.map_or_else(|| self.new_number(), |stored| stored.runs);
        self.meaning.held.insert(runs, Held::Runs(id));
        let limit = compiled.rule.limit.as_ref().map(|limit| {
            // What was counted for something else counts for nothing.
            let stored =
                kept.and_then(|stored| stored.limit).filter(|(_, meaning)| *meaning == &*limit.meaning);
            let number = stored.map_or_else(|| self.new_number(), |(number, _)| number);
            self.meaning.held.insert(number, Held::Limit(id));
            number
        });
        RuleNumbers { runs, limit }
    }

    fn leave(&mut self, program: &Program, stored: &StoredRule<'_>, why: Why) {
        let left = Held::Left(self.meaning.left.len());
        self.meaning.held.insert(stored.runs, left);
        let (rule, fingerprint) = (stored.name.into(), stored.fingerprint.into());
        let is_it = |not: &&NotOld| *not.name == *stored.name && *not.fingerprint == *stored.fingerprint;
        let refused = program.not_old().iter().find(is_it).map(|not| Arc::clone(&not.why));
        let left = Left { rule, fingerprint, why, refused, keys: 0, runs: 0, past_events: 0, alerts: 0 };
        self.meaning.left.push(left);
    }

    fn streams(&mut self, program: &Program, stored: Vec<(u32, StoredStream)>) -> Vec<(u32, Kept)> {
        let mut numbers: Vec<Option<u32>> = vec![None; program.streams().len()];
        for (number, then) in stored {
            let Some(id) = program.stream(then.name()).filter(|id| then.is(program.schema(*id))) else {
                continue;
            };
            let (schema, kept) = (program.schema(id), program.kept(id));
            if then == StoredStream::of(schema, kept) {
                numbers[id.0 as usize] = Some(number);
            } else {
                self.older.streams.push((number, then.clone()));
            }
            self.meaning.streams.insert(number, then, id, schema, kept);
        }
        let numbers = numbers.into_iter().map(|number| number.unwrap_or_else(|| self.new_number()));
        numbers.zip(program.all_kept().iter().copied()).collect()
    }

    fn logs(
        &mut self,
        program: &Program,
        stored: &[StoredLog<'_>],
        columns_then: Vec<(u32, Columns)>,
    ) -> Vec<LogNumbers> {
        let by_meaning: HashMap<&str, &StoredLog<'_>, FixedState> =
            stored.iter().map(|log| (log.meaning, log)).collect();
        let mut by_columns: BTreeMap<Columns, u32> =
            columns_then.iter().map(|(number, columns)| (columns.clone(), *number)).collect();
        let mut numbers = Vec::new();
        for id in (0..program.logs().len() as u32).map(LogId) {
            let spec = program.logs().get(id);
            // It belongs to the rules that read it. What a rule has kept that is changed now is not taken
            // over by what it has become, unless another needs it that is as it was.
            let strata = self.strata_of_kept_readers(program, id);
            let meaning = describe(spec, program.streams(), program.predicates());
            let stored = by_meaning.get(&*meaning).filter(|_| !strata.is_empty());
            let log = stored.map_or_else(|| self.new_number(), |stored| stored.number);
            self.meaning.logs.insert(log, (id, strata));
            let columns = columns(program, spec);
            let number = *by_columns.entry(columns.clone()).or_insert_with(|| {
                self.next += 1;
                self.next - 1
            });
            numbers.push(LogNumbers { log, columns: number });
            self.meaning.columns_now.push(columns);
        }
        for log in stored.iter().filter(|log| !self.meaning.logs.contains_key(&log.number)) {
            let readers = log.readers.iter().filter_map(|number| self.meaning.left_place(*number));
            let readers = readers.collect();
            self.meaning.left_logs.insert(log.number, readers);
        }
        let is_older = |number: u32| numbers.iter().all(|log| log.columns != number);
        self.older.columns = columns_then.iter().filter(|(number, _)| is_older(*number)).cloned().collect();
        self.meaning.columns = columns_then.into_iter().collect();
        numbers
    }

    /// The strata in which a rule that is as it was reads a log.
    fn strata_of_kept_readers(&self, program: &Program, log: LogId) -> Vec<usize> {
        let kept = program.readers(log).iter().filter(|rule| self.meaning.is_kept[rule.0 as usize]);
        kept.map(|rule| program.compiled()[rule.0 as usize].rule.stratum as usize).collect()
    }
}

impl StoredRule<'_> {
    /// Why a rule of the same name and meaning does not take over what it holds, if it does not.
    fn why_left(&self, now: &CompiledRule) -> Option<Why> {
        match now.rule.mode {
            _ if self.shape != shape(now) => Some(Why::Changed),
            Mode::Off => Some(Why::Off),
            Mode::Live | Mode::Shadow => None,
        }
    }
}

impl Meaning {
    /// What a number stands for that a row names as holding something; none if nobody knows.
    pub fn held(&self, number: u32) -> Option<Held> {
        self.held.get(&number).copied()
    }

    /// The rule whose runs have that number, if it is as it was.
    pub fn rule(&self, number: u32) -> Option<RuleId> {
        match self.held(number)? {
            Held::Runs(rule) => Some(rule),
            Held::Limit(_) | Held::Left(_) => None,
        }
    }

    /// The place of the rule with that number among those that are left out.
    pub fn left_place(&self, number: u32) -> Option<usize> {
        match self.held(number)? {
            Held::Left(place) => Some(place),
            Held::Runs(_) | Held::Limit(_) => None,
        }
    }

    /// The log that a number stands for, if a rule of that stratum reads it that is as it was.
    pub fn log(&self, number: u32, stratum: usize) -> Option<LogId> {
        let (id, strata) = self.logs.get(&number)?;
        strata.contains(&stratum).then_some(*id)
    }

    /// The rules that are left out and read a log, by their places among those.
    pub fn left_readers(&self, log: u32) -> &[usize] {
        self.left_logs.get(&log).map_or(&[], |places| places)
    }
}
