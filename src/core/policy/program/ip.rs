//! Cedar's `ipaddr`: an address or a range of addresses.

use core::net::IpAddr;

/// The longest string that `ip()` accepts, in bytes.
const MAX_BYTES: usize = 43;
const V4_BITS: u8 = 32;
const V6_BITS: u8 = 128;

/// An address with the length of its network prefix; a single address has all bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct IpRange {
    address: IpAddr,
    prefix: u8,
}

impl IpRange {
    /// The range of this address and prefix; `None` for a prefix that is longer than the address.
    pub(in crate::policy) const fn of_parts(address: IpAddr, prefix: u8) -> Option<Self> {
        if prefix <= bits(address) { Some(Self { address, prefix }) } else { None }
    }

    /// The address and the length of its prefix.
    pub(in crate::policy) const fn parts(self) -> (IpAddr, u8) {
        (self.address, self.prefix)
    }

    /// Reads what `ip()` accepts: an address, or an address with `/` and a prefix. IPv4 inside IPv6 in the form with dots is
    /// not accepted.
    pub(in crate::policy) fn parse(text: &str) -> Option<Self> {
        let dotted_inside_v6 = text.matches(':').count() >= 2 && text.matches('.').count() >= 2;
        if text.len() > MAX_BYTES || dotted_inside_v6 {
            return None;
        }
        match text.split_once('/') {
            None => text.parse().ok().map(Self::single),
            Some((address, prefix)) => {
                let address = address.parse().ok()?;
                Some(Self { address, prefix: parse_prefix(prefix, bits(address))? })
            }
        }
    }

    /// A single address as `ip()` reads it from the address's usual text; `None` for an IPv4-mapped one, whose text has dots.
    pub(in crate::policy) fn of_address(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => None,
            _ => Some(Self::single(address)),
        }
    }

    const fn single(address: IpAddr) -> Self {
        Self { address, prefix: bits(address) }
    }

    /// `isIpv4`.
    pub(in crate::policy) const fn is_v4(self) -> bool {
        self.address.is_ipv4()
    }

    /// `isIpv6`.
    pub(in crate::policy) const fn is_v6(self) -> bool {
        self.address.is_ipv6()
    }

    /// `isLoopback`: all of the range is.
    pub(in crate::policy) const fn is_loopback(self) -> bool {
        self.address.is_loopback() && self.prefix >= if self.is_v4() { 8 } else { V6_BITS }
    }

    /// `isMulticast`: all of the range is.
    pub(in crate::policy) const fn is_multicast(self) -> bool {
        self.address.is_multicast() && self.prefix >= if self.is_v4() { 4 } else { 8 }
    }

    /// `isInRange`: all of this range is in the other.
    pub(in crate::policy) fn is_in(self, other: Self) -> bool {
        if self.is_v4() != other.is_v4() {
            return false;
        }
        let ((first, last), (other_first, other_last)) = (self.ends(), other.ends());
        other_first <= first && last <= other_last
    }

    /// The first and the last address as numbers.
    fn ends(self) -> (u128, u128) {
        let (number, width) = match self.address {
            IpAddr::V4(address) => (u128::from(u32::from(address)), V4_BITS),
            IpAddr::V6(address) => (u128::from(address), V6_BITS),
        };
        let host_bits = u32::from(width.saturating_sub(self.prefix));
        let host = u128::MAX.checked_shl(host_bits).map_or(u128::MAX, |network| !network);
        (number & !host, number | host)
    }
}

const fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { V4_BITS } else { V6_BITS }
}

/// Digits without leading zeros, at most this many bits.
fn parse_prefix(text: &str, max: u8) -> Option<u8> {
    let canonical = text == "0" || !text.starts_with('0');
    if !canonical || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|prefix| *prefix <= max)
}
