// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Canonical} from "./Canonical.sol";
import {IDepositCollector} from "./IDepositCollector.sol";

/// @title What the collectors share: they obey the channels' contract only
abstract contract DepositCollector is IDepositCollector {
    /// @notice Somebody else than the channels' contract called.
    error OnlyX402BatchSettlement();

    /// @dev Else anybody could have a payer's signature used without the deposit being booked.
    modifier onlyBatchSettlement() {
        if (msg.sender != Canonical.BATCH_SETTLEMENT) revert OnlyX402BatchSettlement();
        _;
    }

    /// @inheritdoc IDepositCollector
    function collect(address payer, address token, uint256 amount, bytes32 channelId, bytes calldata collectorData)
        external
        virtual;

    /// @notice The channels' contract.
    function x402BatchSettlement() external pure returns (address) {
        return Canonical.BATCH_SETTLEMENT;
    }
}
