//! Events from standard input.

use tracing::info;

use super::partition::Feed;
use super::positions::Kind;
use super::pour;
use super::together::Turn;
use super::{Inlet, Running, Source, announce, only};

/// Standard input.
#[derive(Debug)]
pub struct Stdin;

impl Source for Stdin {
    fn announce(&self, inlets: &[Inlet]) {
        announce(inlets, "reading", &"standard input");
    }

    fn run(self: Box<Self>, inlets: Vec<Inlet>, mut turn: Turn) -> Running {
        let inlet = only(inlets);
        Box::pin(async move {
            turn.come().await;
            let Some(feed) = Feed::begin(&inlet, Kind::Source).await else { return };
            turn.wait().await;
            pour::read(inlet.open(tokio::io::stdin(), None), feed).await;
            info!(source = %inlet.identity.name, "standard input has ended");
        })
    }
}
