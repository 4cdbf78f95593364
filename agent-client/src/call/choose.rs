//! Which of the ways that a card offers is taken.

use std::sync::Arc;

use agent_core::a2a::{AgentCard, AgentInterface, Version};

use super::CallError;
use super::grpc::Grpc;
use super::jsonrpc::JsonRpc;
use super::options::CallOptions;
use super::rest::Rest;
use super::transport::{Binding, Transport, Wire};
use crate::egress::Egress;

/// How an agent is called, and as which tenant.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) tenant: String,
}

/// The first interface in the card's order that is spoken here, allowed by the options, and at an
/// address that the egress policy lets out. Those of an older version come after all of the newer,
/// wherever the card has them: it cannot say everything.
pub(super) fn choose(
    egress: &Egress,
    card: &AgentCard,
    options: &CallOptions,
) -> Result<Chosen, CallError> {
    let mut refused = None;
    for version in [Version::V1_0, Version::V0_3] {
        let named = card.supported_interfaces.iter().filter_map(wire);
        for (wire, interface) in named.filter(|(wire, _)| wire.version == version) {
            if !options.allow(wire) {
                continue;
            }
            match transport(egress, wire, interface) {
                Some(Ok(transport)) => {
                    let tenant = interface.tenant.clone();
                    return Ok(Chosen { transport, tenant });
                }
                Some(Err(error)) => {
                    refused.get_or_insert(error);
                }
                None => {}
            }
        }
    }
    Err(refused.unwrap_or(CallError::NoInterface))
}

/// What an interface speaks, if it has a name here.
fn wire(interface: &AgentInterface) -> Option<(Wire, &AgentInterface)> {
    let binding = Binding::of_name(&interface.protocol_binding)?;
    let version = Version::of_name(&interface.protocol_version)?;
    Some((Wire { binding, version }, interface))
}

/// What speaks that wire with that interface: `None` if nothing here does, and an error if its
/// address is refused. A new binding or version is one more line.
fn transport(
    egress: &Egress,
    wire: Wire,
    interface: &AgentInterface,
) -> Option<Result<Arc<dyn Transport>, CallError>> {
    let Wire { binding, version } = wire;
    let over = |url| -> Option<Arc<dyn Transport>> {
        let egress = egress.clone();
        match binding {
            Binding::JsonRpc => Some(Arc::new(JsonRpc::new(egress, url, version))),
            Binding::HttpJson => Some(Arc::new(Rest::new(egress, url, version))),
            Binding::Grpc if version == Version::V1_0 => Some(Arc::new(Grpc::new(egress, url))),
            Binding::Grpc => None,
        }
    };
    let vetted = match binding {
        Binding::Grpc => Grpc::vet(egress, interface),
        Binding::JsonRpc | Binding::HttpJson => egress.vet(&interface.url),
    };
    match vetted {
        Ok(url) => over(url).map(Ok),
        Err(error) => Some(Err(error.into())),
    }
}
