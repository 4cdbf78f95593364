//! Reading the chain.

use std::{fmt, sync::Arc, time::Duration};

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_network::{Ethereum, TransactionBuilder};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_provider::{Provider, RootProvider};
use alloy_rpc_client::RpcClient;
use alloy_rpc_types_eth::{Filter, Log, TransactionReceipt, TransactionRequest};
use alloy_sol_types::SolCall;
use tokio::sync::OnceCell;

use super::{
    ChainError,
    bindings::{IToken, IZ402Escrow},
    transport::EgressTransport,
};
use crate::{
    egress::{Egress, EgressPolicy, ExchangeLimits},
    limits,
};

/// Where a chain is reached and which one it must be.
#[derive(Clone)]
pub struct ChainConfig {
    /// The RPC's URL. `https`, or plain `http` on this machine or a private address. Treated as a
    /// secret, since providers put keys into it.
    pub rpc_url: String,
    /// The chain that the node must be on.
    pub chain_id: u64,
    /// Longest wait for one answer.
    pub wait: Duration,
}

impl ChainConfig {
    /// With the usual wait.
    #[must_use]
    pub fn new(rpc_url: impl Into<String>, chain_id: u64) -> Self {
        Self {
            rpc_url: rpc_url.into(),
            chain_id,
            wait: limits::RPC_WAIT,
        }
    }
}

/// Without the URL, which may carry a key.
impl fmt::Debug for ChainConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChainConfig")
            .field("chain_id", &self.chain_id)
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}

/// A block's place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Height.
    pub number: u64,
    /// Hash.
    pub hash: B256,
    /// Unix seconds, as the block's maker set it.
    pub timestamp: u64,
    /// Base fee in wei per gas.
    pub base_fee: u128,
}

/// Fees of an EIP-1559 transaction, in wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fees {
    /// The most that is paid, tip included.
    pub max_fee: u128,
    /// The most that goes to the block's maker.
    pub tip: u128,
}

/// One chain through one node. Cheap to clone; clones share connections.
///
/// Every call ends within the configured wait. Before the first answer is used the node's chain id
/// is compared with the configured one, also when the node was down at start-up.
#[derive(Clone)]
pub struct Chain {
    provider: RootProvider<Ethereum>,
    chain_id: u64,
    verified: Arc<OnceCell<()>>,
    /// A second node, asked about money.
    check: Option<Arc<Self>>,
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain")
            .field("chain_id", &self.chain_id)
            .finish_non_exhaustive()
    }
}

impl Chain {
    /// Connects and checks that the node is on the configured chain.
    ///
    /// # Errors
    ///
    /// [`ChainError::WrongChain`], [`ChainError::BadUrl`], or why the node does not answer.
    pub async fn connect(config: &ChainConfig) -> Result<Self, ChainError> {
        let chain = Self::lazy(config)?;
        chain.verify().await?;
        Ok(chain)
    }

    /// Prepares a connection without using it, for a program that must start while its node is
    /// down. The chain id is checked before the first answer is used.
    ///
    /// # Errors
    ///
    /// [`ChainError::BadUrl`].
    pub fn lazy(config: &ChainConfig) -> Result<Self, ChainError> {
        let policy = EgressPolicy::strict().allow_loopback().allow_private();
        let egress = Egress::new(policy).map_err(ChainError::BadUrl)?;
        let url = egress.vet(&config.rpc_url).map_err(ChainError::BadUrl)?;
        let limits = ExchangeLimits::default()
            .within(config.wait)
            .at_most(limits::RPC_BYTES_MAX);
        let transport = EgressTransport {
            egress,
            url: url.as_str().into(),
            limits,
        };
        let provider = RootProvider::new(RpcClient::new(transport, false));
        Ok(Self {
            provider,
            chain_id: config.chain_id,
            verified: Arc::default(),
            check: None,
        })
    }

    /// The same chain, of which calls, receipts and nonces are believed only when the node behind
    /// `other` says the same. It should be run by somebody else.
    #[must_use]
    pub fn checked_by(mut self, other: Self) -> Self {
        self.check = Some(Arc::new(other));
        self
    }

    /// The configured chain, which the node was found to be on.
    #[must_use]
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The latest block.
    ///
    /// # Errors
    ///
    /// [`ChainError`] if the node does not answer sensibly; so for every read below.
    pub async fn head(&self) -> Result<Head, ChainError> {
        let head = self.header(BlockNumberOrTag::Latest).await?;
        head.ok_or_else(|| ChainError::BadAnswer("no latest block".to_owned()))
    }

    /// The block at a height, or `None` if the chain is not that high.
    ///
    /// # Errors
    ///
    /// As [`head`](Self::head).
    pub async fn block(&self, number: u64) -> Result<Option<Head>, ChainError> {
        self.header(BlockNumberOrTag::Number(number)).await
    }

    async fn header(&self, tag: BlockNumberOrTag) -> Result<Option<Head>, ChainError> {
        let provider = self.verify().await?;
        let block = provider.get_block_by_number(tag).await?;
        Ok(block.map(|block| Head {
            number: block.header.number,
            hash: block.header.hash,
            timestamp: block.header.timestamp,
            base_fee: block.header.base_fee_per_gas.unwrap_or(0).into(),
        }))
    }

    /// Balance in the chain's own coin, in wei.
    ///
    /// # Errors
    ///
    /// As [`head`](Self::head).
    pub async fn native_balance(&self, owner: Address) -> Result<U256, ChainError> {
        Ok(self.verify().await?.get_balance(owner).await?)
    }

    /// Balance of a token, in its base units.
    ///
    /// # Errors
    ///
    /// As [`head`](Self::head).
    pub async fn token_balance(&self, token: Address, owner: Address) -> Result<U256, ChainError> {
        self.call(token, &IToken::balanceOfCall { owner }).await
    }

    /// What each lock holds, in the order of `ids`. An unknown lock reads as all zero.
    ///
    /// # Errors
    ///
    /// As [`head`](Self::head).
    pub async fn escrow_states(
        &self,
        escrow: Address,
        ids: &[B256],
    ) -> Result<Vec<IZ402Escrow::LockState>, ChainError> {
        let mut states = Vec::with_capacity(ids.len());
        for ids in ids.chunks(limits::LOCK_STATES_PER_CALL_MAX) {
            let part = self
                .call(escrow, &IZ402Escrow::statesOfCall { ids: ids.to_vec() })
                .await?;
            if part.len() != ids.len() {
                return Err(ChainError::BadAnswer("not one state per lock".to_owned()));
            }
            states.extend(part);
        }
        Ok(states)
    }

    /// Calls a view function at the latest block.
    ///
    /// # Errors
    ///
    /// [`ChainError::Reverted`] if the contract reverts, [`ChainError::BadAnswer`] if there is no
    /// such contract, otherwise as [`head`](Self::head).
    pub async fn call<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, ChainError> {
        let request = TransactionRequest::default()
            .with_to(to)
            .with_input(call.abi_encode());
        let answer = match &self.check {
            Some(other) => self.call_on_both(other, request).await?,
            None => {
                let latest = BlockNumberOrTag::Latest.into();
                self.simulate(request, latest).await?
            }
        };
        C::abi_decode_returns(&answer).map_err(|error| ChainError::BadAnswer(error.to_string()))
    }

    /// Runs a transaction without sending it, on top of a block, and gives what it returns.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub async fn simulate(
        &self,
        request: TransactionRequest,
        block: BlockId,
    ) -> Result<Bytes, ChainError> {
        Ok(self.verify().await?.call(request).block(block).await?)
    }

    /// Logs of the blocks `from..=to`, in order, asked for in windows that nodes accept; a window
    /// is halved when the node says it is too large.
    ///
    /// # Errors
    ///
    /// [`ChainError::TooManyLogs`], otherwise as [`head`](Self::head).
    pub async fn logs(&self, filter: &Filter, from: u64, to: u64) -> Result<Vec<Log>, ChainError> {
        let provider = self.verify().await?;
        let mut window = limits::LOG_WINDOW_BLOCKS_MAX;
        let mut logs = Vec::new();
        let mut next = from;
        while next <= to {
            let last = to.min(next.saturating_add(window.saturating_sub(1)));
            let part = filter.clone().from_block(next).to_block(last);
            match provider.get_logs(&part).await.map_err(ChainError::from) {
                Ok(part) => logs.extend(part),
                Err(ChainError::Refused { .. }) if last > next => {
                    window = (last - next).div_ceil(2);
                    continue;
                }
                Err(error) => return Err(error),
            }
            if logs.len() > limits::LOGS_MAX {
                return Err(ChainError::TooManyLogs {
                    max: limits::LOGS_MAX,
                });
            }
            let Some(after) = last.checked_add(1) else {
                break;
            };
            next = after;
        }
        Ok(logs)
    }

    /// The gas a transaction would need if it were next.
    ///
    /// # Errors
    ///
    /// [`ChainError::Reverted`] if it would revert, otherwise as [`head`](Self::head).
    pub async fn estimate_gas(&self, request: TransactionRequest) -> Result<u64, ChainError> {
        let pending = BlockId::from(BlockNumberOrTag::Pending);
        Ok(self
            .verify()
            .await?
            .estimate_gas(request)
            .block(pending)
            .await?)
    }

    /// The receipt of a mined transaction, or `None`. It can still be reorganised away.
    ///
    /// # Errors
    ///
    /// As [`head`](Self::head).
    pub async fn receipt(&self, hash: B256) -> Result<Option<TransactionReceipt>, ChainError> {
        let receipt = self.verify().await?.get_transaction_receipt(hash).await?;
        // A node that answers about another transaction has not answered.
        let receipt = receipt.filter(|receipt| receipt.transaction_hash == hash);
        match (receipt, &self.check) {
            (Some(receipt), Some(other)) => self.receipt_on_both(other, receipt).await,
            (receipt, _) => Ok(receipt),
        }
    }

    /// How many transactions of an account are mined, which is its next nonce.
    ///
    /// # Errors
    ///
    /// As [`head`](Self::head).
    pub async fn mined_nonce(&self, account: Address) -> Result<u64, ChainError> {
        let count = self.verify().await?.get_transaction_count(account);
        let ours = count.latest().await?;
        match &self.check {
            // The lower one: a nonce is used when both say so.
            Some(other) => Ok(ours.min(Box::pin(other.mined_nonce(account)).await?)),
            None => Ok(ours),
        }
    }

    /// Fees that get a transaction into one of the next blocks: the node's tip, and twice the base
    /// fee so that six full blocks in a row do not price it out.
    ///
    /// # Errors
    ///
    /// As [`head`](Self::head).
    pub async fn fees(&self) -> Result<Fees, ChainError> {
        let head = self.head().await?;
        let tip = match self.verify().await?.get_max_priority_fee_per_gas().await {
            Ok(tip) => tip,
            // A node without the method: any tip is better than none.
            Err(error) if error.is_error_resp() => 1,
            Err(error) => return Err(error.into()),
        };
        let max_fee = head.base_fee.saturating_mul(2).saturating_add(tip);
        Ok(Fees { max_fee, tip })
    }

    /// Broadcasts a signed transaction.
    ///
    /// # Errors
    ///
    /// [`ChainError::Refused`] with the node's reason. After [`ChainError::Unreachable`] the
    /// transaction may have been received.
    pub async fn send_raw(&self, raw: &[u8]) -> Result<B256, ChainError> {
        Ok(*self
            .verify()
            .await?
            .send_raw_transaction(raw)
            .await?
            .tx_hash())
    }

    /// The provider, once the node is known to be on the right chain. For calls that have no helper
    /// here. It has no fillers: it neither signs nor picks nonces, which is the outbox's work.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn verify(&self) -> Result<&RootProvider<Ethereum>, ChainError> {
        let check = async || {
            let found = self.provider.get_chain_id().await?;
            let expected = self.chain_id;
            if found == expected {
                Ok(())
            } else {
                Err(ChainError::WrongChain { expected, found })
            }
        };
        self.verified.get_or_try_init(check).await?;
        Ok(&self.provider)
    }
}
