//! The compiled contracts of this project, to place or to deploy.

use alloy_primitives::Bytes;
use serde::Deserialize;

/// A compiled contract.
///
/// The development chain has these in its genesis block; on any other node those of
/// [`ALL`](Self::ALL) can be deployed with their [`init_code`](Self::init_code). The others, which
/// stand in for the contracts of x402, only mean something at the addresses that peers sign for
/// ([`X402Contracts`](crate::X402Contracts)). None of them takes constructor arguments. They are
/// unaudited.
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
    /// The channels of the x402 scheme `batch-settlement`.
    X402BatchSettlement,
    /// Collects their deposits by EIP-3009.
    Erc3009DepositCollector,
    /// Collects their deposits by Permit2.
    Permit2DepositCollector,
    /// The signature transfers of Permit2.
    Permit2,
    /// The Permit2 proxy of the x402 scheme `exact`.
    X402ExactPermit2Proxy,
    /// The Permit2 proxy of the x402 scheme `upto`.
    X402UptoPermit2Proxy,
    /// Several reads in one.
    Multicall3,
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
    /// Those that are good at any address, in an order in which they can be deployed.
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
            Self::X402BatchSettlement => {
                include_str!("../../contracts/artifacts/X402BatchSettlement.json")
            }
            Self::Erc3009DepositCollector => {
                include_str!("../../contracts/artifacts/ERC3009DepositCollector.json")
            }
            Self::Permit2DepositCollector => {
                include_str!("../../contracts/artifacts/Permit2DepositCollector.json")
            }
            Self::Permit2 => {
                include_str!("../../contracts/artifacts/Permit2SignatureTransfer.json")
            }
            Self::X402ExactPermit2Proxy => {
                include_str!("../../contracts/artifacts/X402ExactPermit2Proxy.json")
            }
            Self::X402UptoPermit2Proxy => {
                include_str!("../../contracts/artifacts/X402UptoPermit2Proxy.json")
            }
            Self::Multicall3 => include_str!("../../contracts/artifacts/Multicall3.json"),
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
