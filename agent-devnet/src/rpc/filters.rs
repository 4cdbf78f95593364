//! Filters that a client polls.

use super::{Answer, Args, Failure, Methods, Node, lock};
use crate::limits;
use alloy_primitives::{B256, U64};
use alloy_rpc_types_eth::{Filter, FilterBlockOption, Log};
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Wanted {
    Logs(Box<Filter>),
    Blocks,
}

/// The open filters, with the last block that each has reported. A reorganisation below that block
/// goes unnoticed here: a client that must survive one compares block hashes.
#[derive(Debug, Default)]
pub(super) struct Filters {
    open: BTreeMap<u64, (Wanted, u64)>,
    last_id: u64,
}

impl Filters {
    // Opening one too many closes the oldest: clients forget their filters far more often than they
    // need many.
    fn open(&mut self, wanted: Wanted, head: u64) -> U64 {
        if self.open.len() >= limits::MAX_FILTERS {
            self.open.pop_first();
        }
        self.last_id = self.last_id.saturating_add(1);
        self.open.insert(self.last_id, (wanted, head));
        U64::from(self.last_id)
    }
}

/// What happened since the last poll.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Changes {
    Logs(Vec<Log>),
    Blocks(Vec<B256>),
}

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.add("eth_newFilter", |node, mut args| {
        let filter: Filter = args.required()?;
        let head = node.chain().block_number();
        Ok(lock(&node.filters).open(Wanted::Logs(Box::new(filter)), head))
    })?;
    methods.add("eth_newBlockFilter", |node, _| {
        let head = node.chain().block_number();
        Ok(lock(&node.filters).open(Wanted::Blocks, head))
    })?;
    methods.add("eth_getFilterChanges", changes)?;
    methods.add("eth_getFilterLogs", all_logs)?;
    methods.add("eth_uninstallFilter", |node, mut args| {
        let id: U64 = args.required()?;
        Ok(lock(&node.filters).open.remove(&id.to::<u64>()).is_some())
    })
}

fn changes(node: &Node, mut args: Args<'_>) -> Answer<Changes> {
    let id: U64 = args.required()?;
    let chain = node.chain();
    let mut filters = lock(&node.filters);
    let (wanted, reported) = filters.open.get_mut(&id.to::<u64>()).ok_or(NOT_FOUND)?;
    let head = chain.block_number();
    let first = reported.saturating_add(1);
    let changes = match wanted {
        Wanted::Blocks => {
            let hash = |number: u64| chain.block(number.into(), false).map(|block| block.hash());
            Changes::Blocks((first..=head).filter_map(hash).collect())
        }
        Wanted::Logs(_) if first > head => Changes::Logs(Vec::new()),
        Wanted::Logs(filter) => {
            let mut new = filter.as_ref().clone();
            new.block_option = FilterBlockOption::Range {
                from_block: Some(first.into()),
                to_block: Some(head.into()),
            };
            Changes::Logs(chain.logs(&new)?)
        }
    };
    *reported = head;
    Ok(changes)
}

fn all_logs(node: &Node, mut args: Args<'_>) -> Answer<Vec<Log>> {
    let id: U64 = args.required()?;
    let wanted = lock(&node.filters)
        .open
        .get(&id.to::<u64>())
        .map(|(wanted, _)| wanted.clone());
    match wanted {
        Some(Wanted::Logs(filter)) => Ok(node.chain().logs(&filter)?),
        Some(Wanted::Blocks) | None => Err(NOT_FOUND),
    }
}

const NOT_FOUND: Failure = Failure::Unsupported("filter not found");
