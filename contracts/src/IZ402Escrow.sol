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

    event Deposited(address indexed payer, address indexed token, uint256 amount);
    event Withdrawn(address indexed payer, address indexed token, address to, uint256 amount);
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
    event Settled(address indexed payee, address indexed token, uint256 amount, uint256 locks);
    event Released(bytes32 indexed lockId, address indexed payer, address indexed payee, uint256 amount);

    error ZeroAddress();
    error ZeroAmount();
    error AmountTooLarge();
    error DeadlineTooSoon();
    error DeadlineTooFar();
    error DeadlineShortened();
    error DeadlineNotReached();
    error InsufficientVault();
    error NothingLocked();
    error NotPayer();
    error NotPayee();
    error BadSignature();
    error NonceUsed();
    error LengthMismatch();
    error BadRows();
    error BadVoucher(uint256 row);
    error ClaimExceedsCeiling(uint256 row);
    error ClaimExceedsAuthorized(uint256 row);
    error InexactTransfer();
    error TransferFailed();
    error Reentered();

    function MIN_LOCK_SECS() external view returns (uint256); // 900
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
    function authorize(Lock calldata lock, uint256 amount, uint40 deadline) external returns (bytes32 id);

    /// @notice `authorize` for many locks of the caller in one transaction.
    function authorizeMany(Lock[] calldata locks, uint256[] calldata amounts, uint40[] calldata deadlines) external;

    /// @notice `authorize` with the payer's signature; anyone may send it.
    function authorizeBySig(Lock calldata lock, uint256 amount, uint40 deadline, uint256 nonce, bytes calldata signature)
        external returns (bytes32 id);

    /// @notice Pay a payee what it has earned under many locks. Anyone may send it.
    /// @param rows packed rows of 148 bytes: payer 20 | signer 20 | salt 12 | ceiling 16 | claim 16 | r 32 | vs 32,
    ///  (r, vs) being the EIP-2098 form of the voucher's signature. A row whose claim is not above what was claimed
    ///  already, or whose lock holds nothing any more, is skipped: a batch may be sent again.
    /// @return paid the amount transferred to the payee by this call.
    function settleBatch(address payee, address token, bytes calldata rows) external returns (uint256 paid);

    /// @notice After the deadline, return what is left to the payer. Only the payer may call it.
    function release(Lock calldata lock) external returns (uint256 amount);

    /// @notice At any time, the payee gives back up to `amount` of what is left.
    function releaseByPayee(Lock calldata lock, uint256 amount) external returns (uint256 released);

    /// @notice `releaseByPayee` with the payee's signature; anyone may send it.
    function releaseBySig(Lock calldata lock, uint256 amount, uint256 nonce, bytes calldata signature)
        external returns (uint256 released);

    /// @notice Take unlocked funds of the caller out of the vault.
    function withdraw(address token, uint256 amount, address to) external;

    function vaultOf(address payer, address token) external view returns (uint256);
    function lockId(Lock calldata lock) external view returns (bytes32);
    function stateOf(bytes32 id) external view returns (LockState memory);
    function statesOf(bytes32[] calldata ids) external view returns (LockState[] memory);
    function voucherDigest(bytes32 id, uint128 ceiling) external view returns (bytes32);
    function nonceUsed(address signer, uint256 nonce) external view returns (bool);
    function domainSeparator() external view returns (bytes32);
}
