//! Settlements of the escrow: which locks a transaction paid out, and for whom.

use agent_core::voucher::{ChannelId, EscrowDomain, Lock, Salt};
use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, B256, Uint};
use alloy_provider::Provider;
use alloy_rpc_types_eth::Filter;
use alloy_sol_types::{SolCall, SolEvent};

use super::limits;
use crate::chain::bindings::IZ402Escrow::{Settled, settleBatchCall};
use crate::chain::{Chain, ChainError};

/// Bytes of one row of `settleBatch`: payer 20, signer 20, salt 12, ceiling 16, claim 16,
/// signature 64.
const ROW_BYTES: usize = 148;

/// One row of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SettledRow {
    pub(crate) payer: Address,
    signer: Address,
    salt: Uint<96, 2>,
    pub(crate) ceiling: u128,
    pub(crate) claim: u128,
}

impl SettledRow {
    fn read(row: &[u8]) -> Option<Self> {
        let (payer, rest) = row.split_first_chunk::<20>()?;
        let (signer, rest) = rest.split_first_chunk::<20>()?;
        let (salt, rest) = rest.split_first_chunk::<12>()?;
        let (ceiling, rest) = rest.split_first_chunk::<16>()?;
        let (claim, _) = rest.split_first_chunk::<16>()?;
        Some(Self {
            payer: Address::from(*payer),
            signer: Address::from(*signer),
            salt: Uint::from_be_bytes::<12>(*salt),
            ceiling: u128::from_be_bytes(*ceiling),
            claim: u128::from_be_bytes(*claim),
        })
    }

    const fn lock(&self, call: &settleBatchCall) -> Lock {
        Lock {
            payer: self.payer,
            signer: self.signer,
            payee: call.payee,
            token: call.token,
            salt: Salt(self.salt),
        }
    }
}

/// The row of a settlement for one lock, the one that claims most if there are several.
pub(crate) fn row_of(
    call: &settleBatchCall,
    escrow: &EscrowDomain,
    payer: Address,
    channel: B256,
) -> Option<SettledRow> {
    call.rows
        .chunks_exact(ROW_BYTES)
        .filter_map(SettledRow::read)
        .filter(|row| row.payer == payer)
        .filter(|row| row.lock(call).id(escrow).0 == channel)
        .max_by_key(|row| row.claim)
}

/// The settlement in a transaction, if the transaction is a call of `settleBatch` of this escrow.
pub(crate) async fn settlement_in(
    chain: &Chain,
    escrow: &EscrowDomain,
    tx: B256,
) -> Result<Option<settleBatchCall>, ChainError> {
    let tx = chain.verify().await?.get_transaction_by_hash(tx).await?;
    Ok(tx
        .filter(|tx| tx.to() == Some(escrow.contract()))
        .and_then(|tx| settleBatchCall::abi_decode(tx.input()).ok()))
}

/// The newest transaction from block `from_block` on, and not longer ago than feedback may be given
/// for, that paid `payee` out of `payer`'s lock under
/// a voucher of at least `ceiling`.
pub(crate) async fn find_settlement(
    chain: &Chain,
    escrow: &EscrowDomain,
    (payer, payee): (Address, Address),
    channel: ChannelId,
    ceiling: u128,
    from_block: u64,
) -> Result<Option<B256>, ChainError> {
    let filter = Filter::new()
        .address(escrow.contract())
        .event_signature(Settled::SIGNATURE_HASH)
        .topic1(payee.into_word());
    let head = chain.head().await?.number;
    let from = from_block.max(head.saturating_sub(limits::SETTLEMENT_BLOCKS_MAX));
    let logs = chain.logs(&filter, from, head).await?;
    let mut newest: Vec<B256> = logs
        .iter()
        .rev()
        .filter_map(|log| log.transaction_hash)
        .collect();
    newest.dedup();
    for tx in newest.into_iter().take(limits::SETTLEMENTS_MAX) {
        let Some(call) = settlement_in(chain, escrow, tx).await? else {
            continue;
        };
        let row = row_of(&call, escrow, payer, channel.0);
        if row.is_some_and(|row| row.ceiling >= ceiling) {
            return Ok(Some(tx));
        }
    }
    Ok(None)
}
