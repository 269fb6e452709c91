//! Looks at partial matches, and how much of the engine's time they may take.
//!
//! A key that is asked for as a whole is found at once. To look at all keys takes time by how many there are, on the engine's
//! thread, which matches nothing meanwhile. So whoever asks for that waits for their turn: one look comes after the other, and
//! after each the engine is left alone for so much longer than it took that all of them together take a twentieth of its time,
//! however many ask and however often. Whoever waits for what somebody else waits for, too, is given the same answer.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use super::view::StateView;
use super::{Control, ControlError, MOST_SHOWN, Request};
use crate::diagnostic::did_you_mean;
use crate::engine::{Found, Look, NearMiss};
use crate::event::Timestamp;
use crate::program::Program;
use crate::runtime::engines::Engines;

/// The engine is left alone so many times as long as it was looked at.
const REST: u32 = 19;
/// But not longer than this: whoever asks for a page does not wait much longer.
const LONGEST_REST: Duration = Duration::from_secs(20);
/// So many of the last answers of a kind are kept for those who wait for the same.
const KEPT: usize = 4;

/// What may be asked of partial matches.
pub trait Question: Clone + fmt::Debug + PartialEq + Send + 'static {
    /// What is answered.
    type Answer: Clone + fmt::Debug + Send + 'static;

    /// Where to look for that.
    ///
    /// # Errors
    /// When there is no such rule.
    fn look(&self, program: &Program) -> Result<Look, ControlError>;

    /// Whether it is about keys that it names, so that perhaps not all have to be looked at.
    fn names_keys(&self) -> bool;

    /// What is answered when that was found, when all times before `decided` had passed.
    fn answer(program: &Program, decided: Timestamp, found: Found) -> Self::Answer;

    /// The request that asks it.
    fn request(request: LookRequest<Self>) -> Request;

    /// The last answers to such questions.
    fn last(turn: &mut Turn) -> &mut Last<Self>;
}

/// Partial matches to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateQuery {
    /// Of this rule; of all if none.
    pub rule: Option<String>,
    /// For keys that have these values: each a value, or `name=value`.
    pub key: Vec<String>,
    /// How many to show, [`MOST_SHOWN`] at most.
    pub limit: usize,
}

impl Question for StateQuery {
    type Answer = StateView;

    fn look(&self, program: &Program) -> Result<Look, ControlError> {
        let rule = self.rule.as_deref();
        let look = Look::new(program, rule, &self.key, self.limit.min(MOST_SHOWN));
        look.ok_or_else(|| no_rule(program, rule.unwrap_or_default()))
    }

    fn names_keys(&self) -> bool {
        !self.key.is_empty()
    }

    fn answer(program: &Program, decided: Timestamp, found: Found) -> StateView {
        StateView::new(program, decided, found)
    }

    fn request(request: LookRequest<StateQuery>) -> Request {
        Request::State(request)
    }

    fn last(turn: &mut Turn) -> &mut Last<StateQuery> {
        &mut turn.states
    }
}

/// Where the partial matches of the rule of this name stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingQuery(pub String);

/// Where the partial matches of a rule stand.
#[derive(Clone, Debug)]
pub struct Standing {
    /// How many keys have some.
    pub keys: u64,
    /// How many there are.
    pub runs: u64,
    /// How many stand in each state.
    pub states: Vec<u64>,
    /// How many keys have not been looked at.
    pub keys_not_read: u64,
    /// The last of them that ran out of time when one event was lacking, the last ones first.
    pub near_misses: Vec<NearMiss>,
}

impl Question for StandingQuery {
    type Answer = Standing;

    fn look(&self, program: &Program) -> Result<Look, ControlError> {
        Look::at_states(program, &self.0).ok_or_else(|| no_rule(program, &self.0))
    }

    fn names_keys(&self) -> bool {
        false
    }

    fn answer(_: &Program, _: Timestamp, found: Found) -> Standing {
        let (keys, runs) = found.counts.iter().fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
        Standing {
            keys,
            runs,
            states: found.states,
            keys_not_read: found.not_read,
            near_misses: found.misses,
        }
    }

    fn request(request: LookRequest<StandingQuery>) -> Request {
        Request::Standing(request)
    }

    fn last(turn: &mut Turn) -> &mut Last<StandingQuery> {
        &mut turn.standings
    }
}

fn no_rule(program: &Program, name: &str) -> ControlError {
    let names = program.rules().iter().map(|rule| &*rule.name);
    ControlError::NoRule(format!("there is no rule `{name}`{}", did_you_mean(name, names)))
}

/// A request for a look.
#[derive(Debug)]
pub struct LookRequest<Q: Question> {
    question: Q,
    /// Whether all keys may be looked at.
    has_turn: bool,
    /// Nothing if all keys would have to be looked at and may not be.
    reply: oneshot::Sender<Result<Option<Looked<Q::Answer>>, ControlError>>,
}

/// What was found.
#[derive(Debug)]
struct Looked<A> {
    answer: A,
    /// So long the engine did nothing else.
    took: Duration,
}

impl<Q: Question> LookRequest<Q> {
    /// Answers it, on the thread of the engines.
    pub fn answer(self, engines: &mut Engines) {
        // Who has gone needs no answer.
        if self.reply.is_closed() {
            return;
        }
        let looked = self.question.look(engines.program()).map(|look| {
            (self.has_turn || !look.is_at_all_keys()).then(|| {
                let begun = std::time::Instant::now();
                let (decided, found) = engines.look(&look);
                let answer = Q::answer(engines.program(), decided, found);
                Looked { answer, took: begun.elapsed() }
            })
        });
        let _ = self.reply.send(looked);
    }
}

/// Who looks at all keys has it.
#[derive(Debug, Default)]
pub struct Turn {
    /// Before this the engine is left alone.
    rest: Option<Instant>,
    states: Last<StateQuery>,
    standings: Last<StandingQuery>,
}

/// The last answers: what was asked, when it was begun to look, and what was found.
pub type Last<Q> = VecDeque<(Q, Instant, <Q as Question>::Answer)>;

impl Turn {
    /// What somebody else was answered to the same question since then.
    fn answered<Q: Question>(&mut self, question: &Q, since: Instant) -> Option<Q::Answer> {
        let mut last = Q::last(self).iter();
        let same = last.find(|(asked, begun, _)| asked == question && *begun >= since)?;
        Some(same.2.clone())
    }

    fn keep<Q: Question>(&mut self, question: Q, begun: Instant, looked: &Looked<Q::Answer>) {
        self.rest = Some(Instant::now() + (looked.took * REST).min(LONGEST_REST));
        let last = Q::last(self);
        last.truncate(KEPT - 1);
        last.push_front((question, begun, looked.answer.clone()));
    }
}

impl Control {
    /// Looks at partial matches. Whoever asks for all keys waits for their turn.
    ///
    /// # Errors
    /// When there is no such rule, too much is asked, or the service stops.
    pub async fn look<Q: Question>(&self, question: Q) -> Result<Q::Answer, ControlError> {
        if question.names_keys()
            && let Some(looked) = self.ask_to_look(question.clone(), false).await?
        {
            return Ok(looked.answer);
        }
        let asked = Instant::now();
        let mut turn = Arc::clone(&self.turn).lock_owned().await;
        if let Some(answer) = turn.answered(&question, asked) {
            return Ok(answer);
        }
        if let Some(rest) = turn.rest {
            sleep_until(rest).await;
        }
        let control = self.clone();
        // It has its turn until it is done, whether whoever asked has gone or not.
        let looking = tokio::spawn(async move {
            let begun = Instant::now();
            let looked = control.ask_to_look(question.clone(), true).await?.ok_or(ControlError::Gone)?;
            turn.keep(question, begun, &looked);
            Ok(looked.answer)
        });
        looking.await.unwrap_or(Err(ControlError::Gone))
    }

    async fn ask_to_look<Q: Question>(
        &self,
        question: Q,
        has_turn: bool,
    ) -> Result<Option<Looked<Q::Answer>>, ControlError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Q::request(LookRequest { question, has_turn, reply }))?;
        answer.await.unwrap_or(Err(ControlError::Gone))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::runtime::control::Requests;
    use crate::runtime::control::tests::control;

    const LONG: Duration = Duration::from_secs(1);

    /// A way to ask an engine that looks for [`LONG`] at all keys of a rule, and is asked for a key as a whole otherwise; and
    /// how often it has looked.
    fn asked() -> (Control, Arc<AtomicUsize>) {
        let (control, requests) = control(None);
        let looks = Arc::new(AtomicUsize::new(0));
        tokio::spawn(answer(requests, Arc::clone(&looks)));
        (control, looks)
    }

    async fn answer(mut requests: Requests, looks: Arc<AtomicUsize>) {
        loop {
            match requests.next().await {
                Request::Standing(LookRequest { has_turn, reply, .. }) => {
                    let mut looked = None;
                    if has_turn {
                        sleep(LONG).await;
                        let runs = looks.fetch_add(1, Ordering::Relaxed) as u64;
                        let standing = Standing {
                            keys: 0,
                            runs,
                            states: Vec::new(),
                            keys_not_read: 0,
                            near_misses: Vec::new(),
                        };
                        looked = Some(Looked { answer: standing, took: LONG });
                    }
                    let _ = reply.send(Ok(looked));
                }
                Request::State(LookRequest { reply, .. }) => {
                    let program = Program::compile(&crate::diagnostic::Sources::new([("a.trip", "")])).0;
                    let program = program.expect("there is nothing wrong");
                    let answer = StateView::new(&program, Timestamp::default(), Found::default());
                    let _ = reply.send(Ok(Some(Looked { answer, took: Duration::ZERO })));
                }
                other => panic!("nobody asks for {other:?}"),
            }
        }
    }

    fn rule(name: &str) -> StandingQuery {
        StandingQuery(name.to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn the_engine_is_left_alone_between_looks_at_all_keys_but_a_key_is_found_at_once() {
        let (control, looks) = asked();
        let begun = Instant::now();
        for done in [1, 21, 41] {
            control.look(rule("testing")).await.expect("it is answered");
            assert_eq!(begun.elapsed().as_secs(), done);
        }
        control.look(StateQuery { key: vec!["c1".into()], ..StateQuery::default() }).await.expect("a view");
        assert_eq!((begun.elapsed().as_secs(), looks.load(Ordering::Relaxed)), (41, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_the_same_is_given_the_same_answer() {
        let (control, looks) = asked();
        let begun = Instant::now();
        let ask = |name: &'static str| {
            let control = &control;
            async move { control.look(rule(name)).await.expect("it is answered").runs }
        };
        let all = join_all((0..100).map(|index| ask(if index % 2 == 0 { "testing" } else { "mules" }))).await;
        assert!(all.chunks(2).all(|answers| *answers == all[..2]) && all[0] != all[1], "{all:?}");
        assert_eq!(looks.load(Ordering::Relaxed), 2);
        assert_eq!(begun.elapsed().as_secs(), 21);
        assert_eq!(ask("testing").await, 2, "an answer of before they asked is given to nobody");
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_counts_when_whoever_asked_has_gone() {
        let (control, looks) = asked();
        let begun = Instant::now();
        let gone = timeout(LONG / 2, control.look(rule("testing"))).await;
        assert!(gone.is_err(), "they did not wait: {gone:?}");
        control.look(rule("testing")).await.expect("it is answered");
        assert_eq!((begun.elapsed().as_secs(), looks.load(Ordering::Relaxed)), (21, 2));
    }
}
