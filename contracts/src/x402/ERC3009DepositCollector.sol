// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Canonical} from "./Canonical.sol";
import {DepositCollector} from "./DepositCollector.sol";
import {Tokens} from "./Tokens.sol";

/// @dev What this contract needs of a token with EIP-3009.
interface IReceiveWithAuthorization {
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;
}

/// @title A stand-in for the collector of deposits by EIP-3009
/// @notice TEST ONLY. The payer signs `ReceiveWithAuthorization` to this contract; the nonce is
/// `keccak256(abi.encode(channelId, salt))`, so the signature is good for one channel only.
contract ERC3009DepositCollector is DepositCollector {
    /// @inheritdoc DepositCollector
    /// @param collectorData `abi.encode(uint256 validAfter, uint256 validBefore, uint256 salt, bytes signature)`
    function collect(address payer, address token, uint256 amount, bytes32 channelId, bytes calldata collectorData)
        external
        override
        onlyBatchSettlement
    {
        (uint256 validAfter, uint256 validBefore, uint256 salt, bytes memory signature) =
            abi.decode(collectorData, (uint256, uint256, uint256, bytes));
        IReceiveWithAuthorization(token).receiveWithAuthorization(
            payer, address(this), amount, validAfter, validBefore, keccak256(abi.encode(channelId, salt)), signature
        );
        Tokens.pay(token, Canonical.BATCH_SETTLEMENT, amount);
    }
}
