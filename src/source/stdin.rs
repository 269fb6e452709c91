//! Events from standard input.

use tracing::info;

use super::partition::Feed;
use super::positions::Kind;
use super::pour;
use super::{Inlet, Running, Source, announce, only};

/// Standard input.
#[derive(Debug)]
pub struct Stdin;

impl Source for Stdin {
    fn announce(&self, inlets: &[Inlet]) {
        announce(inlets, "reading", &"standard input");
    }

    fn run(self: Box<Self>, inlets: Vec<Inlet>) -> Running {
        let inlet = only(inlets);
        Box::pin(async move {
            let Some(feed) = Feed::begin(&inlet, Kind::Source).await else { return };
            pour::read(inlet.open(tokio::io::stdin(), None), feed).await;
            info!(source = %inlet.identity.name, "standard input has ended");
        })
    }
}
