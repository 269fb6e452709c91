//! Reads quiet hours.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use toml::de::DeTable;

use crate::routing::{DAY, QuietHours};

use crate::config::Located;
use crate::config::document::{Report, Table};
use crate::config::read::members;
use crate::config::reference::QUIET_HOURS;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Reads all quiet hours.
pub fn quiet_hours(root: &Table<'_>, report: &mut Report) -> BTreeMap<String, QuietHours> {
    let hours = members(root, "quiet_hours", report, hours).unwrap_or_default();
    hours.into_iter().map(|hours| (hours.name.clone(), hours)).collect()
}

fn hours(name: Located<String>, values: &DeTable<'_>, report: &mut Report) -> Option<QuietHours> {
    let table = Table::new(values, &QUIET_HOURS, name.span, report);
    let mut days = [table.place("days", report).is_none(); 7];
    for given in table.names("days", report) {
        match DAYS.iter().position(|day| *day == given.value) {
            Some(day) => days[day] = true,
            None => report.unknown_word(&given, &DAYS),
        }
    }
    if !days.contains(&true) {
        report.contradiction(
            name.span,
            "they begin on no day",
            "name days, or leave `days` out for every day",
        );
    }
    let (from, to) = (clock(&table, "from", report), clock(&table, "to", report));
    let zone = match table.text("zone", report) {
        None => TimeZone::UTC,
        Some(given) => match TimeZone::get(&given.value) {
            Ok(zone) => zone,
            Err(_) => {
                let why = "there is no time zone of that name; write one like `Europe/Berlin` or `UTC`";
                report.unreadable("zone", &given, why);
                return None;
            }
        },
    };
    let (from, to) = (from?, to?);
    if from == to || from == DAY {
        let help = "for the whole day write `from = \"00:00\"` and `to = \"24:00\"`";
        report.contradiction(name.span, "they end when they begin", help);
        return None;
    }
    Some(QuietHours { name: name.value, days, from, to, zone })
}

/// A time of day in minutes.
fn clock(table: &Table<'_>, key: &str, report: &mut Report) -> Option<u16> {
    let given = table.text(key, report)?;
    let minutes = given.value.split_once(':').and_then(|(hours, minutes)| {
        let number = |text: &str| (text.len() == 2).then(|| text.parse::<u16>().ok()).flatten();
        let minutes = number(minutes).filter(|minutes| *minutes < 60)?;
        number(hours)?.checked_mul(60)?.checked_add(minutes).filter(|minutes| *minutes <= DAY)
    });
    if minutes.is_none() {
        report.unreadable(key, &given, "a time of day is written `22:00`");
    }
    minutes
}
