// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

interface IIdentity {
    function isAuthorizedOrOwner(address spender, uint256 agentId) external view returns (bool);
}

/// @title EIP-8004 reputation registry for development chains
/// @notice Written from the EIP to answer as the deployed v2.0.0 registries do, with the peculiarities of
/// `getSummary`: it is no sound score. It has no owner and cannot be upgraded, which the deployed ones have and can.
/// UNAUDITED.
/// @dev No constructor and no immutables: the runtime code also works when placed at an address directly. Whoever
/// calls `initialize` first decides which identity registry it asks.
contract ReputationRegistry {
    struct Feedback {
        int128 value;
        uint8 valueDecimals;
        bool isRevoked;
        string tag1;
        string tag2;
    }

    struct Responses {
        address[] responders;
        mapping(address responder => uint64) counts;
    }

    /// @dev What readAllFeedback returns, gathered in one place to keep the stack shallow.
    struct Page {
        address[] clients;
        uint64[] indexes;
        int128[] values;
        uint8[] decimals;
        string[] tag1s;
        string[] tag2s;
        bool[] revoked;
    }

    /// @notice The registry was set up.
    event Initialized(uint64 version);
    /// @notice A client rated an agent. What is not kept in storage is only here.
    event NewFeedback(
        uint256 indexed agentId,
        address indexed clientAddress,
        uint64 feedbackIndex,
        int128 value,
        uint8 valueDecimals,
        string indexed indexedTag1,
        string tag1,
        string tag2,
        string endpoint,
        string feedbackURI,
        bytes32 feedbackHash
    );
    /// @notice A client took a rating back.
    event FeedbackRevoked(uint256 indexed agentId, address indexed clientAddress, uint64 indexed feedbackIndex);
    /// @notice Somebody answered a rating.
    event ResponseAppended(
        uint256 indexed agentId,
        address indexed clientAddress,
        uint64 feedbackIndex,
        address indexed responder,
        string responseURI,
        bytes32 responseHash
    );

    /// @notice It was set up before.
    error InvalidInitialization();

    uint8 private constant MAX_DECIMALS = 18;
    int128 private constant MAX_ABS_VALUE = 1e38;

    address private _identityRegistry;
    mapping(uint256 agentId => address[]) private _clients;
    mapping(uint256 agentId => mapping(address client => uint64)) private _lastIndex;
    mapping(uint256 agentId => mapping(address client => mapping(uint64 index => Feedback))) private _feedback;
    mapping(uint256 agentId => mapping(address client => mapping(uint64 index => Responses))) private _responses;

    /// @notice Names the identity registry, once.
    function initialize(address identityRegistry_) external {
        if (_identityRegistry != address(0)) revert InvalidInitialization();
        require(identityRegistry_ != address(0), "bad identity");
        _identityRegistry = identityRegistry_;
        emit Initialized(2);
    }

    /// @notice The registry whose agents are rated here.
    function getIdentityRegistry() external view returns (address) {
        return _identityRegistry;
    }

    /// @notice The version of the deployed registries that this one behaves like.
    function getVersion() external pure returns (string memory) {
        return "2.0.0";
    }

    // ------------------------------------------------------------------ writing

    /// @notice Anyone may rate an agent except its owner and those the owner has approved.
    /// @dev Endpoint, URI and hash are kept in the event only.
    function giveFeedback(
        uint256 agentId,
        int128 value,
        uint8 valueDecimals,
        string calldata tag1,
        string calldata tag2,
        string calldata endpoint,
        string calldata feedbackURI,
        bytes32 feedbackHash
    ) external {
        require(valueDecimals <= MAX_DECIMALS, "too many decimals");
        require(value >= -MAX_ABS_VALUE && value <= MAX_ABS_VALUE, "value too large");
        // Reverts with ERC721NonexistentToken for an unknown agent.
        require(!IIdentity(_identityRegistry).isAuthorizedOrOwner(msg.sender, agentId), "Self-feedback not allowed");

        uint64 index = ++_lastIndex[agentId][msg.sender];
        if (index == 1) _clients[agentId].push(msg.sender);
        Feedback storage feedback = _feedback[agentId][msg.sender][index];
        feedback.value = value;
        feedback.valueDecimals = valueDecimals;
        feedback.tag1 = tag1;
        feedback.tag2 = tag2;
        emit NewFeedback(
            agentId, msg.sender, index, value, valueDecimals, tag1, tag1, tag2, endpoint, feedbackURI, feedbackHash
        );
    }

    /// @notice Takes one of the caller's own ratings back, once.
    function revokeFeedback(uint256 agentId, uint64 feedbackIndex) external {
        _requireIndex(agentId, msg.sender, feedbackIndex);
        Feedback storage feedback = _feedback[agentId][msg.sender][feedbackIndex];
        require(!feedback.isRevoked, "Already revoked");
        feedback.isRevoked = true;
        emit FeedbackRevoked(agentId, msg.sender, feedbackIndex);
    }

    /// @notice Anyone may respond to any feedback.
    function appendResponse(
        uint256 agentId,
        address clientAddress,
        uint64 feedbackIndex,
        string calldata responseURI,
        bytes32 responseHash
    ) external {
        _requireIndex(agentId, clientAddress, feedbackIndex);
        require(bytes(responseURI).length > 0, "Empty URI");
        Responses storage responses = _responses[agentId][clientAddress][feedbackIndex];
        if (++responses.counts[msg.sender] == 1) responses.responders.push(msg.sender);
        emit ResponseAppended(agentId, clientAddress, feedbackIndex, msg.sender, responseURI, responseHash);
    }

    // ------------------------------------------------------------------ reading

    /// @notice Mean of the named clients' feedback that is not revoked; an empty tag matches all.
    /// @dev Kept as the deployed registries have it: the mean is taken with 18 decimals and cut, toward zero, to the
    ///  most frequent number of decimals (the smaller one of a tie); the cast to int128 is not checked; a client
    ///  named twice counts twice.
    function getSummary(uint256 agentId, address[] calldata clientAddresses, string calldata tag1, string calldata tag2)
        external
        view
        returns (uint64 count, int128 summaryValue, uint8 summaryValueDecimals)
    {
        require(clientAddresses.length > 0, "clientAddresses required");
        int256 sum;
        uint64[19] memory seen;
        for (uint256 i; i < clientAddresses.length; ++i) {
            uint64 last = _lastIndex[agentId][clientAddresses[i]];
            for (uint64 index = 1; index <= last; ++index) {
                Feedback storage feedback = _feedback[agentId][clientAddresses[i]][index];
                if (!_matches(feedback, tag1, tag2, false)) continue;
                uint8 decimals = feedback.valueDecimals;
                sum += int256(feedback.value) * int256(10 ** uint256(MAX_DECIMALS - decimals));
                ++seen[decimals];
                ++count;
            }
        }
        if (count == 0) return (0, 0, 0);
        for (uint8 decimals = 1; decimals <= MAX_DECIMALS; ++decimals) {
            if (seen[decimals] > seen[summaryValueDecimals]) summaryValueDecimals = decimals;
        }
        int256 mean = sum / int256(uint256(count));
        summaryValue = int128(mean / int256(10 ** uint256(MAX_DECIMALS - summaryValueDecimals)));
    }

    /// @notice One rating. Reverts if there is none of this index; indexes start at 1.
    function readFeedback(uint256 agentId, address clientAddress, uint64 feedbackIndex)
        external
        view
        returns (int128 value, uint8 valueDecimals, string memory tag1, string memory tag2, bool isRevoked)
    {
        _requireIndex(agentId, clientAddress, feedbackIndex);
        Feedback storage feedback = _feedback[agentId][clientAddress][feedbackIndex];
        return (feedback.value, feedback.valueDecimals, feedback.tag1, feedback.tag2, feedback.isRevoked);
    }

    /// @notice Feedback of the named clients, or of all if none is named; an empty tag matches all.
    function readAllFeedback(
        uint256 agentId,
        address[] calldata clientAddresses,
        string calldata tag1,
        string calldata tag2,
        bool includeRevoked
    )
        external
        view
        returns (
            address[] memory clients,
            uint64[] memory feedbackIndexes,
            int128[] memory values,
            uint8[] memory valueDecimals,
            string[] memory tag1s,
            string[] memory tag2s,
            bool[] memory revokedStatuses
        )
    {
        address[] memory asked = clientAddresses;
        if (asked.length == 0) asked = _clients[agentId];
        Page memory page = _page(agentId, asked, tag1, tag2, includeRevoked);
        return (page.clients, page.indexes, page.values, page.decimals, page.tag1s, page.tag2s, page.revoked);
    }

    /// @notice How many responses; a zero client means all clients and all their feedback, a zero index all feedback
    /// of the client, no responders all responders.
    function getResponseCount(
        uint256 agentId,
        address clientAddress,
        uint64 feedbackIndex,
        address[] calldata responders
    ) external view returns (uint64 count) {
        if (clientAddress == address(0)) {
            address[] memory clients = _clients[agentId];
            for (uint256 i; i < clients.length; ++i) {
                count += _countOfClient(agentId, clients[i], responders);
            }
        } else if (feedbackIndex == 0) {
            count = _countOfClient(agentId, clientAddress, responders);
        } else {
            count = _count(_responses[agentId][clientAddress][feedbackIndex], responders);
        }
    }

    /// @notice Who has ever rated the agent, in order of the first rating.
    function getClients(uint256 agentId) external view returns (address[] memory) {
        return _clients[agentId];
    }

    /// @notice How many times the client has rated the agent; its last index, since indexes start at 1.
    function getLastIndex(uint256 agentId, address clientAddress) external view returns (uint64) {
        return _lastIndex[agentId][clientAddress];
    }

    // ------------------------------------------------------------------ inside

    function _requireIndex(uint256 agentId, address client, uint64 index) private view {
        require(index > 0, "index must be > 0");
        require(index <= _lastIndex[agentId][client], "index out of bounds");
    }

    function _matches(Feedback storage feedback, string calldata tag1, string calldata tag2, bool includeRevoked)
        private
        view
        returns (bool)
    {
        if (feedback.isRevoked && !includeRevoked) return false;
        if (bytes(tag1).length > 0 && keccak256(bytes(tag1)) != keccak256(bytes(feedback.tag1))) return false;
        return bytes(tag2).length == 0 || keccak256(bytes(tag2)) == keccak256(bytes(feedback.tag2));
    }

    /// @dev Walks twice, first to size the arrays.
    function _page(
        uint256 agentId,
        address[] memory clients,
        string calldata tag1,
        string calldata tag2,
        bool includeRevoked
    ) private view returns (Page memory page) {
        uint256 total;
        for (uint256 i; i < clients.length; ++i) {
            uint64 last = _lastIndex[agentId][clients[i]];
            for (uint64 index = 1; index <= last; ++index) {
                if (_matches(_feedback[agentId][clients[i]][index], tag1, tag2, includeRevoked)) ++total;
            }
        }
        page.clients = new address[](total);
        page.indexes = new uint64[](total);
        page.values = new int128[](total);
        page.decimals = new uint8[](total);
        page.tag1s = new string[](total);
        page.tag2s = new string[](total);
        page.revoked = new bool[](total);
        uint256 n;
        for (uint256 i; i < clients.length; ++i) {
            uint64 last = _lastIndex[agentId][clients[i]];
            for (uint64 index = 1; index <= last; ++index) {
                Feedback storage feedback = _feedback[agentId][clients[i]][index];
                if (!_matches(feedback, tag1, tag2, includeRevoked)) continue;
                page.clients[n] = clients[i];
                page.indexes[n] = index;
                page.values[n] = feedback.value;
                page.decimals[n] = feedback.valueDecimals;
                page.tag1s[n] = feedback.tag1;
                page.tag2s[n] = feedback.tag2;
                page.revoked[n] = feedback.isRevoked;
                ++n;
            }
        }
    }

    function _countOfClient(uint256 agentId, address client, address[] calldata responders)
        private
        view
        returns (uint64 count)
    {
        uint64 last = _lastIndex[agentId][client];
        for (uint64 index = 1; index <= last; ++index) {
            count += _count(_responses[agentId][client][index], responders);
        }
    }

    function _count(Responses storage responses, address[] calldata responders) private view returns (uint64 count) {
        address[] memory counted = responders;
        if (counted.length == 0) counted = responses.responders;
        for (uint256 i; i < counted.length; ++i) {
            count += responses.counts[counted[i]];
        }
    }
}
