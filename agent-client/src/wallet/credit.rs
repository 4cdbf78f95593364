//! Paying with what was signed ahead, for as long as its payee says that it takes that.
//!
//! A voucher may reach some calls further than its own, within the policy's
//! `prepaid_ahead_base_units`. The receipt then carries a token, and with it the next calls are paid
//! without a signature. H + R ≤ S as ever, and S does not change.
//!
//! A token is money to whoever holds it, up to S − H − R. So it is kept in memory only, never in a
//! file or a log, and goes to nobody but the origin that issued it. One that is lost, by a restart or
//! a failed commit, costs a signature and nothing else.

use agent_core::{money::BaseUnits, x402::CreditToken};
use url::{Origin, Url};

use super::{
    account::Account,
    book::Book,
    limits::{CREDIT_CODE_DIGITS, CREDIT_SLACK_SECS},
    reserve::Want,
    settle::PaymentRow,
};

/// A token and who issued it.
#[derive(Debug, Clone)]
pub(super) struct Credit {
    token: CreditToken,
    origin: String,
}

/// How a payment is made on a lock.
#[derive(Debug)]
pub(super) enum Way {
    /// With this token; nothing is signed.
    Credit(CreditToken),
    /// With a voucher that reaches as far ahead as the policy allows; `renewal` when there is credit
    /// still, but less than what is in flight at once.
    Voucher { renewal: bool },
}

/// Who gets what a payment for `resource` carries; `None` when that cannot be told.
pub(super) fn origin(resource: &str) -> Option<String> {
    match Url::parse(resource).ok()?.origin() {
        origin @ Origin::Tuple(..) => Some(origin.ascii_serialization()),
        Origin::Opaque(_) => None,
    }
}

/// How to pay for `want` on `account`; a voucher would reach up to `ahead` further.
pub(super) fn way(
    book: &Book,
    account: &Account,
    want: &Want,
    ahead: BaseUnits,
    now_ms: u64,
) -> Way {
    let until = (now_ms / 1_000).saturating_add(want.margin_secs);
    let good = |credit: &&Credit| {
        let expires = (now_ms / 1_000).saturating_add(CREDIT_SLACK_SECS);
        want.origin.as_ref() == Some(&credit.origin) && credit.token.expires > expires
    };
    let Some(credit) = book.credits.get(&account.id).filter(good) else {
        return Way::Voucher { renewal: false };
    };
    let token = &credit.token;
    let Some(left) = account.left_below(token.ceiling, want.max, until) else {
        return Way::Voucher { renewal: false };
    };
    // A newer voucher is under way when more is signed than the token reaches.
    let runs_low = left < account.reserved && account.signed <= token.ceiling;
    let grows = || {
        let step = account.step_ahead(want.max, ahead, true);
        account.fits(want.max, until) && step.is_ok_and(|step| step.raised >= want.max)
    };
    match runs_low && grows() {
        true => Way::Voucher { renewal: true },
        false => Way::Credit(token.clone()),
    }
}

/// Takes the token of a receipt that was accepted, unless a better one is known. What is not one of
/// this channel's, or says more than was signed, counts as absent.
pub(super) fn keep(book: &mut Book, row: &PaymentRow, token: Option<&CreditToken>, now_ms: u64) {
    let (Some(token), Some(origin)) = (token, &row.origin) else {
        return;
    };
    let Some(account) = book.accounts.get(&row.channel_id) else {
        return;
    };
    let sound = token.channel_id == row.channel_id
        && !token.ceiling.is_zero()
        && token.ceiling <= account.signed
        && token.expires > now_ms / 1_000
        && is_code(&token.token);
    let known = book.credits.get(&row.channel_id);
    let better = |known: &Credit| {
        known.origin != *origin
            || (token.ceiling, token.expires) > (known.token.ceiling, known.token.expires)
    };
    if sound && known.is_none_or(better) {
        let (token, origin) = (token.clone(), origin.clone());
        book.credits
            .insert(row.channel_id, Credit { token, origin });
    }
}

/// Forgets the token that a payment was made with: its payee did not take it.
pub(super) fn drop_used(book: &mut Book, row: &PaymentRow) {
    if row.credit {
        book.credits.remove(&row.channel_id);
    }
}

fn is_code(text: &str) -> bool {
    text.strip_prefix("0x").is_some_and(|digits| {
        digits.len() == CREDIT_CODE_DIGITS && digits.bytes().all(|c| c.is_ascii_hexdigit())
    })
}
