//! After sending: receipts, replacements, and nonces that went to somebody else.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_rpc_types_eth::TransactionReceipt;

use super::{
    Mined, TxOutcome,
    fees::{self},
    rows::{self, Flying},
    worker::{Trouble, Worker},
};
use crate::{
    chain::{ChainError, Head},
    limits,
};

impl Worker {
    /// Looks at everything in flight.
    pub(super) async fn settle(&mut self) -> Result<(), Trouble> {
        let flying = self.read(rows::flying).await?;
        if flying.is_empty() {
            self.missing.clear();
            return Ok(());
        }
        // The head is read first: a receipt can only look younger than it is, never older.
        let head = self.chain.head().await?;
        let mined_nonce = self.chain.mined_nonce(self.address).await?;
        for row in flying {
            if row.nonce < mined_nonce {
                self.settle_used(&row, head).await?;
            } else {
                self.missing.remove(&row.id);
                self.push(&row, row.nonce == mined_nonce).await?;
            }
        }
        Ok(())
    }

    /// The row's nonce is used on the chain: by one of ours, or by a stranger's transaction.
    async fn settle_used(&mut self, row: &Flying, head: Head) -> Result<(), Trouble> {
        for attempt in row.attempts.iter().rev() {
            if let Some(receipt) = self.chain.receipt(attempt.hash).await? {
                self.missing.remove(&row.id);
                return self.settle_mined(row, &receipt, head).await;
            }
        }
        let (seen, since) = *self
            .missing
            .entry(row.id)
            .and_modify(|(seen, _)| *seen += 1)
            .or_insert((1, head.number));
        let deep = head.number.saturating_sub(since) >= self.config.confirmations.saturating_sub(1);
        if seen < limits::NONCE_TAKEN_SIGHTINGS || !deep {
            return Ok(());
        }
        tracing::error!(id = %row.id, nonce = row.nonce, "somebody else used the outbox's nonce");
        self.missing.remove(&row.id);
        let reason = format!(
            "nonce {} was used by a transaction that is not ours",
            row.nonce
        );
        self.finish(
            row.id,
            TxOutcome::Failed {
                code: "outbox.nonce_taken".to_owned(),
                reason,
            },
        )
        .await
    }

    async fn settle_mined(
        &self,
        row: &Flying,
        receipt: &TransactionReceipt,
        head: Head,
    ) -> Result<(), Trouble> {
        let (Some(block_number), Some(block_hash)) = (receipt.block_number, receipt.block_hash)
        else {
            return Ok(());
        };
        let depth = head.number.saturating_add(1).saturating_sub(block_number);
        if depth < self.config.confirmations {
            return Ok(());
        }
        // A receipt from a block that is not in the chain says nothing.
        let there = self.chain.block(block_number).await?;
        if there.is_none_or(|block| block.hash != block_hash) {
            return Ok(());
        }
        let mined = Mined {
            hash: receipt.transaction_hash,
            block_number,
            block_hash,
            gas_used: receipt.gas_used,
            effective_gas_price: receipt.effective_gas_price,
        };
        let outcome = if receipt.inner.status() {
            TxOutcome::Mined(mined)
        } else {
            self.why_reverted(row, mined).await
        };
        self.finish(row.id, outcome).await
    }

    /// Runs the call again on the block before, where most reverts show their reason once more.
    async fn why_reverted(&self, row: &Flying, mined: Mined) -> TxOutcome {
        let call = fees::unsigned(self.address, &row.request);
        let before = BlockNumberOrTag::Number(mined.block_number.saturating_sub(1));
        match self.chain.simulate(call, BlockId::from(before)).await {
            Err(ChainError::Reverted { reason, data }) => TxOutcome::Reverted {
                mined,
                reason,
                data,
            },
            Ok(_) | Err(_) => {
                let reason = "the reason could not be found out".to_owned();
                TxOutcome::Reverted {
                    mined,
                    reason,
                    data: Default::default(),
                }
            }
        }
    }

    /// An unmined row: a higher fee if it is next in line and has waited long enough, otherwise
    /// the same bytes again from time to time.
    async fn push(&self, row: &Flying, next_in_line: bool) -> Result<(), Trouble> {
        let Some(newest) = row.attempts.last() else {
            return Ok(());
        };
        let now_ms = self.clock.now_unix_millis();
        let waited = |since_ms: u64, long: std::time::Duration| {
            u128::from(now_ms.saturating_sub(since_ms)) >= long.as_millis()
        };
        if next_in_line
            && waited(newest.signed_ms, self.config.replace_after)
            && row.attempts.len() < limits::OUTBOX_ATTEMPTS_MAX
            && self.replace(row).await?
        {
            return Ok(());
        }
        match newest.sent_ms {
            Some(sent_ms) if !waited(sent_ms, self.config.rebroadcast_after) => Ok(()),
            _ => self.send(row).await,
        }
    }

    /// Signs the row again with a higher fee, stores that, sends it. False if the cap is reached.
    async fn replace(&self, row: &Flying) -> Result<bool, Trouble> {
        let Some(newest) = row.attempts.last() else {
            return Ok(false);
        };
        let suggested = self.chain.fees().await?;
        let bounds = row.request.bounds;
        let cap = bounds.fee_cap(self.config.max_fee_cap, row.gas_limit);
        let Some(fees) = fees::bumped(newest.fees, suggested, cap) else {
            self.note(row.id, &Trouble::FeeCap).await?;
            return Ok(false);
        };
        let chain_id = self.chain.chain_id();
        let tx = fees::sign(
            &self.signer,
            chain_id,
            &row.request,
            row.nonce,
            row.gas_limit,
            fees,
        )?;
        tracing::info!(id = %row.id, nonce = row.nonce, hash = %tx.hash, "replaced");
        let mut row = row.clone();
        row.attempts.push(rows::Attempt {
            hash: tx.hash,
            raw: tx.raw.clone(),
            fees,
            signed_ms: self.clock.now_unix_millis(),
            sent_ms: None,
        });
        self.store_signed(row.id, tx).await?;
        self.send(&row).await?;
        Ok(true)
    }
}
