//! Addresses that are trusted to speak for others.

use super::error::AuthConfigError;
use super::limits::PEER_RANGES_MAX;
use serde::Deserialize;
use std::net::IpAddr;
use std::str::FromStr;

/// The proxies in front of an agent, by address. What only they may say is not believed of anybody
/// else, since anybody can send any header.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct TrustedPeers(Vec<PeerRange>);

impl TrustedPeers {
    /// Whether the address is one of theirs.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|range| range.contains(address))
    }

    /// Whether nobody is trusted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<Vec<String>> for TrustedPeers {
    type Error = AuthConfigError;

    fn try_from(texts: Vec<String>) -> Result<Self, Self::Error> {
        if texts.len() > PEER_RANGES_MAX {
            return Err(AuthConfigError::TooMany {
                what: "ranges of addresses",
                max: PEER_RANGES_MAX,
            });
        }
        let ranges = texts.iter().map(|text| text.parse());
        ranges.collect::<Result<_, _>>().map(Self)
    }
}

/// One address, or all with the same first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PeerRange {
    bits: u128,
    mask: u128,
    is_v4: bool,
}

impl PeerRange {
    fn contains(self, address: IpAddr) -> bool {
        let (bits, is_v4) = bits_of(address);
        is_v4 == self.is_v4 && bits & self.mask == self.bits
    }
}

impl FromStr for PeerRange {
    type Err = AuthConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || AuthConfigError::PeerRange(text.to_owned());
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let (bits, is_v4) = bits_of(address);
        let width: u32 = if is_v4 { 32 } else { 128 };
        let length = length.map_or(Ok(width), |length| length.parse().map_err(|_| wrong()))?;
        let open = width.checked_sub(length).ok_or_else(wrong)?;
        let mask = u128::MAX.checked_shl(open).unwrap_or(0);
        // Bits beyond the length say that the writer meant another range.
        if bits & !mask != 0 {
            return Err(wrong());
        }
        Ok(Self { bits, mask, is_v4 })
    }
}

fn bits_of(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), true),
        IpAddr::V6(address) => (address.to_bits(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers(texts: &[&str]) -> Result<TrustedPeers, AuthConfigError> {
        texts
            .iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
            .try_into()
    }

    #[test]
    fn a_range_holds_its_addresses_and_no_others() {
        let peers = peers(&["10.1.0.0/16", "192.0.2.7", "2001:db8::/32"]).unwrap();
        for inside in [
            "10.1.255.1",
            "192.0.2.7",
            "2001:db8:1::1",
            "::ffff:10.1.2.3",
        ] {
            assert!(peers.contains(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["10.2.0.0", "192.0.2.8", "2001:db9::", "::10.1.2.3", "::1"] {
            assert!(!peers.contains(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn the_widest_range_is_everything_of_its_kind() {
        let peers = peers(&["0.0.0.0/0"]).unwrap();
        assert!(peers.contains("203.0.113.9".parse().unwrap()));
        assert!(!peers.contains("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "10.0.0.1/8",
            "10.0.0.0/33",
            "::/129",
            "host",
            "10.0.0.0/",
            "10.0.0.0/-1",
        ] {
            assert!(peers(&[text]).is_err(), "{text}");
        }
    }
}
