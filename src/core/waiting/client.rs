//! Which client a waiting request belongs to, when places in the waiting room are shared out.

use core::net::{IpAddr, Ipv6Addr};

use crate::request::client_ip;

/// The sender of all requests from one address, read as the configuration's `client_address` says. Of an IPv6 address
/// only the first 64 bits count: a subscriber has at least all addresses under these (RFC 6177). All senders whose
/// address is unknown count as one client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Client(Option<IpAddr>);

impl Client {
    /// The client with this `source.address`, an address and a port.
    #[must_use]
    pub fn at(source_address: Option<&str>) -> Self {
        Self(source_address.and_then(client_ip).map(|address| match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::Client;
    use crate::portable;

    fn at(address: &str) -> Client {
        Client::at(Some(address))
    }

    #[portable]
    fn an_ipv4_address_is_one_client_whatever_its_port() {
        assert_eq!(at("203.0.113.7:1"), at("203.0.113.7:2"));
        assert_eq!(at("203.0.113.7:1"), at("[::ffff:203.0.113.7]:1"));
        assert_ne!(at("203.0.113.7:1"), at("203.0.113.8:1"));
        assert_ne!(at("203.0.113.7:1"), Client::default());
    }

    #[portable]
    fn the_ipv6_addresses_of_one_64_are_one_client() {
        assert_eq!(at("[2001:db8:1:2::1]:1"), at("[2001:db8:1:2:ffff:ffff:ffff:ffff]:2"));
        assert_ne!(at("[2001:db8:1:2::1]:1"), at("[2001:db8:1:3::1]:1"));
    }

    #[portable]
    fn all_clients_with_an_unknown_address_count_as_one() {
        for unknown in [None, Some(""), Some("/run/x.sock"), Some("[fe80::1%eth0]:80")] {
            assert_eq!(Client::at(unknown), Client::default(), "{unknown:?}");
        }
    }
}
