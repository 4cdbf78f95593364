//! Payments made beforehand, so that the load measures the seller and not the buyer's signing.

use crate::Result;
use agent_client::settings::ChainSettings;
use agent_client::wallet::PayerKey;
use agent_core::json::{Json, Metadata};
use agent_core::money::BaseUnits;
use agent_core::voucher::{Lock, Salt, Voucher};
use agent_core::x402::{
    Mode, PAYMENT_IDENTIFIER, PaymentIdentifier, PaymentPayload, PaymentRequirements, X402_VERSION,
};
use agent_devnet::DEV_ACCOUNTS;
use alloy_primitives::Address;
use std::time::{Duration, Instant};

/// The development key that pays.
pub(crate) const PAYER: usize = 5;

pub(crate) fn payer() -> Result<PayerKey> {
    key(PAYER)
}

pub(crate) fn key(number: usize) -> Result<PayerKey> {
    let account = DEV_ACCOUNTS.get(number).ok_or("no such account")?;
    Ok(PayerKey::from_hex(account.private_key)?)
}

pub(crate) fn lock(chain: &ChainSettings, payee: Address, salt: u64) -> Result<Lock> {
    let payer = payer()?.address();
    let salt = Salt(alloy_primitives::Uint::from(salt));
    Ok(Lock {
        payer,
        signer: payer,
        payee,
        token: chain.token.address,
        salt,
    })
}

/// A payment with a name, as message metadata wants it.
pub(crate) fn payment(
    mode: Mode,
    accepted: PaymentRequirements,
    payload: Json,
    id: String,
) -> Result<String> {
    let mut extensions = Metadata::new();
    extensions.set(PAYMENT_IDENTIFIER, &PaymentIdentifier::of(id))?;
    let payment = PaymentPayload {
        x402_version: X402_VERSION,
        mode,
        resource: None,
        accepted,
        payload,
        extensions,
    };
    Ok(serde_json::to_string(&payment)?)
}

/// How long one voucher check takes: lock id, digest, recovery of the signer.
pub(crate) fn voucher_check() -> Result<Duration> {
    let chain = ChainSettings::devnet(ChainSettings::DEVNET_RPC_URL);
    let (domain, key) = (chain.domain(), payer()?);
    let lock = lock(&chain, Address::repeat_byte(1), 1)?;
    let ceiling = BaseUnits::new(1_000);
    let id = lock.id(&domain);
    let voucher = Voucher::received(id, ceiling, key.sign(domain.voucher_digest(id, ceiling)));
    let rounds = 5_000u32;
    let started = Instant::now();
    for _ in 0..rounds {
        std::hint::black_box(std::hint::black_box(voucher).check(&domain, &lock)?);
    }
    Ok(started.elapsed() / rounds)
}
