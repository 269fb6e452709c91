//! Begins the partitions of a source in order, and ends with them.

use tokio::task::JoinSet;

use crate::source::together::{Turn, together};

/// Starts a task for each item, which begins when its turn comes and goes on after [`Turn::wait`]: when all
/// have begun, and all others that begin with the source at `turn`.
pub async fn begin_together<I, T, F>(
    items: impl IntoIterator<Item = I, IntoIter: ExactSizeIterator>,
    turn: Option<Turn>,
    tasks: &mut JoinSet<()>,
    mut task: T,
) where
    T: FnMut(I, Turn) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let items = items.into_iter();
    let (turns, mut together) = together(items.len());
    for (item, turn) in items.zip(turns) {
        tasks.spawn(task(item, turn));
    }
    together.begun().await;
    if let Some(turn) = turn {
        turn.wait().await;
    }
    together.go();
}

/// Waits until all have ended.
///
/// # Panics
/// When one of them has.
pub async fn join(mut tasks: JoinSet<()>) {
    while let Some(done) = tasks.join_next().await {
        // Nobody cancels them but the end of the runtime.
        if let Err(failure) = done
            && failure.is_panic()
        {
            std::panic::resume_unwind(failure.into_panic());
        }
    }
}
