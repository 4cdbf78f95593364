//! Digests: the contract's, ours, and the published and captured ones.

use agent_core::money::BaseUnits;
use agent_core::voucher::ChannelId;
use agent_core::x402::batch::{
    BATCH_SETTLEMENT, BatchDomain, ChannelConfig, ClaimEntry, ERC3009_DEPOSIT_COLLECTOR,
    PERMIT2_DEPOSIT_COLLECTOR, claim_batch_digest, refund_digest,
};
use agent_core::x402::{EXACT_PERMIT2_PROXY, PERMIT2, UPTO_PERMIT2_PROXY, Uint256};
use agent_devnet::{CONTRACTS, artifacts::Artifact};
use agent_tests::world::World;
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{SolCall, SolError, SolEvent, SolInterface, eip712_domain};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;

use crate::bind::{ICollector, ISignatureTransfer, IX402BatchSettlement as batch};
use crate::stage::{network, on_chain};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../agent-core/tests/x402/digests.json")).unwrap()
}

#[test]
fn the_contracts_are_where_peers_look_for_them() {
    let x402 = CONTRACTS.x402;
    assert_eq!(
        [
            x402.batch_settlement,
            x402.erc3009_collector,
            x402.permit2_collector,
            x402.permit2,
            x402.exact_permit2_proxy,
            x402.upto_permit2_proxy,
        ],
        [
            BATCH_SETTLEMENT,
            ERC3009_DEPOSIT_COLLECTOR,
            PERMIT2_DEPOSIT_COLLECTOR,
            PERMIT2,
            EXACT_PERMIT2_PROXY,
            UPTO_PERMIT2_PROXY,
        ]
    );
    let world = World::new();
    for collector in [ERC3009_DEPOSIT_COLLECTOR, PERMIT2_DEPOSIT_COLLECTOR] {
        let serves = world.view(collector, &ICollector::x402BatchSettlementCall {});
        assert_eq!(serves, BATCH_SETTLEMENT);
    }
    for spender in [
        PERMIT2_DEPOSIT_COLLECTOR,
        EXACT_PERMIT2_PROXY,
        UPTO_PERMIT2_PROXY,
    ] {
        assert_eq!(world.view(spender, &ICollector::PERMIT2Call {}), PERMIT2);
    }
}

#[test]
fn domains_and_types_are_the_published_ones() {
    let world = World::new();
    let said = world.view(BATCH_SETTLEMENT, &batch::eip712DomainCall {});
    assert_eq!(
        (said.name.as_str(), said.version.as_str()),
        ("x402 Batch Settlement", "1")
    );
    assert_eq!(said.chainId, U256::from(network().chain_id));
    assert_eq!(said.verifyingContract, BATCH_SETTLEMENT);
    let separator = world.view(PERMIT2, &ISignatureTransfer::DOMAIN_SEPARATORCall {});
    let of_permit2 = eip712_domain! {
        name: "Permit2",
        chain_id: network().chain_id,
        verifying_contract: PERMIT2,
    };
    assert_eq!(separator, of_permit2.separator());

    let hashes = &vectors()["typeHashes"];
    let of = |name: &str| -> B256 { hashes[name].as_str().unwrap().parse().unwrap() };
    let says = [
        (
            "ChannelConfig",
            world.view(BATCH_SETTLEMENT, &batch::CHANNEL_CONFIG_TYPEHASHCall {}),
        ),
        (
            "Voucher",
            world.view(BATCH_SETTLEMENT, &batch::VOUCHER_TYPEHASHCall {}),
        ),
        (
            "Refund",
            world.view(BATCH_SETTLEMENT, &batch::REFUND_TYPEHASHCall {}),
        ),
        (
            "ClaimEntry",
            world.view(BATCH_SETTLEMENT, &batch::CLAIM_ENTRY_TYPEHASHCall {}),
        ),
        (
            "ClaimBatch",
            world.view(BATCH_SETTLEMENT, &batch::CLAIM_BATCH_TYPEHASHCall {}),
        ),
    ];
    for (name, hash) in says {
        assert_eq!(hash, of(name), "{name}");
    }
}

/// What the contract says to one of the vectors, if it is of a type that it hashes.
fn said(
    world: &World,
    of_id: &dyn Fn(B256) -> batch::ChannelConfig,
    vector: &Value,
) -> Option<B256> {
    let message = &vector["message"];
    let channelId = message["channelId"]
        .as_str()
        .map(|id| id.parse::<B256>().unwrap());
    let amount = |value: &Value| value.as_str().unwrap().parse::<u128>().unwrap();
    Some(match vector["type"].as_str().unwrap() {
        "ChannelConfig" => {
            let config: ChannelConfig = serde_json::from_value(message.clone()).unwrap();
            let config = on_chain(&config);
            world.view(BATCH_SETTLEMENT, &batch::getChannelIdCall { config })
        }
        "Voucher" => world.view(
            BATCH_SETTLEMENT,
            &batch::getVoucherDigestCall {
                channelId: channelId.unwrap(),
                maxClaimableAmount: amount(&message["maxClaimableAmount"]),
            },
        ),
        "Refund" => world.view(
            BATCH_SETTLEMENT,
            &batch::getRefundDigestCall {
                channelId: channelId.unwrap(),
                nonce: U256::from(amount(&message["nonce"])),
                amount: amount(&message["amount"]),
            },
        ),
        "ClaimBatch" => {
            let rows = message["claims"].as_array().unwrap().iter();
            let voucherClaims = rows.map(|row| batch::VoucherClaim {
                voucher: batch::Voucher {
                    channel: of_id(row["channelId"].as_str().unwrap().parse().unwrap()),
                    maxClaimableAmount: amount(&row["maxClaimableAmount"]),
                },
                signature: Default::default(),
                totalClaimed: amount(&row["totalClaimed"]),
            });
            let voucherClaims = voucherClaims.collect();
            world.view(
                BATCH_SETTLEMENT,
                &batch::getClaimBatchDigestCall { voucherClaims },
            )
        }
        _ => return None,
    })
}

#[test]
fn published_and_captured_digests_are_the_contracts() {
    let world = World::new();
    let all = vectors();
    let all = all["digests"].as_array().unwrap();
    // A claim's digest names channels by id; the contract wants them whole.
    let of_id = |id: B256| {
        let found = all.iter().find(|vector| vector["digest"] == id.to_string());
        let config: ChannelConfig =
            serde_json::from_value(found.unwrap()["message"].clone()).unwrap();
        on_chain(&config)
    };
    let mut checked = 0;
    for vector in all {
        if let Some(digest) = said(&world, &of_id, vector) {
            assert_eq!(digest.to_string(), vector["digest"], "{}", vector["name"]);
            checked += 1;
        }
    }
    assert_eq!(checked, 9);
}

fn arbitrary_channel() -> impl Strategy<Value = ChannelConfig> {
    let address = || any::<[u8; 20]>().prop_map(Address::from);
    let parties = (address(), address(), address(), address(), address());
    (parties, 0..1_u64 << 40, any::<[u8; 32]>()).prop_map(|(of, withdraw_delay, salt)| {
        ChannelConfig {
            payer: of.0,
            payer_authorizer: of.1,
            receiver: of.2,
            receiver_authorizer: of.3,
            token: of.4,
            withdraw_delay,
            salt: salt.into(),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(agent_tests::repeats("AGENT_TEST_CASES", 32)))]

    #[test]
    fn digests_of_anything_are_ours(
        configs in prop::collection::vec(arbitrary_channel(), 1..4),
        amounts in any::<[u128; 2]>(),
        nonce in any::<[u64; 4]>(),
    ) {
        let world = World::new();
        let domain = BatchDomain::new(network());
        let [ceiling, total] = amounts;
        let mut entries = Vec::new();
        let mut rows = Vec::new();
        for config in &configs {
            let ours = config.id(&domain);
            let ask = batch::getChannelIdCall { config: on_chain(config) };
            prop_assert_eq!(world.view(BATCH_SETTLEMENT, &ask), ours.0);
            entries.push(ClaimEntry {
                channel_id: ours,
                max_claimable_amount: BaseUnits::new(ceiling),
                total_claimed: BaseUnits::new(total),
            });
            rows.push(batch::VoucherClaim {
                voucher: batch::Voucher { channel: on_chain(config), maxClaimableAmount: ceiling },
                signature: Default::default(),
                totalClaimed: total,
            });
        }
        let ask = batch::getClaimBatchDigestCall { voucherClaims: rows };
        let ours = claim_batch_digest(&domain, &entries).unwrap();
        prop_assert_eq!(world.view(BATCH_SETTLEMENT, &ask), ours);

        let channelId = entries[0].channel_id.0;
        let ask = batch::getVoucherDigestCall { channelId, maxClaimableAmount: ceiling };
        let ours = domain.voucher_digest(ChannelId(channelId), BaseUnits::new(ceiling));
        prop_assert_eq!(world.view(BATCH_SETTLEMENT, &ask), ours);

        let nonce = U256::from_limbs(nonce);
        let ask = batch::getRefundDigestCall { channelId, nonce, amount: total };
        let ours = refund_digest(&domain, ChannelId(channelId), Uint256(nonce), BaseUnits::new(total));
        prop_assert_eq!(world.view(BATCH_SETTLEMENT, &ask), ours);
    }
}

/// Selectors, and the topic of an event, that the packages in use have been built with.
#[test]
fn the_interface_is_the_deployed_one() {
    let config = "(address,address,address,address,address,uint40,bytes32)";
    let rows = format!("(({config},uint128),bytes,uint128)[]");
    let deployed = [
        format!("deposit({config},uint128,address,bytes)"),
        format!("claim({rows})"),
        format!("claimWithSignature({rows},bytes)"),
        "settle(address,address)".into(),
        format!("initiateWithdraw({config},uint128)"),
        format!("finalizeWithdraw({config})"),
        format!("refund({config},uint128)"),
        format!("refundWithSignature({config},uint128,uint256,bytes)"),
        "multicall(bytes[])".into(),
        format!("getChannelId({config})"),
        "getVoucherDigest(bytes32,uint128)".into(),
        "getRefundDigest(bytes32,uint256,uint128)".into(),
        format!("getClaimBatchDigest({rows})"),
        "channels(bytes32)".into(),
        "pendingWithdrawals(bytes32)".into(),
        "receivers(address,address)".into(),
        "refundNonce(bytes32)".into(),
        "MIN_WITHDRAW_DELAY()".into(),
        "MAX_WITHDRAW_DELAY()".into(),
        "CHANNEL_CONFIG_TYPEHASH()".into(),
        "VOUCHER_TYPEHASH()".into(),
        "REFUND_TYPEHASH()".into(),
        "CLAIM_ENTRY_TYPEHASH()".into(),
        "CLAIM_BATCH_TYPEHASH()".into(),
        "eip712Domain()".into(),
    ];
    let selector =
        |signature: &String| -> [u8; 4] { keccak256(signature)[..4].try_into().unwrap() };
    let deployed: BTreeSet<_> = deployed.iter().map(selector).collect();
    let bound: BTreeSet<_> = batch::IX402BatchSettlementCalls::selectors().collect();
    assert_eq!(bound, deployed);
    let code = Artifact::X402BatchSettlement.runtime_code().unwrap();
    for selector in deployed {
        assert!(
            code.windows(5)
                .any(|at| at[0] == 0x63 && at[1..] == selector)
                || selector[0] == 0,
            "{selector:?} is not dispatched"
        );
    }
    assert_eq!(
        batch::Settled::SIGNATURE_HASH,
        keccak256("Settled(address,address,address,uint128)")
    );
    assert_eq!(
        batch::ChannelCreated::SIGNATURE_HASH,
        keccak256(format!("ChannelCreated(bytes32,{config})"))
    );
    assert_eq!(
        batch::SafeERC20FailedOperation::SELECTOR,
        keccak256("SafeERC20FailedOperation(address)")[..4]
    );
    assert_eq!(
        batch::settleCall::SELECTOR,
        selector(&"settle(address,address)".into())
    );
}
