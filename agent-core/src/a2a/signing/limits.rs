//! The bounds on what a signed card can make its reader do, each with its reason.

/// Characters of a protected header. It holds two names, a key id and perhaps a URL.
pub const PROTECTED_CHARS_MAX: usize = 8_192;

/// Characters of a signature: those of RSA with 8192 bits, the largest key that is read.
pub const SIGNATURE_CHARS_MAX: usize = 1_366;

/// Signatures of one card that are looked at. A rotation of keys needs two, and a card whose
/// canonical forms differ carries two of each; the rest would only be work.
pub const SIGNATURES_MAX: usize = 8;

/// Keys tried for one signature: a key id names one key, unless a set repeats it.
pub const KEYS_PER_SIGNATURE_MAX: usize = 4;

/// Bytes of a JSON Web Key Set. Sixteen RSA keys with their certificates fit.
pub const JWKS_BYTES_MAX: usize = 64 * 1_024;

/// Keys of a set. Providers list a handful.
pub const JWKS_KEYS_MAX: usize = 64;

/// Bytes of a key id. A thumbprint has 43.
pub const KID_BYTES_MAX: usize = 256;

/// Bytes of a private key in PEM or hexadecimal. PKCS#8 of the curves here has 250.
pub const KEY_TEXT_BYTES_MAX: u64 = 4_096;

/// Names of fields that an explanation lists.
pub const NAMED_FIELDS_MAX: usize = 16;
