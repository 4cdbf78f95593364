//! The tokens that misbehave, placed on a chain.

use alloy_primitives::{Address, U256};

use crate::world::{World, artifact_code};

alloy_sol_types::sol! {
    /// What anybody may do with a test token, and the switches of the hostile ones.
    #[allow(missing_docs, reason = "the Solidity documents itself")]
    #[derive(Debug)]
    interface ITestToken {
        function mint(address to, uint256 value) external;
        function burn(address from, uint256 value) external;
        function setFee(uint256 basisPoints) external;
        function setFailing(bool on) external;
        function setPhantom(bool on) external;
        function setCall(address target, bytes data, bool afterMove) external;
        function lastOk() external view returns (bool);
        function lastAnswer() external view returns (bytes);
        function calls() external view returns (uint256);
        function setBlocked(address account, bool on) external;
        function setAnswer(bool odd, bytes answer) external;
    }
}

/// A token of `HostileTokens.sol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hostile {
    /// Burns a part of every transfer.
    Fee,
    /// Returns false and moves nothing.
    ReturnsFalse,
    /// Returns nothing and moves.
    ReturnsNothing,
    /// Accepts every call and moves nothing.
    Phantom,
    /// Calls back in the middle of a transfer.
    Reentrant,
    /// Refuses listed accounts.
    Blacklist,
    /// Moves, and answers what it was told to.
    Answers,
}

impl Hostile {
    /// Every one of them.
    pub const ALL: [Self; 7] = [
        Self::Fee,
        Self::ReturnsFalse,
        Self::ReturnsNothing,
        Self::Phantom,
        Self::Reentrant,
        Self::Blacklist,
        Self::Answers,
    ];

    const fn json(self) -> &'static str {
        match self {
            Self::Fee => include_str!("../../contracts/artifacts/FeeOnTransferToken.json"),
            Self::ReturnsFalse => include_str!("../../contracts/artifacts/ReturnsFalseToken.json"),
            Self::ReturnsNothing => {
                include_str!("../../contracts/artifacts/ReturnsNothingToken.json")
            }
            Self::Phantom => include_str!("../../contracts/artifacts/PhantomToken.json"),
            Self::Reentrant => include_str!("../../contracts/artifacts/ReentrantToken.json"),
            Self::Blacklist => include_str!("../../contracts/artifacts/BlacklistToken.json"),
            Self::Answers => include_str!("../../contracts/artifacts/AnswersToken.json"),
        }
    }

    /// Places the token and gives the holder some of it.
    pub fn place(self, world: &mut World, holder: Address, amount: u64) -> Address {
        let at = Address::repeat_byte(0xb0);
        self.place_at(world, at);
        mint(world, at, holder, amount);
        at
    }

    /// Places the token at an address of the caller's choice. Nobody has any of it.
    pub fn place_at(self, world: &mut World, at: Address) {
        world
            .chain
            .set_code(at, artifact_code(self.json()))
            .unwrap();
    }
}

/// Makes tokens for somebody.
pub fn mint(world: &mut World, token: Address, to: Address, amount: u64) {
    let value = U256::from(amount);
    world
        .send(to, token, &ITestToken::mintCall { to, value })
        .unwrap();
}
