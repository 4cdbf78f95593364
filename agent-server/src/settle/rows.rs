//! A batch as the contracts read it.

use super::channels::on_chain;
use agent_client::chain::x402_bindings::IX402BatchSettlement as Contract;
use agent_core::ledger::Claim;
use alloy_primitives::Bytes;

/// Bytes of one row: payer 20, signer 20, salt 12, ceiling 16, claim 16, r 32, vs 32.
pub const ROW_BYTES: usize = 148;

/// The rows of these claims, in their order.
///
/// The signature is written in its EIP-2098 form. Payee and token are not in a row: they are the
/// same for a whole batch, and it is the caller's part to see to that. Claims on channels of another
/// contract have no row here.
#[must_use]
pub fn pack(claims: &[Claim]) -> Bytes {
    let mut rows = Vec::with_capacity(claims.len().saturating_mul(ROW_BYTES));
    for claim in claims {
        let Some(lock) = claim.funding.lock() else {
            continue;
        };
        rows.extend_from_slice(lock.payer.as_slice());
        rows.extend_from_slice(lock.signer.as_slice());
        rows.extend_from_slice(&lock.salt.0.to_be_bytes::<12>());
        rows.extend_from_slice(&claim.ceiling.get().to_be_bytes());
        rows.extend_from_slice(&claim.charged.get().to_be_bytes());
        rows.extend_from_slice(&claim.signature.to_compact());
    }
    rows.into()
}

/// The claims of these that are on channels of `batch-settlement`, as that contract takes them.
pub(super) fn voucher_claims(claims: &[Claim]) -> Vec<Contract::VoucherClaim> {
    let row = |claim: &Claim| {
        Some(Contract::VoucherClaim {
            voucher: Contract::Voucher {
                channel: on_chain(claim.funding.batch()?)?,
                maxClaimableAmount: claim.ceiling.get(),
            },
            signature: Bytes::copy_from_slice(claim.signature.as_bytes()),
            totalClaimed: claim.charged.get(),
        })
    };
    claims.iter().filter_map(row).collect()
}
