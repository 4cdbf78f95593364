//! Asking a seller for what is left of a batch-settlement channel.

use agent_core::{
    ledger::PaymentId,
    untrusted::{Untrusted, shorten},
    voucher::ChannelId,
    x402::{ResourceInfo, batch::BatchTerms},
};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use super::{
    PayingClient,
    client::Outgoing,
    error::PayError,
    required::{Asked, attach, receipt},
};
use crate::{
    egress::ExchangeLimits,
    pay::limits::EXCHANGE_WAIT_MAX,
    wallet::{BatchState, WalletError},
};

/// What a seller did about a request for a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refunded {
    /// The channel.
    pub channel_id: ChannelId,
    /// The transaction that the seller names; from a stranger.
    pub transaction: Option<String>,
}

impl PayingClient {
    /// Asks the seller behind `url`, a route that takes `batch-settlement`, for what is left of our
    /// open channels with it, and looks at the chain afterwards. Nothing is paid over a channel
    /// from then on.
    ///
    /// # Errors
    /// [`PayError::Refused`] with the seller's code; channels that were refunded before stay so.
    /// The way out without the seller is [`crate::wallet::Wallet::leave`].
    pub async fn refund(&self, method: Method, url: &str) -> Result<Vec<Refunded>, PayError> {
        let parts = self.parts();
        let outgoing = Outgoing {
            method,
            url: parts.egress.vet(url)?,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        };
        let bounds = ExchangeLimits::default().within(EXCHANGE_WAIT_MAX);
        let offered = self.send(&outgoing, HeaderMap::new(), bounds).await?;
        if offered.status != StatusCode::PAYMENT_REQUIRED {
            return Err(refused("the route asks for no payment"));
        }
        let asked = Asked::read(&offered)?;
        let offers = asked.required.accepts.iter();
        let offer = offers
            .filter_map(|entry| Some((entry, BatchTerms::read(entry).ok()?)))
            .find(|(entry, _)| parts.wallet.read_offer(entry, asked.required.mode).is_ok());
        let Some((entry, terms)) = offer else {
            return Err(refused("the route takes no batch-settlement"));
        };
        let resource = ResourceInfo {
            url: outgoing.url.to_string(),
            ..asked.required.resource.clone()
        };
        let payer = parts.wallet.payer();
        let channels = parts.wallet.batch_channels().await?.into_iter();
        let ours = channels.filter(|account| {
            account.state == BatchState::Open
                && account.config == terms.channel(payer, payer, account.config.salt)
        });
        let mut done = Vec::new();
        for account in ours {
            let id = PaymentId::parse(&uuid::Uuid::now_v7().simple().to_string());
            let id = id.ok_or_else(|| WalletError::Books("a fresh id is malformed".to_owned()))?;
            let extensions = &asked.required.extensions;
            let refund = parts
                .wallet
                .refund(account.id, entry, &resource, extensions, &id)
                .await?;
            let mut headers = HeaderMap::new();
            attach(&mut headers, &refund.payload, asked.version)?;
            let response = self.send(&outgoing, headers, bounds).await?;
            let receipt = receipt(&response.headers);
            let Some(receipt) = receipt.filter(|receipt| receipt.success) else {
                let why = Asked::read(&response).ok().and_then(|it| it.required.error);
                return Err(refused(
                    why.as_deref().unwrap_or("no receipt for the refund"),
                ));
            };
            let named = !receipt.transaction.is_empty();
            done.push(Refunded {
                channel_id: account.id,
                transaction: named.then(|| shorten(&receipt.transaction)),
            });
        }
        parts.wallet.refresh_batches().await?;
        Ok(done)
    }
}

fn refused(code: &str) -> PayError {
    PayError::Refused {
        code: Untrusted::new(shorten(code)),
    }
}
