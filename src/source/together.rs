//! Opens all partitions that are there from the start before the first is read.
//!
//! What is read of one partition moves event time while the others are unknown, and what they have to
//! say would be late. So those that begin together begin in order, which gives them the same numbers each
//! time, and read only when all have begun.

use std::convert::Infallible;

use crate::watch;
use tokio::sync::{mpsc, oneshot};

/// The place of one among those that begin together. Who drops it has begun, or never will.
#[derive(Debug)]
pub struct Turn {
    /// Ends when the one before has begun; `None` when that is known.
    before: Option<oneshot::Receiver<Infallible>>,
    begun: (oneshot::Sender<Infallible>, mpsc::Sender<Infallible>),
    go: watch::Receiver<bool>,
}

/// Those that begin together.
#[derive(Debug)]
pub struct Together {
    /// Ends when all have begun.
    begun: mpsc::Receiver<Infallible>,
    go: watch::Sender<bool>,
}

/// The places of so many, in their order.
pub fn together(count: usize) -> (Vec<Turn>, Together) {
    let (sender, begun) = mpsc::channel(1);
    let (go, going) = watch::channel(false);
    let mut before = None;
    let turns = (0..count).map(|_| {
        let (this, next) = oneshot::channel();
        let before = before.replace(next);
        Turn { before, begun: (this, sender.clone()), go: going.clone() }
    });
    (turns.collect(), Together { begun, go })
}

impl Turn {
    /// Waits until those before have begun.
    pub async fn come(&mut self) {
        if let Some(before) = self.before.take() {
            // Nothing is ever said: it ends.
            let _ = before.await;
        }
    }

    /// This one has begun, or has nothing to begin with: waits until all have.
    pub async fn wait(mut self) {
        self.come().await;
        let Turn { begun, mut go, .. } = self;
        drop(begun);
        // When nobody is there to say it, nobody waits for what follows either.
        let _ = go.wait_for(|go| *go).await;
    }
}

#[cfg(test)]
impl Turn {
    /// That of one which begins alone.
    pub fn alone() -> Turn {
        let (mut turns, _) = together(1);
        turns.remove(0)
    }
}

impl Together {
    /// Waits until all have begun.
    pub async fn begun(&mut self) {
        let _ = self.begun.recv().await;
    }

    /// Lets them go on.
    pub fn go(self) {
        self.go.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpStream;
    use tokio::task::JoinSet;

    use super::*;
    use crate::source::file::{Following, Once, Paths, Start};
    use crate::source::tests::Bench;
    use crate::source::{Input, Source, tcp};

    #[tokio::test]
    async fn all_begin_in_order_before_one_goes_on() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        let (turns, mut together) = together(4);
        // Whoever comes first waits for those before.
        for (item, mut turn) in turns.into_iter().enumerate().rev() {
            let seen = Arc::clone(&seen);
            let say = move |what| seen.lock().expect("no panic").push((what, item));
            tasks.spawn(async move {
                match item {
                    // It never begins.
                    1 => {
                        turn.come().await;
                        return;
                    }
                    // It has nothing to begin with.
                    2 => {}
                    _ => {
                        turn.come().await;
                        tokio::task::yield_now().await;
                        say("begins");
                    }
                }
                turn.wait().await;
                say("goes on");
            });
        }
        together.begun().await;
        assert_eq!(*seen.lock().expect("no panic"), [("begins", 0), ("begins", 3)]);
        together.go();
        tasks.join_all().await;
        let mut seen = seen.lock().expect("no panic").split_off(2);
        seen.sort_unstable();
        assert_eq!(seen, [("goes on", 0), ("goes on", 2), ("goes on", 3)]);
    }

    /// A client had sent its records before the service began, and the source of files that was to begin
    /// first is the last to be started.
    #[tokio::test]
    async fn nothing_is_read_before_the_files_of_all_sources_have_begun() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["once_a", "once_b", "follow_c", "follow_d"] {
            fs::write(folder.path().join(name), "{\"id\":1}\n").expect("a file");
        }
        let paths = |pattern| Paths::new(pattern, folder.path()).expect("a pattern");
        let once = Once::open(paths("once_*"), 10, Vec::new()).await.expect("there are files");
        let following = Following::new(paths("follow_*"), Start::Beginning, Duration::from_secs(1), 10);
        let settings = tcp::Settings {
            listen: "127.0.0.1:0".into(),
            max_connections: 10,
            read_timeout: None,
            tls: None,
            ack: false,
        };
        let server = tcp::Server::bind(&settings).await.expect("an address");
        let mut client = TcpStream::connect(server.address().expect("it has one")).await.expect("it listens");
        client.write_all(b"{\"id\":2}\n").await.expect("it is connected");

        let mut bench = Bench::new(1);
        let (turns, mut together) = together(3);
        let sources: [Box<dyn Source>; 3] = [Box::new(once), Box::new(following), Box::new(server)];
        let mut tasks = JoinSet::new();
        for (source, turn) in sources.into_iter().zip(turns).rev() {
            tasks.spawn(source.run(vec![bench.inlet()], turn));
        }
        tasks.spawn(async move {
            together.begun().await;
            together.go();
        });
        let (mut begun, mut events) = (Vec::new(), 0);
        while events < 5 {
            match bench.queue.recv().await.expect("the bench has a sender").input {
                Input::Opened { origin, .. } => begun.push(origin.kind.to_string()),
                Input::Events { .. } => {
                    assert!(begun.len() >= 4, "an event comes after {begun:?}");
                    events += 1;
                }
                _ => {}
            }
        }
        let name = |kind: &String| kind.rsplit('/').next().map(str::to_owned);
        let files: Vec<String> = begun[..4].iter().filter_map(name).collect();
        assert_eq!(files, ["once_a", "once_b", "follow_c", "follow_d"]);
        drop(client);
        bench.stop();
        tasks.join_all().await;
    }

    #[tokio::test]
    async fn nobody_waits_when_nobody_is_there_to_let_them_go() {
        Turn::alone().wait().await;
    }
}
