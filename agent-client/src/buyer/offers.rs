//! Sellers that a search found.

use super::{Buyer, BuyerError, Seller};
use crate::discover::{Candidate, Found};

/// What a search found, ready to be asked; see [`Found`] for the order.
#[derive(Clone, Debug)]
pub struct Offers {
    buyer: Buyer,
    found: Found,
}

impl Offers {
    pub(super) const fn new(buyer: Buyer, found: Found) -> Self {
        Self { buyer, found }
    }

    /// The best seller.
    ///
    /// # Errors
    /// [`BuyerError::Discover`], with what stood in the way of how many.
    pub fn best(&self) -> Result<Seller, BuyerError> {
        Ok(self.seller(self.found.best()?))
    }

    /// All sellers that fit, best first.
    #[must_use]
    pub fn sellers(&self) -> Vec<Seller> {
        self.found
            .candidates
            .iter()
            .map(|candidate| self.seller(candidate))
            .collect()
    }

    /// What was found and left out, with reasons.
    #[must_use]
    pub const fn found(&self) -> &Found {
        &self.found
    }

    fn seller(&self, candidate: &Candidate) -> Seller {
        let Candidate {
            remote,
            agent,
            file,
            ..
        } = candidate.clone();
        Seller::checked(self.buyer.clone(), remote, Some(agent), Some(file))
    }
}
