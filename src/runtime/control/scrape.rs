//! The metrics as they are when somebody wants to know them.

use nix::sys::statvfs::statvfs;

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
        self.measure_disk();
        exposition::text(&self.metrics)
    }

    /// How much room there is for the state. What the system does not tell stays as it was.
    fn measure_disk(&self) {
        let (Some(checkpoints), Some(folder)) = (&self.metrics.checkpoints, &self.state) else { return };
        if let Ok(disk) = statvfs(&**folder) {
            // Of these, what others than root may use.
            checkpoints.disk_free.set(disk.blocks_available().saturating_mul(disk.fragment_size()));
            checkpoints.disk_size.set(disk.blocks().saturating_mul(disk.fragment_size()));
        }
    }
}
