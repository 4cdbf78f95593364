//! A token taken apart (RFC 7519): what it says, and nothing believed yet.

use crate::auth::AuthError;
use crate::auth::limits::{AUDIENCES_MAX, SCOPES_MAX, TOKEN_BYTES_MAX};
use agent_core::a2a::signing::Algorithm;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Number, Value};

/// A token taken apart.
pub(super) struct Token<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    /// What the signature is over.
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
    payload: &'a str,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    // Whatever is in it must be understood, and we understand none of it.
    crit: Option<Value>,
}

/// What a token says of its caller.
#[derive(Deserialize)]
pub(super) struct Claims {
    pub(super) iss: Option<String>,
    pub(super) sub: Option<String>,
    aud: Option<OneOrMany>,
    exp: Option<Number>,
    nbf: Option<Number>,
    scope: Option<String>,
    scp: Option<OneOrMany>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl<'a> Token<'a> {
    /// # Errors
    /// [`AuthError::Invalid`] when it is not a signed token of a kind that is taken.
    pub(super) fn read(text: &'a str) -> Result<Self, AuthError> {
        const MALFORMED: AuthError = AuthError::Invalid("malformed_token");
        if text.len() > TOKEN_BYTES_MAX {
            return Err(AuthError::Invalid("token_too_long"));
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(MALFORMED)?;
        let (header, payload) = signed.split_once('.').ok_or(MALFORMED)?;
        if payload.contains('.') || signature.is_empty() {
            return Err(MALFORMED);
        }
        let header: Header = part(header).ok_or(MALFORMED)?;
        if header.crit.is_some() {
            return Err(AuthError::Invalid("critical_header"));
        }
        // Other typed tokens, such as logout tokens, are signed with the same keys.
        let typ = header.typ.as_deref().map(|typ| typ.to_ascii_lowercase());
        let typ = typ
            .as_deref()
            .map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
        if !matches!(typ, None | Some("jwt" | "at+jwt")) {
            return Err(AuthError::Invalid("token_type"));
        }
        Ok(Self {
            algorithm: Algorithm::of_name(&header.alg).ok_or(AuthError::Invalid("algorithm"))?,
            kid: header.kid,
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).map_err(|_| MALFORMED)?,
            payload,
        })
    }

    /// What it says. To be believed only if the signature holds.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] when a claim has a wrong type or is there twice.
    pub(super) fn claims(&self) -> Result<Claims, AuthError> {
        part(self.payload).ok_or(AuthError::Invalid("malformed_token"))
    }
}

impl Claims {
    /// Whether the token is for one of us.
    pub(super) fn is_for(&self, audiences: &[String]) -> bool {
        let named = self.aud.as_ref().map(OneOrMany::as_slice);
        let named = named.unwrap_or_default();
        named.len() <= AUDIENCES_MAX && named.iter().any(|name| audiences.contains(name))
    }

    /// Whether it is valid at that time, or nearly.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] says what is wrong. A token without an end is not taken.
    pub(super) fn check_time(&self, now_secs: u64, leeway_secs: u64) -> Result<(), AuthError> {
        let exp = self.exp.as_ref().ok_or(AuthError::Invalid("no_expiry"))?;
        let exp = seconds(exp).ok_or(AuthError::Invalid("malformed_token"))?;
        if exp.saturating_add(leeway_secs) <= now_secs {
            return Err(AuthError::Invalid("expired"));
        }
        let Some(nbf) = &self.nbf else { return Ok(()) };
        let nbf = seconds(nbf).ok_or(AuthError::Invalid("malformed_token"))?;
        if nbf > now_secs.saturating_add(leeway_secs) {
            return Err(AuthError::Invalid("not_yet_valid"));
        }
        Ok(())
    }

    /// The scopes that it grants, in either of the claims that issuers use.
    pub(super) fn scopes(&self) -> Vec<String> {
        let scope = self.scope.iter().flat_map(|list| list.split(' '));
        let scp = self.scp.iter().flat_map(OneOrMany::as_slice);
        let scp = scp.flat_map(|list| list.split(' '));
        scope
            .chain(scp)
            .filter(|scope| !scope.is_empty())
            .take(SCOPES_MAX)
            .map(str::to_owned)
            .collect()
    }
}

/// Whole seconds of a time, which may have a fraction (RFC 7519 §2). Times before the epoch are
/// none.
fn seconds(number: &Number) -> Option<u64> {
    number.as_u64().or_else(|| {
        let text = number.to_string();
        let (whole, fraction) = text.split_once('.')?;
        let digits = fraction.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| whole.parse().ok())?
    })
}

fn part<T: for<'de> Deserialize<'de>>(text: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    serde_json::from_slice(&bytes).ok()
}
