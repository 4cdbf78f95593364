// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Canonical} from "./Canonical.sol";
import {DepositCollector} from "./DepositCollector.sol";
import {Eip2612} from "./Eip2612.sol";
import {ISignatureTransfer} from "./ISignatureTransfer.sol";

/// @title A stand-in for the collector of deposits by Permit2
/// @notice TEST ONLY. The payer signs a Permit2 transfer whose spender is this contract and whose witness names the
/// channel.
contract Permit2DepositCollector is DepositCollector, Eip2612 {
    /// @notice The witness in the words that Permit2 completes its type with.
    string public constant DEPOSIT_WITNESS_TYPE_STRING =
        "DepositWitness witness)DepositWitness(bytes32 channelId)TokenPermissions(address token,uint256 amount)";
    /// @notice The hash of the witness's type.
    bytes32 public constant DEPOSIT_WITNESS_TYPEHASH = keccak256("DepositWitness(bytes32 channelId)");

    /// @notice Permit2.
    function PERMIT2() external pure returns (address) {
        return Canonical.PERMIT2;
    }

    /// @inheritdoc DepositCollector
    /// @param collectorData `abi.encode(uint256 nonce, uint256 deadline, bytes signature, bytes permit)`, where `permit`
    /// is empty or `abi.encode(uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)` of EIP-2612.
    function collect(address payer, address token, uint256 amount, bytes32 channelId, bytes calldata collectorData)
        external
        override
        onlyBatchSettlement
    {
        (uint256 nonce, uint256 deadline, bytes memory signature, bytes memory permit) =
            abi.decode(collectorData, (uint256, uint256, bytes, bytes));
        if (permit.length != 0) _approvePermit2(payer, token, amount, permit);
        ISignatureTransfer(Canonical.PERMIT2).permitWitnessTransferFrom(
            ISignatureTransfer.PermitTransferFrom(ISignatureTransfer.TokenPermissions(token, amount), nonce, deadline),
            ISignatureTransfer.SignatureTransferDetails(Canonical.BATCH_SETTLEMENT, amount),
            payer,
            keccak256(abi.encode(DEPOSIT_WITNESS_TYPEHASH, channelId)),
            DEPOSIT_WITNESS_TYPE_STRING,
            signature
        );
    }

    function _approvePermit2(address payer, address token, uint256 amount, bytes memory permit) private {
        (uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) =
            abi.decode(permit, (uint256, uint256, uint8, bytes32, bytes32));
        if (value != amount) revert Permit2612AmountMismatch();
        _tryPermit(token, payer, value, deadline, v, r, s);
    }
}
