//! Money and payments: amounts, names of accounts, x402 objects and vouchers.

use super::texts::stable;
use agent_core::money::{Asset, AssetTable, BaseUnits, Money, Network};
use agent_core::trust::{AccountId, AgentId, AgentRegistryId, GlobalAgentId};
use agent_core::voucher::{CanonicalSignature, recover_signer};
use agent_core::x402::{
    PaymentIdentifier, PaymentPayload, PaymentRequired, PaymentTerms, SettleResponse, VoucherText,
    WireChannel, Z402Extra, Z402Payload, Z402Receipt,
};
use alloy_primitives::{Address, B256};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// Amounts and identifiers as people and peers write them.
pub(super) fn amounts(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(units) = stable::<BaseUnits>(&text) {
        assert_eq!(units.to_string(), text, "one text for one amount");
    }
    if let Some(money) = stable::<Money>(&text) {
        for decimals in [0, 6, 18, 36, 255] {
            let asset = asset(money.symbol(), decimals);
            let table = AssetTable::new(vec![asset.clone()]);
            if let Ok((_, units)) = table.resolve(&money) {
                let shown: Money = asset
                    .show(units)
                    .parse()
                    .expect("what is shown can be read");
                assert_eq!(shown.in_base_units_of(&asset), Ok(units), "{shown}");
                assert_eq!(shown, money);
            }
        }
    }
    if let Some(network) = stable::<Network>(&text) {
        assert_eq!(network.to_string(), text);
    }
    stable::<AccountId>(&text);
    stable::<AgentRegistryId>(&text);
    stable::<AgentId>(&text);
    stable::<GlobalAgentId>(&text);
    stable::<CanonicalSignature>(&text);
    if let Ok(signature) = CanonicalSignature::from_slice(bytes) {
        assert_eq!(
            CanonicalSignature::from_slice(signature.as_bytes()),
            Ok(signature)
        );
        let _ = recover_signer(B256::repeat_byte(1), &signature);
    }
}

fn asset(symbol: &str, decimals: u8) -> Asset {
    Asset {
        network: Network::eip155(1),
        address: Address::ZERO,
        symbol: symbol.to_owned(),
        decimals,
        name: String::new(),
        version: String::new(),
    }
}

fn reads<T: Serialize + DeserializeOwned + PartialEq + Debug>(json: &[u8]) -> Option<T> {
    let object: T = serde_json::from_slice(json).ok()?;
    let written = serde_json::to_vec(&object).expect("what was read can be written");
    let again: T = serde_json::from_slice(&written).expect("what was written can be read");
    assert_eq!(again, object);
    Some(object)
}

/// x402 objects and what z402 adds.
pub(super) fn payments(json: &[u8]) {
    if let Some(payment) = reads::<PaymentPayload>(json) {
        let _ = payment.payload.parse::<Z402Payload>();
    }
    if let Some(terms) = reads::<PaymentTerms>(json) {
        for skill in terms.skills.values() {
            let asked = terms.requirements(skill.amount).expect("plain data");
            assert_eq!(asked.amount, skill.amount);
            let extra: Z402Extra =
                serde_json::from_str(&serde_json::to_string(&asked.extra).unwrap()).unwrap();
            assert_eq!(extra.contract, terms.contract);
        }
    }
    reads::<PaymentRequired>(json);
    reads::<SettleResponse>(json);
    reads::<Z402Extra>(json);
    reads::<Z402Payload>(json);
    reads::<Z402Receipt>(json);
    reads::<WireChannel>(json);
    reads::<PaymentIdentifier>(json);
    if let Some(text) = reads::<VoucherText>(json) {
        match text.receive() {
            Ok(voucher) => {
                assert_eq!(voucher.channel_id(), text.channel_id);
                assert_eq!(voucher.ceiling(), text.max_claimable_amount);
            }
            Err(error) => assert!(error.code().starts_with("invalid_z402_signature")),
        }
    }
}
