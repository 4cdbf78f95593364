//! A second node, asked what the first one said about money.
//!
//! Both are asked about one and the same block, so that a difference is a lie or a fault and not a
//! matter of who is faster. A second node that does not answer, or does not have the block in time,
//! is an error: with one configured, the word of one node is never enough.

use alloy_eips::BlockId;
use alloy_primitives::Bytes;
use alloy_rpc_types_eth::{TransactionReceipt, TransactionRequest};
use tokio::time::{sleep, timeout};

use super::{Chain, ChainError, Head};
use crate::limits;

impl Chain {
    /// Runs a call on the newest block of `self`, and on the same block of `other`.
    pub(super) async fn call_on_both(
        &self,
        other: &Self,
        request: TransactionRequest,
    ) -> Result<Bytes, ChainError> {
        let head = self.head().await?;
        other.comes_to(head).await?;
        let block = BlockId::number(head.number);
        let (ours, theirs) = tokio::join!(
            self.simulate(request.clone(), block),
            other.simulate(request, block)
        );
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) if ours == theirs => Ok(ours),
            (Ok(_), Ok(_) | Err(ChainError::Reverted { .. })) => {
                Err(ChainError::Disagree("what a call returns"))
            }
            (Ok(_), Err(error)) | (Err(error), _) => Err(error),
        }
    }

    /// Waits until this node has the very block.
    async fn comes_to(&self, head: Head) -> Result<(), ChainError> {
        let came = async {
            loop {
                if let Some(block) = self.block(head.number).await?
                    && block.hash == head.hash
                {
                    return Ok(());
                }
                sleep(limits::RPC_CHECK_PAUSE).await;
            }
        };
        let came = timeout(limits::RPC_CHECK_WAIT, came).await;
        came.unwrap_or(Err(ChainError::Disagree("the newest block")))
    }

    /// The receipt, once `other` has the same in the same block; `None` until then.
    pub(super) async fn receipt_on_both(
        &self,
        other: &Self,
        ours: TransactionReceipt,
    ) -> Result<Option<TransactionReceipt>, ChainError> {
        let Some(theirs) = Box::pin(other.receipt(ours.transaction_hash)).await? else {
            return Ok(None);
        };
        let block = (ours.block_number, ours.block_hash);
        if block != (theirs.block_number, theirs.block_hash) {
            // One of them has not seen a reorganisation yet.
            return Ok(None);
        }
        let said = (ours.inner.status(), ours.inner.logs().len());
        if said != (theirs.inner.status(), theirs.inner.logs().len()) {
            return Err(ChainError::Disagree("whether a transaction succeeded"));
        }
        Ok(Some(ours))
    }
}
