//! What a trusted proxy says of the request that it passes on: `X-Forwarded-For`, `-Proto`, `-Host`
//! and `-Prefix`.
//!
//! Anybody can send these headers. They are read of configured proxies only, checked as strictly as
//! if they came from strangers, and left alone where they do not hold.

use crate::auth::TrustedPeers;
use axum::http::HeaderMap;
use serde::Deserialize;
use std::net::IpAddr;
use url::Url;

/// Addresses in one `X-Forwarded-For` that are looked at, from its end. Real chains of proxies have
/// a few.
const HOPS_MAX: usize = 16;

/// The longest host, with its port, and
const HOST_BYTES_MAX: usize = 262;

/// the longest prefix that are taken.
const PREFIX_BYTES_MAX: usize = 256;

/// `[proxy]`: which proxies in front of the agent are believed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyConfig {
    /// Their addresses or ranges of addresses.
    pub peers: TrustedPeers,
    /// Whether the card names the address under which a proxy was asked for it, from
    /// `X-Forwarded-Proto`, `-Host` and `-Prefix`. A `public_url` is better where there is only one.
    #[serde(default)]
    pub card_urls: bool,
}

impl ProxyConfig {
    /// Who asks: the nearest address that is no trusted proxy's. Without a trusted proxy it is
    /// whoever is connected; nothing, if the proxy does not say for whom it asks.
    pub(crate) fn client(&self, headers: &HeaderMap, peer: IpAddr) -> Option<IpAddr> {
        if !self.peers.contains(peer) {
            return Some(peer);
        }
        let lines = headers.get_all("x-forwarded-for").iter();
        let lines: Vec<&str> = lines.map(|line| line.to_str().unwrap_or("?")).collect();
        let hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
        for hop in hops.take(HOPS_MAX) {
            // What stands before something that is no address was not written by who wrote it.
            let address = address(hop.trim())?;
            if !self.peers.contains(address) {
                return Some(address);
            }
        }
        None
    }

    /// The address under which a trusted proxy was asked, ending in a slash.
    pub(crate) fn base(&self, headers: &HeaderMap, peer: IpAddr) -> Option<Url> {
        if !self.card_urls || !self.peers.contains(peer) {
            return None;
        }
        let one = |name: &str| {
            let mut values = headers.get_all(name).iter();
            let value = values.next()?.to_str().ok()?.trim();
            values.next().is_none().then_some(value)
        };
        let host = one("x-forwarded-host").filter(|host| is_authority(host))?;
        let proto = one("x-forwarded-proto").unwrap_or("https");
        if !matches!(proto, "http" | "https") {
            return None;
        }
        let prefix = match headers.contains_key("x-forwarded-prefix") {
            true => one("x-forwarded-prefix").filter(|prefix| is_prefix(prefix))?,
            false => "",
        };
        let prefix = prefix.trim_end_matches('/');
        let base = Url::parse(&format!("{proto}://{host}{prefix}/")).ok()?;
        // A host that the parser reads in another way than it is written is nobody's.
        base.host_str()
            .is_some_and(|read| host.to_ascii_lowercase().starts_with(read))
            .then_some(base)
    }
}

/// An address as proxies write them: alone, with a port, or in brackets.
fn address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    if let Ok(with_port) = text.parse::<std::net::SocketAddr>() {
        return Some(with_port.ip().to_canonical());
    }
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    Some(inner.parse::<IpAddr>().ok()?.to_canonical())
}

/// A host and perhaps a port, and nothing that could end them early in a URL.
fn is_authority(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    !text.is_empty() && text.len() <= HOST_BYTES_MAX && text.chars().all(plain)
}

/// A path of plain segments.
fn is_prefix(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '~' | '/');
    text.starts_with('/')
        && text.len() <= PREFIX_BYTES_MAX
        && text.chars().all(plain)
        && !text.contains("//")
        && !text.split('/').any(|segment| matches!(segment, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn proxy() -> ProxyConfig {
        let peers = vec!["10.0.0.0/8".to_owned(), "127.0.0.1".to_owned()];
        ProxyConfig {
            peers: peers.try_into().unwrap(),
            card_urls: true,
        }
    }

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            let value = HeaderValue::from_str(value).unwrap();
            (HeaderName::from_static(name), value)
        };
        list.iter().map(pair).collect()
    }

    fn client(forwarded_for: &str, peer: &str) -> Option<String> {
        let headers = headers(&[("x-forwarded-for", forwarded_for)]);
        let client = proxy().client(&headers, peer.parse().unwrap());
        client.map(|client| client.to_string())
    }

    #[test]
    fn the_client_is_the_nearest_that_is_not_trusted() {
        let said = |client: &str| Some(client.to_owned());
        assert_eq!(client("203.0.113.9", "10.0.0.1"), said("203.0.113.9"));
        assert_eq!(
            client("1.1.1.1, 203.0.113.9, 10.2.2.2", "10.0.0.1"),
            said("203.0.113.9")
        );
        assert_eq!(client("[2001:db8::1]:443", "10.0.0.1"), said("2001:db8::1"));
        assert_eq!(client("203.0.113.9", "192.0.2.1"), said("192.0.2.1"));
        assert_eq!(client("1.1.1.1, evil", "10.0.0.1"), None);
        assert_eq!(client("10.3.3.3", "10.0.0.1"), None);
    }

    #[test]
    fn a_base_is_what_a_trusted_proxy_wrote_and_nothing_else() {
        let base = |list: &[(&'static str, &str)], peer: &str| {
            let base = proxy().base(&headers(list), peer.parse().unwrap());
            base.map(String::from)
        };
        let host = ("x-forwarded-host", "Agents.example:8443");
        let all = [
            host,
            ("x-forwarded-proto", "https"),
            ("x-forwarded-prefix", "/a/b/"),
        ];
        let good = Some("https://agents.example:8443/a/b/".to_owned());
        assert_eq!(base(&all, "10.0.0.1"), good);
        assert_eq!(base(&all, "192.0.2.1"), None);
        assert_eq!(base(&[host, host], "10.0.0.1"), None);
        assert_eq!(base(&[("x-forwarded-proto", "https")], "10.0.0.1"), None);
        for bad in [
            "a/b", "a@b", "a b", "a#", "a?b", "", "a\\b", "0x7f.1", "a:port",
        ] {
            assert_eq!(
                base(&[("x-forwarded-host", bad)], "10.0.0.1"),
                None,
                "{bad}"
            );
        }
        for bad in ["a", "/a//b", "/../a", "/a?b", "/a%2f", "//evil"] {
            let list = [host, ("x-forwarded-prefix", bad)];
            assert_eq!(base(&list, "10.0.0.1"), None, "{bad}");
        }
        assert_eq!(
            base(&[host, ("x-forwarded-proto", "ftp")], "10.0.0.1"),
            None
        );
    }
}
