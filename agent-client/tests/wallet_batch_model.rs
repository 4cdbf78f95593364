//! Any interleaving of payments over batch-settlement, lost messages, forgetful sellers, restarts
//! and claims, against a seller that keeps the scheme's rules.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod wallet_support;
mod x402_world;

use agent_client::wallet::{Payment, WalletError};
use agent_core::x402::{PaymentRequirements, batch::codes};
use proptest::prelude::*;
use x402_world::*;

#[derive(Debug, Clone)]
enum Step {
    /// A call that is charged a share of its price, and answered.
    Buy { price: u16, share: u8 },
    /// The request is lost on its way.
    LoseRequest { price: u16 },
    /// The request is taken and charged, and the answer is lost.
    LoseAnswer { price: u16, share: u8 },
    /// The seller refuses it.
    Refuse { price: u16 },
    /// The seller's memory is gone.
    Forget,
    /// The seller claims what it counts.
    Claim,
    /// The wallet looks at the chain.
    Refresh,
    /// The wallet's process ends and another begins.
    Reopen,
    /// Time passes.
    Wait { secs: u16 },
}

fn step() -> impl Strategy<Value = Step> {
    let price = || 1..2_000_u16;
    prop_oneof![
        8 => (price(), any::<u8>()).prop_map(|(price, share)| Step::Buy { price, share }),
        2 => price().prop_map(|price| Step::LoseRequest { price }),
        2 => (price(), any::<u8>()).prop_map(|(price, share)| Step::LoseAnswer { price, share }),
        1 => price().prop_map(|price| Step::Refuse { price }),
        1 => Just(Step::Forget),
        1 => Just(Step::Claim),
        1 => Just(Step::Refresh),
        1 => Just(Step::Reopen),
        1 => (1..4_000_u16).prop_map(|secs| Step::Wait { secs }),
    ]
}

struct Model {
    world: X402World,
    stock: Stock,
}

impl Model {
    async fn run(&mut self, step: Step) {
        match step {
            Step::Buy { price, share } => self.buy(price, share, true).await,
            Step::LoseAnswer { price, share } => self.buy(price, share, false).await,
            Step::LoseRequest { price } => {
                if let Some(payment) = self.pay(&batch_entry(price.into())).await {
                    self.world.wallet.mark_unknown(&payment.id).await.unwrap();
                }
            }
            Step::Refuse { price } => {
                if let Some(payment) = self.pay(&batch_entry(price.into())).await {
                    self.world.wallet.refused(&payment.id).await.unwrap();
                }
            }
            Step::Forget => self.stock.sessions.clear(),
            Step::Claim => {
                for (id, session) in &self.stock.sessions {
                    assert!(
                        self.world.chain.claim(*id, session.charged),
                        "it holds that much"
                    );
                }
            }
            Step::Refresh => self.world.wallet.refresh_batches().await.unwrap(),
            Step::Reopen => self.world.reopen(false).await,
            Step::Wait { secs } => self.world.wait(secs.into()),
        }
    }

    /// Pays, unless the policy or a deposit of unknown outcome stands in the way.
    async fn pay(&self, entry: &PaymentRequirements) -> Option<Payment> {
        match self.world.pay(entry).await {
            Ok(payment) => Some(payment),
            Err(WalletError::Policy(_) | WalletError::Escrow(_)) => None,
            Err(other) => panic!("{other}"),
        }
    }

    /// One call with at most one correction, which must be enough.
    async fn buy(&mut self, price: u16, share: u8, answered: bool) {
        let entry = batch_entry(price.into());
        let charge = u128::from(price) * u128::from(share) / 255;
        for tries in 0..2 {
            let Some(payment) = self.pay(&entry).await else {
                return;
            };
            let now = self.world.now();
            let wallet = &self.world.wallet;
            match self.stock.take(&payment.payload, &entry, charge, now) {
                Ok(receipt) if answered => {
                    let confirmed = wallet.confirm(&payment.id, &receipt).await.unwrap();
                    assert_eq!(confirmed.charged.get(), charge);
                    return;
                }
                Ok(_) => return wallet.mark_unknown(&payment.id).await.unwrap(),
                Err(asked) => {
                    assert_eq!(tries, 0, "one correction is enough: {:?}", asked.error);
                    wallet.refused(&payment.id).await.unwrap();
                    // A seller that forgot has no proof; the chain says what it claimed.
                    if asked.error.as_deref() == Some(codes::CUMULATIVE_BELOW_CLAIMED) {
                        wallet.refresh_batches().await.unwrap();
                        continue;
                    }
                    wallet
                        .correct_batch(&payment.id, &asked.accepts[0])
                        .await
                        .unwrap();
                }
            }
        }
    }

    async fn check(&self) {
        let wallet = &self.world.wallet;
        wallet.verify().await.expect("the books hold together");
        let books = wallet.books().await.unwrap();
        let policy = wallet.policy();
        assert!(
            books.signed <= policy.per_day,
            "signed stays within the policy"
        );
        let accounts = wallet.batch_channels().await.unwrap();
        let mut stake = 0;
        for account in &accounts {
            assert!(
                !account.is_suspect(),
                "an honest seller is never suspect: {}",
                account.why
            );
            stake += account.at_stake().get();
            if let Some(session) = self.stock.sessions.get(&account.id) {
                assert!(session.signed <= account.signed.get());
                assert!(session.charged <= account.signed.get());
            }
        }
        assert!(stake <= policy.locked_total.get());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn an_honest_seller_is_always_paid_and_the_books_always_hold(
        steps in prop::collection::vec(step(), 1..60)
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let world = X402World::new().await;
            let stock = Stock::new(world.chain.clone());
            let mut model = Model { world, stock };
            for step in steps {
                model.run(step).await;
                model.check().await;
            }
        });
    }
}
