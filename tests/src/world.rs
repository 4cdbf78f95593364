//! A chain in memory, driven call by call.

use std::fmt;

use agent_client::chain::bindings::{IToken, IZ402Escrow};
use agent_core::voucher::{EscrowDomain, Lock, Salt};
use agent_devnet::{
    CONTRACTS, Chain, ChainError, Clock, DEV_ACCOUNTS, DevnetConfig, artifacts::Artifact,
};
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, U256, aliases::U96};
use alloy_rpc_types_eth::{TransactionReceipt, TransactionRequest};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{Revert, SolCall, SolError, SolEvent};

/// When the genesis block was made.
pub const START: u64 = 1_700_000_000;

/// The key of a development account.
#[must_use]
pub fn key(index: usize) -> PrivateKeySigner {
    DEV_ACCOUNTS[index].private_key.parse().unwrap()
}

/// The address of a development account.
#[must_use]
pub fn account(index: usize) -> Address {
    DEV_ACCOUNTS[index].address
}

/// A transaction that went through.
pub struct Done<R> {
    /// What the function returned.
    pub returned: R,
    /// The transaction's receipt.
    pub receipt: TransactionReceipt,
}

// Not derived: what functions without a result return has no debug form.
impl<R> fmt::Debug for Done<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Done").field(&self.receipt).finish()
    }
}

impl<R> Done<R> {
    /// The events of one kind, in order.
    #[must_use]
    pub fn events<E: SolEvent>(&self) -> Vec<E> {
        let logs = self.receipt.logs().iter();
        logs.filter_map(|log| E::decode_log(&log.inner).ok().map(|event| event.data))
            .collect()
    }
}

/// Why a contract reverted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub Bytes);

impl Refusal {
    /// The refusal with this error.
    #[must_use]
    pub fn of<E: SolError>(error: &E) -> Self {
        Self(error.abi_encode().into())
    }

    /// The refusal with a revert string.
    #[must_use]
    pub fn text(reason: &str) -> Self {
        Self::of(&Revert::from(reason))
    }
}

/// The chain, and the escrow on it.
#[derive(Clone, Debug)]
pub struct World {
    /// The chain.
    pub chain: Chain,
    /// What vouchers for its escrow are signed under.
    pub domain: EscrowDomain,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// A fresh chain whose time moves by one second a block.
    #[must_use]
    pub fn new() -> Self {
        let config = DevnetConfig::default()
            .with_clock(Clock::Stepped)
            .with_genesis_timestamp(START);
        let mut chain = Chain::new(&config).unwrap();
        if let Some(code) = other_escrow() {
            chain.set_code(CONTRACTS.escrow, code).unwrap();
        }
        let domain = EscrowDomain::new(chain.chain_id(), CONTRACTS.escrow);
        Self { chain, domain }
    }

    /// The time of the newest block.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.chain.timestamp()
    }

    /// Lets time pass.
    pub fn wait(&mut self, seconds: u64) {
        self.chain.increase_time(seconds).unwrap();
        self.chain.mine(1).unwrap();
    }

    /// Calls a function without sending anything.
    ///
    /// # Errors
    ///
    /// If the contract reverts.
    pub fn attempt<C: SolCall>(
        &self,
        from: Address,
        to: Address,
        call: &C,
    ) -> Result<C::Return, Refusal> {
        match self.chain.call(request(from, to, call), BlockId::latest()) {
            Ok(output) => Ok(C::abi_decode_returns(&output).unwrap()),
            Err(ChainError::Reverted(data)) => Err(Refusal(data)),
            Err(other) => panic!("{}: {other}", C::SIGNATURE),
        }
    }

    /// What each call would answer if it came alone, many in one go. The sender is a contract.
    ///
    /// # Panics
    ///
    /// If there are more of them than one call has gas for.
    #[must_use]
    pub fn try_all<C: SolCall>(
        &mut self,
        to: Address,
        calls: &[C],
    ) -> Vec<Result<C::Return, Refusal>> {
        let at = Address::repeat_byte(0x77);
        let code = artifact_code(include_str!("../../contracts/artifacts/Tries.json"));
        self.chain.set_code(at, code).unwrap();
        let tries = ITries::triesCall {
            target: to,
            calls: calls.iter().map(|call| call.abi_encode().into()).collect(),
        };
        let said = self.view(at, &tries);
        assert_eq!(
            (said.fine.len(), said.answers.len()),
            (calls.len(), calls.len())
        );
        let answers = said.fine.into_iter().zip(said.answers);
        answers
            .map(|(fine, answer)| {
                if !fine {
                    return Err(Refusal(answer));
                }
                Ok(C::abi_decode_returns(&answer).unwrap())
            })
            .collect()
    }

    /// The answer of a view.
    #[must_use]
    pub fn view<C: SolCall>(&self, to: Address, call: &C) -> C::Return {
        self.attempt(Address::ZERO, to, call).unwrap()
    }

    /// Sends a transaction, whether it will revert or not, and holds what became of it against what
    /// the call before it said.
    ///
    /// # Errors
    ///
    /// If the contract reverts.
    pub fn send<C: SolCall>(
        &mut self,
        from: Address,
        to: Address,
        call: &C,
    ) -> Result<Done<C::Return>, Refusal> {
        let said = self.attempt(from, to, call);
        let receipt = self.chain.transact(request(from, to, call)).unwrap();
        assert_eq!(said.is_ok(), receipt.status(), "{}", C::SIGNATURE);
        said.map(|returned| Done { returned, receipt })
    }

    /// Sends bytes, whether they will revert or not.
    pub fn raw(&mut self, from: Address, to: Address, data: Bytes) -> TransactionReceipt {
        let request = TransactionRequest::default().from(from).to(to);
        self.chain.transact(request.input(data.into())).unwrap()
    }

    /// Sends a transaction to the escrow.
    ///
    /// # Errors
    ///
    /// If the escrow reverts.
    pub fn escrow<C: SolCall>(
        &mut self,
        from: Address,
        call: &C,
    ) -> Result<Done<C::Return>, Refusal> {
        self.send(from, CONTRACTS.escrow, call)
    }

    /// What a lock holds.
    #[must_use]
    pub fn state(&self, lock: &Lock) -> IZ402Escrow::LockState {
        let id = self.id(lock);
        self.view(CONTRACTS.escrow, &IZ402Escrow::stateOfCall { id })
    }

    /// A lock's id.
    #[must_use]
    pub fn id(&self, lock: &Lock) -> B256 {
        lock.id(&self.domain).0
    }

    /// What a payer has in its vault.
    #[must_use]
    pub fn vault(&self, payer: Address, token: Address) -> U256 {
        self.view(CONTRACTS.escrow, &IZ402Escrow::vaultOfCall { payer, token })
    }

    /// Who has how much of a token.
    #[must_use]
    pub fn balance(&self, token: Address, owner: Address) -> U256 {
        self.view(token, &IToken::balanceOfCall { owner })
    }

    /// Approves the escrow for everything and deposits.
    ///
    /// # Errors
    ///
    /// If the escrow reverts.
    pub fn deposit(
        &mut self,
        payer: Address,
        token: Address,
        amount: u128,
    ) -> Result<Done<IZ402Escrow::depositReturn>, Refusal> {
        let approve = IToken::approveCall {
            spender: CONTRACTS.escrow,
            value: U256::MAX,
        };
        self.send(payer, token, &approve).unwrap();
        let amount = U256::from(amount);
        self.escrow(payer, &IZ402Escrow::depositCall { token, amount })
    }
}

alloy_sol_types::sol! {
    interface ITries {
        function tries(address target, bytes[] calls) external returns (bool[] fine, bytes[] answers);
    }
}

/// The runtime code in a compiled contract's file.
#[must_use]
pub fn artifact_code(json: &str) -> Bytes {
    let compiled: serde_json::Value = serde_json::from_str(json).unwrap();
    let code = compiled["deployedBytecode"].as_str().unwrap();
    code.parse().unwrap()
}

/// The escrow that is tested.
#[must_use]
pub fn escrow_code() -> Bytes {
    other_escrow().unwrap_or_else(|| Artifact::Escrow.runtime_code().unwrap())
}

/// Another escrow than the one that is checked in, if `AGENT_TEST_ARTIFACTS` names a directory with
/// one: `contracts/mutate.mjs` puts spoiled ones there, to see whether the tests notice.
fn other_escrow() -> Option<Bytes> {
    let directory = std::env::var_os("AGENT_TEST_ARTIFACTS")?;
    let path = std::path::Path::new(&directory).join("Z402Escrow.json");
    Some(artifact_code(&std::fs::read_to_string(path).unwrap()))
}

/// A lock of one development account for another in the test token.
#[must_use]
pub fn lock(payer: usize, payee: usize, salt: u64) -> Lock {
    Lock {
        payer: account(payer),
        signer: account(payer),
        payee: account(payee),
        token: CONTRACTS.usdc,
        salt: Salt(U96::from(salt)),
    }
}

/// The same lock in the contract's types.
#[must_use]
pub fn on_chain(lock: &Lock) -> IZ402Escrow::Lock {
    IZ402Escrow::Lock {
        payer: lock.payer,
        signer: lock.signer,
        payee: lock.payee,
        token: lock.token,
        salt: lock.salt.0,
    }
}

fn request<C: SolCall>(from: Address, to: Address, call: &C) -> TransactionRequest {
    TransactionRequest::default()
        .from(from)
        .to(to)
        .input(Bytes::from(call.abi_encode()).into())
}
