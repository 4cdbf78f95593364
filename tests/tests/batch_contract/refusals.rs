//! What the contract refuses, and how it says so.

use agent_core::x402::batch::{
    BATCH_SETTLEMENT, ChannelConfig, ERC3009_DEPOSIT_COLLECTOR, PERMIT2_DEPOSIT_COLLECTOR,
};
use agent_tests::world::{Refusal, World, account};
use alloy_primitives::{Address, B256, Bytes, U256, b256};

use crate::bind::{ICollector, IX402BatchSettlement as batch};
use crate::stage::{
    AUTHORIZER, DELAY, PAYER, RECEIVER, STRANGER, USDC, channel, deposit, id, on_chain, row, send,
    signed_claim, signed_refund, state,
};

/// The order of secp256k1.
const ORDER: B256 = b256!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");

fn opened() -> (World, ChannelConfig) {
    let mut world = World::new();
    let config = channel(0);
    send(&mut world, STRANGER, &deposit(&config, 1_000, 1, PAYER)).unwrap();
    (world, config)
}

fn claim(rows: Vec<batch::VoucherClaim>) -> batch::claimCall {
    batch::claimCall {
        voucherClaims: rows,
    }
}

#[test]
fn deposits() {
    let mut world = World::new();
    let good = channel(0);
    let zero = Address::ZERO;
    let day = 86_400;
    for (config, refusal) in [
        (
            ChannelConfig {
                payer: zero,
                ..good
            },
            Refusal::of(&batch::InvalidChannel {}),
        ),
        (
            ChannelConfig {
                receiver: zero,
                ..good
            },
            Refusal::of(&batch::InvalidChannel {}),
        ),
        (
            ChannelConfig {
                receiver_authorizer: zero,
                ..good
            },
            Refusal::of(&batch::InvalidChannel {}),
        ),
        (
            ChannelConfig {
                token: zero,
                ..good
            },
            Refusal::of(&batch::InvalidChannel {}),
        ),
        (
            ChannelConfig {
                withdraw_delay: DELAY - 1,
                ..good
            },
            Refusal::of(&batch::WithdrawDelayOutOfRange {}),
        ),
        (
            ChannelConfig {
                withdraw_delay: 30 * day + 1,
                ..good
            },
            Refusal::of(&batch::WithdrawDelayOutOfRange {}),
        ),
    ] {
        let refused = send(&mut world, STRANGER, &deposit(&config, 10, 1, PAYER));
        assert_eq!(refused.unwrap_err(), refusal, "{config:?}");
    }
    let nothing = deposit(&good, 0, 1, PAYER);
    let refused = send(&mut world, STRANGER, &nothing).unwrap_err();
    assert_eq!(refused, Refusal::of(&batch::ZeroDeposit {}));
    let nobody = batch::depositCall {
        collector: zero,
        ..deposit(&good, 10, 1, PAYER)
    };
    let refused = send(&mut world, STRANGER, &nobody).unwrap_err();
    assert_eq!(refused, Refusal::of(&batch::InvalidCollector {}));

    // The longest delay is fine, and so is a channel whose payer's account answers for it.
    let longest = ChannelConfig {
        withdraw_delay: 30 * day,
        payer_authorizer: zero,
        ..good
    };
    send(&mut world, STRANGER, &deposit(&longest, 10, 2, PAYER)).unwrap();
}

#[test]
fn a_deposits_signature_is_for_one_channel_amount_and_use() {
    let (mut world, config) = opened();
    let used = deposit(&config, 1_000, 1, PAYER);
    let said = Refusal::text("FiatTokenV2: authorization is used or canceled");
    assert_eq!(send(&mut world, STRANGER, &used).unwrap_err(), said);

    let fresh = deposit(&config, 1_000, 2, PAYER);
    let elsewhere = batch::depositCall {
        config: on_chain(&ChannelConfig {
            receiver: account(STRANGER),
            ..config
        }),
        ..fresh.clone()
    };
    let less = batch::depositCall {
        amount: 999,
        ..fresh.clone()
    };
    let forged = deposit(&config, 1_000, 2, STRANGER);
    let said = Refusal::text("FiatTokenV2: invalid signature");
    for call in [elsewhere, less, forged] {
        assert_eq!(send(&mut world, STRANGER, &call).unwrap_err(), said);
    }

    // Nobody can use it but the contract.
    for collector in [ERC3009_DEPOSIT_COLLECTOR, PERMIT2_DEPOSIT_COLLECTOR] {
        let stolen = ICollector::collectCall {
            payer: config.payer,
            token: USDC,
            amount: U256::from(1_000),
            channelId: id(&config).0,
            collectorData: fresh.collectorData.clone(),
        };
        let refused = world
            .send(account(STRANGER), collector, &stolen)
            .unwrap_err();
        assert_eq!(
            refused,
            Refusal::of(&ICollector::OnlyX402BatchSettlement {})
        );
    }
    send(&mut world, STRANGER, &fresh).unwrap();
    assert_eq!(state(&world, &config), (2_000, 0));
}

#[test]
fn a_collector_that_brings_nothing_books_nothing() {
    let (mut world, config) = opened();
    let lazy = Address::repeat_byte(0x1a);
    // STOP: any call succeeds.
    world
        .chain
        .set_code(lazy, Bytes::from_static(&[0x00]))
        .unwrap();
    let call = batch::depositCall {
        collector: lazy,
        ..deposit(&config, 10, 2, PAYER)
    };
    let refused = send(&mut world, STRANGER, &call).unwrap_err();
    assert_eq!(refused, Refusal::of(&batch::DepositCollectionFailed {}));
    assert_eq!(state(&world, &config), (1_000, 0));
}

#[test]
fn claims() {
    let (mut world, config) = opened();
    let refusal = |world: &mut World, from, rows| send(world, from, &claim(rows)).unwrap_err();
    let empty = Refusal::of(&batch::EmptyBatch {});
    assert_eq!(refusal(&mut world, RECEIVER, vec![]), empty);
    let unsigned = batch::claimWithSignatureCall {
        voucherClaims: vec![],
        authorizerSignature: Bytes::new(),
    };
    assert_eq!(send(&mut world, STRANGER, &unsigned).unwrap_err(), empty);

    let good = row(&config, 100, 100, PAYER);
    for from in [STRANGER, PAYER] {
        let refused = refusal(&mut world, from, vec![good.clone()]);
        assert_eq!(refused, Refusal::of(&batch::NotAuthorizedToClaim {}));
    }
    for (bad, said) in [
        (
            row(&config, 100, 101, PAYER),
            Refusal::of(&batch::ClaimExceedsCeiling {}),
        ),
        (
            row(&config, 5_000, 1_001, PAYER),
            Refusal::of(&batch::ClaimExceedsBalance {}),
        ),
        (
            row(&config, 101, 101, AUTHORIZER),
            Refusal::of(&batch::InvalidSignature {}),
        ),
        // A voucher of another channel of the same parties.
        (
            batch::VoucherClaim {
                signature: row(&channel(1), 101, 101, PAYER).signature,
                ..row(&config, 101, 101, PAYER)
            },
            Refusal::of(&batch::InvalidSignature {}),
        ),
    ] {
        // One bad row undoes the good one before it.
        assert_eq!(refusal(&mut world, RECEIVER, vec![good.clone(), bad]), said);
    }
    assert_eq!(state(&world, &config), (1_000, 0));
}

#[test]
fn other_forms_of_a_good_signature() {
    let (mut world, config) = opened();
    let good = row(&config, 100, 100, PAYER);
    let bytes = good.signature.to_vec();
    let with = |signature: Vec<u8>| {
        claim(vec![batch::VoucherClaim {
            signature: signature.into(),
            ..good.clone()
        }])
    };

    let mut short = bytes.clone();
    short.truncate(64);
    let refused = send(&mut world, RECEIVER, &with(short)).unwrap_err();
    let length = U256::from(64);
    assert_eq!(
        refused,
        Refusal::of(&batch::ECDSAInvalidSignatureLength { length })
    );

    let order = U256::from_be_bytes(ORDER.0);
    let s = order - U256::from_be_slice(&bytes[32..64]);
    let mut mirrored = bytes.clone();
    mirrored[32..64].copy_from_slice(&s.to_be_bytes::<32>());
    mirrored[64] = if bytes[64] == 27 { 28 } else { 27 };
    let refused = send(&mut world, RECEIVER, &with(mirrored)).unwrap_err();
    assert_eq!(
        refused,
        Refusal::of(&batch::ECDSAInvalidSignatureS { s: s.into() })
    );

    let mut parity = bytes.clone();
    parity[64] -= 27;
    let refused = send(&mut world, RECEIVER, &with(parity)).unwrap_err();
    assert_eq!(refused, Refusal::of(&batch::ECDSAInvalidSignature {}));
    assert_eq!(state(&world, &config), (1_000, 0));
}

#[test]
fn claims_by_signature() {
    let (mut world, config) = opened();
    let other = ChannelConfig {
        receiver_authorizer: account(5),
        ..channel(1)
    };
    send(&mut world, STRANGER, &deposit(&other, 100, 1, PAYER)).unwrap();
    let rows = vec![row(&config, 100, 100, PAYER), row(&other, 50, 50, PAYER)];
    let mixed = signed_claim(rows.clone(), &[config, other], AUTHORIZER);
    let refused = send(&mut world, STRANGER, &mixed).unwrap_err();
    assert_eq!(refused, Refusal::of(&batch::NotReceiverAuthorizer {}));

    let invalid = Refusal::of(&batch::InvalidSignature {});
    let one = vec![rows[0].clone()];
    for by in [STRANGER, RECEIVER, PAYER] {
        let forged = signed_claim(one.clone(), &[config], by);
        assert_eq!(send(&mut world, STRANGER, &forged).unwrap_err(), invalid);
    }
    // What was signed cannot be raised, even within the ceiling.
    let mut raised = signed_claim(vec![row(&config, 100, 10, PAYER)], &[config], AUTHORIZER);
    raised.voucherClaims[0].totalClaimed = 100;
    assert_eq!(send(&mut world, STRANGER, &raised).unwrap_err(), invalid);
    let garbled = batch::claimWithSignatureCall {
        authorizerSignature: Bytes::from_static(b"yes"),
        ..signed_claim(one, &[config], AUTHORIZER)
    };
    assert_eq!(send(&mut world, STRANGER, &garbled).unwrap_err(), invalid);
}

#[test]
fn withdrawals() {
    let (mut world, config) = opened();
    let initiate = |amount| batch::initiateWithdrawCall {
        config: on_chain(&config),
        amount,
    };
    let finalize = batch::finalizeWithdrawCall {
        config: on_chain(&config),
    };
    for from in [STRANGER, RECEIVER, AUTHORIZER] {
        let refused = send(&mut world, from, &initiate(1)).unwrap_err();
        assert_eq!(refused, Refusal::of(&batch::InvalidChannel {}));
        let refused = send(&mut world, from, &finalize).unwrap_err();
        assert_eq!(
            refused,
            Refusal::of(&batch::NotAuthorizedToFinalizeWithdraw {})
        );
    }
    let refused = send(&mut world, PAYER, &initiate(0)).unwrap_err();
    assert_eq!(refused, Refusal::of(&batch::NothingToWithdraw {}));
    let refused = send(&mut world, PAYER, &initiate(1_001)).unwrap_err();
    assert_eq!(
        refused,
        Refusal::of(&batch::WithdrawAmountExceedsAvailable {})
    );
    let refused = send(&mut world, PAYER, &finalize).unwrap_err();
    assert_eq!(refused, Refusal::of(&batch::WithdrawalNotPending {}));
    send(&mut world, PAYER, &initiate(1)).unwrap();
    let refused = send(&mut world, PAYER, &initiate(1)).unwrap_err();
    assert_eq!(refused, Refusal::of(&batch::WithdrawalAlreadyPending {}));
}

#[test]
fn refunds() {
    let (mut world, config) = opened();
    let refund = |amount| batch::refundCall {
        config: on_chain(&config),
        amount,
    };
    for from in [STRANGER, PAYER] {
        let refused = send(&mut world, from, &refund(1)).unwrap_err();
        assert_eq!(refused, Refusal::of(&batch::NotAuthorizedToRefund {}));
    }
    let refused = send(&mut world, RECEIVER, &refund(0)).unwrap_err();
    assert_eq!(refused, Refusal::of(&batch::ZeroRefund {}));
    for by in [STRANGER, RECEIVER, PAYER] {
        let forged = signed_refund(&config, 10, 0, by);
        let refused = send(&mut world, STRANGER, &forged).unwrap_err();
        assert_eq!(refused, Refusal::of(&batch::InvalidSignature {}));
    }
    let mut raised = signed_refund(&config, 10, 0, AUTHORIZER);
    raised.amount = 11;
    let refused = send(&mut world, STRANGER, &raised).unwrap_err();
    assert_eq!(refused, Refusal::of(&batch::InvalidSignature {}));
    assert_eq!(state(&world, &config), (1_000, 0));
    assert_eq!(world.balance(USDC, BATCH_SETTLEMENT), U256::from(1_000));
}
