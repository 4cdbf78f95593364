// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Canonical} from "./Canonical.sol";

/// @dev What is needed of a token with EIP-2612.
interface IPermit {
    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external;
}

/// @title Approving Permit2 by EIP-2612 on the way
/// @notice A permit that fails is noted and no more: the approval may be there already, for example because somebody
/// else sent the same permit first.
abstract contract Eip2612 {
    /// @notice A permit failed and said why.
    event EIP2612PermitFailedWithReason(address indexed token, address indexed owner, string reason);
    /// @notice A permit failed by a fault of the token's code.
    event EIP2612PermitFailedWithPanic(address indexed token, address indexed owner, uint256 errorCode);
    /// @notice A permit failed otherwise.
    event EIP2612PermitFailedWithData(address indexed token, address indexed owner, bytes data);

    /// @notice A permit for another amount than the one that is to be paid.
    error Permit2612AmountMismatch();

    function _tryPermit(address token, address owner, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        internal
    {
        try IPermit(token).permit(owner, Canonical.PERMIT2, value, deadline, v, r, s) {}
        catch Error(string memory reason) {
            emit EIP2612PermitFailedWithReason(token, owner, reason);
        } catch Panic(uint256 code) {
            emit EIP2612PermitFailedWithPanic(token, owner, code);
        } catch (bytes memory data) {
            emit EIP2612PermitFailedWithData(token, owner, data);
        }
    }
}
