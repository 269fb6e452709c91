//! From what has been decided to alerts: put in order, counted, held back, sent or read by other rules.

use crate::alert::Alert;
use crate::expression::History;
use crate::history::{Moment, Reading};
use crate::language::checked::{Limit, Mode};
use crate::matcher::ReportKind;
use crate::program::Program;

use super::alerts::Making;
use super::limit::Verdict;
use super::{Decided, Decision, Sent, Shard, past};

/// So many alerts that a limit has held back in a row are told of.
const MOST_TOLD: u64 = 10;

/// Whether it tells of a match or a time-out, and not of a bound that was reached.
fn is_alert(kind: ReportKind) -> bool {
    matches!(kind, ReportKind::Match | ReportKind::Timeout)
}

impl Shard {
    /// Puts in order and counts what has been decided at a moment, and adds the alerts that are sent
    /// or read; rules that read them get theirs whether they are sent or not.
    pub(super) fn emit(
        &mut self,
        program: &Program,
        mut decided: Vec<Decided>,
        moment: Moment,
        decisions: &mut Vec<Decision>,
    ) {
        decided.sort_by(|one, other| one.order.cmp(&other.order));
        for decided in decided {
            let rule = decided.rule.0 as usize;
            let is_alert = is_alert(decided.report.kind);
            match is_alert {
                true => self.counters.alerts[rule] += 1,
                false => self.counters.limits[rule] += 1,
            }
            let compiled = &program.compiled()[rule].rule;
            let sends = compiled.mode == Mode::Live || self.sends_shadow;
            let sent = match &compiled.limit {
                _ if !sends => Sent::No,
                Some(limit) if is_alert => self.ask_limit(program, limit, &decided, moment),
                _ => Sent::Yes { suppressed: 0 },
            };
            let read = is_alert && !program.alert_streams(decided.rule).is_empty();
            if sent != Sent::No || read {
                let suppressed = if let Sent::Yes { suppressed } = sent { suppressed } else { 0 };
                let alert = self.build(program, &decided, suppressed, moment);
                let Decided { order, rule, .. } = decided;
                decisions.push(Decision { order, rule, alert, sent, read });
            }
            self.counters.faults[rule] += self.faults.take();
        }
    }

    fn build(&self, program: &Program, decided: &Decided, suppressed: u64, moment: Moment) -> Alert {
        let readings = program.readings(decided.rule);
        let readings = match decided.report.kind {
            ReportKind::Timeout => &readings.timeout,
            _ => &readings.alert,
        };
        let making = self.making(program, decided);
        self.with_past(program, readings, decided, moment, |history| making.alert(suppressed, history))
    }

    /// What an alert is made of.
    fn making<'a>(&'a self, program: &'a Program, decided: &'a Decided) -> Making<'a> {
        Making {
            rule: &program.compiled()[decided.rule.0 as usize].rule,
            program,
            tables: &self.tables,
            key: self.keys.key(decided.slot),
            report: &decided.report,
            faults: &self.faults,
        }
    }

    /// Whether the rule's `limit` lets an alert pass. Of those that it holds back in a row only the first are told of:
    /// they cost as much as those that are sent.
    fn ask_limit(&mut self, program: &Program, limit: &Limit, decided: &Decided, moment: Moment) -> Sent {
        let Decided { rule, slot, report, .. } = decided;
        let making = self.making(program, decided);
        let readings = &program.readings(*rule).limit;
        let group =
            self.with_past(program, readings, decided, moment, |history| making.group(limit, history));
        match self.keys.offer(*slot, *rule, limit, group, report.decided, &mut self.timers) {
            Verdict::Passes { suppressed, forgets } => {
                self.counters.groups_forgotten[rule.0 as usize] += u64::from(forgets);
                Sent::Yes { suppressed }
            }
            Verdict::HeldBack { before } => {
                self.counters.held_back[rule.0 as usize] += 1;
                if before < MOST_TOLD { Sent::Limited { before } } else { Sent::No }
            }
        }
    }

    /// Evaluates something that may look at the past of the key.
    fn with_past<T>(
        &self,
        program: &Program,
        readings: &[Reading],
        decided: &Decided,
        moment: Moment,
        evaluate: impl FnOnce(Option<&dyn History>) -> T,
    ) -> T {
        let key = self.keys.key(decided.slot).values();
        let history = past(program, readings, key, moment, &self.histories);
        evaluate(history.as_ref().map(|history| history as &dyn History))
    }
}
