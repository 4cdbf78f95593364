//! Which addresses are the public Internet, and what the others are.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// What kind of place an address is. Anything but [`AddressClass::Public`] needs the operator's
/// leave or is never allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddressClass {
    /// A globally routed unicast address.
    Public,
    /// This machine.
    Loopback,
    /// RFC 1918 or a unique local IPv6 address.
    Private,
    /// A cloud's metadata or control service, wherever it lives.
    Metadata,
    /// Valid on one link only.
    LinkLocal,
    /// A carrier's shared NAT space, 100.64.0.0/10.
    SharedNat,
    /// An IPv6 address that stands for an IPv4 one through a translator or tunnel.
    Translated,
    /// Multicast or broadcast.
    Multicast,
    /// "This network" or no address at all.
    Unspecified,
    /// Kept for documentation, benchmarks or future use.
    Reserved,
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "public",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::Metadata => "metadata service",
            Self::LinkLocal => "link-local",
            Self::SharedNat => "shared NAT",
            Self::Translated => "translated",
            Self::Multicast => "multicast",
            Self::Unspecified => "unspecified",
            Self::Reserved => "reserved",
        })
    }
}

impl AddressClass {
    /// The class of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => of_v4(v4),
            // `::ffff:127.0.0.1` reaches 127.0.0.1, so it is judged as that.
            IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or_else(|| of_v6(v6), of_v4),
        }
    }
}

fn of_v4(address: Ipv4Addr) -> AddressClass {
    match address.octets() {
        // Amazon, Google, Azure, Oracle and others; Amazon's ECS; Alibaba; Azure's wire server.
        [169, 254, 169, 254] | [169, 254, 170, 2] | [100, 100, 100, 200] | [168, 63, 129, 16] => {
            AddressClass::Metadata
        }
        [0, ..] => AddressClass::Unspecified,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressClass::Private,
        [127, ..] => AddressClass::Loopback,
        [100, 64..=127, ..] => AddressClass::SharedNat,
        [169, 254, ..] => AddressClass::LinkLocal,
        // Protocol assignments, three documentation nets, the old 6to4 relays, benchmarks.
        [192, 0, 0 | 2, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [192, 88, 99, _]
        | [198, 18..=19, ..] => AddressClass::Reserved,
        [224..=239, ..] | [255, 255, 255, 255] => AddressClass::Multicast,
        [240..=255, ..] => AddressClass::Reserved,
        _ => AddressClass::Public,
    }
}

/// An allow-list: only 2000::/3 is global unicast, and even there some blocks are not.
fn of_v6(address: Ipv6Addr) -> AddressClass {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => AddressClass::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressClass::Loopback,
        // Amazon's metadata service over IPv6; it sits in unique local space.
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254] => AddressClass::Metadata,
        [0xfc00..=0xfdff, ..] => AddressClass::Private,
        [0xfe80..=0xfebf, ..] => AddressClass::LinkLocal,
        [0xff00..=0xffff, ..] => AddressClass::Multicast,
        // NAT64 (both prefixes), 6to4, Teredo, IPv4-compatible and IPv4-translated.
        [0x0064, 0xff9b, ..] | [0x2002, ..] | [0x2001, 0, ..] | [0, 0, 0, 0, ..] => {
            AddressClass::Translated
        }
        // Protocol assignments below 2001:200::, two documentation blocks.
        [0x2001, 0x0001..=0x01ff | 0x0db8, ..] | [0x3fff, 0x0000..=0x0fff, ..] => {
            AddressClass::Reserved
        }
        [0x2000..=0x3fff, ..] => AddressClass::Public,
        _ => AddressClass::Reserved,
    }
}
