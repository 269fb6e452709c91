//! Events from standard input, one JSON object a line.

use tracing::{error, info};

use super::{Context, Identity, Surroundings, partition};

/// Reads standard input to its end, or until the service stops.
pub async fn run(identity: Identity, around: Surroundings) {
    let context = Context::new(identity, around);
    let name = &context.identity.name;
    let Some(partition) = context.around.numbers.next(context.identity.stream) else {
        error!(source = %name, "the stream has no partition numbers left");
        return;
    };
    info!(source = %name, stream = %context.identity.schema.name, partition = partition.0, "reading standard input");
    partition::read(tokio::io::stdin(), partition, &context).await;
    info!(source = %name, "standard input has ended");
}
