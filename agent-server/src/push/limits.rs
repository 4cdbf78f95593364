//! Every bound of notifications, each with its reason.

use std::time::Duration;

/// Webhooks of one task. Each event is sent to each of them.
pub const WEBHOOKS_PER_TASK_MAX: usize = 10;

/// Webhooks of one caller that has a name, so that no caller takes all that there are.
pub const WEBHOOKS_PER_OWNER_MAX: usize = 2_000;

/// Webhooks in all. One that has something to be told takes a few kilobytes of memory while it is
/// told, or waits for its next attempt.
pub const WEBHOOKS_MAX: usize = 10_000;

/// How long a webhook is kept after its task has ended and it has been told so. It must be kept
/// until the end (A2A §3.1.7); after that it is somebody's secret that nobody needs.
pub const KEPT_AFTER_END: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a webhook may take to accept a notification, from the look-up of its name on. The
/// specification recommends 10 to 30 seconds (A2A §13.2); a slow one holds a place meanwhile.
pub const ATTEMPT_WAIT: Duration = Duration::from_secs(10);

/// What a webhook says beyond its status is thrown away; so much of it is read
pub const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// for so long, to keep the connection for the next notification.
pub const ANSWER_WAIT: Duration = Duration::from_secs(1);

/// Notifications under way at once: enough for some hundred a second to webhooks far away, few
/// enough to leave sockets to those whom the agent serves.
pub const ATTEMPTS_AT_ONCE: usize = 64;

/// Notifications under way to one host at once, so that one that hangs takes a few places of all.
pub const ATTEMPTS_PER_HOST: usize = 4;

/// Hosts that are remembered before those without a notification under way are forgotten.
pub const HOSTS_REMEMBERED: usize = 1_024;

/// The pause after the first failure; it doubles with each further one
pub const RETRY_FIRST: Duration = Duration::from_millis(500);

/// up to this.
pub const RETRY_MAX: Duration = Duration::from_secs(300);

/// The longest pause that a webhook may ask for with `Retry-After`.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// Failures one after another, after which a webhook is told nothing any more until it is made
/// anew. With the pauses above that is half an hour without any answer.
pub const FAILURES_MAX: u32 = 16;

/// How often all webhooks are looked through for something that nobody was woken for: the store
/// failed, or a writer went away between its commit and its word.
pub const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// After so many looks webhooks of tasks that ended long ago are forgotten.
pub const LOOKS_PER_CLEANUP: u32 = 60;

/// How long a closing agent waits for the notifications under way. What is cut off is sent again
/// after the next start.
pub const STOP_WAIT: Duration = Duration::from_secs(5);
