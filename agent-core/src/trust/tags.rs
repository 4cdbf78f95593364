//! The conventional first tags of EIP-8004 feedback, and ours.
//!
//! The standard leaves tags free; these are the ones its text and best practices name. Tags match
//! exactly and by case. Never mix units under one tag: on-chain summaries add whatever they find.

/// A rating from 0 (worst) to 100 (best), no decimals.
pub const STARRED: &str = "starred";
/// Whether the endpoint answered: 0 or 1.
pub const REACHABLE: &str = "reachable";
/// Whether the endpoint's domain names the agent: 0 or 1.
pub const OWNER_VERIFIED: &str = "ownerVerified";
/// Share of time up, in percent with two decimals (`9977, 2`).
pub const UPTIME: &str = "uptime";
/// Share of tasks done, in percent.
pub const SUCCESS_RATE: &str = "successRate";
/// Time to the answer, in milliseconds.
pub const RESPONSE_TIME: &str = "responseTime";
/// Average block delay, in percent.
pub const BLOCKTIME_FRESHNESS: &str = "blocktimeFreshness";
/// Revenue, in US dollars.
pub const REVENUES: &str = "revenues";
/// Yield, in percent; the second tag is `day`, `week`, `month` or `year`.
pub const TRADING_YIELD: &str = "tradingYield";

/// Our second tag for feedback on a paid A2A task.
pub const A2A_TASK: &str = "a2a.task";
