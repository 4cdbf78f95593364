//! A person's yes to a payment above the policy's threshold.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use agent_core::{
    money::{AssetId, BaseUnits},
    untrusted::Untrusted,
};
use alloy_primitives::{Address, hex, keccak256};
use serde::{Deserialize, Serialize};

/// What a person is asked to allow: one payment of at most `max`, to nobody else and for nothing
/// else. Skill and resource are the seller's words.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApprovalRequest {
    /// In what.
    pub asset: AssetId,
    /// To whom.
    pub payee: Address,
    /// For which skill.
    pub skill: Untrusted,
    /// The address of what is paid for.
    pub resource: Untrusted,
    /// The most that it may cost, in base units.
    pub max: BaseUnits,
    /// When it is asked, in seconds of Unix time.
    pub now_unix_secs: u64,
}

impl ApprovalRequest {
    pub(super) fn new(
        asset: AssetId,
        payee: Address,
        (skill, resource): (&str, &str),
        max: BaseUnits,
        now_unix_secs: u64,
    ) -> Self {
        Self {
            asset,
            payee,
            skill: Untrusted::new(skill.to_owned()),
            resource: Untrusted::new(resource.to_owned()),
            max,
            now_unix_secs,
        }
    }

    /// The same for the same payment, whenever it is asked for; another for any other payment.
    #[must_use]
    pub fn id(&self) -> ApprovalId {
        // Lengths go first, so that no two requests are the same bytes.
        let mut bytes = Vec::new();
        let network = self.asset.network.to_string();
        let (skill, resource) = (self.skill.as_received(), self.resource.as_received());
        for text in [&*network, skill, resource] {
            bytes.extend_from_slice(&text.len().to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes.extend_from_slice(self.asset.address.as_slice());
        bytes.extend_from_slice(self.payee.as_slice());
        bytes.extend_from_slice(&self.max.get().to_be_bytes());
        let hash = keccak256(&bytes);
        let (short, _) = hash.split_at(ApprovalId::BYTES);
        ApprovalId(hex::encode(short))
    }
}

/// The name of one request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApprovalId(String);

impl ApprovalId {
    const BYTES: usize = 16;

    /// Reads an id: 32 digits in lower-case hexadecimal.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let fits = text.len() == 2 * Self::BYTES && text.bytes().all(digit);
        fits.then(|| Self(text.to_owned()))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ApprovalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ApprovalId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not an approval's id")
    }
}

impl From<ApprovalId> for String {
    fn from(id: ApprovalId) -> Self {
        id.0
    }
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// A person allowed this one payment.
    Approved,
    /// A person did not allow it, or can no longer.
    Refused,
    /// Nobody decided yet; the caller comes back later with the same request.
    Waiting,
}

/// A decision under way.
pub type Deciding<'a> = Pin<Box<dyn Future<Output = Decision> + Send + 'a>>;

/// Asks a person about one payment.
///
/// # Contract
///
/// - Fails closed: [`Decision::Approved`] only when a person said yes to this very request. What
///   cannot be shown, stored or read is refused, and so is an end of input.
/// - One yes is one payment: it is used up when it is given out.
/// - Bounded: what is kept for a person to see has an upper number. The wallet drops the future
///   when its `approval_wait` is over and counts that as refused, so dropping it must not leave a
///   yes behind that a later request would find.
/// - It does not call the wallet that asks.
pub trait Approver: fmt::Debug + Send + Sync {
    /// Decides on `request`.
    fn decide<'a>(&'a self, request: &'a ApprovalRequest) -> Deciding<'a>;
}

/// An approver made of a function, for programs with a window or a chat of their own.
pub struct ApproveWith<F>(F);

impl<F> ApproveWith<F> {
    /// Asks by calling `decide`.
    pub const fn new<D>(decide: F) -> Self
    where
        F: Fn(ApprovalRequest) -> D + Send + Sync,
    {
        Self(decide)
    }
}

impl<F> fmt::Debug for ApproveWith<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApproveWith(..)")
    }
}

impl<F, D> Approver for ApproveWith<F>
where
    F: Fn(ApprovalRequest) -> D + Send + Sync,
    D: Future<Output = Decision> + Send + 'static,
{
    fn decide<'a>(&'a self, request: &'a ApprovalRequest) -> Deciding<'a> {
        Box::pin((self.0)(request.clone()))
    }
}

/// Asks `approver`, for as long as `wait`.
pub(super) async fn decide(
    approver: &dyn Approver,
    request: &ApprovalRequest,
    wait: Duration,
) -> Decision {
    let decided = tokio::time::timeout(wait, approver.decide(request)).await;
    decided.unwrap_or(Decision::Refused)
}
