//! Every key of the configuration: what it takes, its default, what it means.
//!
//! The reader asks this catalogue which keys there are and what a missing one stands for, and
//! `docs/configuration.md` is made from it, so that neither can say something else than the other.

mod api;
mod kafka;
mod quarantine;
mod registries;
mod routing;
mod sinks;
mod sources;
mod state;

use std::fmt::Write;

pub use api::{API, API_AUDIT, API_CLIENT, API_LIMITS, API_TLS};
pub use kafka::{KAFKA, KAFKA_CLIENT};
pub use quarantine::{LATE, QUARANTINE};
pub use registries::REGISTRY;
pub use routing::{ESCALATE, INHIBIT, MATCH, QUIET_HOURS, RESOLVE, ROUTE_QUIET, ROUTES};
pub use sinks::{
    ALERTMANAGER, DELIVERY, EMAIL, FILE, HTTP_CLIENT, KAFKA_SINK, PAGERDUTY, SINK_TYPES, SLACK, STDOUT,
    SYSLOG, TEAMS, WEBHOOK,
};
pub use sources::{CODECS, FILES, HTTP, RECORDS, SOURCE_TYPES, STDIN, TCP, TCP_CLIENT, UDP, UNIX};
pub use state::{JOURNAL, STATE};

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Text with a meaning of its own.
    Text,
    /// A path; a relative one begins at the folder of the configuration file.
    Path,
    /// A duration as the language writes it, in these bounds.
    Duration(&'static str, &'static str),
    /// A size in bytes, in these bounds.
    Size(&'static str, &'static str),
    /// A whole number, in these bounds.
    Count(i64, i64),
    /// `host:port`.
    Address,
    /// An `http` or `https` URL.
    Url,
    /// A secret, or, under the names given here, where it is.
    Secret {
        /// The key for the name of an environment variable.
        env: &'static str,
        /// The key for the path of a file.
        file: &'static str,
    },
    /// A list of names.
    Names,
    /// True or false.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A table.
    Table,
    /// A list of tables.
    Tables,
}

/// What it means when a key is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A mistake.
    Mistake,
    /// The same as this value.
    Is(&'static str),
    /// Nothing.
    Nothing,
}

/// A key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// What it means when it is missing.
    pub missing: Missing,
    /// What it does, for people; one line of Markdown.
    pub about: &'static str,
    /// A value, as it is written, for those who have none; some kinds of keys have one of their own.
    pub example: Option<&'static str>,
}

impl Key {
    /// The same with an example.
    const fn like(self, example: &'static str) -> Key {
        Key { example: Some(example), ..self }
    }
}

/// The keys that stand in one table.
#[derive(Debug)]
pub struct Section {
    /// How the reference page calls it.
    pub title: &'static str,
    /// A paragraph of Markdown about it.
    pub about: &'static str,
    /// Its own keys.
    pub keys: &'static [Key],
    /// The sections whose keys may stand here too.
    pub shared: &'static [&'static Section],
}

const fn key(name: &'static str, takes: Takes, missing: Missing, about: &'static str) -> Key {
    Key { name, takes, missing, about, example: None }
}

/// A key that takes a secret: `secret!("token", Missing::Nothing, "…")` is the keys `token`, `token_env` and
/// `token_file`, of which one can be given.
macro_rules! secret {
    ($name:literal, $missing:expr, $about:expr $(,)?) => {
        $crate::config::reference::key(
            $name,
            $crate::config::reference::Takes::Secret {
                env: concat!($name, "_env"),
                file: concat!($name, "_file"),
            },
            $missing,
            $about,
        )
    };
}
use secret;

/// The top of the file.
pub static ROOT: Section = Section {
    title: "At the top",
    about: "",
    keys: &[
        key(
            "rules",
            Takes::Path,
            Missing::Mistake,
            "The folder of `*.trip` files, subfolders included, or one such file.",
        ),
        key(
            "default_sinks",
            Takes::Names,
            Missing::Nothing,
            "The sinks for alerts of rules that have no `to`. Without it, such alerts go nowhere, and a warning says so.",
        ),
        key(
            "max_ahead",
            Takes::Duration("0s", "36500d"),
            Missing::Is("1d"),
            "Events whose time is further ahead of the clock are set aside and counted, so that one wrong clock \
             cannot move event time for all.",
        ),
        key(
            "shards",
            Takes::Count(1, 1_024),
            Missing::Nothing,
            "Among how many threads the keys are divided. Without it, there are as many as the machine has cores. The alerts \
             are the same, in the same order.",
        ),
        key(
            "shutdown_timeout",
            Takes::Duration("0s", "1d"),
            Missing::Is("30s"),
            "When the service is asked to stop: how long it may take to finish what it has received and to deliver \
             its alerts. What is not delivered by then is named in the log.",
        ),
        key("state", Takes::Table, Missing::Nothing, "See below."),
        key("journal", Takes::Table, Missing::Nothing, "See below."),
        key("api", Takes::Table, Missing::Nothing, "See below."),
        key("limits", Takes::Table, Missing::Nothing, "See below."),
        key("quarantine", Takes::Table, Missing::Nothing, "See below."),
        key("late", Takes::Table, Missing::Nothing, "See below."),
        key("registries", Takes::Table, Missing::Nothing, "See below."),
        key("sources", Takes::Table, Missing::Nothing, "See below."),
        key("sinks", Takes::Table, Missing::Nothing, "See below."),
        key("routes", Takes::Tables, Missing::Nothing, "See below."),
        key("inhibit", Takes::Tables, Missing::Nothing, "See below."),
        key("quiet_hours", Takes::Table, Missing::Nothing, "See below."),
    ],
    shared: &[],
};

/// `[limits]`.
pub static LIMITS: Section = Section {
    title: "`[limits]`",
    about: "What is held between the sources and the sinks. Apart from what rules keep (partial matches, the past), which \
            `max runs` and `max events` bound for each key, memory is bounded by the sum of: `queue_bytes`; `reorder_bytes`; a few \
            batches in the shards; for each connection one record of at most `max_line`, one read of 64 KiB, what its \
            decoder keeps between records (up to 0.5 MB), and one batch; `queue_bytes` of each sink; `max_bodies` of each HTTP source; with `[state]`, once more `queue_bytes`, and the largest \
            body or 16 MiB, for what waits for the disk. Who finds a queue full stops reading.",
    keys: &[
        key(
            "max_line",
            Takes::Size("64B", "1GiB"),
            Missing::Is("1MiB"),
            "The longest line. A longer one is counted as oversized and passed over without being held.",
        ),
        key("batch_events", Takes::Count(1, 1_000_000), Missing::Is("512"), "The most events of a batch."),
        key(
            "batch_bytes",
            Takes::Size("1KiB", "1GiB"),
            Missing::Is("256KiB"),
            "A batch that has reached this size takes no more events.",
        ),
        key(
            "queue",
            Takes::Count(1, 1_000_000),
            Missing::Is("64"),
            "The most batches that wait for the engine.",
        ),
        key(
            "queue_bytes",
            Takes::Size("64KiB", "4GiB"),
            Missing::Is("64MiB"),
            "The most memory that the events of these batches take.",
        ),
        key(
            "reorder_bytes",
            Takes::Size("1MiB", "64GiB"),
            Missing::Is("1GiB"),
            "The most memory for events that wait for their turn in event time. From half of it on, partitions that are ahead \
             of event time are not read, so that their senders wait, and those that hold it back catch up. At the bound \
             nothing is read, and the log says why: the `late` of a stream spans more events than there is room for. \
             Nothing is dropped and nothing is decided early. What has been read of a partition before it learns of its pause \
             comes on top.",
        ),
        key(
            "behind",
            Takes::Duration("1s", "365d"),
            Missing::Nothing,
            "How old the oldest event may be that waits for its turn, or how far event time may be behind the clock while messages \
             of Kafka or parts of followed files have not been read, before `/readyz` says that the service is not ready. \
             Without it, it is ready however far it is behind.",
        )
        .like("\"15m\""),
    ],
    shared: &[],
};

/// All sections, in the order of the reference page.
pub static SECTIONS: &[&Section] = &[
    &ROOT,
    &STATE,
    &JOURNAL,
    &API,
    &API_TLS,
    &API_CLIENT,
    &API_LIMITS,
    &API_AUDIT,
    &LIMITS,
    &QUARANTINE,
    &LATE,
    &REGISTRY,
    &RECORDS,
    &TCP,
    &TCP_CLIENT,
    &UDP,
    &UNIX,
    &HTTP,
    &STDIN,
    &FILES,
    &KAFKA,
    &KAFKA_CLIENT,
    &DELIVERY,
    &HTTP_CLIENT,
    &STDOUT,
    &FILE,
    &WEBHOOK,
    &SLACK,
    &TEAMS,
    &PAGERDUTY,
    &ALERTMANAGER,
    &EMAIL,
    &SYSLOG,
    &KAFKA_SINK,
    &ROUTES,
    &MATCH,
    &ROUTE_QUIET,
    &ESCALATE,
    &RESOLVE,
    &INHIBIT,
    &QUIET_HOURS,
];

impl Section {
    /// The key with that name.
    ///
    /// # Panics
    /// When there is none: a reader that asks for a key that is not in the catalogue is a mistake.
    pub fn key(&self, name: &str) -> &'static Key {
        let found = self.all().find(|key| key.name == name);
        found.unwrap_or_else(|| panic!("{} has no key `{name}`", self.title))
    }

    /// The names of all keys that may stand here.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.all().flat_map(|key| {
            let more = match key.takes {
                Takes::Secret { env, file } => [Some(env), Some(file)],
                _ => [None, None],
            };
            std::iter::once(key.name).chain(more.into_iter().flatten())
        })
    }

    /// All keys that may stand here.
    pub fn all(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.keys.iter().chain(self.shared.iter().flat_map(|section| section.keys))
    }
}

const HEAD: &str = "\
# Configuration

<!-- Made from src/config/reference/ by `UPDATE_DOCS=1 cargo test configuration_page`. Do not edit. -->

`tripline run --config tripline.toml` reads one TOML file. `tripline check tripline.toml` says whether it and its rules
are right; every mistake is shown with its place. The `tripline.toml` beside the README is an annotated example.

Sources and sinks are tables with a name: `[sources.NAME]` and `[sinks.NAME]`. The name stands in the heading, so that it
cannot be forgotten or given twice, and `to fraud_desk` in a rule is `[sinks.fraud_desk]` here. Logs and metrics use it too.
It is made like a name in a rule: letters, digits and `_`, not beginning with a digit.

- Durations are written as in rules: `\"250ms\"`, `\"30s\"`, `\"1h30m\"`.
- Sizes are `\"512B\"`, `\"64KiB\"`, `\"1MiB\"`, `\"2GiB\"`.
- A relative path begins at the folder of the configuration file.
- An unknown key is a mistake, not passed over.
- A key `x` that takes a secret can be given in three ways: `x` is the secret itself, `x_env` the name of an environment
  variable that holds it, `x_file` the path of a file that does. The file is read again when it changes. Space around a
  secret does not count. Secrets stand in no log, no error and no answer of the API.
";

/// The reference page. `docs/configuration.md` is this text; a test compares them.
pub fn page() -> String {
    let mut page = String::from(HEAD);
    for section in SECTIONS {
        let _ = write!(page, "\n## {}\n\n", section.title);
        if !section.about.is_empty() {
            let _ = write!(page, "{}\n\n", section.about);
        }
        page.push_str("| key | takes | default | meaning |\n|---|---|---|---|\n");
        for key in section.keys {
            let _ = writeln!(
                page,
                "| {} | {} | {} | {} |",
                written(key),
                describe(key.takes),
                default(key),
                key.about
            );
        }
        for shared in section.shared {
            let _ = write!(page, "\nAnd the keys of [{}](#{}).\n", shared.title, anchor(shared.title));
        }
    }
    page
}

/// A key, with the others under which its value can be given.
fn written(key: &Key) -> String {
    match key.takes {
        Takes::Secret { env, file } => format!("`{}`, or `{env}` or `{file}`", key.name),
        _ => format!("`{}`", key.name),
    }
}

/// What a heading is linked by.
fn anchor(title: &str) -> String {
    let letters = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    letters.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

fn describe(takes: Takes) -> String {
    match takes {
        Takes::Text => "text".into(),
        Takes::Path => "path".into(),
        Takes::Duration(least, most) => format!("duration, {least} to {most}"),
        Takes::Size(least, most) => format!("size, {least} to {most}"),
        Takes::Count(least, most) => format!("number, {least} to {most}"),
        Takes::Address => "`host:port`".into(),
        Takes::Url => "URL".into(),
        Takes::Secret { .. } => "secret".into(),
        Takes::Names => "list of names".into(),
        Takes::Flag => "`true` or `false`".into(),
        Takes::Word(words) => words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(" "),
        Takes::Table => "table".into(),
        Takes::Tables => "list of tables".into(),
    }
}

fn default(key: &Key) -> String {
    match (key.missing, key.takes) {
        (Missing::Mistake, _) => "*required*".into(),
        (Missing::Nothing, _) => String::new(),
        (Missing::Is(value), Takes::Count(..) | Takes::Flag) => format!("`{value}`"),
        (Missing::Is(value), _) => format!("`\"{value}\"`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::value::parse_size;
    use crate::event::Duration;
    use std::path::Path;

    #[test]
    fn configuration_page_is_up_to_date() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, page()).expect("the page can be written");
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == page(),
            "docs/configuration.md is stale: `UPDATE_DOCS=1 cargo test configuration_page` rewrites it"
        );
    }

    #[test]
    fn every_default_is_well_formed_and_in_its_bounds() {
        for key in SECTIONS.iter().flat_map(|section| section.keys) {
            let Missing::Is(default) = key.missing else { continue };
            let name = key.name;
            match key.takes {
                Takes::Duration(least, most) => {
                    let read = |text| Duration::parse(text).expect(name);
                    assert!((read(least)..=read(most)).contains(&read(default)), "{name}");
                }
                Takes::Size(least, most) => {
                    let read = |text| parse_size(text).expect(name);
                    assert!((read(least)..=read(most)).contains(&read(default)), "{name}");
                }
                Takes::Count(least, most) => {
                    assert!((least..=most).contains(&default.parse().expect(name)), "{name}");
                }
                Takes::Word(words) => assert!(words.contains(&default), "{name}"),
                Takes::Flag => assert!(default.parse::<bool>().is_ok(), "{name}"),
                Takes::Path | Takes::Text => assert!(!default.is_empty(), "{name}"),
                _ => panic!("{name}: lists and tables have no defaults"),
            }
        }
    }
}
