//! Security in cards: 0.3 follows OpenAPI to the letter, 1.0 has messages for it.

use crate::a2a::macros::object;
use crate::a2a::oauth::{
    AuthorizationCodeOAuthFlow, ClientCredentialsOAuthFlow, ImplicitOAuthFlow, OAuthFlows,
    PasswordOAuthFlow,
};
use crate::a2a::security::{
    APIKeySecurityScheme, HTTPAuthSecurityScheme, MutualTlsSecurityScheme, OAuth2SecurityScheme,
    OpenIdConnectSecurityScheme, SecurityRequirement, SecurityScheme, StringList,
};
use std::collections::BTreeMap;

/// Scopes by the name of a scheme.
pub(super) type Requirement = BTreeMap<String, Vec<String>>;

pub(super) fn requirement_of(requirement: &SecurityRequirement) -> Requirement {
    let schemes = requirement.schemes.iter();
    schemes
        .map(|(name, scopes)| (name.clone(), scopes.list.clone()))
        .collect()
}

pub(super) fn requirement_into_v1(requirement: Requirement) -> SecurityRequirement {
    let schemes = requirement.into_iter();
    SecurityRequirement {
        schemes: schemes
            .map(|(name, list)| (name, StringList { list }))
            .collect(),
    }
}

/// A security scheme: `type` says which, and so which of the rest counts.
#[derive(Default)]
pub(super) struct Scheme {
    kind: String,
    description: String,
    location: String,
    name: String,
    scheme: String,
    bearer_format: String,
    flows: Option<Flows>,
    oauth2_metadata_url: String,
    open_id_connect_url: String,
}

object!(Scheme {
    kind: "type" required,
    description: "description",
    location: "in",
    name: "name",
    scheme: "scheme",
    bearer_format: "bearerFormat",
    flows: "flows",
    oauth2_metadata_url: "oauth2MetadataUrl",
    open_id_connect_url: "openIdConnectUrl",
});

#[derive(Default)]
struct Flows {
    authorization_code: Option<AuthorizationCodeOAuthFlow>,
    client_credentials: Option<ClientCredentialsOAuthFlow>,
    implicit: Option<ImplicitOAuthFlow>,
    password: Option<PasswordOAuthFlow>,
}

object!(Flows {
    authorization_code: "authorizationCode",
    client_credentials: "clientCredentials",
    implicit: "implicit",
    password: "password",
});

impl Scheme {
    /// Nothing for a scheme that this version does not know.
    pub(super) fn of(scheme: &SecurityScheme) -> Option<Self> {
        let named = |kind: &str, description: &str| Self {
            kind: kind.to_owned(),
            description: description.to_owned(),
            ..Self::default()
        };
        Some(match scheme {
            SecurityScheme::ApiKey(it) => Self {
                location: it.location.clone(),
                name: it.name.clone(),
                ..named("apiKey", &it.description)
            },
            SecurityScheme::HttpAuth(it) => Self {
                scheme: it.scheme.clone(),
                bearer_format: it.bearer_format.clone(),
                ..named("http", &it.description)
            },
            SecurityScheme::OAuth2(it) => Self {
                flows: Some(Flows::of(&it.flows)),
                oauth2_metadata_url: it.oauth2_metadata_url.clone(),
                ..named("oauth2", &it.description)
            },
            SecurityScheme::OpenIdConnect(it) => Self {
                open_id_connect_url: it.open_id_connect_url.clone(),
                ..named("openIdConnect", &it.description)
            },
            SecurityScheme::Mtls(it) => named("mutualTLS", &it.description),
            SecurityScheme::Unknown => return None,
        })
    }

    pub(super) fn into_v1(self) -> SecurityScheme {
        let description = self.description;
        match self.kind.as_str() {
            "apiKey" => SecurityScheme::ApiKey(APIKeySecurityScheme {
                description,
                location: self.location,
                name: self.name,
            }),
            "http" => SecurityScheme::HttpAuth(HTTPAuthSecurityScheme {
                description,
                scheme: self.scheme,
                bearer_format: self.bearer_format,
            }),
            "oauth2" => SecurityScheme::OAuth2(OAuth2SecurityScheme {
                description,
                flows: self.flows.unwrap_or_default().into_v1(),
                oauth2_metadata_url: self.oauth2_metadata_url,
            }),
            "openIdConnect" => SecurityScheme::OpenIdConnect(OpenIdConnectSecurityScheme {
                description,
                open_id_connect_url: self.open_id_connect_url,
            }),
            "mutualTLS" => SecurityScheme::Mtls(MutualTlsSecurityScheme { description }),
            _ => SecurityScheme::Unknown,
        }
    }
}

impl Flows {
    fn of(flows: &OAuthFlows) -> Self {
        let mut out = Self::default();
        match flows {
            OAuthFlows::AuthorizationCode(flow) => {
                let mut flow = flow.clone();
                flow.pkce_required = false;
                out.authorization_code = Some(flow);
            }
            OAuthFlows::ClientCredentials(flow) => out.client_credentials = Some(flow.clone()),
            OAuthFlows::Implicit(flow) => out.implicit = Some(flow.clone()),
            OAuthFlows::Password(flow) => out.password = Some(flow.clone()),
            OAuthFlows::DeviceCode(_) | OAuthFlows::Unknown => {}
        }
        out
    }

    fn into_v1(self) -> OAuthFlows {
        let code = self.authorization_code.map(OAuthFlows::AuthorizationCode);
        let credentials = self.client_credentials.map(OAuthFlows::ClientCredentials);
        let implicit = self.implicit.map(OAuthFlows::Implicit);
        let password = self.password.map(OAuthFlows::Password);
        code.or(credentials)
            .or(implicit)
            .or(password)
            .unwrap_or_default()
    }
}
