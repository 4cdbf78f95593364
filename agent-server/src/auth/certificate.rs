//! Callers with a certificate, when a proxy in front of the agent terminates TLS.

use super::error::AuthConfigError;
use super::limits::CERTIFICATE_BYTES_MAX;
use super::peers::TrustedPeers;
use super::{AuthError, Authenticator, Identity, Presented};
use agent_core::a2a::MutualTlsSecurityScheme;
use agent_core::ledger::BoxFuture;
use http::HeaderName;
use serde::Deserialize;

/// `type = "certificate"` in `[auth.schemes.…]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateConfig {
    /// The proxies that check certificates. The header is not believed of anybody else.
    pub peers: TrustedPeers,
    /// The header in which they say whose it was. They must remove it from what clients send.
    #[serde(default = "xfcc")]
    pub header: String,
    /// What in the header is the caller.
    #[serde(default)]
    pub identity: CertificateIdentity,
    /// A description for people, shown in the card.
    #[serde(default)]
    pub description: String,
}

fn xfcc() -> String {
    "x-forwarded-client-cert".to_owned()
}

/// What in a header about a certificate is the caller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CertificateIdentity {
    /// `Subject` of Envoy's `X-Forwarded-Client-Cert`.
    #[default]
    Subject,
    /// `URI` of the same, such as a SPIFFE id.
    Uri,
    /// The whole header.
    Value,
}

/// Knows callers by what a trusted proxy says of their certificates.
#[derive(Debug)]
pub struct Certificates {
    peers: TrustedPeers,
    header: HeaderName,
    identity: CertificateIdentity,
}

impl Certificates {
    pub(super) fn of(scheme: &str, config: &CertificateConfig) -> Result<Self, AuthConfigError> {
        let wrong = |reason: &str| AuthConfigError::scheme(scheme, reason);
        if config.peers.is_empty() {
            return Err(wrong(
                "name the proxies in `peers`; others are not believed",
            ));
        }
        let header = HeaderName::from_bytes(config.header.as_bytes());
        Ok(Self {
            peers: config.peers.clone(),
            header: header.map_err(|_| wrong("`header` is no name of a header"))?,
            identity: config.identity,
        })
    }

    /// What the card says of it.
    pub(super) fn scheme(description: &str) -> MutualTlsSecurityScheme {
        MutualTlsSecurityScheme {
            description: description.to_owned(),
        }
    }

    fn check(&self, presented: &Presented<'_>) -> Result<Identity, AuthError> {
        if !presented.peer.is_some_and(|peer| self.peers.contains(peer)) {
            return Err(AuthError::Missing);
        }
        let value = presented.header(&self.header)?.unwrap_or("").trim();
        if value.is_empty() {
            return Err(AuthError::Missing);
        }
        if value.len() > CERTIFICATE_BYTES_MAX {
            return Err(AuthError::Invalid("certificate_too_long"));
        }
        let name = match self.identity {
            CertificateIdentity::Value => Some(value.to_owned()),
            CertificateIdentity::Subject => field(value, "subject")?,
            CertificateIdentity::Uri => field(value, "uri")?,
        };
        let name = name.filter(|name| !name.is_empty());
        let name = name.ok_or(AuthError::Invalid("certificate_unnamed"))?;
        Identity::bounded("cert", &name)
    }
}

impl Authenticator for Certificates {
    fn authenticate<'a>(
        &'a self,
        presented: &'a Presented<'a>,
    ) -> BoxFuture<'a, Result<Identity, AuthError>> {
        let checked = self.check(presented);
        Box::pin(std::future::ready(checked))
    }

    // A certificate is asked for below HTTP.
    fn challenge(&self, _error: AuthError, _realm: &str) -> Option<String> {
        None
    }
}

/// A field of Envoy's header: `By=…;Hash=…;Subject="/C=US/CN=a";URI=…`. Two elements would be two
/// certificates, and two fields two names: which of them calls is then not known.
fn field(value: &str, name: &str) -> Result<Option<String>, AuthError> {
    let mut found = None;
    let mut rest = value;
    while !rest.is_empty() {
        let (key, after) = rest
            .split_once('=')
            .ok_or(AuthError::Invalid("certificate_malformed"))?;
        let (text, after) = match after.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = after.find([';', ',']).unwrap_or(after.len());
                let (text, after) = after.split_at(end);
                (text.to_owned(), after)
            }
        };
        if key.trim().eq_ignore_ascii_case(name) && found.replace(text).is_some() {
            return Err(AuthError::Invalid("certificate_ambiguous"));
        }
        rest = match after.strip_prefix(';') {
            Some(rest) => rest,
            None if after.is_empty() => after,
            None => return Err(AuthError::Invalid("certificate_ambiguous")),
        };
    }
    Ok(found)
}

/// The text up to the closing quote, and what comes behind it.
fn unquoted(text: &str) -> Result<(String, &str), AuthError> {
    let mut unquoted = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((unquoted, text.get(at.saturating_add(1)..).unwrap_or(""))),
            '\\' => unquoted.extend(chars.next().map(|(_, escaped)| escaped)),
            other => unquoted.push(other),
        }
    }
    Err(AuthError::Invalid("certificate_malformed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_field_is_found_once_or_not_at_all() {
        let header = r#"By=spiffe://a/b;Hash=468e;Subject="/C=US/CN=A \"B\"; C";URI=spiffe://c"#;
        assert_eq!(
            field(header, "subject").unwrap().unwrap(),
            r#"/C=US/CN=A "B"; C"#
        );
        assert_eq!(field(header, "uri").unwrap().unwrap(), "spiffe://c");
        assert_eq!(field(header, "dns").unwrap(), None);
        for bad in [
            "Subject=a;Subject=b",
            "Subject=a,Subject=b",
            "Subject=a,By=b",
            r#"Subject="a"#,
            r#"Subject="a"b"#,
            "Subject",
        ] {
            assert!(field(bad, "subject").is_err(), "{bad}");
        }
    }
}
