//! Lists of addresses and networks: sorted ranges that do not touch, one binary search for an address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// The addresses of a list, as ranges with both ends included.
#[derive(Debug, Default)]
pub(super) struct Networks {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
    /// How many different networks and addresses were listed.
    listed: usize,
}

/// A network or address and the line on which it is listed.
pub(super) type Listed = (IpNet, u32);

impl Networks {
    /// The ranges of what is listed, and what is listed again: its line and the first line.
    pub fn new(mut listed: Vec<Listed>) -> (Networks, Vec<(u32, u32)>) {
        // In the order of first addresses, the wider before the narrower, then by line.
        listed.sort_unstable_by_key(|(network, line)| (network.network(), network.prefix_len(), *line));
        let mut again = Vec::new();
        let mut networks = Networks::default();
        let mut first: Option<Listed> = None;
        for (network, line) in listed {
            match first {
                Some((same, first)) if same == network => again.push((line, first)),
                _ => {
                    networks.push(network);
                    first = Some((network, line));
                }
            }
        }
        networks.v4.shrink_to_fit();
        networks.v6.shrink_to_fit();
        (networks, again)
    }

    fn push(&mut self, network: IpNet) {
        self.listed += 1;
        match network {
            IpNet::V4(v4) => {
                let (start, end) = (v4.network().to_bits(), v4.broadcast().to_bits());
                match self.v4.last_mut() {
                    Some(last) if start <= last.1.saturating_add(1) => last.1 = last.1.max(end),
                    _ => self.v4.push((start, end)),
                }
            }
            IpNet::V6(v6) => {
                let (start, end) = (v6.network().to_bits(), v6.broadcast().to_bits());
                match self.v6.last_mut() {
                    Some(last) if start <= last.1.saturating_add(1) => last.1 = last.1.max(end),
                    _ => self.v6.push((start, end)),
                }
            }
        }
    }

    /// Whether the address is listed, or in a network that is.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => is_in(&self.v4, v4.to_bits()),
            IpAddr::V6(v6) => is_in(&self.v6, v6.to_bits()),
        }
    }

    /// How many different networks and addresses were listed.
    pub fn len(&self) -> usize {
        self.listed
    }

    /// The memory that they take, in bytes.
    pub fn size(&self) -> usize {
        self.v4.capacity() * size_of::<(Ipv4Addr, Ipv4Addr)>()
            + self.v6.capacity() * size_of::<(Ipv6Addr, Ipv6Addr)>()
    }
}

/// Whether one of the sorted ranges holds the value.
fn is_in<T: Ord + Copy>(ranges: &[(T, T)], value: T) -> bool {
    let after = ranges.partition_point(|(start, _)| *start <= value);
    after.checked_sub(1).is_some_and(|at| ranges[at].1 >= value)
}

/// A network or a single address. IPv4 written as IPv6 is IPv4, as in records; bits beyond the length
/// of a network mean nothing.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical().into());
    }
    let network = text.parse::<IpNet>().ok()?.trunc();
    let mapped = match network {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => {
            v6.addr().to_ipv4_mapped().map(|v4| (v4, v6.prefix_len() - 96))
        }
        _ => None,
    };
    match mapped {
        Some((address, length)) => IpNet::new(address.into(), length).ok(),
        None => Some(network),
    }
}
