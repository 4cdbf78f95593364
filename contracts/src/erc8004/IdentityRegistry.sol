// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

interface IERC721Receiver {
    function onERC721Received(address operator, address from, uint256 tokenId, bytes calldata data)
        external
        returns (bytes4);
}

/// @title EIP-8004 identity registry for development chains
/// @notice Written from the EIP to answer as the deployed v2.0.0 registries do: the same calls, events in the same
/// order, the same errors. It has no owner and cannot be upgraded, which the deployed ones have and can. UNAUDITED.
/// @dev No constructor and no immutables: the runtime code also works when placed at an address directly.
contract IdentityRegistry {
    struct MetadataEntry {
        string metadataKey;
        bytes metadataValue;
    }

    // ------------------------------------------------------------------ events and errors

    /// @notice ERC-721: an agent was made (from zero) or changed hands.
    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);
    /// @notice ERC-721: somebody may move one agent, or nobody any more (zero).
    event Approval(address indexed owner, address indexed approved, uint256 indexed tokenId);
    /// @notice ERC-721: somebody may act for all agents of an owner, or not any more.
    event ApprovalForAll(address indexed owner, address indexed operator, bool approved);
    /// @notice ERC-4906: what `tokenURI` names has changed.
    event MetadataUpdate(uint256 _tokenId);
    /// @notice A new agent.
    event Registered(uint256 indexed agentId, string agentURI, address indexed owner);
    /// @notice A value about an agent was set; the key is there twice, once to be searched for.
    event MetadataSet(
        uint256 indexed agentId, string indexed indexedMetadataKey, string metadataKey, bytes metadataValue
    );
    /// @notice The address of an agent's registration file has changed.
    event URIUpdated(uint256 indexed agentId, string newURI, address indexed updatedBy);

    // The names of ERC-6093, so that the selectors are those of the deployed registries.
    /// @notice The zero address owns nothing.
    error ERC721InvalidOwner(address owner);
    /// @notice There is no such agent.
    error ERC721NonexistentToken(uint256 tokenId);
    /// @notice The agent is not of the account that it is to be taken from.
    error ERC721IncorrectOwner(address sender, uint256 tokenId, address owner);
    /// @notice The receiver is zero, or a contract that does not take tokens.
    error ERC721InvalidReceiver(address receiver);
    /// @notice The caller may not act for this agent.
    error ERC721InsufficientApproval(address operator, uint256 tokenId);
    /// @notice The caller may not let others move this agent.
    error ERC721InvalidApprover(address approver);
    /// @notice The zero address can act for nobody.
    error ERC721InvalidOperator(address operator);

    // ------------------------------------------------------------------ storage and constants

    /// @notice ERC-721: the name of the collection.
    string public constant name = "AgentIdentity";
    /// @notice ERC-721: its short name.
    string public constant symbol = "AGENT";

    string private constant WALLET_KEY = "agentWallet";
    bytes32 private constant WALLET_KEY_HASH = keccak256("agentWallet");
    string private constant DOMAIN_NAME = "ERC8004IdentityRegistry";
    string private constant DOMAIN_VERSION = "1";
    bytes32 private constant WALLET_SET_TYPEHASH =
        keccak256("AgentWalletSet(uint256 agentId,address newWallet,address owner,uint256 deadline)");
    uint256 private constant MAX_DEADLINE_DELAY = 5 minutes;
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    uint256 private _nextId;
    mapping(uint256 id => address) private _owners;
    mapping(address owner => uint256) private _balances;
    mapping(uint256 id => address) private _approved;
    mapping(address owner => mapping(address operator => bool)) private _operators;
    mapping(uint256 id => string) private _uris;
    mapping(uint256 id => mapping(string key => bytes)) private _metadata;

    /// @notice Does nothing; it is here because the deployed registries have it in their setup.
    function initialize() external pure {}

    // ------------------------------------------------------------------ registering

    /// @notice Makes an agent of the caller without a registration file yet.
    function register() external returns (uint256 agentId) {
        agentId = _mintAgent();
        emit Registered(agentId, "", msg.sender);
        _emitWallet(agentId, abi.encodePacked(msg.sender));
    }

    /// @notice Makes an agent of the caller with the address of its registration file.
    function register(string memory agentURI) external returns (uint256 agentId) {
        agentId = _mintAgent();
        _setURI(agentId, agentURI);
        emit Registered(agentId, agentURI, msg.sender);
        _emitWallet(agentId, abi.encodePacked(msg.sender));
    }

    /// @notice The same with values about it. The key `agentWallet` is refused: it needs the wallet's consent.
    function register(string memory agentURI, MetadataEntry[] memory metadata) external returns (uint256 agentId) {
        agentId = _mintAgent();
        _setURI(agentId, agentURI);
        emit Registered(agentId, agentURI, msg.sender);
        _emitWallet(agentId, abi.encodePacked(msg.sender));
        for (uint256 i; i < metadata.length; ++i) {
            _setMetadata(agentId, metadata[i].metadataKey, metadata[i].metadataValue);
        }
    }

    /// @notice Changes the address of the registration file. For the owner and those it approved.
    function setAgentURI(uint256 agentId, string calldata newURI) external {
        _requireAuthorized(agentId);
        _setURI(agentId, newURI);
        emit URIUpdated(agentId, newURI, msg.sender);
    }

    // ------------------------------------------------------------------ metadata and wallet

    /// @notice Sets a value about an agent. For the owner and those it approved; not for the key `agentWallet`.
    function setMetadata(uint256 agentId, string memory metadataKey, bytes memory metadataValue) external {
        _requireAuthorized(agentId);
        _setMetadata(agentId, metadataKey, metadataValue);
    }

    /// @notice Empty for an unknown agent or key.
    function getMetadata(uint256 agentId, string memory metadataKey) external view returns (bytes memory) {
        return _metadata[agentId][metadataKey];
    }

    /// @notice Sent by the owner or an operator; `signature` is the new wallet's consent, good for five minutes.
    /// @dev There is no nonce: within its window the same consent may be used again.
    function setAgentWallet(uint256 agentId, address newWallet, uint256 deadline, bytes calldata signature) external {
        address owner = _requireAuthorized(agentId);
        require(newWallet != address(0), "bad wallet");
        require(block.timestamp <= deadline, "expired");
        require(deadline <= block.timestamp + MAX_DEADLINE_DELAY, "deadline too far");
        bytes32 structHash = keccak256(abi.encode(WALLET_SET_TYPEHASH, agentId, newWallet, owner, deadline));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", _domainSeparator(), structHash));
        require(_signedBy(newWallet, digest, signature), "invalid wallet sig");
        _setWallet(agentId, abi.encodePacked(newWallet));
    }

    /// @notice Takes the wallet of an agent away. For the owner and those it approved.
    function unsetAgentWallet(uint256 agentId) external {
        _requireAuthorized(agentId);
        _setWallet(agentId, "");
    }

    /// @notice Zero for an unknown agent or one without a wallet.
    function getAgentWallet(uint256 agentId) external view returns (address) {
        // Either 20 bytes or none; bytes20 of none is zero.
        return address(bytes20(_metadata[agentId][WALLET_KEY]));
    }

    /// @notice Whether somebody owns the agent or may act for it. Reverts for an unknown agent.
    function isAuthorizedOrOwner(address spender, uint256 agentId) external view returns (bool) {
        return _isAuthorized(ownerOf(agentId), spender, agentId);
    }

    /// @notice The version of the deployed registries that this one behaves like.
    function getVersion() external pure returns (string memory) {
        return "2.0.0";
    }

    /// @notice ERC-5267.
    function eip712Domain()
        external
        view
        returns (
            bytes1 fields,
            string memory name_,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        )
    {
        return (hex"0f", DOMAIN_NAME, DOMAIN_VERSION, block.chainid, address(this), bytes32(0), new uint256[](0));
    }

    // ------------------------------------------------------------------ ERC-721

    /// @notice ERC-165.
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == 0x01ffc9a7 // ERC-165
            || interfaceId == 0x80ac58cd // ERC-721
            || interfaceId == 0x5b5e139f // ERC-721 metadata
            || interfaceId == 0x49064906; // ERC-4906
    }

    /// @notice ERC-721: how many agents an account owns.
    function balanceOf(address owner) external view returns (uint256) {
        if (owner == address(0)) revert ERC721InvalidOwner(address(0));
        return _balances[owner];
    }

    /// @notice ERC-721: who owns an agent. Reverts for an unknown one.
    function ownerOf(uint256 tokenId) public view returns (address owner) {
        owner = _owners[tokenId];
        if (owner == address(0)) revert ERC721NonexistentToken(tokenId);
    }

    /// @notice ERC-721: the address of an agent's registration file.
    function tokenURI(uint256 tokenId) external view returns (string memory) {
        ownerOf(tokenId);
        return _uris[tokenId];
    }

    /// @notice ERC-721: who else may move this agent; zero for nobody.
    function getApproved(uint256 tokenId) external view returns (address) {
        ownerOf(tokenId);
        return _approved[tokenId];
    }

    /// @notice ERC-721: whether somebody may act for all agents of an owner.
    function isApprovedForAll(address owner, address operator) external view returns (bool) {
        return _operators[owner][operator];
    }

    /// @notice ERC-721: lets somebody move one agent. For its owner and those who act for all its agents.
    function approve(address to, uint256 tokenId) external {
        address owner = ownerOf(tokenId);
        if (msg.sender != owner && !_operators[owner][msg.sender]) revert ERC721InvalidApprover(msg.sender);
        _approved[tokenId] = to;
        emit Approval(owner, to, tokenId);
    }

    /// @notice ERC-721: lets somebody act for all agents of the caller, or not any more.
    function setApprovalForAll(address operator, bool approved) external {
        if (operator == address(0)) revert ERC721InvalidOperator(address(0));
        _operators[msg.sender][operator] = approved;
        emit ApprovalForAll(msg.sender, operator, approved);
    }

    /// @notice Clears the agent's wallet: the new owner has not agreed to be paid at the old one.
    function transferFrom(address from, address to, uint256 tokenId) public {
        if (to == address(0)) revert ERC721InvalidReceiver(address(0));
        address owner = ownerOf(tokenId);
        if (!_isAuthorized(owner, msg.sender, tokenId)) revert ERC721InsufficientApproval(msg.sender, tokenId);
        if (owner != from) revert ERC721IncorrectOwner(from, tokenId, owner);
        _setWallet(tokenId, "");
        delete _approved[tokenId];
        unchecked {
            _balances[from] -= 1;
            _balances[to] += 1;
        }
        _owners[tokenId] = to;
        emit Transfer(from, to, tokenId);
    }

    /// @notice ERC-721: `transferFrom` to somebody who takes tokens.
    function safeTransferFrom(address from, address to, uint256 tokenId) external {
        safeTransferFrom(from, to, tokenId, "");
    }

    /// @notice ERC-721: the same with bytes for the receiver.
    function safeTransferFrom(address from, address to, uint256 tokenId, bytes memory data) public {
        transferFrom(from, to, tokenId);
        _requireReceiver(from, to, tokenId, data);
    }

    // ------------------------------------------------------------------ inside

    /// @dev The receiver's callback runs after Transfer and before every other event of a registration.
    function _mintAgent() private returns (uint256 agentId) {
        agentId = _nextId++;
        _metadata[agentId][WALLET_KEY] = abi.encodePacked(msg.sender);
        unchecked {
            _balances[msg.sender] += 1;
        }
        _owners[agentId] = msg.sender;
        emit Transfer(address(0), msg.sender, agentId);
        _requireReceiver(address(0), msg.sender, agentId, "");
    }

    function _setURI(uint256 agentId, string memory uri) private {
        _uris[agentId] = uri;
        emit MetadataUpdate(agentId);
    }

    function _setMetadata(uint256 agentId, string memory key, bytes memory value) private {
        require(keccak256(bytes(key)) != WALLET_KEY_HASH, "reserved key");
        _metadata[agentId][key] = value;
        emit MetadataSet(agentId, key, key, value);
    }

    function _setWallet(uint256 agentId, bytes memory wallet) private {
        _metadata[agentId][WALLET_KEY] = wallet;
        _emitWallet(agentId, wallet);
    }

    function _emitWallet(uint256 agentId, bytes memory wallet) private {
        emit MetadataSet(agentId, WALLET_KEY, WALLET_KEY, wallet);
    }

    function _isAuthorized(address owner, address spender, uint256 tokenId) private view returns (bool) {
        return
            spender != address(0)
                && (spender == owner || _operators[owner][spender] || _approved[tokenId] == spender);
    }

    function _requireAuthorized(uint256 agentId) private view returns (address owner) {
        owner = ownerOf(agentId);
        require(_isAuthorized(owner, msg.sender, agentId), "Not authorized");
    }

    function _requireReceiver(address from, address to, uint256 tokenId, bytes memory data) private {
        if (to.code.length == 0) return;
        try IERC721Receiver(to).onERC721Received(msg.sender, from, tokenId, data) returns (bytes4 answer) {
            if (answer != IERC721Receiver.onERC721Received.selector) revert ERC721InvalidReceiver(to);
        } catch (bytes memory reason) {
            if (reason.length == 0) revert ERC721InvalidReceiver(to);
            assembly ("memory-safe") {
                revert(add(reason, 0x20), mload(reason))
            }
        }
    }

    function _domainSeparator() private view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(DOMAIN_NAME)),
                keccak256(bytes(DOMAIN_VERSION)),
                block.chainid,
                address(this)
            )
        );
    }

    /// @dev The key first, also for an address with code (an account may delegate to code and keep its key), then
    ///  ERC-1271.
    function _signedBy(address signer, bytes32 digest, bytes calldata signature) private view returns (bool) {
        if (signature.length == 65) {
            bytes32 r = bytes32(signature[0:32]);
            bytes32 s = bytes32(signature[32:64]);
            if (uint256(s) <= HALF_ORDER && ecrecover(digest, uint8(signature[64]), r, s) == signer) return true;
        }
        (bool ok, bytes memory answer) = signer.staticcall(abi.encodeWithSelector(0x1626ba7e, digest, signature));
        return ok && answer.length >= 32 && bytes32(answer) == bytes32(bytes4(0x1626ba7e));
    }
}
