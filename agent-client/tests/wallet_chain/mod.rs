//! A wallet's surroundings on a development chain.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use agent_client::{
    chain::{
        Chain,
        bindings::{IToken, IZ402Escrow},
        outbox::{OutboxConfig, TxOutbox, TxRequest},
    },
    clock::SystemClock,
    wallet::{
        ChainEscrow, EscrowError, EscrowPort, OpenRequest, OpenedLock, PayRequest, PayerKey,
        Payment, ReleasedLock, Wallet, WalletConfig,
    },
};
use agent_core::{
    channel::LockState,
    json::{Json, Metadata},
    ledger::BoxFuture,
    money::{Asset, AssetTable, BaseUnits, Network},
    policy::{SpendPolicy, SpendRules},
    voucher::{ChannelId, EscrowDomain, Lock},
    x402::{Mode, PaymentTerms, SCHEME_Z402, SettleResponse, Z402Payload, Z402Receipt},
};
use agent_devnet::Devnet;
use alloy_primitives::{Address, U256, aliases::U40};

use crate::chain_support::{WAIT, account, chain, signer};

pub(crate) const BUYER: usize = 1;
pub(crate) const SELLER: usize = 2;

pub(crate) fn units(amount: u128) -> BaseUnits {
    BaseUnits::new(amount)
}

pub(crate) async fn asset(devnet: &Devnet, chain: &Chain) -> Asset {
    let token = devnet.contracts().usdc;
    Asset {
        network: Network::eip155(devnet.chain_id()),
        address: token,
        symbol: "USDC".into(),
        decimals: 6,
        name: chain.call(token, &IToken::nameCall {}).await.unwrap(),
        version: chain.call(token, &IToken::versionCall {}).await.unwrap(),
    }
}

pub(crate) fn terms(devnet: &Devnet, asset: &Asset) -> PaymentTerms {
    PaymentTerms {
        x402_version: 2,
        modes: vec![Mode::Z],
        schemes: vec![SCHEME_Z402.into()],
        asset: asset.clone(),
        pay_to: account(devnet, SELLER),
        contract: devnet.contracts().escrow,
        min_deadline_seconds: 600,
        max_in_flight: 32,
        max_timeout_seconds: 60,
        batch: None,
        exact: None,
        identity: None,
        skills: BTreeMap::new(),
    }
}

pub(crate) fn config(devnet: &Devnet, asset: &Asset, dir: &std::path::Path) -> WalletConfig {
    let contract = devnet.contracts().escrow;
    let policy = SpendPolicy {
        asset: asset.id(),
        contracts: BTreeSet::from([contract]),
        per_payment: units(10_000),
        per_hour: units(1_000_000),
        per_day: units(1_000_000),
        per_payee_per_day: units(1_000_000),
        per_lock: units(u128::MAX),
        locked_total: units(u128::MAX),
        max_lock_secs: 86_400,
        killed: false,
        rules: SpendRules::default(),
    };
    let key = PayerKey::from_hex(devnet.accounts()[BUYER].private_key).unwrap();
    let escrow = EscrowDomain::new(devnet.chain_id(), contract);
    let assets = AssetTable::new(vec![asset.clone()]);
    let usual = WalletConfig::new(dir.join("wallet.db"), key, escrow, assets, policy);
    WalletConfig {
        lock_size: units(50_000),
        ..usual
    }
}

pub(crate) async fn outbox(devnet: &Devnet, dir: &std::path::Path, index: usize) -> TxOutbox {
    let quick = OutboxConfig {
        poll_interval: Duration::from_millis(20),
        ..OutboxConfig::default()
    };
    let path = dir.join(format!("outbox{index}.db"));
    let chain = chain(devnet).await;
    TxOutbox::open(
        path,
        chain,
        signer(devnet, index),
        quick,
        Arc::new(SystemClock),
    )
    .await
    .unwrap()
}

pub(crate) async fn pay(wallet: &Wallet, terms: &PaymentTerms, max: u128) -> Payment {
    let max = units(max);
    let request = PayRequest {
        terms,
        skill: "shout",
        max,
        offered: None,
        resource: "a2a://s",
    };
    wallet.pay(request).await.unwrap()
}

pub(crate) fn receipt(payment: &Payment, network: Network, charged: BaseUnits) -> SettleResponse {
    let extra = Z402Receipt {
        payment_id: payment.id.to_string(),
        channel_id: payment.channel_id,
        charged_amount: charged,
        credit_token: None,
    };
    SettleResponse {
        success: true,
        mode: Mode::Z,
        error_reason: None,
        error_message: None,
        payer: None,
        transaction: String::new(),
        network: network.to_string(),
        amount: None,
        extra: Json::from_value(&extra).unwrap(),
        extensions: Metadata::new(),
    }
}

/// The packed row of `settleBatch`.
pub(crate) fn row(payment: &Payment, claim: BaseUnits) -> Vec<u8> {
    let Ok(Z402Payload::Voucher { lock, voucher }) = payment.payload.payload.parse() else {
        panic!("a voucher")
    };
    let voucher = voucher.receive().unwrap();
    let mut row = Vec::with_capacity(148);
    row.extend(lock.payer);
    row.extend(lock.signer);
    row.extend(lock.salt.0.to_be_bytes::<12>());
    row.extend(voucher.ceiling().get().to_be_bytes());
    row.extend(claim.get().to_be_bytes());
    row.extend(voucher.signature().to_compact());
    row
}

/// Somebody who reads the calldata and sends it before we do.
#[derive(Debug)]
pub(crate) struct FrontRun {
    pub(crate) thief: TxOutbox,
    pub(crate) contract: Address,
    pub(crate) ours: ChainEscrow,
}

impl EscrowPort for FrontRun {
    fn open(&self, request: OpenRequest) -> BoxFuture<'_, Result<OpenedLock, EscrowError>> {
        let Lock {
            payer,
            signer,
            payee,
            token,
            salt,
        } = request.lock;
        let call = IZ402Escrow::open3009Call {
            lock: IZ402Escrow::Lock {
                payer,
                signer,
                payee,
                token,
                salt: salt.0,
            },
            amount: U256::from(request.amount.get()),
            deadline: U40::from(request.deadline_unix_secs),
            validAfter: U256::from(request.valid_after),
            validBefore: U256::from(request.valid_before),
            salt: request.salt,
            signature: request.signature.as_bytes().to_vec().into(),
        };
        Box::pin(async move {
            let stolen = TxRequest::call("stolen", self.contract, &call);
            let sent = self.thief.enqueue(stolen).await.unwrap();
            self.thief.wait(sent.id, WAIT).await.unwrap();
            let first = self.ours.open(request).await?;
            assert_eq!(
                self.ours.open(request).await?,
                first,
                "asked again, the same answer"
            );
            Ok(first)
        })
    }

    fn state_of(&self, id: ChannelId) -> BoxFuture<'_, Result<LockState, EscrowError>> {
        self.ours.state_of(id)
    }

    fn release(&self, lock: Lock) -> BoxFuture<'_, Result<ReleasedLock, EscrowError>> {
        self.ours.release(lock)
    }
}
