//! What is said about wrong configurations. Each case is a snapshot in
//! `tests/snapshots/configuration`: the text and what is shown for it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use insta::assert_snapshot;

use crate::diagnostic::{Diagnostics, Sources, Style, render_all};
use crate::program::Program;

use super::{Loaded, SinkKind, SourceKind, parse};

const RULES: &str = r#"
stream cards { card string }
stream logins { user string }
rule testing {
  event charge = cards where card == "x"
  match charge
  alert low "t" {}
  to fraud_desk, audit
}
rule silent {
  event login = logins where user == "x"
  match login
  alert low "t" {}
}
# Its alerts go to the rule that reads them.
rule inner {
  event charge = cards where card == "y"
  match charge
  alert low "t" {}
}
stream inner_alerts from inner
rule outer {
  match inner_alerts
  alert low "t" {}
  to audit
}
"#;

/// A folder that is there, so that `rules = "rules"` can be read.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("rules")).expect("a folder");
    folder
}

fn show(diagnostics: &Diagnostics, sources: &Sources) -> String {
    render_all(diagnostics, sources, Style::Plain)
}

fn shown(text: &str) -> String {
    let folder = folder();
    let loaded = parse("tripline.toml", text, folder.path());
    assert_eq!(loaded.config.is_some(), !loaded.diagnostics.has_errors());
    // The folder has another name each time.
    let shown = show(&loaded.diagnostics, &loaded.sources);
    shown.replace(&folder.path().display().to_string(), "FOLDER")
}

/// What is said about a configuration that is right by itself but does not fit [`RULES`].
fn misfits(text: &str) -> String {
    misfits_of(RULES, text)
}

/// The same with other rules.
fn misfits_of(rules: &str, text: &str) -> String {
    let folder = folder();
    let (program, problems) = Program::compile(&Sources::new([("rules.trip", rules)]));
    assert!(!problems.has_errors(), "{problems:?}");
    let Loaded { config, sources, diagnostics, .. } = parse("tripline.toml", text, folder.path());
    let config = config.unwrap_or_else(|| panic!("{}", show(&diagnostics, &sources)));
    show(&config.check(&program.expect("there are no errors")), &sources)
}

macro_rules! case {
    ($name:ident, $show:ident, $text:expr) => {
        #[test]
        fn $name() {
            let settings = {
                let mut settings = insta::Settings::clone_current();
                let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/configuration");
                settings.set_snapshot_path(folder);
                settings.set_prepend_module_to_snapshot(false);
                settings.set_description($text);
                settings.set_omit_expression(true);
                settings
            };
            settings.bind(|| assert_snapshot!(stringify!($name), $show($text)));
        }
    };
}

mod api;
mod files;
mod kafka;
mod receivers;
mod schemas;
mod sinks;
mod sources;
mod state;

case!(
    not_toml,
    shown,
    "rules = \"rules
[limits
queue 5
"
);

case!(
    unknown_keys,
    shown,
    "rule = \"rules\"
retention = \"1d\"

[limits]
max_lines = \"1MiB\"

[sources.cards]
type = \"stdin\"
stream = \"cards\"
listen = \"127.0.0.1:7001\"
"
);

case!(
    missing_keys,
    shown,
    "rules = \"rules\"

[sources.cards]
type = \"tcp\"

[sources.logins]
stream = \"logins\"

[sinks.audit]
type = \"file\"

[sinks.desk]
type = \"webhook\"
"
);

case!(an_empty_file, shown, "");

case!(
    wrong_types,
    shown,
    "rules = [\"rules\"]
max_ahead = 1
default_sinks = \"console\"
limits = true
sinks = []

[sources]
cards = \"127.0.0.1:7001\"
"
);

case!(
    values_that_cannot_be_read,
    shown,
    "rules = \"rules\"
max_ahead = \"1 day\"
shutdown_timeout = \"90\"

[limits]
max_line = \"1MB\"
batch_bytes = \"lots\"

[sources.cards]
type = \"stdin\"
stream = \"cards\"
"
);

case!(
    values_out_of_range,
    shown,
    "rules = \"rules\"
shutdown_timeout = \"400d\"

[limits]
max_line = \"1B\"
queue = 0
batch_events = 99999999999999999999

[sources.cards]
type = \"stdin\"
stream = \"cards\"
"
);

case!(
    unknown_kinds,
    shown,
    "rules = \"rules\"

[sources.cards]
type = \"tpc\"
stream = \"cards\"

[sinks.desk]
type = \"carrier pigeon\"
"
);

case!(
    bad_addresses_and_urls,
    shown,
    "rules = \"rules\"

[sources.a]
type = \"tcp\"
stream = \"cards\"
listen = \"127.0.0.1\"

[sources.b]
type = \"tcp\"
stream = \"cards\"
listen = \"localhost:http\"

[sources.c]
type = \"tcp\"
stream = \"cards\"
listen = \"http://localhost:80\"

[sinks.d]
type = \"webhook\"
url = \"example.com/alerts\"

[sinks.e]
type = \"webhook\"
url = \"ftp://example.com/alerts\"
"
);

case!(
    files_of_what_is_set_aside,
    shown,
    "rules = \"rules\"

[quarantine]
enabled = \"no\"
file = \"\"
max_size = \"1KiB\"

[late]
max_size = \"1GiB\"

[sources.cards]
type = \"stdin\"
stream = \"cards\"
"
);

case!(
    one_file_for_all_that_is_set_aside,
    shown,
    "rules = \"rules\"

[quarantine]
file = \"aside.jsonl\"

[late]
file = \"aside.jsonl\"

[sources.cards]
type = \"stdin\"
stream = \"cards\"
"
);

case!(
    rules_that_are_not_there,
    shown,
    "rules = \"ruels\"

[sources.cards]
type = \"stdin\"
stream = \"cards\"
"
);

case!(
    unknown_streams_and_sinks,
    misfits,
    "rules = \"rules\"
default_sinks = [\"consol\"]

[sources.a]
type = \"stdin\"
stream = \"card\"

[sources.b]
type = \"tcp\"
stream = \"payments\"
listen = \"127.0.0.1:0\"

[sources.c]
type = \"tcp\"
stream = \"inner_alerts\"
listen = \"127.0.0.1:1\"

[sinks.fraud_dest]
type = \"stdout\"
"
);

case!(
    what_would_never_be_fed_or_received,
    misfits,
    "rules = \"rules\"

[sources.a]
type = \"stdin\"
stream = \"cards\"

[sinks.audit]
type = \"stdout\"

[sinks.fraud_desk]
type = \"stdout\"
"
);

#[test]
fn every_value_is_taken_over_and_paths_begin_at_the_folder() {
    let folder = folder();
    let text = r#"
rules = "rules"
default_sinks = ["a", "b"]
max_ahead = "1h"
shutdown_timeout = "1m30s"
[limits]
max_line = "2MiB"
batch_events = 7
batch_bytes = "8KiB"
queue = 9
behind = "15m"
[quarantine]
file = "aside/records"
max_size = "2GiB"
[late]
file = "late.jsonl"
[sources.tcp]
type = "tcp"
stream = "cards"
listen = "localhost:0"
max_connections = 3
[sources.pipe]
type = "stdin"
stream = "cards"
[sources.web]
type = "http"
listen = "localhost:0"
token_file = "secret/tokens"
max_body = "1MiB"
max_bodies = "3MiB"
max_records = 4
wait = "0s"
read_timeout = "2s"
max_connections = 5
[sources.web_of_one]
type = "http"
streams = ["cards"]
listen = "localhost:0"
[sinks.a]
type = "file"
path = "sub/alerts"
queue = 5
queue_bytes = "1MiB"
[sinks.b]
type = "webhook"
url = "https://example.com/x"
timeout = "3s"
tries = 4
backoff = "5ms"
max_backoff = "6s"
[sinks.c]
type = "stdout"
"#;
    let loaded = parse("tripline.toml", text, folder.path());
    assert!(loaded.diagnostics.is_empty(), "{}", show(&loaded.diagnostics, &loaded.sources));
    let config = loaded.config.expect("it is right");
    assert_eq!(config.rules.value, folder.path().join("rules"));
    let defaults: Vec<_> = config.default_sinks.iter().map(|sink| sink.value.as_str()).collect();
    assert_eq!(defaults, ["a", "b"]);
    assert_eq!(config.max_ahead.to_string(), "1h");
    assert_eq!(config.shutdown_timeout, Duration::from_secs(90));
    assert_eq!((config.limits.max_line, config.limits.batch.events), (2 << 20, 7));
    assert_eq!((config.limits.batch.bytes, config.queue.inputs), (8 << 10, 9));
    assert_eq!(config.behind.map(|behind| behind.to_string()).as_deref(), Some("15m"));
    let quarantine = config.quarantine.expect("it is on");
    assert_eq!((quarantine.file, quarantine.max_size), (folder.path().join("aside/records"), 2 << 30));
    let late = config.late.expect("it is on");
    assert_eq!((late.file, late.max_size), (folder.path().join("late.jsonl"), 1 << 30));
    let names: Vec<_> = config.sources.iter().map(|source| source.name.value.as_str()).collect();
    assert_eq!(names, ["pipe", "tcp", "web", "web_of_one"]);
    assert!(matches!(config.sources[0].kind, SourceKind::Stdin));
    let SourceKind::Tcp(tcp) = &config.sources[1].kind else { panic!("a server") };
    assert_eq!((tcp.listen.as_str(), tcp.max_connections), ("localhost:0", 3));
    let SourceKind::Http(http) = &config.sources[2].kind else { panic!("a server") };
    assert_eq!((http.listen.as_str(), http.max_connections, http.max_records), ("localhost:0", 5, 4));
    assert_eq!(http.token_file, Some(folder.path().join("secret/tokens")));
    assert_eq!((http.max_body, http.max_bodies), (1 << 20, 3 << 20));
    assert_eq!((http.wait, http.read_timeout), (Duration::ZERO, Duration::from_secs(2)));
    let streams = |source: usize| config.sources[source].streams.as_ref().map(Vec::len);
    assert_eq!((streams(2), streams(3)), (None, Some(1)));
    let [file, webhook, stdout] = config.sinks.as_slice() else { panic!("three sinks") };
    assert!(
        matches!(&file.kind, SinkKind::File(settings) if settings.path == folder.path().join("sub/alerts"))
    );
    assert_eq!((file.delivery.queue.alerts, file.delivery.queue.bytes), (5, 1 << 20));
    let SinkKind::Webhook(settings) = &webhook.kind else { panic!("a webhook") };
    let url = settings.url.get().expect("it is in the configuration");
    assert_eq!((&*url, settings.http.timeout), ("https://example.com/x", Duration::from_secs(3)));
    let policy = webhook.delivery.policy;
    assert_eq!((policy.retry.tries, policy.retry.backoff), (Some(4), Duration::from_millis(5)));
    assert_eq!((policy.retry.max_backoff, policy.concurrency), (Duration::from_secs(6), 4));
    assert!(matches!(stdout.kind, SinkKind::Stdout(_)));
}

#[test]
fn records_are_kept_unless_that_is_declined_and_late_events_only_if_wanted() {
    let folder = folder();
    let kept = |more: &str| {
        let text = format!("rules = \"rules\"\n{more}\n[sources.a]\ntype = \"stdin\"\nstream = \"s\"\n");
        let config = parse("tripline.toml", &text, folder.path()).config.expect("it is right");
        (config.quarantine.map(|settings| settings.file), config.late.map(|settings| settings.file))
    };
    let default = Some(folder.path().join("quarantine.jsonl"));
    assert_eq!(kept(""), (default.clone(), None));
    assert_eq!(kept("[quarantine]\nmax_size = \"1MiB\""), (default, None));
    let off = "[quarantine]\nenabled = false\n[late]\nfile = \"late\"\nenabled = false";
    assert_eq!(kept(off), (None, None));
}

/// The example shows the defaults where it shows a value for a key that has one.
#[test]
fn the_annotated_example_is_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tripline.toml");
    let text = std::fs::read_to_string(path).expect("the example");
    let folder = folder();
    let loaded = parse("tripline.toml", &text, folder.path());
    let config = loaded.config.unwrap_or_else(|| panic!("{}", show(&loaded.diagnostics, &loaded.sources)));
    let plain = "rules = \"rules\"\n[sources.a]\ntype = \"tcp\"\nstream = \"s\"\nlisten = \"127.0.0.1:0\"\n";
    let defaults = parse("plain", plain, folder.path()).config.expect("it is right");
    assert_eq!(config.limits, defaults.limits);
    assert_eq!(config.max_ahead, defaults.max_ahead);
    assert_eq!(config.quarantine, defaults.quarantine);
    assert_eq!((config.queue, config.shutdown_timeout), (defaults.queue, defaults.shutdown_timeout));
    assert_eq!(config.rules.value, PathBuf::from(folder.path()).join("rules"));
}
