//! The flows of OAuth 2.0 that a card can name.

use super::macros::{object, oneof};
use super::protojson::Field;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// How to get a token: one flow (A2A §4.5.7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OAuthFlows {
    /// With an authorization code.
    AuthorizationCode(AuthorizationCodeOAuthFlow),
    /// With the credentials of the client.
    ClientCredentials(ClientCredentialsOAuthFlow),
    /// Deprecated by the specification in favour of the authorization code with PKCE.
    Implicit(ImplicitOAuthFlow),
    /// Deprecated by the specification in favour of the authorization code with PKCE or of the
    /// device code.
    Password(PasswordOAuthFlow),
    /// With a second device (RFC 8628).
    DeviceCode(DeviceCodeOAuthFlow),
    /// None, or one that this version does not know. The rest of the card is still of use.
    #[default]
    Unknown,
}

oneof!(OAuthFlows {
    AuthorizationCode(authorization_code: "authorizationCode"),
    ClientCredentials(client_credentials: "clientCredentials"),
    Implicit(implicit: "implicit"),
    Password(password: "password"),
    DeviceCode(device_code: "deviceCode"),
} else Unknown);

impl Field for OAuthFlows {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Option::unwrap_or_default)
    }

    fn is_unset(&self) -> bool {
        false
    }
}

/// The flow with an authorization code (A2A §4.5.8).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorizationCodeOAuthFlow {
    /// Where the user authorizes. Required.
    pub authorization_url: String,
    /// Where the token is given. Required.
    pub token_url: String,
    /// Where it is refreshed.
    pub refresh_url: String,
    /// The scopes there are, each with a description. Required.
    pub scopes: BTreeMap<String, String>,
    /// Whether PKCE (RFC 7636) must be used.
    pub pkce_required: bool,
}

object!(AuthorizationCodeOAuthFlow {
    authorization_url: "authorizationUrl" required,
    token_url: "tokenUrl" required,
    refresh_url: "refreshUrl",
    scopes: "scopes" required,
    pkce_required: "pkceRequired",
});

/// The flow with the credentials of the client (A2A §4.5.9).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientCredentialsOAuthFlow {
    /// Where the token is given. Required.
    pub token_url: String,
    /// Where it is refreshed.
    pub refresh_url: String,
    /// The scopes there are, each with a description. Required.
    pub scopes: BTreeMap<String, String>,
}

object!(ClientCredentialsOAuthFlow {
    token_url: "tokenUrl" required,
    refresh_url: "refreshUrl",
    scopes: "scopes" required,
});

/// The implicit flow, deprecated (A2A §4.5.7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImplicitOAuthFlow {
    /// Where the user authorizes.
    pub authorization_url: String,
    /// Where the token is refreshed.
    pub refresh_url: String,
    /// The scopes there are, each with a description.
    pub scopes: BTreeMap<String, String>,
}

object!(ImplicitOAuthFlow {
    authorization_url: "authorizationUrl",
    refresh_url: "refreshUrl",
    scopes: "scopes",
});

/// The flow with a password, deprecated (A2A §4.5.7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PasswordOAuthFlow {
    /// Where the token is given.
    pub token_url: String,
    /// Where it is refreshed.
    pub refresh_url: String,
    /// The scopes there are, each with a description.
    pub scopes: BTreeMap<String, String>,
}

object!(PasswordOAuthFlow {
    token_url: "tokenUrl",
    refresh_url: "refreshUrl",
    scopes: "scopes",
});

/// The flow with a second device, for clients without a browser (A2A §4.5.10).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceCodeOAuthFlow {
    /// Where a device gets its code. Required.
    pub device_authorization_url: String,
    /// Where the token is given. Required.
    pub token_url: String,
    /// Where it is refreshed.
    pub refresh_url: String,
    /// The scopes there are, each with a description. Required.
    pub scopes: BTreeMap<String, String>,
}

object!(DeviceCodeOAuthFlow {
    device_authorization_url: "deviceAuthorizationUrl" required,
    token_url: "tokenUrl" required,
    refresh_url: "refreshUrl",
    scopes: "scopes" required,
});
