//! What a running service tells Prometheus.

use std::collections::BTreeSet;
use std::io::Write;

use crate::harness::{Folder, RULES, Service, TCP, event};
use crate::receiver::Receiver;
use crate::scrape::Scrape;

fn config(state: &Folder, sinks: &str) -> String {
    format!(
        "[state]\npath = \"{}\"\n[api]\nlisten = \"127.0.0.1:0\"\n{TCP}\n\
         [sources.web]\ntype = \"http\"\nlisten = \"127.0.0.1:0\"\n{sinks}",
        state.path().join("state").display()
    )
}

#[test]
fn a_scrape_has_what_the_service_has_done() {
    let (state, receiver) = (Folder::new(), Receiver::start([]));
    let sinks = receiver.sink("desk", "") + "[sinks.spare]\ntype = \"stdout\"\n";
    let mut service = Service::start(RULES, &config(&state, &sinks));
    let api = service.api();

    let before = Scrape::of(api);
    let zeros = [
        "tripline_engine_events_total",
        "tripline_source_events_total{source=\"auth\"}",
        "tripline_source_rejected_total{source=\"auth\",reason=\"framing\"}",
        "tripline_http_requests_total{source=\"web\",status=\"429\"}",
        "tripline_rule_alerts_total{rule=\"big\"}",
        "tripline_sink_delivered_total{sink=\"spare\"}",
        "tripline_routing_decisions_total{reason=\"silenced\"}",
        "tripline_checkpoint_commit_seconds_bucket{le=\"0.001\"}",
        "tripline_quarantine_written_total{file=\"late\"}",
        "tripline_trouble{part=\"store\"}",
    ];
    for name in zeros {
        assert_eq!(before.count(name), 0, "{name}");
    }
    assert_eq!(before.count("tripline_ready"), 1);
    assert_eq!(before.count("tripline_source_connected{source=\"auth\"}"), 1, "it listens");
    assert_eq!(before.count("tripline_rule_info{rule=\"big\",severity=\"high\",mode=\"live\"}"), 1);
    assert_eq!(before.count("tripline_outbox_limit_bytes"), 1 << 30);
    let [free, size] =
        ["free", "size"].map(|what| before.count(&format!("tripline_store_disk_{what}_bytes")));
    assert!(0 < free && free < size, "{free} of {size}");
    let version = format!("tripline_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(before.count(&version), 1);
    assert!(before.count("process_resident_memory_bytes") > 1 << 20);
    assert!(before.value("process_start_time_seconds") > 1.7e9);
    assert!(before.count("tripline_log_messages_total{level=\"info\"}") > 2);

    let mut client = service.connect("auth");
    let records =
        [event("1", 5.0), "no event\n".to_owned(), event("2", 500.0).replace("\"c\"", "\"card-4711\"")];
    client.write_all(records.concat().as_bytes()).expect("it reads");
    assert_eq!(receiver.next().event(), "2");
    let after = Scrape::until(api, |now| now.count("tripline_sink_delivered_total{sink=\"desk\"}") == 1);
    assert_eq!(after.count("tripline_source_events_total{source=\"auth\"}"), 2);
    assert_eq!(after.count("tripline_source_connections{source=\"auth\"}"), 1);
    assert_eq!(after.count("tripline_source_rejected_total{source=\"auth\",reason=\"syntax\"}"), 1);
    assert_eq!(after.count("tripline_sink_attempts_total{sink=\"desk\"}"), 1);
    assert_eq!(after.count("tripline_engine_detection_delay_seconds_count"), 1);
    assert!(after.value("tripline_engine_detection_delay_seconds_sum") < 60.0, "it is in seconds");
    assert!(after.count("tripline_checkpoints_total") > 0);
    assert_eq!(after.count("tripline_stream_partitions{stream=\"auth\"}"), 1);
    for what in ["attempt", "delivery"] {
        assert_eq!(after.count(&format!("tripline_sink_{what}_seconds_count{{sink=\"desk\"}}")), 1);
    }
    assert!(after.value("tripline_source_last_event_timestamp_seconds{source=\"auth\"}") > 1.7e9);
    Scrape::until(api, |now| now.count("tripline_rule_alerts_total{rule=\"big\"}") == 1);
    assert!(!after.text.contains("4711"), "a key is a label:\n{}", after.text);
    assert!(service.stop().status.success());
}

#[test]
fn what_is_told_is_what_the_page_describes() {
    let (state, page) = (Folder::new(), include_str!("../../docs/metrics.md"));
    let mut service = Service::start(RULES, &config(&state, "[sinks.desk]\ntype = \"stdout\"\n"));
    let scrape = Scrape::of(service.api());
    let families = scrape.families();
    let names: BTreeSet<&str> = families.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), families.len(), "some come in several places: {families:?}");
    for (name, kind) in &families {
        assert!(page.contains(&format!("\n| `{name}` | {kind} | ")), "{name} is no {kind} on the page");
    }
    // What this service does not have.
    let absent = ["tripline_kafka_", "tripline_registry_", "tripline_table_"];
    let described = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    for name in described.filter(|name| !absent.iter().any(|prefix| name.starts_with(prefix))) {
        assert!(names.contains(name), "the page describes {name}, and it is not told");
    }
    assert!(service.stop().status.success());
}
