//! One event of a registry, read from a log.

use agent_core::trust::FeedbackValue;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rpc_types_eth::{Filter, Log};
use alloy_sol_types::SolEvent;

use super::super::RegistryConfig;
use super::super::limits as outer;
use super::limits;
use crate::chain::bindings::IIdentityRegistry::{
    MetadataSet, Registered, Transfer, URIUpdated, Upgraded,
};
use crate::chain::bindings::IReputationRegistry::{FeedbackRevoked, NewFeedback, ResponseAppended};

/// The metadata key under which the registry keeps an agent's wallet.
const WALLET_KEY: &str = "agentWallet";

/// What happened. Texts that are too long are left out, and what cannot be read is said so: the
/// place of the event in its sequence is known all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Transferred {
        agent: U256,
        from: Address,
        to: Address,
    },
    Registered {
        agent: U256,
        owner: Address,
        uri: String,
    },
    UriSet {
        agent: U256,
        uri: String,
    },
    WalletSet {
        agent: U256,
        wallet: Option<Address>,
    },
    MetadataSet {
        agent: U256,
        key: String,
        value: Bytes,
    },
    Feedback(Box<Feedback>),
    Revoked {
        agent: U256,
        client: Address,
        item: u64,
    },
    Response(Box<Response>),
    Upgraded {
        contract: Address,
        implementation: Address,
    },
    /// An event of the right name that does not decode.
    Unreadable,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Feedback {
    pub(super) agent: U256,
    pub(super) client: Address,
    pub(super) item: u64,
    pub(super) value: i128,
    pub(super) decimals: u8,
    pub(super) tag1: String,
    pub(super) tag2: String,
    pub(super) endpoint: String,
    pub(super) uri: String,
    pub(super) hash: B256,
    /// False if a text was too long or the value is none that a registry takes.
    pub(super) usable: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) agent: U256,
    pub(super) client: Address,
    pub(super) item: u64,
    pub(super) responder: Address,
    pub(super) uri: String,
    pub(super) hash: B256,
}

/// The logs that the index is made of.
pub(super) fn filter(config: &RegistryConfig) -> Filter {
    Filter::new()
        .address(vec![config.identity, config.reputation])
        .event_signature(
            [&IDENTITY[..], &REPUTATION[..]]
                .concat()
                .into_iter()
                .collect::<Vec<B256>>(),
        )
}

const IDENTITY: [B256; 5] = [
    Registered::SIGNATURE_HASH,
    URIUpdated::SIGNATURE_HASH,
    Transfer::SIGNATURE_HASH,
    MetadataSet::SIGNATURE_HASH,
    Upgraded::SIGNATURE_HASH,
];

const REPUTATION: [B256; 4] = [
    NewFeedback::SIGNATURE_HASH,
    FeedbackRevoked::SIGNATURE_HASH,
    ResponseAppended::SIGNATURE_HASH,
    Upgraded::SIGNATURE_HASH,
];

/// The event of a log, or `None` if it is not one that [`filter`] selects.
pub(super) fn read(config: &RegistryConfig, log: &Log) -> Option<Event> {
    let name = log.topic0()?;
    let contract = log.address();
    let ours = (contract == config.identity && IDENTITY.contains(name))
        || (contract == config.reputation && REPUTATION.contains(name));
    ours.then(|| decode(*name, log).unwrap_or(Event::Unreadable))
}

fn decode(name: B256, log: &Log) -> Option<Event> {
    Some(match name {
        Transfer::SIGNATURE_HASH => {
            let event = Transfer::decode_log(&log.inner).ok()?.data;
            Event::Transferred {
                agent: event.tokenId,
                from: event.from,
                to: event.to,
            }
        }
        Registered::SIGNATURE_HASH => {
            let event = Registered::decode_log(&log.inner).ok()?.data;
            Event::Registered {
                agent: event.agentId,
                owner: event.owner,
                uri: within(event.agentURI, outer::AGENT_URI_BYTES_MAX),
            }
        }
        URIUpdated::SIGNATURE_HASH => {
            let event = URIUpdated::decode_log(&log.inner).ok()?.data;
            Event::UriSet {
                agent: event.agentId,
                uri: within(event.newURI, outer::AGENT_URI_BYTES_MAX),
            }
        }
        MetadataSet::SIGNATURE_HASH => metadata(MetadataSet::decode_log(&log.inner).ok()?.data),
        NewFeedback::SIGNATURE_HASH => feedback(NewFeedback::decode_log(&log.inner).ok()?.data),
        FeedbackRevoked::SIGNATURE_HASH => {
            let event = FeedbackRevoked::decode_log(&log.inner).ok()?.data;
            Event::Revoked {
                agent: event.agentId,
                client: event.clientAddress,
                item: event.feedbackIndex,
            }
        }
        ResponseAppended::SIGNATURE_HASH => {
            let event = ResponseAppended::decode_log(&log.inner).ok()?.data;
            Event::Response(Box::new(Response {
                agent: event.agentId,
                client: event.clientAddress,
                item: event.feedbackIndex,
                responder: event.responder,
                uri: within(event.responseURI, outer::FEEDBACK_URI_BYTES_MAX),
                hash: event.responseHash,
            }))
        }
        Upgraded::SIGNATURE_HASH => Event::Upgraded {
            contract: log.address(),
            implementation: Upgraded::decode_log(&log.inner).ok()?.implementation,
        },
        _ => return None,
    })
}

fn metadata(event: MetadataSet) -> Event {
    if event.metadataKey == WALLET_KEY {
        return Event::WalletSet {
            agent: event.agentId,
            wallet: Address::try_from(event.metadataValue.as_ref()).ok(),
        };
    }
    Event::MetadataSet {
        agent: event.agentId,
        key: event.metadataKey,
        value: event.metadataValue,
    }
}

fn feedback(event: NewFeedback) -> Event {
    let small = [&event.tag1, &event.tag2, &event.endpoint]
        .iter()
        .all(|text| text.len() <= limits::SHORT_TEXT_BYTES_MAX);
    let usable = small
        && event.feedbackURI.len() <= outer::FEEDBACK_URI_BYTES_MAX
        && FeedbackValue::new(event.value, event.valueDecimals).is_ok();
    let short = |text| within(text, limits::SHORT_TEXT_BYTES_MAX);
    Event::Feedback(Box::new(Feedback {
        agent: event.agentId,
        client: event.clientAddress,
        item: event.feedbackIndex,
        value: event.value,
        decimals: event.valueDecimals,
        tag1: short(event.tag1),
        tag2: short(event.tag2),
        endpoint: short(event.endpoint),
        uri: within(event.feedbackURI, outer::FEEDBACK_URI_BYTES_MAX),
        hash: event.feedbackHash,
        usable,
    }))
}

fn within(text: String, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        text
    } else {
        String::new()
    }
}
