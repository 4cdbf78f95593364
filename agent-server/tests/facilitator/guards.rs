//! What keeps others from spending the facilitator's gas.

use crate::world::{BUYER, FACILITATOR, SELLER, World, address, clock, open};
use agent_client::chain::outbox::TxOutbox;
use agent_core::x402::facilitator::{Facilitator, FacilitatorError};
use agent_devnet::DevnetConfig;
use agent_server::facilitator::{ChainOffer, FeeCaps, LocalFacilitator};
use alloy_primitives::{Bytes, U256, hex};

async fn capped(world: &World, fees: FeeCaps) -> LocalFacilitator {
    open(ChainOffer {
        fees,
        ..world.offer().await
    })
    .await
}

#[tokio::test]
async fn a_transaction_above_its_cap_is_not_made() {
    let world = World::new().await;
    let fees = FeeCaps {
        transaction_gwei: 1,
        ..FeeCaps::default()
    };
    let facilitator = capped(&world, fees).await;
    let settled = facilitator.settle(world.exact(5, 1)).await;
    assert!(
        matches!(settled, Err(FacilitatorError::Unavailable(_))),
        "{settled:?}"
    );
    assert_eq!(world.transactions().await, 0);
}

/// Settles until the day's fees are used up; how many were made.
async fn settle_all(
    world: &World,
    facilitator: &LocalFacilitator,
    nonces: std::ops::Range<u8>,
) -> u64 {
    let mut made = 0;
    for nonce in nonces {
        match facilitator.settle(world.exact(1, nonce)).await {
            Ok(settled) => {
                assert!(settled.success, "{settled:?}");
                made += 1;
            }
            Err(FacilitatorError::Unavailable(_)) => break,
            Err(other) => panic!("{other:?}"),
        }
    }
    made
}

#[tokio::test]
async fn a_day_costs_no_more_than_its_cap_also_after_a_restart() {
    let world = World::new().await;
    // What one transfer costs, measured.
    let facilitator = world.facilitator().await;
    let before = world
        .chain
        .native_balance(address(FACILITATOR))
        .await
        .unwrap();
    assert_eq!(settle_all(&world, &facilitator, 1..2).await, 1);
    let after = world
        .chain
        .native_balance(address(FACILITATOR))
        .await
        .unwrap();
    let one: u64 = ((before - after) / U256::from(1_000_000_000_u64)).to();

    // The base fee falls while blocks are nearly empty, so later ones cost less.
    let fees = FeeCaps {
        day_gwei: one.saturating_mul(3),
        ..FeeCaps::default()
    };
    drop(facilitator);
    let path = world.dir.path().join("other.db");
    let offer = ChainOffer {
        fees,
        ..world.offer_with(world.outbox_of(8, &path).await)
    };
    let before = world.chain.native_balance(address(8)).await.unwrap();
    let made = settle_all(&world, &open(offer.clone()).await, 2..60).await;
    assert!((1..58).contains(&made), "{made}");
    // Another process counts what the first one spent.
    offer.outbox.close().await;
    let offer = ChainOffer {
        outbox: world.outbox_of(8, &path).await,
        ..offer
    };
    let more = settle_all(&world, &open(offer).await, 60..120).await;
    assert_eq!(more, 0, "after {made}");
    let after = world.chain.native_balance(address(8)).await.unwrap();
    let cap = U256::from(fees.day_gwei) * U256::from(1_000_000_000_u64);
    assert!(before - after <= cap, "{} of {cap}", before - after);
}

#[tokio::test]
async fn a_token_that_takes_all_gas_or_does_nothing_gains_nothing() {
    let world = World::new().await;
    // A loop without end, and code that answers everything with success and does nothing.
    for (code, is_made) in [
        (hex!("5b600056").to_vec(), false),
        (hex!("00").to_vec(), true),
    ] {
        let mut asset = world.settings.asset();
        asset.address = alloy_primitives::Address::repeat_byte(if is_made { 0x71 } else { 0x72 });
        world
            .devnet
            .chain()
            .set_code(asset.address, Bytes::from(code))
            .unwrap();
        let path = world.dir.path().join(format!("{is_made}.db"));
        let account = if is_made { 6 } else { 7 };
        let offer = ChainOffer {
            assets: vec![asset.clone()],
            ..world.offer_with(world.outbox_of(account, &path).await)
        };
        let facilitator = open(offer).await;
        let mut requirements = world.offered("exact", 5);
        requirements.asset = asset.address.to_string();
        let payment = world.signed_for(&asset, world.authorization(5, 1));
        let request = world.request(requirements.clone(), &payment);
        let settled = facilitator.settle(request.clone()).await.unwrap();
        assert!(!settled.success, "{settled:?}");
        let sent = world.chain.mined_nonce(address(account)).await.unwrap();
        if is_made {
            let code = "invalid_exact_evm_transfer_event_mismatch";
            assert_eq!(settled.error_reason.as_deref(), Some(code));
            // It costs one transaction, however often it is asked for.
            facilitator.settle(request).await.unwrap();
            assert_eq!(
                world.chain.mined_nonce(address(account)).await.unwrap(),
                sent
            );
            assert_eq!(sent, 1);
        } else {
            assert_eq!(sent, 0);
        }
        // And nobody who does not name the token here can have it called.
        let stranger = world.facilitator_of(9).await;
        let request = world.request(requirements, &payment);
        let settled = stranger.settle(request).await.unwrap();
        let code = "invalid_payment_requirements";
        assert_eq!(settled.error_reason.as_deref(), Some(code));
    }
}

#[tokio::test]
async fn what_was_stored_and_not_sent_is_made_after_a_crash() {
    let world = World::with(DevnetConfig::default()).await;
    let offer = world.offer().await;
    let outbox: TxOutbox = offer.outbox.clone();
    let facilitator = LocalFacilitator::open(vec![offer], clock()).await.unwrap();
    let request = world.exact(33, 1);
    let before = world.tokens(SELLER).await;
    {
        // Dropped at some point after it began: whatever was stored goes on, or nothing was.
        let settling = facilitator.settle(request.clone());
        let cut = tokio::time::timeout(std::time::Duration::from_millis(15), settling);
        drop(cut.await);
    }
    outbox.close().await;
    drop((outbox, facilitator));
    let facilitator = world.facilitator().await;
    let settled = facilitator.settle(request).await.unwrap();
    assert!(settled.success, "{settled:?}");
    assert_eq!(world.tokens(SELLER).await, before + 33);
    assert_eq!(world.transactions().await, 1);
    assert_eq!(settled.payer, Some(address(BUYER).to_string()));
}
