//! What a request presents besides its body.

use super::AuthError;
use http::{HeaderMap, HeaderName};
use std::net::IpAddr;
use url::form_urlencoded;

/// What a request presents: the only things that may say who calls (A2A §7.3).
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// The headers, or the metadata of gRPC.
    pub headers: &'a HeaderMap,
    /// The query as it came, without the question mark.
    pub query: Option<&'a str>,
    /// The address of whoever is connected: the caller, or a proxy in front of it. Unknown for
    /// calls within the process.
    pub peer: Option<IpAddr>,
}

impl<'a> Presented<'a> {
    /// The one header of this name.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] if there are two, of which proxies and we might pick different ones,
    /// or it is not text.
    pub fn header(&self, name: &HeaderName) -> Result<Option<&'a str>, AuthError> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => match value.to_str() {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(AuthError::Invalid("credential_not_text")),
            },
            (Some(_), Some(_)) => Err(AuthError::Invalid("credential_twice")),
        }
    }

    /// The one parameter of this name in the query.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] if there are two.
    pub fn parameter(&self, name: &str) -> Result<Option<String>, AuthError> {
        let query = form_urlencoded::parse(self.query.unwrap_or("").as_bytes());
        let mut values = query.filter(|(key, _)| key == name);
        let found = values.next().map(|(_, value)| value.into_owned());
        if values.next().is_some() {
            return Err(AuthError::Invalid("credential_twice"));
        }
        Ok(found)
    }

    /// The one cookie of this name.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] if there are two.
    pub fn cookie(&self, name: &str) -> Result<Option<&'a str>, AuthError> {
        // HTTP/2 may send one header for each cookie.
        let lines = self.headers.get_all(http::header::COOKIE).iter();
        let mut values = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value.trim_matches('"'));
        let found = values.next();
        if values.next().is_some() {
            return Err(AuthError::Invalid("credential_twice"));
        }
        Ok(found)
    }
}

/// Without values: they are credentials.
impl std::fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presented")
            .field("headers", &self.headers.len())
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}
