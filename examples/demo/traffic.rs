//! The ordinary traffic: what happens when nothing is wrong. It should not fire the rules; that it
//! does so now and then (a company network whose exit is abroad looks like impossible travel) is how
//! rules fare in real life too.

use std::f64::consts::TAU;

use super::lines::{self, Place};
use super::{Due, EVENTS_PER_KEY_AND_DAY, Generator, HOUR, MINUTE, SECOND, Settings};

/// Share of all lines that come from sensors, which send day and night.
const SENSOR_SHARE: f64 = 0.12;
/// How often a sensor sends.
const READING_EVERY: i64 = 5 * MINUTE;

/// Something that happens at a time, and its share among all that happens. It can be several lines,
/// an order for example four.
type Occurrence = (fn(&mut Generator, i64), f64);

const OCCURRENCES: [Occurrence; 7] = [
    (Generator::purchase, 0.57),
    (Generator::login, 0.22),
    (Generator::shop_order, 0.034),
    (Generator::bank_transfer, 0.10),
    (Generator::ticket_sale, 0.05),
    (Generator::payout, 0.016),
    (Generator::account_change, 0.01),
];
/// Lines that an occurrence makes on average.
const LINES_PER_OCCURRENCE: f64 = 1.13;

/// Places where users live, as (place, share).
pub const HOMES: [(Place, f64); 8] = [
    (Place { country: "DE", lat: 52.52, lon: 13.405 }, 0.22),
    (Place { country: "DE", lat: 48.1351, lon: 11.582 }, 0.15),
    (Place { country: "FR", lat: 48.8566, lon: 2.3522 }, 0.18),
    (Place { country: "ES", lat: 40.4168, lon: -3.7038 }, 0.12),
    (Place { country: "IT", lat: 45.4642, lon: 9.19 }, 0.12),
    (Place { country: "NL", lat: 52.3676, lon: 4.9041 }, 0.09),
    (Place { country: "PL", lat: 52.2297, lon: 21.0122 }, 0.07),
    (Place { country: "SE", lat: 59.3293, lon: 18.0686 }, 0.05),
];

/// Kinds of merchants: name, how many there are, how cards are read there, median amount, spread,
/// share.
const MERCHANTS: [(&str, u64, &str, f64, f64, f64); 9] = [
    ("grocer", 400, "chip", 28.0, 1.9, 0.29),
    ("cafe", 900, "tap", 5.5, 1.3, 0.18),
    ("transit", 12, "tap", 3.2, 1.15, 0.12),
    ("fuel", 150, "chip", 52.0, 1.3, 0.08),
    ("restaurant", 600, "chip", 34.0, 1.6, 0.12),
    ("webshop", 500, "online", 42.0, 2.0, 0.14),
    ("streaming", 8, "online", 10.99, 1.0, 0.03),
    ("appstore", 4, "online", 2.6, 1.7, 0.02),
    ("travel", 60, "online", 260.0, 1.9, 0.02),
];

/// What the traffic remembers.
#[derive(Debug)]
pub struct Traffic {
    cards: u64,
    pub(super) users: u64,
    /// Occurrences per millisecond when the day is at its average.
    rate: f64,
    orders: u64,
    /// The last value of each sensor.
    sensors: Vec<f64>,
}

impl Traffic {
    pub fn new(settings: &Settings) -> Traffic {
        let per_day = (settings.keys.max(1) * EVENTS_PER_KEY_AND_DAY) as f64;
        let day = (24 * HOUR) as f64;
        let readings_a_day = day / READING_EVERY as f64;
        let sensors = (per_day * SENSOR_SHARE / readings_a_day).ceil();
        let others = (per_day - sensors * readings_a_day).max(1.0);
        // A span that is not whole days has more or less than its share of the busy hours.
        let samples = 1_000;
        let mean =
            (0..samples).map(|i| busy(settings.start_ms + settings.span_ms() * i / samples)).sum::<f64>()
                / samples as f64;
        Traffic {
            cards: settings.keys.max(1),
            users: (settings.keys / 2).max(1),
            rate: others / LINES_PER_OCCURRENCE / day / mean,
            orders: 0,
            sensors: vec![0.0; sensors as usize],
        }
    }
}

/// How busy the time of day is: 0.25 at four in the morning, 1.75 at four in the afternoon (UTC).
fn busy(time_ms: i64) -> f64 {
    let hour = time_ms.rem_euclid(24 * HOUR) as f64 / HOUR as f64;
    1.0 - 0.75 * ((hour - 4.0) / 24.0 * TAU).cos()
}

fn hour(time_ms: i64) -> i64 {
    time_ms.rem_euclid(24 * HOUR) / HOUR
}

/// The name of a user, also of their account in `payouts`.
pub fn user_name(user: u64) -> String {
    format!("u{user:06}")
}

/// The address a user has at home, from the range that carriers share among customers.
pub fn home_ip(user: u64) -> String {
    format!("100.{}.{}.{}", 64 + (user >> 16) % 64, (user >> 8) % 256, user % 256)
}

pub fn sensor_name(sensor: usize) -> String {
    format!("s{sensor:05}")
}

/// What a sensor measures.
pub fn unit(sensor: usize) -> (&'static str, f64) {
    [("celsius", 21.0), ("percent", 45.0), ("bar", 3.0)][sensor % 3]
}

impl Generator {
    pub(super) fn begin_traffic(&mut self) {
        let start = self.settings.start_ms;
        self.schedule(start, Due::Traffic);
        for sensor in 0..self.traffic.sensors.len() {
            self.traffic.sensors[sensor] = unit(sensor).1;
            let at = start + self.between(0, READING_EVERY);
            self.schedule(at, Due::Sensor(sensor));
        }
        // Every stream sends something near the end, even in the smallest traffic: the slowest one
        // holds event time back, and with it what waits for time to pass.
        for (occur, _) in OCCURRENCES {
            occur(self, self.end_ms - 3 * MINUTE);
        }
    }

    pub(super) fn make_traffic(&mut self, at: i64) {
        let wanted = self.chance();
        let occur = self.one_of(&OCCURRENCES, wanted);
        occur(self, at);
        // Independent arrivals: the gaps are exponential.
        let gap = -(1.0 - self.chance()).ln() / (self.traffic.rate * busy(at));
        self.schedule(at + gap as i64, Due::Traffic);
    }

    /// The entry in whose share of the whole `wanted` (0 to 1) falls.
    fn one_of<T: Copy>(&self, table: &[(T, f64)], wanted: f64) -> T {
        let total: f64 = table.iter().map(|(_, share)| share).sum();
        let mut rest = wanted * total;
        for (entry, share) in table {
            if rest < *share {
                return *entry;
            }
            rest -= share;
        }
        table[table.len() - 1].0
    }

    fn purchase(&mut self, at: i64) {
        let card = format!("card-{:06}", self.popular(self.traffic.cards, 1.5));
        let shares = MERCHANTS.map(|merchant| {
            let likely = match (merchant.0, hour(at)) {
                ("cafe", 6..=10) => 2.5,
                ("restaurant", 11..=13 | 17..=21) => 2.5,
                ("grocer" | "cafe", 0..=5) => 0.1,
                _ => 1.0,
            };
            (merchant, merchant.5 * likely)
        });
        let wanted = self.chance();
        let (kind, count, entry, median, spread, _) = self.one_of(&shares, wanted);
        let merchant = format!("{kind}-{}.example", self.popular(count, 2.0));
        let amount = self.around(median, spread).max(0.3);
        let approved = self.chance() < 0.97;
        let device = (entry == "online").then(|| self.popular(self.traffic.cards, 1.0));
        let entry = (self.chance() < 0.97).then_some(entry);
        self.send("card_auths", at, &lines::card_auth(&card, &merchant, amount, approved, entry, device));
    }

    /// The place where a user is usually seen, with the error of places derived from addresses.
    fn near_home(&mut self, user: u64) -> Place {
        // Spread over the table by a fixed step, so that a user's home does not change.
        let home = self.one_of(&HOMES, (user as f64 * 0.618_033_988_75).fract());
        let (north, east) = (self.chance() - 0.5, self.chance() - 0.5);
        Place { lat: home.lat + north, lon: home.lon + east, ..home }
    }

    fn login(&mut self, at: i64) {
        let user = self.popular(self.traffic.users, 1.5);
        let name = user_name(user);
        let mut ip = home_ip(user);
        let mut place = Some(self.near_home(user));
        let mut at = at;
        match self.between(0, 30_000) {
            0 => {
                // A company network with its exit in another part of the world.
                ip = "192.0.2.14".to_owned();
                place = Some(Place { country: "US", lat: 39.0438, lon: -77.4874 });
            }
            1..2_400 => place = None,
            _ => {}
        }
        if self.chance() < 0.07 {
            for _ in 0..self.between(1, 3) {
                self.send("logins", at, &lines::login(&name, &ip, false, Some(true), place));
                at += self.between(4, 20) * SECOND;
            }
        }
        let known = match self.between(0, 99) {
            0 => Some(false),
            1..=2 => None,
            _ => Some(true),
        };
        self.send("logins", at, &lines::login(&name, &ip, true, known, place));
    }

    fn shop_order(&mut self, at: i64) {
        let number = self.traffic.orders;
        self.traffic.orders += 1;
        let amount = self.around(38.0, 1.8);
        let warehouse = ["north", "south", "harbour"][(number % 3) as usize];
        self.send("orders", at, &lines::order(number, "placed", amount, None));
        if self.chance() < 0.05 {
            let given_up = at + self.between(5, 40) * MINUTE;
            self.send("orders", given_up, &lines::order(number, "cancelled", amount, None));
            return;
        }
        let paid = at + self.between(20, 300) * SECOND;
        self.send("orders", paid, &lines::order(number, "paid", amount, Some(warehouse)));
        let took = (self.around(95.0, 1.4) * MINUTE as f64) as i64;
        let left = paid + took.clamp(15 * MINUTE, 225 * MINUTE);
        if self.chance() < 0.03 {
            self.send("orders", left, &lines::order(number, "refunded", amount, Some(warehouse)));
            return;
        }
        let packed = paid + (left - paid) / 2;
        self.send("orders", packed, &lines::order(number, "packed", amount, Some(warehouse)));
        self.send("orders", left, &lines::order(number, "shipped", amount, Some(warehouse)));
    }

    fn bank_transfer(&mut self, at: i64) {
        let account = format!("acc-{:06}", self.popular(self.traffic.users, 1.3));
        let (direction, median, spread, own) = match self.between(0, 99) {
            0..=6 => ("in", 2_400.0, 1.3, Some(false)),
            7..=21 => ("in", 90.0, 2.0, Some(false)),
            22..=26 => ("out", 820.0, 1.2, Some(false)),
            27..=33 => (if at % 2 == 0 { "in" } else { "out" }, 300.0, 2.0, Some(true)),
            34..=40 => ("out", 60.0, 2.0, None),
            _ => ("out", 45.0, 2.2, Some(false)),
        };
        let amount = self.around(median, spread);
        self.send("transfers", at, &lines::transfer(&account, direction, amount, own));
    }

    fn ticket_sale(&mut self, at: i64) {
        let user = self.popular(self.traffic.users, 1.0);
        let show = format!("show-{:02}", self.popular(40, 2.5));
        let quantity = [1, 2, 2, 2, 3, 4, 4, 6][self.between(0, 7) as usize];
        let ip = (self.chance() < 0.96).then(|| home_ip(user));
        let fields = lines::ticket_order(&user_name(user), ip.as_deref(), &show, quantity);
        self.send("ticket_orders", at, &fields);
    }

    fn payout(&mut self, at: i64) {
        let user = user_name(self.popular(self.traffic.users, 2.0));
        let amount = self.around(60.0, 2.2);
        let country = ["DE", "FR", "ES", "IT", "NL"][self.between(0, 4) as usize];
        self.send("payouts", at, &lines::payout(&user, amount, country));
    }

    fn account_change(&mut self, at: i64) {
        let user = user_name(self.popular(self.traffic.users, 1.0));
        let kind = match self.between(0, 9) {
            0..=2 => "password_reset",
            3 => "email_changed",
            4 => "identity_verified",
            5..=6 => "address_changed",
            _ => "notifications_changed",
        };
        let via = ["app", "web", "web", "support"][self.between(0, 3) as usize];
        self.send("account_changes", at, &lines::account_change(&user, kind, via));
    }

    pub(super) fn make_reading(&mut self, at: i64, sensor: usize) {
        let (unit, usual) = unit(sensor);
        let name = sensor_name(sensor);
        let mut again = at + READING_EVERY + self.between(-20, 20) * SECOND;
        // Pulled back to the usual value, so that it does not wander off in a long run.
        let step = (self.chance() - 0.5) * usual * 0.04;
        let value = self.traffic.sensors[sensor] * 0.95 + usual * 0.05 + step;
        self.traffic.sensors[sensor] = value;
        let fields = match self.between(0, 4_000) {
            0 => {
                again = at + 50 * MINUTE;
                lines::sensor(&name, "stopped", None, unit)
            }
            1..=3 => lines::sensor(&name, "maintenance", None, unit),
            4..=13 => lines::sensor(&name, "reading", None, unit),
            _ => lines::sensor(&name, "reading", Some(value), unit),
        };
        self.send("sensor_readings", at, &fields);
        self.schedule(again, Due::Sensor(sensor));
    }
}
