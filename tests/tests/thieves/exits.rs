//! Buyers that take their money out while they are served, and openings that are taken back.

use crate::buyer::{Buyer, named};
use crate::street::{BUYER, DELAY_SECS, PRICE, SELLER, Stall, Street, code, new};
use agent_core::json::{Json, Metadata};
use agent_core::money::BaseUnits;
use agent_core::x402::PaymentPayload;
use agent_core::x402::batch::{
    BatchSettlePayload, ChannelConfig, ClaimVoucher, VoucherClaim, codes,
};
use agent_core::x402::facilitator::{Facilitator, RequestV2};
use agent_core::x402::{Mode, X402_VERSION};
use agent_server::gate::Admitted;

/// How old what is known of a channel may be: a third of its notice.
const SEEN_SECS: u64 = DELAY_SECS / 3;

/// Claims what a seller charged on a channel and has it paid out; whether that worked.
async fn claims(
    street: &Street,
    stall: &Stall,
    buyer: &Buyer<'_>,
    channel: ChannelConfig,
    charged: u128,
) -> bool {
    let funding = channel.into();
    let voucher = buyer.voucher(funding, funding, charged);
    let claim = BatchSettlePayload::Claim {
        claims: vec![VoucherClaim {
            voucher: ClaimVoucher {
                channel,
                max_claimable_amount: voucher.max_claimable_amount,
            },
            signature: voucher.signature,
            total_claimed: BaseUnits::new(charged),
        }],
        claim_authorizer_signature: None,
    };
    let pays_out = BatchSettlePayload::Settle {
        receiver: channel.receiver,
        token: channel.token,
    };
    for payload in [claim, pays_out] {
        let mut payment: PaymentPayload = buyer.on_channel(stall, channel, charged, PRICE);
        payment.payload = Json::from_value(&payload).unwrap();
        payment.extensions = Metadata::new();
        let request = RequestV2 {
            x402_version: X402_VERSION,
            mode: Mode::X,
            payment_requirements: payment.accepted.clone(),
            payment_payload: payment,
        };
        let settled = street.facilitator.settle(request).await.unwrap();
        if !settled.success {
            return false;
        }
    }
    true
}

/// A buyer that gives notice and then buys as fast as it can, until it is refused; how much it was
/// charged in all, before the notice and after.
async fn burst(street: &Street, stall: &Stall, buyer: &Buyer<'_>, channel: ChannelConfig) -> u128 {
    let deposit = buyer.deposit(stall, channel, 10 * PRICE, PRICE);
    stall.sell(&deposit, PRICE).await;
    assert!(buyer.gives_notice(&channel, 9 * PRICE));
    let mut charged = PRICE;
    for _ in 0..3 {
        let next = buyer.on_channel(stall, channel, charged + PRICE, PRICE);
        stall.sell(&next, PRICE).await;
        charged += PRICE;
    }
    // What was seen before the notice is believed for no longer than this.
    street.wait(SEEN_SECS + 1);
    for _ in 0..64 {
        let next = buyer.on_channel(stall, channel, charged + PRICE, PRICE);
        assert_eq!(
            code(stall.admit(&next).await),
            codes::CUMULATIVE_EXCEEDS_BALANCE
        );
    }
    assert_eq!(stall.charged().await, charged);
    charged
}

#[tokio::test]
async fn a_burst_after_notice_of_withdrawal_is_claimed_before_the_money_leaves() {
    let street = Street::open().await;
    let stall = street.stall(SELLER);
    let buyer = Buyer::new(&street, BUYER);
    let (start, had) = (street.tokens(SELLER).await, street.tokens(BUYER).await);
    let channel = buyer.channel(&stall, 1);
    let charged = burst(&street, &stall, &buyer, channel).await;
    // Before its time nothing leaves, and the seller has two thirds of the notice to claim in.
    assert!(!buyer.withdraws(&channel));
    assert!(claims(&street, &stall, &buyer, channel, charged).await);
    street.wait(DELAY_SECS);
    assert!(buyer.withdraws(&channel));
    assert_eq!(street.tokens(SELLER).await, start + charged, "lost nothing");
    assert_eq!(street.tokens(BUYER).await, had - charged);
}

/// The loss of one that sleeps through the whole notice: what it served and had not claimed.
#[tokio::test]
async fn a_seller_that_sleeps_through_a_notice_loses_what_it_had_not_claimed_and_no_more() {
    let street = Street::open().await;
    let stall = street.stall(SELLER);
    let buyer = Buyer::new(&street, BUYER);
    let (start, had) = (street.tokens(SELLER).await, street.tokens(BUYER).await);
    let channel = buyer.channel(&stall, 1);
    let charged = burst(&street, &stall, &buyer, channel).await;
    street.wait(DELAY_SECS);
    assert!(buyer.withdraws(&channel));
    let left = 10 * PRICE - 9 * PRICE;
    assert!(!claims(&street, &stall, &buyer, channel, charged).await);
    assert!(claims(&street, &stall, &buyer, channel, left).await);
    let earned = street.tokens(SELLER).await - start;
    assert_eq!((earned, charged - earned), (left, 3 * PRICE));
    assert_eq!(street.tokens(BUYER).await, had - left);
}

/// A lock whose block is taken back: what was served on it is lost, and nothing after that.
#[tokio::test]
async fn a_lock_that_is_taken_back_loses_what_was_served_on_it_and_serves_no_more() {
    let street = Street::open().await;
    let stall = street.stall(SELLER);
    let buyer = Buyer::new(&street, BUYER);
    let (start, had) = (street.tokens(SELLER).await, street.tokens(BUYER).await);
    let lock = buyer.lock(&stall, 1, 10 * PRICE);
    let id = lock.id(&street.settings.domain());
    let served = 3u128;
    for call in 1..=served {
        let payment = buyer.on_lock(&stall, lock, call * PRICE, PRICE);
        stall
            .sell(&named(&format!("p{call}"), payment), PRICE)
            .await;
    }
    street.devnet.chain().reorg(1).unwrap();
    stall.look(lock, id).await;
    let next = named("next", buyer.on_lock(&stall, lock, 4 * PRICE, PRICE));
    let refused = stall.admit(&next).await;
    assert_eq!(code(refused), "invalid_z402_channel_closed");
    // The buyer has its money, the seller none of it: its loss is what it charged.
    assert_eq!(street.tokens(BUYER).await, had);
    assert_eq!(street.tokens(SELLER).await, start);
    assert_eq!(stall.charged().await, served * PRICE);
    // The same buyer opens another and pays: it is not shut out, and neither is anybody else.
    let again = buyer.lock(&stall, 2, PRICE);
    let paid = named("again", buyer.on_lock(&stall, again, PRICE, PRICE));
    let admitted = stall.admit(&paid).await;
    assert!(matches!(admitted, Ok(Admitted::New(_))), "{admitted:?}");
    drop(new(admitted));
}
