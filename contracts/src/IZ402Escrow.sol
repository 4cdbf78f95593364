// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title z402 escrow: a vault per payer and token, and per-seller locks carved from it
/// @notice A payer locks funds for one payee until a deadline and then pays off chain with cumulative
/// vouchers. Whoever holds vouchers settles many locks in one transaction; money only ever goes to the
/// lock's payee or back to its payer. There is no owner, no upgrade, no pause and no fee.
/// @dev EIP-712 domain {name:"z402 Escrow", version:"1", chainId, verifyingContract}; chainId is read live.
///  Lock(address payer,address signer,address payee,address token,uint96 salt)
///  Voucher(bytes32 channelId,uint128 maxClaimableAmount)         signed by lock.signer; channelId = lockId
///  Authorize(bytes32 lockId,uint128 amount,uint40 deadline,uint256 nonce)   signed by lock.payer
///  Release(bytes32 lockId,uint128 amount,uint256 nonce)                     signed by lock.payee
///  lockId is the full EIP-712 digest of Lock, so it is bound to the chain and to this contract.
///  Signatures passed as bytes are r | s | v, 65 bytes, v 27 or 28, s in the lower half.
///  From events alone: a vault holds Deposited - Withdrawn - what each Authorized added to `authorized`; a lock holds
///  what the last Authorized says, less Released and less what was settled since. Settled does not name the locks it
///  paid, which is what keeps a batch cheap: read `stateOf` for those.
interface IZ402Escrow {
    /// @notice What a lock is for; its digest is its id and it never changes.
    struct Lock {
        address payer;
        address signer;
        address payee;
        address token;
        uint96 salt;
    }

    /// @notice What a lock holds; one storage slot. `authorized - claimed` is still locked.
    struct LockState {
        uint104 authorized;
        uint104 claimed;
        uint40 deadline;
    }

    /// @notice Tokens came in for a payer; also when they went straight into a lock (an Authorized goes with it).
    event Deposited(address indexed payer, address indexed token, uint256 amount);
    /// @notice Tokens left a payer's vault for `to`.
    event Withdrawn(address indexed payer, address indexed token, address to, uint256 amount);
    /// @notice A lock was opened or topped up; the amounts and the deadline are those after it.
    event Authorized(
        bytes32 indexed lockId,
        address indexed payer,
        address indexed payee,
        address signer,
        address token,
        uint96 salt,
        uint104 authorized,
        uint104 claimed,
        uint40 deadline
    );
    /// @notice A batch paid `amount` to the payee out of `locks` rows; rows that were skipped do not count.
    event Settled(address indexed payee, address indexed token, uint256 amount, uint256 locks);
    /// @notice `amount` went from a lock back to its payer's wallet.
    event Released(bytes32 indexed lockId, address indexed payer, address indexed payee, uint256 amount);

    /// @notice A payer, signer, payee, token or recipient is the zero address.
    error ZeroAddress();
    /// @notice The amount is zero.
    error ZeroAmount();
    /// @notice The amount, or the lock's total with it, does not fit 104 bits.
    error AmountTooLarge();
    /// @notice A new deadline is less than MIN_LOCK_SECS away.
    error DeadlineTooSoon();
    /// @notice A new deadline is more than MAX_LOCK_SECS away.
    error DeadlineTooFar();
    /// @notice The lock already has a later deadline.
    error DeadlineShortened();
    /// @notice The deadline has not passed yet.
    error DeadlineNotReached();
    /// @notice The vault holds less than that.
    error InsufficientVault();
    /// @notice The lock is unknown or holds nothing any more.
    error NothingLocked();
    /// @notice The caller is not the lock's payer.
    error NotPayer();
    /// @notice The caller is not the lock's payee.
    error NotPayee();
    /// @notice The signature is malformed or not by the one who must sign.
    error BadSignature();
    /// @notice The signer's nonce was used before.
    error NonceUsed();
    /// @notice The arrays differ in length.
    error LengthMismatch();
    /// @notice The rows are empty or not a whole number of rows.
    error BadRows();
    /// @notice The row's voucher is not signed by the lock's signer.
    error BadVoucher(uint256 row);
    /// @notice The row claims more than its voucher allows.
    error ClaimExceedsCeiling(uint256 row);
    /// @notice The row claims more than the lock was ever given.
    error ClaimExceedsAuthorized(uint256 row);
    /// @notice A deposit did not bring exactly the amount (a token with a fee, or one that moves nothing).
    error InexactTransfer();
    /// @notice The token reverted, returned false, or is no contract; with an EIP-3009 deposit, also a bad authorization.
    error TransferFailed();
    /// @notice A token called back into the escrow.
    error Reentered();

    /// @notice Shortest time from now to a new deadline.
    function MIN_LOCK_SECS() external view returns (uint256); // 900
    /// @notice Longest time from now to a new deadline.
    function MAX_LOCK_SECS() external view returns (uint256); // 366 days

    /// @notice Move `amount` of `token` from the caller into the caller's vault.
    function deposit(address token, uint256 amount) external;

    /// @notice Deposit with the payer's EIP-3009 ReceiveWithAuthorization; anyone may send it.
    /// @dev The authorization's nonce must be keccak256(abi.encode(payer, salt)).
    function depositWithAuthorization(
        address payer, address token, uint256 amount, uint256 validAfter, uint256 validBefore, bytes32 salt, bytes calldata signature
    ) external;

    /// @notice Deposit and lock with one EIP-3009 ReceiveWithAuthorization signature; anyone may send it.
    /// @dev The authorization's nonce must be keccak256(abi.encode(lockId, deadline, salt)).
    ///  Opening an existing lock again tops it up; its deadline may only grow.
    function open3009(
        Lock calldata lock, uint256 amount, uint40 deadline, uint256 validAfter, uint256 validBefore, bytes32 salt, bytes calldata signature
    ) external returns (bytes32 id);

    /// @notice Move `amount` from the caller's vault into a lock of the caller's (opens or tops up).
    /// @dev A top-up names the lock's deadline, even one that has passed, or a later one; the bounds on the time from
    ///  now hold for a deadline that is new.
    function authorize(Lock calldata lock, uint256 amount, uint40 deadline) external returns (bytes32 id);

    /// @notice `authorize` for many locks of the caller in one transaction.
    function authorizeMany(Lock[] calldata locks, uint256[] calldata amounts, uint40[] calldata deadlines) external;

    /// @notice `authorize` for many locks of the caller that share token, signer and deadline, at the least cost.
    /// @param rows packed rows of 48 bytes: payee 20 | salt 12 | amount 16.
    /// @dev The payer is the caller. Naming a lock twice adds up. A row that cannot be funded stops them all.
    function authorizeRows(address token, address signer, uint40 deadline, bytes calldata rows) external;

    /// @notice `authorize` with the payer's signature; anyone may send it.
    /// @dev Nonces need no order; a signer's Authorize and Release signatures share one set of them. The deadline is
    ///  what makes an unsent signature lapse.
    function authorizeBySig(Lock calldata lock, uint256 amount, uint40 deadline, uint256 nonce, bytes calldata signature)
        external returns (bytes32 id);

    /// @notice Pay a payee what it has earned under many locks. Anyone may send it.
    /// @param rows packed rows of 148 bytes: payer 20 | signer 20 | salt 12 | ceiling 16 | claim 16 | r 32 | vs 32,
    ///  (r, vs) being the EIP-2098 form of the voucher's signature. A row whose claim is not above what was claimed
    ///  already, or whose lock holds nothing any more, is skipped: a batch may be sent again.
    /// @dev Claims are good after the deadline too, until the payer releases. If every row is skipped, nothing is
    ///  transferred and no event is emitted.
    /// @return paid the amount transferred to the payee by this call.
    function settleBatch(address payee, address token, bytes calldata rows) external returns (uint256 paid);

    /// @notice After the deadline, return what is left to the payer. Only the payer may call it.
    /// @dev Pays the payer's wallet, not its vault, and so do the other releases.
    function release(Lock calldata lock) external returns (uint256 amount);

    /// @notice At any time, the payee gives back up to `amount` of what is left.
    function releaseByPayee(Lock calldata lock, uint256 amount) external returns (uint256 released);

    /// @notice `releaseByPayee` with the payee's signature; anyone may send it.
    /// @dev The signature has no expiry: it is good until its nonce is used.
    function releaseBySig(Lock calldata lock, uint256 amount, uint256 nonce, bytes calldata signature)
        external returns (uint256 released);

    /// @notice Take unlocked funds of the caller out of the vault.
    function withdraw(address token, uint256 amount, address to) external;

    /// @notice What a payer can lock or withdraw.
    function vaultOf(address payer, address token) external view returns (uint256);
    /// @notice The EIP-712 digest of a lock, funded or not.
    function lockId(Lock calldata lock) external view returns (bytes32);
    /// @notice What a lock holds; all zero if it was never funded.
    function stateOf(bytes32 id) external view returns (LockState memory);
    /// @notice `stateOf` for many locks.
    function statesOf(bytes32[] calldata ids) external view returns (LockState[] memory);
    /// @notice What lock.signer signs for a cumulative ceiling.
    function voucherDigest(bytes32 id, uint128 ceiling) external view returns (bytes32);
    /// @notice Whether a payer's or payee's signature with this nonce was used.
    function nonceUsed(address signer, uint256 nonce) external view returns (bool);
    /// @notice The EIP-712 domain separator on this chain at this address.
    function domainSeparator() external view returns (bytes32);
}
