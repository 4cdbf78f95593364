//! `z402`: locks opened for buyers, and vouchers of many locks claimed in one transaction.

use super::{consistent, settled};
use crate::facilitator::desk::{Desk, Job, Known};
use crate::facilitator::limits::{BATCH_GAS_MAX, DEPOSIT_GAS_MAX, Z402_ROWS_MAX};
use crate::facilitator::refusal::{Checked, No};
use agent_client::chain::bindings::IZ402Escrow;
use agent_core::json::{Json, Metadata};
use agent_core::money::{AssetId, BaseUnits, Network};
use agent_core::voucher::{CanonicalSignature, ChannelId, EscrowDomain, Lock, VoucherError};
use agent_core::x402::facilitator::{RequestV2, VerifyResponse};
use agent_core::x402::{
    AuthorizeRequest, AuthorizeResponse, EvmTerms, LockAuthorization, Mode, SCHEME_Z402,
    SettleResponse, VoucherText, Z402Claim, Z402Payload, Z402SettlePayload,
};
use alloy_primitives::{Address, Bytes, U256, Uint, keccak256};
use alloy_sol_types::{SolCall, SolEvent};

/// The contract is none that may be touched.
const CONTRACT: &str = "contract_not_allowed";
const SIGNATURE: &str = "invalid_z402_voucher_signature";
const PAYLOAD: &str = "invalid_payload";
const FAILED: &str = "invalid_z402_transaction_simulation_failed";
const REVERTED: &str = "invalid_transaction_state";

pub(crate) async fn authorize(
    desk: &Desk,
    request: &AuthorizeRequest,
) -> Checked<AuthorizeResponse> {
    let domain = escrow(desk, request.contract)?;
    desk.asset(AssetId {
        network: desk.network(),
        address: request.asset,
    })?;
    let lock = request.lock();
    let id = lock.id(&domain);
    let job = opening(request, &domain, &lock, id)?;
    let done = match desk.known(&job).await? {
        Known::Same(record) => desk.again(&job, &record).await?,
        Known::Other => return Err(No::code(job.taken)),
        Known::New(name) => desk.make(&job, name).await?,
    };
    let opened = done.logs().iter().find_map(|log| {
        let event = IZ402Escrow::Authorized::decode_log(&log.inner).ok()?;
        (log.address() == domain.contract() && event.lockId == id.0).then_some(event.data)
    });
    let opened = opened.ok_or_else(|| No::after(REVERTED, Some(done.hash)))?;
    Ok(AuthorizeResponse {
        success: true,
        mode: Mode::Z,
        network: request.network.clone(),
        contract: Some(domain.contract()),
        payer: request.payer,
        lock_id: Some(id),
        authorized: Some(BaseUnits::new(opened.authorized.to())),
        deadline: Some(opened.deadline.to()),
        transaction: done.hash.to_string(),
        error_reason: None,
    })
}

fn opening(
    request: &AuthorizeRequest,
    domain: &EscrowDomain,
    lock: &Lock,
    id: ChannelId,
) -> Checked<Job> {
    let deadline =
        Uint::<40, 1>::try_from(request.deadline).map_err(|_| No::code("invalid_z402_deadline"))?;
    let (lock, amount) = (on_chain(lock), U256::from(request.authorized_amount.get()));
    let data = match &request.authorization {
        LockAuthorization::Erc3009Authorization(signed) => IZ402Escrow::open3009Call {
            lock,
            amount,
            deadline,
            validAfter: signed.valid_after.0,
            validBefore: signed.valid_before.0,
            salt: signed.salt,
            signature: bytes(&signed.signature)?,
        }
        .abi_encode(),
        LockAuthorization::VaultAuthorization(signed) => IZ402Escrow::authorizeBySigCall {
            lock,
            amount,
            deadline,
            nonce: signed.nonce.0,
            signature: bytes(&signed.signature)?,
        }
        .abi_encode(),
        _ => return Err(No::code(PAYLOAD)),
    };
    Ok(Job {
        key: format!("z402/open/{:x}/{:x}", id.0, keccak256(&data)),
        to: domain.contract(),
        data: data.into(),
        gas_max: DEPOSIT_GAS_MAX,
        taken: FAILED,
        would_revert: FAILED,
        reverted: REVERTED,
    })
}

fn bytes(signature: &str) -> Checked<Bytes> {
    let signature: CanonicalSignature = signature
        .parse()
        .map_err(|_| No::code("invalid_z402_authorization_signature"))?;
    Ok(Bytes::copy_from_slice(signature.as_bytes()))
}

/// The escrow that may be touched, if it is the one that is named.
fn escrow(desk: &Desk, named: Option<Address>) -> Checked<EscrowDomain> {
    let ours = desk.offer.escrow.ok_or_else(|| No::code(CONTRACT))?;
    if named.is_some_and(|named| named != ours) {
        return Err(No::code(CONTRACT));
    }
    Ok(EscrowDomain::new(desk.network().chain_id, ours))
}

/// What the requirements say, on the escrow that they name.
fn read(desk: &Desk, request: &RequestV2) -> Checked<(EvmTerms, EscrowDomain)> {
    // An echoed `extra` never stands for the mode.
    if request.mode != Mode::Z {
        return Err(No::code("unsupported_scheme"));
    }
    consistent(request)?;
    let terms = EvmTerms::read(&request.payment_requirements, SCHEME_Z402)?;
    desk.asset(terms.token)?;
    let named = request.payment_requirements.extra.parse("contract");
    let named = named.map_err(|_| No::code("invalid_payment_requirements"))?;
    Ok((terms, escrow(desk, named)?))
}

/// Whether a voucher is one of a lock for this payee and token.
fn check(
    terms: &EvmTerms,
    domain: &EscrowDomain,
    lock: &Lock,
    text: &VoucherText,
) -> Checked<agent_core::voucher::Voucher<agent_core::voucher::Checked>> {
    if lock.payee != terms.pay_to {
        return Err(No::code("invalid_z402_payee_mismatch"));
    }
    if lock.token != terms.token.address {
        return Err(No::code("invalid_z402_token_mismatch"));
    }
    let voucher = text.receive().map_err(|_| No::code(SIGNATURE))?;
    voucher
        .check(domain, lock)
        .map_err(|error: VoucherError| No::because(error.code(), error))
}

pub(crate) async fn verify(desk: &Desk, request: &RequestV2) -> Checked<VerifyResponse> {
    let (terms, domain) = read(desk, request)?;
    let payload = request.payment_payload.payload.parse();
    let payload: Z402Payload = payload.map_err(|_| No::code(PAYLOAD))?;
    let Z402Payload::Voucher { lock, voucher } = payload else {
        return Err(No::code(PAYLOAD));
    };
    let voucher = check(&terms, &domain, &lock, &voucher)?;
    let ids = [voucher.channel_id().0];
    let states = desk.offer.chain.escrow_states(domain.contract(), &ids);
    let states = states.await?;
    let state = states.first().ok_or_else(|| No::unavailable("no state"))?;
    let authorized = BaseUnits::new(state.authorized.to());
    let (claimed, deadline) = (
        BaseUnits::new(state.claimed.to()),
        state.deadline.to::<u64>(),
    );
    if authorized.is_zero() {
        return Err(No::code("invalid_z402_lock_not_found"));
    }
    if voucher.ceiling() > authorized {
        return Err(No::code("invalid_z402_cumulative_exceeds_balance"));
    }
    if voucher.ceiling() <= claimed {
        return Err(No::code("invalid_z402_cumulative_below_claimed"));
    }
    let needed = request
        .payment_requirements
        .extra
        .parse("minDeadlineSeconds");
    let needed: u64 = needed.ok().flatten().unwrap_or_default();
    if deadline <= desk.now().saturating_add(needed) {
        return Err(No::code("invalid_z402_deadline"));
    }
    let mut extra = Metadata::new();
    let set = extra
        .set("channelId", &voucher.channel_id())
        .and_then(|_| extra.set("authorized", &authorized))
        .and_then(|_| extra.set("claimed", &claimed))
        .and_then(|_| extra.set("deadline", &deadline));
    set.map_err(No::unavailable)?;
    Ok(VerifyResponse {
        mode: Mode::Z,
        extra: Json::from_value(&extra).map_err(No::unavailable)?,
        ..VerifyResponse::valid(lock.payer.to_string())
    })
}

pub(crate) async fn settle(desk: &Desk, request: &RequestV2) -> Checked<SettleResponse> {
    let (terms, domain) = read(desk, request)?;
    let payload = &request.payment_payload.payload;
    let claims = match payload.parse::<Z402SettlePayload>() {
        Ok(Z402SettlePayload::Settle { claims }) => claims,
        _ => match payload.parse().map_err(|_| No::code(PAYLOAD))? {
            Z402Payload::Voucher { lock, voucher } => vec![Z402Claim {
                total_claimed: voucher.max_claimable_amount,
                lock,
                voucher,
            }],
            _ => return Err(No::code(PAYLOAD)),
        },
    };
    if claims.is_empty() || claims.len() > Z402_ROWS_MAX {
        return Err(No::code(PAYLOAD));
    }
    let mut rows = Vec::new();
    for claim in &claims {
        let voucher = check(&terms, &domain, &claim.lock, &claim.voucher)?;
        if claim.total_claimed > voucher.ceiling() {
            return Err(No::code("invalid_z402_charge_exceeds_signed_cumulative"));
        }
        rows.extend_from_slice(claim.lock.payer.as_slice());
        rows.extend_from_slice(claim.lock.signer.as_slice());
        rows.extend_from_slice(&claim.lock.salt.0.to_be_bytes::<12>());
        rows.extend_from_slice(&voucher.ceiling().get().to_be_bytes());
        rows.extend_from_slice(&claim.total_claimed.get().to_be_bytes());
        rows.extend_from_slice(&voucher.signature().to_compact());
    }
    let call = IZ402Escrow::settleBatchCall {
        payee: terms.pay_to,
        token: terms.token.address,
        rows: rows.into(),
    };
    let data: Bytes = call.abi_encode().into();
    let job = Job {
        key: format!("z402/settle/{:x}", keccak256(&data)),
        to: domain.contract(),
        data,
        gas_max: BATCH_GAS_MAX,
        taken: FAILED,
        would_revert: FAILED,
        reverted: REVERTED,
    };
    let done = match desk.known(&job).await? {
        Known::Same(record) => desk.again(&job, &record).await?,
        Known::Other => return Err(No::code(job.taken)),
        Known::New(name) => {
            check_pays(desk, &domain, &claims).await?;
            desk.make(&job, name).await?
        }
    };
    let paid = done.logs().iter().find_map(|log| {
        let event = IZ402Escrow::Settled::decode_log(&log.inner).ok()?;
        (log.address() == domain.contract() && event.payee == terms.pay_to).then_some(event.amount)
    });
    let payer = claims
        .first()
        .map_or(Address::ZERO, |claim| claim.lock.payer);
    Ok(SettleResponse {
        mode: Mode::Z,
        payer: (claims.len() == 1).then(|| payer.to_string()),
        ..settled(
            request,
            payer,
            done.hash,
            paid.unwrap_or_default().to_string(),
        )
    })
}

/// Refuses a batch that would pay nothing: the escrow skips rows that were claimed, and the gas
/// would be burnt.
async fn check_pays(desk: &Desk, domain: &EscrowDomain, claims: &[Z402Claim]) -> Checked<()> {
    let ids: Vec<_> = claims.iter().map(|claim| claim.lock.id(domain).0).collect();
    let states = desk.offer.chain.escrow_states(domain.contract(), &ids);
    let states = states.await?;
    let pays = claims.iter().zip(&states).any(|(claim, state)| {
        state.authorized > state.claimed && claim.total_claimed.get() > state.claimed.to::<u128>()
    });
    if pays {
        Ok(())
    } else {
        Err(No::code("invalid_z402_cumulative_below_claimed"))
    }
}

fn on_chain(lock: &Lock) -> IZ402Escrow::Lock {
    IZ402Escrow::Lock {
        payer: lock.payer,
        signer: lock.signer,
        payee: lock.payee,
        token: lock.token,
        salt: lock.salt.0,
    }
}

/// The chain of a request to open a lock.
pub(crate) fn network(request: &AuthorizeRequest) -> Checked<Network> {
    if !request.is_spoken() {
        return Err(No::code("invalid_x402_version"));
    }
    let network = request.network.parse();
    network.map_err(|_| No::code("invalid_network"))
}
