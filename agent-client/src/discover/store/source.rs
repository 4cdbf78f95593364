//! Where events come from.

use std::future::Future;

use alloy_provider::Provider;
use alloy_rpc_types_eth::{Filter, Log};

use crate::chain::{Chain, ChainError, Head};

/// A node, as far as the indexer needs one.
///
/// # Contract
///
/// Answers are a stranger's: the indexer checks them. An implementation bounds each call in time
/// and size, and answers [`ChainError::Refused`] when fewer blocks might be answered: the window
/// is then halved at once. After [`ChainError::Unreachable`] and [`ChainError::BadAnswer`] it is
/// halved for the next look.
pub trait Source: Send + Sync {
    /// The latest block.
    fn head(&self) -> impl Future<Output = Result<Head, ChainError>> + Send;

    /// The block at a height, or `None` if the chain is not that high.
    fn block(&self, number: u64) -> impl Future<Output = Result<Option<Head>, ChainError>> + Send;

    /// The logs of the blocks `from..=to`, in one request.
    fn logs(
        &self,
        filter: &Filter,
        from: u64,
        to: u64,
    ) -> impl Future<Output = Result<Vec<Log>, ChainError>> + Send;
}

impl Source for Chain {
    async fn head(&self) -> Result<Head, ChainError> {
        Self::head(self).await
    }

    async fn block(&self, number: u64) -> Result<Option<Head>, ChainError> {
        Self::block(self, number).await
    }

    /// Not [`Chain::logs`], which picks windows of its own.
    async fn logs(&self, filter: &Filter, from: u64, to: u64) -> Result<Vec<Log>, ChainError> {
        let filter = filter.clone().from_block(from).to_block(to);
        Ok(self.verify().await?.get_logs(&filter).await?)
    }
}
