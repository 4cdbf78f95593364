//! Every bound of authentication, each with its reason.

use std::time::Duration;

/// Ways of authentication that one agent may name. Each is tried at most once for a request.
pub const SCHEMES_MAX: usize = 16;

/// Alternatives among them.
pub const REQUIREMENTS_MAX: usize = 16;

/// API keys of one scheme. Each is compared with every key that comes, so that the time says
/// nothing; ten thousand are a tenth of a millisecond.
pub const KEYS_MAX: usize = 10_000;

/// The shortest API key that is taken from the environment. A shorter one can be guessed.
pub const KEY_BYTES_MIN: usize = 16;

/// The longest API key that is looked at.
pub const KEY_BYTES_MAX: usize = 1_024;

/// The longest bearer token that is looked at. Larger ones do not fit the headers of most servers.
pub const TOKEN_BYTES_MAX: usize = 8 * 1_024;

/// The longest name that a credential may give its caller. It is stored with every task.
pub const CALLER_BYTES_MAX: usize = 512;

/// Audiences that a token may name.
pub const AUDIENCES_MAX: usize = 16;

/// Scopes that a token may grant. Those beyond are as if they were not there.
pub const SCOPES_MAX: usize = 256;

/// How far the clocks of issuer and agent may be apart, unless the configuration says otherwise,
pub const LEEWAY_SECS: u64 = 60;

/// and at most. With more, an expiry would mean little.
pub const LEEWAY_SECS_MAX: u64 = 600;

/// How long fetching a set of keys may take. A caller waits for it.
pub const JWKS_WAIT: Duration = Duration::from_secs(5);

/// How old a set of keys may be before it is fetched again.
pub const JWKS_FRESH: Duration = Duration::from_secs(300);

/// How old a set of keys may be while its issuer does not answer. A key that was withdrawn meanwhile
/// is believed for so long.
pub const JWKS_STALE_MAX: Duration = Duration::from_secs(3_600);

/// The shortest time between two fetches. Tokens with an unknown key ask for one, and anybody can
/// make such tokens.
pub const JWKS_PAUSE: Duration = Duration::from_secs(30);

/// Proxies, by address or range, that one setting may name.
pub const PEER_RANGES_MAX: usize = 256;

/// The longest header about a client's certificate that is looked at.
pub const CERTIFICATE_BYTES_MAX: usize = 4 * 1_024;

/// Calls a second that one caller may make, unless the configuration says otherwise. Far above what
/// an agent that waits for answers makes, far below what keeps a core busy.
pub const CALLS_PER_SEC: u32 = 2_000;

/// Calls that a caller may make at once after a while of none.
pub const CALLS_BURST: u32 = 4_000;

/// Groups of callers that are counted apart from each other, and
pub const RATE_SETS: usize = 2_048;

/// callers counted in each: 16,384 in all, in less than half a megabyte. Of more the one that asks
/// least is forgotten, and begins again with its whole allowance.
pub const RATE_WAYS: usize = 8;
