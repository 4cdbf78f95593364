// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title What the x402 contracts use of Permit2
/// @notice A holder approves Permit2 once for a token; after that each transfer is a signature. Who may use it, and
/// anything else that it must be bound to (the witness), is part of what is signed.
interface ISignatureTransfer {
    /// @notice Which token, and how much of it at most.
    struct TokenPermissions {
        address token;
        uint256 amount;
    }

    /// @notice What the holder signs, besides spender and witness.
    /// @param permitted Token and amount.
    /// @param nonce Any number that the holder has not used: they have no order.
    /// @param deadline Unix seconds; good up to and at that time.
    struct PermitTransferFrom {
        TokenPermissions permitted;
        uint256 nonce;
        uint256 deadline;
    }

    /// @notice What the spender asks for.
    struct SignatureTransferDetails {
        address to;
        uint256 requestedAmount;
    }

    /// @notice A holder has made nonces useless.
    event UnorderedNonceInvalidation(address indexed owner, uint256 word, uint256 mask);

    /// @notice The deadline has passed.
    error SignatureExpired(uint256 signatureDeadline);
    /// @notice More was asked for than signed.
    error InvalidAmount(uint256 maxAmount);
    /// @notice The nonce was used.
    error InvalidNonce();
    /// @notice The signature is neither 65 nor 64 bytes.
    error InvalidSignatureLength();
    /// @notice No key can be recovered from the signature.
    error InvalidSignature();
    /// @notice Somebody else signed.
    error InvalidSigner();
    /// @notice The holder's contract does not stand by the signature.
    error InvalidContractSignature();

    /// @notice The nonces that a holder has used: bit `nonce % 256` of word `nonce / 256`.
    function nonceBitmap(address owner, uint256 word) external view returns (uint256);

    /// @notice The hash of the domain, which has no version.
    function DOMAIN_SEPARATOR() external view returns (bytes32);

    /// @notice Transfers by a signature of `PermitTransferFrom`, of which the caller is the spender.
    function permitTransferFrom(
        PermitTransferFrom calldata permit,
        SignatureTransferDetails calldata transferDetails,
        address owner,
        bytes calldata signature
    ) external;

    /// @notice The same by a signature of `PermitWitnessTransferFrom`.
    /// @param permit What was signed.
    /// @param transferDetails What is asked for.
    /// @param owner Whose tokens they are.
    /// @param witness The hash of the witness, which is a struct.
    /// @param witnessTypeString The end of the signed type: the witness's type and name, `)`, and the types of all
    ///  structs in it.
    /// @param signature The owner's.
    function permitWitnessTransferFrom(
        PermitTransferFrom calldata permit,
        SignatureTransferDetails calldata transferDetails,
        address owner,
        bytes32 witness,
        string calldata witnessTypeString,
        bytes calldata signature
    ) external;

    /// @notice Makes nonces of the caller useless.
    /// @param word Which 256 of them.
    /// @param mask Which of those.
    function invalidateUnorderedNonces(uint256 word, uint256 mask) external;
}
