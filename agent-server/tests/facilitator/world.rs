//! A chain, a facilitator on it, and payments to give it.

use agent_client::chain::Chain;
use agent_client::chain::outbox::{OutboxConfig, TxOutbox};
use agent_client::clock::SystemClock;
use agent_client::settings::ChainSettings;
use agent_client::wallet::PayerKey;
use agent_core::clock::Clock;
use agent_core::json::{Json, Metadata};
use agent_core::money::{Asset, BaseUnits};
use agent_core::x402::facilitator::RequestV2;
use agent_core::x402::{
    Eip3009Payment, Mode, PaymentPayload, PaymentRequirements, TokenDomain, TransferAuthorization,
    Uint256, X402_VERSION,
};
use agent_devnet::{DEV_ACCOUNTS, Devnet, DevnetConfig};
use agent_server::facilitator::{ChainOffer, LocalFacilitator, Schemes};
use alloy_primitives::{Address, B256};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The account that pays for the facilitator's transactions.
pub(crate) const FACILITATOR: usize = 0;
/// The account that sells.
pub(crate) const SELLER: usize = 1;
/// The account that pays.
pub(crate) const BUYER: usize = 2;

pub(crate) struct World {
    pub(crate) devnet: Devnet,
    pub(crate) settings: ChainSettings,
    pub(crate) chain: Chain,
    pub(crate) dir: tempfile::TempDir,
    files: AtomicU64,
}

pub(crate) fn key(account: usize) -> PayerKey {
    PayerKey::from_hex(DEV_ACCOUNTS[account].private_key).unwrap()
}

pub(crate) fn address(account: usize) -> Address {
    DEV_ACCOUNTS[account].address
}

pub(crate) fn now() -> u64 {
    SystemClock.now_unix_secs()
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(DevnetConfig::default()).await
    }

    pub(crate) async fn with(config: DevnetConfig) -> Self {
        let devnet = Devnet::start(config).await.unwrap();
        let settings = ChainSettings::devnet(devnet.url());
        let chain = settings.chain().unwrap();
        Self {
            devnet,
            settings,
            chain,
            dir: tempfile::tempdir().unwrap(),
            files: AtomicU64::new(0),
        }
    }

    pub(crate) async fn outbox_of(&self, account: usize, path: &Path) -> TxOutbox {
        let config = OutboxConfig {
            poll_interval: Duration::from_millis(20),
            ..OutboxConfig::default()
        };
        let signer = key(account).to_signer().unwrap();
        let opened = TxOutbox::open(path, self.chain.clone(), signer, config, clock());
        opened.await.unwrap()
    }

    pub(crate) async fn offer(&self) -> ChainOffer {
        let path = self.dir.path().join("outbox.db");
        self.offer_with(self.outbox_of(FACILITATOR, &path).await)
    }

    pub(crate) fn offer_with(&self, outbox: TxOutbox) -> ChainOffer {
        ChainOffer {
            escrow: Some(self.settings.escrow),
            schemes: Schemes {
                permit2: true,
                upto: true,
                ..Schemes::default()
            },
            ..ChainOffer::new(self.chain.clone(), outbox, vec![self.settings.asset()])
        }
    }

    pub(crate) async fn facilitator(&self) -> LocalFacilitator {
        open(self.offer().await).await
    }

    /// Another facilitator, whose transactions this account pays for.
    pub(crate) async fn facilitator_of(&self, account: usize) -> LocalFacilitator {
        let file = format!("{account}-{}.db", self.files.fetch_add(1, Relaxed));
        let path = self.dir.path().join(file);
        open(self.offer_with(self.outbox_of(account, &path).await)).await
    }

    /// What an account has in test tokens.
    pub(crate) async fn tokens(&self, account: usize) -> u128 {
        let token = self.settings.token.address;
        let balance = self.chain.token_balance(token, address(account)).await;
        balance.unwrap().to()
    }

    /// How many transactions of the facilitator's are mined.
    pub(crate) async fn transactions(&self) -> u64 {
        self.chain.mined_nonce(address(FACILITATOR)).await.unwrap()
    }

    pub(crate) fn offered(&self, scheme: &str, amount: u128) -> PaymentRequirements {
        let asset = self.settings.asset();
        let mut extra = Metadata::new();
        extra.set("name", &asset.name).unwrap();
        extra.set("version", &asset.version).unwrap();
        PaymentRequirements {
            scheme: scheme.to_owned(),
            network: asset.network.to_string(),
            amount: BaseUnits::new(amount),
            asset: asset.address.to_string(),
            pay_to: address(SELLER).to_string(),
            max_timeout_seconds: 60,
            extra,
        }
    }

    /// An authorization of the buyer's for the seller, good for ten minutes.
    pub(crate) fn authorization(&self, amount: u128, nonce: u8) -> TransferAuthorization {
        TransferAuthorization {
            from: address(BUYER),
            to: address(SELLER),
            value: BaseUnits::new(amount),
            valid_after: Uint256::default(),
            valid_before: Uint256::of(now() + 600),
            nonce: B256::repeat_byte(nonce),
        }
    }

    pub(crate) fn signed(&self, authorization: TransferAuthorization) -> Eip3009Payment {
        self.signed_for(&self.settings.asset(), authorization)
    }

    pub(crate) fn signed_for(
        &self,
        asset: &Asset,
        authorization: TransferAuthorization,
    ) -> Eip3009Payment {
        let domain = TokenDomain::of(asset);
        let signature = key(BUYER).sign(authorization.transfer_digest(&domain));
        Eip3009Payment::signed(authorization, signature)
    }

    /// A payment of `amount` by `exact`.
    pub(crate) fn exact(&self, amount: u128, nonce: u8) -> RequestV2 {
        let payment = self.signed(self.authorization(amount, nonce));
        self.request(self.offered("exact", amount), &payment)
    }

    pub(crate) fn request<P: serde::Serialize>(
        &self,
        requirements: PaymentRequirements,
        payload: &P,
    ) -> RequestV2 {
        RequestV2 {
            x402_version: X402_VERSION,
            mode: Mode::X,
            payment_payload: PaymentPayload {
                x402_version: X402_VERSION,
                mode: Mode::X,
                resource: None,
                accepted: requirements.clone(),
                payload: Json::from_value(payload).unwrap(),
                extensions: Metadata::new(),
            },
            payment_requirements: requirements,
        }
    }
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

pub(crate) async fn open(offer: ChainOffer) -> LocalFacilitator {
    LocalFacilitator::open(vec![offer], clock()).await.unwrap()
}
