//! `batch-settlement`: channels that are paid into once, claimed many at a time, and paid out.

use super::{consistent, settled};
use crate::facilitator::desk::{Desk, Done, Job, Known, Simulated};
use crate::facilitator::limits::{BATCH_GAS_MAX, DEPOSIT_GAS_MAX};
use crate::facilitator::refusal::{Checked, No};
use crate::facilitator::tickets::Asker;
use agent_client::chain::bindings::IToken;
use agent_client::chain::x402_bindings::{IAccount, IX402BatchSettlement as Contract};
use agent_core::json::Json;
use agent_core::money::{AssetId, BaseUnits};
use agent_core::voucher::{CanonicalSignature, ChannelId, recover_signer};
use agent_core::x402::batch::{
    BATCH_SETTLEMENT, BatchDomain, BatchError, BatchPayload, BatchReceipt, BatchSettlePayload,
    BatchTerms, ChannelConfig, ChannelState, Deposit, Draw, VoucherClaim, check_against_chain,
    claim_batch_digest, codes, refund_digest,
};
use agent_core::x402::facilitator::{RequestV2, VerifyResponse};
use agent_core::x402::{
    AssetTransferMethod, PERMIT2, SettleResponse, TokenDomain, Uint256, VoucherText,
};
use alloy_primitives::{Address, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolEvent};

/// What an account answers that stands by a signature (ERC-1271).
const STANDS_BY: [u8; 4] = [0x16, 0x26, 0xba, 0x7e];

pub(crate) async fn verify(desk: &Desk, request: &RequestV2) -> Checked<VerifyResponse> {
    consistent(request).map_err(as_ours)?;
    let terms = BatchTerms::read(&request.payment_requirements)?;
    desk.asset(terms.evm.token)?;
    let payload = request.payment_payload.payload.parse::<BatchPayload>();
    let payload = payload.map_err(|_| No::code(codes::PAYLOAD_TYPE))?;
    let request_max = terms.evm.amount;
    let (draw, deposit) = match &payload {
        BatchPayload::Deposit { deposit, .. } => {
            (Draw::Request { max: request_max }, Some(deposit.as_ref()))
        }
        BatchPayload::Voucher { .. } => (Draw::Request { max: request_max }, None),
        BatchPayload::Refund { .. } => (Draw::Refund, None),
        _ => return Err(No::code(codes::PAYLOAD_TYPE)),
    };
    let config = payload.channel();
    let state = check(desk, &terms, config, payload.voucher(), draw, deposit).await?;
    if let Some(deposit) = deposit {
        let job = deposit_job(&terms, config, deposit)?;
        check_deposit(desk, &terms, config, deposit, &job).await?;
    }
    Ok(VerifyResponse {
        extra: as_json(&state)?,
        ..VerifyResponse::valid(config.payer.to_string())
    })
}

pub(crate) async fn settle(
    desk: &Desk,
    request: &RequestV2,
    asker: Asker,
) -> Checked<SettleResponse> {
    consistent(request).map_err(as_ours)?;
    let payload = request.payment_payload.payload.parse();
    match payload.map_err(|_| No::code(codes::UNKNOWN_SETTLE_ACTION))? {
        BatchSettlePayload::Deposit {
            channel_config,
            voucher,
            deposit,
        } => {
            let paid = (&channel_config, &voucher, deposit.as_ref());
            deposit_now(desk, request, paid, asker).await
        }
        BatchSettlePayload::Claim {
            claims,
            claim_authorizer_signature,
        } => claim(desk, request, &claims, claim_authorizer_signature).await,
        BatchSettlePayload::Settle { receiver, token } => {
            pay_out(desk, request, receiver, token).await
        }
        BatchSettlePayload::Refund {
            channel_config,
            amount,
            refund_nonce,
            claims,
            refund_authorizer_signature,
            claim_authorizer_signature,
            ..
        } => {
            let refund = Refund {
                config: channel_config,
                amount,
                nonce: refund_nonce,
                claims: &claims,
                signature: refund_authorizer_signature,
                claims_signature: claim_authorizer_signature,
            };
            refund.settle(desk, request).await
        }
        _ => Err(No::code(codes::UNKNOWN_SETTLE_ACTION)),
    }
}

/// The scheme's own words for a payment of another offer.
fn as_ours(no: No) -> No {
    match no {
        No::Refused(refusal) if refusal.code == "unsupported_scheme" => No::code(codes::SCHEME),
        No::Refused(refusal) if refusal.code == "invalid_network" => {
            No::code(codes::NETWORK_MISMATCH)
        }
        other => other,
    }
}

fn as_json<T: serde::Serialize>(value: &T) -> Checked<Json> {
    Json::from_value(value).map_err(No::unknown)
}

/// Checks channel and voucher, and gives the chain's word on the channel.
async fn check(
    desk: &Desk,
    terms: &BatchTerms,
    config: &ChannelConfig,
    text: &VoucherText,
    draw: Draw,
    deposit: Option<&Deposit>,
) -> Checked<ChannelState> {
    let domain = terms.domain();
    terms.check_channel(config, text.channel_id, &domain)?;
    let voucher = text.receive().map_err(BatchError::Signature)?;
    match config.check_voucher(voucher, &domain) {
        Ok(_) => {}
        Err(BatchError::AskTheAccount) => {
            let digest = domain.voucher_digest(voucher.channel_id(), voucher.ceiling());
            if !stands_by(desk, config.payer, digest, &voucher.signature()).await? {
                return Err(No::code(codes::VOUCHER_SIGNATURE));
            }
        }
        Err(error) => return Err(error.into()),
    }
    let state = state(desk, text.channel_id).await?;
    let deposited = deposit.map(|deposit| deposit.amount);
    check_against_chain(draw, voucher.ceiling(), &state, deposited)?;
    Ok(state)
}

/// Whether an account stands by a signature: its key, or, if it has code, that.
async fn stands_by(
    desk: &Desk,
    account: Address,
    digest: alloy_primitives::B256,
    signature: &CanonicalSignature,
) -> Checked<bool> {
    let call = IAccount::isValidSignatureCall {
        hash: digest,
        signature: Bytes::copy_from_slice(signature.as_bytes()),
    };
    let signed = recover_signer(digest, signature) == Some(account) && account != Address::ZERO;
    match desk.offer.chain.call(account, &call).await {
        Ok(answer) => Ok(answer.0 == STANDS_BY),
        // No code there: then it is the key's word.
        Err(agent_client::chain::ChainError::BadAnswer(_)) => Ok(signed),
        Err(agent_client::chain::ChainError::Reverted { .. }) => Ok(false),
        Err(_) => Err(No::code(codes::RPC_READ_FAILED)),
    }
}

/// What the chain says of a channel now.
async fn state(desk: &Desk, channel_id: ChannelId) -> Checked<ChannelState> {
    let chain = &desk.offer.chain;
    let id = channel_id.0;
    let read = async {
        let held = chain
            .call(BATCH_SETTLEMENT, &Contract::channelsCall { channelId: id })
            .await?;
        let call = Contract::pendingWithdrawalsCall { channelId: id };
        let notice = chain.call(BATCH_SETTLEMENT, &call).await?;
        let call = Contract::refundNonceCall { channelId: id };
        let nonce = chain.call(BATCH_SETTLEMENT, &call).await?;
        Ok::<_, agent_client::chain::ChainError>((held, notice, nonce))
    };
    let (held, notice, nonce) = read
        .await
        .map_err(|error| No::because(codes::RPC_READ_FAILED, error))?;
    Ok(ChannelState {
        channel_id,
        balance: BaseUnits::new(held.balance),
        total_claimed: BaseUnits::new(held.totalClaimed),
        withdraw_requested_at: notice.initiatedAt.to(),
        refund_nonce: Uint256(nonce),
        charged_cumulative_amount: None,
    })
}

fn deposit_job(terms: &BatchTerms, config: &ChannelConfig, deposit: &Deposit) -> Checked<Job> {
    let collector_data = deposit.authorization.collector_data(None)?;
    let authorization = keccak256(&collector_data);
    let call = Contract::depositCall {
        config: on_chain(config)?,
        amount: deposit.amount.get(),
        collector: deposit.authorization.collector(),
        collectorData: collector_data,
    };
    Ok(Job {
        key: format!(
            "batch/deposit/{:x}/{authorization:x}",
            config.id(&terms.domain()).0
        ),
        to: BATCH_SETTLEMENT,
        data: call.abi_encode().into(),
        gas_max: DEPOSIT_GAS_MAX,
        taken: codes::DEPOSIT_SIMULATION_FAILED,
        would_revert: codes::DEPOSIT_SIMULATION_FAILED,
        reverted: codes::DEPOSIT_TRANSACTION_FAILED,
    })
}

/// Checks a deposit's authorization, and that the chain would take it.
async fn check_deposit(
    desk: &Desk,
    terms: &BatchTerms,
    config: &ChannelConfig,
    deposit: &Deposit,
    job: &Job,
) -> Checked<()> {
    let asset = desk.asset(terms.evm.token)?;
    let method = deposit.authorization.method();
    if method == AssetTransferMethod::Permit2 && !desk.offer.schemes.permit2 {
        return Err(No::code(codes::ERC3009_AUTHORIZATION_REQUIRED));
    }
    let domain = TokenDomain::of(asset);
    let amount = deposit.amount;
    deposit
        .authorization
        .check(config, amount, terms, &domain, desk.now())?;
    let failed = match desk.simulate(job).await {
        Ok(_) => return Ok(()),
        Err(unread @ Simulated::Unread(_)) => return Err(unread.no(job)),
        Err(reverts) => reverts.no(job),
    };
    let (chain, token) = (&desk.offer.chain, config.token);
    let amount = U256::from(amount.get());
    if chain.token_balance(token, config.payer).await? < amount {
        return Err(No::code(codes::INSUFFICIENT_BALANCE));
    }
    if method == AssetTransferMethod::Permit2 {
        let allowance = IToken::allowanceCall {
            owner: config.payer,
            spender: PERMIT2,
        };
        if chain.call(token, &allowance).await? < amount {
            return Err(No::code(codes::PERMIT2_ALLOWANCE_REQUIRED));
        }
    }
    Err(failed)
}

async fn deposit_now(
    desk: &Desk,
    request: &RequestV2,
    (config, text, deposit): (&ChannelConfig, &VoucherText, &Deposit),
    asker: Asker,
) -> Checked<SettleResponse> {
    let terms = BatchTerms::read(&request.payment_requirements)?;
    desk.asset(terms.evm.token)?;
    let job = deposit_job(&terms, config, deposit)?;
    let checks = async {
        let draw = Draw::Request {
            max: terms.evm.amount,
        };
        check(desk, &terms, config, text, draw, Some(deposit)).await?;
        check_deposit(desk, &terms, config, deposit, &job).await
    };
    let (done, ticket) = desk.once(&job, asker, checks).await?;
    let receipt = BatchReceipt {
        channel_state: Some(state(desk, config.id(&terms.domain())).await?),
        ..BatchReceipt::default()
    };
    ticket.told();
    let amount = deposit.amount.to_string();
    Ok(SettleResponse {
        extra: as_json(&receipt)?,
        ..settled(request, config.payer, done.hash, amount)
    })
}

async fn claim(
    desk: &Desk,
    request: &RequestV2,
    claims: &[VoucherClaim],
    signature: Option<String>,
) -> Checked<SettleResponse> {
    let call = claim_call(desk, claims, signature)?;
    let data: Bytes = call.abi_encode().into();
    let job = Job {
        key: format!("batch/claim/{:x}", keccak256(&data)),
        to: BATCH_SETTLEMENT,
        data,
        gas_max: BATCH_GAS_MAX,
        taken: codes::CLAIM_SIMULATION_FAILED,
        would_revert: codes::CLAIM_SIMULATION_FAILED,
        reverted: codes::CLAIM_TRANSACTION_FAILED,
    };
    let done = once(desk, &job).await?;
    Ok(SettleResponse {
        payer: None,
        ..settled(request, Address::ZERO, done.hash, String::new())
    })
}

/// Makes a job unless it was made.
async fn once(desk: &Desk, job: &Job) -> Checked<Done> {
    match desk.known(job).await? {
        Known::Same(record) => desk.again(job, &record).await,
        Known::Other => Err(No::code(job.taken)),
        Known::New(name) => desk.make(job, name).await,
    }
}

/// The call that claims these rows, signed by the receiver's authorizer or by the one that is lent.
fn claim_call(
    desk: &Desk,
    claims: &[VoucherClaim],
    signature: Option<String>,
) -> Checked<Contract::claimWithSignatureCall> {
    let domain = BatchDomain::new(desk.network());
    let entries: Vec<_> = claims.iter().map(|row| row.entry(&domain)).collect();
    let digest =
        claim_batch_digest(&domain, &entries).ok_or_else(|| No::code(codes::CLAIM_PAYLOAD))?;
    let signature = match signature {
        Some(text) => signed_by_peer(&text, codes::CLAIM_PAYLOAD)?,
        None => {
            let authorizers = claims
                .iter()
                .map(|row| row.voucher.channel.receiver_authorizer);
            lent(desk, authorizers, digest)?
        }
    };
    let mut rows = Vec::with_capacity(claims.len());
    for claim in claims {
        desk.asset(claim.voucher.channel.token_on(&domain))?;
        let signature: CanonicalSignature = claim
            .signature
            .parse()
            .map_err(|_| No::code(codes::VOUCHER_SIGNATURE))?;
        rows.push(Contract::VoucherClaim {
            voucher: Contract::Voucher {
                channel: on_chain(&claim.voucher.channel)?,
                maxClaimableAmount: claim.voucher.max_claimable_amount.get(),
            },
            signature: Bytes::copy_from_slice(signature.as_bytes()),
            totalClaimed: claim.total_claimed.get(),
        });
    }
    Ok(Contract::claimWithSignatureCall {
        voucherClaims: rows,
        authorizerSignature: signature,
    })
}

fn signed_by_peer(text: &str, code: &'static str) -> Checked<Bytes> {
    let signature: CanonicalSignature = text.parse().map_err(|_| No::code(code))?;
    Ok(Bytes::copy_from_slice(signature.as_bytes()))
}

/// The signature of the authorizer that is lent, if all these are it.
fn lent(
    desk: &Desk,
    authorizers: impl Iterator<Item = Address>,
    digest: alloy_primitives::B256,
) -> Checked<Bytes> {
    let key = desk.offer.authorizer.as_ref();
    let key = key.ok_or_else(|| No::code(codes::AUTHORIZER_NOT_CONFIGURED))?;
    let mut authorizers = authorizers;
    if !authorizers.all(|authorizer| authorizer == key.address()) {
        return Err(No::code(codes::AUTHORIZER_ADDRESS_MISMATCH));
    }
    Ok(Bytes::copy_from_slice(key.sign(digest).as_bytes()))
}

async fn pay_out(
    desk: &Desk,
    request: &RequestV2,
    receiver: Address,
    token: Address,
) -> Checked<SettleResponse> {
    let network = desk.network();
    desk.asset(AssetId {
        network,
        address: token,
    })?;
    let booked = Contract::receiversCall { receiver, token };
    let booked = desk.offer.chain.call(BATCH_SETTLEMENT, &booked).await?;
    if booked.totalClaimed <= booked.totalSettled {
        return Err(No::code(codes::NOTHING_TO_SETTLE));
    }
    let call = Contract::settleCall { receiver, token };
    let job = Job {
        // What was paid out so far tells this payout from those before it.
        key: format!(
            "batch/settle/{receiver:x}/{token:x}/{}",
            booked.totalSettled
        ),
        to: BATCH_SETTLEMENT,
        data: call.abi_encode().into(),
        gas_max: DEPOSIT_GAS_MAX,
        taken: codes::SETTLE_SIMULATION_FAILED,
        would_revert: codes::SETTLE_SIMULATION_FAILED,
        reverted: codes::SETTLE_TRANSACTION_FAILED,
    };
    let done = once(desk, &job).await?;
    let moved = done.logs().iter().find_map(|log| {
        let event = Contract::Settled::decode_log(&log.inner).ok()?;
        (log.address() == BATCH_SETTLEMENT && event.receiver == receiver && event.token == token)
            .then_some(event.amount)
    });
    let amount = moved.unwrap_or_default().to_string();
    Ok(SettleResponse {
        payer: None,
        ..settled(request, receiver, done.hash, amount)
    })
}

/// A refund, with what is to be claimed before it.
struct Refund<'a> {
    config: ChannelConfig,
    amount: BaseUnits,
    nonce: Uint256,
    claims: &'a [VoucherClaim],
    signature: Option<String>,
    claims_signature: Option<String>,
}

impl Refund<'_> {
    async fn settle(self, desk: &Desk, request: &RequestV2) -> Checked<SettleResponse> {
        let domain = BatchDomain::new(desk.network());
        desk.asset(self.config.token_on(&domain))?;
        if self.amount.is_zero() {
            return Err(No::code(codes::REFUND_AMOUNT_INVALID));
        }
        let channel_id = self.config.id(&domain);
        let (config, nonce) = (self.config, self.nonce);
        let job = self.job(desk, channel_id)?;
        let done = match desk.known(&job).await? {
            Known::Same(record) => desk.again(&job, &record).await?,
            Known::Other => return Err(No::code(job.taken)),
            Known::New(name) => {
                let state = state(desk, channel_id).await?;
                if state.balance <= state.total_claimed {
                    return Err(No::code(codes::REFUND_NO_BALANCE));
                }
                if state.refund_nonce != nonce {
                    return Err(No::code(codes::REFUND_SIMULATION_FAILED));
                }
                desk.make(&job, name).await?
            }
        };
        let returned = done.logs().iter().find_map(|log| {
            let event = Contract::Refunded::decode_log(&log.inner).ok()?;
            (log.address() == BATCH_SETTLEMENT && event.channelId == channel_id.0)
                .then_some(event.amount)
        });
        let receipt = BatchReceipt {
            channel_state: Some(state(desk, channel_id).await?),
            ..BatchReceipt::default()
        };
        let amount = returned.unwrap_or_default().to_string();
        Ok(SettleResponse {
            extra: as_json(&receipt)?,
            ..settled(request, config.payer, done.hash, amount)
        })
    }

    fn job(self, desk: &Desk, channel_id: ChannelId) -> Checked<Job> {
        let domain = BatchDomain::new(desk.network());
        let signature = match &self.signature {
            Some(text) => signed_by_peer(text, codes::REFUND_PAYLOAD)?,
            None => {
                let digest = refund_digest(&domain, channel_id, self.nonce, self.amount);
                let authorizer = std::iter::once(self.config.receiver_authorizer);
                lent(desk, authorizer, digest)?
            }
        };
        let refund = Contract::refundWithSignatureCall {
            config: on_chain(&self.config)?,
            amount: self.amount.get(),
            nonce: self.nonce.0,
            receiverAuthorizerSignature: signature,
        };
        let refund = refund.abi_encode();
        let data = if self.claims.is_empty() {
            refund
        } else {
            let claim = claim_call(desk, self.claims, self.claims_signature)?;
            let data = vec![claim.abi_encode().into(), refund.into()];
            Contract::multicallCall { data }.abi_encode()
        };
        Ok(Job {
            key: format!("batch/refund/{:x}/{:x}", channel_id.0, self.nonce.0),
            to: BATCH_SETTLEMENT,
            data: data.into(),
            gas_max: BATCH_GAS_MAX,
            taken: codes::REFUND_SIMULATION_FAILED,
            would_revert: codes::REFUND_SIMULATION_FAILED,
            reverted: codes::REFUND_TRANSACTION_FAILED,
        })
    }
}

/// A channel as the contract takes it.
fn on_chain(config: &ChannelConfig) -> Checked<Contract::ChannelConfig> {
    let delay = alloy_primitives::aliases::U40::try_from(config.withdraw_delay)
        .map_err(|_| No::code(codes::WITHDRAW_DELAY_OUT_OF_RANGE))?;
    Ok(Contract::ChannelConfig {
        payer: config.payer,
        payerAuthorizer: config.payer_authorizer,
        receiver: config.receiver,
        receiverAuthorizer: config.receiver_authorizer,
        token: config.token,
        withdrawDelay: delay,
        salt: config.salt,
    })
}
