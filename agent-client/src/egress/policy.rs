//! What the operator lets out.

use std::{collections::BTreeSet, net::IpAddr};

use url::{Host, Url};

use super::{AddressClass, EgressError};
use crate::limits;

/// What may leave this machine. [`Default`] is the strict one: `https` to public addresses.
#[derive(Clone, Debug, Default)]
pub struct EgressPolicy {
    loopback: bool,
    private: bool,
    plain_http: BTreeSet<String>,
    any_plain_http: bool,
}

impl EgressPolicy {
    /// `https` to public addresses and nothing else.
    #[must_use]
    pub fn strict() -> Self {
        Self::default()
    }

    /// Also this machine, over plain `http` too: for examples, tests and a node or a facilitator
    /// that runs beside the agent. Not for an agent that fetches what strangers name.
    #[must_use]
    pub const fn allow_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Also private networks (RFC 1918 and unique local), over plain `http` too when the address is
    /// written out. Metadata services stay closed.
    #[must_use]
    pub const fn allow_private(mut self) -> Self {
        self.private = true;
        self
    }

    /// Also plain `http` to this host name. Says nothing about its address: a name that resolves
    /// to a private one needs [`allow_private`](Self::allow_private) too.
    #[must_use]
    pub fn allow_plain_http(mut self, host: &str) -> Self {
        self.plain_http.insert(normal_name(host));
        self
    }

    /// Also plain `http` to every host. What is sent that way can be read and changed on its way, so
    /// this is for networks that the operator trusts. Says nothing about addresses.
    #[must_use]
    pub const fn allow_plain_http_anywhere(mut self) -> Self {
        self.any_plain_http = true;
        self
    }

    /// True if the policy lets out to addresses of this class.
    #[must_use]
    pub const fn allows(&self, class: AddressClass) -> bool {
        match class {
            AddressClass::Public => true,
            AddressClass::Loopback => self.loopback,
            AddressClass::Private => self.private,
            _ => false,
        }
    }

    /// Parses and checks a URL. The URL returned is the one to use: its host is normalised.
    pub(super) fn vet(&self, url: &str) -> Result<Url, EgressError> {
        if url.len() > limits::URL_BYTES_MAX {
            return Err(EgressError::BadUrl("too long"));
        }
        // The parser drops tabs and line breaks anywhere; whoever wrote them meant to hide something.
        if url.chars().any(char::is_control) {
            return Err(EgressError::BadUrl("control characters"));
        }
        // Parsers disagree on where the host is in `https:/a`, `https:///a` and `https:\\a`.
        let after_scheme = url.split_once("://").map(|(_, rest)| rest);
        if after_scheme.is_none_or(|rest| rest.starts_with('/')) || url.contains('\\') {
            return Err(EgressError::BadUrl("ambiguous host"));
        }
        let mut url = Url::parse(url).map_err(|_| EgressError::BadUrl("unparsable"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EgressError::BadUrl("user name or password"));
        }
        let plain = match url.scheme() {
            "https" => false,
            "http" => true,
            _ => return Err(EgressError::BadUrl("scheme")),
        };
        if url.port() == Some(0) {
            return Err(EgressError::BadUrl("port 0"));
        }
        let (host, class) = match url.host() {
            Some(Host::Ipv4(address)) => (address.to_string(), self.admit(address.into())?),
            Some(Host::Ipv6(address)) => (address.to_string(), self.admit(address.into())?),
            Some(Host::Domain(name)) => self.vet_name(name)?,
            None => return Err(EgressError::BadUrl("no host")),
        };
        let opened = self.any_plain_http || self.plain_http.contains(&host);
        if plain && class == AddressClass::Public && !opened {
            return Err(EgressError::NotHttps { host });
        }
        if url.domain().is_some_and(|name| name != host) {
            url.set_host(Some(&host))
                .map_err(|_| EgressError::BadUrl("host"))?;
        }
        url.set_fragment(None);
        Ok(url)
    }

    /// The class of a name as far as it can be told before it is resolved.
    fn vet_name(&self, name: &str) -> Result<(String, AddressClass), EgressError> {
        let host = normal_name(name);
        if host.is_empty() {
            return Err(EgressError::BadUrl("no host"));
        }
        if host != "localhost" && !host.ends_with(".localhost") {
            return Ok((host, AddressClass::Public));
        }
        let class = AddressClass::Loopback;
        if self.allows(class) {
            Ok((host, class))
        } else {
            Err(EgressError::Forbidden { host, class })
        }
    }

    fn admit(&self, address: IpAddr) -> Result<AddressClass, EgressError> {
        let class = AddressClass::of(address);
        if self.allows(class) {
            return Ok(class);
        }
        Err(EgressError::Forbidden {
            host: address.to_string(),
            class,
        })
    }
}

/// `Example.COM.` and `example.com` are one host; only one of them would match an allow-list.
fn normal_name(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}
