//! How a store is set up.

use agent_client::sqlite::StoreOptions;
use agent_core::channel::AdmissionRules;
use agent_core::clock::Clock;
use agent_core::voucher::EscrowDomain;
use std::sync::Arc;
use std::time::Duration;

/// How a [`SqliteStore`](super::SqliteStore) is set up. Start from [`StoreConfig::new`].
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// The escrow whose locks pay. Channel ids are bound to it, so a file serves one escrow.
    pub domain: EscrowDomain,
    /// What is admitted.
    pub rules: AdmissionRules,
    /// Payments are refused when the chain was last heard of longer ago than this; never when it
    /// is `None`, which is for tests and for sellers that accept the risk of a blind mirror.
    pub chain_max_age: Option<Duration>,
    /// Tells when payments were resolved and claims came to be.
    pub clock: Arc<dyn Clock>,
    /// Durability and queue of the file.
    pub sqlite: StoreOptions,
    /// The most bytes that the file may take, in whole pages. At the cap writes fail as they do on
    /// a full disk: nothing is admitted and nothing is lost. A file that is larger already stays
    /// as it is and does not grow. The write-ahead log beside it comes on top.
    pub max_bytes: Option<u64>,
}

impl StoreConfig {
    /// Full durability, no freshness bound, no size cap.
    #[must_use]
    pub fn new(domain: EscrowDomain, rules: AdmissionRules, clock: Arc<dyn Clock>) -> Self {
        let sqlite = StoreOptions {
            name: "ledger".to_owned(),
            ..StoreOptions::default()
        };
        Self {
            domain,
            rules,
            chain_max_age: None,
            clock,
            sqlite,
            max_bytes: None,
        }
    }
}
