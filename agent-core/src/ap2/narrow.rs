//! A mandate laid over a policy.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;

use super::mandate::earliest;
use super::{MandateError, Merchant, OpenPaymentMandate};
use crate::money::{Asset, BaseUnits, Money};
use crate::policy::{Recurrence, SpendPolicy, TotalBudget};
use crate::untrusted::shorten;

/// What the configuration says on how a mandate is to be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MandateSetup<'a> {
    /// The token that is spent.
    pub asset: &'a Asset,
    /// The currency that the token stands for, one to one (ISO 4217). Nothing converts here.
    pub currency: &'a str,
    /// The accounts of merchants that the mandate names otherwise than by account.
    pub merchants: &'a BTreeMap<String, Address>,
    /// The checkout that the payments belong to, if the mandate is bound to one.
    pub reference: Option<&'a str>,
    /// The thumbprint (RFC 7638) of the agent's key, to which a signed mandate must be given.
    pub holder: Option<&'a str>,
}

/// The policy under which both `base` and the mandate hold: never more than `base` allows.
///
/// Amounts are bounded by what is signed, not by what is charged in the end. A mandate without
/// `payment.agent_recurrence` is for one payment. All payments of the wallet since the mandate was
/// made count, whichever mandate they were meant for.
///
/// # Errors
/// [`MandateError`] when any part of it cannot be enforced.
pub fn policy_from_mandate(
    base: &SpendPolicy,
    mandate: &OpenPaymentMandate,
    setup: &MandateSetup<'_>,
) -> Result<SpendPolicy, MandateError> {
    if base.asset != setup.asset.id() {
        return Err(MandateError::Instrument);
    }
    given_to(mandate, setup)?;
    let mut policy = base.clone();
    let rules = &mut policy.rules;
    for range in &mandate.amounts {
        let unit = Unit::of(&range.currency, setup)?;
        let (least, most) = (unit.minor(range.min)?, unit.minor(range.max)?);
        rules.least = rules
            .least
            .max(Some(least).filter(|least| !least.is_zero()));
        policy.per_payment = policy.per_payment.min(most);
    }
    if rules.least.is_some_and(|least| least > policy.per_payment) {
        return Err(MandateError::Contradiction("no amount is in its range"));
    }
    let since_unix_secs = mandate.issued_unix_secs.unwrap_or(0);
    for budget in &mandate.budgets {
        let max = Unit::of(&budget.currency, setup)?.major(&budget.max)?;
        rules.budgets.push(TotalBudget {
            since_unix_secs,
            max,
        });
    }
    if mandate.recurrences.is_empty() {
        rules.recurrences.push(Recurrence {
            since_unix_secs,
            max_occurrences: Some(1),
            min_interval_secs: 0,
        });
    } else if mandate.budgets.is_empty() {
        return Err(MandateError::Contradiction("it recurs without a budget"));
    }
    for (frequency, max_occurrences) in &mandate.recurrences {
        rules.recurrences.push(Recurrence {
            since_unix_secs,
            max_occurrences: *max_occurrences,
            min_interval_secs: frequency.min_interval_secs(),
        });
    }
    for list in &mandate.payees {
        let accounts = accounts(list, setup);
        if accounts.is_empty() {
            return Err(MandateError::Payees);
        }
        rules.payees = Some(match rules.payees.take() {
            None => accounts,
            Some(listed) => listed.intersection(&accounts).copied().collect(),
        });
    }
    rules.not_before_unix_secs = rules.not_before_unix_secs.max(mandate.not_before_unix_secs);
    rules.not_after_unix_secs = earliest(rules.not_after_unix_secs, mandate.not_after_unix_secs);
    Ok(policy)
}

fn given_to(mandate: &OpenPaymentMandate, setup: &MandateSetup<'_>) -> Result<(), MandateError> {
    // Only plain JSON, which anybody could have written, may leave open to whom it is given.
    let ours = match (setup.holder, &mandate.holder) {
        (Some(ours), Some(named)) => ours == named,
        (None, None) => !mandate.signed,
        _ => false,
    };
    if !ours {
        return Err(MandateError::Holder);
    }
    let bound_elsewhere = |reference: &String| setup.reference != Some(reference);
    if mandate.references.iter().any(bound_elsewhere) {
        return Err(MandateError::Reference);
    }
    let asset = setup.asset;
    let name = format!("{}/erc20:{}", asset.network, asset.address);
    let is_ours = |(id, kind): &(String, String)| kind == "x402" || id.eq_ignore_ascii_case(&name);
    match mandate
        .instruments
        .iter()
        .all(|list| list.iter().any(is_ours))
    {
        true => Ok(()),
        false => Err(MandateError::Instrument),
    }
}

/// The accounts of those merchants that are known by one: as the configuration says, or by an id
/// that is an account on this chain (CAIP-10) or an address.
fn accounts(list: &[Merchant], setup: &MandateSetup<'_>) -> BTreeSet<Address> {
    let account = |merchant: &Merchant| {
        if let Some(address) = setup.merchants.get(&merchant.id) {
            return Some(*address);
        }
        let id = match merchant.id.rsplit_once(':') {
            None => &*merchant.id,
            Some((network, address)) => {
                let ours = network == setup.asset.network.to_string();
                ours.then_some(address)?
            }
        };
        id.parse().ok().filter(|address| *address != Address::ZERO)
    };
    list.iter().filter_map(account).collect()
}

/// A currency that the token stands for.
struct Unit<'a> {
    asset: &'a Asset,
    /// Base units in one minor unit.
    per_minor: u64,
}

impl<'a> Unit<'a> {
    fn of(currency: &str, setup: &MandateSetup<'a>) -> Result<Self, MandateError> {
        let unknown = || MandateError::Currency(shorten(currency));
        if currency != setup.currency {
            return Err(unknown());
        }
        // Those of ISO 4217 that tokens stand for; one more is one more line.
        let minor_digits: u8 = match currency {
            "USD" | "EUR" | "GBP" | "CHF" | "CAD" | "AUD" | "SGD" | "BRL" | "MXN" | "NZD" => 2,
            "JPY" | "KRW" => 0,
            _ => return Err(unknown()),
        };
        let places = setup.asset.decimals.checked_sub(minor_digits);
        let per_minor = places.and_then(|places| 10_u64.checked_pow(u32::from(places)));
        Ok(Self {
            asset: setup.asset,
            per_minor: per_minor.ok_or_else(unknown)?,
        })
    }

    fn minor(&self, amount: u64) -> Result<BaseUnits, MandateError> {
        let units = BaseUnits::new(u128::from(amount)).times(self.per_minor);
        units.map_err(|_| MandateError::Contradiction("an amount is out of range"))
    }

    fn major(&self, amount: &str) -> Result<BaseUnits, MandateError> {
        let money: Result<Money, _> = format!("{amount} {}", self.asset.symbol).parse();
        let units = money.and_then(|money| money.in_base_units_of(self.asset));
        units.map_err(|error| MandateError::Malformed(shorten(&error.to_string())))
    }
}
