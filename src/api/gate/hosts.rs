//! The names by which the service may be asked.

use std::net::IpAddr;

/// The names by which a service may be asked.
#[derive(Debug)]
pub struct Hosts {
    /// Those of the configuration, in small letters.
    names: Vec<String>,
    /// Whether it may be asked by any address, and not only by those that never leave the machine. No page can make an
    /// address stand for another one.
    by_address: bool,
}

impl Hosts {
    /// These names, in small letters, and any address if so wanted.
    pub fn new(names: Vec<String>, by_address: bool) -> Hosts {
        Hosts { names, by_address }
    }

    /// Whether what stands in the header `Host` is this service.
    pub fn are_ours(&self, host: &str) -> bool {
        let Some((name, port)) = split(host) else { return false };
        let is_ours = match name.parse::<IpAddr>() {
            Ok(address) => self.by_address || address.is_loopback(),
            Err(_) => name.eq_ignore_ascii_case("localhost") || self.is_named(name),
        };
        is_ours && port.is_none_or(|port| port.parse::<u16>().is_ok())
    }

    /// Whether a page of that origin is one of this service, which was asked as `host`. Behind a proxy the two differ;
    /// then the configuration has to name the host of the origin.
    pub fn is_own_origin(&self, origin: &str, host: &str) -> bool {
        let Some((_, place)) = origin.split_once("://") else { return false };
        let is_named = || split(place).is_some_and(|(name, _)| self.is_named(name));
        place.eq_ignore_ascii_case(host) || is_named()
    }

    fn is_named(&self, name: &str) -> bool {
        self.names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

/// The name, without the brackets of an address of IPv6, and the port.
fn split(host: &str) -> Option<(&str, Option<&str>)> {
    match host.strip_prefix('[') {
        Some(rest) => {
            let (name, rest) = rest.split_once(']')?;
            match rest {
                "" => Some((name, None)),
                port => Some((name, Some(port.strip_prefix(':')?))),
            }
        }
        None => Some(host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_for_this_machine() {
        let hosts = Hosts::new(Vec::new(), false);
        for right in ["localhost", "LOCALHOST:80", "127.0.0.1:7070", "127.1.2.3", "[::1]:7070", "[::1]"] {
            assert!(hosts.are_ours(right), "{right}");
        }
        for wrong in [
            "",
            "example.com",
            "localhost.example.com:80",
            "10.0.0.1:7070",
            "localhost:x",
            "[::2]",
            "::1",
            "[::1]x",
        ] {
            assert!(!hosts.are_ours(wrong), "{wrong}");
        }
    }

    #[test]
    fn others_are_named_or_addresses() {
        let hosts = Hosts::new(vec!["tripline.example.com".into()], true);
        for right in ["Tripline.Example.com", "tripline.example.com:443", "10.0.0.1:7070", "[fe80::1]:7070"] {
            assert!(hosts.are_ours(right), "{right}");
        }
        for wrong in ["example.com", "x.tripline.example.com", "tripline.example.com."] {
            assert!(!hosts.are_ours(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_page_is_ours_if_it_comes_from_where_it_asks_or_from_a_name_of_ours() {
        let hosts = Hosts::new(vec!["tripline.example.com".into()], false);
        for (origin, host) in [
            ("http://localhost:7070", "localhost:7070"),
            ("https://tripline.example.com", "127.0.0.1:7070"),
            ("https://tripline.example.com:8443", "tripline.example.com:8443"),
        ] {
            assert!(hosts.is_own_origin(origin, host), "{origin}");
        }
        for (origin, host) in [
            ("http://localhost:3000", "localhost:7070"),
            ("https://example.com", "tripline.example.com"),
            ("null", "localhost:7070"),
            ("", ""),
        ] {
            assert!(!hosts.is_own_origin(origin, host), "{origin}");
        }
    }
}
