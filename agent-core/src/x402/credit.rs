use crate::money::BaseUnits;
use crate::voucher::ChannelId;
use alloy_primitives::hex;
use ring::hmac;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What separates these codes from anything else that a key might be used for.
const PURPOSE: &[u8] = b"z402/credit/1";

/// Lets whoever holds it pay on a channel with what was signed and not charged, without a further
/// voucher.
///
/// A receipt carries one when its call cost less than was signed for it. It is as good as money up
/// to the channel's slack under `ceiling`, so it goes to nobody but the seller that issued it. A
/// channel's id alone, which anybody can read on chain, is never enough.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreditToken {
    /// The channel.
    pub channel_id: ChannelId,
    /// What may be charged on it in all, with this.
    pub ceiling: BaseUnits,
    /// No longer good at this Unix second.
    pub expires: u64,
    /// The seller's code over the rest, 32 bytes as `0x` and hexadecimal digits.
    pub token: String,
}

/// Without the code: who has it can spend.
impl fmt::Debug for CreditToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreditToken")
            .field("channel_id", &self.channel_id)
            .field("ceiling", &self.ceiling)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// The secret with which a seller issues and knows its credit tokens. It never leaves the seller.
pub struct CreditKey(hmac::Key);

impl CreditKey {
    /// The key with this secret, 32 random bytes.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// A token for the slack of a channel under `ceiling`.
    #[must_use]
    pub fn issue(&self, channel_id: ChannelId, ceiling: BaseUnits, expires: u64) -> CreditToken {
        let code = hmac::sign(&self.0, &message(channel_id, ceiling, expires));
        CreditToken {
            channel_id,
            ceiling,
            expires,
            token: hex::encode_prefixed(code),
        }
    }

    /// Whether a token, as it came from a peer, was issued with this key and is good still. The
    /// comparison takes as long for a wrong code as for a right one.
    ///
    /// What this does not show: that the channel still has the slack.
    ///
    /// # Errors
    /// [`CreditError`].
    pub fn check(&self, token: &CreditToken, now_unix_secs: u64) -> Result<(), CreditError> {
        let digits = token.token.strip_prefix("0x");
        let digits = digits.filter(|digits| digits.len() == 64);
        let code = digits
            .and_then(|digits| hex::decode(digits).ok())
            .ok_or(CreditError::Forged)?;
        let signed = message(token.channel_id, token.ceiling, token.expires);
        hmac::verify(&self.0, &signed, &code).map_err(|_| CreditError::Forged)?;
        if token.expires <= now_unix_secs {
            return Err(CreditError::Expired);
        }
        Ok(())
    }
}

impl fmt::Debug for CreditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CreditKey(secret)")
    }
}

/// The fields have fixed lengths, so no two tokens have one message.
fn message(channel_id: ChannelId, ceiling: BaseUnits, expires: u64) -> Vec<u8> {
    [
        PURPOSE,
        channel_id.0.as_slice(),
        &ceiling.get().to_be_bytes(),
        &expires.to_be_bytes(),
    ]
    .concat()
}

/// Why a credit token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CreditError {
    /// Not issued by this seller, or changed since.
    #[error("this seller did not issue the credit token; send a voucher")]
    Forged,
    /// Too old.
    #[error("the credit token has expired; send a voucher")]
    Expired,
}

impl CreditError {
    /// A stable code, in the style of x402's error reasons.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Forged => "invalid_z402_credit_token",
            Self::Expired => "invalid_z402_credit_expired",
        }
    }
}
