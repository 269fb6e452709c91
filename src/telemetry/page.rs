//! The reference page of metrics, made from the catalogue.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use super::Metrics;
use super::catalogue::{ApiMetrics, Descriptor, GROUPS, Group};
use super::metric::{Kind, Label};

const HEAD: &str = "\
# Metrics

<!-- Made from src/telemetry/catalogue/ by `UPDATE_DOCS=1 cargo test metrics_page`. Do not edit. -->

With [`[api]`](configuration.md#api) the service tells its metrics at `/metrics`, in the text format of Prometheus:

```yaml
scrape_configs:
  - job_name: tripline
    static_configs:
      - targets: [\"127.0.0.1:7070\"]
```

- Names and units follow the conventions of Prometheus: seconds and bytes, and `_total` for what only grows. What grows begins at 0 with
  each start of the service.
- Everything is there from the start, at 0: a reason that has not occurred yet, a sink that has not been used. What the
  configuration does not have (no Kafka source, no `[state]`) has no metrics.
- Labels are names of the configuration and of rules, and the words given here; never a key or anything else that comes with events.
  There are about ten numbers for each rule, source and sink.
- A histogram has `_bucket` with the label `le`, `_sum` and `_count`.
- [`dashboards/`](../dashboards/README.md) has dashboards for Grafana and alerting rules, made of these.
";

/// The page. `docs/metrics.md` is this text; a test compares them.
fn page() -> String {
    let labels = labels();
    let mut page = String::from(HEAD);
    for Group { title, about, metrics } in GROUPS {
        let _ = write!(page, "\n## {title}\n\n{}\n\n", about.trim());
        page.push_str("| metric | kind | unit | labels | meaning |\n|---|---|---|---|---|\n");
        for Descriptor { name, kind, unit, help } in *metrics {
            let labels = labels.get(name).map(|labels| shown(labels)).unwrap_or_default();
            let _ = writeln!(page, "| `{name}` | {} | {unit} | {labels} | {help} |", kind.name());
        }
    }
    page
}

/// The labels of a metric, in their order, with their values; [`ANY`] is among these where not all are known beforehand.
type Labels = Vec<(String, Vec<String>)>;

/// The name of everything that has a name of its own.
const ANY: &str = "any";

/// The labels of each metric, as they are given of a service that has one of everything.
fn labels() -> BTreeMap<&'static str, Labels> {
    let mut found: BTreeMap<&'static str, Labels> = BTreeMap::new();
    let metrics = Metrics::new([ANY], [ANY], [ANY])
        .with_streams([ANY])
        .with_http([ANY])
        .with_kafka([ANY])
        .with_registries([ANY])
        .with_tables([ANY])
        .with_api(Arc::new(ApiMetrics::of([(ANY, ANY)])))
        .with_state();
    metrics.rules.iter().for_each(|rule| rule.info.set([("severity", ANY), ("mode", ANY)]));
    metrics.visit(&mut |descriptor, labels: &[Label<'_>], _| {
        let all = found.entry(descriptor.name).or_default();
        for (name, value) in labels {
            let place = all.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
                all.push(((*name).to_owned(), Vec::new()));
                all.len() - 1
            });
            let values = &mut all[place].1;
            let value: &str = if *value == env!("CARGO_PKG_VERSION") { ANY } else { value };
            if !values.iter().any(|known| known == value) {
                values.push(value.to_owned());
            }
        }
    });
    found
}

fn shown(labels: &[(String, Vec<String>)]) -> String {
    let label = |(name, values): &(String, Vec<String>)| {
        if values.iter().any(|value| value == ANY) {
            return format!("`{name}`");
        }
        let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
        format!("`{name}`: {}", values.join(" "))
    };
    labels.iter().map(label).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn metrics_page_is_up_to_date() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, page()).expect("the page can be written");
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == page(),
            "docs/metrics.md is stale: `UPDATE_DOCS=1 cargo test metrics_page` rewrites it"
        );
    }

    #[test]
    fn every_metric_of_the_page_is_given_by_a_service_that_has_everything() {
        let given = labels();
        for metric in GROUPS.iter().flat_map(|group| group.metrics) {
            assert!(given.contains_key(metric.name), "{}", metric.name);
            assert!(
                metric.kind != Kind::Histogram || !given[metric.name].iter().any(|(name, _)| name == "le")
            );
        }
    }
}
