//! Which records of a quarantine file are meant.

use crate::event::Timestamp;

use super::record::Record;

/// Chooses records; what is empty chooses all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of these sources.
    pub sources: Vec<String>,
    /// Meant for these streams.
    pub streams: Vec<String>,
    /// With these reasons.
    pub reasons: Vec<String>,
    /// Rejected at this time or later.
    pub since: Option<Timestamp>,
}

impl Filter {
    /// Whether a record is meant.
    pub fn takes(&self, record: &Record) -> bool {
        let one_of = |names: &[String], name: &str| names.is_empty() || names.iter().any(|one| one == name);
        one_of(&self.sources, &record.source)
            && one_of(&self.streams, &record.stream)
            && one_of(&self.reasons, &record.reason)
            && self.since.is_none_or(|since| record.time >= since)
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::record;
    use super::*;

    #[test]
    fn a_record_must_fit_all_that_is_asked_for() {
        let record = record(b"");
        let since = |text: &str| Timestamp::parse(text);
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        let filter = |sources, reasons, since| Filter {
            sources: names(sources),
            streams: Vec::new(),
            reasons: names(reasons),
            since,
        };
        assert!(Filter::default().takes(&record));
        assert!(filter(&["x", "cards"], &["syntax"], since("2026-03-01T08:00:00.5Z")).takes(&record));
        assert!(Filter { streams: names(&["card_auths"]), ..Filter::default() }.takes(&record));
        assert!(!Filter { streams: names(&["cards"]), ..Filter::default() }.takes(&record));
        assert!(!filter(&["x"], &["syntax"], None).takes(&record));
        assert!(!filter(&["cards"], &["oversized"], None).takes(&record));
        assert!(!filter(&[], &[], since("2026-03-01T08:00:01Z")).takes(&record));
    }
}
