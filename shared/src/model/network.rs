//! Networks of clients. All addresses of one network count as one source of login attempts, because one client can
//! usually choose among them.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// The network of an address: the first 24 bits of an IPv4 address, or the first 48 bits of an IPv6 address. Providers
/// give a customer a /48 or smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Network {
    /// A /24.
    V4(Ipv4Addr),
    /// A /48.
    V6(Ipv6Addr),
}

/// A text that is not a network as [`Network`] prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a network")]
pub struct WrongNetwork;

impl Network {
    /// Returns the network of an address. An IPv4 address in the form of IPv6 is an IPv4 address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Self::V4(Ipv4Addr::new(a, b, c, 0))
            }
            IpAddr::V6(address) => {
                let [a, b, c, ..] = address.segments();
                Self::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
            }
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => write!(f, "{address}/24"),
            Self::V6(address) => write!(f, "{address}/48"),
        }
    }
}

impl FromStr for Network {
    type Err = WrongNetwork;

    fn from_str(text: &str) -> Result<Self, WrongNetwork> {
        let (address, _) = text.split_once('/').ok_or(WrongNetwork)?;
        let network = Self::of(address.parse().map_err(|_| WrongNetwork)?);
        Some(network).filter(|network| network.to_string() == text).ok_or(WrongNetwork)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_a_network_are_one_source() {
        for (address, network) in [
            ("192.0.2.1", "192.0.2.0/24"),
            ("192.0.2.255", "192.0.2.0/24"),
            ("192.0.3.1", "192.0.3.0/24"),
            ("::ffff:192.0.2.1", "192.0.2.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
            ("2001:db8:1:ffff::1", "2001:db8:1::/48"),
            ("2001:db8:2::1", "2001:db8:2::/48"),
            ("::1", "::/48"),
        ] {
            let found = Network::of(address.parse().unwrap());
            assert_eq!(found.to_string(), network, "{address}");
            assert_eq!(network.parse(), Ok(found));
        }
    }

    #[test]
    fn other_texts_are_not_networks() {
        for text in ["", "192.0.2.0", "192.0.2.1/24", "192.0.2.0/16", "::/24", "unknown", "x/24"] {
            assert_eq!(text.parse::<Network>(), Err(WrongNetwork), "{text}");
        }
    }
}
