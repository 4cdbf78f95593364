// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ISignatureTransfer} from "./ISignatureTransfer.sol";
import {X402Permit2Proxy} from "./X402Permit2Proxy.sol";

/// @title A stand-in for the Permit2 proxy of the x402 scheme `exact`
/// @notice TEST ONLY, UNAUDITED. Pays exactly the amount that was signed.
contract X402ExactPermit2Proxy is X402Permit2Proxy {
    /// @notice What the payer binds the payment to.
    /// @param to Who is paid.
    /// @param validAfter Unix seconds before which it must not be paid.
    struct Witness {
        address to;
        uint256 validAfter;
    }

    /// @notice The witness in the words that Permit2 completes its type with.
    string public constant WITNESS_TYPE_STRING =
        "Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,uint256 validAfter)";
    /// @notice The hash of the witness's type.
    bytes32 public constant WITNESS_TYPEHASH = keccak256("Witness(address to,uint256 validAfter)");

    /// @notice Pays. Anybody may call.
    function settle(
        ISignatureTransfer.PermitTransferFrom calldata permit,
        address owner,
        Witness calldata witness,
        bytes calldata signature
    ) external nonReentrant {
        _settle(permit, owner, witness, signature);
        emit Settled();
    }

    /// @notice Approves Permit2 by the payer's permit, if that is still needed, and pays.
    function settleWithPermit(
        EIP2612Permit calldata permit2612,
        ISignatureTransfer.PermitTransferFrom calldata permit,
        address owner,
        Witness calldata witness,
        bytes calldata signature
    ) external nonReentrant {
        _approvePermit2(permit2612, permit.permitted, owner);
        _settle(permit, owner, witness, signature);
        emit SettledWithPermit();
    }

    function _settle(
        ISignatureTransfer.PermitTransferFrom calldata permit,
        address owner,
        Witness calldata witness,
        bytes calldata signature
    ) private {
        bytes32 hash = keccak256(abi.encode(WITNESS_TYPEHASH, witness));
        uint256 amount = permit.permitted.amount;
        _pay(permit, amount, owner, witness.to, witness.validAfter, hash, WITNESS_TYPE_STRING, signature);
    }
}
