//! How much of anything is read from Protocol Buffers, besides what bounds its JSON.

/// Entries of one map. Each is held until all are seen, since the last of a name counts, and takes
/// some eighty bytes for as few as six on the wire. Data with more names than this is a table, and
/// belongs in a file.
pub const MAX_MAP_ENTRIES: usize = 65_536;
