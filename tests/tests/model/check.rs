//! What holds after every step.

use crate::buyer::policy;
use crate::play::Play;
use agent_core::ledger::Ledger;
use agent_core::money::BaseUnits;
use agent_devnet::CONTRACTS;
use std::collections::BTreeMap;

impl Play {
    pub(crate) async fn check(&self) {
        self.check_sellers().await;
        self.check_buyers().await;
        self.check_between().await;
        self.check_chain().await;
    }

    /// Each ledger is right in itself, row by row, and agrees with what happened.
    async fn check_sellers(&self) {
        for (which, seller) in self.sellers.iter().enumerate() {
            let violations = seller.store.verify().await.unwrap();
            assert!(violations.is_empty(), "seller {which}: {violations:#?}");
            let books = seller.store.books().await.unwrap();
            let ended = self.truths.values();
            let charged: u128 = ended
                .filter(|truth| truth.letter.seller == which)
                .filter_map(|truth| truth.ended)
                .sum();
            assert_eq!(books.charged.get(), charged, "seller {which}");
        }
    }

    /// Each wallet is right in itself and within its policy.
    async fn check_buyers(&self) {
        let bound = policy(&self.settings);
        let now = self.net.now();
        for (which, buyer) in self.buyers.iter().enumerate() {
            buyer.wallet.verify().await.expect("the wallet adds up");
            let of = |secs: u64| -> u128 {
                let young = buyer.raised.iter().filter(|(at, _)| at + secs > now);
                young.map(|(_, raised)| raised).sum()
            };
            assert!(of(3_600) <= bound.per_hour.get(), "buyer {which}: an hour");
            assert!(of(86_400) <= bound.per_day.get(), "buyer {which}: a day");
            let believed: u128 = self
                .truths
                .values()
                .filter(|truth| truth.letter.buyer == which)
                .filter_map(|truth| truth.believed)
                .sum();
            let books = buyer.wallet.books().await.unwrap();
            assert_eq!(books.charged.get(), believed, "buyer {which}");
        }
    }

    /// No payment ran twice or cost more than it might, and both sides count alike.
    async fn check_between(&self) {
        for truth in self.truths.values() {
            assert!(truth.runs <= 1, "work was done twice: {truth:?}");
            assert!(
                truth
                    .ended
                    .is_none_or(|charged| charged <= truth.letter.max)
            );
            assert!(truth.ended.is_none() || truth.runs == 1);
            assert!(truth.believed.is_none() || truth.believed == truth.ended);
        }
        let mut signed = BTreeMap::new();
        for buyer in &self.buyers {
            for account in buyer.wallet.channels().await.unwrap() {
                signed.insert(account.id, account.signed);
            }
        }
        for seller in &self.sellers {
            for view in seller.store.channels(None, 1_000).await.unwrap() {
                assert!(view.channel.signed <= signed[&view.id], "never signed");
                assert!(!view.broken);
            }
        }
    }

    /// The contract holds what it owes, and nobody got what was not charged.
    async fn check_chain(&self) {
        let mut locked = BaseUnits::ZERO;
        let mut claimed = vec![0_u128; self.sellers.len()];
        for buyer in &self.buyers {
            for account in buyer.wallet.channels().await.unwrap() {
                let state = self.net.state(account.id, 0);
                assert!(state.claimed <= state.authorized);
                let left = state.authorized.minus(state.claimed).unwrap();
                locked = locked.plus(left).unwrap();
                let payee = account.lock.payee;
                let whose = self.sellers.iter().position(|one| one.address() == payee);
                claimed[whose.unwrap()] += state.claimed.get();
                let view = self.sellers[whose.unwrap()].store.channel(account.id).await;
                if let Some(view) = view.unwrap() {
                    assert!(state.claimed <= view.channel.charged, "claimed too much");
                }
            }
        }
        assert_eq!(self.net.balance(CONTRACTS.escrow), locked.get());
        for (which, seller) in self.sellers.iter().enumerate() {
            let earned = self.net.balance(seller.address()) - self.before[2 + which];
            assert_eq!(
                earned, claimed[which],
                "seller {which} got what was claimed"
            );
        }
    }

    /// After the end: sellers have what they charged, buyers have all the rest.
    pub(crate) async fn check_end(&self) {
        self.check().await;
        let mut charged = [0_u128; 2];
        for (which, seller) in self.sellers.iter().enumerate() {
            let books = seller.store.books().await.unwrap();
            assert_eq!((books.claimed, books.pending), (books.charged, 0));
            let earned = self.net.balance(seller.address()) - self.before[2 + which];
            assert_eq!(earned, books.charged.get(), "seller {which}");
        }
        for truth in self.truths.values() {
            charged[truth.letter.buyer] += truth.ended.unwrap_or(0);
        }
        for (which, buyer) in self.buyers.iter().enumerate() {
            let spent = self.before[which] - self.net.balance(buyer.address());
            assert_eq!(spent, charged[which], "buyer {which}");
        }
        assert_eq!(self.net.balance(CONTRACTS.escrow), 0);
    }
}
