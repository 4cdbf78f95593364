// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @notice TEST ONLY. Tries many calls, each on the state as it was, so that one `eth_call` answers for thousands.
contract Tries {
    /// @notice What each call would answer, had it come alone. No call leaves a trace, whatever it does.
    /// @return fine Whether each succeeds.
    /// @return answers What each returns or reverts with.
    function tries(address target, bytes[] calldata calls)
        external
        returns (bool[] memory fine, bytes[] memory answers)
    {
        fine = new bool[](calls.length);
        answers = new bytes[](calls.length);
        for (uint256 i; i < calls.length; ++i) {
            try this.attempt(target, calls[i]) {}
            catch (bytes memory outcome) {
                (fine[i], answers[i]) = abi.decode(outcome, (bool, bytes));
            }
        }
    }

    /// @notice Makes the call, and reverts with what came of it: nothing that it did stays.
    function attempt(address target, bytes calldata data) external {
        (bool ok, bytes memory answer) = target.call(data);
        bytes memory outcome = abi.encode(ok, answer);
        assembly ("memory-safe") {
            revert(add(outcome, 0x20), mload(outcome))
        }
    }
}
