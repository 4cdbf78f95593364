//! The bounds of this module, each with its reason. Sizes are in bytes.

/// The largest registration file that is read or written. The largest fetchers in use stop at
/// 256 KiB (agent0) to 1 MiB; a file we write must be readable by the strictest of them.
pub const MAX_REGISTRATION_BYTES: usize = 256 * 1024;

/// The largest feedback file that is read. One payment's rating is under 2 KiB; receipts signed
/// with X.509 chains are the largest thing seen in one.
pub const MAX_FEEDBACK_READ_BYTES: usize = 64 * 1024;

/// The largest feedback file that is written: it may travel in calldata, which is paid by the byte.
pub const MAX_FEEDBACK_WRITE_BYTES: usize = 8 * 1024;

/// Entries kept of each list in a file. The longest seen in the wild have a few dozen.
pub(super) const MAX_ENTRIES: usize = 256;

/// A name, tag, version or id that is written.
pub(super) const MAX_SHORT_TEXT: usize = 256;

/// A description that is written.
pub(super) const MAX_LONG_TEXT: usize = 8 * 1024;

/// A URI that is written; past 2,048 bytes proxies start to cut.
pub(super) const MAX_URI: usize = 2 * 1024;

/// An image that is written: it may be a small `data:` URI.
pub(super) const MAX_IMAGE: usize = 64 * 1024;

/// Digits of the largest 256-bit number; longer text cannot be an agent id.
pub(super) const MAX_U256_DIGITS: usize = 78;
