//! What a seller of `batch-settlement` sends its facilitator, by hand: claims and payouts.

use super::{Fault, SELLER};
use agent_client::egress::{Egress, EgressPolicy};
use agent_core::a2a::Secret;
use agent_core::json::{Json, Metadata};
use agent_core::ledger::{Claim, Ledger};
use agent_core::money::BaseUnits;
use agent_core::voucher::Funding;
use agent_core::x402::batch::{
    BatchDomain, BatchSettlePayload, ClaimVoucher, SCHEME_BATCH_SETTLEMENT, VoucherClaim,
    claim_batch_digest,
};
use agent_core::x402::facilitator::{Facilitator, RequestV2};
use agent_core::x402::{Mode, PaymentPayload, PaymentRequirements, X402_VERSION};
use agent_server::config::KeyConfig;
use agent_server::facilitator::{RemoteFacilitator, RemoteOptions};
use agent_server::paid::Till;
use http::HeaderName;
use std::sync::Arc;

/// More than the tests have.
const CHANNELS_MAX: usize = 100;

/// A facilitator, to which we say who we are if it lends us its key.
pub(crate) fn remote(url: &str, is_lent: bool) -> Result<Arc<dyn Facilitator>, Fault> {
    let egress = Egress::new(EgressPolicy::strict().allow_loopback())?;
    let mut options = RemoteOptions::default();
    if is_lent {
        let name = HeaderName::from_static("x-api-key");
        options = options.with_header(name, Secret::new("the-interop-tests-seller"));
    }
    Ok(Arc::new(RemoteFacilitator::new(egress, url, options)?))
}

/// Books what was charged; nothing is transferred. Says how many channels it was.
pub(crate) async fn claim(
    till: &Till,
    facilitator: &dyn Facilitator,
    is_own: bool,
) -> Result<usize, Fault> {
    let domain = BatchDomain::new(till.asset().network);
    let rows = till.store().claims(CHANNELS_MAX).await?;
    let claims: Vec<VoucherClaim> = rows.iter().filter_map(row).collect();
    let entries: Vec<_> = claims.iter().map(|row| row.entry(&domain)).collect();
    let digest = claim_batch_digest(&domain, &entries).ok_or("nothing to claim")?;
    let key = KeyConfig::Devnet(SELLER).read()?;
    let count = claims.len();
    let claim = BatchSettlePayload::Claim {
        claims,
        claim_authorizer_signature: is_own.then(|| key.sign(digest).to_string()),
    };
    settle(till, facilitator, &claim).await?;
    Ok(count)
}

/// Pays out all that was booked.
pub(crate) async fn pay_out(till: &Till, facilitator: &dyn Facilitator) -> Result<String, Fault> {
    let payout = BatchSettlePayload::Settle {
        receiver: till.payee(),
        token: till.asset().address,
    };
    settle(till, facilitator, &payout).await
}

fn row(claim: &Claim) -> Option<VoucherClaim> {
    let Funding::Batch(channel) = claim.funding else {
        return None;
    };
    Some(VoucherClaim {
        voucher: ClaimVoucher {
            channel,
            max_claimable_amount: claim.ceiling,
        },
        signature: claim.signature.to_string(),
        total_claimed: claim.charged,
    })
}

async fn settle(
    till: &Till,
    facilitator: &dyn Facilitator,
    what: &BatchSettlePayload,
) -> Result<String, Fault> {
    let asset = till.asset();
    let mut extra = Metadata::new();
    extra.set("name", &asset.name)?;
    extra.set("version", &asset.version)?;
    let requirements = PaymentRequirements {
        scheme: SCHEME_BATCH_SETTLEMENT.to_owned(),
        network: asset.network.to_string(),
        amount: BaseUnits::ZERO,
        asset: asset.address.to_string(),
        pay_to: till.payee().to_string(),
        max_timeout_seconds: 60,
        extra,
    };
    let answer = facilitator.settle(RequestV2 {
        x402_version: X402_VERSION,
        mode: Mode::X,
        payment_payload: PaymentPayload {
            x402_version: X402_VERSION,
            mode: Mode::X,
            resource: None,
            accepted: requirements.clone(),
            payload: Json::from_value(what)?,
            extensions: Metadata::new(),
        },
        payment_requirements: requirements,
    });
    let answer = answer.await?;
    if answer.success {
        return Ok(answer.transaction);
    }
    let (code, why) = (answer.error_reason, answer.error_message);
    Err(format!("{code:?}: {why:?}").into())
}
