//! Prices that are asked for before anything is bought, and prices that were agreed.
//!
//! Nothing is remembered of a quote: what was offered comes back with the payment, under our own
//! signature. So a buyer may hold as many as it likes, and a restart forgets none.

use super::request::Asked;
use super::{Sent, Service};
use crate::gate::Gate;
use crate::limits::{OFFER_GRACE_SECS, OFFER_VALID_SECS_MAX, QUOTE_LABEL_BYTES_MAX, QUOTES_MAX};
use crate::notary::Notary;
use crate::tasks::Metered;
use agent_core::a2a::{A2aError, FieldViolation, Message, Part};
use agent_core::json::{Json, Metadata};
use agent_core::money::{Amount, BaseUnits};
use agent_core::price::{Charge, ResolvedPrice};
use agent_core::skill::Quote;
use agent_core::x402::offer::{OFFER_RECEIPT, Offer, QuotedResource, SignedOffer, put_offers};
use agent_core::x402::{Bid, PaymentRequired, QuoteNotes, keys};
use alloy_primitives::Address;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Whether a message asks what its request would cost, and not for the work.
///
/// # Errors
/// InvalidParams for a value that is not a boolean.
pub(super) fn is_quote_wanted(message: &Message) -> Result<bool, A2aError> {
    Ok(field::<bool>(message, keys::QUOTE)?.unwrap_or(false))
}

/// Who paid with the payment in a message, if it names the extension of signed receipts. One costs a
/// signature, so it is for who asks; a stock client does when it was offered something signed.
///
/// It may be believed once the payment is admitted: its signature holds the lock.
fn receipt_for(message: &Message) -> Option<Address> {
    #[derive(Deserialize)]
    struct Payment {
        #[serde(default)]
        extensions: Metadata,
        payload: Payload,
    }
    #[derive(Deserialize)]
    struct Payload {
        lock: Lock,
    }
    #[derive(Deserialize)]
    struct Lock {
        payer: Address,
    }
    let payment: Payment = message.metadata.parse(keys::PAYLOAD).ok()??;
    let wanted = payment.extensions.contains(OFFER_RECEIPT);
    wanted.then_some(payment.payload.lock.payer)
}

impl Service {
    /// The quotes for a request, signed, as a message: there is no task, and nothing is kept.
    pub(super) fn quote(&self, asked: &Asked, message: &Message) -> Result<Sent, A2aError> {
        let (gate, notary) = self.quoters()?;
        let bid = bid_in(message)?;
        let input = Json::from_text(&asked.input).map_err(|error| internal(&error))?;
        let now = self.0.engine.clock.now_unix_secs();
        let mut accepts = Vec::new();
        let mut offers: Vec<SignedOffer> = Vec::new();
        let mut notes = BTreeMap::new();
        let mut required: Option<PaymentRequired> = None;
        for quote in told(asked.work.quotes(bid)) {
            let amount = quote
                .ceiling(&self.0.assets)
                .map_err(|error| A2aError::internal(format!("a skill's quote: {error}")))?;
            let resource = resource(&asked.skill, &input, &quote.label)?;
            let valid_secs = quote.valid_secs.clamp(1, OFFER_VALID_SECS_MAX);
            let asks = gate.ask_for(&asked.skill, amount, None);
            let asks = asks.and_then(|asks| asks.parse::<PaymentRequired>(keys::REQUIRED));
            let Some(asks) = asks.map_err(|error| internal(&error))? else {
                return Err(A2aError::internal("there is nothing to pay with"));
            };
            for entry in &asks.accepts {
                let until = now.saturating_add(valid_secs);
                let mut offer = notary.offer(Offer::of(entry, resource.to_string(), until));
                offer.accept_index = u64::try_from(accepts.len()).ok();
                offers.push(offer);
                accepts.push(entry.clone());
            }
            if let Some(note) = quote.note {
                notes.insert(quote.label, note);
            }
            required.get_or_insert(asks);
        }
        let Some(mut required) = required else {
            return Err(
                A2aError::unsupported_operation("the skill quotes no price for this")
                    .with_detail("no_quote"),
            );
        };
        required.accepts = accepts;
        put_offers(&mut required.extensions, &offers).map_err(|error| internal(&error))?;
        let answer = answer(message, &required, &QuoteNotes { notes });
        answer.map(Sent::Direct).map_err(|error| internal(&error))
    }

    /// The most that the request may cost: what an offer of ours says, if one came with one of the
    /// messages, and else what the skill says now. The accepted quote is noted in `asked`, and who
    /// wants a receipt.
    ///
    /// # Errors
    /// InvalidParams for an offer that is not ours, is for something else, or is over; nothing was
    /// charged.
    pub(super) fn agree(
        &self,
        asked: &mut Asked,
        messages: &[&Message],
    ) -> Result<BaseUnits, A2aError> {
        asked.receipt = messages.iter().copied().find_map(receipt_for);
        for message in messages {
            if let Some(signed) = field::<SignedOffer>(message, keys::OFFER)? {
                let (label, amount) = self.check_offer(asked, &signed)?;
                asked.metered = self.metered_under(asked, &label, amount);
                asked.quote = Some(label);
                return Ok(amount);
            }
        }
        let bids = messages.iter().map(|message| bid_in(message));
        let bids: Result<Vec<_>, _> = bids.collect();
        let bid = bids?.into_iter().flatten().next();
        match asked.work.quote(bid).resolve(&self.0.assets) {
            Ok(ResolvedPrice::Free) => Ok(BaseUnits::ZERO),
            Ok(ResolvedPrice::Paid {
                ceiling, charge, ..
            }) => {
                asked.metered = metered(&charge, ceiling, true);
                Ok(ceiling)
            }
            Err(error) => Err(A2aError::internal(format!("a skill's quote: {error}"))),
        }
    }

    /// How the work is metered that an offer was accepted for: as the quote of that label is now. An
    /// offer binds the ceiling; what a unit costs is not in it.
    fn metered_under(&self, asked: &Asked, label: &str, ceiling: BaseUnits) -> Option<Metered> {
        let quotes = asked.work.quotes(None);
        let quote = quotes.into_iter().find(|quote| quote.label == label)?;
        match quote.price.resolve(&self.0.assets) {
            Ok(ResolvedPrice::Paid { charge, .. }) => metered(&charge, ceiling, true),
            _ => None,
        }
    }

    fn check_offer(
        &self,
        asked: &Asked,
        signed: &SignedOffer,
    ) -> Result<(String, BaseUnits), A2aError> {
        let refused = |why: &str, code| {
            let violation = FieldViolation::new(format!("message.metadata.{}", keys::OFFER), why);
            let error = A2aError::invalid_params(format!("the offer: {why}"));
            error.with_violation(violation).with_detail(code)
        };
        let (gate, notary) = self.quoters()?;
        let offer = signed
            .check(notary.address())
            .map_err(|_| refused("is not signed by this agent", "offer_not_ours"))?;
        let terms = gate.terms();
        let ours = offer.network == terms.asset.network.to_string()
            && offer.asset.parse() == Ok(terms.asset.address)
            && offer.pay_to.parse() == Ok(terms.pay_to);
        let input = Json::from_text(&asked.input).map_err(|error| internal(&error))?;
        let quoted: Option<QuotedResource> = offer.resource_url.parse().ok();
        let quoted = quoted.filter(|_| ours);
        let Some(quoted) = quoted else {
            return Err(refused("is for something else", "offer_differs"));
        };
        if quoted != resource(&asked.skill, &input, &quoted.label)? {
            return Err(refused("is for another skill or input", "offer_differs"));
        }
        let now = self.0.engine.clock.now_unix_secs();
        if offer.is_over(now.saturating_sub(OFFER_GRACE_SECS)) {
            return Err(refused("is over; ask for a new one", "offer_over"));
        }
        let amount = offer.amount.parse();
        let amount = amount.map_err(|_| refused("is for something else", "offer_differs"))?;
        Ok((quoted.label, amount))
    }

    fn quoters(&self) -> Result<(&Gate, &Notary), A2aError> {
        self.gate()
            .zip(self.0.engine.notary.as_ref())
            .ok_or_else(|| {
                A2aError::unsupported_operation("this agent signs no offers")
                    .with_detail("offers_not_signed")
            })
    }
}

/// How work of such a price is metered, if it is.
pub(super) fn metered(charge: &Charge, ceiling: BaseUnits, tops_up: bool) -> Option<Metered> {
    Some(Metered {
        rate: charge.rate(ceiling)?,
        step: ceiling,
        tops_up,
    })
}

/// The quotes that are told: few, each under a label of its own.
fn told(quotes: Vec<Quote>) -> impl Iterator<Item = Quote> {
    let mut labels = Vec::new();
    let fits = move |quote: &Quote| {
        let label = quote.label.as_str();
        let new = !labels.iter().any(|known| known == label);
        labels.push(label.to_owned());
        new && !label.is_empty() && label.len() <= QUOTE_LABEL_BYTES_MAX
    };
    quotes.into_iter().filter(fits).take(QUOTES_MAX)
}

fn resource(skill: &str, input: &Json, label: &str) -> Result<QuotedResource, A2aError> {
    QuotedResource::of(skill, input, label).map_err(|error| {
        A2aError::invalid_params(format!("nothing can be quoted for this input: {error}"))
            .with_detail("input_has_no_hash")
    })
}

fn answer(
    message: &Message,
    required: &PaymentRequired,
    notes: &QuoteNotes,
) -> Result<Json, serde_json::Error> {
    let context_id = match message.context_id.as_str() {
        "" => Uuid::now_v7().to_string(),
        given => given.to_owned(),
    };
    let said = format!(
        "{} quotes; pay for one and send its offer",
        required.accepts.len()
    );
    let mut answer = Message::agent(Part::text(said)).in_context(context_id);
    let metadata: &mut Metadata = &mut answer.metadata;
    metadata.set(
        keys::STATUS,
        &agent_core::x402::PaymentStatus::PaymentRequired,
    )?;
    metadata.set(keys::REQUIRED, required)?;
    metadata.set(keys::QUOTE, notes)?;
    Json::from_value(&answer)
}

fn bid_in(message: &Message) -> Result<Option<Amount>, A2aError> {
    let Some(bid) = field::<Bid>(message, keys::BID)? else {
        return Ok(None);
    };
    bid.amount().map(Some).ok_or_else(|| unreadable(keys::BID))
}

fn field<T: DeserializeOwned>(message: &Message, key: &str) -> Result<Option<T>, A2aError> {
    message.metadata.parse(key).map_err(|_| unreadable(key))
}

fn unreadable(key: &str) -> A2aError {
    A2aError::invalid_field(format!("message.metadata.{key}"), "cannot be read")
}

fn internal(error: &serde_json::Error) -> A2aError {
    A2aError::internal(error.to_string())
}
