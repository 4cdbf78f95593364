//! How much of anything a payment object may hold, and how close to an edge one may be.

/// Characters of one payment header. A deposit of the stock client has 1,992 and offers with
/// extension schemas a few thousand; servers in use take 8 to 16 KiB of headers in all.
pub const MAX_HEADER_CHARS: usize = 16_384;

/// Bytes of the body of a facilitator request or answer. A claim of [`MAX_CLAIM_ROWS`] rows has
/// about 200 KiB.
pub const MAX_BODY_BYTES: usize = 256 * 1_024;

/// Levels of nesting of a payment object. The schemas that extensions carry take about ten.
pub const MAX_JSON_DEPTH: usize = 32;

/// Ways to pay in one offer that are read. Sellers list a handful; each is parsed and compared.
pub const MAX_ACCEPTS: usize = 32;

/// Vouchers of one claim. The stock server sends at most 100; more than this does not fit the
/// gas of one block on every chain.
pub const MAX_CLAIM_ROWS: usize = 256;

/// Kinds in a facilitator's `/supported` that are read. One scheme on one chain is a kind.
pub const MAX_KINDS: usize = 512;

/// A signed authorization must be good for at least this long when it is checked: the time of a
/// block or two, so that it can still be mined. The stock facilitator has the same margin.
pub const MIN_TIME_LEFT_SECS: u64 = 6;

/// How much longer a transfer of `exact` is asked to be good than the work may take that it pays
/// for. Buyers sign it for just as long as they are asked to, so this has to do for the way to the
/// seller, clocks that differ, and the transaction afterwards.
pub const TRANSFER_SLACK_SECS: u64 = 60;
