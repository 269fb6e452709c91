//! The metrics as they are when somebody wants to know them.

use crate::telemetry::{exposition, log, process};

use super::Control;

impl Control {
    /// All metrics in the text format of Prometheus. What nobody counts as it happens is looked up: asks the system, and
    /// may wait for it.
    pub fn scrape(&self) -> String {
        let service = &self.metrics.service;
        let reasons = self.health.reasons();
        service.ready.set(u64::from(reasons.is_empty()));
        service.trouble.set(|part| reasons.iter().any(|trouble| trouble.part == part));
        log::measure(service);
        process::measure(&self.metrics.process);
        exposition::text(&self.metrics)
    }
}
