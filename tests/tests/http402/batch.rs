//! Scheme `batch-settlement` over HTTP, in the steps of stock clients: a deposit with the first
//! voucher, vouchers after it, a correction for who lost count, and the rest back at the end.

use crate::counter::Counter;
use crate::wire::{Ask, Reply, get, header};
use agent_client::chain::outbox::{OutboxConfig, TxOutbox};
use agent_client::clock::SystemClock;
use agent_client::wallet::PayerKey;
use agent_core::clock::Clock;
use agent_core::json::Json;
use agent_core::money::BaseUnits;
use agent_core::voucher::ChannelId;
use agent_core::x402::batch::{
    BatchDomain, BatchPayload, BatchReceipt, BatchTerms, ChannelConfig, ChannelState, Deposit,
    DepositAuthorization, Erc3009Deposit, codes,
};
use agent_core::x402::{
    BatchOffer, HexSalt, PaymentRequirements, TokenDomain, Uint256, VoucherText,
};
use agent_devnet::DEV_ACCOUNTS;
use agent_server::facilitator::{ChainOffer, LocalFacilitator};
use agent_server::paid::Till;
use agent_tests::e2e::{BUYER, PRICE, SELLER, Shift, Shop, WAIT};
use agent_tests::world;
use alloy_primitives::{B256, U256};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The account that pays for the facilitator's transactions.
const FACILITATOR: usize = 7;
/// What a client of ours in this test pays in.
const DEPOSIT: u128 = 10 * PRICE;

fn key(account: usize) -> PayerKey {
    PayerKey::from_hex(DEV_ACCOUNTS[account].private_key).unwrap()
}

/// A route that takes channels, and the books of a stock client for it.
struct Stall {
    counter: Counter,
    _files: tempfile::TempDir,
}

impl Stall {
    async fn open() -> Self {
        let mut shop = Shop::closed().await;
        shop.config.limits.skill_timeout_secs = 2;
        let files = tempfile::tempdir().unwrap();
        let chain = shop.settings.chain().unwrap();
        let config = OutboxConfig {
            poll_interval: Duration::from_millis(20),
            ..OutboxConfig::default()
        };
        let (path, signer) = (
            files.path().join("outbox.db"),
            key(FACILITATOR).to_signer().unwrap(),
        );
        let outbox = TxOutbox::open(&path, chain.clone(), signer, config, Arc::new(SystemClock));
        let offer = ChainOffer::new(chain, outbox.await.unwrap(), vec![shop.settings.asset()]);
        let facilitator = LocalFacilitator::open(vec![offer], Arc::new(SystemClock));
        let facilitator = facilitator.await.unwrap();
        let clock = Arc::new(Shift::default());
        let till = Till::builder(shop.config.clone())
            .clock(clock.clone())
            .facilitator(Arc::new(facilitator))
            .batch(BatchOffer {
                receiver_authorizer: world::account(SELLER),
                withdraw_delay: 900,
                min_deposit: None,
                asset_transfer_method: None,
            });
        let till = Box::pin(till.open()).await.unwrap();
        Self {
            counter: Counter::with(shop, clock, till).await,
            _files: files,
        }
    }

    async fn to(&self, ask: &Ask) -> Reply {
        ask.to(self.counter.address).await
    }

    /// What a client reads of a 402.
    async fn offer(&self, path: &str) -> Offer {
        let required = self.to(&get(path)).await.object("payment-required");
        Offer::of(&required)
    }

    async fn tokens(&self, account: usize) -> u128 {
        let settings = &self.counter.shop.settings;
        let chain = settings.chain().unwrap();
        let token = settings.token.address;
        let balance = chain.token_balance(token, world::account(account)).await;
        balance.unwrap().to()
    }
}

/// An offer of the scheme, and the channel that the buyer has for it.
struct Offer {
    entry: PaymentRequirements,
    required: Value,
    config: ChannelConfig,
}

impl Offer {
    fn of(required: &Value) -> Self {
        let accepts: Vec<PaymentRequirements> =
            serde_json::from_value(required["accepts"].clone()).unwrap();
        let entry = accepts
            .into_iter()
            .find(|entry| entry.scheme == "batch-settlement")
            .unwrap();
        let terms = BatchTerms::read(&entry).unwrap();
        let payer = world::account(BUYER);
        Self {
            config: terms.channel(payer, payer, B256::ZERO),
            required: required.clone(),
            entry,
        }
    }

    fn domain(&self) -> BatchDomain {
        BatchTerms::read(&self.entry).unwrap().domain()
    }

    fn id(&self) -> ChannelId {
        self.config.id(&self.domain())
    }

    fn voucher(&self, ceiling: u128) -> VoucherText {
        let (channel_id, ceiling) = (self.id(), BaseUnits::new(ceiling));
        let digest = self.domain().voucher_digest(channel_id, ceiling);
        VoucherText {
            channel_id,
            max_claimable_amount: ceiling,
            signature: key(BUYER).sign(digest).to_string(),
        }
    }

    /// The header as stock clients write it: our extensions come back as they were, unfilled.
    fn ask(&self, path: &str, payload: &BatchPayload) -> Ask {
        let payment = json!({
            "x402Version": 2,
            "accepted": self.entry,
            "resource": self.required["resource"],
            "payload": payload,
            "extensions": self.required["extensions"],
        });
        get(path).with("PAYMENT-SIGNATURE", &header(&payment))
    }

    fn pays(&self, path: &str, ceiling: u128) -> Ask {
        let payload = BatchPayload::Voucher {
            channel_config: self.config,
            voucher: self.voucher(ceiling),
        };
        self.ask(path, &payload)
    }

    fn deposits(&self, path: &str, amount: u128, salt: u64, ceiling: u128) -> Ask {
        let mut erc3009 = Erc3009Deposit {
            valid_after: Uint256::default(),
            valid_before: Uint256::of(SystemClock.now_unix_secs() + 600),
            salt: HexSalt(U256::from(salt)),
            signature: String::new(),
        };
        let amount = BaseUnits::new(amount);
        let signed = erc3009.authorization(self.config.payer, amount, self.id());
        let terms = BatchTerms::read(&self.entry).unwrap();
        let domain = TokenDomain::new(&terms.extra.name, &terms.extra.version, terms.evm.token);
        erc3009.signature = key(BUYER).sign(signed.receive_digest(&domain)).to_string();
        let payload = BatchPayload::Deposit {
            channel_config: self.config,
            voucher: self.voucher(ceiling),
            deposit: Box::new(Deposit {
                amount,
                authorization: DepositAuthorization::Erc3009Authorization(erc3009),
            }),
        };
        self.ask(path, &payload)
    }

    fn refund(&self, path: &str, charged: u128) -> Ask {
        let payload = BatchPayload::Refund {
            channel_config: self.config,
            voucher: self.voucher(charged),
            amount: None,
        };
        self.ask(path, &payload)
    }
}

/// The scheme's part of a receipt: what was charged, and in all.
fn charged(reply: &Reply) -> (u128, u128) {
    let receipt = reply.object("payment-response");
    assert_eq!(receipt["success"], true, "{reply:?}");
    let extra = Json::from_value(&receipt["extra"]).unwrap();
    let receipt = BatchReceipt::read(&extra).unwrap();
    let state = receipt.channel_state.unwrap();
    let in_all = state.charged_cumulative_amount.unwrap();
    (receipt.charged_amount.unwrap().get(), in_all.get())
}

#[tokio::test]
async fn a_channel_is_paid_into_charged_by_use_and_given_back() {
    let stall = Stall::open().await;
    let buyer = stall.tokens(BUYER).await;
    let offer = stall.offer("/a/x").await;

    // The first request brings the money and the first voucher.
    let first = offer.deposits("/a/x", DEPOSIT, 1, PRICE);
    let reply = stall.to(&first).await;
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (200, "x 1"),
        "{reply:?}"
    );
    assert_eq!(charged(&reply), (PRICE, PRICE));
    assert_eq!(stall.tokens(BUYER).await, buyer - DEPOSIT);
    // The same once more is the same answer, and no money is paid in again.
    let again = stall.to(&first).await;
    assert_eq!((again.status, again.text().as_str()), (200, "x 1"));
    assert_eq!(stall.tokens(BUYER).await, buyer - DEPOSIT);

    // A handler charges less than was signed for; the next ceiling counts from what it charged.
    let less = stall.to(&offer.pays("/a/less", 2 * PRICE)).await;
    assert_eq!((less.status, charged(&less)), (200, (400, PRICE + 400)));
    // What fails is not charged, and the same voucher buys something else.
    let ceiling = 2 * PRICE + 400;
    assert_eq!(
        stall.to(&offer.pays("/a/missing", ceiling)).await.status,
        404
    );
    let next = stall.to(&offer.pays("/a/y", ceiling)).await;
    assert_eq!((next.status, charged(&next)), (200, (PRICE, ceiling)));
    assert_eq!(stall.counter.runs(), 4);

    // Who lost count is told it, with the voucher that proves it, and goes on from there.
    let lost = stall.to(&offer.pays("/a/z", PRICE)).await;
    assert_eq!(lost.status, 402, "{lost:?}");
    let required = lost.object("payment-required");
    assert_eq!(required["error"], codes::CUMULATIVE_AMOUNT_MISMATCH);
    let found = Offer::of(&required);
    let state: ChannelState = found.entry.extra.parse("channelState").unwrap().unwrap();
    assert_eq!(state.channel_id, offer.id());
    assert_eq!(state.charged_cumulative_amount.unwrap().get(), ceiling);
    let proof = &required["accepts"].as_array().unwrap().iter();
    let proof = proof
        .clone()
        .find(|entry| entry["scheme"] == "batch-settlement");
    let proof = &proof.unwrap()["extra"]["voucherState"];
    let newest = offer.voucher(ceiling);
    assert_eq!(proof["signedMaxClaimable"], ceiling.to_string());
    assert_eq!(proof["signature"], newest.signature);
    let ceiling = ceiling + PRICE;
    let found = stall.to(&found.pays("/a/z", ceiling)).await;
    assert_eq!((found.status, charged(&found)), (200, (PRICE, ceiling)));
    stall.counter.assert_books(ceiling, 4, 1, 0).await;

    // The rest goes back at the buyer's request, without the handler, for a voucher of what was
    // charged and for no other.
    let wrong = stall.to(&offer.refund("/a/x", ceiling - 1)).await;
    assert_eq!(wrong.status, 402);
    assert_eq!(
        wrong.object("payment-required")["error"],
        codes::CUMULATIVE_AMOUNT_MISMATCH
    );
    let back = stall.to(&offer.refund("/a/x", ceiling)).await;
    assert_eq!(back.status, 200, "{back:?}");
    back.assert_private();
    let receipt = back.object("payment-response");
    assert_eq!(receipt["success"], true, "{receipt}");
    assert_eq!(receipt["amount"], (DEPOSIT - ceiling).to_string());
    assert_eq!(stall.tokens(BUYER).await, buyer - ceiling);
    assert_eq!(stall.counter.runs(), 5);
    // Nothing more is admitted on what was given back.
    let after = stall.to(&offer.pays("/a/x", ceiling + PRICE)).await;
    assert_eq!(after.status, 402, "{after:?}");
}

#[tokio::test]
async fn a_channel_serves_one_request_at_a_time() {
    let stall = Stall::open().await;
    let offer = stall.offer("/a/x").await;
    let first = stall.to(&offer.deposits("/a/x", DEPOSIT, 1, PRICE)).await;
    assert_eq!(first.status, 200, "{first:?}");
    let (held, to) = (offer.pays("/a/held", 2 * PRICE), stall.counter.address);
    let waiting = tokio::spawn(async move { held.to(to).await });
    let begun = async {
        while stall.counter.runs() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(WAIT, begun).await.unwrap();
    // Stock sellers refuse what comes meanwhile, and stock clients try it again.
    let next = offer.pays("/a/y", 3 * PRICE);
    let busy = stall.to(&next).await;
    assert_eq!(busy.status, 402, "{busy:?}");
    assert_eq!(
        busy.object("payment-required")["error"],
        codes::CHANNEL_BUSY
    );
    let early = stall.to(&offer.refund("/a/x", PRICE)).await;
    assert_eq!(
        early.object("payment-required")["error"],
        codes::CHANNEL_BUSY
    );
    stall.counter.seen.door.send_replace(true);
    let held = waiting.await.unwrap();
    assert_eq!((held.status, charged(&held)), (200, (PRICE, 2 * PRICE)));
    let next = stall.to(&next).await;
    assert_eq!((next.status, charged(&next)), (200, (PRICE, 3 * PRICE)));
    stall.counter.assert_books(3 * PRICE, 3, 0, 0).await;
}

/// Thirty-two requests with one voucher, and with one deposit.
#[tokio::test]
async fn one_voucher_at_once_in_many_places_buys_one_thing() {
    let stall = Stall::open().await;
    let offer = stall.offer("/a/x").await;
    let steps = [
        (offer.deposits("/a/x", DEPOSIT, 1, PRICE), 1),
        (offer.pays("/a/x", 2 * PRICE), 2),
    ];
    for (ask, runs) in steps {
        let asks: Vec<Ask> = (0..32)
            .map(|number| {
                let mut ask = ask.clone();
                if number % 2 == 0 {
                    ask.path = format!("/b/{number}");
                }
                ask
            })
            .collect();
        let sent = asks.iter().map(|ask| stall.to(ask));
        let replies = futures_util::future::join_all(sent).await;
        let granted: std::collections::BTreeSet<String> = replies
            .iter()
            .filter(|reply| reply.status == 200)
            .map(Reply::text)
            .collect();
        assert_eq!(
            (granted.len(), stall.counter.runs()),
            (1, runs),
            "{granted:?}"
        );
    }
    stall.counter.assert_books(2 * PRICE, 2, 0, 0).await;
}
