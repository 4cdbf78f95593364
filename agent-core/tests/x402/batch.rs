use crate::{AUTHORIZER, BUYER, NETWORK, SELLER, address_of, key, sign, token, wire};
use agent_core::money::{BaseUnits, Network};
use agent_core::voucher::{CanonicalSignature, EscrowDomain, Received, Voucher};
use agent_core::x402::batch::{
    BATCH_SETTLEMENT, BatchDomain, BatchError, BatchReceipt, BatchTerms, ChannelConfig,
    ChannelState, Correction, Draw, VoucherClaim, VoucherState, check_against_chain, check_receipt,
    claim_batch_digest, codes,
};
use agent_core::x402::{PaymentRequirements, Uint256};
use alloy_primitives::{Address, B256};
use std::collections::BTreeSet;

fn units(n: u128) -> BaseUnits {
    BaseUnits::new(n)
}

fn domain() -> BatchDomain {
    BatchDomain::new(NETWORK)
}

fn requirements() -> PaymentRequirements {
    let offer = &wire()["required"]["batch_402"]["accepts"][0];
    serde_json::from_str(&offer.to_string()).unwrap()
}

fn terms() -> BatchTerms {
    BatchTerms::read(&requirements()).unwrap()
}

fn config() -> ChannelConfig {
    terms().channel(BUYER, BUYER, B256::ZERO)
}

fn voucher(ceiling: u128) -> Voucher<Received> {
    let id = config().id(&domain());
    let signature = sign(domain().voucher_digest(id, units(ceiling)), &key("buyer"));
    Voucher::received(id, units(ceiling), signature)
}

fn state(balance: u128, claimed: u128) -> ChannelState {
    ChannelState {
        channel_id: config().id(&domain()),
        balance: units(balance),
        total_claimed: units(claimed),
        withdraw_requested_at: 0,
        refund_nonce: Uint256::of(0),
        charged_cumulative_amount: None,
    }
}

#[test]
fn a_channel_must_fit_the_offer_in_every_field() {
    let good = config();
    let id = good.id(&domain());
    terms().check_channel(&good, id, &domain()).unwrap();
    let refused = |changed: ChannelConfig, terms: &BatchTerms| {
        let id = changed.id(&domain());
        terms.check_channel(&changed, id, &domain()).unwrap_err()
    };
    let receiver = ChannelConfig {
        receiver: BUYER,
        ..good
    };
    assert_eq!(refused(receiver, &terms()), BatchError::ReceiverMismatch);
    let authorizer = ChannelConfig {
        receiver_authorizer: BUYER,
        ..good
    };
    assert_eq!(
        refused(authorizer, &terms()),
        BatchError::ReceiverAuthorizerMismatch
    );
    let other = ChannelConfig {
        token: BUYER,
        ..good
    };
    assert_eq!(refused(other, &terms()), BatchError::TokenMismatch);
    let delay = ChannelConfig {
        withdraw_delay: 901,
        ..good
    };
    assert_eq!(refused(delay, &terms()), BatchError::WithdrawDelayMismatch);
    for delay in [0, 899, 2_592_001, 1 << 40, u64::MAX] {
        let mut asked = terms();
        asked.extra.withdraw_delay = delay;
        let changed = ChannelConfig {
            withdraw_delay: delay,
            ..good
        };
        assert_eq!(
            refused(changed, &asked),
            BatchError::WithdrawDelayOutOfRange
        );
    }
    let mut nobody = terms();
    nobody.extra.receiver_authorizer = Address::ZERO;
    let changed = ChannelConfig {
        receiver_authorizer: Address::ZERO,
        ..good
    };
    assert_eq!(
        refused(changed, &nobody),
        BatchError::ReceiverAuthorizerMismatch
    );
    let salted = ChannelConfig {
        salt: B256::repeat_byte(1),
        ..good
    };
    assert_eq!(
        terms().check_channel(&salted, id, &domain()),
        Err(BatchError::ChannelIdMismatch)
    );
    let elsewhere = BatchDomain::new(Network::eip155(1));
    assert!(
        terms()
            .check_channel(&good, good.id(&elsewhere), &elsewhere)
            .is_err()
    );
}

#[test]
fn a_voucher_is_the_payer_authorizers_and_of_this_channel() {
    let checked = config().check_voucher(voucher(1_000), &domain()).unwrap();
    assert_eq!(checked.ceiling(), units(1_000));
    let raised = Voucher::received(
        config().id(&domain()),
        units(1_001),
        voucher(1_000).signature(),
    );
    assert_eq!(
        config().check_voucher(raised, &domain()),
        Err(BatchError::VoucherSignature)
    );
    let other = ChannelConfig {
        salt: B256::repeat_byte(1),
        ..config()
    };
    assert_eq!(
        other.check_voucher(voucher(1_000), &domain()),
        Err(BatchError::ChannelIdMismatch)
    );
    let lent = ChannelConfig {
        payer_authorizer: SELLER,
        ..config()
    };
    let moved = Voucher::received(lent.id(&domain()), units(1), voucher(1).signature());
    assert_eq!(
        lent.check_voucher(moved, &domain()),
        Err(BatchError::VoucherSignature)
    );
    let account = ChannelConfig {
        payer_authorizer: Address::ZERO,
        ..config()
    };
    let id = account.id(&domain());
    let signature = sign(domain().voucher_digest(id, units(1)), &key("buyer"));
    assert_eq!(
        account.check_voucher(Voucher::received(id, units(1), signature), &domain()),
        Err(BatchError::AskTheAccount)
    );
}

#[test]
fn a_voucher_of_our_own_escrow_is_none_here_even_at_the_same_address() {
    let id = config().id(&domain());
    let escrow = EscrowDomain::new(NETWORK.chain_id, BATCH_SETTLEMENT);
    let signature = sign(escrow.voucher_digest(id, units(5)), &key("buyer"));
    assert_eq!(
        config().check_voucher(Voucher::received(id, units(5), signature), &domain()),
        Err(BatchError::VoucherSignature)
    );
}

#[test]
fn the_ceiling_continues_the_count_exactly() {
    let draw = Draw::Request { max: units(1_000) };
    assert_eq!(draw.check(units(2_700), units(3_700)), Ok(()));
    for ceiling in [0, 2_700, 3_699, 3_701] {
        let refused = draw.check(units(2_700), units(ceiling));
        assert_eq!(refused, Err(BatchError::CumulativeMismatch));
    }
    assert_eq!(Draw::Refund.check(units(2_700), units(2_700)), Ok(()));
    let most = units(u128::MAX);
    assert_eq!(draw.ceiling(most), Err(BatchError::CeilingOverflow));
    assert_eq!(draw.check(most, most), Err(BatchError::CumulativeMismatch));
    assert_eq!(draw.implied_charged(units(3_700)), Ok(units(2_700)));
    assert_eq!(
        draw.implied_charged(units(999)),
        Err(BatchError::CumulativeMismatch)
    );
}

#[test]
fn the_chain_must_cover_the_ceiling() {
    let draw = Draw::Request { max: units(1) };
    let chain = |draw, ceiling, balance, claimed, deposit: Option<u128>| {
        let deposit = deposit.map(BaseUnits::new);
        check_against_chain(draw, units(ceiling), &state(balance, claimed), deposit)
    };
    assert_eq!(chain(draw, 10, 10, 9, None), Ok(()));
    assert_eq!(
        chain(draw, 10, 0, 0, None),
        Err(BatchError::ChannelNotFound)
    );
    assert_eq!(chain(draw, 10, 0, 0, Some(10)), Ok(()));
    assert_eq!(
        chain(draw, 11, 5, 0, Some(5)),
        Err(BatchError::CeilingAboveBalance)
    );
    assert_eq!(
        chain(draw, 9, 10, 9, None),
        Err(BatchError::CeilingBelowClaimed)
    );
    assert_eq!(chain(Draw::Refund, 9, 10, 9, None), Ok(()));
    assert_eq!(
        chain(Draw::Refund, 8, 10, 9, None),
        Err(BatchError::CeilingBelowClaimed)
    );
    let full = chain(draw, 1, u128::MAX, 0, Some(1));
    assert_eq!(full, Err(BatchError::CeilingOverflow));
}

#[test]
fn a_claims_row_never_asks_for_more_than_was_signed() {
    let checked = config().check_voucher(voucher(2_000), &domain()).unwrap();
    let row = VoucherClaim::of(config(), &checked, units(1_700), &domain()).unwrap();
    let digest = claim_batch_digest(&domain(), &[row.entry(&domain())]).unwrap();
    let expected = "0x2c61926beff3e846fa4bf25785d8cd4c0b50c25567e679880392c3bf056d9869";
    assert_eq!(digest.to_string(), expected);
    assert_eq!(address_of(&key("rauth")), AUTHORIZER);
    assert_eq!(
        VoucherClaim::of(config(), &checked, units(2_001), &domain()),
        Err(BatchError::ChargeAboveMax)
    );
    let other = ChannelConfig {
        salt: B256::repeat_byte(1),
        ..config()
    };
    assert_eq!(
        VoucherClaim::of(other, &checked, units(1), &domain()),
        Err(BatchError::ChannelIdMismatch)
    );
    assert_eq!(claim_batch_digest(&domain(), &[]), None);
    let many = vec![row.entry(&domain()); 257];
    assert_eq!(claim_batch_digest(&domain(), &many), None);
    assert!(claim_batch_digest(&domain(), &many[1..]).is_some());
}

#[test]
fn a_correction_is_believed_as_far_as_we_signed_it() {
    let count = |charged| ChannelState {
        charged_cumulative_amount: Some(units(charged)),
        ..state(10_000, 500)
    };
    let proof = |ceiling: u128, signature: CanonicalSignature| VoucherState {
        signed_max_claimable: Some(units(ceiling)),
        signature: Some(signature.to_string()),
    };
    let adopt = |state: &ChannelState, voucher: &VoucherState| {
        Correction { state, voucher }.adopt(&config(), &domain(), units(500))
    };
    let good = proof(3_200, voucher(3_200).signature());
    let adopted = adopt(&count(3_000), &good).unwrap();
    assert_eq!(
        (adopted.charged, adopted.signed),
        (units(3_000), units(3_200))
    );
    for charged in [499, 3_201] {
        assert_eq!(adopt(&count(charged), &good), Err(BatchError::Unproven));
    }
    let raised = proof(9_000, voucher(3_200).signature());
    assert_eq!(adopt(&count(8_000), &raised), Err(BatchError::Unproven));
    let unproven = VoucherState::default();
    assert_eq!(adopt(&count(3_000), &unproven), Err(BatchError::Unproven));
    assert_eq!(adopt(&state(10_000, 500), &good), Err(BatchError::Unproven));
}

#[test]
fn a_receipt_must_follow_from_our_own_count() {
    let id = config().id(&domain());
    let receipt = |charged, sum: Option<u128>| BatchReceipt {
        charged_amount: Some(units(charged)),
        channel_state: Some(ChannelState {
            charged_cumulative_amount: sum.map(BaseUnits::new),
            ..state(10_000, 0)
        }),
        voucher_state: None,
    };
    let check = |receipt: &BatchReceipt| check_receipt(receipt, id, units(2_000), units(1_000));
    assert_eq!(check(&receipt(700, Some(2_700))), Ok(units(2_700)));
    assert_eq!(check(&receipt(700, None)), Ok(units(2_700)));
    assert_eq!(
        check(&receipt(700, Some(2_701))),
        Err(BatchError::WrongCount)
    );
    assert_eq!(
        check(&receipt(1_001, Some(3_001))),
        Err(BatchError::ChargeAboveMax)
    );
    let mut foreign = receipt(700, Some(2_700));
    foreign.channel_state.as_mut().unwrap().channel_id.0 = B256::ZERO;
    assert_eq!(check(&foreign), Err(BatchError::ChannelIdMismatch));
}

#[test]
fn the_offers_extra_is_read_whole_or_not_at_all() {
    let read = requirements();
    let extra = terms().extra;
    assert_eq!(extra.to_metadata().unwrap(), read.extra);
    assert_eq!(terms().evm.token, token());
    for name in ["receiverAuthorizer", "withdrawDelay", "name", "version"] {
        let mut without = read.clone();
        without.extra.remove(name);
        let error = BatchTerms::read(&without).unwrap_err();
        assert_eq!(error.code(), codes::MISSING_EIP712_DOMAIN);
    }
    let mut exact = read;
    exact.scheme = "exact".to_owned();
    assert_eq!(BatchTerms::read(&exact).unwrap_err().code(), codes::SCHEME);
}

#[test]
fn codes_are_distinct_and_the_schemes() {
    let prefix = "invalid_batch_settlement_evm_";
    let distinct: BTreeSet<&str> = codes::ALL.into_iter().collect();
    assert_eq!(distinct.len(), codes::ALL.len());
    assert!(distinct.iter().all(|code| code.starts_with(prefix)));
    for error in [
        BatchError::ChannelIdMismatch,
        BatchError::VoucherSignature,
        BatchError::CumulativeMismatch,
        BatchError::CeilingAboveBalance,
        BatchError::DepositSignature,
        BatchError::WrongCount,
    ] {
        assert!(distinct.contains(error.code()), "{error}");
    }
}
