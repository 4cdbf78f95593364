//! The rows of `settleBatch`, packed as the escrow's documentation says.

use agent_client::chain::bindings::IZ402Escrow;
use agent_core::voucher::{EscrowDomain, Lock};
use alloy_primitives::{Address, aliases::U40};
use alloy_signer_local::PrivateKeySigner;

use crate::sign;

/// Bytes of one row.
pub const ROW_BYTES: usize = 148;

/// `payer 20 | signer 20 | salt 12 | ceiling 16 | claim 16 | r 32 | vs 32`.
#[must_use]
pub fn pack(lock: &Lock, ceiling: u128, claim: u128, signature: [u8; 64]) -> [u8; ROW_BYTES] {
    let salt: [u8; 12] = lock.salt.0.to_be_bytes();
    let parts: [&[u8]; 6] = [
        lock.payer.as_slice(),
        lock.signer.as_slice(),
        &salt,
        &ceiling.to_be_bytes(),
        &claim.to_be_bytes(),
        &signature,
    ];
    parts.concat().try_into().unwrap()
}

/// A row with its voucher signed by `key`.
#[must_use]
pub fn signed(
    key: &PrivateKeySigner,
    domain: &EscrowDomain,
    lock: &Lock,
    ceiling: u128,
    claim: u128,
) -> [u8; ROW_BYTES] {
    let signature = sign::voucher(key, domain, lock, ceiling);
    pack(lock, ceiling, claim, signature.to_compact())
}

/// The call that settles these rows.
#[must_use]
pub fn settle(
    payee: Address,
    token: Address,
    rows: &[[u8; ROW_BYTES]],
) -> IZ402Escrow::settleBatchCall {
    IZ402Escrow::settleBatchCall {
        payee,
        token,
        rows: rows.concat().into(),
    }
}

/// The call that opens these locks from their payer's vault, so much in each. They share token and
/// signer. `payee 20 | salt 12 | amount 16`.
#[must_use]
pub fn open(locks: &[(Lock, u128)], deadline: u64) -> IZ402Escrow::authorizeRowsCall {
    let pack = |(lock, amount): &(Lock, u128)| {
        let salt: [u8; 12] = lock.salt.0.to_be_bytes();
        let parts: [&[u8]; 3] = [lock.payee.as_slice(), &salt, &amount.to_be_bytes()];
        parts.concat()
    };
    let first = locks.first().map(|(lock, _)| *lock);
    IZ402Escrow::authorizeRowsCall {
        token: first.map_or(Address::ZERO, |lock| lock.token),
        signer: first.map_or(Address::ZERO, |lock| lock.signer),
        deadline: U40::from(deadline),
        rows: locks.iter().flat_map(pack).collect::<Vec<_>>().into(),
    }
}
