//! Buyers that go on buying, whatever becomes of the seller.

use agent_client::buyer::{Answer, AskError, Budget, Buyer, Seller};
use agent_client::egress::EgressPolicy;
use agent_client::settings::ChainSettings;
use agent_client::wallet::PayerKey;
use agent_core::ledger::PaymentId;
use agent_devnet::DEV_ACCOUNTS;
use agent_tests::e2e::{BUYER, PRICE, Said};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What came of all calls so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// The payments whose answers arrived.
    pub(crate) acknowledged: Mutex<Vec<PaymentId>>,
    /// How often a call ended in an error, by its code.
    pub(crate) errors: Mutex<BTreeMap<&'static str, u32>>,
    pub(crate) answers: AtomicUsize,
    pub(crate) enough: AtomicBool,
}

pub(crate) async fn buyer(chain: &ChainSettings, files: &Path) -> Buyer {
    let bound = || "5 USDC".parse().ok();
    let budget = Budget {
        per_payment: "0.01 USDC".parse().ok(),
        per_hour: bound(),
        per_day: bound(),
        per_payee_per_day: bound(),
        per_lock: bound(),
        locked_total: "20 USDC".parse().ok(),
        ..Budget::default()
    };
    let key = PayerKey::from_hex(DEV_ACCOUNTS[BUYER].private_key).unwrap();
    let builder = Buyer::builder(chain.clone(), key, files.join("buyer"))
        .policy(budget.policy(chain).unwrap())
        .egress(EgressPolicy::strict().allow_loopback());
    Box::pin(builder.open()).await.unwrap()
}

/// Asks again and again. Each answer must be the one to its own question, paid at its price.
pub(crate) async fn go_on(seller: Seller, worker: usize, tally: &Tally) {
    for call in 0.. {
        if tally.enough.load(Ordering::SeqCst) {
            return;
        }
        let text = format!("call {call} of {worker}");
        match ask(&seller, &text).await {
            Ok(answer) => {
                let paid = answer
                    .paid
                    .expect("a priced skill answered without payment");
                assert_eq!((answer.output.text, paid.charged.get()), (text, PRICE));
                tally.acknowledged.lock().unwrap().push(paid.payment_id);
                tally.answers.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) => {
                let interrupted =
                    matches!(&error, AskError::Ended { charged, .. } if charged.is_zero());
                let lost = matches!(&error, AskError::Lost { .. } | AskError::Call(_));
                let refused = matches!(&error, AskError::PaymentRefused { .. });
                assert!(interrupted || lost || refused, "{error:?}");
                *tally
                    .errors
                    .lock()
                    .unwrap()
                    .entry(error.code())
                    .or_default() += 1;
            }
        }
    }
}

pub(crate) async fn ask(seller: &Seller, text: &str) -> Result<Answer<Said>, AskError> {
    Box::pin(seller.ask_in_full("echo", &json!({ "text": text }))).await
}
