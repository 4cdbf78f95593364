//! Asking what something would cost before buying it, and buying at that price.

use std::future::IntoFuture;

use agent_core::a2a::Task;
use agent_core::clock::Clock as _;
use agent_core::json::Json;
use agent_core::ledger::BoxFuture;
use agent_core::money::{Amount, BaseUnits, Money};
use agent_core::untrusted::Untrusted;
use agent_core::x402::limits::MAX_ACCEPTS;
use agent_core::x402::offer::{QuotedResource, SignedOffer, offers_in};
use agent_core::x402::{Bid, PaymentRequired, PaymentRequirements, QuoteNotes};
use alloy_primitives::Address;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::Answer;
use super::ask::{Accepted, Ask, QuoteWish};
use super::bill::Bill;
use super::reading::Reading;
use super::{AskError, Seller};
use crate::clock::SystemClock;

/// A question what something would cost. Awaiting it asks.
#[derive(Debug)]
#[must_use = "nothing is asked before this is awaited"]
pub struct QuoteRequest<'a> {
    seller: &'a Seller,
    skill: &'a str,
    input: Result<Json, AskError>,
    bid: Option<Result<Money, AskError>>,
}

/// What a seller would do a piece of work for, best first in its own opinion.
#[derive(Debug, Clone)]
pub struct Quotes {
    seller: Seller,
    skill: String,
    input: Json,
    quotes: Vec<Quoted>,
}

/// One signed quote. Its seller is bound by it until it ends; its buyer is bound by nothing before
/// it accepts.
#[derive(Debug, Clone)]
pub struct Quoted {
    /// What the seller calls it.
    pub label: Untrusted,
    /// What the seller says of it.
    pub note: Option<Untrusted>,
    /// The most that will be charged.
    pub amount: Amount,
    /// Until when it holds, in Unix seconds; 0 for ever.
    pub valid_until_unix_secs: u64,
    /// The signed offer, as evidence.
    pub offer: SignedOffer,
    bill: Option<Bill>,
}

impl Seller {
    /// Asks what `skill` would cost for `input`. Nothing is paid.
    ///
    /// ```no_run
    /// # async fn shop(seller: agent_client::buyer::Seller) -> Result<(), Box<dyn std::error::Error>> {
    /// # #[derive(serde::Serialize)] struct Ask { text: String }
    /// # #[derive(serde::Deserialize)] struct Said { text: String }
    /// let input = Ask { text: "hi".into() };
    /// let quotes = seller.quote("shout", &input).bid("0.002 USDC").await?;
    /// let said: Said = quotes.accept(0).await?.output;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When awaited: [`AskError::Unpayable`] for a seller that signs no quote that we can use.
    pub fn quote<'a, In>(&'a self, skill: &'a str, input: &In) -> QuoteRequest<'a>
    where
        In: Serialize + ?Sized,
    {
        QuoteRequest {
            seller: self,
            skill,
            input: Json::from_value(input).map_err(AskError::Input),
            bid: None,
        }
    }
}

impl QuoteRequest<'_> {
    /// Says what we would pay. It commits to nothing.
    pub fn bid(mut self, amount: &str) -> Self {
        let amount = amount.parse::<Money>();
        self.bid = Some(amount.map_err(|error| AskError::Wallet(error.into())));
        self
    }

    async fn ask(self) -> Result<Quotes, AskError> {
        let Self {
            seller,
            skill,
            input,
            bid,
        } = self;
        if seller.remote().card().skill(skill).is_none() {
            return Err(AskError::UnknownSkill(skill.to_owned()));
        }
        let input = input?;
        let bid = match bid.transpose()? {
            Some(money) => Some(amount(seller, &money)?),
            None => None,
        };
        let wish = QuoteWish {
            bid: bid.map(Bid::from),
        };
        let ask = Ask {
            seller,
            skill,
            input: input.clone(),
            at_most: None,
            accepted: None,
        };
        let task = ask.inquire(&wish).await?;
        let quotes = read(&task, &ask)?;
        if quotes.is_empty() {
            return Err(AskError::Unpayable("it gives no signed quote"));
        }
        Ok(Quotes {
            seller: seller.clone(),
            skill: skill.to_owned(),
            input,
            quotes,
        })
    }
}

impl<'a> IntoFuture for QuoteRequest<'a> {
    type Output = Result<Quotes, AskError>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.ask())
    }
}

impl Quotes {
    /// The quotes, in the seller's order.
    #[must_use]
    pub fn all(&self) -> &[Quoted] {
        &self.quotes
    }

    /// The place of the cheapest.
    #[must_use]
    pub fn cheapest(&self) -> Option<usize> {
        let places = self.quotes.iter().enumerate();
        places
            .min_by_key(|(_, quoted)| quoted.amount.value)
            .map(|(place, _)| place)
    }

    /// Buys at the quote in this place. The payment's most is what was quoted; a seller that asks
    /// for more all the same is refused with [`AskError::Dearer`], and the offer in its own
    /// signature says what it had promised.
    ///
    /// # Errors
    /// [`AskError`]; [`AskError::Unpayable`] when there is no such quote or it is over.
    pub async fn accept<Out: DeserializeOwned>(
        &self,
        place: usize,
    ) -> Result<Answer<Out>, AskError> {
        let quoted = self.quotes.get(place);
        let quoted = quoted.ok_or(AskError::Unpayable("there is no such quote"))?;
        if is_over(&quoted.offer) {
            return Err(AskError::Unpayable("the quote is over"));
        }
        let accepted = Accepted {
            bill: quoted.bill.clone(),
            offer: quoted.offer.clone(),
        };
        let ask = Ask {
            seller: &self.seller,
            skill: &self.skill,
            input: self.input.clone(),
            at_most: Some(quoted.amount.value),
            accepted: Some(accepted),
        };
        self.seller.finish(ask).await
    }
}

fn amount(seller: &Seller, money: &Money) -> Result<Amount, AskError> {
    let resolved = seller.buyer().assets().resolve(money);
    let (asset, value) = resolved.map_err(|error| AskError::Wallet(error.into()))?;
    Ok(Amount {
        value,
        asset: asset.id(),
    })
}

fn is_over(offer: &SignedOffer) -> bool {
    let payload = offer.payload.as_ref();
    payload.is_none_or(|offer| offer.is_over(SystemClock.now_unix_secs()))
}

/// The quotes that hold: signed by the account that they pay, for this skill and input, of a way to
/// pay that stands beside them. The rest is left out.
fn read(task: &Task, ask: &Ask<'_>) -> Result<Vec<Quoted>, AskError> {
    let reading = Reading(task);
    let required = reading.required();
    let required = required.ok_or(AskError::Unpayable("it gives no quote"))?;
    let notes: QuoteNotes = reading.quote_notes().unwrap_or_default();
    let offers = offers_in(&required.extensions, MAX_ACCEPTS);
    let read = offers.into_iter();
    Ok(read
        .filter_map(|offer| quoted(offer, &required, &notes, ask))
        .collect())
}

fn quoted(
    signed: SignedOffer,
    required: &PaymentRequired,
    notes: &QuoteNotes,
    ask: &Ask<'_>,
) -> Option<Quoted> {
    let pay_to: Address = signed.payload.as_ref()?.pay_to.parse().ok()?;
    let offer = signed.check(pay_to).ok()?;
    let resource: QuotedResource = offer.resource_url.parse().ok()?;
    let ours = QuotedResource::of(ask.skill, &ask.input, &resource.label).ok()?;
    let value: BaseUnits = offer.amount.parse().ok()?;
    if resource != ours || is_over(&signed) {
        return None;
    }
    let mut entries = required.accepts.iter().take(MAX_ACCEPTS);
    let entry: &PaymentRequirements = entries.find(|entry| offer.matches(entry))?;
    let buyer = ask.seller.buyer();
    let asset = buyer.assets().by_id(agent_core::money::AssetId {
        network: entry.network.parse().ok()?,
        address: entry.asset.parse().ok()?,
    })?;
    let only = PaymentRequired {
        accepts: vec![entry.clone()],
        ..required.clone()
    };
    let card = ask.seller.remote().shared_terms();
    let bill = match value.is_zero() {
        true => None,
        false => Some(Bill::of_answer(&only, card, ask.skill, Some(value), buyer.assets()).ok()?),
    };
    let note = notes.notes.get(&resource.label);
    Some(Quoted {
        label: Untrusted::new(resource.label.clone()),
        note: note.map(|note| Untrusted::new(note.clone())),
        amount: Amount {
            value,
            asset: asset.id(),
        },
        valid_until_unix_secs: offer.valid_until,
        offer: signed.clone(),
        bill,
    })
}
