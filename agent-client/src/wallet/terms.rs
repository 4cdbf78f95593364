//! Holding a seller's terms against our own configuration.

use agent_core::{
    money::{Asset, AssetTable, BaseUnits},
    voucher::EscrowDomain,
    x402::{Mode, PaymentTerms, SCHEME_Z402, X402_VERSION},
};
use alloy_primitives::Address;

use super::error::TermsRefusal;

/// Gives our own description of the asset that `terms` are in.
///
/// Name, version and decimals in a card are claims. They are compared with ours rather than
/// replaced in silence: a seller that means another token by the same address is better told so.
pub(super) fn vet<'a>(
    terms: &PaymentTerms,
    escrow: &EscrowDomain,
    assets: &'a AssetTable,
) -> Result<&'a Asset, TermsRefusal> {
    let speaks =
        terms.modes.contains(&Mode::Z) && terms.schemes.iter().any(|scheme| scheme == SCHEME_Z402);
    if terms.x402_version != X402_VERSION || !speaks {
        return Err(TermsRefusal::Scheme);
    }
    if terms.asset.network.chain_id != escrow.chain_id() {
        return Err(TermsRefusal::Network);
    }
    let ours = assets.by_id(terms.asset.id()).ok_or(TermsRefusal::Asset)?;
    let theirs = &terms.asset;
    if (ours.decimals, &ours.name, &ours.version)
        != (theirs.decimals, &theirs.name, &theirs.version)
    {
        return Err(TermsRefusal::AssetDiffers);
    }
    if terms.contract != escrow.contract() {
        return Err(TermsRefusal::Contract);
    }
    if terms.pay_to == Address::ZERO {
        return Err(TermsRefusal::PayTo);
    }
    Ok(ours)
}

pub(super) const fn something(max: BaseUnits) -> Result<(), TermsRefusal> {
    if max.is_zero() {
        Err(TermsRefusal::Nothing)
    } else {
        Ok(())
    }
}
