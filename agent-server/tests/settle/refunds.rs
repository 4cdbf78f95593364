//! What is left of a channel goes back to its buyer, once, and nothing that was charged with it.

use crate::buyer::{SELLER, WAIT, World, address, key};
use crate::channels::{domain, earn, id, open, pay_in, proof};
use crate::line::Line;
use crate::seller::{Seller, Wish, request, until, wish};
use agent_core::json::{Json, Metadata};
use agent_core::ledger::{Ledger, Reserve};
use agent_core::money::BaseUnits;
use agent_core::x402::batch::{BatchPayload, ChannelConfig, SCHEME_BATCH_SETTLEMENT, codes};
use agent_core::x402::facilitator::RequestV2;
use agent_core::x402::{
    Mode, PaymentPayload, PaymentRequirements, SettleResponse, VoucherText, X402_VERSION,
};
use agent_server::gate::ChannelSource;
use std::time::Duration;
use tokio::time::timeout;

/// A request of the buyer's, which has counted `charged`.
fn asked(
    world: &World,
    buyer: usize,
    config: &ChannelConfig,
    charged: u128,
    amount: Option<u128>,
) -> RequestV2 {
    let (channel_id, charged) = (id(world, config), BaseUnits::new(charged));
    let digest = domain(world).voucher_digest(channel_id, charged);
    let payload = BatchPayload::Refund {
        channel_config: *config,
        voucher: VoucherText {
            channel_id,
            max_claimable_amount: charged,
            signature: key(buyer).sign(digest).to_string(),
        },
        amount: amount.map(BaseUnits::new),
    };
    let offer = PaymentRequirements {
        scheme: SCHEME_BATCH_SETTLEMENT.to_owned(),
        network: world.settings.asset().network.to_string(),
        amount: BaseUnits::new(1),
        asset: config.token.to_string(),
        pay_to: address(SELLER).to_string(),
        max_timeout_seconds: 60,
        extra: Metadata::new(),
    };
    RequestV2 {
        x402_version: X402_VERSION,
        mode: Mode::X,
        payment_payload: PaymentPayload {
            x402_version: X402_VERSION,
            mode: Mode::X,
            resource: None,
            accepted: offer.clone(),
            payload: Json::from_value(&payload).unwrap(),
            extensions: Metadata::new(),
        },
        payment_requirements: offer,
    }
}

async fn refund(seller: &Seller, config: &ChannelConfig, request: &RequestV2) -> SettleResponse {
    let refund = seller.refunds.refund(config, request);
    timeout(WAIT, refund).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_goes_back_and_what_was_charged_is_claimed_with_it() {
    let world = World::new().await;
    let seller = Seller::open(&world, &wish(&world)).await;
    let before = [world.tokens(SELLER).await, world.tokens(2).await];
    let channel = open(&world, &seller, 2, 10_000).await;
    earn(&world, &seller, 2, &channel, &[(1_000, 600)]).await;
    let part = asked(&world, 2, &channel, 600, Some(400));
    let first = refund(&seller, &channel, &part).await;
    assert!(first.success, "{first:?}");
    assert_eq!(first.amount.as_deref(), Some("400"));
    // The same again is the same answer and no transaction; another wish is another refund.
    assert_eq!(refund(&seller, &channel, &part).await, first);
    assert_eq!(world.seller_transactions().await, 1);
    let rest = asked(&world, 2, &channel, 600, None);
    let second = refund(&seller, &channel, &rest).await;
    assert_eq!(second.amount.as_deref(), Some("9000"));
    assert_eq!(refund(&seller, &channel, &rest).await, second);
    assert_eq!(before[1] - world.tokens(2).await, 600);
    seller.settler.settle_now(WAIT).await.unwrap();
    seller.assert_paid(&world, 600, before[0]).await;
    // Nothing is left for another wish, and after a further deposit all goes on.
    let more = asked(&world, 2, &channel, 600, Some(7));
    let nothing = refund(&seller, &channel, &more).await;
    assert_eq!(
        nothing.error_reason.as_deref(),
        Some(codes::REFUND_NO_BALANCE)
    );
    pay_in(&world, &channel, 2, 5_000).await;
    seller.channels.state(&channel).await.unwrap().unwrap();
    earn(&world, &seller, 2, &channel, &[(100, 100)]).await;
    assert!(seller.store.verify().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_a_kill_interrupts_is_made_once_and_answered_afterwards() {
    let world = World::new().await;
    let line = Line::to(world.devnet.address()).await;
    let wish = Wish {
        url: line.url.clone(),
        ..wish(&world)
    };
    let seller = Seller::open(&world, &wish).await;
    let before = [world.tokens(SELLER).await, world.tokens(2).await];
    let channel = open(&world, &seller, 2, 10_000).await;
    earn(&world, &seller, 2, &channel, &[(1_000, 1_000)]).await;
    let all = asked(&world, 2, &channel, 1_000, None);
    // Blocks stop, so it cannot end; the process does.
    world.devnet.chain().set_automine(false);
    let moment = Duration::from_millis(700);
    let late = timeout(moment, seller.refunds.refund(&channel, &all)).await;
    assert!(late.is_err(), "{late:?}");
    line.cut();
    // While it is under way nothing is admitted.
    let id = id(&world, &channel);
    let next = request(id, 1_500, proof(&world, 2, &channel, 1_500), 500);
    let refused = seller.store.reserve(next).await.unwrap();
    assert!(matches!(refused, Reserve::Refused { .. }), "{refused:?}");
    seller.close().await;
    world.devnet.chain().set_automine(true);
    line.mend();
    let seller = Seller::open(&world, &wish).await;
    until("it is made by itself", async || {
        let view = seller.store.channel(id).await.unwrap().unwrap();
        view.authorized_on_chain.get() == 1_000 && !view.closing
    })
    .await;
    let answer = refund(&seller, &channel, &all).await;
    assert!(answer.success, "{answer:?}");
    assert_eq!(answer.amount.as_deref(), Some("9000"));
    assert_eq!(world.seller_transactions().await, 1, "made once");
    assert_eq!(before[1] - world.tokens(2).await, 1_000);
    seller.settler.settle_now(WAIT).await.unwrap();
    seller.assert_paid(&world, 1_000, before[0]).await;
}
