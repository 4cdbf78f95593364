//! The escrow's bytecode, shared by all, behind the port that wallets use.

use agent_client::chain::bindings::{IToken, IZ402Escrow};
use agent_client::wallet::{EscrowError, EscrowPort, OpenRequest, OpenedLock, ReleasedLock};
use agent_core::channel::LockState;
use agent_core::ledger::BoxFuture;
use agent_core::money::BaseUnits;
use agent_core::voucher::{ChannelId, Lock};
use agent_devnet::CONTRACTS;
use agent_tests::world::{World, on_chain};
use alloy_eips::BlockId;
use alloy_primitives::{Address, U256, aliases::U40};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_sol_types::SolCall;
use std::sync::{Arc, Mutex, MutexGuard};

/// A block this deep stays: what sellers wait for, and no reorganisation here goes deeper.
pub(crate) const FINAL_DEPTH: u64 = 3;

/// How the node treats the next request of a wallet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    #[default]
    Works,
    LosesRequest,
    LosesAnswer,
}

/// The chain.
#[derive(Debug, Clone, Default)]
pub(crate) struct Net(Arc<Mutex<(World, Mood)>>);

impl Net {
    pub(crate) fn world(&self) -> MutexGuard<'_, (World, Mood)> {
        self.0.lock().unwrap()
    }

    pub(crate) fn set_mood(&self, mood: Mood) {
        self.world().1 = mood;
    }

    pub(crate) fn now(&self) -> u64 {
        self.world().0.now()
    }

    pub(crate) fn balance(&self, owner: Address) -> u128 {
        self.world().0.balance(CONTRACTS.usdc, owner).to()
    }

    /// What a lock holds, so many blocks ago.
    pub(crate) fn state(&self, id: ChannelId, depth: u64) -> LockState {
        let world = &self.world().0;
        let number = world.chain.block_number().saturating_sub(depth);
        let call = IZ402Escrow::stateOfCall { id: id.0 };
        let request = TransactionRequest::default()
            .to(CONTRACTS.escrow)
            .input(alloy_primitives::Bytes::from(call.abi_encode()).into());
        let output = world.chain.call(request, BlockId::number(number)).unwrap();
        let state = IZ402Escrow::stateOfCall::abi_decode_returns(&output).unwrap();
        LockState {
            authorized: BaseUnits::new(state.authorized.to()),
            claimed: BaseUnits::new(state.claimed.to()),
            deadline_unix_secs: state.deadline.to(),
        }
    }

    pub(crate) fn mine(&self, blocks: u64) {
        self.world().0.chain.mine(blocks).unwrap();
    }

    pub(crate) fn wait(&self, secs: u64) {
        self.world().0.wait(secs);
    }

    /// The newest blocks are replaced by others without their transactions.
    pub(crate) fn reorg(&self, depth: u64) {
        self.world().0.chain.reorg(depth).unwrap();
    }

    pub(crate) fn settle(&self, payee: Address, rows: alloy_primitives::Bytes) {
        let token = CONTRACTS.usdc;
        let call = IZ402Escrow::settleBatchCall { payee, token, rows };
        let sent = self.world().0.escrow(payee, &call);
        sent.expect("what the books say can be claimed is claimed");
    }

    /// Sends what a payer signed, as anybody may.
    fn open(&self, request: &OpenRequest) -> Result<OpenedLock, EscrowError> {
        let mut both = self.world();
        let (world, mood) = &mut *both;
        if *mood == Mood::LosesRequest {
            return Err(EscrowError::Unavailable("lost".into()));
        }
        let from = request.lock.payer;
        let used = IToken::authorizationStateCall {
            authorizer: from,
            nonce: request.nonce,
        };
        if !world.view(CONTRACTS.usdc, &used) {
            let call = IZ402Escrow::open3009Call {
                lock: on_chain(&request.lock),
                amount: U256::from(request.amount.get()),
                deadline: U40::from(request.deadline_unix_secs),
                validAfter: U256::from(request.valid_after),
                validBefore: U256::from(request.valid_before),
                salt: request.salt,
                signature: request.signature.as_bytes().to_vec().into(),
            };
            world
                .escrow(from, &call)
                .map_err(|refusal| EscrowError::NeverSent(format!("{refusal:?}")))?;
        }
        if *mood == Mood::LosesAnswer {
            return Err(EscrowError::Unavailable("no answer".into()));
        }
        // A wallet believes an opening when it is final.
        world.chain.mine(FINAL_DEPTH).unwrap();
        Ok(OpenedLock { transaction: None })
    }

    fn release(&self, lock: &Lock) -> Result<ReleasedLock, EscrowError> {
        let mut both = self.world();
        let (world, mood) = &mut *both;
        if *mood == Mood::LosesRequest {
            return Err(EscrowError::Unavailable("lost".into()));
        }
        let call = IZ402Escrow::releaseCall {
            lock: on_chain(lock),
        };
        world
            .escrow(lock.payer, &call)
            .map_err(|refusal| EscrowError::NeverSent(format!("{refusal:?}")))?;
        if *mood == Mood::LosesAnswer {
            return Err(EscrowError::Unavailable("no answer".into()));
        }
        world.chain.mine(FINAL_DEPTH).unwrap();
        Ok(ReleasedLock { transaction: None })
    }
}

impl EscrowPort for Net {
    fn open(&self, request: OpenRequest) -> BoxFuture<'_, Result<OpenedLock, EscrowError>> {
        Box::pin(async move { Self::open(self, &request) })
    }

    fn state_of(&self, id: ChannelId) -> BoxFuture<'_, Result<LockState, EscrowError>> {
        Box::pin(async move { Ok(self.state(id, FINAL_DEPTH)) })
    }

    fn release(&self, lock: Lock) -> BoxFuture<'_, Result<ReleasedLock, EscrowError>> {
        Box::pin(async move { Self::release(self, &lock) })
    }
}
