//! Does a configuration fit its rules?

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::codes::{E0606, E0607, E0612, E0620, E0621, W0601, W0602, W0603};
use crate::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::language::checked::Mode;
use crate::program::{NoInput, Program};

use super::document::list;
use super::{Config, SinkKind, SourceKind};
use crate::source::kafka;

impl Config {
    /// What of the configuration does not fit the rules: sources of unknown streams, rules that send
    /// to unknown sinks, and, as warnings, what would never get an event or never be received.
    pub fn check(&self, program: &Program) -> Diagnostics {
        let mut diagnostics = Diagnostics::default();
        self.check_streams(program, &mut diagnostics);
        self.check_codecs(program, &mut diagnostics);
        self.check_sinks(program, &mut diagnostics);
        self.check_moving(program, &mut diagnostics);
        self.routing.check(program, &mut diagnostics);
        diagnostics.sorted()
    }

    fn check_streams(&self, program: &Program, diagnostics: &mut Diagnostics) {
        for stream in self.sources.iter().filter_map(|source| source.streams.as_ref()).flatten() {
            let name = &stream.value;
            let span = stream.span;
            let why = match program.input(name) {
                Ok(stream) => {
                    if !program.is_read(stream) {
                        let message = format!("no rule reads `{name}`");
                        let help =
                            "its events are received for nothing: take the source out, or write a rule";
                        diagnostics.push(Diagnostic::new(W0603, span, message).help(help));
                    }
                    continue;
                }
                Err(why) => why,
            };
            diagnostics.push(match why {
                NoInput::Unknown { .. } => {
                    let names = || program.inputs();
                    Diagnostic::new(E0606, span, why.to_string()).help(match nearest(name, names()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("their streams are {}", list(names())),
                    })
                }
                NoInput::Alerts { .. } => Diagnostic::new(E0620, span, why.to_string())
                    .help("take this source out; feed the streams that the rule reads"),
            });
        }
        let fed = |name: &str| self.sources.iter().any(|source| source.feeds(name));
        let hungry: Vec<_> = program
            .inputs()
            .filter(|name| !fed(name) && program.stream(name).is_some_and(|stream| program.is_read(stream)))
            .collect();
        if !hungry.is_empty() {
            let message = format!("no source feeds {}", list(hungry));
            let help = "rules that need these streams will never match; add a source, or leave the rules out";
            diagnostics.push(Diagnostic::new(W0602, self.rules.span, message).help(help));
        }
    }

    /// Where state moves with partitions, each key has to be in one partition only.
    fn check_moving(&self, program: &Program, diagnostics: &mut Diagnostics) {
        let moving = self.state.as_ref().and_then(|state| state.moving.as_ref());
        for sink in &self.sinks {
            let SinkKind::Kafka(settings) = &sink.kind else { continue };
            let reason = match moving {
                _ if !settings.transactions => continue,
                None => "there is no `state.topic`",
                Some(moving) if moving.settings.client.brokers != settings.client.brokers => {
                    "its `brokers` are not those of the source"
                }
                Some(_) => continue,
            };
            let message =
                format!("the sink `{}` cannot take part in transactions: {reason}", sink.name.value);
            let help = "alerts, positions and state are stored together in one cluster; see `state.topic`";
            diagnostics.push(Diagnostic::new(E0612, sink.name.span, message).help(help));
        }
        let Some(moving) = moving else { return };
        for field in &moving.partitioned_by {
            let without =
                program.rules().iter().filter(|rule| !program.is_keyed_by(&rule.name, &field.value));
            let without: Vec<&str> = without.map(|rule| &*rule.name).collect();
            if !without.is_empty() {
                let message =
                    format!("{} cannot be told for each `{}` by itself", list(without), field.value);
                let help = "state moves with the partitions of a topic, and events that belong together have to be in one: \
                            group these rules `by` it too, or run them in a service of their own";
                diagnostics.push(Diagnostic::new(E0612, field.span, message).help(help));
            }
        }
    }

    fn check_codecs(&self, program: &Program, diagnostics: &mut Diagnostics) {
        for source in &self.sources {
            for stream in source.streams.iter().flatten() {
                // What is wrong with the stream is said elsewhere.
                let Ok(id) = program.input(&stream.value) else { continue };
                let schema = program.schema(id);
                let why = match &source.kind {
                    SourceKind::Kafka(_) => kafka::misfit(&source.decoding.format, schema),
                    _ => source.decoding.format.misfit(schema),
                };
                if let Some(why) = why {
                    let message = format!("the codec cannot fill the stream `{}`: {why}", stream.value);
                    let help = "a field may be declared with `?`, so that it may be missing, or read by another \
                                name with `from`";
                    diagnostics.push(Diagnostic::new(E0621, stream.span, message).help(help));
                }
            }
        }
    }

    fn check_sinks(&self, program: &Program, diagnostics: &mut Diagnostics) {
        let names = || self.sinks.iter().map(|sink| sink.name.value.as_str());
        let unknown = |wanted: &str| !names().any(|name| name == wanted);
        let hint = |wanted: &str| match nearest(wanted, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add `[sinks.{wanted}]` to this file"),
        };
        for sink in self.default_sinks.iter().filter(|sink| unknown(&sink.value)) {
            let message = format!("there is no sink `{}`", sink.value);
            diagnostics.push(Diagnostic::new(E0607, sink.span, message).help(hint(&sink.value)));
        }
        let mut wanted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut silent = Vec::new();
        // Alerts that other rules read need no sink.
        let read: BTreeSet<&str> = program.read_rules().map(|rule| &*rule.name).collect();
        for rule in program.rules() {
            let is_sent = !rule.sinks.is_empty() || self.routing.may_send(rule);
            if !is_sent && rule.mode == Mode::Live && !read.contains(&*rule.name) {
                silent.push(&*rule.name);
            }
            for sink in rule.sinks.iter().filter(|sink| unknown(sink)) {
                wanted.entry(sink).or_default().push(&rule.name);
            }
        }
        for (sink, rules) in wanted {
            let message = format!("the alerts of {} go to `{sink}`, and there is no such sink", list(rules));
            diagnostics.push(Diagnostic::new(E0607, self.rules.span, message).help(hint(sink)));
        }
        if self.default_sinks.is_empty() && !silent.is_empty() {
            let message = format!("the alerts of {} go nowhere", list(silent));
            let help = "give the rules a `to`, or this file `default_sinks`";
            diagnostics.push(Diagnostic::new(W0601, self.rules.span, message).help(help));
        }
    }
}
