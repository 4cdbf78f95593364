//! The escrow port over a real chain: reads through [`Chain`], writes through the outbox.

use std::time::Duration;

use agent_core::{
    channel::LockState,
    ledger::BoxFuture,
    money::BaseUnits,
    voucher::{ChannelId, Lock},
};
use alloy_primitives::{Address, U256, aliases::U40};

use super::{
    attempts::{Sender, refusal},
    escrow::{EscrowError, EscrowPort, OpenRequest, OpenedLock, ReleasedLock},
};
use crate::chain::{
    Chain, ChainError,
    bindings::{IToken, IZ402Escrow},
    outbox::{TxOutbox, TxOutcome, TxRequest},
};

/// [`EscrowPort`] over a chain and the payer's transaction outbox.
///
/// Each opening is one purpose in the outbox, named by its nonce, and so at most one transaction.
/// One that reverts is still a success if the chain shows its authorisation as used: calldata is
/// public, and somebody else may have sent it first.
#[derive(Debug, Clone)]
pub struct ChainEscrow {
    chain: Chain,
    sender: Sender,
    contract: Address,
}

impl ChainEscrow {
    /// The escrow at `contract`; `outbox` must be of the payer's key, since only the payer may
    /// release. `wait` is how long a call waits for its receipt; the transaction goes on after it,
    /// and the same call again waits for the same transaction.
    #[must_use]
    pub const fn new(chain: Chain, outbox: TxOutbox, contract: Address, wait: Duration) -> Self {
        Self {
            chain,
            sender: Sender { outbox, wait },
            contract,
        }
    }

    async fn open_once(&self, request: OpenRequest) -> Result<OpenedLock, EscrowError> {
        let call = IZ402Escrow::open3009Call {
            lock: on_chain(request.lock),
            amount: U256::from(request.amount.get()),
            deadline: U40::try_from(request.deadline_unix_secs)
                .map_err(|_| EscrowError::NeverSent("the deadline is too far".to_owned()))?,
            validAfter: U256::from(request.valid_after),
            validBefore: U256::from(request.valid_before),
            salt: request.salt,
            signature: request.signature.as_bytes().to_vec().into(),
        };
        let purpose = format!("z402-open {}", request.nonce);
        match self
            .sender
            .carry_out(TxRequest::call(purpose, self.contract, &call))
            .await?
        {
            TxOutcome::Mined(mined) => Ok(OpenedLock {
                transaction: Some(mined.hash),
            }),
            failed => {
                let used = IToken::authorizationStateCall {
                    authorizer: request.lock.payer,
                    nonce: request.nonce,
                };
                if self
                    .chain
                    .call(request.lock.token, &used)
                    .await
                    .map_err(unavailable)?
                {
                    return Ok(OpenedLock { transaction: None });
                }
                Err(refusal(failed))
            }
        }
    }

    async fn release_once(&self, lock: Lock) -> Result<ReleasedLock, EscrowError> {
        if self.sender.outbox.address() != lock.payer {
            let why = "only the payer's own key can release a lock".to_owned();
            return Err(EscrowError::NeverSent(why));
        }
        let call = IZ402Escrow::releaseCall {
            lock: on_chain(lock),
        };
        let purpose = format!(
            "z402-release {} {:?} {}",
            lock.payee, lock.token, lock.salt.0
        );
        let transaction = self.sender.attempt(&purpose, self.contract, &call).await?;
        Ok(ReleasedLock { transaction })
    }

    async fn look(&self, id: ChannelId) -> Result<LockState, EscrowError> {
        let states = self
            .chain
            .escrow_states(self.contract, &[id.0])
            .await
            .map_err(unavailable)?;
        let state = states
            .first()
            .ok_or_else(|| EscrowError::Unavailable("no state for the lock".to_owned()))?;
        Ok(LockState {
            authorized: BaseUnits::new(state.authorized.to::<u128>()),
            claimed: BaseUnits::new(state.claimed.to::<u128>()),
            deadline_unix_secs: state.deadline.to::<u64>(),
        })
    }
}

impl EscrowPort for ChainEscrow {
    fn open(&self, request: OpenRequest) -> BoxFuture<'_, Result<OpenedLock, EscrowError>> {
        Box::pin(self.open_once(request))
    }

    fn state_of(&self, id: ChannelId) -> BoxFuture<'_, Result<LockState, EscrowError>> {
        Box::pin(self.look(id))
    }

    fn release(&self, lock: Lock) -> BoxFuture<'_, Result<ReleasedLock, EscrowError>> {
        Box::pin(self.release_once(lock))
    }
}

fn on_chain(lock: Lock) -> IZ402Escrow::Lock {
    IZ402Escrow::Lock {
        payer: lock.payer,
        signer: lock.signer,
        payee: lock.payee,
        token: lock.token,
        salt: lock.salt.0,
    }
}

fn unavailable(error: ChainError) -> EscrowError {
    EscrowError::Unavailable(error.to_string())
}
