//! The files in which the service keeps what it sets aside.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, timeout_at};
use tracing::{error, info, warn};

use crate::config::Config;
use crate::quarantine::Settings;
use crate::quarantine::writer::Writer;
use crate::telemetry::Metrics;
use crate::telemetry::catalogue::KeptMetrics;

/// How long the last lines may take to be written, however little time is left to stop.
const LAST_LINES: Duration = Duration::from_secs(2);

/// The writers of the files that the configuration wants.
pub struct Kept {
    /// Of records that are no events.
    pub quarantine: Option<Writer>,
    /// Of events that came too late.
    pub late: Option<Writer>,
    metrics: Arc<Metrics>,
}

impl Kept {
    /// Starts the writers.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn start(config: &Config, metrics: &Arc<Metrics>) -> anyhow::Result<Kept> {
        let start = |settings: &Option<Settings>, metrics: &Arc<KeptMetrics>| {
            let Some(settings) = settings else { return Ok(None) };
            announce(settings, &metrics.name);
            Writer::start(settings.clone(), Arc::clone(metrics)).map(Some)
        };
        let cannot = "cannot start a thread to write files";
        let quarantine = start(&config.quarantine, &metrics.quarantine).context(cannot)?;
        let late = start(&config.late, &metrics.late).context(cannot)?;
        Ok(Kept { quarantine, late, metrics: Arc::clone(metrics) })
    }

    /// Writes what has been handed over, as far as there is time until `deadline`. Nobody may hand over
    /// anything any more.
    pub async fn finish(&self, deadline: Instant) {
        let deadline = deadline.max(Instant::now() + LAST_LINES);
        let all = [(&self.quarantine, &self.metrics.quarantine), (&self.late, &self.metrics.late)];
        for (writer, metrics) in all {
            let Some(writer) = writer else { continue };
            let file = &metrics.name;
            if timeout_at(deadline, writer.finish()).await.is_err() {
                error!(%file, "the file is not written to its end: the time to stop was up");
            }
            let (kept, lost) = (metrics.written.get(), metrics.lost.get());
            if kept + lost > 0 {
                info!(%file, kept, lost, "total");
            }
        }
    }
}

/// The file itself is opened when there is something to write; what can be seen by then is better said
/// at once.
fn announce(settings: &Settings, file: &str) {
    let path = settings.file.display();
    let folder = settings.file.parent().filter(|folder| !folder.as_os_str().is_empty());
    if settings.file.is_dir() {
        warn!(%file, %path, "this is a folder: nothing can be kept there");
    } else if folder.is_some_and(|folder| !folder.is_dir()) {
        warn!(%file, %path, "the folder does not exist: nothing can be kept there until it does");
    } else {
        info!(%file, %path, "what is set aside is kept");
    }
}
