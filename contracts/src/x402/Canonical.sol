// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Where the contracts of x402 are, on every chain that has them
/// @notice Peers sign for these addresses and for no others, so the stand-ins in this directory only mean anything
/// when their code is placed there.
library Canonical {
    /// @notice Holds the channels of the scheme `batch-settlement`.
    address internal constant BATCH_SETTLEMENT = 0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003;
    /// @notice Permit2, of which the x402 contracts use the signature transfers.
    address internal constant PERMIT2 = 0x000000000022D473030F116dDEE9F6B43aC78BA3;
}
