//! `exact`: one transfer for every payment, by EIP-3009.

use crate::facilitator::desk::{Desk, Done, Job, Known, Simulated};
use crate::facilitator::limits::TRANSFER_GAS_MAX;
use crate::facilitator::refusal::{Checked, No};
use crate::facilitator::schemes::{consistent, named_as, settled};
use crate::facilitator::tickets::Asker;
use agent_client::chain::bindings::IToken;
use agent_core::x402::facilitator::{RequestV2, VerifyResponse};
use agent_core::x402::{
    CheckedTransfer, Eip3009Payment, EvmTerms, ExactError, ExactPayload, SCHEME_EXACT,
    SettleResponse, TokenDomain,
};
use alloy_primitives::{B256, U256};
use alloy_sol_types::{SolCall, SolEvent};

const SIMULATION: &str = "invalid_exact_evm_transaction_simulation_failed";
const USED: &str = "invalid_exact_evm_nonce_already_used";

/// A payment that fits what is asked for, but for its time.
struct Payment {
    terms: EvmTerms,
    domain: TokenDomain,
    payment: Eip3009Payment,
    transfer: CheckedTransfer,
}

pub(crate) async fn verify(desk: &Desk, request: &RequestV2) -> Checked<VerifyResponse> {
    let payment = match read(desk, request)? {
        Way::Token(payment) => payment,
        Way::Permit2(permit) => return super::permit2::verify_exact(desk, request, *permit).await,
    };
    let job = payment.job();
    payment.check_time(desk)?;
    if !matches!(desk.known(&job).await?, Known::New(_)) {
        return Err(No::code(USED));
    }
    payment.check_chain(desk, &job).await?;
    let payer = payment.transfer.authorization().from.to_string();
    Ok(VerifyResponse::valid(payer))
}

pub(crate) async fn settle(
    desk: &Desk,
    request: &RequestV2,
    asker: Asker,
) -> Checked<SettleResponse> {
    let payment = match read(desk, request)? {
        Way::Token(payment) => payment,
        Way::Permit2(permit) => {
            return super::permit2::settle_exact(desk, request, *permit, asker).await;
        }
    };
    let job = payment.job();
    let check = async {
        payment.check_time(desk)?;
        payment.check_chain(desk, &job).await
    };
    let (done, ticket) = desk.once(&job, asker, check).await?;
    let authorization = payment.transfer.authorization();
    if !payment.was_made(&done) {
        return Err(No::after(
            "invalid_exact_evm_transfer_event_mismatch",
            Some(done.hash),
        ));
    }
    ticket.told();
    let amount = authorization.value.to_string();
    Ok(settled(request, authorization.from, done.hash, amount))
}

enum Way {
    Token(Box<Payment>),
    Permit2(Box<super::permit2::ExactPermit>),
}

fn read(desk: &Desk, request: &RequestV2) -> Checked<Way> {
    consistent(request)?;
    let terms = EvmTerms::read(&request.payment_requirements, SCHEME_EXACT)?;
    let asset = desk.asset(terms.token)?;
    let payload = request.payment_payload.payload.parse();
    let payment = match payload.map_err(|_| No::code("invalid_payload"))? {
        ExactPayload::Eip3009(payment) => payment,
        ExactPayload::Permit2(permit) => return Ok(Way::Permit2(Box::new(permit))),
        _ => return Err(No::code("invalid_payload")),
    };
    let (name, version) = named_as(asset, request);
    if !name {
        return Err(No::code("invalid_exact_evm_token_name_mismatch"));
    }
    if !version {
        return Err(No::code("invalid_exact_evm_token_version_mismatch"));
    }
    let domain = TokenDomain::of(asset);
    let transfer = match payment.check(&terms, &domain, desk.now()) {
        Ok(transfer) => transfer,
        // A payment that was made in its time is still the same payment afterwards.
        Err(ExactError::Expired | ExactError::NotYet) => {
            payment.check(&terms, &domain, in_its_time(&payment))?
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Way::Token(Box::new(Payment {
        terms,
        domain,
        payment,
        transfer,
    })))
}

/// A second at which the authorization is good, if there is one.
fn in_its_time(payment: &Eip3009Payment) -> u64 {
    payment.authorization.valid_after.0.saturating_to()
}

impl Payment {
    fn check_time(&self, desk: &Desk) -> Checked<()> {
        self.payment.check(&self.terms, &self.domain, desk.now())?;
        Ok(())
    }

    fn job(&self) -> Job {
        let signed = self.transfer.authorization();
        let (r, s, v) = self.transfer.signature().parts();
        let call = IToken::transferWithAuthorization_0Call {
            from: signed.from,
            to: signed.to,
            value: U256::from(signed.value.get()),
            validAfter: signed.valid_after.0,
            validBefore: signed.valid_before.0,
            nonce: signed.nonce,
            v,
            r,
            s,
        };
        let token = self.terms.token.address;
        Job {
            key: format!("exact/{token:x}/{:x}/{:x}", signed.from, signed.nonce),
            to: token,
            data: call.abi_encode().into(),
            gas_max: TRANSFER_GAS_MAX,
            taken: USED,
            would_revert: SIMULATION,
            reverted: "invalid_transaction_state",
        }
    }

    /// Simulates the transfer, and if it fails says why as well as can be told.
    async fn check_chain(&self, desk: &Desk, job: &Job) -> Checked<()> {
        let failed = match desk.simulate(job).await {
            Ok(_) => return Ok(()),
            Err(unread @ Simulated::Unread(_)) => return Err(unread.no(job)),
            Err(reverts) => reverts.no(job),
        };
        let (chain, token) = (&desk.offer.chain, self.terms.token.address);
        let signed = self.transfer.authorization();
        let state = IToken::authorizationStateCall {
            authorizer: signed.from,
            nonce: signed.nonce,
        };
        match chain.call(token, &state).await {
            Ok(true) => return Err(No::code(USED)),
            Ok(false) => {}
            Err(_) => return Err(No::code("invalid_exact_evm_eip3009_not_supported")),
        }
        match chain.token_balance(token, signed.from).await {
            Ok(balance) if balance < U256::from(signed.value.get()) => {
                Err(No::code("invalid_exact_evm_insufficient_balance"))
            }
            _ => Err(failed),
        }
    }

    /// Whether the token says that it moved exactly what was signed. A token may return without
    /// doing anything.
    fn was_made(&self, done: &Done) -> bool {
        let (signed, token) = (self.transfer.authorization(), self.terms.token.address);
        done.logs().iter().any(|log| {
            log.address() == token
                && IToken::Transfer::decode_log(&log.inner).is_ok_and(|transfer| {
                    transfer.from == signed.from
                        && transfer.to == signed.to
                        && transfer.value == U256::from(signed.value.get())
                })
        })
    }
}

/// `(r, s, v)` of a signature, as older tokens take it.
trait Parts {
    fn parts(&self) -> (B256, B256, u8);
}

impl Parts for agent_core::voucher::CanonicalSignature {
    fn parts(&self) -> (B256, B256, u8) {
        let (rs, v) = self.as_bytes().split_at(64);
        let (r, s) = rs.split_at(32);
        let v = v.first().copied().unwrap_or_default();
        (B256::from_slice(r), B256::from_slice(s), v)
    }
}
