//! Reads where alerts go, and which of them disturb nobody.

mod check;
mod matcher;
mod quiet;

use std::collections::BTreeMap;

use toml::de::DeTable;

use crate::diagnostic::{Diagnostic, Span, codes::E0610};
use crate::routing::{
    Escalate, GroupName, Grouping, Inhibit, Quiet, QuietHours, REST, Resolve, Route, Settings,
};

use super::document::{Report, Table};
use super::reference::{ESCALATE, INHIBIT, RESOLVE, ROUTE_QUIET, ROUTES};
use super::{Located, Sink};

pub use check::Mentioned;
use check::{check_routes, known_sinks};
use matcher::{globs, matcher};
use quiet::quiet_hours;

/// What is said of routing, and the places of what only the rules can tell to be wrong.
#[derive(Clone, Debug, Default)]
pub struct Routing {
    /// What routing is told to do.
    pub settings: Settings,
    /// The rules and tags that are named.
    pub mentioned: Mentioned,
}

/// What is common to all that is read.
struct Reading<'a> {
    sinks: &'a [Sink],
    hours: BTreeMap<String, QuietHours>,
    mentioned: Mentioned,
}

/// Reads routes, inhibitions and quiet hours.
pub fn routing(
    root: &Table<'_>,
    sinks: &[Sink],
    default_sinks: &[Located<String>],
    report: &mut Report,
) -> Routing {
    let hours = quiet_hours(root, report);
    let mut reading = Reading { sinks, hours, mentioned: Mentioned::default() };
    let mut routes: Vec<(Route, Span)> = Vec::new();
    for (number, (values, place)) in (1..).zip(root.tables("routes", report)) {
        let route = reading.route(number, values, place, report);
        if route.name == REST || routes.iter().any(|(other, _)| other.name == route.name) {
            let message = format!("there is a route `{}` already", route.name);
            report.push(Diagnostic::new(E0610, place, message).help("give one of them another name"));
        }
        routes.push((route, place));
    }
    check_routes(&routes, report);
    let mut inhibit = Vec::new();
    for (number, (values, place)) in (1..).zip(root.tables("inhibit", report)) {
        inhibit.extend(reading.inhibition(number, values, place, report));
    }
    let settings = Settings {
        sinks: sinks.iter().map(|sink| sink.name.value.clone()).collect(),
        default_sinks: default_sinks.iter().map(|sink| sink.value.clone()).collect(),
        routes: routes.into_iter().map(|(route, _)| route).collect(),
        inhibit,
    };
    Routing { settings, mentioned: reading.mentioned }
}

impl Reading<'_> {
    fn route(&mut self, number: usize, values: &DeTable<'_>, place: Span, report: &mut Report) -> Route {
        let table = Table::new(values, &ROUTES, place, report);
        let name = table.text("name", report).map_or_else(|| format!("route {number}"), |name| name.value);
        let matcher = match table.table("match", report) {
            Some((values, place)) => matcher(values, place, &mut self.mentioned, report),
            None => Default::default(),
        };
        let sinks = self.sinks_of(&table, "sinks", report);
        Route {
            name,
            matcher,
            sinks,
            goes_on: table.flag("continue", report).unwrap_or_default(),
            group: grouping(&table, report),
            quiet: table.table("quiet", report).and_then(|(values, place)| self.quiet(values, place, report)),
            escalate: table
                .table("escalate", report)
                .and_then(|(values, place)| self.escalate(values, place, report)),
            resolve: table
                .table("resolve", report)
                .map(|(values, place)| self.resolve(values, place, report)),
        }
    }

    /// The sinks under a key, if it is given; those that there are not are reported.
    fn sinks_of(&self, table: &Table<'_>, key: &str, report: &mut Report) -> Option<Vec<String>> {
        table.place(key, report)?;
        let named = table.names(key, report);
        known_sinks(&named, self.sinks, report);
        let mut sinks: Vec<String> = Vec::new();
        for sink in named {
            if !sinks.contains(&sink.value) {
                sinks.push(sink.value);
            }
        }
        Some(sinks)
    }

    fn quiet(&self, values: &DeTable<'_>, place: Span, report: &mut Report) -> Option<Quiet> {
        let table = Table::new(values, &ROUTE_QUIET, place, report);
        let mut hours = Vec::new();
        for name in table.names("hours", report) {
            match self.hours.get(&name.value) {
                Some(known) => hours.push(known.clone()),
                None => report.unknown_name("quiet hours", &name, self.hours.keys(), "[quiet_hours.NAME]"),
            }
        }
        let instead = self.sinks_of(&table, "to", report);
        if instead.as_ref().is_some_and(Vec::is_empty) {
            let help = "name sinks, or leave `to` out, so that alerts wait for the end of the hours";
            report.contradiction(place, "in quiet hours alerts would go nowhere", help);
        }
        check::check_ends(&hours, place, report);
        let even_critical = table.flag("critical", report).unwrap_or_default();
        Some(Quiet { hours, instead, even_critical }).filter(|quiet| !quiet.hours.is_empty())
    }

    fn escalate(&self, values: &DeTable<'_>, place: Span, report: &mut Report) -> Option<Escalate> {
        let table = Table::new(values, &ESCALATE, place, report);
        let after = table.duration("after", report);
        let Some(to) = self.sinks_of(&table, "to", report) else {
            // Says that it is missing.
            table.names("to", report);
            return None;
        };
        if to.is_empty() {
            report.contradiction(place, "it would be escalated to nobody", "name a sink in `to`");
        }
        Some(Escalate { after: after?, to })
    }

    fn resolve(&mut self, values: &DeTable<'_>, place: Span, report: &mut Report) -> Resolve {
        let table = Table::new(values, &RESOLVE, place, report);
        let after = table.duration("after", report);
        Resolve { after, by: globs(&table, "by", &mut self.mentioned, report) }
    }

    fn inhibition(
        &mut self,
        number: usize,
        values: &DeTable<'_>,
        place: Span,
        report: &mut Report,
    ) -> Option<Inhibit> {
        let table = Table::new(values, &INHIBIT, place, report);
        let name =
            table.text("name", report).map_or_else(|| format!("inhibition {number}"), |name| name.value);
        let mut side = |key: &str, report: &mut Report| {
            let (values, place) = table.table(key, report)?;
            let side = matcher(values, place, &mut self.mentioned, report);
            if side.is_empty() {
                let help = "say which alerts are meant, for example `{ rules = [\"site_down\"] }`";
                report.contradiction(place, format!("`{key}` means all alerts"), help);
            }
            Some(side)
        };
        let (source, target) = (side("source", report), side("target", report));
        let equal = table.names("equal", report).into_iter().map(|name| name.value).collect();
        let lasts = table.duration("for", report);
        Some(Inhibit { name, source: source?, target: target?, equal, lasts: lasts? })
    }
}

fn grouping(table: &Table<'_>, report: &mut Report) -> Option<Grouping> {
    let (wait, interval) = (table.duration("group_wait", report), table.duration("group_interval", report));
    let most = table.count("max_group", report);
    if table.place("group_by", report).is_none() {
        for key in ["group_wait", "group_interval", "max_group"] {
            if let Some(place) = table.place(key, report) {
                let help = "add `group_by`, for example `group_by = [\"rule\"]`, or take this out";
                report.contradiction(
                    place,
                    format!("`{key}` is about groups, and there is no `group_by`"),
                    help,
                );
            }
        }
        return None;
    }
    let by = table.names("group_by", report).iter().map(|name| GroupName::of(&name.value)).collect();
    Some(Grouping { by, wait: wait?, interval: interval?, most: most? })
}
