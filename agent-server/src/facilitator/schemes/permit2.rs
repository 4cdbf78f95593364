//! Payments through Permit2: `exact` for tokens without EIP-3009, and `upto`.

use super::{consistent, settled};
use crate::facilitator::desk::{Desk, Done, Job, Known, Simulated};
use crate::facilitator::limits::TRANSFER_GAS_MAX;
use crate::facilitator::refusal::{Checked, No};
use crate::facilitator::tickets::Asker;
use agent_client::chain::bindings::IToken;
use agent_client::chain::x402_bindings::{
    IPermit2, IX402ExactPermit2Proxy, IX402UptoPermit2Proxy, PermitTransferFrom, TokenPermissions,
};
use agent_core::money::BaseUnits;
use agent_core::voucher::CanonicalSignature;
use agent_core::x402::facilitator::{RequestV2, VerifyResponse};
use agent_core::x402::{
    EXACT_PERMIT2_PROXY, EvmTerms, ExactWitness, PERMIT2, Permit2Authorization, Permit2Payment,
    PermitError, SCHEME_EXACT, SCHEME_UPTO, SettleResponse, UPTO_PERMIT2_PROXY, UptoPayload,
    UptoWitness,
};
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall, SolEvent};

pub(crate) type ExactPermit = Permit2Payment<ExactWitness>;

/// The stock code for a nonce that is used.
const USED: &str = "permit2_invalid_nonce";

/// A permit whose signature and terms hold, and the transaction that uses it.
struct Permit {
    payer: Address,
    payee: Address,
    token: Address,
    nonce: U256,
    amount: BaseUnits,
    job: Job,
}

pub(crate) async fn verify_exact(
    desk: &Desk,
    request: &RequestV2,
    payment: ExactPermit,
) -> Checked<VerifyResponse> {
    let (terms, permit) = exact(desk, request, &payment)?;
    payment.check(&terms, desk.now())?;
    permit.verify(desk).await
}

pub(crate) async fn settle_exact(
    desk: &Desk,
    request: &RequestV2,
    payment: ExactPermit,
    asker: Asker,
) -> Checked<SettleResponse> {
    let (terms, permit) = exact(desk, request, &payment)?;
    let in_time = payment.check(&terms, desk.now()).map(drop);
    permit.settle(desk, request, in_time, asker).await
}

pub(crate) async fn verify_upto(desk: &Desk, request: &RequestV2) -> Checked<VerifyResponse> {
    let (terms, payment, permit) = upto(desk, request)?;
    payment.check(&terms, desk.sender(), desk.now())?;
    // Here the requirements name the most that may be charged, which is what was signed.
    if request.payment_requirements.amount != terms.amount {
        return Err(PermitError::WrongAmount.into());
    }
    permit.verify(desk).await
}

pub(crate) async fn settle_upto(
    desk: &Desk,
    request: &RequestV2,
    asker: Asker,
) -> Checked<SettleResponse> {
    let (terms, payment, permit) = upto(desk, request)?;
    let in_time = payment.check(&terms, desk.sender(), desk.now()).map(drop);
    payment.check_charge(permit.amount)?;
    if permit.amount.is_zero() {
        let nothing = SettleResponse {
            transaction: String::new(),
            ..settled(request, permit.payer, Default::default(), "0".to_owned())
        };
        return Ok(nothing);
    }
    permit.settle(desk, request, in_time, asker).await
}

fn exact(desk: &Desk, request: &RequestV2, payment: &ExactPermit) -> Checked<(EvmTerms, Permit)> {
    if !desk.offer.schemes.permit2 {
        return Err(No::because("invalid_payload", "Permit2 is not used here"));
    }
    let terms = EvmTerms::read(&request.payment_requirements, SCHEME_EXACT)?;
    let signed = &payment.permit2_authorization;
    let after = signed.witness.valid_after.0;
    let signature = payment.check(&terms, after.saturating_to())?;
    let call = IX402ExactPermit2Proxy::settleCall {
        permit: permit_of(signed),
        owner: signed.from,
        witness: IX402ExactPermit2Proxy::Witness {
            to: signed.witness.to,
            validAfter: after,
        },
        signature: bytes(&signature),
    };
    let permit = Permit {
        payer: signed.from,
        payee: signed.witness.to,
        token: signed.permitted.token,
        nonce: signed.nonce.0,
        amount: signed.permitted.amount,
        job: Job {
            key: format!("permit2/{:x}/{:x}", signed.from, signed.nonce.0),
            to: EXACT_PERMIT2_PROXY,
            data: call.abi_encode().into(),
            gas_max: TRANSFER_GAS_MAX,
            taken: USED,
            would_revert: "invalid_exact_evm_transaction_simulation_failed",
            reverted: "invalid_transaction_state",
        },
    };
    desk.asset(terms.token)?;
    Ok((terms, permit))
}

/// The terms are those of the whole permit; the permit's amount is what is to be charged.
fn upto(desk: &Desk, request: &RequestV2) -> Checked<(EvmTerms, UptoPayload, Permit)> {
    consistent(request)?;
    let asked = EvmTerms::read(&request.payment_requirements, SCHEME_UPTO)?;
    desk.asset(asked.token)?;
    let payload = request.payment_payload.payload.parse();
    let payment: UptoPayload = payload.map_err(|_| No::code("invalid_payload"))?;
    let signed = payment.permit2_authorization;
    let terms = EvmTerms {
        amount: signed.permitted.amount,
        ..asked
    };
    let UptoWitness {
        to,
        facilitator,
        valid_after,
    } = signed.witness;
    let signature = payment.check(&terms, desk.sender(), valid_after.0.saturating_to())?;
    let call = IX402UptoPermit2Proxy::settleCall {
        permit: permit_of(&signed),
        amount: U256::from(asked.amount.get()),
        owner: signed.from,
        witness: IX402UptoPermit2Proxy::Witness {
            to,
            facilitator,
            validAfter: valid_after.0,
        },
        signature: bytes(&signature),
    };
    let permit = Permit {
        payer: signed.from,
        payee: to,
        token: signed.permitted.token,
        nonce: signed.nonce.0,
        amount: asked.amount,
        job: Job {
            key: format!("permit2/{:x}/{:x}", signed.from, signed.nonce.0),
            to: UPTO_PERMIT2_PROXY,
            data: call.abi_encode().into(),
            gas_max: TRANSFER_GAS_MAX,
            taken: USED,
            would_revert: "invalid_upto_evm_transaction_failed",
            reverted: "invalid_upto_evm_transaction_failed",
        },
    };
    Ok((terms, payment, permit))
}

fn permit_of<W>(signed: &Permit2Authorization<W>) -> PermitTransferFrom {
    PermitTransferFrom {
        permitted: TokenPermissions {
            token: signed.permitted.token,
            amount: U256::from(signed.permitted.amount.get()),
        },
        nonce: signed.nonce.0,
        deadline: signed.deadline.0,
    }
}

fn bytes(signature: &CanonicalSignature) -> Bytes {
    Bytes::copy_from_slice(signature.as_bytes())
}

impl Permit {
    async fn verify(&self, desk: &Desk) -> Checked<VerifyResponse> {
        if !matches!(desk.known(&self.job).await?, Known::New(_)) {
            return Err(No::code(USED));
        }
        self.check_chain(desk).await?;
        Ok(VerifyResponse::valid(self.payer.to_string()))
    }

    async fn settle(
        &self,
        desk: &Desk,
        request: &RequestV2,
        in_time: Result<(), PermitError>,
        asker: Asker,
    ) -> Checked<SettleResponse> {
        let check = async {
            in_time?;
            self.check_chain(desk).await
        };
        let (done, ticket) = desk.once(&self.job, asker, check).await?;
        if !self.was_made(&done) {
            return Err(No::after(
                "invalid_exact_evm_transfer_event_mismatch",
                Some(done.hash),
            ));
        }
        ticket.told();
        let amount = self.amount.to_string();
        Ok(settled(request, self.payer, done.hash, amount))
    }

    /// Simulates the transfer, and if it fails says why as well as can be told.
    async fn check_chain(&self, desk: &Desk) -> Checked<()> {
        let failed = match desk.simulate(&self.job).await {
            Ok(_) => return Ok(()),
            Err(unread @ Simulated::Unread(_)) => return Err(unread.no(&self.job)),
            Err(reverts) => reverts.no(&self.job),
        };
        let (chain, amount) = (&desk.offer.chain, U256::from(self.amount.get()));
        let allowance = IToken::allowanceCall {
            owner: self.payer,
            spender: PERMIT2,
        };
        if chain.call(self.token, &allowance).await? < amount {
            return Err(No::code("permit2_allowance_required"));
        }
        if chain.token_balance(self.token, self.payer).await? < amount {
            return Err(No::code("permit2_insufficient_balance"));
        }
        let used = IPermit2::nonceBitmapCall {
            owner: self.payer,
            word: self.nonce >> 8,
        };
        if chain
            .call(PERMIT2, &used)
            .await?
            .bit(self.nonce.byte(0).into())
        {
            return Err(No::code(USED));
        }
        Err(failed)
    }

    fn was_made(&self, done: &Done) -> bool {
        done.logs().iter().any(|log| {
            log.address() == self.token
                && IToken::Transfer::decode_log(&log.inner).is_ok_and(|transfer| {
                    transfer.from == self.payer
                        && transfer.to == self.payee
                        && transfer.value == U256::from(self.amount.get())
                })
        })
    }
}
