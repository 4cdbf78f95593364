use super::uint::address;
use super::{PaymentRequirements, TokenDomain};
use crate::money::{AssetId, BaseUnits, Network};
use alloy_primitives::Address;

/// Requirements of a scheme on an EVM chain, read once: which token, to whom, how much.
///
/// That they are read says nothing about whether the token is one we know or the price one we
/// offered; that is for [`PaymentRequirements::is_echoed_by`] and the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvmTerms {
    /// The token.
    pub token: AssetId,
    /// Who is paid.
    pub pay_to: Address,
    /// How much, or for schemes that charge by use at most how much, in base units.
    pub amount: BaseUnits,
    /// How long the payment may take, and how long a fresh authorization is made to last.
    pub max_timeout_secs: u64,
}

impl EvmTerms {
    /// Reads the requirements of `scheme`.
    ///
    /// # Errors
    /// [`TermsError`].
    pub fn read(requirements: &PaymentRequirements, scheme: &str) -> Result<Self, TermsError> {
        if requirements.scheme != scheme {
            return Err(TermsError::Scheme);
        }
        let network: Network = requirements
            .network
            .parse()
            .map_err(|_| TermsError::Network)?;
        Ok(Self {
            token: AssetId {
                network,
                address: address(&requirements.asset).ok_or(TermsError::Asset)?,
            },
            pay_to: address(&requirements.pay_to).ok_or(TermsError::PayTo)?,
            amount: requirements.amount,
            max_timeout_secs: requirements.max_timeout_seconds,
        })
    }

    /// The token's signing domain as the requirements claim it; see [`TokenDomain`] for who may
    /// rely on that.
    ///
    /// # Errors
    /// [`TermsError::Domain`] when `extra` has no name and version.
    pub fn claimed_domain(
        &self,
        requirements: &PaymentRequirements,
    ) -> Result<TokenDomain, TermsError> {
        let text = |name| match requirements.extra.parse::<String>(name) {
            Ok(Some(text)) if !text.is_empty() => Ok(text),
            _ => Err(TermsError::Domain),
        };
        Ok(TokenDomain::new(
            &text("name")?,
            &text("version")?,
            self.token,
        ))
    }
}

/// Why requirements are not those of a scheme on an EVM chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TermsError {
    /// Another scheme.
    #[error("the requirements are of another scheme than the payment")]
    Scheme,
    /// Not `eip155:<chain id>`.
    #[error("the network is not of the form eip155:<chain id>")]
    Network,
    /// The asset is not an address.
    #[error("the asset is not a token's address")]
    Asset,
    /// The payee is not an address.
    #[error("payTo is not an address")]
    PayTo,
    /// `extra.name` or `extra.version` is missing.
    #[error("extra.name and extra.version of the token's signing domain are missing")]
    Domain,
}

impl TermsError {
    /// The error code of x402 (specification §9).
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Scheme => "invalid_scheme",
            Self::Network => "invalid_network",
            Self::Asset | Self::PayTo | Self::Domain => "invalid_payment_requirements",
        }
    }
}
