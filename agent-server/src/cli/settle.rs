use super::seller::{self, Books, SellerOptions};
use super::{Failure, show};
use crate::agent::{Earnings, Paid};
use crate::config::PaymentConfig;
use crate::settle::{SettleError, SettleReport};
use crate::store::limits::CLAIMS_READ_MAX;
use agent_client::chain::outbox::{OutboxError, TxId, TxOutbox, TxOutcome};
use agent_client::clock::SystemClock;
use agent_core::clock::Clock;
use agent_core::ledger::Ledger;
use agent_core::money::BaseUnits;
use alloy_primitives::{Address, B256};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Waits for the first look at the chain: without it nothing can be claimed or confirmed.
const LOOK_WAIT: Duration = Duration::from_secs(30);

/// Waits for everything to be claimed and confirmed. What is under way then goes on with the next
/// settlement, or with the seller's next start.
const SETTLE_WAIT: Duration = Duration::from_secs(300);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Say what would be claimed, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    seller: SellerOptions,
}

/// Transactions that are read from the outbox at once.
const OUTBOX_PAGE: usize = 500;

/// How a settlement ended, and the transactions that were mined meanwhile.
struct Settled {
    settled: Result<SettleReport, SettleError>,
    hashes: Vec<B256>,
}

/// What one payee can claim in one token.
#[derive(Default)]
struct Claimable {
    amount: BaseUnits,
    locks: u64,
    channels: u64,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let books = Books::open(&arguments.seller)?;
    let done = settle(&arguments, &books).await;
    books.store.close().await;
    done
}

async fn settle(arguments: &Arguments, books: &Books) -> Result<(), Failure> {
    let payment = books.config.payment.as_ref().ok_or_else(|| {
        Failure::usage("the configuration has no [payment], so nothing was ever earned")
    })?;
    let claims = claimable(books).await?;
    if arguments.dry_run {
        if arguments.json {
            let claims: Vec<Value> = claims
                .iter()
                .map(|claim| claim_json(books, claim))
                .collect();
            show::document(&json!({"dry_run": true, "claims": claims}));
        } else {
            for claim in &claims {
                println!("{}", line(books, claim));
            }
        }
        if claims.is_empty() {
            eprintln!("nothing is unclaimed");
        }
        return Ok(());
    }
    for claim in &claims {
        eprintln!("claiming {}", line(books, claim));
    }
    let Settled { settled, hashes } = Box::pin(claim(books, payment)).await?;
    let report = match &settled {
        Ok(report) | Err(SettleError::NotYet(report)) => Some(report),
        Err(_) => None,
    };
    if let Some(report) = report {
        print(arguments, books, report, &hashes);
    }
    settled.map(drop).map_err(Failure::work)
}

/// Claims everything; the outer error is that it could not begin.
async fn claim(books: &Books, payment: &PaymentConfig) -> Result<Settled, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let paid = Paid {
        config: &books.config,
        payment,
        store: &books.store,
        clock: &clock,
    };
    let payee = paid.payee().map_err(seller::failed)?;
    // Nothing is sold here: channels are followed if the books hold any.
    let earnings = Earnings::start(&paid, payee, false)
        .await
        .map_err(seller::failed)?;
    let settled = settle_now(&earnings).await;
    earnings.settler.stop().await;
    earnings.outbox.close().await;
    settled
}

async fn settle_now(earnings: &Earnings) -> Result<Settled, Failure> {
    let outbox = &earnings.outbox;
    let before = mined(outbox).await.map_err(Failure::work)?;
    earnings.mirror.look(LOOK_WAIT).await.map_err(|error| {
        Failure::work(format!(
            "nothing was claimed, the chain cannot be followed: {error}"
        ))
    })?;
    if let Some((channels, _)) = &earnings.channels {
        let looked = channels.look(LOOK_WAIT).await;
        looked.map_err(|error| Failure::work(format!("channels cannot be read: {error}")))?;
    }
    let settled = earnings.settler.settle_now(SETTLE_WAIT).await;
    // What was claimed is said even if its hashes cannot be read any more.
    let after = mined(outbox).await.unwrap_or_default();
    let hashes = after.difference(&before).map(|(_, hash)| *hash).collect();
    Ok(Settled { settled, hashes })
}

/// The settlements in the outbox that were mined, in their order.
async fn mined(outbox: &TxOutbox) -> Result<BTreeSet<(TxId, B256)>, OutboxError> {
    let (mut found, mut after) = (BTreeSet::new(), None);
    loop {
        let page = outbox.list(after, OUTBOX_PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(found);
        };
        after = Some(last.id);
        let settlements = page
            .iter()
            .filter(|record| record.request.purpose.starts_with("settle/"));
        found.extend(
            settlements.filter_map(|record| match record.status.outcome() {
                Some(TxOutcome::Mined(mined)) => Some((record.id, mined.hash)),
                _ => None,
            }),
        );
    }
}

fn print(arguments: &Arguments, books: &Books, report: &SettleReport, hashes: &[B256]) {
    let asset = books.own_asset();
    let SettleReport {
        transactions,
        gas_used,
        claimed_base_units,
        locks,
        channels,
        paid_out_base_units,
    } = *report;
    if arguments.json {
        show::document(&json!({
            "dry_run": false,
            "transactions": transactions,
            "transaction_hashes": hashes,
            "gas_used": gas_used,
            "locks": locks,
            "channels": channels,
            "claimed": show::amount_json(&books.assets, asset, claimed_base_units),
            "paid_out_of_channels":
                show::amount_json(&books.assets, asset, paid_out_base_units),
        }));
        return;
    }
    println!(
        "claimed {} on {} from {}; {transactions} transactions, {gas_used} gas",
        show::amount(&books.assets, asset, claimed_base_units),
        asset.network,
        sources(locks, channels),
    );
    if !paid_out_base_units.is_zero() {
        let paid_out = show::amount(&books.assets, asset, paid_out_base_units);
        println!("paid out {paid_out} of what was claimed from channels");
    }
    for hash in hashes {
        println!("transaction {hash}");
    }
}

type Group = ((Address, Address), Claimable);

/// What the ledger knows to be claimable, by payee and token.
async fn claimable(books: &Books) -> Result<Vec<Group>, Failure> {
    let claims = books.store.claims(CLAIMS_READ_MAX).await;
    let claims = claims.map_err(Failure::work)?;
    if claims.len() == CLAIMS_READ_MAX {
        eprintln!(
            "there are more than {CLAIMS_READ_MAX} claims; what is said here is of the oldest"
        );
    }
    let mut groups: BTreeMap<(Address, Address), Claimable> = BTreeMap::new();
    for claim in claims {
        let key = (claim.funding.payee(), claim.funding.token());
        let group = groups.entry(key).or_default();
        let value = claim.charged.minus(claim.claimed).unwrap_or_default();
        group.amount = group.amount.plus(value).map_err(Failure::work)?;
        let count = match claim.funding.batch() {
            Some(_) => &mut group.channels,
            None => &mut group.locks,
        };
        *count = count.saturating_add(1);
    }
    Ok(groups.into_iter().collect())
}

/// Asset, amount, chain and recipient in one line.
fn line(books: &Books, ((payee, token), claim): &Group) -> String {
    let asset = books.asset(*token);
    format!(
        "{} on {} to {payee} from {}",
        show::amount(&books.assets, asset, claim.amount),
        asset.network,
        sources(claim.locks, claim.channels)
    )
}

/// Where claims come from, in words.
fn sources(locks: u64, channels: u64) -> String {
    match (locks, channels) {
        (locks, 0) => format!("{locks} locks"),
        (0, channels) => format!("{channels} channels"),
        _ => format!("{locks} locks and {channels} channels"),
    }
}

fn claim_json(books: &Books, ((payee, token), claim): &Group) -> Value {
    json!({
        "claimable": show::amount_json(&books.assets, books.asset(*token), claim.amount),
        "recipient": payee.to_string(),
        "locks": claim.locks,
        "channels": claim.channels,
    })
}
