// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IX402BatchSettlement as I} from "./IX402BatchSettlement.sol";

/// @title Calls of tokens, of which not all keep to ERC-20
library Tokens {
    /// @notice What the calling contract holds.
    function balance(address token) internal view returns (uint256) {
        (bool ok, bytes memory answer) = token.staticcall(abi.encodeWithSelector(0x70a08231, address(this)));
        if (!ok || answer.length < 32) revert I.SafeERC20FailedOperation(token);
        return abi.decode(answer, (uint256));
    }

    /// @notice Transfers. A token may return nothing, if it is there; else it must return true. Its own reason for a
    /// refusal is passed on.
    function pay(address token, address to, uint256 amount) internal {
        (bool ok, bytes memory answer) = token.call(abi.encodeWithSelector(0xa9059cbb, to, amount));
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(answer, 0x20), mload(answer))
            }
        }
        bool confirmed =
            answer.length == 0 ? token.code.length != 0 : answer.length >= 32 && abi.decode(answer, (uint256)) == 1;
        if (!confirmed) revert I.SafeERC20FailedOperation(token);
    }
}
