// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IDepositCollector} from "./IDepositCollector.sol";
import {IX402BatchSettlement} from "./IX402BatchSettlement.sol";
import {Signatures} from "./Signatures.sol";
import {Tokens} from "./Tokens.sol";

/// @title A stand-in for the contract of the x402 scheme `batch-settlement`
/// @notice TEST ONLY, UNAUDITED. Written for this project from the interface and the behaviour that peers rely on, so
/// that they can be tried on a chain that does not have the deployed contract. On a real chain, use that one.
///
/// What holds, for a token that moves exactly what it is told to move:
///  - per token, the balance held here is at least the sum of `balance - totalClaimed` of all channels and of
///    `totalClaimed - totalSettled` of all receivers;
///  - `totalClaimed` never falls, never exceeds `balance`, and never exceeds a ceiling that the payer's side signed;
///  - money leaves only to a channel's receiver or to its payer.
///
/// What is NOT guaranteed: payment for a voucher that is not claimed. After notice and delay the payer may withdraw
/// what is not claimed, whatever it has signed.
/// @dev No constructor and no immutables: the code can be placed at the address that peers sign for.
contract X402BatchSettlement is IX402BatchSettlement {
    using Signatures for bytes32;

    struct ChannelState {
        uint128 balance;
        uint128 totalClaimed;
    }

    struct WithdrawalState {
        uint128 amount;
        uint40 initiatedAt;
    }

    struct ReceiverState {
        uint128 totalClaimed;
        uint128 totalSettled;
    }

    // ------------------------------------------------------------------ constants

    /// @inheritdoc IX402BatchSettlement
    uint40 public constant MIN_WITHDRAW_DELAY = 15 minutes;
    /// @inheritdoc IX402BatchSettlement
    uint40 public constant MAX_WITHDRAW_DELAY = 30 days;

    /// @inheritdoc IX402BatchSettlement
    bytes32 public constant CHANNEL_CONFIG_TYPEHASH = keccak256(
        "ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)"
    );
    /// @inheritdoc IX402BatchSettlement
    bytes32 public constant VOUCHER_TYPEHASH = keccak256("Voucher(bytes32 channelId,uint128 maxClaimableAmount)");
    /// @inheritdoc IX402BatchSettlement
    bytes32 public constant REFUND_TYPEHASH = keccak256("Refund(bytes32 channelId,uint256 nonce,uint128 amount)");
    /// @inheritdoc IX402BatchSettlement
    bytes32 public constant CLAIM_ENTRY_TYPEHASH =
        keccak256("ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)");
    /// @inheritdoc IX402BatchSettlement
    bytes32 public constant CLAIM_BATCH_TYPEHASH = keccak256(
        "ClaimBatch(ClaimEntry[] claims)ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)"
    );

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    string private constant NAME = "x402 Batch Settlement";
    string private constant VERSION = "1";

    // ------------------------------------------------------------------ storage

    /// @inheritdoc IX402BatchSettlement
    mapping(bytes32 channelId => ChannelState) public channels;
    /// @inheritdoc IX402BatchSettlement
    mapping(bytes32 channelId => WithdrawalState) public pendingWithdrawals;
    /// @inheritdoc IX402BatchSettlement
    mapping(bytes32 channelId => uint256) public refundNonce;
    /// @inheritdoc IX402BatchSettlement
    mapping(address receiver => mapping(address token => ReceiverState)) public receivers;

    bool private transient _entered;

    /// @dev Tokens, collectors and wallets may call back: all that changes state shares one guard.
    modifier nonReentrant() {
        if (_entered) revert ReentrancyGuardReentrantCall();
        _entered = true;
        _;
        _entered = false;
    }

    // ------------------------------------------------------------------ in

    /// @inheritdoc IX402BatchSettlement
    function deposit(ChannelConfig calldata config, uint128 amount, address collector, bytes calldata collectorData)
        external
        nonReentrant
    {
        _requireFundable(config);
        if (amount == 0) revert ZeroDeposit();
        if (collector == address(0)) revert InvalidCollector();

        bytes32 id = getChannelId(config);
        ChannelState storage channel = channels[id];
        uint128 held = channel.balance;
        if (amount > type(uint128).max - held) revert DepositOverflow();
        uint128 balance = held + amount;
        bool created = held == 0 && channel.totalClaimed == 0;
        channel.balance = balance;

        // What arrived is what counts: a fee on the way, or a collector that does nothing, undoes it all.
        uint256 before = Tokens.balance(config.token);
        IDepositCollector(collector).collect(config.payer, config.token, amount, id, collectorData);
        if (Tokens.balance(config.token) != before + amount) revert DepositCollectionFailed();

        if (created) emit ChannelCreated(id, config);
        emit Deposited(id, msg.sender, amount, balance);
    }

    // ------------------------------------------------------------------ to the receiver

    /// @inheritdoc IX402BatchSettlement
    function claim(VoucherClaim[] calldata voucherClaims) external nonReentrant {
        uint256 rows = voucherClaims.length;
        if (rows == 0) revert EmptyBatch();
        for (uint256 i; i < rows; ++i) {
            if (!_receivesFor(voucherClaims[i].voucher.channel)) revert NotAuthorizedToClaim();
            _claim(voucherClaims[i]);
        }
    }

    /// @inheritdoc IX402BatchSettlement
    function claimWithSignature(VoucherClaim[] calldata voucherClaims, bytes calldata authorizerSignature)
        external
        nonReentrant
    {
        uint256 rows = voucherClaims.length;
        if (rows == 0) revert EmptyBatch();
        address authorizer = voucherClaims[0].voucher.channel.receiverAuthorizer;
        bytes32 digest = getClaimBatchDigest(voucherClaims);
        if (!Signatures.isValid(authorizer, digest, authorizerSignature)) revert InvalidSignature();
        for (uint256 i; i < rows; ++i) {
            if (voucherClaims[i].voucher.channel.receiverAuthorizer != authorizer) revert NotReceiverAuthorizer();
            _claim(voucherClaims[i]);
        }
    }

    /// @inheritdoc IX402BatchSettlement
    function settle(address receiver, address token) external nonReentrant {
        ReceiverState storage state = receivers[receiver][token];
        uint128 amount = state.totalClaimed - state.totalSettled;
        if (amount == 0) return;
        state.totalSettled = state.totalClaimed;
        Tokens.pay(token, receiver, amount);
        emit Settled(receiver, token, msg.sender, amount);
    }

    // ------------------------------------------------------------------ back to the payer

    /// @inheritdoc IX402BatchSettlement
    function initiateWithdraw(ChannelConfig calldata config, uint128 amount) external nonReentrant {
        if (!_paysFor(config)) revert InvalidChannel();
        if (amount == 0) revert NothingToWithdraw();
        bytes32 id = getChannelId(config);
        WithdrawalState storage notice = pendingWithdrawals[id];
        if (notice.initiatedAt != 0) revert WithdrawalAlreadyPending();
        if (amount > _unclaimed(channels[id])) revert WithdrawAmountExceedsAvailable();
        notice.amount = amount;
        notice.initiatedAt = uint40(block.timestamp);
        emit WithdrawInitiated(id, amount, uint40(block.timestamp) + config.withdrawDelay);
    }

    /// @inheritdoc IX402BatchSettlement
    function finalizeWithdraw(ChannelConfig calldata config) external nonReentrant {
        if (!_paysFor(config)) revert NotAuthorizedToFinalizeWithdraw();
        bytes32 id = getChannelId(config);
        WithdrawalState memory notice = pendingWithdrawals[id];
        if (notice.initiatedAt == 0) revert WithdrawalNotPending();
        if (block.timestamp < uint256(notice.initiatedAt) + config.withdrawDelay) revert WithdrawDelayNotElapsed();

        ChannelState storage channel = channels[id];
        uint128 amount = _atMost(notice.amount, _unclaimed(channel));
        delete pendingWithdrawals[id];
        channel.balance -= amount;
        emit WithdrawFinalized(id, msg.sender, amount);
        _noteIfClosed(channel, id, config);
        if (amount != 0) Tokens.pay(config.token, config.payer, amount);
    }

    /// @inheritdoc IX402BatchSettlement
    function refund(ChannelConfig calldata config, uint128 amount) external nonReentrant {
        if (!_receivesFor(config)) revert NotAuthorizedToRefund();
        _refund(config, getChannelId(config), amount);
    }

    /// @inheritdoc IX402BatchSettlement
    function refundWithSignature(
        ChannelConfig calldata config,
        uint128 amount,
        uint256 nonce,
        bytes calldata receiverAuthorizerSignature
    ) external nonReentrant {
        bytes32 id = getChannelId(config);
        if (nonce != refundNonce[id]) revert InvalidRefundNonce();
        bytes32 digest = getRefundDigest(id, nonce, amount);
        if (!Signatures.isValid(config.receiverAuthorizer, digest, receiverAuthorizerSignature)) {
            revert InvalidSignature();
        }
        _refund(config, id, amount);
    }

    // ------------------------------------------------------------------ several at once

    /// @inheritdoc IX402BatchSettlement
    function multicall(bytes[] calldata data) external returns (bytes[] memory results) {
        results = new bytes[](data.length);
        for (uint256 i; i < data.length; ++i) {
            (bool ok, bytes memory answer) = address(this).delegatecall(data[i]);
            if (!ok) {
                if (answer.length == 0) revert FailedCall();
                assembly ("memory-safe") {
                    revert(add(answer, 0x20), mload(answer))
                }
            }
            results[i] = answer;
        }
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc IX402BatchSettlement
    function getChannelId(ChannelConfig calldata config) public view returns (bytes32) {
        return _typed(keccak256(abi.encode(CHANNEL_CONFIG_TYPEHASH, config)));
    }

    /// @inheritdoc IX402BatchSettlement
    function getVoucherDigest(bytes32 channelId, uint128 maxClaimableAmount) public view returns (bytes32) {
        return _typed(keccak256(abi.encode(VOUCHER_TYPEHASH, channelId, maxClaimableAmount)));
    }

    /// @inheritdoc IX402BatchSettlement
    function getRefundDigest(bytes32 channelId, uint256 nonce, uint128 amount) public view returns (bytes32) {
        return _typed(keccak256(abi.encode(REFUND_TYPEHASH, channelId, nonce, amount)));
    }

    /// @inheritdoc IX402BatchSettlement
    function getClaimBatchDigest(VoucherClaim[] calldata voucherClaims) public view returns (bytes32) {
        uint256 rows = voucherClaims.length;
        bytes32[] memory hashes = new bytes32[](rows);
        for (uint256 i; i < rows; ++i) {
            VoucherClaim calldata row = voucherClaims[i];
            bytes32 id = getChannelId(row.voucher.channel);
            hashes[i] =
                keccak256(abi.encode(CLAIM_ENTRY_TYPEHASH, id, row.voucher.maxClaimableAmount, row.totalClaimed));
        }
        return _typed(keccak256(abi.encode(CLAIM_BATCH_TYPEHASH, keccak256(abi.encodePacked(hashes)))));
    }

    /// @inheritdoc IX402BatchSettlement
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
        )
    {
        return (0x0f, NAME, VERSION, block.chainid, address(this), bytes32(0), new uint256[](0));
    }

    // ------------------------------------------------------------------ books

    function _requireFundable(ChannelConfig calldata config) private pure {
        if (
            config.payer == address(0) || config.receiver == address(0) || config.receiverAuthorizer == address(0)
                || config.token == address(0)
        ) revert InvalidChannel();
        if (config.withdrawDelay < MIN_WITHDRAW_DELAY || config.withdrawDelay > MAX_WITHDRAW_DELAY) {
            revert WithdrawDelayOutOfRange();
        }
    }

    /// @dev Cumulative, so a row that was booked before says nothing new and is skipped; what a batch says twice, or in
    ///  two batches, counts once.
    function _claim(VoucherClaim calldata row) private {
        ChannelConfig calldata config = row.voucher.channel;
        bytes32 id = getChannelId(config);
        ChannelState storage channel = channels[id];
        uint128 booked = channel.totalClaimed;
        uint128 total = row.totalClaimed;
        if (total <= booked) return;
        if (total > row.voucher.maxClaimableAmount) revert ClaimExceedsCeiling();
        if (total > channel.balance) revert ClaimExceedsBalance();

        bytes32 digest = getVoucherDigest(id, row.voucher.maxClaimableAmount);
        bool signed = config.payerAuthorizer == address(0)
            ? Signatures.isValid(config.payer, digest, row.signature)
            : digest.recover(row.signature) == config.payerAuthorizer;
        if (!signed) revert InvalidSignature();

        uint128 delta = total - booked;
        channel.totalClaimed = total;
        receivers[config.receiver][config.token].totalClaimed += delta;
        emit Claimed(id, msg.sender, delta, total);
    }

    /// @dev The nonce goes up first, even if nothing moves, so that no refund's signature is good twice.
    function _refund(ChannelConfig calldata config, bytes32 id, uint128 asked) private {
        if (asked == 0) revert ZeroRefund();
        ++refundNonce[id];
        ChannelState storage channel = channels[id];
        uint128 amount = _atMost(asked, _unclaimed(channel));
        if (amount == 0) return;
        channel.balance -= amount;

        // What was given back need not be withdrawn any more.
        WithdrawalState storage notice = pendingWithdrawals[id];
        if (notice.initiatedAt != 0) {
            if (amount < notice.amount) notice.amount -= amount;
            else delete pendingWithdrawals[id];
        }
        emit Refunded(id, msg.sender, amount);
        _noteIfClosed(channel, id, config);
        Tokens.pay(config.token, config.payer, amount);
    }

    function _noteIfClosed(ChannelState storage channel, bytes32 id, ChannelConfig calldata config) private {
        if (channel.balance == 0 && channel.totalClaimed == 0) emit ChannelClosed(id, config);
    }

    function _unclaimed(ChannelState storage channel) private view returns (uint128) {
        return channel.balance - channel.totalClaimed;
    }

    function _atMost(uint128 asked, uint128 available) private pure returns (uint128) {
        return asked < available ? asked : available;
    }

    function _paysFor(ChannelConfig calldata config) private view returns (bool) {
        return msg.sender == config.payer || msg.sender == config.payerAuthorizer;
    }

    function _receivesFor(ChannelConfig calldata config) private view returns (bool) {
        return msg.sender == config.receiverAuthorizer || msg.sender == config.receiver;
    }

    // ------------------------------------------------------------------ hashes

    /// @dev The domain is computed at each call: this code at another address, or on a fork, is another domain.
    function _typed(bytes32 structHash) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(DOMAIN_TYPEHASH, keccak256(bytes(NAME)), keccak256(bytes(VERSION)), block.chainid, address(this))
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }
}
