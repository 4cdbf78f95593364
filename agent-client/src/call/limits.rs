//! The bounds on a conversation with one other agent, each with its reason.

use std::time::Duration;

/// Bytes of an Agent Card. Cards with the schemas of a hundred skills stay below half of it.
pub const CARD_BYTES_MAX: usize = 1_024 * 1_024;

/// Skills of a card that are looked at; a card with more is refused, since a search walks them all.
pub const CARD_SKILLS_MAX: usize = 1_024;

/// Interfaces of a card. There are three bindings and a handful of versions.
pub const CARD_INTERFACES_MAX: usize = 64;

/// Wait for a card. It is a static file.
pub const CARD_WAIT: Duration = Duration::from_secs(10);

/// Key sets that are fetched for the signatures of one card. A rotation of keys needs one, a card
/// that is signed by its agent and by a registry two.
pub const KEY_SETS_PER_CARD_MAX: usize = 2;

/// Times that a request which may be repeated is sent, the first included. With the pauses below
/// it rides out the restart of a seller and gives up while a person still waits.
pub const ATTEMPTS_MAX: u32 = 6;

/// Times that a card is asked for. A search meets many agents that are gone.
pub const CARD_ATTEMPTS_MAX: u32 = 2;

/// The first pause between two attempts; each further one is four times as long.
pub const RETRY_PAUSE: Duration = Duration::from_millis(150);

/// The longest pause between two attempts.
pub const RETRY_PAUSE_MAX: Duration = Duration::from_secs(3);

/// Longest wait for the answer to a blocking message, whatever the seller's card asks for. Longer
/// work is what streams and polling are for.
pub const ANSWER_WAIT_MAX: Duration = Duration::from_secs(600);

/// Time on top of what a seller says it needs, for the way there and back.
pub const ANSWER_WAIT_MARGIN: Duration = Duration::from_secs(15);

/// The first pause between two looks at a task that is still being worked on; it doubles.
pub const POLL_PAUSE: Duration = Duration::from_millis(200);

/// The longest pause between two looks at a task.
pub const POLL_PAUSE_MAX: Duration = Duration::from_secs(5);

/// Bytes of one server-sent event, and of one line of a stream. As large as a whole response may
/// be, since one event may carry a whole task.
pub const EVENT_BYTES_MAX: usize = crate::limits::RESPONSE_BYTES_MAX;

/// Events of one stream. A skill that reports every 100 ms reaches it after more than a day.
pub const EVENTS_MAX: u64 = 1_000_000;

/// Longest life of one stream. Comments keep a stream from falling silent, so silence alone does
/// not bound it.
pub const STREAM_WAIT_MAX: Duration = Duration::from_secs(3_600);

/// Attempts to resume a stream that bring nothing new, before it is given up. With the pauses
/// between them about a quarter of a minute, as for other requests.
pub const RESUMES_IN_A_ROW_MAX: u32 = ATTEMPTS_MAX;

/// Times that one stream is resumed in all. A connection that lasts a few seconds each time gets
/// through the longest stream; a server that closes after each event does not keep us for ever.
pub const RESUMES_MAX: u32 = 1_000;

/// Pages of one list. At a hundred tasks a page it is a million.
pub const PAGES_MAX: u32 = 10_000;

/// Challenges of one demand for authentication that are looked at: an agent names a scheme or two.
pub const CHALLENGES_MAX: usize = 8;
