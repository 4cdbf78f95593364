//! One signature for many calls: what is signed ahead stays within the policy, what is paid with
//! credit signs nothing, and credit that is lost or refused costs a signature and no money.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod wallet_support;

use agent_client::wallet::{Account, Payment};
use agent_core::{
    clock::Clock,
    policy::{SpendPolicy, SpendRules},
    x402::{CreditToken, PaymentTerms, Z402Payload},
};
use proptest::prelude::*;
use wallet_support::*;

const SHOP: &str = "https://seller.example/a2a";
const AHEAD: u128 = 1_500;

fn prepaying(ahead: u128) -> SpendPolicy {
    let rules = SpendRules {
        prepaid_ahead_base_units: units(ahead),
        ..SpendRules::default()
    };
    SpendPolicy { rules, ..policy() }
}

async fn world(ahead: u128) -> World {
    World::with(|config| config.policy = prepaying(ahead)).await
}

fn crowded() -> PaymentTerms {
    PaymentTerms {
        max_in_flight: 1_000,
        ..terms()
    }
}

fn token_of(payment: &Payment) -> Option<CreditToken> {
    match payment.payload.payload.parse().unwrap() {
        Z402Payload::Credit(token) => Some(token),
        _ => None,
    }
}

async fn account(world: &World) -> Account {
    world.wallet.channels().await.unwrap().remove(0)
}

/// Pays 100 and has it charged; the receipt carries what `credit` makes of the seller's token.
async fn call(
    world: &World,
    seller: &mut Seller,
    resource: &str,
    credit: impl FnOnce(CreditToken) -> Option<CreditToken>,
) -> Payment {
    let payment = pay_at(&world.wallet, &terms(), 100, resource)
        .await
        .unwrap();
    let now = world.clock.now_unix_secs();
    let (channel, max) = seller
        .admit(&payment.payload, &world.chain, now)
        .expect("admitted");
    seller.post(channel, max, max);
    let token = seller.credit(channel, now + 600).and_then(credit);
    let receipt = receipt_with(&payment, 100, token);
    world.wallet.confirm(&payment.id, &receipt).await.unwrap();
    payment
}

#[tokio::test]
async fn sixteen_calls_take_one_signature_and_the_seventeenth_another() {
    let (world, mut seller) = (world(AHEAD).await, Seller::default());
    for number in 0..17 {
        let payment = call(&world, &mut seller, SHOP, Some).await;
        assert_eq!(token_of(&payment).is_none(), number % 16 == 0, "{number}");
    }
    let account = account(&world).await;
    assert_eq!(account.signed, units(1_600 + 1_600));
    assert_eq!(account.charged, units(1_700));
    world.wallet.verify().await.unwrap();
}

#[tokio::test]
async fn the_default_signs_for_every_call_and_uses_no_credit() {
    let (world, mut seller) = (World::new().await, Seller::default());
    for number in 1..4 {
        let payment = call(&world, &mut seller, SHOP, |_| {
            panic!("nothing is signed ahead")
        })
        .await;
        assert_eq!(payment.ceiling, units(100 * number));
    }
}

#[tokio::test]
async fn credit_goes_to_nobody_but_the_origin_that_issued_it() {
    let (world, mut seller) = (world(AHEAD).await, Seller::default());
    drop(call(&world, &mut seller, SHOP, Some).await);
    for other in [
        "https://evil.example/a2a",
        "https://seller.example:8443/a2a",
        "http://seller.example/a2a",
        "a2a://seller.example",
        "not a url",
    ] {
        let payment = pay_at(&world.wallet, &terms(), 100, other).await.unwrap();
        assert!(token_of(&payment).is_none(), "{other}");
    }
    let payment = pay_at(&world.wallet, &terms(), 100, "https://seller.example/other")
        .await
        .unwrap();
    assert!(token_of(&payment).is_some());
}

#[tokio::test]
async fn tokens_that_are_not_ours_to_spend_are_not_kept() {
    type Change = fn(CreditToken) -> CreditToken;
    let changes: [Change; 5] = [
        |token| CreditToken {
            channel_id: agent_core::voucher::ChannelId(alloy_primitives::B256::repeat_byte(9)),
            ..token
        },
        |token| CreditToken {
            ceiling: units(1_000_000),
            ..token
        },
        |token| CreditToken {
            expires: NOW,
            ..token
        },
        |token| CreditToken {
            token: "0x00".into(),
            ..token
        },
        |token| CreditToken {
            token: "x".repeat(1_000_000),
            ..token
        },
    ];
    for change in changes {
        let (world, mut seller) = (world(AHEAD).await, Seller::default());
        drop(call(&world, &mut seller, SHOP, |token| Some(change(token))).await);
        let next = pay_at(&world.wallet, &terms(), 100, SHOP).await.unwrap();
        assert!(token_of(&next).is_none());
        assert_eq!(
            next.ceiling,
            units(1_601),
            "what is signed is used up first"
        );
    }
}

#[tokio::test]
async fn credit_that_ends_is_not_sent() {
    let (world, mut seller) = (world(AHEAD).await, Seller::default());
    drop(call(&world, &mut seller, SHOP, Some).await);
    world.clock.advance_millis(571_000);
    let next = pay_at(&world.wallet, &terms(), 100, SHOP).await.unwrap();
    assert!(token_of(&next).is_none());
}

#[tokio::test]
async fn a_refused_token_is_forgotten_and_the_payment_is_freed() {
    let (world, mut seller) = (world(AHEAD).await, Seller::default());
    drop(call(&world, &mut seller, SHOP, Some).await);
    let refused = pay_at(&world.wallet, &terms(), 100, SHOP).await.unwrap();
    assert!(token_of(&refused).is_some());
    world.wallet.refused(&refused.id).await.unwrap();
    let again = pay_at(&world.wallet, &terms(), 100, SHOP).await.unwrap();
    assert!(token_of(&again).is_none());
    let account = account(&world).await;
    assert_eq!(
        (account.charged, account.reserved),
        (units(100), units(100))
    );
    world.wallet.verify().await.unwrap();
}

#[tokio::test]
async fn a_restart_forgets_credit_and_uses_up_what_was_signed() {
    let (mut world, mut seller) = (world(AHEAD).await, Seller::default());
    drop(call(&world, &mut seller, SHOP, Some).await);
    world.reopen().await;
    world.wallet.set_policy(prepaying(AHEAD));
    let first = call(&world, &mut seller, SHOP, Some).await;
    assert_eq!((token_of(&first), first.ceiling), (None, units(1_601)));
    // Its receipt brings credit back.
    let second = call(&world, &mut seller, SHOP, Some).await;
    assert!(token_of(&second).is_some());
    let files = std::fs::read_dir(world.dir.path()).unwrap();
    for file in files {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let code = token_of(&second).unwrap().token;
        let found = bytes
            .windows(code.len())
            .any(|bytes| bytes == code.as_bytes());
        assert!(!found, "credit is money and in no file");
    }
    assert!(!format!("{:?}", token_of(&second)).contains(&token_of(&second).unwrap().token));
}

#[tokio::test]
async fn what_is_signed_ahead_is_spent_at_once_in_every_window() {
    let world = World::with(|config| {
        config.policy = SpendPolicy {
            per_hour: units(1_000),
            ..prepaying(AHEAD)
        };
    })
    .await;
    let mut seller = Seller::default();
    let first = call(&world, &mut seller, SHOP, Some).await;
    assert_eq!(
        first.ceiling,
        units(1_000),
        "no further than the hour allows"
    );
    for _ in 0..9 {
        drop(call(&world, &mut seller, SHOP, Some).await);
    }
    let eleventh = pay_at(&world.wallet, &terms(), 100, SHOP).await;
    assert_eq!(eleventh.unwrap_err().code(), "policy_per_hour");
}

#[tokio::test]
async fn a_budget_counts_what_is_signed_ahead() {
    let world = World::with(|config| {
        config.policy = prepaying(AHEAD);
        config.policy.rules.budgets = vec![agent_core::policy::TotalBudget {
            since_unix_secs: 0,
            max: units(1_000),
        }];
    })
    .await;
    let first = pay_at(&world.wallet, &terms(), 100, SHOP).await.unwrap();
    assert_eq!(first.ceiling, units(1_000));
    let elsewhere = PaymentTerms {
        pay_to: alloy_primitives::Address::repeat_byte(0x77),
        ..terms()
    };
    let other = pay_at(&world.wallet, &elsewhere, 100, SHOP).await;
    assert!(other.is_err(), "the first has it all");
}

#[derive(Debug, Clone)]
enum Step {
    /// Pays several at once; some never arrive.
    Pay {
        maxima: Vec<u8>,
        lost: u8,
    },
    /// The seller ends a call and charges a share; the receipt may lack its token.
    End {
        which: u8,
        share: u8,
        token: bool,
    },
    /// The receipt of a call is lost.
    Lose {
        which: u8,
    },
    Reopen,
    Wait {
        secs: u16,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let maxima = prop::collection::vec(1..=200_u8, 1..6);
    prop_oneof![
        4 => (maxima, any::<u8>()).prop_map(|(maxima, lost)| Step::Pay { maxima, lost }),
        8 => (any::<u8>(), any::<u8>(), any::<bool>())
            .prop_map(|(which, share, token)| Step::End { which, share, token }),
        1 => any::<u8>().prop_map(|which| Step::Lose { which }),
        1 => Just(Step::Reopen),
        1 => (1..300_u16).prop_map(|secs| Step::Wait { secs }),
    ]
}

struct Model {
    world: World,
    seller: Seller,
    calls: Vec<Payment>,
    policy: SpendPolicy,
    ahead: u128,
    signatures: u32,
    by_credit: u32,
}

impl Model {
    async fn run(&mut self, step: Step) {
        match step {
            Step::Pay { maxima, lost } => {
                for (index, max) in maxima.into_iter().enumerate() {
                    self.pay(u128::from(max), lost >> (index % 8) & 3 == 3)
                        .await;
                }
            }
            Step::End {
                which,
                share,
                token,
            } => self.end(which, share, token).await,
            Step::Lose { which } => {
                if let Some(payment) = self.take(which) {
                    self.seller
                        .post(payment.channel_id, payment.max, payment.max);
                    self.world.wallet.mark_unknown(&payment.id).await.unwrap();
                }
            }
            Step::Reopen => {
                self.world.reopen().await;
                self.world.wallet.set_policy(self.policy.clone());
            }
            Step::Wait { secs } => self.world.clock.advance_millis(u64::from(secs) * 1_000),
        }
    }

    async fn pay(&mut self, max: u128, lost: bool) {
        let before = self.signed().await;
        let paid = pay_at(&self.world.wallet, &crowded(), max, SHOP).await;
        let Ok(payment) = paid else {
            assert_eq!(self.signed().await, before, "a refusal signs nothing");
            return;
        };
        let accounts = self.world.wallet.channels().await.unwrap();
        let ours = accounts.iter().find(|it| it.id == payment.channel_id);
        let ours = ours.unwrap();
        if token_of(&payment).is_some() {
            self.by_credit += 1;
            assert_eq!(self.signed().await, before, "credit signs nothing");
        } else {
            self.signatures += 1;
            assert_eq!(ours.signed, payment.ceiling, "ceilings strictly increase");
            let owed = ours.charged.get() + ours.reserved.get();
            let one_more = self.signed().await == before + 1;
            assert!(one_more || payment.ceiling.get() <= owed + self.ahead);
        }
        let now = self.world.clock.now_unix_secs();
        if !lost {
            let admitted = self.seller.admit(&payment.payload, &self.world.chain, now);
            admitted.expect("every payment is admitted");
            self.calls.push(payment);
        }
    }

    async fn end(&mut self, which: u8, share: u8, token: bool) {
        let Some(payment) = self.take(which) else {
            return;
        };
        let (id, wallet) = (payment.channel_id, &self.world.wallet);
        if share < 30 {
            self.seller.void(id, payment.max);
            wallet.confirm(&payment.id, &refused()).await.unwrap();
            return;
        }
        let actual = payment.max.get() * u128::from(share) / 255;
        self.seller.post(id, payment.max, units(actual));
        let until = self.world.clock.now_unix_secs() + 400;
        let token = self.seller.credit(id, until).filter(|_| token);
        let receipt = receipt_with(&payment, actual, token);
        wallet.confirm(&payment.id, &receipt).await.unwrap();
    }

    fn take(&mut self, which: u8) -> Option<Payment> {
        let count = self.calls.len();
        (count > 0).then(|| self.calls.swap_remove(usize::from(which) % count))
    }

    async fn signed(&self) -> u128 {
        self.world.wallet.books().await.unwrap().signed.get()
    }

    async fn check(&self) {
        self.world.wallet.verify().await.expect("the books hold");
        assert!(self.signed().await <= self.policy.per_day.get());
        for ours in self.world.wallet.channels().await.unwrap() {
            if let Some(theirs) = self.seller.channels.get(&ours.id) {
                let owed = theirs.charged.plus(theirs.reserved).unwrap();
                assert!(owed <= ours.charged.plus(ours.reserved).unwrap());
                assert!(theirs.signed <= ours.signed);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_is_signed_never_exceeds_the_policy_and_credit_is_always_good(
        ahead in 0..3_000_u128,
        per_day in 500..20_000_u128,
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let policy = SpendPolicy {
                per_day: units(per_day),
                ..prepaying(ahead)
            };
            let world = World::with(|config| config.policy = policy.clone()).await;
            let mut model = Model {
                world,
                seller: Seller::default(),
                calls: Vec::new(),
                policy,
                ahead,
                signatures: 0,
                by_credit: 0,
            };
            for step in steps {
                model.run(step).await;
                model.check().await;
            }
            if ahead == 0 {
                assert_eq!(model.by_credit, 0);
            }
        });
    }
}
