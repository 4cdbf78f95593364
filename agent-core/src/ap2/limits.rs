//! What a mandate may be in size. They are written by people and wallets; all of this is generous.

/// Longest mandate, with its disclosures.
pub const MANDATE_BYTES_MAX: usize = 64 * 1_024;

/// How deep its JSON may nest; the published ones have seven levels.
pub const MANDATE_DEPTH_MAX: usize = 16;

/// How many disclosures of selectively disclosable claims are read.
pub const DISCLOSURES_MAX: usize = 256;

/// How many constraints a mandate may have, and entries each list in them.
pub const CONSTRAINTS_MAX: usize = 64;

/// Entries in one list of payees or instruments.
pub const LISTED_MAX: usize = 1_024;

/// Digits of a budget: what a JSON number carries exactly.
pub const BUDGET_DIGITS_MAX: usize = 15;
