//! Who may call an agent and how, from its builder and its configuration.

use crate::auth::{AccessPolicy, Authenticator, RateLimiter};
use crate::bind::Door;
use crate::config::AgentConfig;
use crate::error::Error;
use crate::service::{Extended, MakeExtendedCard, TenantConfig, Tenants, Version};
use agent_core::a2a::{AgentCard, AgentExtension, AgentInterface, SecurityScheme};
use agent_core::clock::Clock;
use agent_core::x402::EXTENSION_URI;
use std::sync::Arc;

/// What a builder says about those who call.
#[derive(Default)]
pub(super) struct Visitors {
    pub(super) schemes: Vec<(String, SecurityScheme, Arc<dyn Authenticator>)>,
    pub(super) extensions: Vec<AgentExtension>,
    pub(super) extended: Option<MakeExtendedCard>,
}

/// What stands between callers and the service.
pub(super) struct Entrance {
    pub(super) door: Door,
    pub(super) extended: Extended,
    pub(super) required_extensions: Vec<String>,
}

impl Visitors {
    /// Sets the entrance up, and writes into the card what callers must know of it.
    pub(super) fn entrance(
        self,
        config: &AgentConfig,
        clock: &Arc<dyn Clock>,
        card: &mut AgentCard,
    ) -> Result<Entrance, Error> {
        let mut policy = AccessPolicy::new(&card.name);
        for (name, scheme, authenticator) in self.schemes {
            policy.add(&name, scheme, authenticator)?;
        }
        if let Some(auth) = &config.auth {
            auth.apply(&mut policy, clock, &|name| std::env::var(name).ok())?;
        }
        let policy = policy.settled();
        policy.describe(card);

        let capabilities = &mut card.capabilities;
        capabilities.extensions.extend(self.extensions);
        if config.payment.as_ref().is_some_and(|p| p.require_extension) {
            let ours = capabilities.extensions.iter_mut();
            for extension in ours.filter(|extension| extension.uri == EXTENSION_URI) {
                extension.required = true;
            }
        }
        let extensions = &capabilities.extensions;
        let uris = |all: bool| {
            let named = extensions.iter().filter(|known| all || known.required);
            named.map(|known| known.uri.clone()).collect()
        };
        let (extensions, required_extensions) = (uris(true), uris(false));

        if let Some(tenants) = &config.tenants {
            name_tenants(tenants, &mut card.supported_interfaces);
        }

        let extended = extended(config, self.extended, card);
        Ok(Entrance {
            door: Door {
                policy: (!policy.is_empty()).then_some(policy),
                limiter: RateLimiter::new(&config.rate),
                proxy: config.proxy.clone(),
                tenants: Tenants::new(config.tenants.clone()),
                extensions,
                v0_3: config.v0_3,
            },
            extended,
            required_extensions,
        })
    }
}

/// Writes the tenants into the card. 0.3 has none: whoever speaks it names none, so where one must be
/// named it is not offered.
fn name_tenants(tenants: &TenantConfig, interfaces: &mut Vec<AgentInterface>) {
    let has_tenants =
        |interface: &AgentInterface| interface.protocol_version != Version::V0_3.name();
    if tenants.required {
        interfaces.retain(has_tenants);
    }
    if !tenants.in_card {
        return;
    }
    let mut plain = interfaces.clone();
    plain.retain(has_tenants);
    if tenants.required {
        interfaces.clear();
    }
    for name in &tenants.names {
        let theirs = plain.iter().cloned().map(|mut interface| {
            name.clone_into(&mut interface.tenant);
            interface
        });
        interfaces.extend(theirs);
    }
}

/// The extended card: the builder's, or else the public one with what the configuration keeps from
/// the public.
fn extended(
    config: &AgentConfig,
    made: Option<MakeExtendedCard>,
    card: &mut AgentCard,
) -> Extended {
    let mut make = made;
    if let Some(more) = &config.card.extended {
        let kept = |id: &String| more.skills.contains(id);
        let (hidden, shown): (Vec<_>, Vec<_>) =
            card.skills.drain(..).partition(|skill| kept(&skill.id));
        card.skills = shown;
        let description = more.description.clone();
        let configured: MakeExtendedCard = Arc::new(move |_, mut card| {
            card.skills.extend(hidden.iter().cloned());
            if let Some(description) = &description {
                description.clone_into(&mut card.description);
            }
            Some(card)
        });
        make = make.or(Some(configured));
    }
    let declared = make.is_some() || config.card.declare_extended;
    card.capabilities.extended_agent_card = Some(declared);
    Extended {
        declared,
        public: card.clone(),
        make,
        signer: None,
    }
}
