//! What is in the genesis block: the contracts and the developers' money.

use crate::{
    accounts::DevAccount,
    artifacts::{Artifact, ArtifactError},
    chain::{Chain, ChainError},
};
use alloy_primitives::{Address, U256, address};
use alloy_sol_types::{SolCall, sol};

/// Where the contracts are.
///
/// Token and registries are at the addresses that they have on Base Sepolia, so a configuration
/// written for one works on the other. The code there is this project's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contracts {
    /// The test token.
    pub usdc: Address,
    /// The z402 escrow.
    pub escrow: Address,
    /// The EIP-8004 identity registry.
    pub identity: Address,
    /// The EIP-8004 reputation registry.
    pub reputation: Address,
}

/// The addresses on every development chain that has the contracts.
pub const CONTRACTS: Contracts = Contracts {
    usdc: address!("0x036CbD53842c5426634e7929541eC2318f3dCF7e"),
    escrow: address!("0x2402000000000000000000000000000000002402"),
    identity: address!("0x8004A818BFB912233c491871b3d84c89A494BD9e"),
    reputation: address!("0x8004B663056A597Dffe9eCcC1965A193B7388713"),
};

/// What each developer has in test tokens: a million, at six decimals.
pub const GENESIS_USDC: u64 = 1_000_000_000_000;

/// Why the genesis block could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenesisError {
    /// A compiled contract could not be read.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// A contract refused its setup.
    #[error("the genesis block: {0}")]
    Chain(#[from] ChainError),
}

sol! {
    interface IIdentitySetup { function initialize() external; }
    interface IReputationSetup { function initialize(address identityRegistry) external; }
    interface IMint { function mint(address to, uint256 value) external; }
}

/// Place the contracts and hand out tokens. This happens in the state only: no transaction and no log
/// tells of it.
pub(crate) fn place_contracts(
    chain: &mut Chain,
    accounts: &[DevAccount],
) -> Result<(), GenesisError> {
    let Contracts {
        usdc,
        escrow,
        identity,
        reputation,
    } = CONTRACTS;
    for (artifact, address) in [
        (Artifact::TestUsdc, usdc),
        (Artifact::Escrow, escrow),
        (Artifact::IdentityRegistry, identity),
        (Artifact::ReputationRegistry, reputation),
    ] {
        chain.set_code(address, artifact.runtime_code()?)?;
    }
    chain.genesis_call(identity, IIdentitySetup::initializeCall {}.abi_encode())?;
    let initialize = IReputationSetup::initializeCall {
        identityRegistry: identity,
    };
    chain.genesis_call(reputation, initialize.abi_encode())?;
    for account in accounts {
        let mint = IMint::mintCall {
            to: account.address,
            value: U256::from(GENESIS_USDC),
        };
        chain.genesis_call(usdc, mint.abi_encode())?;
    }
    Ok(())
}
