//! Fees, nonces and signatures of one transaction.

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_eips::eip2718::Encodable2718;
use alloy_network::TransactionBuilder;
use alloy_primitives::{Address, B256, Bytes, TxKind};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;

use super::{OutboxError, TxRequest};
use crate::chain::Fees;

/// A signed transaction, ready to be stored and then sent.
#[derive(Clone, Debug)]
pub(super) struct SignedTx {
    pub(super) hash: B256,
    pub(super) raw: Bytes,
    pub(super) nonce: u64,
    pub(super) gas_limit: u64,
    pub(super) fees: Fees,
}

/// Signs an EIP-1559 transaction.
pub(super) fn sign(
    signer: &PrivateKeySigner,
    chain_id: u64,
    request: &TxRequest,
    nonce: u64,
    gas_limit: u64,
    fees: Fees,
) -> Result<SignedTx, OutboxError> {
    let tx = TxEip1559 {
        chain_id,
        nonce,
        gas_limit,
        max_fee_per_gas: fees.max_fee,
        max_priority_fee_per_gas: fees.tip,
        to: TxKind::Call(request.to),
        value: request.value,
        access_list: Default::default(),
        input: request.data.clone(),
    };
    let signature = signer
        .sign_hash_sync(&tx.signature_hash())
        .map_err(|error| OutboxError::Sign(error.to_string()))?;
    let signed = tx.into_signed(signature);
    let raw = signed.encoded_2718().into();
    Ok(SignedTx {
        hash: *signed.hash(),
        raw,
        nonce,
        gas_limit,
        fees,
    })
}

/// The transaction as a node estimates or simulates it.
pub(super) fn unsigned(from: Address, request: &TxRequest) -> TransactionRequest {
    TransactionRequest::default()
        .with_from(from)
        .with_to(request.to)
        .with_value(request.value)
        .with_input(request.data.clone())
}

/// A fifth more than estimated: state moves between the estimate and the block.
pub(super) const fn with_margin(gas: u64) -> u64 {
    gas.saturating_add(gas / 5)
}

/// The fees as far as the cap allows, or `None` if the cap lies below the current base fee, so that
/// signing now would only wait in the pool.
pub(super) fn capped(fees: Fees, cap: u128) -> Option<Fees> {
    // `max_fee` is twice the base fee and the tip.
    let base_fee = fees.max_fee.saturating_sub(fees.tip) / 2;
    let max_fee = fees.max_fee.min(cap);
    (base_fee < cap).then(|| Fees {
        max_fee,
        tip: fees.tip.min(max_fee),
    })
}

/// Fees for a replacement: what is asked now, but at least an eighth more than before in both
/// parts, since nodes refuse a smaller step. `None` if the cap leaves no room for that.
pub(super) fn bumped(last: Fees, now: Fees, cap: u128) -> Option<Fees> {
    let step = |fee: u128| fee.saturating_add((fee / 8).saturating_add(1));
    let tip = step(last.tip).max(now.tip);
    let max_fee = step(last.max_fee).max(now.max_fee).max(tip);
    let fees = Fees {
        max_fee: max_fee.min(cap),
        tip: tip.min(cap),
    };
    (fees.max_fee >= step(last.max_fee) && fees.tip >= step(last.tip)).then_some(fees)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_is_an_eighth_dearer_or_not_made() {
        let last = Fees {
            max_fee: 80,
            tip: 8,
        };
        let cheap = Fees {
            max_fee: 10,
            tip: 1,
        };
        assert_eq!(
            bumped(last, cheap, 1_000),
            Some(Fees {
                max_fee: 91,
                tip: 10
            })
        );
        let dear = Fees {
            max_fee: 500,
            tip: 50,
        };
        assert_eq!(bumped(last, dear, 1_000), Some(dear));
        assert_eq!(
            bumped(last, dear, 200),
            Some(Fees {
                max_fee: 200,
                tip: 50
            })
        );
        assert_eq!(bumped(last, dear, 90), None);
    }

    #[test]
    fn nothing_is_signed_below_the_base_fee() {
        let fees = Fees {
            max_fee: 210,
            tip: 10,
        };
        assert_eq!(capped(fees, 1_000), Some(fees));
        assert_eq!(
            capped(fees, 150),
            Some(Fees {
                max_fee: 150,
                tip: 10
            })
        );
        assert_eq!(capped(fees, 100), None);
    }
}
