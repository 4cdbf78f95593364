//! Buyers that open locks and sign vouchers, and the chain that they do it on.

use agent_client::chain::Chain;
use agent_client::chain::bindings::{IZ402Escrow, ReceiveWithAuthorization};
use agent_client::chain::outbox::{TxOutbox, TxOutcome, TxRequest};
use agent_client::clock::SystemClock;
use agent_client::settings::ChainSettings;
use agent_client::wallet::{PayerKey, opening_nonce, receive_digest};
use agent_core::clock::Clock;
use agent_core::money::BaseUnits;
use agent_core::voucher::{Checked, Lock, Salt, Voucher};
use agent_devnet::{DEV_ACCOUNTS, Devnet, DevnetConfig};
use alloy_primitives::{Address, B256, U256, Uint};
use alloy_sol_types::SolCall;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const WAIT: Duration = Duration::from_secs(30);
/// The account that gets the money.
pub(crate) const SELLER: usize = 1;
/// The account that pays the gas of everybody else's transactions.
const SPONSOR: usize = 0;

pub(crate) struct World {
    pub(crate) devnet: Devnet,
    pub(crate) settings: ChainSettings,
    pub(crate) chain: Chain,
    pub(crate) dir: tempfile::TempDir,
    sponsor: TxOutbox,
    purposes: std::sync::atomic::AtomicU64,
}

impl World {
    pub(crate) async fn new() -> Self {
        let devnet = Devnet::start(DevnetConfig::default()).await.unwrap();
        let settings = ChainSettings::devnet(devnet.url());
        let chain = settings.chain().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let sponsor = TxOutbox::open(
            dir.path().join("sponsor.db"),
            chain.clone(),
            key(SPONSOR).to_signer().unwrap(),
            settings.outbox(),
            Arc::new(SystemClock),
        );
        let sponsor = sponsor.await.unwrap();
        Self {
            devnet,
            settings,
            chain,
            dir,
            sponsor,
            purposes: 0.into(),
        }
    }

    /// Sends a call in the sponsor's name and waits until it is mined.
    pub(crate) async fn send<C: SolCall>(&self, call: &C) {
        self.send_to(self.settings.escrow, call).await;
    }

    pub(crate) async fn send_to<C: SolCall>(&self, to: Address, call: &C) {
        let n = self
            .purposes
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let request = TxRequest::call(n.to_string(), to, call);
        let id = self.sponsor.enqueue(request).await.unwrap().id;
        let outcome = self.sponsor.wait(id, WAIT).await.unwrap();
        assert!(matches!(outcome, TxOutcome::Mined(_)), "{outcome:?}");
    }

    /// A lock of this buyer's for the seller, on chain when this returns.
    pub(crate) async fn open(&self, buyer: usize, amount: u64) -> Lock {
        self.open_for(buyer, address(SELLER), amount).await
    }

    pub(crate) async fn open_for(&self, buyer: usize, payee: Address, amount: u64) -> Lock {
        let salt = self
            .purposes
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let lock = Lock {
            payer: address(buyer),
            signer: address(buyer),
            payee,
            token: self.settings.token.address,
            salt: Salt(Uint::from(salt)),
        };
        self.fund(buyer, &lock, amount).await;
        lock
    }

    /// Opens a lock or adds to it, with one signature of the buyer's.
    pub(crate) async fn fund(&self, buyer: usize, lock: &Lock, amount: u64) {
        let deadline = 86_400 + SystemClock.now_unix_secs();
        let salt = B256::repeat_byte(7);
        let id = lock.id(&self.settings.domain());
        let authorization = ReceiveWithAuthorization {
            from: lock.payer,
            to: self.settings.escrow,
            value: U256::from(amount),
            validAfter: U256::ZERO,
            validBefore: U256::from(deadline),
            nonce: opening_nonce(id, deadline, salt),
        };
        let digest = receive_digest(&self.settings.asset(), &authorization);
        let call = IZ402Escrow::open3009Call {
            lock: on_chain(lock),
            amount: U256::from(amount),
            deadline: Uint::from(deadline),
            validAfter: U256::ZERO,
            validBefore: U256::from(deadline),
            salt,
            signature: key(buyer).sign(digest).as_bytes().to_vec().into(),
        };
        self.send(&call).await;
    }

    pub(crate) fn voucher(&self, buyer: usize, lock: &Lock, ceiling: u128) -> Voucher<Checked> {
        let domain = self.settings.domain();
        let (id, ceiling) = (lock.id(&domain), BaseUnits::new(ceiling));
        let signature = key(buyer).sign(domain.voucher_digest(id, ceiling));
        Voucher::received(id, ceiling, signature)
            .check(&domain, lock)
            .unwrap()
    }

    /// What the account has in tokens.
    pub(crate) async fn tokens(&self, account: usize) -> u128 {
        self.tokens_of(address(account)).await
    }

    pub(crate) async fn tokens_of(&self, owner: Address) -> u128 {
        let token = self.settings.token.address;
        self.chain.token_balance(token, owner).await.unwrap().to()
    }

    /// How many transactions of the seller's are mined.
    pub(crate) async fn seller_transactions(&self) -> u64 {
        self.chain.mined_nonce(address(SELLER)).await.unwrap()
    }
}

pub(crate) fn on_chain(lock: &Lock) -> IZ402Escrow::Lock {
    IZ402Escrow::Lock {
        payer: lock.payer,
        signer: lock.signer,
        payee: lock.payee,
        token: lock.token,
        salt: lock.salt.0,
    }
}

pub(crate) fn key(account: usize) -> PayerKey {
    PayerKey::from_hex(DEV_ACCOUNTS[account].private_key).unwrap()
}

pub(crate) fn address(account: usize) -> Address {
    DEV_ACCOUNTS[account].address
}
