//! The Agent Card and what it says about authentication, as `specification/a2a.proto` numbers them.

use super::schema::{Kind, Schema, map, message, one_of, optional, plain, repeated, text};

/// `lf.a2a.v1.AgentCard`
pub static AGENT_CARD: Schema = Schema {
    name: "AgentCard",
    fields: &[
        text(1, "name"),
        text(2, "description"),
        repeated(3, "supportedInterfaces", Kind::Message(&INTERFACE)),
        message(4, "provider", &PROVIDER),
        text(5, "version"),
        optional(6, "documentationUrl", Kind::String),
        message(7, "capabilities", &CAPABILITIES),
        map(8, "securitySchemes", Kind::Message(&SECURITY_SCHEME)),
        repeated(9, "securityRequirements", Kind::Message(&REQUIREMENT)),
        repeated(10, "defaultInputModes", Kind::String),
        repeated(11, "defaultOutputModes", Kind::String),
        repeated(12, "skills", Kind::Message(&SKILL)),
        repeated(13, "signatures", Kind::Message(&SIGNATURE)),
        optional(14, "iconUrl", Kind::String),
    ],
};

static INTERFACE: Schema = Schema {
    name: "AgentInterface",
    fields: &[
        text(1, "url"),
        text(2, "protocolBinding"),
        text(3, "tenant"),
        text(4, "protocolVersion"),
    ],
};

pub(super) static PROVIDER: Schema = Schema {
    name: "AgentProvider",
    fields: &[text(1, "url"), text(2, "organization")],
};

pub(super) static CAPABILITIES: Schema = Schema {
    name: "AgentCapabilities",
    fields: &[
        optional(1, "streaming", Kind::Bool),
        optional(2, "pushNotifications", Kind::Bool),
        repeated(3, "extensions", Kind::Message(&EXTENSION)),
        optional(4, "extendedAgentCard", Kind::Bool),
    ],
};

static EXTENSION: Schema = Schema {
    name: "AgentExtension",
    fields: &[
        text(1, "uri"),
        text(2, "description"),
        plain(3, "required", Kind::Bool),
        plain(4, "params", Kind::Struct),
    ],
};

pub(super) static SKILL: Schema = Schema {
    name: "AgentSkill",
    fields: &[
        text(1, "id"),
        text(2, "name"),
        text(3, "description"),
        repeated(4, "tags", Kind::String),
        repeated(5, "examples", Kind::String),
        repeated(6, "inputModes", Kind::String),
        repeated(7, "outputModes", Kind::String),
        repeated(8, "securityRequirements", Kind::Message(&REQUIREMENT)),
    ],
};

pub(super) static SIGNATURE: Schema = Schema {
    name: "AgentCardSignature",
    fields: &[
        text(1, "protected"),
        text(2, "signature"),
        plain(3, "header", Kind::Struct),
    ],
};

pub(super) static REQUIREMENT: Schema = Schema {
    name: "SecurityRequirement",
    fields: &[map(1, "schemes", Kind::Message(&STRING_LIST))],
};

static STRING_LIST: Schema = Schema {
    name: "StringList",
    fields: &[repeated(1, "list", Kind::String)],
};

pub(super) static SECURITY_SCHEME: Schema = Schema {
    name: "SecurityScheme",
    fields: &[
        one_of(1, "apiKeySecurityScheme", Kind::Message(&API_KEY)),
        one_of(2, "httpAuthSecurityScheme", Kind::Message(&HTTP_AUTH)),
        one_of(3, "oauth2SecurityScheme", Kind::Message(&OAUTH2)),
        one_of(
            4,
            "openIdConnectSecurityScheme",
            Kind::Message(&OPEN_ID_CONNECT),
        ),
        one_of(5, "mtlsSecurityScheme", Kind::Message(&MUTUAL_TLS)),
    ],
};

static API_KEY: Schema = Schema {
    name: "APIKeySecurityScheme",
    fields: &[text(1, "description"), text(2, "location"), text(3, "name")],
};

static HTTP_AUTH: Schema = Schema {
    name: "HTTPAuthSecurityScheme",
    fields: &[
        text(1, "description"),
        text(2, "scheme"),
        text(3, "bearerFormat"),
    ],
};

static OAUTH2: Schema = Schema {
    name: "OAuth2SecurityScheme",
    fields: &[
        text(1, "description"),
        message(2, "flows", &OAUTH_FLOWS),
        text(3, "oauth2MetadataUrl"),
    ],
};

static OPEN_ID_CONNECT: Schema = Schema {
    name: "OpenIdConnectSecurityScheme",
    fields: &[text(1, "description"), text(2, "openIdConnectUrl")],
};

static MUTUAL_TLS: Schema = Schema {
    name: "MutualTlsSecurityScheme",
    fields: &[text(1, "description")],
};

static OAUTH_FLOWS: Schema = Schema {
    name: "OAuthFlows",
    fields: &[
        one_of(1, "authorizationCode", Kind::Message(&AUTHORIZATION_CODE)),
        one_of(2, "clientCredentials", Kind::Message(&CLIENT_CREDENTIALS)),
        one_of(3, "implicit", Kind::Message(&IMPLICIT)),
        one_of(4, "password", Kind::Message(&PASSWORD)),
        one_of(5, "deviceCode", Kind::Message(&DEVICE_CODE)),
    ],
};

static AUTHORIZATION_CODE: Schema = Schema {
    name: "AuthorizationCodeOAuthFlow",
    fields: &[
        text(1, "authorizationUrl"),
        text(2, "tokenUrl"),
        text(3, "refreshUrl"),
        map(4, "scopes", Kind::String),
        plain(5, "pkceRequired", Kind::Bool),
    ],
};

static CLIENT_CREDENTIALS: Schema = Schema {
    name: "ClientCredentialsOAuthFlow",
    fields: &[
        text(1, "tokenUrl"),
        text(2, "refreshUrl"),
        map(3, "scopes", Kind::String),
    ],
};

static IMPLICIT: Schema = Schema {
    name: "ImplicitOAuthFlow",
    fields: &[
        text(1, "authorizationUrl"),
        text(2, "refreshUrl"),
        map(3, "scopes", Kind::String),
    ],
};

static PASSWORD: Schema = Schema {
    name: "PasswordOAuthFlow",
    fields: &[
        text(1, "tokenUrl"),
        text(2, "refreshUrl"),
        map(3, "scopes", Kind::String),
    ],
};

static DEVICE_CODE: Schema = Schema {
    name: "DeviceCodeOAuthFlow",
    fields: &[
        text(1, "deviceAuthorizationUrl"),
        text(2, "tokenUrl"),
        text(3, "refreshUrl"),
        map(4, "scopes", Kind::String),
    ],
};
