//! The bounds on the index, each with its reason.

use std::time::Duration;

/// Blocks below the head whose events may still change and can be undone one by one. A
/// reorganisation below them is not rolled back but reported.
pub const UNDO_BLOCKS: u64 = 64;

/// Blocks below the head that are read again at each look: a node whose logs lag behind its head
/// is found out, and what it left out is added. One request a look.
pub const REREAD_BLOCKS: u64 = 16;

/// Blocks of the first request for logs; most public nodes take as many.
pub const WINDOW_BLOCKS_START: u64 = 2_000;

/// Blocks of the largest request. Empty stretches of a chain are read fast, and a node that
/// refuses costs a few halvings.
pub const WINDOW_BLOCKS_MAX: u64 = 50_000;

/// Logs of one answer that are wanted: some 4 MB of JSON. Fewer make the next window larger, more
/// make it smaller.
pub const LOGS_WANTED: usize = 5_000;

/// An answer with a multiple of this many logs may have been cut by the node without a word, so it
/// is asked for again in two halves.
pub const SUSPECT_LOGS: usize = 1_000;

/// Requests in one look that are refused before it is given up: enough to halve the largest window
/// to one block.
pub const HALVINGS_MAX: u32 = 17;

/// Pause between looks at the head, unless configured otherwise.
pub const POLL: Duration = Duration::from_secs(2);

/// Marks (ends of windows with their hashes) that are compared with the chain in search of the
/// place where a reorganisation began. There is at most one for each block that can be undone.
pub const MARKS_MAX: usize = 65;

/// Gaps that are kept of one registry, for people to look at; more of them tell nothing new.
pub const GAPS_MAX: u64 = 1_000;

/// Longest tag or endpoint of feedback that is kept.
pub const SHORT_TEXT_BYTES_MAX: usize = 1_024;

/// Metadata keys kept of one agent, the length of a key, and the size of a value. Anyone may set
/// as many on an agent of his own as he pays for.
pub const METADATA_KEYS_MAX: u64 = 64;
/// See [`METADATA_KEYS_MAX`].
pub const METADATA_KEY_BYTES_MAX: usize = 256;
/// See [`METADATA_KEYS_MAX`].
pub const METADATA_VALUE_BYTES_MAX: usize = 4 * 1_024;

/// Responses kept to one piece of feedback: anyone may append any number.
pub const RESPONSES_PER_ITEM_MAX: u64 = 16;

/// Text of an agent's description that is kept and searched.
pub const DESCRIPTION_BYTES_MAX: usize = 8 * 1_024;

/// Text of a name, a skill or a tag that is kept.
pub const NAME_BYTES_MAX: usize = 256;

/// Skills kept of one agent, and tags of one skill.
pub const SKILLS_MAX: usize = 64;
/// See [`SKILLS_MAX`].
pub const TAGS_PER_SKILL_MAX: usize = 16;

/// Agents that are described side by side.
pub const DESCRIBE_SIDE_BY_SIDE: usize = 16;

/// Agents that one round of describing takes up.
pub const DESCRIBE_ROUND_MAX: usize = 256;

/// How long what was found out about an agent is used before it is asked again.
pub const DESCRIBED_AGE: Duration = Duration::from_secs(6 * 3_600);

/// Pause before an agent that could not be described is asked again; doubles up to
/// [`DESCRIBED_AGE`] times four, since most registrations never answer.
pub const DESCRIBE_RETRY: Duration = Duration::from_secs(60);

/// Words of one search, and their length.
pub const SEARCH_WORDS_MAX: usize = 8;
/// See [`SEARCH_WORDS_MAX`].
pub const SEARCH_WORD_BYTES_MAX: usize = 64;

/// Agents that match the first condition of a search and are looked at for the others. The answer
/// says when there were more.
pub const SEARCH_CANDIDATES_MAX: usize = 5_000;

/// Agents in one answer.
pub const SEARCH_HITS_MAX: usize = 500;

/// Tags and chains that one search may name.
pub const SEARCH_FILTERS_MAX: usize = 16;

/// Pages of the file that are kept in memory, in KiB. Feedback is looked up by agent and client,
/// all over the file; with SQLite's own 2 MiB most of that time is spent on reading pages again.
pub const CACHE_KIBIBYTES: i64 = 64 * 1_024;
