//! Runs shards on threads of their own.
//!
//! Enters: tasks and visits, from the engine's thread. Leaves: outcomes, of each shard in order. One
//! thread has the shards of one number of all strata, and with them all that rules hold for its
//! groups of keys; nothing is shared and nothing is locked while it works. How many tasks are under
//! way is bounded by the engine, which waits for the oldest round.
//!
//! The threads can be asked for [`Help`] with what is no matter of a shard, as decoding: there need not
//! be more threads than shards.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use tokio::sync::Notify;

use crate::engine::{
    Engine, EngineOptions, Executor, Outcome, Place, RestoreError, Restored, Restoring, Task, Visit,
};
use crate::program::Program;
use crate::shard::Shard;

/// How many shards there are unless someone says otherwise: one for each core.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(EngineOptions::MAX_SHARDS)
}

/// An engine whose shards run on threads of their own, which tell `news` of what they have done. A
/// single shard runs where the engine is: a thread more would only cost.
///
/// # Errors
/// When a thread cannot be started.
pub fn engine(program: Arc<Program>, options: EngineOptions, news: &Arc<Notify>) -> io::Result<Engine> {
    engine_and_helpers(program, options, news).map(|(engine, _)| engine)
}

/// The same with the means to ask the threads for help, if there are some.
///
/// # Errors
/// When a thread cannot be started.
pub fn engine_and_helpers(
    program: Arc<Program>,
    options: EngineOptions,
    news: &Arc<Notify>,
) -> io::Result<(Engine, Option<Helpers>)> {
    if options.shards == 1 {
        return Ok((Engine::new(program, options), None));
    }
    let mut helpers = None;
    let engine = Engine::with_executor(program, options, |shards| {
        let workers = Workers::start(shards, news)?;
        helpers = Some(Helpers { jobs: workers.jobs.clone() });
        Ok::<_, io::Error>(Box::new(workers) as Box<dyn Executor>)
    })?;
    Ok((engine, helpers))
}

/// An engine that goes on from a state, in the same way.
///
/// # Errors
/// When rows of the state are missing; or, inside, when a thread cannot be started.
pub fn restored(restoring: Restoring, news: &Arc<Notify>) -> Result<io::Result<Restored>, RestoreError> {
    if restoring.shards() == 1 {
        return restoring.finish().map(Ok);
    }
    restoring.finish_with(|shards| Ok(Box::new(Workers::start(shards, news)?) as Box<dyn Executor>))
}

/// The threads of an engine's shards, to be asked for help. They end when this and the engine are gone.
#[derive(Clone)]
pub struct Helpers {
    jobs: Vec<Sender<Job>>,
}

/// What each thread that is asked for help calls: the first is to do something, and the others find it
/// done. It may not panic: what a shard does would be lost with it.
pub type Help = Arc<dyn Fn() + Send + Sync>;

impl Helpers {
    /// How many threads there are.
    pub fn count(&self) -> usize {
        self.jobs.len()
    }

    /// Asks for help. The threads come to it in the order in which they were asked, among their tasks. If
    /// all have failed, `help` is dropped.
    pub fn ask(&self, help: &Help) {
        for jobs in &self.jobs {
            let _ = jobs.send(Job::Help(Arc::clone(help)));
        }
    }
}

/// The threads.
struct Workers {
    jobs: Vec<Sender<Job>>,
    outcomes: Receiver<Done>,
    /// How many outcomes are still to come.
    under_way: usize,
}

/// What a thread is to do.
enum Job {
    Task(Task),
    Visit(Visit, Sender<()>),
    Help(Help),
}

/// What came of a task: its outcome, or what the shard said when it failed.
type Done = Result<Outcome, String>;

impl Workers {
    /// Starts a thread for each number of shard. `shards` is by stratum. `news` is notified of each
    /// outcome.
    ///
    /// # Errors
    /// When a thread cannot be started.
    fn start(shards: Vec<Vec<Shard>>, news: &Arc<Notify>) -> io::Result<Workers> {
        let (done, outcomes) = channel();
        let mut jobs = Vec::new();
        for (number, own) in by_number(shards).into_iter().enumerate() {
            let (sender, receiver) = channel();
            jobs.push(sender);
            let worker = Worker { number, shards: own, done: done.clone(), news: Arc::clone(news) };
            thread::Builder::new().name(format!("shard-{number}")).spawn(move || worker.run(&receiver))?;
        }
        Ok(Workers { jobs, outcomes, under_way: 0 })
    }
}

/// The shards of one number, whose stratum is their place in the list.
fn by_number(shards: Vec<Vec<Shard>>) -> Vec<Vec<Shard>> {
    let mut by_number: Vec<Vec<Shard>> = Vec::new();
    for of_stratum in shards {
        by_number.resize_with(of_stratum.len(), Vec::new);
        by_number.iter_mut().zip(of_stratum).for_each(|(own, shard)| own.push(shard));
    }
    by_number
}

impl Executor for Workers {
    fn submit(&mut self, task: Task) {
        self.under_way += 1;
        // A thread that has gone has said why, which shows when outcomes are taken.
        let _ = self.jobs[task.place.shard].send(Job::Task(task));
    }

    /// # Panics
    /// When a shard has failed: nothing can be said of its keys any more.
    fn outcome(&mut self, wait: bool) -> Option<Outcome> {
        if self.under_way == 0 {
            return None;
        }
        let done = match wait {
            true => self.outcomes.recv().ok(),
            false => self.outcomes.try_recv().ok(),
        };
        match done? {
            Ok(outcome) => {
                self.under_way -= 1;
                Some(outcome)
            }
            Err(why) => panic!("{why}"),
        }
    }

    /// # Panics
    /// When a shard has failed.
    fn visit(&mut self, visit: Visit) {
        let (done, waiting) = channel();
        for jobs in &self.jobs {
            let _ = jobs.send(Job::Visit(Arc::clone(&visit), done.clone()));
        }
        drop(done);
        let visited = waiting.iter().count();
        assert_eq!(visited, self.jobs.len(), "a shard has failed");
    }
}

/// A thread with its shards.
struct Worker {
    number: usize,
    /// By stratum.
    shards: Vec<Shard>,
    done: Sender<Done>,
    news: Arc<Notify>,
}

impl Worker {
    /// Works until there will be no more jobs.
    fn run(mut self, jobs: &Receiver<Job>) {
        for job in jobs {
            // The shards are not looked at again after a failure.
            let worked = catch_unwind(AssertUnwindSafe(|| self.work(job)));
            if let Err(why) = worked {
                let _ = self.done.send(Err(format!("shard {} has failed: {}", self.number, text(&*why))));
                self.news.notify_one();
                return;
            }
        }
    }

    fn work(&mut self, job: Job) {
        match job {
            Job::Task(Task { place, work }) => {
                let outcome = Outcome::of(&mut self.shards[place.stratum], place, work);
                // The engine may be gone, when the service stops at once.
                let _ = self.done.send(Ok(outcome));
                self.news.notify_one();
            }
            Job::Visit(visit, visited) => {
                for (stratum, shard) in self.shards.iter_mut().enumerate() {
                    visit(Place { stratum, shard: self.number }, shard);
                }
                let _ = visited.send(());
            }
            Job::Help(help) => help(),
        }
    }
}

pub(super) fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("for no known reason")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::TryRecvError;

    use super::*;

    #[test]
    fn help_that_nobody_can_give_is_dropped_so_that_nobody_waits_for_it() {
        let (jobs, thread) = channel();
        let helpers = Helpers { jobs: vec![jobs] };
        let (held, waiting) = channel::<()>();
        let help: Help = Arc::new(move || drop(held.clone()));
        helpers.ask(&help);
        drop(help);
        assert!(waiting.try_recv().is_err_and(|error| error == TryRecvError::Empty));
        // As when the thread of a shard has failed with jobs left.
        drop(thread);
        assert!(waiting.try_recv().is_err_and(|error| error == TryRecvError::Disconnected));
    }
}
