// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @notice !!! TEST TOKENS THAT MISBEHAVE ON PURPOSE. ANYBODY MAY MINT, BURN AND MOVE ANYTHING. !!!
/// @dev Each hostile trait is off until switched on, so that a test can first deposit in good order.
/// `receiveWithAuthorization` checks no signature: the tests are about the movement of tokens. No constructors: the
/// runtime code also works when placed at an address directly.
abstract contract HostileBase {
    uint8 public constant decimals = 6;
    uint256 public totalSupply;
    mapping(address holder => uint256) public balanceOf;
    mapping(address holder => mapping(address spender => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    function mint(address to, uint256 value) external {
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    /// @notice Takes tokens from anybody: what a rebase or a seizure looks like to the holder.
    function burn(address from, uint256 value) external {
        balanceOf[from] -= value;
        totalSupply -= value;
        emit Transfer(from, address(0), value);
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function receiveWithAuthorization(address from, address to, uint256 value, uint256, uint256, bytes32, bytes calldata)
        external
    {
        require(to == msg.sender, "caller must be the payee");
        _move(from, to, value);
    }

    function _spend(address from, uint256 value) internal {
        allowance[from][msg.sender] -= value;
    }

    function _move(address from, address to, uint256 value) internal virtual {
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
    }
}

/// @notice As HostileBase, with transfers that return true.
abstract contract HostileBool is HostileBase {
    function transfer(address to, uint256 value) external virtual returns (bool) {
        _move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external virtual returns (bool) {
        _spend(from, value);
        _move(from, to, value);
        return true;
    }
}

/// @notice Burns a part of every transfer.
contract FeeOnTransferToken is HostileBool {
    uint256 public feeBasisPoints;

    function setFee(uint256 basisPoints) external {
        feeBasisPoints = basisPoints;
    }

    function _move(address from, address to, uint256 value) internal override {
        uint256 fee = value * feeBasisPoints / 10_000;
        super._move(from, to, value - fee);
        if (fee > 0) {
            balanceOf[from] -= fee;
            totalSupply -= fee;
            emit Transfer(from, address(0), fee);
        }
    }
}

/// @notice Returns false instead of reverting, and moves nothing.
contract ReturnsFalseToken is HostileBool {
    bool public failing;

    function setFailing(bool on) external {
        failing = on;
    }

    function transfer(address to, uint256 value) external override returns (bool) {
        if (failing) return false;
        _move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external override returns (bool) {
        if (failing) return false;
        _spend(from, value);
        _move(from, to, value);
        return true;
    }
}

/// @notice Moves tokens and returns nothing, as some large old tokens do. Not hostile, only odd.
contract ReturnsNothingToken is HostileBase {
    function transfer(address to, uint256 value) external {
        _move(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external {
        _spend(from, value);
        _move(from, to, value);
    }
}

/// @notice Says that it moved tokens, and accepts any other call too, but moves nothing once switched on.
contract PhantomToken is HostileBool {
    bool public phantom;

    function setPhantom(bool on) external {
        phantom = on;
    }

    function _move(address from, address to, uint256 value) internal override {
        if (!phantom) super._move(from, to, value);
    }

    fallback() external {}
}

/// @notice Makes a call of the test's choice in the middle of every transfer, before or after the balances change.
contract ReentrantToken is HostileBool {
    address public target;
    bytes public data;
    bool public afterMove;
    /// @notice What came of the last call made.
    bool public lastOk;
    bytes public lastAnswer;
    uint256 public calls;

    function setCall(address target_, bytes calldata data_, bool afterMove_) external {
        target = target_;
        data = data_;
        afterMove = afterMove_;
    }

    function _move(address from, address to, uint256 value) internal override {
        if (!afterMove) _reenter();
        super._move(from, to, value);
        if (afterMove) _reenter();
    }

    function _reenter() private {
        if (target == address(0)) return;
        ++calls;
        (lastOk, lastAnswer) = target.call(data);
    }
}

/// @notice Refuses to move tokens from or to listed addresses.
contract BlacklistToken is HostileBool {
    mapping(address account => bool) public blocked;

    function setBlocked(address account, bool on) external {
        blocked[account] = on;
    }

    function _move(address from, address to, uint256 value) internal override {
        require(!blocked[from] && !blocked[to], "blocked");
        super._move(from, to, value);
    }
}

/// @notice Moves tokens as told and then answers with bytes of the test's choice.
contract AnswersToken is HostileBool {
    bool public odd;
    bytes public answer;

    function setAnswer(bool odd_, bytes calldata answer_) external {
        odd = odd_;
        answer = answer_;
    }

    function transfer(address to, uint256 value) external override returns (bool) {
        _move(msg.sender, to, value);
        return _answer();
    }

    function transferFrom(address from, address to, uint256 value) external override returns (bool) {
        _spend(from, value);
        _move(from, to, value);
        return _answer();
    }

    function _answer() private view returns (bool) {
        if (!odd) return true;
        bytes memory data = answer;
        assembly {
            return(add(data, 0x20), mload(data))
        }
    }
}
