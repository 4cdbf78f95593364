//! The blocks that are kept, and how to find them.

use super::{ChainError, block::Block, state::Mark};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::B256;
use std::collections::{HashMap, VecDeque};

/// The newest blocks of the chain, at least one and at most `capacity`.
#[derive(Clone, Debug)]
pub(super) struct History {
    head: Block,
    // Oldest first, without the head: the head always exists, so it is not in a collection.
    older: VecDeque<Block>,
    numbers: HashMap<B256, u64>,
    transactions: HashMap<B256, (u64, usize)>,
    capacity: usize,
}

impl History {
    pub(super) fn new(genesis: Block, capacity: usize) -> Self {
        let numbers = HashMap::from([(genesis.hash(), genesis.number())]);
        Self {
            head: genesis,
            older: VecDeque::new(),
            numbers,
            transactions: HashMap::new(),
            capacity: capacity.max(1),
        }
    }

    /// The state after the genesis block is the one at `mark`.
    pub(super) fn close_genesis(&mut self, mark: Mark) {
        self.head.mark = mark;
    }

    pub(super) fn head(&self) -> &Block {
        &self.head
    }

    pub(super) fn oldest(&self) -> &Block {
        self.older.front().unwrap_or(&self.head)
    }

    /// Add a block on top and forget the oldest if there are too many.
    pub(super) fn push(&mut self, block: Block) {
        self.numbers.insert(block.hash(), block.number());
        for (index, mined) in block.mined.iter().enumerate() {
            self.transactions
                .insert(mined.hash(), (block.number(), index));
        }
        self.older
            .push_back(std::mem::replace(&mut self.head, block));
        while self.older.len() >= self.capacity {
            let Some(forgotten) = self.older.pop_front() else {
                break;
            };
            self.unindex(&forgotten);
        }
    }

    /// Remove blocks from the top until `number` is the head, and say where the state was then.
    pub(super) fn truncate(&mut self, number: u64) -> Mark {
        while self.head.number() > number {
            let Some(below) = self.older.pop_back() else {
                break;
            };
            let dropped = std::mem::replace(&mut self.head, below);
            self.unindex(&dropped);
        }
        self.head.mark
    }

    fn unindex(&mut self, block: &Block) {
        self.numbers.remove(&block.hash());
        for mined in &block.mined {
            self.transactions.remove(&mined.hash());
        }
    }

    /// The block with this number, or why there is none.
    pub(super) fn block(&self, number: u64) -> Result<&Block, ChainError> {
        let oldest = self.oldest().number();
        if number == self.head.number() {
            return Ok(&self.head);
        }
        if number < oldest {
            return Err(ChainError::HistoryNotKept { oldest });
        }
        usize::try_from(number.saturating_sub(oldest))
            .ok()
            .and_then(|index| self.older.get(index))
            .ok_or(ChainError::UnknownBlock)
    }

    /// The number a tag stands for. Blocks are final at once, because only the developer reorganises
    /// this chain; a pending block is not built before it is mined.
    pub(super) fn number_of(&self, tag: BlockNumberOrTag) -> u64 {
        match tag {
            BlockNumberOrTag::Number(number) => number,
            BlockNumberOrTag::Earliest => 0,
            BlockNumberOrTag::Latest
            | BlockNumberOrTag::Pending
            | BlockNumberOrTag::Safe
            | BlockNumberOrTag::Finalized => self.head.number(),
        }
    }

    /// The block that an identifier names.
    pub(super) fn resolve(&self, id: BlockId) -> Result<&Block, ChainError> {
        let number = match id {
            BlockId::Number(tag) => self.number_of(tag),
            BlockId::Hash(hash) => *self
                .numbers
                .get(&hash.block_hash)
                .ok_or(ChainError::UnknownBlock)?,
        };
        self.block(number)
    }

    /// The block that holds a transaction, and the transaction's index in it.
    pub(super) fn transaction(&self, hash: B256) -> Option<(&Block, usize)> {
        let (number, index) = *self.transactions.get(&hash)?;
        self.block(number).ok().map(|block| (block, index))
    }

    /// Blocks from `first` to `last`, both included, as far as they exist.
    pub(super) fn range(&self, first: u64, last: u64) -> impl Iterator<Item = &Block> {
        let last = last.min(self.head.number());
        (first..=last).map_while(|number| self.block(number).ok())
    }
}
