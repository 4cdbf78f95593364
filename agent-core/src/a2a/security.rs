//! How an agent wants its callers to authenticate themselves.

use super::macros::{object, oneof};
use super::oauth::OAuthFlows;
use std::collections::BTreeMap;

/// A way of authentication, after the OpenAPI Security Scheme Object (A2A §4.5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecurityScheme {
    /// A key.
    ApiKey(APIKeySecurityScheme),
    /// The `Authorization` header.
    HttpAuth(HTTPAuthSecurityScheme),
    /// OAuth 2.0.
    OAuth2(OAuth2SecurityScheme),
    /// OpenID Connect.
    OpenIdConnect(OpenIdConnectSecurityScheme),
    /// A certificate of the client.
    Mtls(MutualTlsSecurityScheme),
    /// One that this version does not know. The rest of the card is still of use.
    Unknown,
}

oneof!(SecurityScheme {
    ApiKey(api_key_security_scheme: "apiKeySecurityScheme"),
    HttpAuth(http_auth_security_scheme: "httpAuthSecurityScheme"),
    OAuth2(oauth2_security_scheme: "oauth2SecurityScheme"),
    OpenIdConnect(open_id_connect_security_scheme: "openIdConnectSecurityScheme"),
    Mtls(mtls_security_scheme: "mtlsSecurityScheme"),
} else Unknown);

/// A key in a header, query or cookie (A2A §4.5.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct APIKeySecurityScheme {
    /// A description for people.
    pub description: String,
    /// `query`, `header` or `cookie`. Required.
    pub location: String,
    /// The name of the header, parameter or cookie. Required.
    pub name: String,
}

object!(APIKeySecurityScheme {
    description: "description",
    location: "location" required,
    name: "name" required,
});

/// The `Authorization` header (A2A §4.5.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HTTPAuthSecurityScheme {
    /// A description for people.
    pub description: String,
    /// The HTTP authentication scheme, such as `Bearer`. Required.
    pub scheme: String,
    /// What a bearer token looks like, such as `JWT`.
    pub bearer_format: String,
}

object!(HTTPAuthSecurityScheme {
    description: "description",
    scheme: "scheme" required,
    bearer_format: "bearerFormat",
});

/// OAuth 2.0 (A2A §4.5.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OAuth2SecurityScheme {
    /// A description for people.
    pub description: String,
    /// How to get a token. Required.
    pub flows: OAuthFlows,
    /// Where the metadata of the authorization server is (RFC 8414).
    pub oauth2_metadata_url: String,
}

object!(OAuth2SecurityScheme {
    description: "description",
    flows: "flows" required,
    oauth2_metadata_url: "oauth2MetadataUrl",
});

/// OpenID Connect (A2A §4.5.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenIdConnectSecurityScheme {
    /// A description for people.
    pub description: String,
    /// The discovery URL of the provider. Required.
    pub open_id_connect_url: String,
}

object!(OpenIdConnectSecurityScheme {
    description: "description",
    open_id_connect_url: "openIdConnectUrl" required,
});

/// A certificate of the client (A2A §4.5.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MutualTlsSecurityScheme {
    /// A description for people.
    pub description: String,
}

object!(MutualTlsSecurityScheme {
    description: "description"
});

/// Schemes that are needed together, each with the scopes that it must grant (A2A §4.4.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecurityRequirement {
    /// Scopes by the name that the card gives to the scheme.
    pub schemes: BTreeMap<String, StringList>,
}

object!(SecurityRequirement { schemes: "schemes" });

/// A list of strings, where Protocol Buffers need it to be an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StringList {
    /// The strings.
    pub list: Vec<String>,
}

object!(StringList { list: "list" });
