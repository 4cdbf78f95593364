// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title What brings a deposit's tokens
/// @notice A channel's contract calls the collector that the depositor names. It trusts it with nothing: it counts its
/// own balance before and after.
interface IDepositCollector {
    /// @notice Moves exactly `amount` from the payer to the caller.
    /// @param payer Whose tokens they are.
    /// @param token The token.
    /// @param amount How much, in base units.
    /// @param channelId The channel that the payer's signature must be bound to.
    /// @param collectorData What the collector needs, in its own encoding.
    function collect(address payer, address token, uint256 amount, bytes32 channelId, bytes calldata collectorData)
        external;
}
