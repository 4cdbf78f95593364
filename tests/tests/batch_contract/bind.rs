//! The contracts as Rust sees them.

#![allow(missing_docs, reason = "generated; the Solidity documents itself")]
#![allow(
    clippy::too_many_arguments,
    reason = "the signatures are the contracts'"
)]

alloy_sol_types::sol! {
    #![sol(all_derives)]
    "../contracts/src/x402/IX402BatchSettlement.sol"
}

alloy_sol_types::sol! {
    #![sol(all_derives)]
    "../contracts/src/x402/ISignatureTransfer.sol"
}

alloy_sol_types::sol! {
    #![sol(all_derives)]

    interface ICollector {
        error OnlyX402BatchSettlement();
        error Permit2612AmountMismatch();
        event EIP2612PermitFailedWithReason(address indexed token, address indexed owner, string reason);
        function collect(address payer, address token, uint256 amount, bytes32 channelId, bytes collectorData) external;
        function x402BatchSettlement() external pure returns (address);
        function PERMIT2() external pure returns (address);
    }

    struct Permissions { address token; uint256 amount; }
    struct Permit { Permissions permitted; uint256 nonce; uint256 deadline; }
    struct Exact { address to; uint256 validAfter; }
    struct Upto { address to; address facilitator; uint256 validAfter; }
    struct TokenPermit { uint256 value; uint256 deadline; bytes32 r; bytes32 s; uint8 v; }

    interface IExactProxy {
        error InvalidDestination();
        error PaymentTooEarly();
        error InvalidAmount();
        event SettledWithPermit();
        function settle(Permit permit, address owner, Exact witness, bytes signature) external;
        function settleWithPermit(TokenPermit permit2612, Permit permit, address owner, Exact witness, bytes signature) external;
    }

    interface IUptoProxy {
        error UnauthorizedFacilitator();
        error AmountExceedsPermitted();
        function settle(Permit permit, uint256 amount, address owner, Upto witness, bytes signature) external;
    }

    interface IMulticall3 {
        struct Call { address target; bytes callData; }
        struct Call3 { address target; bool allowFailure; bytes callData; }
        struct Result { bool success; bytes returnData; }
        function tryAggregate(bool requireSuccess, Call[] calls) external payable returns (Result[] results);
        function aggregate3(Call3[] calls) external payable returns (Result[] results);
    }
}
