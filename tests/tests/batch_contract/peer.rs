//! The Rust crate `r402-evm`, which is nobody's of this project.
//!
//! What it pays with by `exact`, we and the token take. Its vouchers are ours too, for a channel
//! whose id we tell it: its own id of a channel, and its JSON, are not those of the scheme in
//! version 0.21, so it can pay neither us nor a stock seller by `batch-settlement`. The last test
//! holds what is wrong, and fails when it is not any more.

use agent_client::chain::bindings::IToken;
use agent_client::clock::SystemClock;
use agent_core::clock::Clock;
use agent_core::money::BaseUnits;
use agent_core::x402::batch::{ChannelConfig, VoucherClaim};
use agent_core::x402::{
    EvmTerms, ExactPayload, HeaderObject, Mode, PaymentPayload, PaymentRequired,
    PaymentRequirements, ResourceInfo, SCHEME_EXACT, VoucherText, X402_VERSION,
};
use agent_devnet::GENESIS_USDC;
use agent_tests::sign;
use agent_tests::world::{World, account, key};
use alloy_primitives::{Bytes, U256, aliases::U40};
use alloy_sol_types::{SolStruct, eip712_domain};
use r402_client::SchemeClient;
use r402_evm::Eip155ExactClient;
use r402_evm::batch_settlement::{
    BatchSettlementPayload, VoucherFields, compute_channel_id, sign_voucher, sign_voucher_payload,
    verify_voucher_signature,
};
use serde_json::json;

use crate::bind::IX402BatchSettlement as batch;
use crate::stage::{
    PAYER, RECEIVER, STRANGER, USDC, channel, deposit, domain, id, network, on_chain, send, state,
    usdc,
};

const PRICE: u128 = 1_000;

/// The same in the peer's types, through JSON.
fn theirs<T: serde::de::DeserializeOwned>(ours: &impl serde::Serialize) -> T {
    serde_json::from_str(&serde_json::to_string(ours).unwrap()).unwrap()
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

fn offer() -> PaymentRequired {
    let extra = json!({ "name": "USDC", "version": "2" });
    let requirements = PaymentRequirements {
        scheme: SCHEME_EXACT.into(),
        network: network().to_string(),
        amount: BaseUnits::new(PRICE),
        asset: USDC.to_checksum(None),
        pay_to: account(RECEIVER).to_checksum(None),
        max_timeout_seconds: 60,
        extra: serde_json::from_value(extra).unwrap(),
    };
    PaymentRequired {
        x402_version: X402_VERSION,
        mode: Mode::X,
        error: None,
        resource: ResourceInfo {
            url: "https://seller.example/skills/echo".into(),
            ..ResourceInfo::default()
        },
        accepts: vec![requirements],
        extensions: Default::default(),
    }
}

#[test]
fn its_exact_payment_is_checked_and_moves_the_money() {
    let mut world = World::new();
    let offer = offer();
    let [candidate] = &Eip155ExactClient::new(key(PAYER)).accept(&theirs(&offer))[..] else {
        panic!("it does not see one way to pay")
    };
    let header = wait(candidate.sign()).unwrap();
    let paid = PaymentPayload::from_header(&header).unwrap();
    assert_eq!(paid.accepted, offer.accepts[0]);
    let payload: ExactPayload = paid.payload.parse().unwrap();
    let ExactPayload::Eip3009(payment) = payload else {
        panic!("{payload:?}")
    };
    let terms = EvmTerms::read(&offer.accepts[0], SCHEME_EXACT).unwrap();
    let now = SystemClock.now_unix_secs();
    let checked = payment.check(&terms, &usdc(), now).unwrap();

    // The chain's clock is an old one: only the window is the peer's.
    world.wait(now - world.now());
    let authorization = &payment.authorization;
    let call = IToken::transferWithAuthorization_1Call {
        from: authorization.from,
        to: authorization.to,
        value: U256::from(authorization.value.get()),
        validAfter: authorization.valid_after.0,
        validBefore: authorization.valid_before.0,
        nonce: authorization.nonce,
        signature: Bytes::copy_from_slice(checked.signature().as_bytes()),
    };
    world.send(account(STRANGER), USDC, &call).unwrap();
    let earned = U256::from(u128::from(GENESIS_USDC) + PRICE);
    assert_eq!(world.balance(USDC, account(RECEIVER)), earned);
}

#[test]
fn its_vouchers_are_taken_and_claimed() {
    let mut world = World::new();
    let config = channel(0);
    send(&mut world, STRANGER, &deposit(&config, 5_000, 1, PAYER)).unwrap();
    let payer = key(PAYER);
    for total in [PRICE, 3 * PRICE] {
        let signed = sign_voucher(
            &payer,
            id(&config).0,
            U256::from(total + 1),
            network().chain_id,
        );
        let voucher: VoucherText = theirs(&wait(signed).unwrap());
        let voucher = config
            .check_voucher(voucher.receive().unwrap(), &domain())
            .unwrap();
        let row = VoucherClaim::of(config, &voucher, BaseUnits::new(total), &domain()).unwrap();
        let claim = batch::claimCall {
            voucherClaims: vec![batch::VoucherClaim {
                voucher: batch::Voucher {
                    channel: on_chain(&config),
                    maxClaimableAmount: total + 1,
                },
                signature: row.signature.parse().unwrap(),
                totalClaimed: total,
            }],
        };
        send(&mut world, RECEIVER, &claim).unwrap();
        assert_eq!(state(&world, &config), (5_000, total));
    }
}

#[test]
fn our_vouchers_are_good_there() {
    let config = channel(0);
    let good = |by: usize| {
        let digest = domain().voucher_digest(id(&config), BaseUnits::new(PRICE));
        let voucher: VoucherFields = theirs(&VoucherText {
            channel_id: id(&config),
            max_claimable_amount: BaseUnits::new(PRICE),
            signature: Bytes::from(sign::hash(&key(by), digest)).to_string(),
        });
        let (payer, signer) = (config.payer, config.payer_authorizer);
        verify_voucher_signature(&voucher, network().chain_id, payer, signer).is_ok()
    };
    assert!(good(PAYER));
    assert!(!good(STRANGER));
}

mod misnamed {
    alloy_sol_types::sol! {
        struct ChannelConfigSol { address payer; address payerAuthorizer; address receiver; address receiverAuthorizer; address token; uint40 withdrawDelay; bytes32 salt; }
    }
}

#[test]
fn why_it_cannot_pay_by_batch_settlement() {
    // Its id is over a type with another name, so its channels are nobody's.
    let config = channel(0);
    let ChannelConfig {
        payer,
        receiver,
        token,
        salt,
        ..
    } = config;
    let of = theirs(&config);
    let its_id = compute_channel_id(&of, network().chain_id).unwrap();
    assert_ne!(its_id, id(&config).0);
    let over = misnamed::ChannelConfigSol {
        payer,
        payerAuthorizer: config.payer_authorizer,
        receiver,
        receiverAuthorizer: config.receiver_authorizer,
        token,
        withdrawDelay: U40::from(config.withdraw_delay),
        salt,
    };
    let of_contract = eip712_domain! {
        name: "x402 Batch Settlement",
        version: "1",
        chain_id: network().chain_id,
        verifying_contract: agent_core::x402::batch::BATCH_SETTLEMENT,
    };
    assert_eq!(its_id, over.eip712_signing_hash(&of_contract));

    // Its JSON calls a member `channel_config` that everybody else calls `channelConfig`.
    let signer = key(PAYER);
    let payload = sign_voucher_payload(&signer, &of, U256::from(PRICE), network().chain_id);
    let payload: BatchSettlementPayload = wait(payload).unwrap();
    let json = serde_json::to_value(&payload).unwrap();
    assert!(json.get("channel_config").is_some() && json.get("channelConfig").is_none());
}
