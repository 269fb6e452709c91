//! The catalogue in the text format of Prometheus.

use std::collections::HashMap;

use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{TEXT_FORMAT, TextEncoder};

use super::catalogue::{Descriptor, Metrics};
use super::metric::{self, Kind, Label, Value};

/// The media type of [`text`].
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All numbers as Prometheus reads them.
pub fn text(metrics: &Metrics) -> String {
    debug_assert!(MEDIA_TYPE.starts_with(TEXT_FORMAT), "the encoder writes another version of the format");
    let mut families = Families::default();
    metrics.visit(&mut |descriptor, labels, value| families.add(descriptor, labels, value));
    let text = TextEncoder::new().encode_to_string(&families.all);
    text.expect("every family has a name and a value, and text can always be written to memory")
}

/// Values gathered by metric, as the format wants those of one metric together.
#[derive(Default)]
struct Families {
    all: Vec<MetricFamily>,
    places: HashMap<&'static str, usize>,
}

impl Families {
    fn add(&mut self, descriptor: &'static Descriptor, labels: &[Label<'_>], value: Value<'_>) {
        let place = *self.places.entry(descriptor.name).or_insert_with(|| {
            self.all.push(family(descriptor));
            self.all.len() - 1
        });
        self.all[place].mut_metric().push(measured(descriptor.kind, labels, value));
    }
}

fn family(descriptor: &Descriptor) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(descriptor.name.to_owned());
    family.set_help(descriptor.help.to_owned());
    family.set_field_type(match descriptor.kind {
        Kind::Counter => MetricType::COUNTER,
        Kind::Gauge => MetricType::GAUGE,
        Kind::Histogram => MetricType::HISTOGRAM,
    });
    family
}

fn measured(kind: Kind, labels: &[Label<'_>], value: Value<'_>) -> Metric {
    let pair = |(name, value): &Label<'_>| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    };
    let mut metric = Metric::from_label(labels.iter().map(pair).collect());
    match (value, kind) {
        (Value::Times(times), _) => metric.set_histogram(histogram(times)),
        (Value::Number(number), Kind::Counter) => {
            let mut counter = Counter::default();
            counter.set_value(number);
            metric.set_counter(counter);
        }
        (Value::Number(number), _) => {
            let mut gauge = Gauge::default();
            gauge.set_value(number);
            metric.set_gauge(gauge);
        }
    }
    metric
}

/// Times in seconds. The number of all is read last: what comes meanwhile may be in it and in no bucket, which looks as if it
/// were longer than every bound; the other way round nobody could read it.
fn histogram(times: &metric::Histogram) -> Histogram {
    let seconds = |micros: u64| micros as f64 / 1e6;
    let mut histogram = Histogram::default();
    histogram.set_sample_sum(seconds(times.sum()));
    let mut buckets = Vec::new();
    for (bound, count) in times.cumulative() {
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(seconds(bound));
        bucket.set_cumulative_count(count);
        buckets.push(bucket);
    }
    histogram.set_bucket(buckets);
    histogram.set_sample_count(times.count());
    histogram
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn lines<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
        text.lines().filter(|line| line.contains(name)).collect()
    }

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let metrics = Metrics::new(["a", "b\"\\\n"], [], []);
        metrics.sources[0].events.add(3);
        metrics.sources[1].rejected.of("syntax").add(2);
        metrics.engine.delay.record(Duration::from_millis(2));
        metrics.engine.delay.record(Duration::from_secs(7_200));
        let text = text(&metrics);
        assert_eq!(
            lines(&text, "tripline_source_events_total"),
            [
                "# HELP tripline_source_events_total Records decoded to events.",
                "# TYPE tripline_source_events_total counter",
                "tripline_source_events_total{source=\"a\"} 3",
                "tripline_source_events_total{source=\"b\\\"\\\\\\n\"} 0",
            ]
        );
        let rejected = lines(&text, "tripline_source_rejected_total");
        assert!(rejected.contains(&"tripline_source_rejected_total{source=\"a\",reason=\"framing\"} 0"));
        assert!(
            rejected.contains(&"tripline_source_rejected_total{source=\"b\\\"\\\\\\n\",reason=\"syntax\"} 2")
        );
        let delay = lines(&text, "tripline_engine_detection_delay_seconds");
        assert_eq!(delay[1], "# TYPE tripline_engine_detection_delay_seconds histogram");
        assert!(delay.contains(&"tripline_engine_detection_delay_seconds_bucket{le=\"0.001\"} 0"));
        assert!(delay.contains(&"tripline_engine_detection_delay_seconds_bucket{le=\"0.0025\"} 1"));
        assert!(delay.contains(&"tripline_engine_detection_delay_seconds_bucket{le=\"1800\"} 1"));
        assert_eq!(
            delay[delay.len() - 3..],
            [
                "tripline_engine_detection_delay_seconds_bucket{le=\"+Inf\"} 2",
                "tripline_engine_detection_delay_seconds_sum 7200.002",
                "tripline_engine_detection_delay_seconds_count 2",
            ]
        );
    }

    #[test]
    fn the_values_of_a_metric_stand_together() {
        let text = text(&Metrics::new(["a", "b"], ["r", "s"], ["x", "y"]).with_state());
        let (mut families, mut current) = (std::collections::BTreeSet::new(), "");
        for line in text.lines() {
            if let Some(family) = line.strip_prefix("# TYPE ") {
                current = family.split(' ').next().expect("a name");
                assert!(families.insert(current), "{current} comes in several places");
            } else if !line.starts_with('#') {
                assert!(line.starts_with(current), "{line} stands with {current}");
            }
        }
        assert!(families.len() > 50);
    }
}
