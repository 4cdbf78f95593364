// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IZ402Escrow} from "./IZ402Escrow.sol";

/// @title z402 escrow
/// @notice See IZ402Escrow for what each call does. UNAUDITED.
///
/// What holds, for a token that moves exactly what it is told to move:
///  - per token, the balance held here is at least the sum of all vaults and of `authorized - claimed` of all locks;
///  - `claimed` never falls and never exceeds `authorized`; only a release lowers `authorized`;
///  - a lock's deadline never falls; before it has passed, only the payee (or its signature) lets money return;
///  - money leaves only to a lock's payee, to a lock's payer, or where a vault's owner withdraws it to.
///
/// What is NOT guaranteed:
///  - rebasing tokens, tokens whose issuer can seize balances, and tokens that charge a fee on the way out: their
///    balance here can fall below what is owed, and the last to leave finds nothing. A fee on the way in is refused.
///  - tokens that can freeze an account: a frozen payee cannot be paid and a frozen payer cannot take a release
///    back (a withdrawal may name another address); if this contract is frozen, nothing moves until it is thawed.
///  - tokens sent here by a plain transfer, or paid out to this contract's own address, belong to nobody and stay.
///  - payment for work done: a claim stays good after the deadline only until the payer releases the lock.
///  - a claim below a voucher's ceiling: the claim in a row is not signed. Whoever holds a voucher may claim all of it
///    for the payee, so a payer must not sign a ceiling that it is not ready to pay.
///  - a clean slate after a release: a lock keeps what was claimed, and vouchers above that are good again as soon as
///    the lock is topped up. A payer that wants a fresh start takes another salt.
///  - contract wallets: signatures checked here are secp256k1 keys only. A contract payer calls `authorize` itself
///    and names a key as `signer`; a contract payee calls `releaseByPayee` itself.
/// @dev No constructor and no immutables: the runtime code also works when placed at an address directly.
contract Z402Escrow is IZ402Escrow {
    // ------------------------------------------------------------------ constants

    /// @inheritdoc IZ402Escrow
    uint256 public constant MIN_LOCK_SECS = 900;
    /// @inheritdoc IZ402Escrow
    uint256 public constant MAX_LOCK_SECS = 366 days;

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant NAME_HASH = keccak256("z402 Escrow");
    bytes32 private constant VERSION_HASH = keccak256("1");
    bytes32 private constant LOCK_TYPEHASH =
        keccak256("Lock(address payer,address signer,address payee,address token,uint96 salt)");
    bytes32 private constant VOUCHER_TYPEHASH = keccak256("Voucher(bytes32 channelId,uint128 maxClaimableAmount)");
    bytes32 private constant AUTHORIZE_TYPEHASH =
        keccak256("Authorize(bytes32 lockId,uint128 amount,uint40 deadline,uint256 nonce)");
    bytes32 private constant RELEASE_TYPEHASH = keccak256("Release(bytes32 lockId,uint128 amount,uint256 nonce)");

    /// @dev Half the order of secp256k1. A larger s is the mirror image of a signature and is refused.
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    uint256 private constant ROW_BYTES = 148;
    uint256 private constant OPENING_ROW_BYTES = 48;

    // ------------------------------------------------------------------ storage

    mapping(address payer => mapping(address token => uint256)) private _vaults;
    /// @dev One slot each, from the lowest bit: authorized 104, claimed 104, deadline 40. settleBatch and _fund rely on it.
    mapping(bytes32 id => LockState) private _locks;
    mapping(address signer => mapping(uint256 nonce => bool)) private _nonces;

    bool private transient _entered;

    /// @dev A token may call back: every function that changes state shares one guard.
    modifier nonReentrant() {
        if (_entered) revert Reentered();
        _entered = true;
        _;
        _entered = false;
    }

    // ------------------------------------------------------------------ into the vault

    /// @inheritdoc IZ402Escrow
    function deposit(address token, uint256 amount) external nonReentrant {
        _credit(msg.sender, token, amount);
        uint256 before = _balance(token);
        _call(token, abi.encodeWithSelector(0x23b872dd, msg.sender, address(this), amount));
        _requireExact(token, before, amount);
    }

    /// @inheritdoc IZ402Escrow
    function depositWithAuthorization(
        address payer,
        address token,
        uint256 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 salt,
        bytes calldata signature
    ) external nonReentrant {
        if (payer == address(0)) revert ZeroAddress();
        _credit(payer, token, amount);
        _receive3009(payer, token, amount, validAfter, validBefore, keccak256(abi.encode(payer, salt)), signature);
    }

    // ------------------------------------------------------------------ into a lock

    /// @inheritdoc IZ402Escrow
    function open3009(
        Lock calldata lock,
        uint256 amount,
        uint40 deadline,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 salt,
        bytes calldata signature
    ) external nonReentrant returns (bytes32 id) {
        id = _lockId(lock);
        _fund(lock, id, amount, deadline);
        emit Deposited(lock.payer, lock.token, amount);
        _receive3009(
            lock.payer, lock.token, amount, validAfter, validBefore, keccak256(abi.encode(id, deadline, salt)), signature
        );
    }

    /// @inheritdoc IZ402Escrow
    function authorize(Lock calldata lock, uint256 amount, uint40 deadline) external nonReentrant returns (bytes32 id) {
        if (lock.payer != msg.sender) revert NotPayer();
        id = _lockId(lock);
        _fund(lock, id, amount, deadline);
        _debit(lock.payer, lock.token, amount);
    }

    /// @inheritdoc IZ402Escrow
    function authorizeMany(Lock[] calldata locks, uint256[] calldata amounts, uint40[] calldata deadlines)
        external
        nonReentrant
    {
        uint256 n = locks.length;
        if (amounts.length != n || deadlines.length != n) revert LengthMismatch();
        bytes32 separator = _domainSeparator();
        // Neighbours with the same token are taken from the vault in one write.
        address token;
        uint256 due;
        for (uint256 i; i < n; ++i) {
            Lock calldata lock = locks[i];
            if (lock.payer != msg.sender) revert NotPayer();
            if (lock.token != token) {
                _debit(msg.sender, token, due);
                token = lock.token;
                due = 0;
            }
            uint256 amount = amounts[i];
            _fund(lock, _typed(separator, _lockHash(lock)), amount, deadlines[i]);
            unchecked {
                // Each amount is below 2^104 once it is funded.
                due += amount;
            }
        }
        _debit(msg.sender, token, due);
    }

    /// @inheritdoc IZ402Escrow
    /// @dev What is the same in every lock is sent once, and a row is two words of calldata instead of seven: calldata
    ///  is the largest cost of a lock that storage and its event do not force.
    function authorizeRows(address token, address signer, uint40 deadline, bytes calldata rows) external nonReentrant {
        if (rows.length == 0 || rows.length % OPENING_ROW_BYTES != 0) revert BadRows();
        bytes32 separator = _domainSeparator();
        uint256 due;
        for (uint256 at; at < rows.length; at += OPENING_ROW_BYTES) {
            // The last row is read past its end into what follows it in calldata; the shift drops that.
            uint256 head;
            uint256 amount;
            assembly ("memory-safe") {
                head := calldataload(add(rows.offset, at))
                amount := shr(128, calldataload(add(rows.offset, add(at, 32))))
            }
            Lock memory lock = Lock(msg.sender, signer, address(uint160(head >> 96)), token, uint96(head));
            bytes32 id = _typed(separator, keccak256(abi.encode(LOCK_TYPEHASH, lock)));
            _fund(lock, id, amount, deadline);
            unchecked {
                // Each amount is below 2^104 once it is funded.
                due += amount;
            }
        }
        _debit(msg.sender, token, due);
    }

    /// @inheritdoc IZ402Escrow
    function authorizeBySig(
        Lock calldata lock,
        uint256 amount,
        uint40 deadline,
        uint256 nonce,
        bytes calldata signature
    ) external nonReentrant returns (bytes32 id) {
        bytes32 separator = _domainSeparator();
        id = _typed(separator, _lockHash(lock));
        // The bounds of `amount` are checked in _fund, so the uint128 of the signed struct cannot be overrun.
        bytes32 digest = _typed(separator, keccak256(abi.encode(AUTHORIZE_TYPEHASH, id, amount, deadline, nonce)));
        _useSignature(lock.payer, nonce, digest, signature);
        _fund(lock, id, amount, deadline);
        _debit(lock.payer, lock.token, amount);
    }

    // ------------------------------------------------------------------ to the payee

    /// @inheritdoc IZ402Escrow
    /// @dev A row is checked in this order: skipped if there is nothing to pay, then ceiling, then authorized amount,
    ///  then signature. The cost of a row is mostly its calldata, one cold slot and one ecrecover; the loop adds only
    ///  hashing, so it is written to reuse one piece of memory whose constant words are filled in once.
    function settleBatch(address payee, address token, bytes calldata rows)
        external
        nonReentrant
        returns (uint256 paid)
    {
        if (rows.length == 0 || rows.length % ROW_BYTES != 0) revert BadRows();
        bytes32 separator = _domainSeparator();
        bytes32 lockTypehash = LOCK_TYPEHASH;
        bytes32 voucherTypehash = VOUCHER_TYPEHASH;
        uint256 settled;
        uint256 at;
        uint256 fault;
        assembly ("memory-safe") {
            // Memory past the free pointer, all constant but the fields marked *:
            //   m + 0x000  LOCK_TYPEHASH, payer*, signer*, payee, token, salt*          (0xc0)
            //   m + 0x0c0  VOUCHER_TYPEHASH, lockId*, ceiling*                          (0x60)
            //   m + 0x120  ..19 01, separator, struct hash*                             (0x60)
            //   m + 0x180  digest*, v*, r*, s*                                          (0x80)
            let m := mload(0x40)
            mstore(m, lockTypehash)
            mstore(add(m, 0x60), payee)
            mstore(add(m, 0x80), token)
            mstore(add(m, 0xc0), voucherTypehash)
            mstore(add(m, 0x120), 0x1901)
            mstore(add(m, 0x140), separator)
            mstore(0x20, _locks.slot)

            let end := add(rows.offset, rows.length)
            for { at := rows.offset } lt(at, end) { at := add(at, ROW_BYTES) } {
                let signer := shr(96, calldataload(add(at, 20)))
                mstore(add(m, 0x20), shr(96, calldataload(at)))
                mstore(add(m, 0x40), signer)
                mstore(add(m, 0xa0), shr(160, calldataload(add(at, 40))))
                mstore(add(m, 0x160), keccak256(m, 0xc0))
                let id := keccak256(add(m, 0x13e), 0x42)

                mstore(0x00, id)
                let slot := keccak256(0x00, 0x40)
                let state := sload(slot)
                let authorized := and(state, 0xffffffffffffffffffffffffff)
                let claimed := and(shr(104, state), 0xffffffffffffffffffffffffff)
                let amounts := calldataload(add(at, 52))
                let claim := and(amounts, 0xffffffffffffffffffffffffffffffff)

                // Nothing new to claim, or nothing left to pay it from.
                if or(iszero(gt(claim, claimed)), eq(authorized, claimed)) { continue }

                let ceiling := shr(128, amounts)
                if gt(claim, ceiling) {
                    fault := 1
                    break
                }
                if gt(claim, authorized) {
                    fault := 2
                    break
                }

                mstore(add(m, 0xe0), id)
                mstore(add(m, 0x100), ceiling)
                mstore(add(m, 0x160), keccak256(add(m, 0xc0), 0x60))
                mstore(add(m, 0x180), keccak256(add(m, 0x13e), 0x42))
                let vs := calldataload(add(at, 116))
                let s := shr(1, shl(1, vs))
                mstore(add(m, 0x1a0), add(27, shr(255, vs)))
                mstore(add(m, 0x1c0), calldataload(add(at, 84)))
                mstore(add(m, 0x1e0), s)
                // ecrecover writes nothing when it fails, so the word it writes to starts as zero. A zero signer
                // never gets here: no lock with one can be funded.
                mstore(0x00, 0)
                pop(staticcall(gas(), 1, add(m, 0x180), 0x80, 0x00, 0x20))
                if or(gt(s, HALF_ORDER), iszero(eq(mload(0x00), signer))) {
                    fault := 3
                    break
                }

                // claimed < claim <= authorized < 2^104: the sum stays inside its field, and `paid` inside a word.
                let delta := sub(claim, claimed)
                sstore(slot, add(state, shl(104, delta)))
                paid := add(paid, delta)
                settled := add(settled, 1)
            }
        }
        if (fault != 0) {
            uint256 row;
            assembly ("memory-safe") {
                row := div(sub(at, rows.offset), ROW_BYTES)
            }
            if (fault == 1) revert ClaimExceedsCeiling(row);
            if (fault == 2) revert ClaimExceedsAuthorized(row);
            revert BadVoucher(row);
        }
        if (paid != 0) {
            emit Settled(payee, token, paid, settled);
            _pay(token, payee, paid);
        }
    }

    // ------------------------------------------------------------------ back to the payer

    /// @inheritdoc IZ402Escrow
    function release(Lock calldata lock) external nonReentrant returns (uint256 amount) {
        if (lock.payer != msg.sender) revert NotPayer();
        bytes32 id = _lockId(lock);
        LockState storage state = _locks[id];
        if (state.authorized == state.claimed) revert NothingLocked();
        if (block.timestamp <= state.deadline) revert DeadlineNotReached();
        amount = _release(lock, id, type(uint256).max);
    }

    /// @inheritdoc IZ402Escrow
    function releaseByPayee(Lock calldata lock, uint256 amount) external nonReentrant returns (uint256 released) {
        if (lock.payee != msg.sender) revert NotPayee();
        released = _release(lock, _lockId(lock), amount);
    }

    /// @inheritdoc IZ402Escrow
    function releaseBySig(Lock calldata lock, uint256 amount, uint256 nonce, bytes calldata signature)
        external
        nonReentrant
        returns (uint256 released)
    {
        // The signed struct says uint128.
        if (amount > type(uint128).max) revert AmountTooLarge();
        bytes32 separator = _domainSeparator();
        bytes32 id = _typed(separator, _lockHash(lock));
        bytes32 digest = _typed(separator, keccak256(abi.encode(RELEASE_TYPEHASH, id, amount, nonce)));
        _useSignature(lock.payee, nonce, digest, signature);
        released = _release(lock, id, amount);
    }

    /// @inheritdoc IZ402Escrow
    function withdraw(address token, uint256 amount, address to) external nonReentrant {
        if (to == address(0)) revert ZeroAddress();
        if (amount == 0) revert ZeroAmount();
        _debit(msg.sender, token, amount);
        emit Withdrawn(msg.sender, token, to, amount);
        _pay(token, to, amount);
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc IZ402Escrow
    function vaultOf(address payer, address token) external view returns (uint256) {
        return _vaults[payer][token];
    }

    /// @inheritdoc IZ402Escrow
    function lockId(Lock calldata lock) external view returns (bytes32) {
        return _lockId(lock);
    }

    /// @inheritdoc IZ402Escrow
    function stateOf(bytes32 id) external view returns (LockState memory) {
        return _locks[id];
    }

    /// @inheritdoc IZ402Escrow
    function statesOf(bytes32[] calldata ids) external view returns (LockState[] memory states) {
        states = new LockState[](ids.length);
        for (uint256 i; i < ids.length; ++i) {
            states[i] = _locks[ids[i]];
        }
    }

    /// @inheritdoc IZ402Escrow
    function voucherDigest(bytes32 id, uint128 ceiling) external view returns (bytes32) {
        return _typed(_domainSeparator(), keccak256(abi.encode(VOUCHER_TYPEHASH, id, ceiling)));
    }

    /// @inheritdoc IZ402Escrow
    function nonceUsed(address signer, uint256 nonce) external view returns (bool) {
        return _nonces[signer][nonce];
    }

    /// @inheritdoc IZ402Escrow
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparator();
    }

    // ------------------------------------------------------------------ books

    /// @dev Adds to a vault before the token is called; a pull that does not bring exactly `amount` reverts it all.
    function _credit(address payer, address token, uint256 amount) private {
        if (token == address(0)) revert ZeroAddress();
        _requireAmount(amount);
        _vaults[payer][token] += amount;
        emit Deposited(payer, token, amount);
    }

    function _debit(address payer, address token, uint256 amount) private {
        if (amount == 0) return;
        uint256 held = _vaults[payer][token];
        if (held < amount) revert InsufficientVault();
        unchecked {
            _vaults[payer][token] = held - amount;
        }
    }

    /// @dev Adds to a lock, new or not. The caller takes `amount` from a vault or from the token.
    function _fund(Lock memory lock, bytes32 id, uint256 amount, uint40 deadline) private {
        if (
            lock.payer == address(0) || lock.signer == address(0) || lock.payee == address(0) || lock.token == address(0)
        ) revert ZeroAddress();
        _requireAmount(amount);

        // The slot is taken apart and put together by hand: one read and one write.
        LockState storage state = _locks[id];
        uint256 word;
        assembly ("memory-safe") {
            word := sload(state.slot)
        }
        uint256 authorized = uint104(word);
        uint256 claimed = uint104(word >> 104);
        uint256 until = word >> 208;
        if (deadline < until) revert DeadlineShortened();
        // A deadline of zero means that the lock is new; zero is then no deadline to keep.
        if (deadline != until || until == 0) {
            if (deadline < block.timestamp + MIN_LOCK_SECS) revert DeadlineTooSoon();
            if (deadline > block.timestamp + MAX_LOCK_SECS) revert DeadlineTooFar();
        }
        unchecked {
            // Two numbers below 2^104.
            authorized += amount;
        }
        if (authorized > type(uint104).max) revert AmountTooLarge();

        word = authorized | (claimed << 104) | (uint256(deadline) << 208);
        assembly ("memory-safe") {
            sstore(state.slot, word)
        }
        emit Authorized(
            id,
            lock.payer,
            lock.payee,
            lock.signer,
            lock.token,
            lock.salt,
            uint104(authorized),
            uint104(claimed),
            deadline
        );
    }

    /// @dev Takes up to `amount` of what is left out of a lock and pays it to the lock's payer.
    function _release(Lock calldata lock, bytes32 id, uint256 amount) private returns (uint256 released) {
        if (amount == 0) revert ZeroAmount();
        LockState storage state = _locks[id];
        uint256 authorized = state.authorized;
        uint256 left = authorized - state.claimed;
        if (left == 0) revert NothingLocked();
        released = amount < left ? amount : left;
        // released <= left <= authorized < 2^104.
        unchecked {
            state.authorized = uint104(authorized - released);
        }
        emit Released(id, lock.payer, lock.payee, released);
        _pay(lock.token, lock.payer, released);
    }

    function _requireAmount(uint256 amount) private pure {
        if (amount == 0) revert ZeroAmount();
        if (amount > type(uint104).max) revert AmountTooLarge();
    }

    // ------------------------------------------------------------------ tokens

    function _pay(address token, address to, uint256 amount) private {
        _call(token, abi.encodeWithSelector(0xa9059cbb, to, amount));
    }

    /// @dev `receiveWithAuthorization` and not `transferWithAuthorization`: only this contract can use the signature,
    ///  so nobody can spend it without the deposit being booked.
    function _receive3009(
        address payer,
        address token,
        uint256 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) private {
        uint256 before = _balance(token);
        _call(
            token,
            abi.encodeWithSignature(
                "receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)",
                payer,
                address(this),
                amount,
                validAfter,
                validBefore,
                nonce,
                signature
            )
        );
        _requireExact(token, before, amount);
    }

    /// @dev What arrived must be what was booked. Also stops a token that accepts any call and moves nothing.
    function _requireExact(address token, uint256 before, uint256 amount) private view {
        uint256 afterwards = _balance(token);
        if (afterwards < before || afterwards - before != amount) revert InexactTransfer();
    }

    function _balance(address token) private view returns (uint256 amount) {
        bool ok;
        assembly ("memory-safe") {
            mstore(0x00, shl(224, 0x70a08231))
            mstore(0x04, address())
            ok := and(gt(returndatasize(), 31), staticcall(gas(), token, 0x00, 0x24, 0x00, 0x20))
            amount := mload(0x00)
        }
        if (!ok) revert TransferFailed();
    }

    /// @dev Succeeds if the call does and either returns nothing from an address with code, or returns true. At most
    ///  one word of what a token returns is copied, so a token cannot make this contract pay for more.
    function _call(address token, bytes memory data) private {
        bool ok;
        assembly ("memory-safe") {
            mstore(0x00, 0)
            ok := call(gas(), token, 0, add(data, 0x20), mload(data), 0x00, 0x20)
            switch returndatasize()
            case 0 { ok := and(ok, gt(extcodesize(token), 0)) }
            default { ok := and(ok, and(gt(returndatasize(), 31), eq(mload(0x00), 1))) }
        }
        if (!ok) revert TransferFailed();
    }

    // ------------------------------------------------------------------ hashes and signatures

    /// @dev Computed at each call: a fork with a new chain id, or this code at another address, is another domain.
    function _domainSeparator() private view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, block.chainid, address(this)));
    }

    function _typed(bytes32 separator, bytes32 structHash) private pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            let m := mload(0x40)
            mstore(m, 0x1901)
            mstore(add(m, 0x20), separator)
            mstore(add(m, 0x40), structHash)
            digest := keccak256(add(m, 0x1e), 0x42)
        }
    }

    /// @dev The five members as they lie in calldata. Members wider than their types would give another id; none such
    ///  can be funded, since each member's type is checked on the way into _fund.
    function _lockHash(Lock calldata lock) private pure returns (bytes32 hash) {
        bytes32 typehash = LOCK_TYPEHASH;
        assembly ("memory-safe") {
            let m := mload(0x40)
            mstore(m, typehash)
            calldatacopy(add(m, 0x20), lock, 0xa0)
            hash := keccak256(m, 0xc0)
        }
    }

    function _lockId(Lock calldata lock) private view returns (bytes32) {
        return _typed(_domainSeparator(), _lockHash(lock));
    }

    /// @dev Exactly 65 bytes r | s | v with v 27 or 28 and the lower s, so one digest has one accepted signature.
    ///  Nonces have no order: a signer may hand out many signatures and have them sent in any sequence. Both kinds
    ///  of signed call share one set per signer.
    function _useSignature(address signer, uint256 nonce, bytes32 digest, bytes calldata signature) private {
        if (_nonces[signer][nonce]) revert NonceUsed();
        if (signature.length != 65) revert BadSignature();
        bytes32 r = bytes32(signature[0:32]);
        bytes32 s = bytes32(signature[32:64]);
        uint8 v = uint8(signature[64]);
        if ((v != 27 && v != 28) || uint256(s) > HALF_ORDER) revert BadSignature();
        address recovered = ecrecover(digest, v, r, s);
        if (recovered == address(0) || recovered != signer) revert BadSignature();
        _nonces[signer][nonce] = true;
    }
}
