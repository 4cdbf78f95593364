// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title The contract of the x402 scheme `batch-settlement`, as its callers see it
/// @notice A channel holds what one payer paid in for one receiver. The payer signs vouchers with rising ceilings off
/// chain; the receiver's side claims what was charged under them, for many channels in one call, and has the sum paid
/// out in another.
///
/// All signatures are EIP-712 under the domain ("x402 Batch Settlement", "1", chain id, this address):
///  - `ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)`: its digest is the channel's id; nobody signs it
///  - `Voucher(bytes32 channelId,uint128 maxClaimableAmount)`, by `payerAuthorizer`, or if that is zero by `payer`
///  - `ClaimBatch(ClaimEntry[] claims)ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)`, by `receiverAuthorizer`
///  - `Refund(bytes32 channelId,uint256 nonce,uint128 amount)`, by `receiverAuthorizer`
/// @dev Names, types, events and errors are those of the deployed contract. Amounts are base units of the token.
interface IX402BatchSettlement {
    /// @notice What a channel is. None of it can change: another value is another channel.
    /// @param payer Who pays in, and gets back what is left.
    /// @param payerAuthorizer The key that signs vouchers. Zero means that the payer's account answers for them, by
    ///  ERC-1271 if it is a contract.
    /// @param receiver Who is paid.
    /// @param receiverAuthorizer Who else may claim and refund, in person or by signature. Not zero.
    /// @param token The token.
    /// @param withdrawDelay Seconds between the payer's notice of withdrawal and the withdrawal.
    /// @param salt Tells channels of the same parties apart.
    struct ChannelConfig {
        address payer;
        address payerAuthorizer;
        address receiver;
        address receiverAuthorizer;
        address token;
        uint40 withdrawDelay;
        bytes32 salt;
    }

    /// @notice What the payer's side signs, with the channel whole instead of its id.
    /// @param channel The channel.
    /// @param maxClaimableAmount The ceiling: what may be claimed in all, ever.
    struct Voucher {
        ChannelConfig channel;
        uint128 maxClaimableAmount;
    }

    /// @notice One row of a claim.
    /// @param voucher The voucher.
    /// @param signature Over the voucher.
    /// @param totalClaimed What was charged in all; at most the ceiling.
    struct VoucherClaim {
        Voucher voucher;
        bytes signature;
        uint128 totalClaimed;
    }

    /// @notice A channel holds tokens for the first time, or for the first time again after it was emptied unclaimed.
    event ChannelCreated(bytes32 indexed channelId, ChannelConfig config);
    /// @notice A channel of which nothing was ever claimed is empty again.
    event ChannelClosed(bytes32 indexed channelId, ChannelConfig config);
    /// @notice Tokens came into a channel.
    event Deposited(bytes32 indexed channelId, address indexed sender, uint128 amount, uint128 newBalance);
    /// @notice More of a channel is the receiver's. No token moved.
    event Claimed(bytes32 indexed channelId, address indexed sender, uint128 claimAmount, uint128 newTotalClaimed);
    /// @notice All that was claimed for a receiver was paid out.
    event Settled(address indexed receiver, address indexed token, address indexed sender, uint128 amount);
    /// @notice The receiver's side gave back tokens to the payer.
    event Refunded(bytes32 indexed channelId, address indexed sender, uint128 amount);
    /// @notice The payer gave notice; from `finalizeAfter` (Unix seconds) on it can withdraw.
    event WithdrawInitiated(bytes32 indexed channelId, uint128 amount, uint40 finalizeAfter);
    /// @notice The payer withdrew.
    event WithdrawFinalized(bytes32 indexed channelId, address indexed sender, uint128 amount);
    /// @notice ERC-5267. Never emitted: the domain does not change.
    event EIP712DomainChanged();

    /// @notice A party of the channel is the zero address; or the caller is not of the payer's side.
    error InvalidChannel();
    /// @notice A deposit of nothing.
    error ZeroDeposit();
    /// @notice The channel's balance would not fit 128 bits.
    error DepositOverflow();
    /// @notice The signature is not of whom it must be.
    error InvalidSignature();
    /// @notice A row of a signed claim belongs to another authorizer.
    error NotReceiverAuthorizer();
    /// @notice The caller is not of the receiver's side of a row.
    error NotAuthorizedToClaim();
    /// @notice The caller is not of the receiver's side.
    error NotAuthorizedToRefund();
    /// @notice A claim above what the payer signed.
    error ClaimExceedsCeiling();
    /// @notice A claim above what the channel holds.
    error ClaimExceedsBalance();
    /// @notice There is a notice already.
    error WithdrawalAlreadyPending();
    /// @notice There is no notice.
    error WithdrawalNotPending();
    /// @notice The caller is not of the payer's side.
    error NotAuthorizedToFinalizeWithdraw();
    /// @notice Too early after the notice.
    error WithdrawDelayNotElapsed();
    /// @notice A notice for nothing.
    error NothingToWithdraw();
    /// @notice A notice for more than is unclaimed.
    error WithdrawAmountExceedsAvailable();
    /// @notice `withdrawDelay` is not within the bounds.
    error WithdrawDelayOutOfRange();
    /// @notice A claim without rows.
    error EmptyBatch();
    /// @notice The collector did not bring exactly the amount.
    error DepositCollectionFailed();
    /// @notice No collector.
    error InvalidCollector();
    /// @notice The refund's signature is for another turn.
    error InvalidRefundNonce();
    /// @notice A refund of nothing.
    error ZeroRefund();

    /// @notice A signature from which no key can be recovered.
    error ECDSAInvalidSignature();
    /// @notice A signature that is not 65 bytes.
    error ECDSAInvalidSignatureLength(uint256 length);
    /// @notice A signature whose s is in the upper half.
    error ECDSAInvalidSignatureS(bytes32 s);
    /// @notice The token called back.
    error ReentrancyGuardReentrantCall();
    /// @notice The token did not confirm a transfer.
    error SafeERC20FailedOperation(address token);
    /// @notice A call within `multicall` failed without saying why.
    error FailedCall();

    /// @notice Pays into a channel. Anybody may call; the collector sees to it that the payer agreed.
    /// @param config The channel.
    /// @param amount How much; exactly that much must arrive.
    /// @param collector What fetches the tokens, an `IDepositCollector`.
    /// @param collectorData What it needs for that.
    function deposit(ChannelConfig calldata config, uint128 amount, address collector, bytes calldata collectorData)
        external;

    /// @notice Books what was charged. Nothing is transferred. The caller must be receiver or receiver authorizer of
    /// every row. A row that is not above what is booked is skipped.
    function claim(VoucherClaim[] calldata voucherClaims) external;

    /// @notice The same for anybody who has the signature of the one authorizer of all rows.
    /// @param voucherClaims The rows.
    /// @param authorizerSignature Over `getClaimBatchDigest(voucherClaims)`.
    function claimWithSignature(VoucherClaim[] calldata voucherClaims, bytes calldata authorizerSignature) external;

    /// @notice Pays a receiver all that is booked for it and not paid yet; nothing is nothing. Anybody may call.
    function settle(address receiver, address token) external;

    /// @notice Gives notice that the payer will withdraw. Vouchers that are not claimed reserve nothing: the receiver
    /// has until then to claim. For payer and payer authorizer.
    /// @param config The channel.
    /// @param amount How much; at most what is unclaimed now.
    function initiateWithdraw(ChannelConfig calldata config, uint128 amount) external;

    /// @notice Withdraws what notice was given for, or what is left of it, to the payer. For payer and payer
    /// authorizer.
    function finalizeWithdraw(ChannelConfig calldata config) external;

    /// @notice Gives back to the payer. Uses up one refund nonce even if nothing is left to give. For receiver and
    /// receiver authorizer.
    /// @param config The channel.
    /// @param amount How much; more than is unclaimed means all that is.
    function refund(ChannelConfig calldata config, uint128 amount) external;

    /// @notice The same for anybody who has the receiver authorizer's signature.
    /// @param config The channel.
    /// @param amount As signed.
    /// @param nonce As signed; must be the channel's `refundNonce`.
    /// @param receiverAuthorizerSignature Over `getRefundDigest`.
    function refundWithSignature(
        ChannelConfig calldata config,
        uint128 amount,
        uint256 nonce,
        bytes calldata receiverAuthorizerSignature
    ) external;

    /// @notice Several calls of this contract in one, all or none.
    /// @param data The calls.
    /// @return results What each returned.
    function multicall(bytes[] calldata data) external returns (bytes[] memory results);

    /// @notice A channel's id: the EIP-712 digest of its configuration.
    function getChannelId(ChannelConfig calldata config) external view returns (bytes32);

    /// @notice What is signed as a voucher.
    function getVoucherDigest(bytes32 channelId, uint128 maxClaimableAmount) external view returns (bytes32);

    /// @notice What is signed as a refund.
    function getRefundDigest(bytes32 channelId, uint256 nonce, uint128 amount) external view returns (bytes32);

    /// @notice What is signed as a claim.
    function getClaimBatchDigest(VoucherClaim[] calldata voucherClaims) external view returns (bytes32);

    /// @notice What a channel holds, less what was given back or withdrawn; claims do not lower it.
    /// @return balance In base units.
    /// @return totalClaimed What of it was claimed.
    function channels(bytes32 channelId) external view returns (uint128 balance, uint128 totalClaimed);

    /// @notice A payer's notice.
    /// @return amount What it will withdraw.
    /// @return initiatedAt When it was given (Unix seconds); 0 if there is none.
    function pendingWithdrawals(bytes32 channelId) external view returns (uint128 amount, uint40 initiatedAt);

    /// @notice What was booked for a receiver.
    /// @return totalClaimed In all.
    /// @return totalSettled What of it was paid out.
    function receivers(address receiver, address token)
        external
        view
        returns (uint128 totalClaimed, uint128 totalSettled);

    /// @notice How many refunds a channel had.
    function refundNonce(bytes32 channelId) external view returns (uint256);

    /// @notice The shortest `withdrawDelay`, in seconds.
    function MIN_WITHDRAW_DELAY() external view returns (uint40);

    /// @notice The longest `withdrawDelay`, in seconds.
    function MAX_WITHDRAW_DELAY() external view returns (uint40);

    /// @notice The hash of the type ChannelConfig.
    function CHANNEL_CONFIG_TYPEHASH() external view returns (bytes32);

    /// @notice The hash of the type Voucher.
    function VOUCHER_TYPEHASH() external view returns (bytes32);

    /// @notice The hash of the type Refund.
    function REFUND_TYPEHASH() external view returns (bytes32);

    /// @notice The hash of the type ClaimEntry.
    function CLAIM_ENTRY_TYPEHASH() external view returns (bytes32);

    /// @notice The hash of the type ClaimBatch.
    function CLAIM_BATCH_TYPEHASH() external view returns (bytes32);

    /// @notice ERC-5267: the domain of all signatures.
    function eip712Domain()
        external
        view
        returns (
            bytes1 fields,
            string memory name,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        );
}
