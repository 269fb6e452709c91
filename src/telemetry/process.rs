//! What the system says of our own process.

use super::catalogue::ProcessMetrics;

/// Asks the system. What it does not tell stays as it was.
#[cfg(target_os = "linux")]
pub fn measure(metrics: &ProcessMetrics) {
    use procfs::process::{LimitValue, Process};

    let Ok(own) = Process::myself() else { return };
    if let Ok(stat) = own.stat() {
        let second = procfs::ticks_per_second();
        let time = |ticks: u64| std::time::Duration::from_micros(ticks.saturating_mul(1_000_000) / second);
        metrics.cpu.follow(time(stat.utime + stat.stime));
        metrics.resident.set(stat.rss.saturating_mul(procfs::page_size()));
        metrics.virtual_memory.set(stat.vsize);
        metrics.threads.set(stat.num_threads.unsigned_abs());
        if let Ok(boot) = procfs::boot_time_secs() {
            let started = boot.saturating_mul(1_000_000).saturating_add(micros(time(stat.starttime)));
            metrics
                .started
                .set(crate::event::Timestamp::from_micros(i64::try_from(started).unwrap_or(i64::MAX)));
        }
    }
    if let Ok(files) = own.fd_count() {
        metrics.files.set(files as u64);
    }
    if let Ok(limits) = own.limits()
        && let LimitValue::Value(most) = limits.max_open_files.soft_limit
    {
        metrics.most_files.set(most);
    }
}

#[cfg(target_os = "linux")]
fn micros(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Other systems are not asked.
#[cfg(not(target_os = "linux"))]
pub fn measure(_metrics: &ProcessMetrics) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_system_knows_us() {
        let metrics = ProcessMetrics::new("");
        measure(&metrics);
        assert!(metrics.resident.get() > 1 << 20 && metrics.virtual_memory.get() >= metrics.resident.get());
        assert!(metrics.threads.get() > 0);
        assert!((3..=metrics.most_files.get()).contains(&metrics.files.get()));
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        let age = now.as_secs_f64() - metrics.started.seconds();
        assert!((-2.0..86_400.0).contains(&age), "started {age} s ago");
    }
}
