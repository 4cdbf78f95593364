//! The compiled contracts of this project, to place or to deploy.

use alloy_primitives::Bytes;
use serde::Deserialize;

/// A compiled contract.
///
/// The development chain has these in its genesis block; on any other node they can be deployed with
/// their [`init_code`](Self::init_code). None of them takes constructor arguments. They are unaudited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Artifact {
    /// A token with six decimals and EIP-3009 that anybody may mint.
    TestUsdc,
    /// The z402 escrow.
    Escrow,
    /// The EIP-8004 identity registry. Anybody may call its `initialize()`, which does nothing.
    IdentityRegistry,
    /// The EIP-8004 reputation registry. It needs one `initialize(identityRegistry)`.
    ReputationRegistry,
}

/// Why a compiled contract could not be read: the file that was built into this crate is damaged.
#[derive(Debug, thiserror::Error)]
#[error("the artifact of {artifact:?} is damaged: {source}")]
pub struct ArtifactError {
    artifact: Artifact,
    source: serde_json::Error,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Compiled {
    bytecode: Bytes,
    deployed_bytecode: Bytes,
}

impl Artifact {
    /// Every artifact, in an order in which they can be deployed.
    pub const ALL: [Self; 4] = [
        Self::TestUsdc,
        Self::IdentityRegistry,
        Self::ReputationRegistry,
        Self::Escrow,
    ];

    /// The artifact's file: ABI and code as JSON.
    #[must_use]
    pub const fn json(self) -> &'static str {
        match self {
            Self::TestUsdc => include_str!("../../contracts/artifacts/TestUSDC.json"),
            Self::Escrow => include_str!("../../contracts/artifacts/Z402Escrow.json"),
            Self::IdentityRegistry => {
                include_str!("../../contracts/artifacts/IdentityRegistry.json")
            }
            Self::ReputationRegistry => {
                include_str!("../../contracts/artifacts/ReputationRegistry.json")
            }
        }
    }

    /// The code that a creation transaction carries.
    ///
    /// # Errors
    ///
    /// If the file that was built into this crate is damaged.
    pub fn init_code(self) -> Result<Bytes, ArtifactError> {
        self.compiled().map(|compiled| compiled.bytecode)
    }

    /// The code that lives at the contract's address afterwards.
    ///
    /// # Errors
    ///
    /// If the file that was built into this crate is damaged.
    pub fn runtime_code(self) -> Result<Bytes, ArtifactError> {
        self.compiled().map(|compiled| compiled.deployed_bytecode)
    }

    fn compiled(self) -> Result<Compiled, ArtifactError> {
        serde_json::from_str(self.json()).map_err(|source| ArtifactError {
            artifact: self,
            source,
        })
    }
}
