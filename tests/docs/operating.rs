//! The page of operating: each alert of the service itself has a section that says what to do, and links lead somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::page::sections;

const PAGE: &str = "operating.md";

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("the file can be read")
}

/// The alerts of `dashboards/alerts.yaml`, as they are written: `- alert: NAME`.
fn alerts() -> Vec<String> {
    let rules = read("dashboards/alerts.yaml");
    let names = rules.lines().filter_map(|line| line.trim_start().strip_prefix("- alert:"));
    names.map(|name| name.trim().to_owned()).collect()
}

/// What a heading is called in a link.
fn anchor(title: &str) -> String {
    let kept = title.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn every_alert_has_its_section_and_every_section_its_alert() {
    let alerts = alerts();
    assert!(alerts.len() > 20, "the alerts are found: {alerts:?}");
    let alerts: BTreeSet<_> = alerts.into_iter().collect();
    let titles = sections(PAGE).into_iter().map(|section| section.title);
    let titled: BTreeSet<_> = titles.filter(|title| title.starts_with("Tripline")).collect();
    assert_eq!(titled, alerts);
}

#[test]
fn every_alert_links_to_its_section() {
    let rules = read("dashboards/alerts.yaml");
    let links: Vec<&str> =
        rules.lines().filter_map(|line| line.split_once("operating.md#")).map(|(_, to)| to).collect();
    let links: Vec<&str> = links.into_iter().map(|link| link.trim_end_matches(['"', '\''])).collect();
    assert_eq!(links, alerts().iter().map(|name| anchor(name)).collect::<Vec<_>>());
}

#[test]
fn links_within_the_page_lead_to_headings() {
    let page = read("docs/operating.md");
    let headings: BTreeSet<_> = sections(PAGE).iter().map(|section| anchor(&section.title)).collect();
    let links = page.split("](#").skip(1).map(|rest| rest.split(')').next().expect("it is closed"));
    let missing: Vec<&str> = links.filter(|link| !headings.contains(*link)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
