//! Paying with x402's `exact`: one EIP-3009 authorization a call.
//!
//! Whoever holds the authorization can use it until it expires, so a refusal frees nothing: only
//! the chain can say, after that time, that it was not used.

use agent_core::{
    ledger::PaymentId,
    money::BaseUnits,
    x402::{
        Eip3009Payment, EvmTerms, ExactPayload, Mode, TokenDomain, TransferAuthorization, Uint256,
    },
};
use alloy_primitives::{Address, B256};
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::{
    Wallet,
    book::Book,
    envelope::Envelope,
    error::{TermsRefusal, WalletError},
    limits::{
        OPENING_GRACE_SECS, TRANSFER_BACKDATED_SECS, TRANSFER_VALID_SECS_MAX,
        TRANSFER_VALID_SECS_MIN, TRANSFERS_PER_SWEEP_MAX,
    },
    pay::{Hold, OfferRequest, Payment},
    receipt::{Confirmed, Lie, ReceiptError, Told},
    reserve::{Paying, Want, permit, record},
    schema::{broken, get_address, get_units, get_word, int, units},
    scheme::Scheme,
    settle::{PaymentRow, close, find, mark},
};
use crate::sqlite::JobError;

impl Wallet {
    pub(super) async fn pay_exact(
        &self,
        request: &OfferRequest<'_>,
        terms: EvmTerms,
        want: Want,
    ) -> Result<Payment, WalletError> {
        self.chain_port()?;
        let asset = self.0.config.assets.by_id(terms.token);
        let asset = asset.ok_or(TermsRefusal::Asset)?;
        let now = self.0.clock.now_unix_millis();
        let valid = terms
            .max_timeout_secs
            .clamp(TRANSFER_VALID_SECS_MIN, TRANSFER_VALID_SECS_MAX);
        let valid_before = (now / 1_000).saturating_add(valid);
        let nonce = fresh_nonce();
        let (id, value, policy) = (want.id.clone(), want.max, self.policy());
        let want = std::sync::Arc::new(want);
        self.0
            .write(move |tx, book| {
                permit(tx, book, &want, &policy, now)?;
                let paying = Paying {
                    scheme: Scheme::Exact,
                    source: nonce,
                    ceiling: want.max,
                    raised: want.max,
                    valid_before: Some(valid_before),
                    credit: false,
                };
                record(tx, book, &want, paying, now)
            })
            .await?;
        let authorization = TransferAuthorization {
            from: self.payer(),
            to: terms.pay_to,
            value,
            valid_after: Uint256::of((now / 1_000).saturating_sub(TRANSFER_BACKDATED_SECS)),
            valid_before: Uint256::of(valid_before),
            nonce,
        };
        let digest = authorization.transfer_digest(&TokenDomain::of(asset));
        let signed = Eip3009Payment::signed(authorization, self.0.config.key.sign(digest));
        let envelope = Envelope {
            entry: request.offer.requirements(),
            resource: request.resource,
            extensions: request.extensions,
        };
        let payload = envelope.around(Mode::X, &id, &ExactPayload::Eip3009(signed))?;
        Ok(Payment {
            id,
            scheme: Scheme::Exact,
            payload,
            max: value,
            channel_id: agent_core::voucher::ChannelId(nonce),
            ceiling: value,
            _hold: Hold::default(),
        })
    }

    /// Asks the chain about transfers whose outcome is not known and that have expired: what was
    /// used is charged, what was not is free again. Gives how many were decided.
    ///
    /// # Errors
    /// [`WalletError::Escrow`] or the store's; what was decided before stays decided.
    pub async fn resolve_transfers(&self, now_unix_secs: u64) -> Result<usize, WalletError> {
        let over = now_unix_secs.saturating_sub(OPENING_GRACE_SECS);
        let due = self.0.read(move |conn, _| Ok(due(conn, over)?)).await?;
        let mut decided = 0_usize;
        for transfer in due {
            let used =
                self.chain_port()?
                    .authorization_used(transfer.token, self.payer(), transfer.nonce);
            let (used, now) = (used.await?, self.0.clock.now_unix_millis());
            let done = self
                .0
                .write(move |tx, book| {
                    let row = find(tx, &transfer.id)?;
                    if !row.open() {
                        return Ok(());
                    }
                    let (actual, state) = match used {
                        true => (transfer.amount, "charged"),
                        false => (BaseUnits::ZERO, "void"),
                    };
                    end(tx, book, &row, actual, state, now)
                })
                .await;
            done?;
            decided = decided.saturating_add(1);
        }
        Ok(decided)
    }
}

/// Random: the token takes each of a payer's nonces once.
fn fresh_nonce() -> B256 {
    let [high, low] = [Uuid::new_v4(), Uuid::new_v4()];
    let mut nonce = B256::ZERO;
    let halves = [high.into_bytes(), low.into_bytes()].concat();
    nonce.copy_from_slice(&halves);
    nonce
}

#[derive(Debug, Clone)]
struct Transfer {
    id: PaymentId,
    token: Address,
    nonce: B256,
    amount: BaseUnits,
}

fn due(conn: &Connection, over: u64) -> rusqlite::Result<Vec<Transfer>> {
    let mut rows = conn.prepare_cached(
        "SELECT id, token, channel, max FROM payment
         WHERE scheme = 'exact' AND state IN ('in_flight', 'unknown') AND valid_before < ?1
         ORDER BY valid_before LIMIT ?2",
    )?;
    let limit = i64::try_from(TRANSFERS_PER_SWEEP_MAX).unwrap_or(i64::MAX);
    let mut rows = rows.query(params![int(over), limit])?;
    let mut due = Vec::new();
    while let Some(row) = rows.next()? {
        let id: String = row.get("id")?;
        due.push(Transfer {
            id: PaymentId::parse(&id).ok_or_else(|| super::schema::bad_text("id"))?,
            token: get_address(row, "token")?,
            nonce: get_word(row, "channel")?,
            amount: get_units(row, "max")?,
        });
    }
    Ok(due)
}

/// A receipt that says yes is believed: it costs us what we had counted anyway. One that says no is
/// not, as long as the authorization can be used.
pub(super) fn settle(
    conn: &Connection,
    book: &mut Book,
    row: PaymentRow,
    told: &Told,
    now_ms: u64,
) -> Result<Result<Confirmed, ReceiptError>, JobError<WalletError>> {
    if told.success
        && let Some(lie) = told.lie
    {
        mark(conn, &row)?;
        return Ok(Err(lie.into()));
    }
    if row.state == "void" && told.success {
        return Ok(Err(Lie::Contradiction.into()));
    }
    let charged = match (told.success, row.open()) {
        (true, true) => {
            end(conn, book, &row, row.max, "charged", now_ms)?;
            row.max
        }
        (false, true) => {
            mark(conn, &row)?;
            BaseUnits::ZERO
        }
        (_, false) => row.charged,
    };
    Ok(Ok(Confirmed {
        payment_id: row.id,
        channel_id: row.channel_id,
        charged,
        taken: told.success,
    }))
}

/// Ends an open transfer. One that can never happen weighs nothing.
pub(super) fn end(
    conn: &Connection,
    book: &mut Book,
    row: &PaymentRow,
    actual: BaseUnits,
    state: &str,
    now_ms: u64,
) -> Result<(), JobError<WalletError>> {
    if state == "void" {
        conn.prepare_cached("UPDATE payment SET raised = ?2 WHERE id = ?1")?
            .execute(params![row.id.as_str(), units(BaseUnits::ZERO)])?;
        book.windows
            .undo(row.payee, row.created_ms, row.max)
            .map_err(broken)?;
    }
    close(conn, book, row, actual, state, now_ms)
}
