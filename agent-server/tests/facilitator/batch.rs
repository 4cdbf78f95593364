//! `batch-settlement`: a channel's whole life, and who may have what signed.

use crate::world::{BUYER, SELLER, World, address, key, now, open};
use agent_core::json::Json;
use agent_core::money::BaseUnits;
use agent_core::voucher::CanonicalSignature;
use agent_core::x402::batch::{
    BatchDomain, BatchPayload, BatchReceipt, BatchSettlePayload, ChannelConfig, ChannelState,
    ClaimVoucher, Deposit, DepositAuthorization, Erc3009Deposit, VoucherClaim, codes,
};
use agent_core::x402::facilitator::{Facilitator, RequestV2};
use agent_core::x402::{HexSalt, PaymentRequirements, TokenDomain, Uint256, VoucherText};
use agent_server::facilitator::{ChainOffer, LocalFacilitator};
use alloy_primitives::{Address, B256, Bytes, U256, hex};

/// The account whose key is lent as receiver authorizer.
pub(crate) const AUTHORIZER: usize = 4;
/// What one request may cost.
const PRICE: u128 = 100;

pub(crate) struct Shop<'a> {
    pub(crate) world: &'a World,
    pub(crate) domain: BatchDomain,
    pub(crate) config: ChannelConfig,
}

impl<'a> Shop<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        Self {
            world,
            domain: BatchDomain::new(world.settings.network()),
            config: ChannelConfig {
                payer: address(BUYER),
                payer_authorizer: address(BUYER),
                receiver: address(SELLER),
                receiver_authorizer: address(AUTHORIZER),
                token: world.settings.token.address,
                withdraw_delay: 900,
                salt: B256::ZERO,
            },
        }
    }

    fn offered(&self) -> PaymentRequirements {
        let mut offered = self.world.offered("batch-settlement", PRICE);
        let authorizer = self.config.receiver_authorizer.to_string();
        offered
            .extra
            .set("receiverAuthorizer", &authorizer)
            .unwrap();
        offered.extra.set("withdrawDelay", &900).unwrap();
        offered
    }

    fn voucher(&self, ceiling: u128) -> VoucherText {
        let (channel_id, ceiling) = (self.config.id(&self.domain), BaseUnits::new(ceiling));
        let digest = self.domain.voucher_digest(channel_id, ceiling);
        VoucherText {
            channel_id,
            max_claimable_amount: ceiling,
            signature: key(BUYER).sign(digest).to_string(),
        }
    }

    pub(crate) fn deposit(&self, amount: u128, salt: u64, ceiling: u128) -> RequestV2 {
        let mut erc3009 = Erc3009Deposit {
            valid_after: Uint256::default(),
            valid_before: Uint256::of(now() + 600),
            salt: HexSalt(U256::from(salt)),
            signature: String::new(),
        };
        let amount = BaseUnits::new(amount);
        let id = self.config.id(&self.domain);
        let signed = erc3009.authorization(self.config.payer, amount, id);
        let token = TokenDomain::of(&self.world.settings.asset());
        erc3009.signature = key(BUYER).sign(signed.receive_digest(&token)).to_string();
        let payload = BatchPayload::Deposit {
            channel_config: self.config,
            voucher: self.voucher(ceiling),
            deposit: Box::new(Deposit {
                amount,
                authorization: DepositAuthorization::Erc3009Authorization(erc3009),
            }),
        };
        self.world.request(self.offered(), &payload)
    }

    fn pays(&self, ceiling: u128) -> RequestV2 {
        let payload = BatchPayload::Voucher {
            channel_config: self.config,
            voucher: self.voucher(ceiling),
        };
        self.world.request(self.offered(), &payload)
    }

    fn row(&self, ceiling: u128, charged: u128) -> VoucherClaim {
        let voucher = self.voucher(ceiling);
        VoucherClaim {
            voucher: ClaimVoucher {
                channel: self.config,
                max_claimable_amount: voucher.max_claimable_amount,
            },
            signature: voucher.signature,
            total_claimed: BaseUnits::new(charged),
        }
    }

    pub(crate) fn claim(&self, ceiling: u128, charged: u128) -> RequestV2 {
        let payload = BatchSettlePayload::Claim {
            claims: vec![self.row(ceiling, charged)],
            claim_authorizer_signature: None,
        };
        self.world.request(self.offered(), &payload)
    }

    fn pay_out(&self) -> RequestV2 {
        let payload = BatchSettlePayload::Settle {
            receiver: self.config.receiver,
            token: self.config.token,
        };
        self.world.request(self.offered(), &payload)
    }

    pub(crate) fn refund(
        &self,
        amount: u128,
        nonce: u64,
        claims: Vec<VoucherClaim>,
        signature: Option<CanonicalSignature>,
    ) -> RequestV2 {
        let payload = BatchSettlePayload::Refund {
            channel_config: self.config,
            voucher: self.voucher(PRICE),
            amount: BaseUnits::new(amount),
            refund_nonce: Uint256::of(nonce),
            claims,
            refund_authorizer_signature: signature.map(|signature| signature.to_string()),
            claim_authorizer_signature: None,
        };
        self.world.request(self.offered(), &payload)
    }
}

pub(crate) async fn lending(world: &World) -> LocalFacilitator {
    open(ChainOffer {
        authorizer: Some(key(AUTHORIZER)),
        ..world.offer().await
    })
    .await
}

#[tokio::test]
async fn an_account_with_code_says_itself_whether_it_signed() {
    let world = World::new().await;
    let facilitator = lending(&world).await;
    let mut shop = Shop::new(&world);
    shop.config.payer_authorizer = Address::ZERO;
    let deposit = facilitator
        .settle(shop.deposit(1_000, 1, 100))
        .await
        .unwrap();
    assert!(deposit.success, "{deposit:?}");
    // Without code it is the key's word.
    assert!(facilitator.verify(shop.pays(200)).await.unwrap().is_valid);
    let mut forged = shop.pays(200);
    forged.payment_payload.payload = {
        let digest = shop
            .domain
            .voucher_digest(shop.config.id(&shop.domain), BaseUnits::new(200));
        let payload = BatchPayload::Voucher {
            channel_config: shop.config,
            voucher: VoucherText {
                signature: key(9).sign(digest).to_string(),
                ..shop.voucher(200)
            },
        };
        Json::from_value(&payload).unwrap()
    };
    refused(&facilitator, forged.clone(), codes::VOUCHER_SIGNATURE).await;
    let become_code = |code: &[u8]| {
        let mut chain = world.devnet.chain();
        let code = Bytes::copy_from_slice(code);
        chain.set_code(shop.config.payer, code).unwrap();
    };
    // It stands by whatever it is shown (ERC-1271's magic value) ...
    become_code(&hex!("631626ba7e60e01b60005260206000f3"));
    assert!(facilitator.verify(forged).await.unwrap().is_valid);
    // ... or by nothing, whatever its key signed, by silence or by a revert.
    for code in [&hex!("60206000f3")[..], &hex!("60006000fd")[..]] {
        become_code(code);
        refused(&facilitator, shop.pays(200), codes::VOUCHER_SIGNATURE).await;
    }
}

async fn refused(facilitator: &LocalFacilitator, request: RequestV2, code: &str) {
    let verified = facilitator.verify(request).await.unwrap();
    assert_eq!(
        verified.invalid_reason.as_deref(),
        Some(code),
        "{verified:?}"
    );
}

async fn unsettled(facilitator: &LocalFacilitator, request: RequestV2, code: &str) {
    let settled = facilitator.settle(request).await.unwrap();
    assert!(!settled.success);
    assert_eq!(settled.error_reason.as_deref(), Some(code), "{settled:?}");
}

#[tokio::test]
async fn a_channel_is_paid_into_claimed_paid_out_and_given_back() {
    let world = World::new().await;
    let facilitator = lending(&world).await;
    let shop = Shop::new(&world);
    let (buyer, seller) = (world.tokens(BUYER).await, world.tokens(SELLER).await);

    refused(&facilitator, shop.pays(PRICE), codes::CHANNEL_NOT_FOUND).await;
    let deposit = shop.deposit(1_000, 1, PRICE);
    assert!(facilitator.verify(deposit.clone()).await.unwrap().is_valid);
    let settled = facilitator.settle(deposit.clone()).await.unwrap();
    assert!(settled.success, "{settled:?}");
    assert_eq!(settled.amount.as_deref(), Some("1000"));
    let receipt = BatchReceipt::read(&settled.extra).unwrap();
    assert_eq!(
        receipt.channel_state.unwrap().balance,
        BaseUnits::new(1_000)
    );
    let again = facilitator.settle(deposit).await.unwrap();
    assert_eq!(again.transaction, settled.transaction);

    let verified = facilitator.verify(shop.pays(200)).await.unwrap();
    assert!(verified.is_valid, "{verified:?}");
    let state: ChannelState = verified.extra.parse().unwrap();
    assert_eq!(state.balance, BaseUnits::new(1_000));
    let over = codes::CUMULATIVE_EXCEEDS_BALANCE;
    refused(&facilitator, shop.pays(1_001), over).await;

    unsettled(&facilitator, shop.pay_out(), codes::NOTHING_TO_SETTLE).await;
    let claimed = facilitator.settle(shop.claim(200, 150)).await.unwrap();
    assert!(claimed.success, "{claimed:?}");
    let below = codes::CUMULATIVE_BELOW_CLAIMED;
    refused(&facilitator, shop.pays(150), below).await;
    let paid = facilitator.settle(shop.pay_out()).await.unwrap();
    assert_eq!(paid.amount.as_deref(), Some("150"), "{paid:?}");
    assert_eq!(world.tokens(SELLER).await, seller + 150);
    unsettled(&facilitator, shop.pay_out(), codes::NOTHING_TO_SETTLE).await;

    // The rest goes back, less what is claimed on the way; again moves nothing.
    let refund = shop.refund(1_000, 0, vec![shop.row(200, 200)], None);
    let settled = facilitator.settle(refund.clone()).await.unwrap();
    assert!(settled.success, "{settled:?}");
    assert_eq!(settled.amount.as_deref(), Some("800"));
    assert_eq!(facilitator.settle(refund).await.unwrap(), settled);
    assert_eq!(world.tokens(BUYER).await, buyer - 200);
    let code = codes::REFUND_NO_BALANCE;
    unsettled(&facilitator, shop.refund(1, 1, vec![], None), code).await;
}

#[tokio::test]
async fn every_fault_of_a_payment_has_its_reason() {
    let world = World::new().await;
    let facilitator = lending(&world).await;
    let shop = Shop::new(&world);
    let deposit = facilitator
        .settle(shop.deposit(1_000, 1, PRICE))
        .await
        .unwrap();
    assert!(deposit.success, "{deposit:?}");
    let before = world.transactions().await;

    let changed = |change: &dyn Fn(&mut ChannelConfig), code: &'static str| {
        let mut other = Shop::new(&world);
        let offered = other.offered();
        change(&mut other.config);
        let mut request = other.pays(PRICE);
        request.payment_requirements = offered.clone();
        request.payment_payload.accepted = offered;
        (request, code)
    };
    let mut faults = vec![
        changed(
            &|config| config.receiver = address(6),
            codes::RECEIVER_MISMATCH,
        ),
        changed(
            &|config| config.receiver_authorizer = address(6),
            codes::RECEIVER_AUTHORIZER_MISMATCH,
        ),
        changed(&|config| config.token = address(6), codes::TOKEN_MISMATCH),
        changed(
            &|config| config.withdraw_delay = 901,
            codes::WITHDRAW_DELAY_MISMATCH,
        ),
        changed(
            &|config| config.payer_authorizer = address(6),
            codes::VOUCHER_SIGNATURE,
        ),
        changed(
            &|config| config.salt = B256::repeat_byte(1),
            codes::CHANNEL_NOT_FOUND,
        ),
    ];
    let payload = serde_json::json!({"type": "nothing"});
    faults.push((world.request(shop.offered(), &payload), codes::PAYLOAD_TYPE));
    let mut other = shop.pays(PRICE);
    let mut text: serde_json::Value = other.payment_payload.payload.parse().unwrap();
    text["voucher"]["channelId"] = B256::repeat_byte(2).to_string().into();
    other.payment_payload.payload = Json::from_value(&text).unwrap();
    faults.push((other, codes::CHANNEL_ID_MISMATCH));
    let poor = u128::from(u64::MAX);
    faults.push((shop.deposit(poor, 2, PRICE), codes::INSUFFICIENT_BALANCE));
    for (request, code) in faults {
        refused(&facilitator, request, code).await;
    }
    assert_eq!(world.transactions().await, before);
}

#[tokio::test]
async fn only_what_is_lent_is_signed() {
    let world = World::new().await;
    let shop = Shop::new(&world);
    let lent_none = world.facilitator_of(8).await;
    let code = codes::AUTHORIZER_NOT_CONFIGURED;
    unsettled(&lent_none, shop.claim(PRICE, PRICE), code).await;
    unsettled(&lent_none, shop.refund(1, 0, vec![], None), code).await;

    let facilitator = lending(&world).await;
    let mut other = Shop::new(&world);
    other.config.receiver_authorizer = address(6);
    let code = codes::AUTHORIZER_ADDRESS_MISMATCH;
    unsettled(&facilitator, other.claim(PRICE, PRICE), code).await;

    // A signature that is not the authorizer's is for the contract to refuse, before it costs gas.
    let deposit = facilitator
        .settle(shop.deposit(1_000, 1, PRICE))
        .await
        .unwrap();
    assert!(deposit.success, "{deposit:?}");
    let forged = key(6).sign(B256::repeat_byte(1));
    let refund = shop.refund(1_000, 0, vec![], Some(forged));
    let before = world.transactions().await;
    unsettled(&facilitator, refund, codes::REFUND_SIMULATION_FAILED).await;
    assert_eq!(world.transactions().await, before);
}
