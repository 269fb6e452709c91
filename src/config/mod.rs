//! The configuration of the service and the files it names.
//!
//! Enters: a TOML file. Leaves: a [`Config`] in which every value has been checked, or diagnostics
//! that say what is wrong where, in the manner of the rules'. [`mod@reference`] has every key.

mod api;
mod check;
mod decoding;
mod document;
mod files;
mod kafka;
mod quarantine;
mod read;
pub mod reference;
mod registries;
mod routing;
pub mod rules;
mod schemas;
mod shown;
mod sinks;
mod sources;
mod state;
pub mod tables;
#[cfg(test)]
mod tests;
pub mod value;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::diagnostic::{Diagnostics, Sources, Span};
use crate::source::{self, Decoding, SourceLimits, file, http, registry, tcp, tcp_client, udp, unix};

pub use api::{Api, ApiLimits, AuditSettings};
pub use routing::Routing;
pub use sinks::{Delivery, Sink, SinkKind};
pub use state::{ChangedRules, State};

/// A value and where it stands in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Span,
}

/// What the service is to do.
#[derive(Clone, Debug)]
pub struct Config {
    /// The rules: a folder or a file.
    pub rules: Located<PathBuf>,
    /// Sinks for alerts of rules that name none.
    pub default_sinks: Vec<Located<String>>,
    /// How far ahead of the clock an event's time may lie.
    pub max_ahead: crate::event::Duration,
    /// How long stopping may take.
    pub shutdown_timeout: Duration,
    /// What a source may hold.
    pub limits: SourceLimits,
    /// What may be on its way to the engine.
    pub queue: source::queue::QueueLimits,
    /// Most bytes of events that wait for their turn in event time.
    pub reorder_bytes: usize,
    /// How far behind the service may be and still be ready; `None`: however far.
    pub behind: Option<crate::event::Duration>,
    /// Where what outlasts the service is kept; `None`: nothing does.
    pub state: Option<State>,
    /// Where and by whom the service can be asked over the network; `None`: nowhere.
    pub api: Option<Api>,
    /// Among how many shards the keys are divided; `None`: as many as the machine has cores.
    pub shards: Option<usize>,
    /// Where records that are no events are kept; `None`: they are not.
    pub quarantine: Option<crate::quarantine::Settings>,
    /// Where events that come too late are kept; `None`: they are not.
    pub late: Option<crate::quarantine::Settings>,
    /// The schema registries, by name.
    pub registries: Vec<Registry>,
    /// The sources, by name.
    pub sources: Vec<Source>,
    /// The sinks, by name.
    pub sinks: Vec<Sink>,
    /// Where alerts go.
    pub routing: Routing,
}

/// A source.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name.
    pub name: Located<String>,
    /// The streams that it feeds; `None`: all that sources can feed.
    pub streams: Option<Vec<Located<String>>>,
    /// How its records are written.
    pub decoding: Decoding,
    /// The name of the registry that has the schemas of its records; there is one with that name.
    pub registry: Option<Located<String>>,
    /// What it is.
    pub kind: SourceKind,
}

/// A schema registry.
#[derive(Clone, Debug)]
pub struct Registry {
    /// Its name.
    pub name: Located<String>,
    /// How it is reached.
    pub settings: registry::Settings,
}

impl Source {
    /// Whether it feeds that stream.
    pub fn feeds(&self, stream: &str) -> bool {
        self.streams.as_ref().is_none_or(|streams| streams.iter().any(|one| one.value == stream))
    }
}

/// The kinds of sources.
#[derive(Clone, Debug)]
pub enum SourceKind {
    /// A TCP server.
    Tcp(tcp::Settings),
    /// A TCP client.
    TcpClient(tcp_client::Settings),
    /// A UDP socket.
    Udp(udp::Settings),
    /// A Unix socket.
    Unix(unix::Settings),
    /// An HTTP server.
    Http(http::Settings),
    /// Standard input.
    Stdin,
    /// Files.
    File(file::Settings),
    /// Topics of Kafka.
    Kafka(Box<source::kafka::Settings>),
}

impl SourceKind {
    /// The word of its `type`.
    pub const fn name(&self) -> &'static str {
        match self {
            SourceKind::Tcp(_) => "tcp",
            SourceKind::TcpClient(_) => "tcp_client",
            SourceKind::Udp(_) => "udp",
            SourceKind::Unix(_) => "unix",
            SourceKind::Http(_) => "http",
            SourceKind::Stdin => "stdin",
            SourceKind::File(_) => "file",
            SourceKind::Kafka(_) => "kafka",
        }
    }
}

/// A configuration that has been read.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration, if it is right.
    pub config: Option<Config>,
    /// What is wrong.
    pub diagnostics: Diagnostics,
    /// The file that the diagnostics point into.
    pub sources: Sources,
    /// The text of it, without its secrets.
    pub shown: String,
}

/// Largest configuration file, in bytes.
const MAX_FILE: u64 = 4 << 20;

/// Reads the configuration at `path`.
///
/// # Errors
/// When there is no such file, or it is no text of a reasonable size.
pub fn load(path: &Path) -> Result<Loaded, String> {
    let cannot = |why: String| format!("cannot read the configuration `{}`: {why}", path.display());
    let bytes = rules::read_limited(path, MAX_FILE).map_err(|error| cannot(rules::io_reason(&error)))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(cannot(format!("it is larger than {} MiB", MAX_FILE >> 20)));
    }
    let text = String::from_utf8(bytes).map_err(|_| cannot("it is not UTF-8".into()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    Ok(parse(&path.display().to_string(), &text, folder))
}

/// Reads the text of a configuration. `name` is shown in diagnostics; relative paths begin at
/// `folder`.
pub fn parse(name: &str, text: &str, folder: &Path) -> Loaded {
    let sources = Sources::new([(name, text)]);
    let (config, diagnostics, secrets) = read::read(&sources, folder);
    let shown = shown::without_secrets(text, &secrets);
    Loaded { config, diagnostics: diagnostics.sorted(), sources, shown }
}
