//! Which addresses may be sent to.
//!
//! A name can stand for any address, also for one inside of the network that the one who can change the name cannot reach
//! himself. So the addresses are judged that are connected to, after the name has been resolved. The judgement is pure.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Host;

/// Which addresses may be sent to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Whether those are left out that are not of the public internet.
    pub denies_private: bool,
    /// These may be sent to, whatever they are.
    pub allowed: Vec<IpNet>,
    /// These may not, even if they are allowed.
    pub denied: Vec<IpNet>,
}

/// What an address is that is not of the public internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// This machine.
    Loopback,
    /// RFC 1918, and the unique local addresses of RFC 4193.
    Private,
    /// RFC 6598: between a provider and its customers.
    Shared,
    /// RFC 3927 and RFC 4291: the nearest link. Clouds tell machines their secrets at 169.254.169.254.
    LinkLocal,
    /// To many at a time.
    Multicast,
    /// No address of anyone, which some systems take for this machine.
    Unspecified,
    /// For something else: documentation, benchmarks, the future.
    Reserved,
}

/// Why an address may not be sent to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// By what it is.
    #[error("{address} is {kind}, which is not sent to unless `allow_networks` has it")]
    Kind {
        /// The address.
        address: IpAddr,
        /// What it is.
        kind: Kind,
    },
    /// By a network that it is in.
    #[error("{address} is in {network}, which `deny_networks` has")]
    Denied {
        /// The address.
        address: IpAddr,
        /// The network.
        network: IpNet,
    },
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Loopback => "this machine",
            Kind::Private => "a private address",
            Kind::Shared => "an address between a provider and its customers",
            Kind::LinkLocal => "a link-local address",
            Kind::Multicast => "a multicast address",
            Kind::Unspecified => "the unspecified address",
            Kind::Reserved => "a reserved address",
        })
    }
}

impl Kind {
    /// Of an address; `None`: it is one of the public internet.
    pub fn of(address: IpAddr) -> Option<Kind> {
        match address {
            IpAddr::V4(address) => Kind::of_v4(address),
            IpAddr::V6(address) => match embedded(address) {
                // What is said of it decides where the bytes go.
                Some(inner) => Kind::of_v4(inner),
                None => Kind::of_v6(address),
            },
        }
    }

    fn of_v4(address: Ipv4Addr) -> Option<Kind> {
        Some(match address.octets() {
            [127, ..] => Kind::Loopback,
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Kind::Private,
            [100, 64..=127, ..] => Kind::Shared,
            [169, 254, ..] => Kind::LinkLocal,
            [224..=239, ..] => Kind::Multicast,
            [0, ..] => Kind::Unspecified,
            [240..=255, ..]
            | [192, 0, 0 | 2, _]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _] => Kind::Reserved,
            _ => return None,
        })
    }

    fn of_v6(address: Ipv6Addr) -> Option<Kind> {
        Some(match address.segments() {
            [0, 0, 0, 0, 0, 0, 0, 0] => Kind::Unspecified,
            [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Loopback,
            [0xfc00..=0xfdff, ..] => Kind::Private,
            [0xfe80..=0xfeff, ..] => Kind::LinkLocal,
            [0xff00..=0xffff, ..] => Kind::Multicast,
            // Those that are given out begin with 2 or 3; of these some are for documentation.
            [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Kind::Reserved,
            [0x2000..=0x3fff, ..] => return None,
            _ => Kind::Reserved,
        })
    }

    /// Whether it is left out even where private addresses are not: nobody has a receiver there by intent.
    fn is_never_meant(self) -> bool {
        match self {
            Kind::LinkLocal | Kind::Multicast | Kind::Unspecified => true,
            Kind::Loopback | Kind::Private | Kind::Shared | Kind::Reserved => false,
        }
    }
}

/// The address of the older kind that stands in one of the newer: mapped (RFC 4291), compatible, translated (RFC 6052) or
/// reached through it (RFC 3056).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let inner = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(inner(high, low))
        }
        [0x2002, high, low, ..] => Some(inner(high, low)),
        _ => None,
    }
}

impl Rule {
    /// Whether an address may be sent to.
    ///
    /// # Errors
    /// When it may not.
    pub fn judge(&self, address: IpAddr) -> Result<(), Refusal> {
        let canonical = address.to_canonical();
        let within =
            |networks: &[IpNet]| networks.iter().find(|network| network.contains(&canonical)).copied();
        if let Some(network) = within(&self.denied) {
            return Err(Refusal::Denied { address, network });
        }
        if within(&self.allowed).is_some() {
            return Ok(());
        }
        match Kind::of(address) {
            Some(kind) if self.denies_private || kind.is_never_meant() => {
                Err(Refusal::Kind { address, kind })
            }
            _ => Ok(()),
        }
    }

    /// Judges a URL that names an address; one with a name is judged when that is resolved.
    ///
    /// # Errors
    /// When the address may not be sent to.
    pub fn judge_url(&self, url: &Url) -> Result<(), Refusal> {
        match url.host() {
            Some(Host::Ipv4(address)) => self.judge(address.into()),
            Some(Host::Ipv6(address)) => self.judge(address.into()),
            _ => Ok(()),
        }
    }

    /// Whether something may go through a proxy of the system, which would resolve names by itself.
    pub fn allows_proxy(&self) -> bool {
        !self.denies_private && self.denied.is_empty()
    }
}

/// Resolves names to those of their addresses that may be sent to.
#[derive(Debug)]
pub struct Resolver(pub Rule);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let Resolver(rule) = self;
        let rule = rule.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let judged = found.iter().map(|address| rule.judge(address.ip()));
            let refused: Option<Refusal> = judged.clone().find_map(Result::err);
            let allowed = found.iter().zip(judged).filter(|(_, judged)| judged.is_ok());
            let allowed: Vec<SocketAddr> = allowed.map(|(address, _)| *address).collect();
            match (allowed.is_empty(), refused) {
                (true, Some(refusal)) => Err(refusal.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn every_kind_of_address_is_known_however_it_is_written() {
        let cases = [
            (Kind::Loopback, &["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"][..]),
            (
                Kind::Private,
                &["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fdff::1"],
            ),
            (Kind::Private, &["::ffff:10.1.2.3", "::10.1.2.3", "2002:c0a8:101::1"]),
            (Kind::Shared, &["100.64.0.1", "100.127.255.255"]),
            (
                Kind::LinkLocal,
                &["169.254.169.254", "fe80::1", "febf::1", "fec0::1", "::ffff:169.254.169.254"],
            ),
            (Kind::Multicast, &["224.0.0.1", "239.255.255.255", "ff02::1"]),
            (Kind::Unspecified, &["0.0.0.0", "0.1.2.3", "::"]),
            (
                Kind::Reserved,
                &["240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "2001:db8::1", "5f00::1"],
            ),
        ];
        for (kind, addresses) in cases {
            for text in addresses {
                assert_eq!(Kind::of(address(text)), Some(kind), "{text}");
            }
        }
        let public = [
            "1.1.1.1",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "223.255.255.255",
        ];
        for text in public.into_iter().chain(["2606:4700::1111", "2002:101:101::1", "::ffff:8.8.8.8"]) {
            assert_eq!(Kind::of(address(text)), None, "{text}");
        }
    }

    #[test]
    fn a_rule_says_what_may_be_sent_to() {
        let lists = |allowed: &[&str], denied: &[&str], denies_private| {
            let read = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("a network")).collect();
            Rule { denies_private, allowed: read(allowed), denied: read(denied) }
        };
        let may = |rule: &Rule, text: &str| rule.judge(address(text)).is_ok();
        let plain = Rule::default();
        assert!(["127.0.0.1", "10.0.0.1", "1.1.1.1"].iter().all(|text| may(&plain, text)));
        assert!(
            !["169.254.169.254", "::ffff:169.254.169.254", "0.0.0.0", "ff02::1"]
                .iter()
                .any(|text| may(&plain, text))
        );
        let strict = lists(&["10.1.0.0/16"], &["10.1.9.0/24", "1.1.1.0/24"], true);
        assert!(["10.1.2.3", "::ffff:10.1.2.3", "8.8.8.8"].iter().all(|text| may(&strict, text)));
        assert!(
            !["10.2.0.1", "127.0.0.1", "10.1.9.1", "1.1.1.1", "::ffff:1.1.1.1"]
                .iter()
                .any(|text| may(&strict, text))
        );
        let metadata = lists(&["169.254.169.254/32"], &[], false);
        assert!(may(&metadata, "169.254.169.254") && !may(&metadata, "169.254.169.253"));
        let url = |text: &str| strict.judge_url(&text.parse().expect("a URL"));
        let refusal = url("http://2130706433/").expect_err("it is this machine");
        assert_eq!(
            refusal.to_string(),
            "127.0.0.1 is this machine, which is not sent to unless `allow_networks` has it"
        );
        assert!(url("http://[::ffff:10.2.0.1]/").is_err() && url("http://0x7f.1/").is_err());
        assert!(url("http://localhost/").is_ok(), "that is a name");
    }

    #[tokio::test]
    async fn names_stand_for_addresses_that_may_be_sent_to_only() {
        let name = || "localhost".parse::<Name>().expect("a name");
        let found: Vec<SocketAddr> = match Resolver(Rule::default()).resolve(name()).await {
            Ok(found) => found.collect(),
            Err(error) => panic!("{error}"),
        };
        assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback()));
        let strict = Rule { denies_private: true, ..Rule::default() };
        let refused = Resolver(strict).resolve(name()).await.err().expect("it is this machine");
        assert!(refused.to_string().contains("this machine"), "{refused}");
    }
}
