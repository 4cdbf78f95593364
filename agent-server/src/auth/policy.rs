//! Which ways of authentication suffice.

use super::error::AuthConfigError;
use super::limits::{REQUIREMENTS_MAX, SCHEMES_MAX};
use super::{AuthError, Authenticator, Identity, Presented, quotable};
use agent_core::a2a::{
    A2aError, AgentCard, ErrorCode, SecurityRequirement, SecurityScheme, StringList,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which ways of authentication suffice: any one of the requirements, of each all schemes, each
/// with all its scopes (A2A §4.4.1).
#[derive(Debug, Default)]
pub struct AccessPolicy {
    realm: String,
    schemes: BTreeMap<String, Scheme>,
    requirements: Vec<SecurityRequirement>,
    open: bool,
}

#[derive(Debug)]
struct Scheme {
    card: SecurityScheme,
    authenticator: Arc<dyn Authenticator>,
}

/// Why a request is not let in: the error, and what `WWW-Authenticate` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// Unauthenticated, PermissionDenied or Unavailable.
    pub error: A2aError,
    /// The challenges, one for each header.
    pub challenges: Vec<String>,
}

/// What the schemes said so far, each asked once.
type Asked<'a> = BTreeMap<&'a str, Result<Identity, AuthError>>;

impl AccessPolicy {
    /// A policy that lets nobody in yet. `realm` is what challenges call the agent.
    #[must_use]
    pub fn new(realm: &str) -> Self {
        Self {
            realm: quotable(realm),
            ..Self::default()
        }
    }

    /// Adds a way of authentication, as the card is to describe it.
    ///
    /// # Errors
    /// [`AuthConfigError`] when the name is taken or there are too many.
    pub fn add(
        &mut self,
        name: &str,
        card: SecurityScheme,
        authenticator: Arc<dyn Authenticator>,
    ) -> Result<(), AuthConfigError> {
        if self.schemes.len() >= SCHEMES_MAX {
            return Err(AuthConfigError::TooMany {
                what: "security schemes",
                max: SCHEMES_MAX,
            });
        }
        let scheme = Scheme {
            card,
            authenticator,
        };
        if self.schemes.insert(name.to_owned(), scheme).is_some() {
            return Err(AuthConfigError::scheme(name, "there are two of this name"));
        }
        Ok(())
    }

    /// Says what suffices. Without it any one of the schemes does.
    ///
    /// # Errors
    /// [`AuthConfigError`] when a scheme is not known.
    pub fn require(
        &mut self,
        requirements: Vec<SecurityRequirement>,
    ) -> Result<(), AuthConfigError> {
        if requirements.len() > REQUIREMENTS_MAX {
            return Err(AuthConfigError::TooMany {
                what: "security requirements",
                max: REQUIREMENTS_MAX,
            });
        }
        let mut named = requirements.iter().flat_map(|entry| entry.schemes.keys());
        if requirements.iter().any(|entry| entry.schemes.is_empty()) {
            let reason = "an entry is empty; say `allow_anonymous` if that is meant";
            return Err(AuthConfigError::Require(reason.to_owned()));
        }
        if let Some(unknown) = named.find(|name| !self.schemes.contains_key(*name)) {
            let reason = format!("there is no scheme `{unknown}`");
            return Err(AuthConfigError::Require(reason));
        }
        self.requirements = requirements;
        Ok(())
    }

    /// Lets anonymous callers in, beside those that say who they are.
    pub const fn allow_anonymous(&mut self) {
        self.open = true;
    }

    /// Whether no way of authentication was added: then everybody is anonymous.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.schemes.is_empty()
    }

    /// Ready to be asked: what was left to defaults is written out.
    #[must_use]
    pub fn settled(mut self) -> Self {
        if self.requirements.is_empty() {
            let alone = |name: &String| SecurityRequirement {
                schemes: BTreeMap::from([(name.clone(), StringList::default())]),
            };
            self.requirements = self.schemes.keys().map(alone).collect();
        }
        self
    }

    /// Writes into the card how callers are to authenticate themselves.
    pub fn describe(&self, card: &mut AgentCard) {
        let schemes = self.schemes.iter();
        card.security_schemes = schemes
            .map(|(name, scheme)| (name.clone(), scheme.card.clone()))
            .collect();
        card.security_requirements.clone_from(&self.requirements);
        if self.open {
            // What OpenAPI says of an empty one: none is needed.
            let none = SecurityRequirement::default();
            card.security_requirements.push(none);
        }
    }

    /// Who calls: a name that no other caller has, or nobody if that is allowed.
    ///
    /// # Errors
    /// [`Denied`]. A credential that does not hold is refused even where none is needed: its caller
    /// would take the answer for its own.
    pub async fn admit(&self, presented: &Presented<'_>) -> Result<Option<String>, Denied> {
        let mut asked = Asked::new();
        let mut worst = AuthError::Missing;
        for requirement in &self.requirements {
            match self.satisfied(requirement, presented, &mut asked).await {
                Ok(caller) => return Ok(Some(caller)),
                Err(error) => worst = worst.graver(error),
            }
        }
        if self.open && worst == AuthError::Missing && asked.values().all(Result::is_err) {
            return Ok(None);
        }
        Err(self.denied(worst, &asked))
    }

    /// What every way of authentication wants of those who presented nothing.
    #[must_use]
    pub fn invitations(&self) -> Vec<String> {
        self.challenges(AuthError::Missing, &Asked::new())
    }

    async fn satisfied<'a>(
        &'a self,
        requirement: &'a SecurityRequirement,
        presented: &Presented<'_>,
        asked: &mut Asked<'a>,
    ) -> Result<String, AuthError> {
        let mut names = Vec::with_capacity(requirement.schemes.len());
        let mut worst = None::<AuthError>;
        // All are asked, also after one failed: a credential that does not hold must be seen.
        for (name, scopes) in &requirement.schemes {
            if !asked.contains_key(name.as_str()) {
                let said = match self.schemes.get(name) {
                    Some(scheme) => scheme.authenticator.authenticate(presented).await,
                    None => Err(AuthError::Missing),
                };
                asked.insert(name, said);
            }
            let error = match asked.get(name.as_str()) {
                Some(Ok(identity)) if identity.grants(&scopes.list) => {
                    names.push(identity.name().to_owned());
                    continue;
                }
                Some(Ok(_)) => AuthError::Forbidden("insufficient_scope"),
                Some(Err(error)) => *error,
                None => AuthError::Missing,
            };
            worst = Some(worst.map_or(error, |worst| worst.graver(error)));
        }
        if let Some(worst) = worst {
            return Err(worst);
        }
        Ok(names.join(" & "))
    }

    fn denied(&self, error: AuthError, asked: &Asked<'_>) -> Denied {
        let told = match error {
            AuthError::Missing => A2aError::from(ErrorCode::Unauthenticated),
            AuthError::Invalid(code) => {
                let text = "the credentials do not hold";
                A2aError::new(ErrorCode::Unauthenticated, text).with_detail(code)
            }
            AuthError::Forbidden(code) => {
                A2aError::from(ErrorCode::PermissionDenied).with_detail(code)
            }
            AuthError::Unavailable(code) => {
                let text = "credentials cannot be checked now; try again later";
                A2aError::new(ErrorCode::Unavailable, text).with_detail(code)
            }
        };
        let challenges = match error {
            AuthError::Unavailable(_) => Vec::new(),
            _ => self.challenges(error, asked),
        };
        Denied {
            error: told,
            challenges,
        }
    }

    /// What each scheme wants, in the order of their names.
    fn challenges(&self, error: AuthError, asked: &Asked<'_>) -> Vec<String> {
        let schemes = self.schemes.iter().filter_map(|(name, scheme)| {
            let said = match asked.get(name.as_str()) {
                Some(Ok(_)) => error,
                Some(Err(said)) => *said,
                None => AuthError::Missing,
            };
            scheme.authenticator.challenge(said, &self.realm)
        });
        schemes.collect()
    }
}
