// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ISignatureTransfer} from "./ISignatureTransfer.sol";
import {X402Permit2Proxy} from "./X402Permit2Proxy.sol";

/// @title A stand-in for the Permit2 proxy of the x402 scheme `upto`
/// @notice TEST ONLY, UNAUDITED. Pays what the named facilitator says, up to the amount that was signed, once.
contract X402UptoPermit2Proxy is X402Permit2Proxy {
    /// @notice What the payer binds the payment to.
    /// @param to Who is paid.
    /// @param facilitator Who alone may say how much.
    /// @param validAfter Unix seconds before which it must not be paid.
    struct Witness {
        address to;
        address facilitator;
        uint256 validAfter;
    }

    /// @notice The witness in the words that Permit2 completes its type with.
    string public constant WITNESS_TYPE_STRING =
        "Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,address facilitator,uint256 validAfter)";
    /// @notice The hash of the witness's type.
    bytes32 public constant WITNESS_TYPEHASH = keccak256("Witness(address to,address facilitator,uint256 validAfter)");

    /// @notice The caller is not the facilitator that the payer named.
    error UnauthorizedFacilitator();
    /// @notice More was asked for than signed.
    error AmountExceedsPermitted();

    /// @notice Pays. For the facilitator that the payer named.
    function settle(
        ISignatureTransfer.PermitTransferFrom calldata permit,
        uint256 amount,
        address owner,
        Witness calldata witness,
        bytes calldata signature
    ) external nonReentrant {
        _requireAllowed(permit, amount, witness);
        _settle(permit, amount, owner, witness, signature);
        emit Settled();
    }

    /// @notice Approves Permit2 by the payer's permit, if that is still needed, and pays.
    function settleWithPermit(
        EIP2612Permit calldata permit2612,
        ISignatureTransfer.PermitTransferFrom calldata permit,
        uint256 amount,
        address owner,
        Witness calldata witness,
        bytes calldata signature
    ) external nonReentrant {
        _requireAllowed(permit, amount, witness);
        _approvePermit2(permit2612, permit.permitted, owner);
        _settle(permit, amount, owner, witness, signature);
        emit SettledWithPermit();
    }

    function _requireAllowed(
        ISignatureTransfer.PermitTransferFrom calldata permit,
        uint256 amount,
        Witness calldata witness
    ) private view {
        if (amount > permit.permitted.amount) revert AmountExceedsPermitted();
        if (msg.sender != witness.facilitator) revert UnauthorizedFacilitator();
    }

    function _settle(
        ISignatureTransfer.PermitTransferFrom calldata permit,
        uint256 amount,
        address owner,
        Witness calldata witness,
        bytes calldata signature
    ) private {
        bytes32 hash = keccak256(abi.encode(WITNESS_TYPEHASH, witness));
        _pay(permit, amount, owner, witness.to, witness.validAfter, hash, WITNESS_TYPE_STRING, signature);
    }
}
