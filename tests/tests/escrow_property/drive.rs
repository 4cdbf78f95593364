//! Escrow and model side by side.

use agent_client::chain::bindings::{
    IToken,
    IZ402Escrow::{self as escrow, IZ402EscrowCalls},
};
use agent_core::voucher::{Lock, Salt};
use agent_devnet::{CONTRACTS, GENESIS_USDC, artifacts::Artifact};
use agent_tests::{
    tokens::{Hostile, mint},
    world::{Refusal, World, account},
};
use alloy_primitives::{Address, U256, aliases::U96};
use alloy_sol_types::SolCall;

use crate::{
    model::{Held, Model, Parties},
    steps::{LOCKS, PAYERS, TOKENS},
};

pub(crate) const PAYEES: [usize; 2] = [5, 6];
/// Sends what anybody may send, and must stay as rich as it was.
pub(crate) const STRANGER: usize = 9;
/// Signs vouchers for the locks with odd numbers, and nothing else.
pub(crate) const DELEGATE: usize = 8;

#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) world: World,
    pub(crate) model: Model,
    pub(crate) locks: Vec<Lock>,
    pub(crate) nonce: u64,
    pub(crate) batch: Option<(
        escrow::settleBatchCall,
        usize,
        usize,
        Vec<crate::model::Row>,
    )>,
}

pub(crate) fn token(at: usize) -> Address {
    [CONTRACTS.usdc, Address::repeat_byte(0xc1)][at]
}

pub(crate) fn watched() -> impl Iterator<Item = Address> {
    (0..PAYERS)
        .chain(PAYEES)
        .chain([STRANGER, DELEGATE])
        .map(account)
}

impl Pair {
    /// Two honest tokens.
    pub(crate) fn new() -> Self {
        let mut world = World::new();
        let code = Artifact::TestUsdc.runtime_code().unwrap();
        world.chain.set_code(token(1), code).unwrap();
        Self::furnished(world)
    }

    /// An honest token, and one that can refuse accounts and lose what it holds for others.
    pub(crate) fn with_a_strange_token() -> Self {
        let mut world = World::new();
        Hostile::Blacklist.place_at(&mut world, token(1));
        Self::furnished(world)
    }

    fn furnished(mut world: World) -> Self {
        let locks: Vec<Lock> = (0..LOCKS)
            .map(|at| Lock {
                payer: account(at / 4),
                signer: account(if at % 2 == 1 { DELEGATE } else { at / 4 }),
                payee: account(PAYEES[at / 2 % 2]),
                token: token(usize::from(at % 4 == 3)),
                salt: Salt(U96::from(at)),
            })
            .collect();
        let parties = locks.iter().map(|lock| Parties {
            payer: lock.payer,
            payee: lock.payee,
            token: lock.token,
        });
        let mut model = Model {
            parties: parties.collect(),
            locks: vec![Held::default(); LOCKS],
            vaults: Default::default(),
            wallets: Default::default(),
            holds: Default::default(),
            blocked: Default::default(),
            lost: Default::default(),
        };
        for payer in 0..PAYERS {
            mint(&mut world, token(1), account(payer), 20_000);
            for at in 0..TOKENS {
                let approve = IToken::approveCall {
                    spender: CONTRACTS.escrow,
                    value: U256::MAX,
                };
                world.send(account(payer), token(at), &approve).unwrap();
            }
        }
        for owner in watched() {
            for at in 0..TOKENS {
                let has = world.balance(token(at), owner).to();
                model.wallets.insert((token(at), owner), has);
            }
        }
        assert_eq!(
            model.wallets[&(token(0), account(0))],
            u128::from(GENESIS_USDC)
        );
        Self {
            world,
            model,
            locks,
            nonce: 0,
            batch: None,
        }
    }

    /// The time of the block that the next transaction is in.
    pub(crate) fn next(&self) -> u64 {
        self.world.now() + 1
    }

    pub(crate) fn fresh(&mut self) -> u64 {
        self.nonce += 1;
        self.nonce
    }

    /// Sends it and does it in the model; both must say the same, and a refusal changes nothing.
    pub(crate) fn both<C: SolCall>(
        &mut self,
        from: Address,
        call: &C,
        amount: impl FnOnce(&C::Return) -> u128,
        act: impl FnOnce(&mut Model, u64) -> Result<u128, Refusal>,
    ) {
        let done = self.world.escrow(from, call);
        let mut after = self.model.clone();
        let expected = act(&mut after, self.world.now());
        if let Ok(done) = &done {
            self.goes_home(done.events::<IToken::Transfer>());
            let allowed = done.events::<IToken::Approval>();
            assert!(allowed.iter().all(|event| event.owner != CONTRACTS.escrow));
        }
        let said = done.map(|done| amount(&done.returned));
        assert_eq!(said, expected, "{}", C::SIGNATURE);
        if expected.is_ok() {
            self.model = after;
        }
    }

    /// What leaves the escrow goes to somebody's payer or payee and to nobody else.
    fn goes_home(&self, transfers: Vec<IToken::Transfer>) {
        for sent in transfers
            .iter()
            .filter(|sent| sent.from == CONTRACTS.escrow)
        {
            let parties = self.model.parties.iter();
            let mut homes = parties.flat_map(|parties| [parties.payer, parties.payee]);
            assert!(homes.any(|home| home == sent.to), "{sent:?}");
        }
    }

    /// Only a release lowers what was authorized, and never below what was claimed.
    pub(crate) fn nothing_fell(&self, before: &Model) {
        for (old, new) in before.locks.iter().zip(&self.model.locks) {
            assert!(new.authorized >= old.authorized);
        }
    }

    /// Everything that can be read, against the model and against what was read before.
    pub(crate) fn check(&self, before: &Model) {
        let ids = self.locks.iter().map(|lock| self.world.id(lock)).collect();
        let states = self
            .world
            .view(CONTRACTS.escrow, &escrow::statesOfCall { ids });
        let held = states.iter().map(|state| Held {
            authorized: state.authorized.to(),
            claimed: state.claimed.to(),
            deadline: state.deadline.to(),
        });
        assert_eq!(held.collect::<Vec<_>>(), self.model.locks);
        for (old, new) in before.locks.iter().zip(&self.model.locks) {
            assert!(new.claimed >= old.claimed && new.claimed <= new.authorized);
            assert!(new.deadline >= old.deadline);
        }
        for at in 0..TOKENS {
            let token = token(at);
            for payer in (0..PAYERS).map(account) {
                let vault = self.model.vaults.get(&(payer, token));
                let vault = U256::from(vault.copied().unwrap_or_default());
                assert_eq!(self.world.vault(payer, token), vault);
            }
            let holds = self.world.balance(token, CONTRACTS.escrow);
            let model = self.model.holds.get(&token).copied().unwrap_or_default();
            let lost = self.model.lost.get(&token).copied().unwrap_or_default();
            assert_eq!(holds, U256::from(model));
            assert_eq!(model + lost, self.model.owed(token), "Σ vault + Σ left");
            for owner in watched() {
                let has = U256::from(self.model.wallets[&(token, owner)]);
                assert_eq!(self.world.balance(token, owner), has, "{owner}");
            }
        }
    }

    /// What somebody without rights must not be able to do. All of it is refused.
    pub(crate) fn intrude(&mut self, calls: Vec<IZ402EscrowCalls>) {
        for call in calls {
            let refused = match call {
                IZ402EscrowCalls::release(call) => self.refused(&call),
                IZ402EscrowCalls::releaseByPayee(call) => self.refused(&call),
                IZ402EscrowCalls::authorize(call) => self.refused(&call),
                IZ402EscrowCalls::withdraw(call) => self.refused(&call),
                other => panic!("{other:?}"),
            };
            assert!(refused);
        }
    }

    fn refused<C: SolCall>(&mut self, call: &C) -> bool {
        self.world.escrow(account(STRANGER), call).is_err()
    }
}
