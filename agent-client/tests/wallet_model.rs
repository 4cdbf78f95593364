//! Any interleaving of payments, ends and restarts, against a seller that keeps the core's rules.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod wallet_support;

use std::collections::BTreeMap;

use agent_client::wallet::{Payment, WalletError};
use agent_core::{money::BaseUnits, voucher::ChannelId, x402::PaymentTerms};
use alloy_primitives::Address;
use futures_util::future::join_all;
use proptest::prelude::*;
use wallet_support::*;

#[derive(Debug, Clone)]
enum Step {
    /// Pays several at once; delivers them to the seller in another order, some never.
    Pay {
        maxima: Vec<u16>,
        payee: u8,
        reversed: bool,
        lost: u8,
    },
    /// The seller ends one of its calls.
    End { which: u8, share: u8 },
    /// The seller's answer to one of its calls is lost.
    LoseAnswer { which: u8 },
    /// The wallet's process ends and another begins.
    Reopen,
    /// Time passes.
    Wait { secs: u16 },
}

fn step() -> impl Strategy<Value = Step> {
    let maxima = prop::collection::vec(1..3_000_u16, 1..6);
    prop_oneof![
        4 => (maxima, 0..2_u8, any::<bool>(), any::<u8>())
            .prop_map(|(maxima, payee, reversed, lost)| Step::Pay { maxima, payee, reversed, lost }),
        6 => (any::<u8>(), any::<u8>()).prop_map(|(which, share)| Step::End { which, share }),
        1 => any::<u8>().prop_map(|which| Step::LoseAnswer { which }),
        1 => Just(Step::Reopen),
        1 => (1..900_u16).prop_map(|secs| Step::Wait { secs }),
    ]
}

/// A call that the seller admitted.
struct Call {
    payment: Payment,
    channel: ChannelId,
    max: BaseUnits,
}

struct Model {
    world: World,
    sellers: [Seller; 2],
    calls: Vec<(usize, Call)>,
    highest: BTreeMap<ChannelId, BaseUnits>,
    charged: u128,
    bound: BaseUnits,
}

impl Model {
    async fn new() -> Self {
        let bound = policy().per_day;
        let world = World::new().await;
        let sellers = [Seller::default(), Seller::default()];
        let (calls, highest) = (Vec::new(), BTreeMap::new());
        Self {
            world,
            sellers,
            calls,
            highest,
            charged: 0,
            bound,
        }
    }

    async fn run(&mut self, step: Step) {
        match step {
            Step::Pay {
                maxima,
                payee,
                reversed,
                lost,
            } => {
                self.pay(&maxima, usize::from(payee), reversed, lost).await;
            }
            Step::End { which, share } => {
                if let Some((seller, call)) = self.take(which) {
                    self.end(seller, call, share).await;
                }
            }
            Step::LoseAnswer { which } => {
                if let Some((seller, call)) = self.take(which) {
                    self.sellers[seller].post(call.channel, call.max, call.max);
                    self.world
                        .wallet
                        .mark_unknown(&call.payment.id)
                        .await
                        .unwrap();
                }
            }
            Step::Reopen => self.world.reopen().await,
            Step::Wait { secs } => {
                self.world.clock.advance_millis(u64::from(secs) * 1_000);
            }
        }
    }

    async fn pay(&mut self, maxima: &[u16], payee: usize, reversed: bool, lost: u8) {
        let pay_to = Address::repeat_byte(0x50 + u8::try_from(payee).unwrap());
        let terms = PaymentTerms {
            pay_to,
            max_in_flight: 1_000,
            ..terms()
        };
        let paid = maxima
            .iter()
            .map(|max| pay(&self.world.wallet, &terms, u128::from(*max)));
        let mut payments = Vec::new();
        for paid in join_all(paid).await {
            match paid {
                Ok(payment) => payments.push(payment),
                // The bounds of the policy are the only reason not to pay here.
                Err(WalletError::Policy(_)) => {}
                Err(other) => panic!("{other}"),
            }
        }
        payments.sort_by_key(|payment| (payment.channel_id, payment.ceiling));
        for payment in &payments {
            let highest = self.highest.entry(payment.channel_id).or_default();
            assert!(payment.ceiling > *highest, "ceilings strictly increase");
            *highest = payment.ceiling;
        }
        if reversed {
            payments.reverse();
        }
        let now = agent_core::clock::Clock::now_unix_secs(&*self.world.clock);
        for (index, payment) in payments.into_iter().enumerate() {
            if lost >> (index % 8) & 3 == 3 {
                continue;
            }
            let admitted = self.sellers[payee].admit(&payment.payload, &self.world.chain, now);
            let (channel, max) = admitted.expect("every voucher is admitted");
            self.calls.push((
                payee,
                Call {
                    payment,
                    channel,
                    max,
                },
            ));
        }
    }

    fn take(&mut self, which: u8) -> Option<(usize, Call)> {
        let count = self.calls.len();
        (count > 0).then(|| self.calls.swap_remove(usize::from(which) % count))
    }

    async fn end(&mut self, seller: usize, call: Call, share: u8) {
        let wallet = &self.world.wallet;
        if share < 40 {
            self.sellers[seller].void(call.channel, call.max);
            wallet.confirm(&call.payment.id, &refused()).await.unwrap();
            return;
        }
        let actual = call.max.get() * u128::from(share) / 255;
        self.sellers[seller].post(call.channel, call.max, units(actual));
        wallet
            .confirm(&call.payment.id, &receipt(&call.payment, actual))
            .await
            .unwrap();
        self.charged += actual;
    }

    async fn check(&self) {
        self.world
            .wallet
            .verify()
            .await
            .expect("the books hold together");
        let books = self.world.wallet.books().await.unwrap();
        assert_eq!(books.charged.get(), self.charged);
        assert!(books.signed <= self.bound, "signed stays within the policy");
        assert!(books.deposited <= policy().locked_total);
        for account in self.world.wallet.channels().await.unwrap() {
            assert_eq!(
                account.authorized(),
                self.world.chain.state(account.id).authorized
            );
            let seller = self
                .sellers
                .iter()
                .find_map(|s| s.channels.get(&account.id));
            if let Some(theirs) = seller {
                let (ours, owed) = (account.charged.plus(account.reserved).unwrap(), theirs);
                assert!(owed.charged.plus(owed.reserved).unwrap() <= ours);
                assert!(theirs.signed <= account.signed);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_voucher_is_admitted_and_the_books_always_hold(
        steps in prop::collection::vec(step(), 1..60)
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut model = Model::new().await;
            for step in steps {
                model.run(step).await;
                model.check().await;
            }
        });
    }
}
