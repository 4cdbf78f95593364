//! Any history of calls, against the model. After each step: the contract holds at least what it
//! owes; what is claimed has not fallen, and is covered by what was paid in and by what the payer
//! signed; and everybody has what the model says.

use agent_core::x402::batch::{BATCH_SETTLEMENT, ChannelConfig};
use agent_devnet::GENESIS_USDC;
use agent_tests::world::{Refusal, World, account};
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use proptest::{collection::vec, prelude::*};

use crate::bind::IX402BatchSettlement as batch;
use crate::model::{Channel, ChannelNo, Model, Row};
use crate::stage::{
    AUTHORIZER, STRANGER, USDC, channel, deposit, notice, on_chain, receiver, refund_nonce, row,
    send, settle, signed_claim, signed_refund, state,
};

const PAYERS: [usize; 2] = [1, 3];
const RECEIVERS: [usize; 2] = [2, 6];
/// Signs the vouchers of the last channels.
const LENT: usize = 7;
const CHANNELS: usize = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hand {
    InPerson,
    Signed,
    Forged,
}

#[derive(Clone, Debug)]
enum Step {
    Deposit {
        no: ChannelNo,
        amount: u128,
        forged: bool,
    },
    Claim {
        rows: Vec<Row>,
        hand: Hand,
    },
    Settle {
        receiver: usize,
    },
    Initiate {
        no: ChannelNo,
        amount: u128,
    },
    Finalize {
        no: ChannelNo,
    },
    Refund {
        no: ChannelNo,
        amount: u128,
        hand: Hand,
    },
    Wait {
        seconds: u64,
    },
    Intrude {
        no: ChannelNo,
        from: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let no = || 0..CHANNELS;
    // Small, so that claims, refunds and withdrawals meet.
    let amount = || prop_oneof![8 => 0..400_u128, 1 => Just(u128::MAX)];
    let hand =
        || prop_oneof![4 => Just(Hand::InPerson), 4 => Just(Hand::Signed), 1 => Just(Hand::Forged)];
    let row = (no(), 0..900_u128, 0..900_u128, prop::bool::weighted(0.95)).prop_map(
        |(channel, a, b, valid)| Row {
            channel,
            // Mostly a total under its ceiling.
            ceiling: if a % 16 == 0 { a } else { a.max(b) },
            total: if a % 16 == 0 { b } else { a.min(b) },
            valid,
        },
    );
    prop_oneof![
        6 => (no(), 0..300_u128, prop::bool::weighted(0.05))
            .prop_map(|(no, amount, forged)| Step::Deposit { no, amount, forged }),
        8 => (vec(row, 0..4), hand()).prop_map(|(rows, hand)| Step::Claim { rows, hand }),
        3 => (0..RECEIVERS.len()).prop_map(|receiver| Step::Settle { receiver }),
        3 => (no(), amount()).prop_map(|(no, amount)| Step::Initiate { no, amount }),
        3 => no().prop_map(|no| Step::Finalize { no }),
        4 => (no(), amount(), hand()).prop_map(|(no, amount, hand)| Step::Refund { no, amount, hand }),
        3 => prop_oneof![1..50_u64, 850..1_000_u64].prop_map(|seconds| Step::Wait { seconds }),
        1 => (no(), prop_oneof![Just(STRANGER), Just(LENT)])
            .prop_map(|(no, from)| Step::Intrude { no, from }),
    ]
}

/// Contract and model side by side.
struct Pair {
    world: World,
    model: Model,
    configs: Vec<ChannelConfig>,
    salt: u64,
}

impl Pair {
    fn new() -> Self {
        let configs: Vec<_> = (0..CHANNELS)
            .map(|at| ChannelConfig {
                payer: account(PAYERS[at % 2]),
                payer_authorizer: account(if at >= 4 { LENT } else { PAYERS[at % 2] }),
                receiver: account(RECEIVERS[at / 2 % 2]),
                ..channel(u64::try_from(at).unwrap())
            })
            .collect();
        let everybody = PAYERS
            .iter()
            .chain(&RECEIVERS)
            .chain(&[LENT, STRANGER, AUTHORIZER]);
        let model = Model {
            parties: configs.iter().map(|of| (of.payer, of.receiver)).collect(),
            channels: vec![Channel::default(); CHANNELS],
            receivers: RECEIVERS.iter().map(|at| (account(*at), (0, 0))).collect(),
            wallets: everybody
                .map(|at| (account(*at), GENESIS_USDC.into()))
                .collect(),
        };
        Self {
            world: World::new(),
            model,
            configs,
            salt: 0,
        }
    }

    fn of(address: Address) -> usize {
        (0..20).find(|at| account(*at) == address).unwrap()
    }

    /// Sends it and does it in the model: both must say the same, and a refusal changes nothing.
    fn both<C: SolCall>(
        &mut self,
        from: usize,
        call: &C,
        act: impl FnOnce(&mut Model, u64) -> Result<(), Refusal>,
    ) {
        let said = send(&mut self.world, from, call).map(|_| ());
        let mut after = self.model.clone();
        let expected = act(&mut after, self.world.now());
        assert_eq!(said, expected, "{}", C::SIGNATURE);
        if said.is_ok() {
            self.model = after;
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Deposit { no, amount, forged } => {
                self.salt += 1;
                let payer = Self::of(self.configs[no].payer);
                let by = if forged { STRANGER } else { payer };
                let call = deposit(&self.configs[no], amount, self.salt, by);
                self.both(STRANGER, &call, |m, _| {
                    if forged && amount != 0 {
                        return Err(Refusal::text("FiatTokenV2: invalid signature"));
                    }
                    m.deposit(no, amount)
                });
            }
            Step::Claim { rows, hand } => self.claim(&rows, hand),
            Step::Settle { receiver } => {
                let to = account(RECEIVERS[receiver]);
                self.both(STRANGER, &settle(to, USDC), |m, _| {
                    m.settle(to);
                    Ok(())
                });
            }
            Step::Initiate { no, amount } => {
                let config = on_chain(&self.configs[no]);
                let from = Self::of(config.payerAuthorizer);
                let call = batch::initiateWithdrawCall { config, amount };
                self.both(from, &call, |m, now| m.initiate(no, amount, now));
            }
            Step::Finalize { no } => {
                let config = on_chain(&self.configs[no]);
                let from = Self::of(config.payer);
                let call = batch::finalizeWithdrawCall { config };
                self.both(from, &call, |m, now| m.finalize(no, now));
            }
            Step::Refund { no, amount, hand } => self.refund(no, amount, hand),
            Step::Wait { seconds } => self.world.wait(seconds),
            Step::Intrude { no, from } => self.intrude(no, from),
        }
    }

    fn claim(&mut self, rows: &[Row], hand: Hand) {
        let configs: Vec<_> = rows.iter().map(|row| self.configs[row.channel]).collect();
        let signed = rows.iter().zip(&configs).map(|(of, config)| {
            let by = Self::of(config.payer_authorizer);
            let by = if of.valid { by } else { STRANGER };
            row(config, of.ceiling, of.total, by)
        });
        let signed: Vec<_> = signed.collect();
        if hand == Hand::InPerson || signed.is_empty() {
            let call = batch::claimCall {
                voucherClaims: signed,
            };
            self.both(AUTHORIZER, &call, |m, _| m.claim(rows));
            return;
        }
        let by = if hand == Hand::Signed {
            AUTHORIZER
        } else {
            STRANGER
        };
        let call = signed_claim(signed, &configs, by);
        self.both(STRANGER, &call, |m, _| match hand {
            Hand::Forged => Err(Refusal::of(&batch::InvalidSignature {})),
            _ => m.claim(rows),
        });
    }

    fn refund(&mut self, no: ChannelNo, amount: u128, hand: Hand) {
        let config = self.configs[no];
        if hand == Hand::InPerson {
            let call = batch::refundCall {
                config: on_chain(&config),
                amount,
            };
            let from = Self::of(config.receiver);
            self.both(from, &call, |m, _| m.refund(no, amount));
            return;
        }
        let by = if hand == Hand::Signed {
            AUTHORIZER
        } else {
            STRANGER
        };
        let call = signed_refund(&config, amount, self.model.channels[no].nonce, by);
        self.both(STRANGER, &call, |m, _| match hand {
            Hand::Forged => Err(Refusal::of(&batch::InvalidSignature {})),
            _ => m.refund(no, amount),
        });
    }

    /// What only a party may do, by somebody who is none (the lent key, of channels it has no part in).
    fn intrude(&mut self, no: ChannelNo, from: usize) {
        let config = self.configs[no];
        if config.payer_authorizer == account(from) {
            return;
        }
        let config = on_chain(&config);
        let amount = 1;
        let claim = batch::claimCall {
            voucherClaims: vec![row(&self.configs[no], 1, 1, from)],
        };
        for refused in [
            send(&mut self.world, from, &claim).map(|_| ()),
            send(
                &mut self.world,
                from,
                &batch::refundCall {
                    config: config.clone(),
                    amount,
                },
            )
            .map(|_| ()),
            send(
                &mut self.world,
                from,
                &batch::initiateWithdrawCall {
                    config: config.clone(),
                    amount,
                },
            )
            .map(|_| ()),
            send(
                &mut self.world,
                from,
                &batch::finalizeWithdrawCall { config },
            )
            .map(|_| ()),
        ] {
            refused.unwrap_err();
        }
    }

    fn check(&self, before: &Model) {
        let held = self.world.balance(USDC, BATCH_SETTLEMENT);
        assert_eq!(held, U256::from(self.model.owed()));
        for (no, config) in self.configs.iter().enumerate() {
            let (is, was) = (&self.model.channels[no], &before.channels[no]);
            assert_eq!(state(&self.world, config), (is.balance, is.claimed));
            assert_eq!(notice(&self.world, config), is.notice);
            assert_eq!(refund_nonce(&self.world, config), is.nonce);
            assert!(is.claimed >= was.claimed && is.claimed <= is.balance);
            assert!(is.claimed <= is.signed, "more was claimed than signed");
        }
        for (address, booked) in &self.model.receivers {
            assert_eq!(receiver(&self.world, *address, USDC), *booked);
        }
        for (owner, has) in &self.model.wallets {
            assert_eq!(self.world.balance(USDC, *owner), U256::from(*has));
        }
    }

    /// Everybody takes what is theirs, and nothing is left.
    fn empty(&mut self) {
        for no in 0..CHANNELS {
            self.refund(no, u128::MAX, Hand::InPerson);
        }
        for at in RECEIVERS {
            let to = account(at);
            self.both(STRANGER, &settle(to, USDC), |m, _| {
                m.settle(to);
                Ok(())
            });
        }
        assert_eq!(self.model.owed(), 0);
        self.check(&self.model.clone());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(agent_tests::repeats("AGENT_TEST_CASES", 32)))]

    #[test]
    fn the_contract_does_what_the_model_says(steps in vec(step(), 20..60)) {
        let mut pair = Pair::new();
        let furnish = (0..CHANNELS).map(|no| Step::Deposit { no, amount: 500, forged: false });
        for step in furnish.chain(steps) {
            let before = pair.model.clone();
            pair.take(step);
            pair.check(&before);
        }
        pair.empty();
    }
}
