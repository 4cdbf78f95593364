//! `z402`: a lock opened for a buyer, its vouchers checked, and claimed.

use crate::world::{BUYER, SELLER, World, address, key, now};
use agent_client::chain::bindings::ReceiveWithAuthorization;
use agent_client::wallet::{opening_nonce, receive_digest};
use agent_core::money::BaseUnits;
use agent_core::voucher::Lock;
use agent_core::x402::facilitator::{Facilitator, RequestV2};
use agent_core::x402::{
    AuthorizeRequest, Erc3009Opening, LockAuthorization, Mode, Uint256, VoucherText, X402_VERSION,
    Z402Claim, Z402Payload, Z402SettlePayload,
};
use alloy_primitives::{Address, B256, U256};

pub(crate) fn opening(world: &World, amount: u128) -> AuthorizeRequest {
    let deadline = now() + 86_400;
    let mut request = AuthorizeRequest {
        x402_version: X402_VERSION,
        mode: Mode::Z,
        network: world.settings.network().to_string(),
        contract: None,
        payer: address(BUYER),
        signer: None,
        recipient: address(SELLER),
        asset: world.settings.token.address,
        authorized_amount: BaseUnits::new(amount),
        deadline,
        salt: Default::default(),
        authorization: LockAuthorization::Erc3009Authorization(Erc3009Opening {
            valid_after: Uint256::default(),
            valid_before: Uint256::of(now() + 600),
            salt: B256::repeat_byte(1),
            signature: String::new(),
        }),
    };
    let id = request.lock().id(&world.settings.domain());
    if let LockAuthorization::Erc3009Authorization(opening) = &mut request.authorization {
        let signed = ReceiveWithAuthorization {
            from: address(BUYER),
            to: world.settings.escrow,
            value: U256::from(amount),
            validAfter: opening.valid_after.0,
            validBefore: opening.valid_before.0,
            nonce: opening_nonce(id, deadline, opening.salt),
        };
        let digest = receive_digest(&world.settings.asset(), &signed);
        opening.signature = key(BUYER).sign(digest).to_string();
    }
    request
}

fn voucher(world: &World, lock: &Lock, ceiling: u128) -> VoucherText {
    let domain = world.settings.domain();
    let (channel_id, ceiling) = (lock.id(&domain), BaseUnits::new(ceiling));
    VoucherText {
        channel_id,
        max_claimable_amount: ceiling,
        signature: key(BUYER)
            .sign(domain.voucher_digest(channel_id, ceiling))
            .to_string(),
    }
}

fn request<P: serde::Serialize>(world: &World, payload: &P) -> RequestV2 {
    let mut request = world.request(world.offered("z402", 100), payload);
    request.mode = Mode::Z;
    request
}

fn pays(world: &World, lock: Lock, ceiling: u128) -> RequestV2 {
    let voucher = voucher(world, &lock, ceiling);
    request(world, &Z402Payload::Voucher { lock, voucher })
}

fn settles(world: &World, lock: Lock, ceiling: u128, charged: u128) -> RequestV2 {
    let claims = vec![Z402Claim {
        voucher: voucher(world, &lock, ceiling),
        lock,
        total_claimed: BaseUnits::new(charged),
    }];
    request(world, &Z402SettlePayload::Settle { claims })
}

#[tokio::test]
async fn a_lock_is_opened_verified_and_claimed_once() {
    let world = World::new().await;
    let facilitator = world.facilitator().await;
    let asked = opening(&world, 500);
    let lock = asked.lock();
    let opened = facilitator.authorize(asked.clone()).await.unwrap();
    assert!(opened.success, "{opened:?}");
    assert_eq!(opened.authorized, Some(BaseUnits::new(500)));
    assert_eq!(opened.lock_id, Some(lock.id(&world.settings.domain())));
    assert_eq!(facilitator.authorize(asked).await.unwrap(), opened);
    assert_eq!(world.transactions().await, 1);

    let verified = facilitator.verify(pays(&world, lock, 100)).await.unwrap();
    assert!(verified.is_valid, "{verified:?}");
    let before = world.tokens(SELLER).await;
    let settle = settles(&world, lock, 100, 60);
    let settled = facilitator.settle(settle.clone()).await.unwrap();
    assert!(settled.success, "{settled:?}");
    assert_eq!(settled.amount.as_deref(), Some("60"));
    assert_eq!(facilitator.settle(settle).await.unwrap(), settled);
    assert_eq!(world.tokens(SELLER).await, before + 60);
    // A single voucher claims its ceiling.
    let settled = facilitator.settle(pays(&world, lock, 100)).await.unwrap();
    assert_eq!(settled.amount.as_deref(), Some("40"));
    assert_eq!(world.transactions().await, 3);

    let faults = [
        (
            pays(&world, lock, 501),
            "invalid_z402_cumulative_exceeds_balance",
        ),
        (
            pays(&world, lock, 100),
            "invalid_z402_cumulative_below_claimed",
        ),
        (
            pays(
                &world,
                Lock {
                    payer: address(7),
                    signer: address(BUYER),
                    ..lock
                },
                10,
            ),
            "invalid_z402_lock_not_found",
        ),
        (
            pays(
                &world,
                Lock {
                    payee: address(7),
                    ..lock
                },
                200,
            ),
            "invalid_z402_payee_mismatch",
        ),
        (
            pays(
                &world,
                Lock {
                    token: address(7),
                    ..lock
                },
                200,
            ),
            "invalid_z402_token_mismatch",
        ),
        (
            RequestV2 {
                mode: Mode::X,
                ..pays(&world, lock, 200)
            },
            "unsupported_scheme",
        ),
    ];
    for (request, code) in faults {
        let verified = facilitator.verify(request).await.unwrap();
        assert_eq!(verified.invalid_reason.as_deref(), Some(code));
    }
    // What would pay nothing is not sent.
    let settled = facilitator
        .settle(settles(&world, lock, 90, 90))
        .await
        .unwrap();
    let code = "invalid_z402_cumulative_below_claimed";
    assert_eq!(settled.error_reason.as_deref(), Some(code));
    let settled = facilitator
        .settle(settles(&world, lock, 200, 201))
        .await
        .unwrap();
    let code = "invalid_z402_charge_exceeds_signed_cumulative";
    assert_eq!(settled.error_reason.as_deref(), Some(code));
    assert_eq!(world.transactions().await, 3);
}

#[tokio::test]
async fn other_contracts_tokens_and_signatures_open_nothing() {
    let world = World::new().await;
    let facilitator = world.facilitator().await;
    let good = opening(&world, 500);
    let other = Address::repeat_byte(3);
    let faults = [
        (
            AuthorizeRequest {
                contract: Some(other),
                ..good.clone()
            },
            "contract_not_allowed",
        ),
        (
            AuthorizeRequest {
                asset: other,
                ..good.clone()
            },
            "invalid_payment_requirements",
        ),
        (
            AuthorizeRequest {
                mode: Mode::X,
                ..good.clone()
            },
            "invalid_x402_version",
        ),
        (
            AuthorizeRequest {
                network: "eip155:1".to_owned(),
                ..good.clone()
            },
            "invalid_network",
        ),
        // The signature names seller and amount.
        (
            AuthorizeRequest {
                recipient: address(9),
                ..good.clone()
            },
            "invalid_z402_transaction_simulation_failed",
        ),
        (
            AuthorizeRequest {
                authorized_amount: BaseUnits::new(501),
                ..good
            },
            "invalid_z402_transaction_simulation_failed",
        ),
    ];
    for (request, code) in faults {
        let refused = facilitator.authorize(request).await.unwrap();
        assert!(!refused.success);
        assert_eq!(refused.error_reason.as_deref(), Some(code));
    }
    assert_eq!(world.transactions().await, 0);
}
