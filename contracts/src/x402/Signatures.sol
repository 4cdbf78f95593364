// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IX402BatchSettlement as I} from "./IX402BatchSettlement.sol";

/// @title Who signed a digest
/// @dev For `batch-settlement`, whose contract takes 65 bytes with the lower s and nothing else.
library Signatures {
    /// @dev Half the order of secp256k1. A larger s is the mirror image of a signature.
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @dev ERC-1271's selector, which is its answer too.
    bytes4 private constant IS_VALID_SIGNATURE = 0x1626ba7e;

    /// @notice The address whose key signed. Reverts if there is none, with the error that the deployed contract has.
    function recover(bytes32 digest, bytes calldata signature) internal pure returns (address signer) {
        if (signature.length != 65) revert I.ECDSAInvalidSignatureLength(signature.length);
        bytes32 s = bytes32(signature[32:64]);
        if (uint256(s) > HALF_ORDER) revert I.ECDSAInvalidSignatureS(s);
        signer = ecrecover(digest, uint8(signature[64]), bytes32(signature[:32]), s);
        if (signer == address(0)) revert I.ECDSAInvalidSignature();
    }

    /// @notice Whether an account stands by a signature: by its key, or if it is a contract by ERC-1271. Never reverts
    /// for a bad one.
    function isValid(address account, bytes32 digest, bytes calldata signature) internal view returns (bool) {
        if (account.code.length != 0) return _contractAgrees(account, digest, signature);
        if (signature.length != 65 || uint256(bytes32(signature[32:64])) > HALF_ORDER) return false;
        address signer =
            ecrecover(digest, uint8(signature[64]), bytes32(signature[:32]), bytes32(signature[32:64]));
        return signer != address(0) && signer == account;
    }

    /// @dev At most one word of the answer is copied: a wallet cannot make the caller pay for more.
    function _contractAgrees(address account, bytes32 digest, bytes calldata signature) private view returns (bool) {
        bytes memory question = abi.encodeWithSelector(IS_VALID_SIGNATURE, digest, signature);
        bool ok;
        bytes32 answer;
        assembly ("memory-safe") {
            mstore(0x00, 0)
            ok := staticcall(gas(), account, add(question, 0x20), mload(question), 0x00, 0x20)
            ok := and(ok, gt(returndatasize(), 31))
            answer := mload(0x00)
        }
        return ok && answer == bytes32(IS_VALID_SIGNATURE);
    }
}
