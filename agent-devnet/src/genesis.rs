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
    /// What the packages of x402 call.
    pub x402: X402Contracts,
}

/// Where the contracts of x402 and what they rest on are: the same on every chain, since peers sign
/// for these addresses. The code here is this project's own, with the same interface and behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct X402Contracts {
    /// Holds the channels of `batch-settlement`.
    pub batch_settlement: Address,
    /// Collects deposits by EIP-3009.
    pub erc3009_collector: Address,
    /// Collects deposits by Permit2.
    pub permit2_collector: Address,
    /// Permit2; here it has signature transfers only.
    pub permit2: Address,
    /// Settles `exact` by Permit2.
    pub exact_permit2_proxy: Address,
    /// Settles `upto`.
    pub upto_permit2_proxy: Address,
    /// Several reads in one; here it has `tryAggregate` and `aggregate3` only.
    pub multicall3: Address,
}

/// The addresses on every development chain that has the contracts.
pub const CONTRACTS: Contracts = Contracts {
    usdc: address!("0x036CbD53842c5426634e7929541eC2318f3dCF7e"),
    escrow: address!("0x2402000000000000000000000000000000002402"),
    identity: address!("0x8004A818BFB912233c491871b3d84c89A494BD9e"),
    reputation: address!("0x8004B663056A597Dffe9eCcC1965A193B7388713"),
    x402: X402Contracts {
        batch_settlement: address!("0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003"),
        erc3009_collector: address!("0x4020806089470a89826cB9fB1f4059150b550004"),
        permit2_collector: address!("0x4020425FAf3B746C082C2f942b4E5159887B0005"),
        permit2: address!("0x000000000022D473030F116dDEE9F6B43aC78BA3"),
        exact_permit2_proxy: address!("0x402085c248EeA27D92E8b30b2C58ed07f9E20001"),
        upto_permit2_proxy: address!("0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002"),
        multicall3: address!("0xcA11bde05977b3631167028862bE2a173976CA11"),
    },
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
        x402,
    } = CONTRACTS;
    for (artifact, address) in [
        (Artifact::TestUsdc, usdc),
        (Artifact::Escrow, escrow),
        (Artifact::IdentityRegistry, identity),
        (Artifact::ReputationRegistry, reputation),
        (Artifact::X402BatchSettlement, x402.batch_settlement),
        (Artifact::Erc3009DepositCollector, x402.erc3009_collector),
        (Artifact::Permit2DepositCollector, x402.permit2_collector),
        (Artifact::Permit2, x402.permit2),
        (Artifact::X402ExactPermit2Proxy, x402.exact_permit2_proxy),
        (Artifact::X402UptoPermit2Proxy, x402.upto_permit2_proxy),
        (Artifact::Multicall3, x402.multicall3),
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
