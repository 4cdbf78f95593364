//! The other ways to write a signature.

use alloy_primitives::{U256, uint};

use crate::dice::Dice;

/// The order of secp256k1.
pub(crate) const ORDER: U256 =
    uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

fn word(signature: &[u8], at: usize) -> U256 {
    U256::from_be_slice(&signature[at..at + 32])
}

fn put(signature: &mut [u8], at: usize, value: U256) {
    signature[at..at + 32].copy_from_slice(&value.to_be_bytes::<32>());
}

/// The same signature with `n - s`, which plain ECDSA takes as well.
pub(crate) fn mirror_s(signature: &mut [u8]) {
    let s = word(signature, 32);
    put(signature, 32, ORDER.wrapping_sub(s));
}

/// Puts a value where checks are wrong by one: around zero, half the order, the order and the end.
pub(crate) fn edge(signature: &mut [u8], dice: &mut Dice) {
    let edges = [U256::ZERO, ORDER >> 1, ORDER, U256::MAX];
    let step = U256::from(dice.below(3));
    let value = edges[dice.below(4)]
        .wrapping_add(step)
        .wrapping_sub(U256::ONE);
    put(signature, 32 * dice.below(2), value);
}

/// Adds the order: the same number modulo it.
pub(crate) fn overflow_r(signature: &mut [u8]) {
    let r = word(signature, 0);
    put(signature, 0, r.wrapping_add(ORDER));
}
