//! Where tasks and books are kept.

use super::build::open_store;
use crate::config::{AgentConfig, Durability};
use crate::error::Error;
use crate::store::{MemoryStore, SqliteStore, TaskPages, TaskStore};
use agent_core::clock::Clock;
use agent_core::money::AssetTable;
use std::sync::Arc;

/// Where one agent keeps its tasks and, if it is paid, its books.
pub(super) struct Stores {
    pub(super) tasks: Arc<dyn TaskStore>,
    pub(super) pages: Arc<dyn TaskPages>,
    /// The file. Nothing, if tasks are in memory: then there are no books either.
    pub(super) file: Option<SqliteStore>,
}

impl Stores {
    pub(super) fn open(
        config: &AgentConfig,
        assets: &AssetTable,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        match config.durability {
            Durability::Disk => {
                let file = open_store(config, assets, clock)?;
                Ok(Self {
                    tasks: Arc::new(file.clone()),
                    pages: Arc::new(file.clone()),
                    file: Some(file),
                })
            }
            // A charge and the answer that it pays for are one transaction, so both need the file.
            Durability::Memory if config.payment.is_some() => Err(Error::PaidInMemory),
            Durability::Memory => {
                let limits = &config.limits;
                let tasks = MemoryStore::new(limits.memory_tasks, limits.memory_bytes);
                Ok(Self {
                    tasks: Arc::new(tasks.clone()),
                    pages: Arc::new(tasks),
                    file: None,
                })
            }
        }
    }
}
