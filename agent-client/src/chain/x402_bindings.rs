//! The interfaces of the contracts that x402 uses, where every chain has them.
//!
//! That of the channels comes from the Solidity that the tests deploy; those of the proxies are
//! what the schemes `exact` and `upto` call of them.

#![allow(missing_docs, reason = "generated; the Solidity documents itself")]
#![allow(
    clippy::too_many_arguments,
    reason = "the signatures are the contracts'"
)]
#![allow(clippy::indexing_slicing, clippy::as_conversions, reason = "generated")]

use alloy_sol_types::sol;

sol! {
    #![sol(all_derives)]
    "../contracts/src/x402/IX402BatchSettlement.sol"
}

sol! {
    /// A token permission of Permit2, as its callers pass it.
    #[derive(Debug, Default, Hash, PartialEq, Eq)]
    struct TokenPermissions { address token; uint256 amount; }

    /// A permit of Permit2, without spender and witness.
    #[derive(Debug, Default, Hash, PartialEq, Eq)]
    struct PermitTransferFrom { TokenPermissions permitted; uint256 nonce; uint256 deadline; }

    /// Settles `exact` by Permit2. Anybody may call.
    #[sol(all_derives)]
    interface IX402ExactPermit2Proxy {
        struct Witness { address to; uint256 validAfter; }

        function settle(PermitTransferFrom permit, address owner, Witness witness, bytes signature) external;
    }

    /// Settles `upto`. The facilitator that the payer named may call.
    #[sol(all_derives)]
    interface IX402UptoPermit2Proxy {
        struct Witness { address to; address facilitator; uint256 validAfter; }

        function settle(PermitTransferFrom permit, uint256 amount, address owner, Witness witness, bytes signature) external;
    }

    /// What of Permit2 is read.
    #[sol(all_derives)]
    interface IPermit2 {
        function nonceBitmap(address owner, uint256 word) external view returns (uint256);
    }

    /// An account that answers for signatures (ERC-1271).
    #[sol(all_derives)]
    interface IAccount {
        function isValidSignature(bytes32 hash, bytes signature) external view returns (bytes4);
    }
}
