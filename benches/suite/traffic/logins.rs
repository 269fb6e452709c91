//! Logins, with passwords that are guessed and users who are in two places at once.

use std::io::{self, Write};

use super::{Chance, Script};

/// How many users there are.
const USERS: u64 = 50_000;

/// Cities, with latitude and longitude in thousandths of a degree, and a country. Users live in one of
/// the first sixteen, which are in Europe; attackers come from the last eight.
const CITIES: [(&str, &str, i64, i64); 24] = [
    ("Berlin", "DE", 52_520, 13_405),
    ("Hamburg", "DE", 53_551, 9_994),
    ("Munich", "DE", 48_137, 11_575),
    ("Paris", "FR", 48_857, 2_352),
    ("Lyon", "FR", 45_764, 4_836),
    ("Madrid", "ES", 40_417, -3_704),
    ("Rome", "IT", 41_903, 12_496),
    ("Vienna", "AT", 48_208, 16_374),
    ("Warsaw", "PL", 52_230, 21_011),
    ("Prague", "CZ", 50_076, 14_437),
    ("Dublin", "IE", 53_350, -6_260),
    ("London", "GB", 51_507, -127),
    ("Oslo", "NO", 59_914, 10_752),
    ("Stockholm", "SE", 59_329, 18_069),
    ("Lisbon", "PT", 38_722, -9_139),
    ("Athens", "GR", 37_984, 23_728),
    ("New York", "US", 40_713, -74_006),
    ("Chicago", "US", 41_878, -87_630),
    ("Sao Paulo", "BR", -23_551, -46_633),
    ("Lagos", "NG", 6_524, 3_379),
    ("Mumbai", "IN", 19_076, 72_878),
    ("Singapore", "SG", 1_352, 103_820),
    ("Tokyo", "JP", 35_677, 139_650),
    ("Sydney", "AU", -33_869, 151_209),
];
const HOMES: u64 = 16;

/// What is planted among honest logins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// Many wrong passwords, then mostly the right one.
    Guess,
    /// A login from another continent.
    Travel,
}

/// A login: user, city, last byte of the address, whether the password was right.
type Login = (u64, u64, u64, bool);

/// Writes so many logins.
pub fn write(out: &mut impl Write, events: u64, attack: Attack) -> io::Result<()> {
    let mut chance = Chance::new(2);
    let mut script: Script<Login> = Script::new();
    for number in 0..events {
        if chance.in_thousand(if attack == Attack::Guess { 2 } else { 1 }) {
            plant(&mut script, &mut chance, attack, number);
        }
        let (user, city, address, ok) = match script.due(number) {
            Some(login) => login,
            None => {
                let user = chance.below(USERS);
                (user, user % HOMES, user % 250, !chance.in_thousand(40))
            }
        };
        let time_ms = chance.time_ms(number);
        let (city, country, lat, lon) = CITIES[city as usize];
        // Within some ten kilometres of the middle of the city.
        let lat = (lat + chance.between(0, 100) as i64) as f64 / 1e3;
        let lon = (lon + chance.between(0, 100) as i64) as f64 / 1e3;
        writeln!(
            out,
            r#"{{"id":"log-{number:09}","user":"user-{user:06}","ip":"203.0.{address}.{}","ok":{ok},"method":"password","device":"{:08x}","agent":"browser/128","country":"{country}","city":"{city}","lat":{lat},"lon":{lon},"at":{time_ms}}}"#,
            user % 256,
            user.wrapping_mul(0x9e37_79b9) & 0xffff_ffff,
        )?;
    }
    Ok(())
}

fn plant(script: &mut Script<Login>, chance: &mut Chance, attack: Attack, number: u64) {
    let user = chance.below(USERS);
    let foreign = chance.between(HOMES, CITIES.len() as u64 - 1);
    match attack {
        Attack::Guess => {
            let mut at = number;
            for _ in 0..chance.between(5, 25) {
                script.plant(at, (user, foreign, 251, false));
                at += chance.between(1_000, 12_000);
            }
            if chance.below(4) > 0 {
                script.plant(at, (user, foreign, 251, true));
            }
        }
        Attack::Travel => script.plant(number, (user, foreign, 251, true)),
    }
}
