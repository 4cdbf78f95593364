//! The open payment mandate: every constraint that is read, and nothing that is not.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

use super::MandateError;
use super::limits::{BUDGET_DIGITS_MAX, CONSTRAINTS_MAX, LISTED_MAX};
use crate::a2a::Timestamp;
use crate::a2a::signing::Jwk;
use crate::untrusted::shorten;

const VCT: &str = "mandate.payment.open.1";

/// What a user allows an agent to pay, as the mandate says it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenPaymentMandate {
    /// Whether a trusted key signed it.
    pub signed: bool,
    /// The thumbprint (RFC 7638) of the key that it is given to, if it names one by `jwk`.
    pub holder: Option<String>,
    /// Ranges of one payment's amount; all must hold.
    pub amounts: Vec<Amounts>,
    /// Totals of all payments; all must hold.
    pub budgets: Vec<Budget>,
    /// Lists of payees; each payment's must be in all.
    pub payees: Vec<Vec<Merchant>>,
    /// Lists of payment instruments as (id, type); ours must be in all.
    pub instruments: Vec<Vec<(String, String)>>,
    /// The checkouts that it is bound to.
    pub references: Vec<String>,
    /// How often it may be used, and the most times. Without one it is for a single payment.
    pub recurrences: Vec<(Frequency, Option<u64>)>,
    /// From when on, in seconds of Unix time.
    pub not_before_unix_secs: Option<u64>,
    /// The last second.
    pub not_after_unix_secs: Option<u64>,
    /// When it was made.
    pub issued_unix_secs: Option<u64>,
}

/// A range of amounts, in the minor unit of a currency (cents).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amounts {
    #[serde(rename = "type")]
    _type: String,
    /// ISO 4217.
    pub currency: String,
    /// The most.
    pub max: u64,
    /// The least.
    #[serde(default)]
    pub min: u64,
}

/// The most in total, in the major unit of a currency, as text: `1000.5`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// ISO 4217.
    pub currency: String,
    /// The most.
    pub max: String,
}

/// Somebody who may be paid.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merchant {
    /// Its name for machines.
    pub id: String,
    /// Its name for people; never looked at here.
    pub name: String,
    /// Its site; never looked at here.
    #[serde(default)]
    pub website: Option<String>,
}

/// How far apart two payments are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the specification's words, which say it all")]
#[non_exhaustive]
pub enum Frequency {
    OnDemand,
    Daily,
    Weekly,

    Biweekly,
    Monthly,
    Quarterly,
    Annually,
}

impl Frequency {
    /// The seconds between two payments at least. Months and longer count at their longest.
    #[must_use]
    pub const fn min_interval_secs(self) -> u64 {
        let days = match self {
            Self::OnDemand => 0,
            Self::Daily => 1,
            Self::Weekly => 7,
            Self::Biweekly => 14,
            Self::Monthly => 31,
            Self::Quarterly => 92,
            Self::Annually => 366,
        };
        days * 86_400
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    vct: String,
    constraints: Vec<Value>,
    cnf: Value,
    payee: Option<Merchant>,
    payment_amount: Option<Amount>,
    payment_instrument: Option<Instrument>,
    pisp: Option<Value>,
    execution_date: Option<Value>,
    #[serde(rename = "risk_data")]
    _risk_data: Option<Value>,
    iat: Option<u64>,
    nbf: Option<u64>,
    exp: Option<u64>,
    #[serde(rename = "iss")]
    _iss: Option<String>,
    #[serde(rename = "sub")]
    _sub: Option<String>,
    #[serde(rename = "jti")]
    _jti: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Amount {
    amount: u64,
    currency: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Instrument {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, rename = "description")]
    _description: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowed<T> {
    #[serde(rename = "type")]
    _type: String,
    allowed: Vec<T>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Total {
    #[serde(rename = "type")]
    _type: String,
    currency: String,
    max: Number,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    #[serde(rename = "type")]
    _type: String,
    conditional_transaction_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Again {
    #[serde(rename = "type")]
    _type: String,
    frequency: Frequency,
    max_occurrences: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dates {
    #[serde(rename = "type")]
    _type: String,
    not_before: Option<String>,
    not_after: Option<String>,
}

impl OpenPaymentMandate {
    pub(super) fn read(value: Value, signed: bool) -> Result<Self, MandateError> {
        let claims: Claims = shape(value)?;
        if claims.vct != VCT {
            return Err(malformed(&format!("its vct is not {VCT}")));
        }
        if claims.pisp.is_some() {
            return Err(unsupported("pisp"));
        }
        if claims.execution_date.is_some() {
            return Err(unsupported("execution_date"));
        }
        let mut mandate = Self {
            signed,
            holder: holder(claims.cnf)?,
            amounts: Vec::new(),
            budgets: Vec::new(),
            payees: Vec::new(),
            instruments: Vec::new(),
            references: Vec::new(),
            recurrences: Vec::new(),
            not_before_unix_secs: claims.nbf.max(claims.iat),
            not_after_unix_secs: claims.exp,
            issued_unix_secs: claims.iat,
        };
        mandate.payees.extend(claims.payee.map(|payee| vec![payee]));
        let amount = claims.payment_amount.map(|exact| Amounts {
            _type: String::new(),
            currency: exact.currency,
            max: exact.amount,
            min: exact.amount,
        });
        mandate.amounts.extend(amount);
        let instrument = claims.payment_instrument;
        let instrument = instrument.map(|one| vec![(one.id, one.kind)]);
        mandate.instruments.extend(instrument);
        if claims.constraints.len() > CONSTRAINTS_MAX {
            return Err(MandateError::TooLarge("it has too many constraints"));
        }
        for constraint in claims.constraints {
            mandate.constrain(constraint)?;
        }
        Ok(mandate)
    }

    fn constrain(&mut self, constraint: Value) -> Result<(), MandateError> {
        let kind = constraint.get("type").and_then(Value::as_str);
        let kind = kind.ok_or_else(|| malformed("a constraint has no type"))?;
        match kind {
            "payment.amount_range" => self.amounts.push(shape(constraint)?),
            "payment.budget" => {
                let total: Total = shape(constraint)?;
                self.budgets.push(Budget {
                    currency: total.currency,
                    max: decimal(&total.max)?,
                });
            }
            "payment.allowed_payees" => {
                let list: Allowed<Merchant> = shape(constraint)?;
                self.payees.push(bounded(list.allowed)?);
            }
            "payment.allowed_payment_instruments" => {
                let list: Allowed<Instrument> = shape(constraint)?;
                let list = bounded(list.allowed)?.into_iter();
                self.instruments
                    .push(list.map(|one| (one.id, one.kind)).collect());
            }
            "payment.reference" => {
                let reference: Reference = shape(constraint)?;
                self.references.push(reference.conditional_transaction_id);
            }
            "payment.agent_recurrence" => {
                let again: Again = shape(constraint)?;
                self.recurrences
                    .push((again.frequency, again.max_occurrences));
            }
            "payment.execution_date" => {
                let dates: Dates = shape(constraint)?;
                let from = dates.not_before.as_deref().map(|text| time(text, 999));
                let until = dates.not_after.as_deref().map(|text| time(text, 0));
                self.not_before_unix_secs = self.not_before_unix_secs.max(from.transpose()?);
                self.not_after_unix_secs = earliest(self.not_after_unix_secs, until.transpose()?);
            }
            other => return Err(unsupported(other)),
        }
        Ok(())
    }
}

/// The earlier of two ends, where none is no end.
pub(super) fn earliest(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn holder(cnf: Value) -> Result<Option<String>, MandateError> {
    let Value::Object(mut cnf) = cnf else {
        return Err(malformed("its cnf is no object"));
    };
    let jwk = cnf.remove("jwk");
    let jwk = jwk.map(serde_json::from_value::<Jwk>).transpose();
    let jwk = jwk.map_err(|error| malformed(&error.to_string()))?;
    Ok(jwk.map(|jwk| jwk.thumbprint()))
}

/// Seconds of Unix time; begun ones are over for a start and not for an end.
fn time(text: &str, round_millis: i64) -> Result<u64, MandateError> {
    let time: Timestamp = text
        .parse()
        .map_err(|_| malformed("a date is not an RFC 3339 time with its zone"))?;
    let secs = time
        .unix_millis()
        .saturating_add(round_millis)
        .div_euclid(1_000);
    u64::try_from(secs).map_err(|_| malformed("a date is before 1970"))
}

/// The digits of a JSON number, of which no more are taken than it carries exactly.
fn decimal(number: &Number) -> Result<String, MandateError> {
    let text = number.to_string();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    match plain && digits <= BUDGET_DIGITS_MAX {
        true => Ok(text.strip_suffix(".0").unwrap_or(&text).to_owned()),
        false => Err(malformed("a budget is not a plain decimal number")),
    }
}

fn bounded<T>(list: Vec<T>) -> Result<Vec<T>, MandateError> {
    match list.len() <= LISTED_MAX {
        true => Ok(list),
        false => Err(MandateError::TooLarge("one of its lists is too long")),
    }
}

fn shape<T: DeserializeOwned>(value: Value) -> Result<T, MandateError> {
    serde_json::from_value(value).map_err(|error| malformed(&error.to_string()))
}

fn malformed(why: &str) -> MandateError {
    MandateError::Malformed(shorten(why))
}

fn unsupported(what: &str) -> MandateError {
    MandateError::Unsupported(shorten(what))
}
