//! The end of the day: sellers settle, the buyer rates, what is left returns, and all is counted.

use crate::Result;
use crate::trade::Trade;
use crate::world::World;
use agent_client::buyer::{Buyer, Paid};
use agent_client::chain::Chain;
use agent_client::chain::bindings::IZ402Escrow::{Released, Settled};
use agent_core::ledger::Books;
use agent_core::money::BaseUnits;
use agent_devnet::GENESIS_USDC;
use agent_server::RunningAgent;
use alloy_primitives::{Address, B256, U256};
use alloy_rpc_types_eth::Filter;
use alloy_sol_types::SolEvent;
use std::collections::BTreeSet;
use std::time::Duration;

/// How long anything on a chain that mines at once may take here.
const WAIT: Duration = Duration::from_secs(60);

/// What the chain and the ledgers say in the end.
pub(crate) struct Closing {
    pub(crate) sellers: Vec<SellerClosing>,
    pub(crate) charged: BaseUnits,
    pub(crate) claimed: BaseUnits,
    pub(crate) returned: BaseUnits,
    pub(crate) settle_transactions: u64,
    pub(crate) gas_settle_total: u64,
    pub(crate) payments: u64,
    pub(crate) feedback_recorded: u64,
    pub(crate) agent_to_agent_payments: u64,
    /// The most reservations that one seller's ledger held on one lock at once.
    pub(crate) reserved_max: u32,
    /// Everything that does not add up; empty when the books balance.
    pub(crate) faults: Vec<String>,
    /// What the registry says of the sellers of keywords now.
    pub(crate) trust: Vec<String>,
}

/// One seller's day.
pub(crate) struct SellerClosing {
    pub(crate) name: String,
    pub(crate) books: Books,
    /// What its account on chain has more than in the morning.
    pub(crate) earned_on_chain: BaseUnits,
}

pub(crate) async fn run(world: &World, trade: &Trade) -> Result<Closing> {
    for seller in &world.sellers {
        seller.settle_now(WAIT).await?;
    }
    let mut feedback_recorded = 0u64;
    for paid in &trade.samples {
        rate(&world.buyer, paid).await?;
        feedback_recorded = feedback_recorded.saturating_add(1);
    }
    let trust = trust(world).await?;
    // One seller lets its buyers go early; the others' locks run out.
    for seller in world.sellers.iter().take(1) {
        seller.release_all(WAIT).await?;
    }
    let now = pass_time(world)?;
    for buyer in [&world.buyer, &world.hirer] {
        buyer.wallet().refresh().await?;
        buyer.wallet().reclaim(now).await?;
    }
    count(world, trade, feedback_recorded, trust).await
}

/// Lets two days pass on chain: every lock's deadline is over then.
fn pass_time(world: &World) -> Result<u64> {
    let mut chain = world.devnet.chain();
    chain.increase_time(2 * 86_400)?;
    chain.mine(1)?;
    Ok(chain.timestamp())
}

/// Rates a seller: every answer was right, or this program would not have come here.
async fn rate(buyer: &Buyer, paid: &Paid) -> Result<()> {
    let given = buyer.rate(paid, 100).await?;
    buyer.feedback().wait(given.id, WAIT).await?;
    buyer.feedback().read_back(given.id, WAIT).await?;
    Ok(())
}

async fn trust(world: &World) -> Result<Vec<String>> {
    let query = agent_client::discover::Query::skill(agent_examples::Keywords::ID);
    let found = world.buyer.find(query).await?;
    let line = |c: &agent_client::discover::Candidate| format!("{}: trust {}", c.name(), c.score);
    Ok(found.found().candidates.iter().map(line).collect())
}

async fn count(
    world: &World,
    trade: &Trade,
    feedback_recorded: u64,
    trust: Vec<String>,
) -> Result<Closing> {
    let chain = world.chain.chain()?;
    let mut sellers = Vec::new();
    let mut faults = Vec::new();
    for seller in &world.sellers {
        sellers.push(seller_closing(world, &chain, seller).await?);
        let store = seller.store().ok_or("a seller without books")?;
        let violations = store.verify().await?;
        faults.extend(
            violations
                .iter()
                .map(|v| format!("{}: {v}", seller.card().name)),
        );
    }
    let sum = |of: fn(&SellerClosing) -> BaseUnits| BaseUnits::total(sellers.iter().map(of));
    let charged = sum(|seller| seller.books.charged)?;
    let settled = settled(&chain, world).await?;
    let returned = released(&chain, world).await?;

    let mut deposited = BaseUnits::ZERO;
    for buyer in [&world.buyer, &world.hirer] {
        buyer.wallet().verify().await?;
        deposited = deposited.plus(buyer.wallet().books().await?.deposited)?;
    }
    let hired = world.hirer.wallet().books().await?;
    let mut must = |holds: bool, what: String| {
        if !holds {
            faults.push(what);
        }
    };
    let claimed = settled.amount;
    must(
        charged == claimed,
        format!("charged {charged}, claimed on chain {claimed}"),
    );
    let out = claimed.plus(returned)?;
    must(
        deposited == out,
        format!("deposited {deposited}, claimed and returned {out}"),
    );
    for seller in &sellers {
        let (books, on_chain) = (seller.books, seller.earned_on_chain);
        must(
            books.charged == on_chain && books.claimed == on_chain && books.pending == 0,
            format!(
                "{}: ledger {books:?}, earned on chain {on_chain}",
                seller.name
            ),
        );
    }
    let left = chain
        .token_balance(world.chain.token.address, world.chain.escrow)
        .await?;
    must(
        left.is_zero(),
        format!("{left} base units are left in the escrow"),
    );
    let payments = sellers.iter().map(|seller| seller.books.posted).sum();
    let expected = trade.paid_calls.saturating_add(hired.payments_charged);
    must(
        payments == expected,
        format!("{payments} payments posted, {expected} made"),
    );

    let reserved_max = sellers
        .iter()
        .map(|s| s.books.in_flight_max)
        .max()
        .unwrap_or(0);
    Ok(Closing {
        sellers,
        charged,
        claimed,
        returned,
        settle_transactions: settled.transactions,
        gas_settle_total: settled.gas,
        payments,
        feedback_recorded,
        agent_to_agent_payments: hired.payments_charged,
        reserved_max,
        faults,
        trust,
    })
}

async fn seller_closing(
    world: &World,
    chain: &Chain,
    seller: &RunningAgent,
) -> Result<SellerClosing> {
    let payee = seller.payee().ok_or("a seller without a payee")?;
    let balance = chain
        .token_balance(world.chain.token.address, payee)
        .await?;
    let earned = balance
        .checked_sub(U256::from(GENESIS_USDC))
        .ok_or("a seller lost money")?;
    Ok(SellerClosing {
        name: seller.card().name.clone(),
        books: seller.books().await?,
        earned_on_chain: BaseUnits::new(u128::try_from(earned)?),
    })
}

struct SettledOnChain {
    amount: BaseUnits,
    transactions: u64,
    gas: u64,
}

/// What was claimed and what it cost, as the chain's own log and receipts say.
async fn settled(chain: &Chain, world: &World) -> Result<SettledOnChain> {
    let (mut amount, mut gas) = (BaseUnits::ZERO, 0u64);
    let mut transactions = BTreeSet::<B256>::new();
    for log in logs(chain, world, Settled::SIGNATURE_HASH).await? {
        let event = Settled::decode_log(&log.inner)?;
        amount = amount.plus(BaseUnits::new(u128::try_from(event.amount)?))?;
        transactions.extend(log.transaction_hash);
    }
    for hash in &transactions {
        let receipt = chain
            .receipt(*hash)
            .await?
            .ok_or("a settlement without a receipt")?;
        gas = gas.saturating_add(receipt.gas_used);
    }
    Ok(SettledOnChain {
        amount,
        transactions: u64::try_from(transactions.len())?,
        gas,
    })
}

async fn released(chain: &Chain, world: &World) -> Result<BaseUnits> {
    let payers: [Address; 2] = [world.buyer.wallet().payer(), world.hirer.wallet().payer()];
    let mut amount = BaseUnits::ZERO;
    for log in logs(chain, world, Released::SIGNATURE_HASH).await? {
        let event = Released::decode_log(&log.inner)?;
        if payers.contains(&event.payer) {
            amount = amount.plus(BaseUnits::new(u128::try_from(event.amount)?))?;
        }
    }
    Ok(amount)
}

async fn logs(chain: &Chain, world: &World, event: B256) -> Result<Vec<alloy_rpc_types_eth::Log>> {
    let filter = Filter::new()
        .address(world.chain.escrow)
        .event_signature(event);
    let head = chain.head().await?.number;
    Ok(chain.logs(&filter, 0, head).await?)
}
