// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Canonical} from "./Canonical.sol";
import {Eip2612} from "./Eip2612.sol";
import {ISignatureTransfer} from "./ISignatureTransfer.sol";

/// @title What the proxies of the schemes `exact` and `upto` share
/// @notice A proxy is the spender in a payer's Permit2 signature. The witness says whom it may pay, so whoever submits
/// the payment cannot turn it elsewhere.
abstract contract X402Permit2Proxy is Eip2612 {
    /// @notice An EIP-2612 permit that approves Permit2.
    struct EIP2612Permit {
        uint256 value;
        uint256 deadline;
        bytes32 r;
        bytes32 s;
        uint8 v;
    }

    /// @notice A payment was made.
    event Settled();
    /// @notice A payment was made, and a permit tried before it.
    event SettledWithPermit();

    /// @notice A payment to nobody.
    error InvalidDestination();
    /// @notice A payment before its time.
    error PaymentTooEarly();
    /// @notice A payment of nobody.
    error InvalidOwner();
    /// @notice A payment of nothing.
    error InvalidAmount();
    /// @notice The token called back.
    error ReentrancyGuardReentrantCall();

    bool private transient _entered;

    modifier nonReentrant() {
        if (_entered) revert ReentrancyGuardReentrantCall();
        _entered = true;
        _;
        _entered = false;
    }

    /// @notice Permit2.
    function PERMIT2() external pure returns (address) {
        return Canonical.PERMIT2;
    }

    function _pay(
        ISignatureTransfer.PermitTransferFrom calldata permit,
        uint256 amount,
        address owner,
        address to,
        uint256 validAfter,
        bytes32 witness,
        string memory witnessTypeString,
        bytes calldata signature
    ) internal {
        if (amount == 0) revert InvalidAmount();
        if (owner == address(0)) revert InvalidOwner();
        if (to == address(0)) revert InvalidDestination();
        if (block.timestamp < validAfter) revert PaymentTooEarly();
        ISignatureTransfer(Canonical.PERMIT2).permitWitnessTransferFrom(
            permit,
            ISignatureTransfer.SignatureTransferDetails(to, amount),
            owner,
            witness,
            witnessTypeString,
            signature
        );
    }

    function _approvePermit2(
        EIP2612Permit calldata permit2612,
        ISignatureTransfer.TokenPermissions calldata permitted,
        address owner
    ) internal {
        if (permit2612.value != permitted.amount) revert Permit2612AmountMismatch();
        _tryPermit(
            permitted.token, owner, permit2612.value, permit2612.deadline, permit2612.v, permit2612.r, permit2612.s
        );
    }
}
