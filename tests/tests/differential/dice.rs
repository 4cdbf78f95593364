//! Choices that look random and are the same in every run.

use alloy_primitives::{B256, U256, keccak256};

/// A stream of pseudo-random numbers.
#[derive(Clone, Debug)]
pub(crate) struct Dice(B256);

impl Dice {
    pub(crate) fn new(seed: &str) -> Self {
        Self(keccak256(seed))
    }

    pub(crate) fn word(&mut self) -> B256 {
        self.0 = keccak256(self.0);
        self.0
    }

    /// Below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let word = U256::from_be_bytes(self.word().0) % U256::from(end);
        word.to()
    }

    pub(crate) fn amount(&mut self) -> u128 {
        u128::from_be_bytes(self.word()[..16].try_into().unwrap())
    }

    /// Changes one bit of the bytes.
    pub(crate) fn flip(&mut self, bytes: &mut [u8]) {
        let at = self.below(bytes.len());
        bytes[at] ^= 1 << self.below(8);
    }
}
