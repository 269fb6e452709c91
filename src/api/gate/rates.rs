//! How often everybody may ask. Pure: time is an argument.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use tokio::time::Instant;

use crate::access::{By, Who};
use crate::rate::{Bucket, Rate};

/// The most of whom it is known how often they have asked. More than that is a flood from made-up addresses.
const MOST: usize = 20_000;
/// How often those are forgotten who have not asked for a while.
const EVERY: Duration = Duration::from_secs(1);

/// Whose requests are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Whose {
    /// Somebody who is known.
    Known(By, String),
    /// Somebody at an address. Who has an address of IPv6 can usually take any other of the same 64 bits.
    Address(IpAddr),
    /// All for whom there is no room.
    Others,
}

impl Whose {
    /// Whose a request is from that address, of somebody who is known or not. `None`: nobody's who is bound.
    pub fn request(who: Option<&Who>, from: Option<IpAddr>) -> Option<Whose> {
        match who {
            Some(Who { by: By::Socket, .. }) => None,
            Some(Who { by: by @ (By::Token | By::Certificate), name, .. }) => {
                Some(Whose::Known(*by, name.clone()))
            }
            Some(Who { by: By::Nothing, .. }) | None => from.map(|from| Whose::Address(network(from))),
        }
    }
}

/// How often everybody may still ask.
pub struct Rates {
    rate: Rate,
    buckets: HashMap<Whose, Bucket>,
    tidied: Option<Instant>,
}

impl Rates {
    /// So often each.
    pub fn new(rate: Rate) -> Rates {
        Rates { rate, buckets: HashMap::new(), tidied: None }
    }

    /// Counts a request. `Err`: it is one too many, and another may come after that time.
    pub fn take(&mut self, whose: Whose, now: Instant) -> Result<(), Duration> {
        self.tidy(now);
        let has_room = self.buckets.len() < MOST || self.buckets.contains_key(&whose);
        let whose = if has_room { whose } else { Whose::Others };
        let bucket = self.buckets.entry(whose).or_insert_with(|| Bucket::new(self.rate, now));
        if bucket.available(now) == 0 {
            return Err(bucket.next(now).saturating_duration_since(now));
        }
        bucket.take(now, 1);
        Ok(())
    }

    /// Forgets those who may ask as often as somebody who never has.
    fn tidy(&mut self, now: Instant) {
        let is_due = self.tidied.is_none_or(|tidied| now.saturating_duration_since(tidied) >= EVERY);
        if self.buckets.len() >= MOST && is_due {
            self.tidied = Some(now);
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Role;

    fn address(text: &str) -> Whose {
        Whose::request(None, Some(text.parse().expect("an address"))).expect("it is bound")
    }

    fn known(by: By) -> Option<Whose> {
        let who = Who { by, name: "ana".into(), role: Role::Read };
        Whose::request(Some(&who), Some("192.0.2.1".parse().expect("an address")))
    }

    #[test]
    fn everybody_has_a_rate_of_their_own() {
        let begin = Instant::now();
        let mut rates = Rates::new(Rate { count: 2, per: Duration::from_secs(2) });
        let mut may = |whose: Whose, now| rates.take(whose, now);
        assert_eq!(may(address("192.0.2.1"), begin), Ok(()));
        assert_eq!(may(address("192.0.2.1"), begin), Ok(()));
        assert_eq!(may(address("192.0.2.1"), begin), Err(Duration::from_secs(1)));
        assert_eq!(may(address("192.0.2.2"), begin), Ok(()));
        assert_eq!(may(known(By::Token).expect("it is bound"), begin), Ok(()));
        let later = begin + Duration::from_secs(1);
        assert_eq!(may(address("192.0.2.1"), later), Ok(()));
        assert!(may(address("192.0.2.1"), later).is_err());
    }

    #[test]
    fn who_is_known_is_known_by_name_and_others_by_network() {
        assert_eq!(known(By::Token), Some(Whose::Known(By::Token, "ana".into())));
        assert_ne!(known(By::Token), known(By::Certificate));
        assert_eq!(known(By::Nothing), Some(address("192.0.2.1")));
        assert_eq!(known(By::Socket), None, "nobody can take it from the owner");
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:1"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
    }

    #[test]
    fn a_flood_from_many_addresses_takes_no_more_memory() {
        let begin = Instant::now();
        let mut rates = Rates::new(Rate { count: 1, per: Duration::from_secs(60) });
        let from = |number: usize| Whose::Address(IpAddr::V4((number as u32).into()));
        for number in 0..MOST {
            assert_eq!(rates.take(from(number), begin), Ok(()));
        }
        assert_eq!(rates.take(from(MOST), begin), Ok(()));
        assert!(rates.take(from(MOST + 1), begin).is_err(), "they share one");
        assert!(rates.take(from(0), begin).is_err(), "who is known stays so");
        assert_eq!(rates.buckets.len(), MOST + 1);
        assert_eq!(rates.take(from(MOST + 2), begin + Duration::from_secs(60)), Ok(()));
        assert_eq!(rates.buckets.len(), 1);
    }
}
