use crate::money::{AssetTable, BaseUnits, MoneyError};
use crate::price::{Price, ResolvedPrice};

/// The label of a quote that has no other.
pub const STANDARD: &str = "standard";

/// How long a quote holds unless it says otherwise.
const VALID_SECS: u64 = 300;

/// One answer to "what would this cost?": a price, under a name that the skill learns again when
/// the quote is accepted.
///
/// ```
/// use agent_core::price::Price;
/// use agent_core::skill::Quote;
///
/// let quotes = [
///     Quote::new("standard", Price::per_task("0.001 USDC")),
///     Quote::new("fast", Price::per_task("0.003 USDC")).note("within a minute").valid_secs(60),
/// ];
/// # drop(quotes);
/// ```
///
/// A quote that was told binds its seller until it ends: whoever comes with it pays no more, as
/// often as it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quote {
    /// What the skill calls it: up to 64 characters.
    pub label: String,
    /// What it costs.
    pub price: Price,
    /// What a buyer gets for it, for people.
    pub note: Option<String>,
    /// How long it holds, in seconds.
    pub valid_secs: u64,
}

impl Quote {
    /// A quote that holds for five minutes.
    #[must_use]
    pub fn new(label: &str, price: Price) -> Self {
        Self {
            label: label.to_owned(),
            price,
            note: None,
            valid_secs: VALID_SECS,
        }
    }

    /// Adds what a buyer gets for it.
    #[must_use]
    pub fn note(mut self, note: &str) -> Self {
        self.note = Some(note.to_owned());
        self
    }

    /// Says how long it holds, in seconds.
    #[must_use]
    pub const fn valid_secs(mut self, valid_secs: u64) -> Self {
        self.valid_secs = valid_secs;
        self
    }

    /// The most that it costs, in base units; zero for nothing.
    ///
    /// # Errors
    /// [`MoneyError`], as for [`Price::resolve`].
    pub fn ceiling(&self, assets: &AssetTable) -> Result<BaseUnits, MoneyError> {
        Ok(match self.price.resolve(assets)? {
            ResolvedPrice::Free => BaseUnits::ZERO,
            ResolvedPrice::Paid { ceiling, .. } => ceiling,
        })
    }
}

impl From<Price> for Quote {
    fn from(price: Price) -> Self {
        Self::new(STANDARD, price)
    }
}
