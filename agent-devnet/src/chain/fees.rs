//! What gas costs.

use super::{Chain, ChainError, block::Block};
use crate::limits;
use alloy_consensus::Transaction as _;
use alloy_eips::{BlockNumberOrTag, eip1559::BaseFeeParams};
use alloy_rpc_types_eth::FeeHistory;

/// The tip that is suggested, in wei: as low as on a quiet layer-two chain.
const SUGGESTED_TIP: u64 = 1_000_000;

impl Chain {
    /// The base fee of the block that would be mined now, in wei.
    #[must_use]
    pub fn next_base_fee(&self) -> u64 {
        next_base_fee(self.history.head())
    }

    /// The tip that gets a transaction mined. Any would: blocks take transactions as they arrive.
    #[must_use]
    pub fn suggested_tip(&self) -> u64 {
        SUGGESTED_TIP
    }

    /// Base fees, fullness and tips of past blocks. A count above the limit is cut, as the execution
    /// API has it, and so is one that reaches back further than what is kept.
    ///
    /// # Errors
    ///
    /// If the newest block is not known, or the percentiles are too many or not rising from 0 to 100.
    pub fn fee_history(
        &self,
        count: u64,
        newest: BlockNumberOrTag,
        percentiles: &[f64],
    ) -> Result<FeeHistory, ChainError> {
        let rising =
            percentiles.is_sorted() && percentiles.iter().all(|p| (0.0..=100.0).contains(p));
        if percentiles.len() > limits::MAX_FEE_HISTORY_PERCENTILES || !rising {
            return Err(ChainError::Limit {
                what: "rising reward percentiles",
                max: 100,
            });
        }
        let last = self.history.resolve(newest.into())?;
        let count = count.clamp(1, limits::MAX_FEE_HISTORY_BLOCKS);
        let first = last
            .number()
            .saturating_sub(count.saturating_sub(1))
            .max(self.history.oldest().number());
        let blocks: Vec<&Block> = self.history.range(first, last.number()).collect();
        let base_fees = blocks
            .iter()
            .map(|block| block.base_fee())
            .chain([next_base_fee(last)]);
        let reward = blocks
            .iter()
            .map(|block| percentiles.iter().map(|p| tip_at(block, *p)).collect());
        Ok(FeeHistory {
            base_fee_per_gas: base_fees.map(u128::from).collect(),
            gas_used_ratio: blocks.iter().map(|block| fullness(block)).collect(),
            base_fee_per_blob_gas: vec![1; blocks.len().saturating_add(1)],
            blob_gas_used_ratio: vec![0.0; blocks.len()],
            oldest_block: first,
            reward: (!percentiles.is_empty()).then(|| reward.collect()),
        })
    }
}

fn next_base_fee(block: &Block) -> u64 {
    block
        .header()
        .next_block_base_fee(BaseFeeParams::ethereum())
        .unwrap_or_default()
}

#[expect(
    clippy::float_arithmetic,
    reason = "the execution API states this ratio as a float"
)]
fn fullness(block: &Block) -> f64 {
    ratio_part(block.header().gas_used) / ratio_part(block.header().gas_limit.max(1))
}

/// The tip that the given percentage of the block's gas paid at most.
#[expect(
    clippy::float_arithmetic,
    reason = "the execution API states percentiles as floats"
)]
fn tip_at(block: &Block, percentile: f64) -> u128 {
    let mut tips: Vec<(u128, u64)> = block
        .mined
        .iter()
        .map(|mined| {
            let tip = mined
                .transaction
                .effective_tip_per_gas(block.base_fee())
                .unwrap_or_default();
            (tip, mined.gas_used)
        })
        .collect();
    tips.sort_unstable();
    let wanted = ratio_part(block.header().gas_used) * percentile / 100.0;
    let mut gas = 0_u64;
    for (tip, used) in &tips {
        gas = gas.saturating_add(*used);
        if ratio_part(gas) >= wanted {
            return *tip;
        }
    }
    tips.last().map_or(0, |(tip, _)| *tip)
}

/// Gas as a float, exact below 2^32, which is more than a block holds.
fn ratio_part(gas: u64) -> f64 {
    f64::from(u32::try_from(gas).unwrap_or(u32::MAX))
}
