//! The buyer's wallet: what may be spent, what was signed, and what came of it, on its own file.
//!
//! # What holds
//!
//! - **Nothing is signed that the policy did not allow**, and the ceiling of a voucher is on disk
//!   before its signature exists. A crash can lose a payment, never the count of it.
//! - **Signed is what counts.** A payee can claim a voucher's whole ceiling, whatever its receipts
//!   say, so in every window the sum by which ceilings rose stays within the policy.
//! - **Ceilings strictly increase**, so one voucher pays for at most one call.
//! - **What is not known counts as spent**: a payment whose answer was lost stays at its maximum.
//! - The same for all schemes: `batch-settlement`'s ceilings need not rise, because the scheme
//!   fixes them, but none leaves unsigned for; `exact` counts in full until the chain shows that it
//!   can never be used.
//! - **A lock is opened once.** Its opening is on disk before it is sent, under a nonce that the
//!   token takes once.
//!
//! # What is not guaranteed
//!
//! A payee can claim up to the highest ceiling it holds without having worked for it; the policy's
//! bounds and the small steps between ceilings are the limit of that loss. Deleting the file, or
//! putting back an older copy of it, makes the wallet sign ceilings anew: never restore a wallet
//! from a backup while its locks are open.

mod account;
mod approve;
mod attempts;
mod batch;
mod book;
mod books;
mod chain_port;
mod config;
mod correct;
mod credit;
mod desk;
mod envelope;
mod error;
mod escrow;
mod exact;
mod halt;
pub mod keys;
pub mod limits;
mod lock;
mod offer;
mod on_chain;
mod on_chain_x402;
mod opening;
mod pay;
mod receipt;
mod reclaim;
mod reserve;
mod schema;
mod scheme;
mod settle;
mod slots;
mod sums;
mod tallies;
mod terms;
mod windows;

pub use account::{Account, ChannelState};
pub use approve::{ApprovalId, ApprovalRequest, ApproveWith, Approver, Deciding, Decision};
pub use batch::{
    BatchAccount, BatchCorrected, BatchCorrectionError, BatchState, PendingDeposit, Refund,
};
pub use books::WalletBooks;
pub use chain_port::{ChainPort, ChannelOnChain};
pub use config::WalletConfig;
pub use correct::{Corrected, CorrectionError};
pub use desk::{ApprovalDesk, WaitingApproval};
pub use error::{TermsRefusal, WalletError};
pub use escrow::{
    EscrowError, EscrowPort, OpenRequest, OpenedLock, ReleasedLock, opening_nonce, receive_digest,
};
pub use halt::KillSwitch;
pub use keys::{KeyError, PayerKey, read_secret_file};
pub use offer::{NoOffer, Offer, OfferRefusal};
pub use on_chain::ChainEscrow;
pub use on_chain_x402::ChainX402;
pub use pay::{OfferRequest, PayRequest, Payment};
pub use receipt::{Confirmed, ReceiptError};
pub use reclaim::Reclaimed;
pub use scheme::{Scheme, UnknownScheme};

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use agent_core::{clock::Clock, money::Network, policy::SpendPolicy};
use alloy_primitives::Address;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::sqlite::{GroupCommit, JobError, StoreOptions, SubmitError};
use batch::Live;
use book::{Book, Shelf};
use slots::Slots;

/// A buyer's wallet. Cheap to clone; clones are the same wallet.
///
/// Futures of its methods can be dropped: what was queued is still committed, an opening that was
/// stored goes on with the next call, and a payment that nobody waits for stays counted.
#[derive(Clone)]
pub struct Wallet(Arc<Inner>);

/// Who holds it is alone in opening a lock.
type Door = Arc<tokio::sync::Mutex<()>>;

struct Inner {
    store: GroupCommit<Shelf>,
    escrow_port: Arc<dyn EscrowPort>,
    clock: Arc<dyn Clock>,
    config: WalletConfig,
    policy: RwLock<Arc<SpendPolicy>>,
    kill_switch: KillSwitch,
    approver: RwLock<Arc<dyn Approver>>,
    slots: Slots,
    batch_slots: Slots,
    live: Live,
    /// One opening at a time for a payee and token.
    doors: Mutex<HashMap<(Address, Address), Door>>,
}

impl fmt::Debug for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wallet")
            .field("payer", &self.payer())
            .field("escrow", &self.0.config.escrow)
            .finish_non_exhaustive()
    }
}

impl Wallet {
    /// Opens (or creates) the wallet's file as its only owner. Payments that were in flight when it
    /// was last left become unknown: they stay counted at their maxima until a receipt turns up.
    ///
    /// Openings that were under way go on with the next payment to that payee, or with
    /// [`Wallet::resume_openings`].
    ///
    /// # Errors
    /// [`WalletError::Open`] when another process has the file, [`WalletError::OtherWallet`] when
    /// it belongs to another payer, chain or contract, [`WalletError::Store`].
    pub async fn open(
        config: WalletConfig,
        clock: Arc<dyn Clock>,
        escrow_port: Arc<dyn EscrowPort>,
    ) -> Result<Self, WalletError> {
        let options = StoreOptions {
            durability: config.durability,
            name: "wallet".to_owned(),
            ..StoreOptions::default()
        };
        let payer = config.key.address();
        let store = GroupCommit::open(&config.path, &options, schema::MIGRATIONS, |_| {
            Ok(Shelf::of(payer))
        })?;
        let wallet = Self(Arc::new(Inner {
            store,
            escrow_port,
            clock,
            policy: RwLock::new(Arc::new(config.policy.clone())),
            kill_switch: KillSwitch::of(&config.path),
            approver: RwLock::new(Arc::new(ApprovalDesk::of(&config.path))),
            config,
            slots: Slots::default(),
            batch_slots: Slots::default(),
            live: Live::default(),
            doors: Mutex::default(),
        }));
        let (network, contract) = (wallet.network(), wallet.0.config.escrow.contract());
        let owned = wallet
            .0
            .write(move |tx, _| own(tx, payer, network, contract))
            .await;
        if let Err(error) = owned {
            // The file is free again by the time the caller reads why.
            wallet.close().await;
            return Err(error);
        }
        Ok(wallet)
    }

    /// The address that pays.
    #[must_use]
    pub fn payer(&self) -> Address {
        self.0.config.key.address()
    }

    /// The chain it pays on.
    #[must_use]
    pub fn network(&self) -> Network {
        Network::eip155(self.0.config.escrow.chain_id())
    }

    fn chain_port(&self) -> Result<&dyn ChainPort, WalletError> {
        let port = self.0.config.chain_port.as_deref();
        port.ok_or_else(|| TermsRefusal::Scheme.into())
    }

    /// The policy in force; one that is killed while the [`KillSwitch`] is on.
    #[must_use]
    pub fn policy(&self) -> Arc<SpendPolicy> {
        let mut policy = Arc::clone(&self.0.policy.read().unwrap_or_else(PoisonError::into_inner));
        if !policy.killed && self.0.kill_switch.is_on() {
            Arc::make_mut(&mut policy).killed = true;
        }
        policy
    }

    /// Who asks a person about payments above the policy's threshold. Until this is called they
    /// wait on the [`ApprovalDesk`] beside the wallet's file.
    pub fn set_approver(&self, approver: Arc<dyn Approver>) {
        *self
            .0
            .approver
            .write()
            .unwrap_or_else(PoisonError::into_inner) = approver;
    }

    fn approver(&self) -> Arc<dyn Approver> {
        let approver = self.0.approver.read();
        Arc::clone(&approver.unwrap_or_else(PoisonError::into_inner))
    }

    /// What stops all spending of this wallet, also from another process and over restarts.
    #[must_use]
    pub fn kill_switch(&self) -> &KillSwitch {
        &self.0.kill_switch
    }

    /// Puts another policy in force, for example one that is killed. Payments decided from now on
    /// keep to it; what was signed before stays signed.
    pub fn set_policy(&self, policy: SpendPolicy) {
        *self
            .0
            .policy
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(policy);
    }

    /// Finishes what is queued and returns when the file is free for another owner.
    pub async fn close(&self) {
        self.0.store.close().await;
    }
}

impl Inner {
    /// One committed transaction over the books. The job may run again after a neighbour's failure
    /// took it back, and refuses only before it has written.
    async fn write<T, F>(&self, job: F) -> Result<T, WalletError>
    where
        F: Fn(&Transaction<'_>, &mut Book) -> Result<T, JobError<WalletError>>
            + Clone
            + Send
            + 'static,
        T: Send + 'static,
    {
        let mut tries = 0;
        loop {
            let (job, now) = (job.clone(), self.clock.now_unix_millis());
            let ran = self
                .store
                .submit(move |tx, shelf| job(tx, shelf.book(tx, now)?))
                .await;
            match ran {
                Err(SubmitError::RolledBack(_)) if tries < limits::ROLLBACK_RETRIES_MAX => {
                    tries += 1;
                }
                ended => return ended.map_err(refusal),
            }
        }
    }

    async fn read<T, F>(&self, job: F) -> Result<T, WalletError>
    where
        F: FnOnce(&Connection, &mut Book) -> Result<T, JobError<WalletError>> + Send + 'static,
        T: Send + 'static,
    {
        let now = self.clock.now_unix_millis();
        let ran = self
            .store
            .read(move |conn, shelf| job(conn, shelf.book(conn, now)?));
        ran.await.map_err(refusal)
    }
}

fn refusal(error: SubmitError<WalletError>) -> WalletError {
    error.into_refusal().unwrap_or_else(WalletError::Store)
}

/// Makes the file ours, or finds that it is; then closes what the last process left open.
fn own(
    conn: &Connection,
    payer: Address,
    network: Network,
    contract: Address,
) -> Result<(), JobError<WalletError>> {
    let found = conn
        .query_row("SELECT payer, network, contract FROM owner", [], |row| {
            let network: String = row.get("network")?;
            let network = network.parse().map_err(schema::broken)?;
            Ok((
                schema::get_address(row, "payer")?,
                network,
                schema::get_address(row, "contract")?,
            ))
        })
        .optional()?;
    if let Some((payer_found, network_found, contract_found)) = found
        && (payer_found, network_found, contract_found) != (payer, network, contract)
    {
        return Err(JobError::Refused(WalletError::OtherWallet {
            payer: payer_found,
            network: network_found,
            contract: contract_found,
        }));
    }
    conn.execute(
        "INSERT OR IGNORE INTO owner VALUES (1, ?1, ?2, ?3)",
        params![payer.0.0, network.to_string(), contract.0.0],
    )?;
    conn.execute(
        "UPDATE payment SET state = 'unknown' WHERE state = 'in_flight'",
        [],
    )?;
    Ok(())
}
