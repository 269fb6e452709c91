//! The cases planted among the traffic, and near misses beside them that must not be reported.
//!
//! Their keys occur nowhere else, so that chance cannot spoil a case or complete a near miss: what
//! the rules must find is known exactly, whatever the seed.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use super::lines::{self, Place};
use super::traffic::{HOMES, home_ip, sensor_name, unit, user_name};
use super::{Case, Generator, HOUR, MINUTE, SECOND};

/// What is planted: the rule, how, how long it takes until the alert is certain, how many cases and
/// how many near misses.
type Kind = (&'static str, fn(&mut Generator, Planting), i64, u64, u64);

const KINDS: [Kind; 11] = [
    ("card_testing", card_testing, 15 * MINUTE, 8, 4),
    ("account_takeover", account_takeover, 3 * HOUR, 5, 3),
    ("money_mule", money_mule, HOUR, 5, 3),
    ("scalping", scalping, 15 * MINUTE, 4, 2),
    ("impossible_travel", impossible_travel, 5 * HOUR, 5, 3),
    ("brute_force", brute_force, 15 * MINUTE, 4, 3),
    ("brute_force", guessing_in_vain, 15 * MINUTE, 3, 0),
    ("password_spray", password_spray, 15 * MINUTE, 3, 2),
    ("order_not_shipped", order_not_shipped, 5 * HOUR, 6, 4),
    ("sensor_stuck", sensor_stuck, 4 * HOUR, 3, 2),
    ("sensor_silent", sensor_silent, 3 * HOUR, 3, 2),
];

/// One case to plant.
#[derive(Clone, Copy)]
struct Planting {
    rule: &'static str,
    /// When it begins.
    at: i64,
    /// A number that no other case and no traffic uses as a key.
    number: u64,
    /// Whether the rule must report it.
    fires: bool,
}

/// Plants every kind of case for which the generator's span has room, so many times.
pub fn plant(generator: &mut Generator, times: u64) {
    // Above every card, user and sensor of the traffic.
    let mut number = generator.settings.keys + 1_000;
    for (rule, plant, takes, cases, near_misses) in KINDS {
        let from = generator.settings.start_ms + MINUTE;
        // The last half hour is left to the slow streams, which hold event time back.
        let to = generator.end_ms - takes - 30 * MINUTE;
        if to <= from {
            continue;
        }
        for index in 0..times * (cases + near_misses) {
            let at = generator.between(from, to);
            let fires = index % (cases + near_misses) < cases;
            plant(generator, Planting { rule, at, number, fires });
            number += 1;
        }
    }
}

impl Generator {
    fn planted<const N: usize>(&mut self, planting: Planting, key: [(&'static str, String); N]) {
        self.planted_kind(planting, "match", key);
    }

    fn planted_kind<const N: usize>(
        &mut self,
        planting: Planting,
        kind: &'static str,
        key: [(&'static str, String); N],
    ) {
        let Planting { rule, fires, .. } = planting;
        self.cases.push(Case { rule, kind, key: BTreeMap::from(key), fires });
    }

    /// A time some seconds after `at`.
    fn later(&mut self, at: i64, from_seconds: i64, to_seconds: i64) -> i64 {
        at + self.between(from_seconds * SECOND, to_seconds * SECOND)
    }
}

fn attacker_ip(number: u64) -> String {
    format!("203.0.113.{}", number % 250 + 1)
}

/// Near miss: two tests instead of three, or the large charge made with the card itself.
fn card_testing(g: &mut Generator, planting: Planting) {
    let Planting { mut at, number, fires, .. } = planting;
    let card = format!("card-{number:06}");
    let too_few = number.is_multiple_of(2);
    let tests = if fires || !too_few { g.between(3, 6) } else { 2 };
    for _ in 0..tests {
        let amount = 0.3 + 1.5 * g.chance();
        let approved = g.chance() < 0.6;
        let merchant = format!("donations-{}.example", g.between(1, 9));
        let fields = lines::card_auth(&card, &merchant, amount, approved, Some("online"), Some(number));
        g.send("card_auths", at, &fields);
        at = g.later(at, 10, 60);
    }
    let entry = match (fires, too_few) {
        (false, false) => Some("chip"),
        _ => (g.chance() < 0.8).then_some("online"),
    };
    let amount = 250.0 + 900.0 * g.chance();
    g.send("card_auths", at, &lines::card_auth(&card, "phones.example", amount, true, entry, Some(number)));
    g.planted(planting, [("card", card)]);
}

/// Near miss: support checked the identity before the payout.
fn account_takeover(g: &mut Generator, planting: Planting) {
    let Planting { mut at, number, fires, .. } = planting;
    let user = user_name(number);
    let change = ["password_reset", "email_changed", "phone_changed"][g.between(0, 2) as usize];
    g.send("account_changes", at, &lines::account_change(&user, change, "web"));
    at = g.later(at, 40, 1_500);
    let ip = attacker_ip(number);
    g.send("logins", at, &lines::login(&user, &ip, true, Some(false), None));
    at = g.later(at, 60, 1_500);
    if !fires {
        g.send("account_changes", at, &lines::account_change(&user, "identity_verified", "support"));
    }
    at = g.later(at, 60, 6_000);
    let amount = 150.0 + 3_000.0 * g.chance();
    g.send("payouts", at, &lines::payout(&user, amount, "LT"));
    g.planted(planting, [("user", user)]);
}

/// Near miss: less than nine tenths passed on, of a single sum: of two, what is passed on could be
/// nine tenths of the second alone.
fn money_mule(g: &mut Generator, planting: Planting) {
    let Planting { mut at, number, fires, .. } = planting;
    let account = format!("acc-{number:06}");
    let mut received = 0.0;
    for _ in 0..if fires { g.between(1, 2) } else { 1 } {
        let amount = (1_200.0 + 6_000.0 * g.chance()).round();
        received += amount;
        g.send("transfers", at, &lines::transfer(&account, "in", amount, Some(false)));
        at = g.later(at, 30, 300);
    }
    let share = if fires { 0.91 + 0.08 * g.chance() } else { 0.4 + 0.4 * g.chance() };
    let pieces = g.between(1, 4);
    for _ in 0..pieces {
        at = g.later(at, 30, 600);
        let amount = received * share / pieces as f64;
        g.send("transfers", at, &lines::transfer(&account, "out", amount, None));
    }
    g.planted(planting, [("account", account)]);
}

/// Near miss: ten tickets.
fn scalping(g: &mut Generator, planting: Planting) {
    let Planting { mut at, number, fires, .. } = planting;
    let ip = address(0, number);
    let show = format!("show-{:02}", number % 40);
    let (orders, quantity) = if fires { (g.between(3, 5), 4) } else { (2, 5) };
    for order in 0..orders {
        let buyer = format!("buyer-{number}-{order}");
        g.send("ticket_orders", at, &lines::ticket_order(&buyer, Some(&ip), &show, quantity));
        at = g.later(at, 10, 60);
    }
    g.planted(planting, [("show", show), ("ip", ip)]);
}

/// Near miss: a flight between two cities.
fn impossible_travel(g: &mut Generator, planting: Planting) {
    let Planting { at, number, fires, .. } = planting;
    let user = user_name(number);
    let home = HOMES[number as usize % HOMES.len()].0;
    g.send("logins", at, &lines::login(&user, &home_ip(number), true, Some(true), Some(home)));
    if fires {
        let there = Place { country: "SG", lat: 1.3521, lon: 103.8198 };
        let at = g.later(at, 300, 5_000);
        g.send("logins", at, &lines::login(&user, &attacker_ip(number), true, Some(true), Some(there)));
    } else {
        let there = Place { country: "PT", lat: 38.7223, lon: -9.1393 };
        let at = g.later(at, 4 * 3_600, 4 * 3_600 + 1_800);
        g.send("logins", at, &lines::login(&user, "198.51.100.40", true, Some(true), Some(there)));
    }
    g.planted(planting, [("user", user)]);
}

/// Sends failed logins and gives the time after the last.
fn failures(g: &mut Generator, user: &str, ip: &str, mut at: i64, count: i64) -> i64 {
    for _ in 0..count {
        g.send("logins", at, &lines::login(user, ip, false, Some(false), None));
        at = g.later(at, 1, 12);
    }
    at
}

/// Near miss: a forgotten password, remembered at the ninth attempt.
fn brute_force(g: &mut Generator, planting: Planting) {
    let Planting { at, number, fires, .. } = planting;
    let (user, ip) = (user_name(number), attacker_ip(number));
    let count = if fires { g.between(10, 25) } else { 8 };
    let at = failures(g, &user, &ip, at, count);
    g.send("logins", at, &lines::login(&user, &ip, true, Some(false), None));
    g.planted(planting, [("user", user)]);
}

fn guessing_in_vain(g: &mut Generator, planting: Planting) {
    let (user, ip) = (user_name(planting.number), attacker_ip(planting.number));
    let count = g.between(11, 30);
    failures(g, &user, &ip, planting.at, count);
    g.planted_kind(planting, "timeout", [("user", user)]);
}

/// Near miss: six users.
fn password_spray(g: &mut Generator, planting: Planting) {
    let Planting { mut at, number, fires, .. } = planting;
    let ip = address(1, number);
    let users = if fires { g.between(10, 16) } else { 6 };
    for user in 0..users as u64 {
        let user = user_name(number * 100 + user);
        at = failures(g, &user, &ip, at, if fires { 1 } else { 2 });
    }
    let hit = user_name(number * 100 + 99);
    g.send("logins", at, &lines::login(&hit, &ip, true, Some(false), None));
    g.planted(planting, [("ip", ip)]);
}

/// Near miss: shipped ten minutes before the time is up.
fn order_not_shipped(g: &mut Generator, planting: Planting) {
    let Planting { at, number, fires, .. } = planting;
    let number = 9_000_000 + number % 1_000_000;
    let amount = g.around(60.0, 1.5);
    g.send("orders", at, &lines::order(number, "placed", amount, None));
    let paid = g.later(at, 20, 200);
    g.send("orders", paid, &lines::order(number, "paid", amount, Some("south")));
    let packed = g.later(paid, 600, 3_000);
    g.send("orders", packed, &lines::order(number, "packed", amount, Some("south")));
    if !fires {
        g.send("orders", paid + 230 * MINUTE, &lines::order(number, "shipped", amount, Some("south")));
    }
    g.planted(planting, [("order", format!("o-{number:07}"))]);
}

/// Sends readings five minutes apart, each a little different from the one before, and gives the
/// time after the last.
fn readings(g: &mut Generator, sensor: usize, mut at: i64, count: i64) -> i64 {
    let (unit, usual) = unit(sensor);
    for index in 0..count {
        let value = usual + 0.05 * (1 + index % 7) as f64;
        g.send("sensor_readings", at, &lines::sensor(&sensor_name(sensor), "reading", Some(value), unit));
        at += 5 * MINUTE;
    }
    at
}

fn stopped(g: &mut Generator, sensor: usize, at: i64) {
    let fields = lines::sensor(&sensor_name(sensor), "stopped", None, unit(sensor).0);
    g.send("sensor_readings", at, &fields);
}

/// Near miss: six equal values.
fn sensor_stuck(g: &mut Generator, planting: Planting) {
    let Planting { at, number, fires, .. } = planting;
    let sensor = number as usize;
    let (unit, usual) = unit(sensor);
    let count = g.between(6, 18);
    let mut at = readings(g, sensor, at, count);
    for _ in 0..if fires { g.between(8, 12) } else { 6 } {
        let fields = lines::sensor(&sensor_name(sensor), "reading", Some(usual - 0.5), unit);
        g.send("sensor_readings", at, &fields);
        at += 5 * MINUTE;
    }
    let at = readings(g, sensor, at, 3);
    stopped(g, sensor, at);
    g.planted(planting, [("sensor", sensor_name(sensor))]);
}

/// Near miss: fourteen minutes without a message.
fn sensor_silent(g: &mut Generator, planting: Planting) {
    let Planting { at, number, fires, .. } = planting;
    let sensor = number as usize;
    let count = g.between(6, 18);
    let at = readings(g, sensor, at, count);
    if !fires {
        let at = readings(g, sensor, at + 9 * MINUTE, 3);
        stopped(g, sensor, at);
    }
    g.planted(planting, [("sensor", sensor_name(sensor))]);
}

/// An address of the range that documentation uses, as the service writes it.
fn address(network: u16, host: u64) -> String {
    let [high, low] = [(host >> 16) as u16, (host & 0xffff) as u16];
    Ipv6Addr::new(0x2001, 0xdb8, 0, network, 0, 0, high, low).to_string()
}
