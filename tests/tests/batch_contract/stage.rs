//! Channels between development accounts, and the calls on them.

use agent_core::money::{AssetId, BaseUnits, Network};
use agent_core::voucher::ChannelId;
use agent_core::x402::batch::{
    BATCH_SETTLEMENT, BatchDomain, ChannelConfig, ClaimEntry, DepositAuthorization, Erc3009Deposit,
    PERMIT2_DEPOSIT_COLLECTOR, Permit2Deposit, claim_batch_digest, refund_digest,
};
use agent_core::x402::{
    DepositWitness, HexSalt, Permit2Authorization, Permit2Domain, TokenDomain, TokenPermissions,
    Uint256,
};
use agent_devnet::CONTRACTS;
use agent_tests::sign;
use agent_tests::world::{Done, Refusal, World, account, key};
use alloy_primitives::{Address, B256, Bytes, U256, aliases::U40};
use alloy_sol_types::SolCall;

use crate::bind::IX402BatchSettlement as batch;

/// Who is who among the development accounts.
pub(crate) const PAYER: usize = 1;
pub(crate) const RECEIVER: usize = 2;
pub(crate) const AUTHORIZER: usize = 4;
pub(crate) const STRANGER: usize = 9;

/// The shortest delay of a withdrawal.
pub(crate) const DELAY: u64 = 900;

pub(crate) const USDC: Address = CONTRACTS.usdc;
pub(crate) const FOREVER: u64 = 4_102_444_800;

pub(crate) const fn network() -> Network {
    Network::eip155(84_532)
}

pub(crate) fn domain() -> BatchDomain {
    BatchDomain::new(network())
}

pub(crate) fn usdc() -> TokenDomain {
    let token = AssetId {
        network: network(),
        address: USDC,
    };
    TokenDomain::new("USDC", "2", token)
}

/// A channel of the usual parties whose payer signs for itself.
pub(crate) fn channel(salt: u64) -> ChannelConfig {
    ChannelConfig {
        payer: account(PAYER),
        payer_authorizer: account(PAYER),
        receiver: account(RECEIVER),
        receiver_authorizer: account(AUTHORIZER),
        token: USDC,
        withdraw_delay: DELAY,
        salt: B256::from(U256::from(salt)),
    }
}

pub(crate) fn id(config: &ChannelConfig) -> ChannelId {
    config.id(&domain())
}

/// The channel in the contract's types.
pub(crate) fn on_chain(config: &ChannelConfig) -> batch::ChannelConfig {
    batch::ChannelConfig {
        payer: config.payer,
        payerAuthorizer: config.payer_authorizer,
        receiver: config.receiver,
        receiverAuthorizer: config.receiver_authorizer,
        token: config.token,
        withdrawDelay: U40::from(config.withdraw_delay),
        salt: config.salt,
    }
}

pub(crate) fn signed(by: usize, digest: B256) -> Bytes {
    sign::hash(&key(by), digest).into()
}

fn text(by: usize, digest: B256) -> String {
    signed(by, digest).to_string()
}

fn call(
    config: &ChannelConfig,
    amount: u128,
    authorization: &DepositAuthorization,
) -> batch::depositCall {
    batch::depositCall {
        config: on_chain(config),
        amount,
        collector: authorization.collector(),
        collectorData: authorization.collector_data(None).unwrap(),
    }
}

/// A deposit by EIP-3009 that this account signed.
pub(crate) fn deposit(
    config: &ChannelConfig,
    amount: u128,
    salt: u64,
    by: usize,
) -> batch::depositCall {
    let mut deposit = Erc3009Deposit {
        valid_after: Uint256::of(0),
        valid_before: Uint256::of(FOREVER),
        salt: HexSalt(U256::from(salt)),
        signature: String::new(),
    };
    let message = deposit.authorization(config.payer, BaseUnits::new(amount), id(config));
    deposit.signature = text(by, message.receive_digest(&usdc()));
    call(
        config,
        amount,
        &DepositAuthorization::Erc3009Authorization(deposit),
    )
}

/// A deposit by Permit2 that this account signed.
pub(crate) fn deposit_by_permit(
    config: &ChannelConfig,
    amount: u128,
    nonce: u64,
    by: usize,
) -> batch::depositCall {
    let authorization = Permit2Authorization {
        from: config.payer,
        permitted: TokenPermissions {
            token: config.token,
            amount: BaseUnits::new(amount),
        },
        spender: PERMIT2_DEPOSIT_COLLECTOR,
        nonce: Uint256::of(nonce),
        deadline: Uint256::of(FOREVER),
        witness: DepositWitness {
            channel_id: id(config),
        },
    };
    let signature = text(by, authorization.digest(&Permit2Domain::new(network())));
    let deposit = Permit2Deposit {
        authorization,
        signature,
    };
    call(
        config,
        amount,
        &DepositAuthorization::Permit2Authorization(deposit),
    )
}

/// A row whose voucher this account signed.
pub(crate) fn row(
    config: &ChannelConfig,
    ceiling: u128,
    total: u128,
    by: usize,
) -> batch::VoucherClaim {
    let digest = domain().voucher_digest(id(config), BaseUnits::new(ceiling));
    batch::VoucherClaim {
        voucher: batch::Voucher {
            channel: on_chain(config),
            maxClaimableAmount: ceiling,
        },
        signature: signed(by, digest),
        totalClaimed: total,
    }
}

/// A claim of these rows that this account signed; `entries` are the rows' channels.
pub(crate) fn signed_claim(
    rows: Vec<batch::VoucherClaim>,
    entries: &[ChannelConfig],
    by: usize,
) -> batch::claimWithSignatureCall {
    let entries: Vec<_> = rows
        .iter()
        .zip(entries)
        .map(|(row, config)| ClaimEntry {
            channel_id: id(config),
            max_claimable_amount: BaseUnits::new(row.voucher.maxClaimableAmount),
            total_claimed: BaseUnits::new(row.totalClaimed),
        })
        .collect();
    let digest = claim_batch_digest(&domain(), &entries).unwrap();
    batch::claimWithSignatureCall {
        voucherClaims: rows,
        authorizerSignature: signed(by, digest),
    }
}

/// A refund that this account signed.
pub(crate) fn signed_refund(
    config: &ChannelConfig,
    amount: u128,
    nonce: u64,
    by: usize,
) -> batch::refundWithSignatureCall {
    let digest = refund_digest(
        &domain(),
        id(config),
        Uint256::of(nonce),
        BaseUnits::new(amount),
    );
    batch::refundWithSignatureCall {
        config: on_chain(config),
        amount,
        nonce: U256::from(nonce),
        receiverAuthorizerSignature: signed(by, digest),
    }
}

pub(crate) fn settle(receiver: Address, token: Address) -> batch::settleCall {
    batch::settleCall { receiver, token }
}

/// Sends to the channels' contract.
pub(crate) fn send<C: SolCall>(
    world: &mut World,
    from: usize,
    call: &C,
) -> Result<Done<C::Return>, Refusal> {
    world.send(account(from), BATCH_SETTLEMENT, call)
}

/// What a channel holds, and what of it was claimed.
pub(crate) fn state(world: &World, config: &ChannelConfig) -> (u128, u128) {
    let channelId = id(config).0;
    let state = world.view(BATCH_SETTLEMENT, &batch::channelsCall { channelId });
    (state.balance, state.totalClaimed)
}

/// A payer's notice: how much, and since when.
pub(crate) fn notice(world: &World, config: &ChannelConfig) -> (u128, u64) {
    let channelId = id(config).0;
    let notice = world.view(
        BATCH_SETTLEMENT,
        &batch::pendingWithdrawalsCall { channelId },
    );
    (notice.amount, notice.initiatedAt.to())
}

pub(crate) fn refund_nonce(world: &World, config: &ChannelConfig) -> u64 {
    let channelId = id(config).0;
    world
        .view(BATCH_SETTLEMENT, &batch::refundNonceCall { channelId })
        .to()
}

/// What was booked for a receiver, and what of it was paid.
pub(crate) fn receiver(world: &World, receiver: Address, token: Address) -> (u128, u128) {
    let state = world.view(BATCH_SETTLEMENT, &batch::receiversCall { receiver, token });
    (state.totalClaimed, state.totalSettled)
}
