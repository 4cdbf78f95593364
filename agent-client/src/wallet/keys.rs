//! The payer's key: signs vouchers, token authorisations and transactions.

use std::{fmt, fs, io::Read, path::Path};

use agent_core::voucher::CanonicalSignature;
use alloy_primitives::{Address, B256, hex};
use alloy_signer_local::PrivateKeySigner;
use secp256k1::{Message, PublicKey, SECP256K1, SecretKey};

use super::limits::KEY_FILE_BYTES_MAX;

/// A secp256k1 key that pays.
///
/// `Debug` shows the address only. The key stays in memory for as long as this lives; it is not
/// wiped afterwards, and nothing here defends against somebody who reads the process's memory.
#[derive(Clone)]
pub struct PayerKey {
    secret: SecretKey,
    address: Address,
}

impl PayerKey {
    /// The key written as 64 hexadecimal digits, with or without `0x`.
    ///
    /// Take it from a file or the environment, never from the command line, which every user of the
    /// machine can read.
    ///
    /// # Errors
    /// [`KeyError::NotAKey`]; it never repeats the text.
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        let mut bytes = [0_u8; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| KeyError::NotAKey)?;
        let secret = SecretKey::from_byte_array(bytes).map_err(|_| KeyError::NotAKey)?;
        let public = PublicKey::from_secret_key(SECP256K1, &secret).serialize_uncompressed();
        let address = Address::from_raw_public_key(public.get(1..).ok_or(KeyError::NotAKey)?);
        Ok(Self { secret, address })
    }

    /// Reads a key file that only its owner can read.
    ///
    /// # Errors
    /// [`KeyError::TooOpen`] when the file's mode lets others at it, [`KeyError::Io`],
    /// [`KeyError::NotAKey`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        Self::from_hex(&read_secret_file(path.as_ref(), KEY_FILE_BYTES_MAX)?)
    }

    /// Reads the key from an environment variable.
    ///
    /// # Errors
    /// [`KeyError::NoVariable`], [`KeyError::NotAKey`].
    pub fn from_env(variable: &str) -> Result<Self, KeyError> {
        let text = std::env::var(variable).map_err(|_| KeyError::NoVariable {
            variable: variable.to_owned(),
        })?;
        Self::from_hex(&text)
    }

    /// The address that this key controls.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.address
    }

    /// Signs a digest, deterministically (RFC 6979), in the form that the escrow accepts.
    ///
    /// What a digest means is the caller's to know: anything signed here binds the payer.
    #[must_use]
    pub fn sign(&self, digest: B256) -> CanonicalSignature {
        let message = Message::from_digest(digest.0);
        let signature = SECP256K1.sign_ecdsa_recoverable(message, &self.secret);
        CanonicalSignature::from_recoverable(&signature)
    }

    /// The same key as an alloy signer, for transactions.
    ///
    /// # Errors
    /// [`KeyError::NotAKey`]; not met in practice, since this is a key.
    pub fn to_signer(&self) -> Result<PrivateKeySigner, KeyError> {
        let bytes = B256::from(self.secret.secret_bytes());
        PrivateKeySigner::from_bytes(&bytes).map_err(|_| KeyError::NotAKey)
    }
}

/// The first `bytes_max` bytes of a file of text that only its owner can read.
///
/// # Errors
/// [`KeyError::TooOpen`] when the file's mode lets others at it, [`KeyError::Io`].
pub fn read_secret_file(path: &Path, bytes_max: u64) -> Result<String, KeyError> {
    let io = |error: std::io::Error| KeyError::Io {
        path: path.display().to_string(),
        error,
    };
    // The mode is read from the open file: a path could lead elsewhere by the second look.
    let file = fs::File::open(path).map_err(io)?;
    refuse_open_mode(&file.metadata().map_err(io)?, path)?;
    let mut text = String::new();
    file.take(bytes_max).read_to_string(&mut text).map_err(io)?;
    Ok(text)
}

impl fmt::Debug for PayerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PayerKey").field(&self.address).finish()
    }
}

#[cfg(unix)]
fn refuse_open_mode(metadata: &fs::Metadata, path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(KeyError::TooOpen {
        path: path.display().to_string(),
        mode,
    })
}

#[cfg(not(unix))]
fn refuse_open_mode(_: &fs::Metadata, _: &Path) -> Result<(), KeyError> {
    Ok(())
}

/// Why a key could not be had. No variant carries any of the key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is not a key.
    #[error("a key is 64 hexadecimal digits, not zero and below the curve's order")]
    NotAKey,
    /// Others can read the file.
    #[error("{path} has mode {mode:o}; a key file must be its owner's alone: chmod 600 {path}")]
    TooOpen {
        /// The file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The file could not be read.
    #[error("cannot read the key file {path}: {error}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The environment variable is not set.
    #[error("the environment variable {variable} is not set")]
    NoVariable {
        /// Its name.
        variable: String,
    },
}

impl KeyError {
    /// A stable code for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAKey => "key_malformed",
            Self::TooOpen { .. } => "key_file_too_open",
            Self::Io { .. } => "key_file_unreadable",
            Self::NoVariable { .. } => "key_variable_missing",
        }
    }
}
