use super::buyer::BuyerOptions;
use super::{Failure, show};
use agent_client::buyer::Buyer;
use agent_client::clock::SystemClock;
use agent_client::wallet::{Account, ApprovalDesk, ApprovalId, ChannelState, KillSwitch};
use agent_core::clock::Clock;
use agent_core::money::{AssetId, BaseUnits};
use agent_core::untrusted::shorten;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What to do.
    #[arg(value_enum, default_value_t = Action::Show)]
    action: Action,
    /// Which approval, for `approve` and `refuse`.
    id: Option<String>,
    /// Say what `reclaim` would take back, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    buyer: BuyerOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Action {
    /// The books, and the locks that still hold something.
    Show,
    /// Take back what is left in locks that are past their deadlines.
    Reclaim,
    /// Stop all spending of this wallet at once, also in a running buyer.
    Kill,
    /// Let spending go on after `kill`.
    Resume,
    /// The payments that wait for a person.
    Approvals,
    /// Allow one of them, once.
    Approve,
    /// Refuse one of them.
    Refuse,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    // These work beside a running buyer, which has the wallet open.
    match arguments.action {
        Action::Kill | Action::Resume => return switch(&arguments),
        Action::Approvals => return waiting(&arguments),
        Action::Approve => return decide(&arguments, true),
        Action::Refuse => return decide(&arguments, false),
        Action::Show | Action::Reclaim => {}
    }
    let buyer = arguments.buyer.open().await?;
    let done = match arguments.action {
        Action::Reclaim => reclaim(&arguments, &buyer).await,
        _ => books(&arguments, &buyer).await,
    };
    buyer.close().await;
    done
}

fn switch(arguments: &Arguments) -> Result<(), Failure> {
    let wallet = arguments.buyer.wallet_file()?;
    let (switch, kill) = (KillSwitch::of(&wallet), arguments.action == Action::Kill);
    let done = if kill { switch.kill() } else { switch.resume() };
    done.map_err(|error| Failure::work(format!("{}: {error}", switch.path().display())))?;
    if arguments.json {
        show::document(&json!({"killed": kill}));
    } else {
        let word = if kill { "stopped" } else { "allowed again" };
        println!("spending from {} is {word}", wallet.display());
    }
    Ok(())
}

fn waiting(arguments: &Arguments) -> Result<(), Failure> {
    let desk = ApprovalDesk::of(&arguments.buyer.wallet_file()?);
    let waiting = desk.waiting().map_err(Failure::work)?;
    if arguments.json {
        show::document(&json!({ "approvals": waiting }));
        return Ok(());
    }
    for one in &waiting {
        let (id, max, asset, payee) = (&one.id, &one.max_base_units, &one.asset, &one.payee);
        println!(
            "{id}  at most {max} base units of {asset} to {payee} for {} at {}, asked {}",
            shorten(&one.skill),
            shorten(&one.resource),
            show::time(one.asked_unix_secs),
        );
    }
    if waiting.is_empty() {
        eprintln!("no payment waits for an approval");
    }
    Ok(())
}

fn decide(arguments: &Arguments, approved: bool) -> Result<(), Failure> {
    let text = arguments.id.as_deref().unwrap_or_default();
    let id = ApprovalId::parse(text)
        .ok_or_else(|| Failure::usage("name an approval that `agent wallet approvals` lists"))?;
    let desk = ApprovalDesk::of(&arguments.buyer.wallet_file()?);
    let now = SystemClock.now_unix_secs();
    desk.answer(&id, approved, now)
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Failure::work(format!("no approval {id} waits")),
            _ => Failure::work(error),
        })?;
    if arguments.json {
        show::document(&json!({"id": id, "approved": approved}));
    } else {
        let word = if approved { "approved" } else { "refused" };
        println!("{id} is {word}; ask again");
    }
    Ok(())
}

async fn books(arguments: &Arguments, buyer: &Buyer) -> Result<(), Failure> {
    let wallet = buyer.wallet();
    if let Err(error) = wallet.refresh().await {
        eprintln!("claimed and returned are as of the last look at the chain: {error}");
    }
    let books = wallet.books().await.map_err(Failure::work)?;
    let locks: Vec<Account> = channels(buyer).await?.into_iter().filter(holds).collect();
    let asset = wallet.policy().asset;
    let sums = [
        ("deposited", books.deposited),
        ("signed", books.signed),
        ("charged", books.charged),
        ("in_flight", books.in_flight),
        ("claimed", books.claimed),
        ("returned", books.returned),
    ];
    let counts = [
        ("made", books.payments),
        ("charged", books.payments_charged),
        ("void", books.payments_void),
        ("in_flight", books.payments_in_flight),
        ("unknown", books.payments_unknown),
    ];
    if arguments.json {
        let sums: BTreeMap<_, _> = sums
            .into_iter()
            .map(|(name, units)| (name, show::amount_json(buyer.assets(), asset, units)))
            .collect();
        show::document(&json!({
            "sums": sums,
            "payer": wallet.payer().to_string(),
            "network": wallet.network().to_string(),
            "escrow": buyer.escrow().contract().to_string(),
            "payments": counts.into_iter().collect::<BTreeMap<_, _>>(),
            "locks": locks.iter().map(|lock| lock_json(buyer, lock, left(lock))).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    println!("payer      {}", wallet.payer());
    println!("network    {}", wallet.network());
    println!("escrow     {}", buyer.escrow().contract());
    for (name, units) in sums {
        let amount = show::amount(buyer.assets(), asset, units);
        println!("{:<10} {amount}", name.replace('_', " "));
    }
    let counts = counts.map(|(name, count)| format!("{count} {}", name.replace('_', " ")));
    println!("payments   {}", counts.join(", "));
    for lock in &locks {
        println!(
            "lock       {} of payee {} ({}), back to {} after {}, {}",
            amount(buyer, lock, left(lock)),
            lock.lock.payee,
            word(lock.state),
            lock.lock.payer,
            show::time(lock.deadline_unix_secs),
            lock.id
        );
    }
    Ok(())
}

/// Releases what is past its deadline as the chain counts time: the escrow goes by its blocks, and
/// a release that comes too early is a failed attempt, of which a lock has a bounded number.
async fn reclaim(arguments: &Arguments, buyer: &Buyer) -> Result<(), Failure> {
    let wallet = buyer.wallet();
    let now = buyer.chain().head().await.map_err(Failure::work)?.timestamp;
    wallet.refresh().await.map_err(Failure::work)?;
    let before = channels(buyer).await?;
    let due = before
        .into_iter()
        .filter(|lock| holds(lock) && lock.deadline_unix_secs < now);
    let due: Vec<Account> = due
        .filter(|lock| lock.state != ChannelState::Opening)
        .collect();
    if arguments.dry_run {
        let locks = due.into_iter().map(|lock| (left(&lock), lock)).collect();
        report(arguments, buyer, now, locks);
        return Ok(());
    }
    for lock in &due {
        eprintln!("taking back {}", line(buyer, lock, left(lock)));
    }
    let done = wallet.reclaim(now).await;
    // One lock that fails does not hide what became of the others.
    let after = channels(buyer).await?;
    let returned = due.into_iter().filter_map(|lock| {
        let then = after.iter().find(|then| then.id == lock.id)?;
        let came = then.returned.minus(lock.returned).ok()?;
        (!came.is_zero()).then_some((came, lock))
    });
    report(arguments, buyer, now, returned.collect());
    done.map(drop).map_err(Failure::work)
}

fn report(arguments: &Arguments, buyer: &Buyer, now: u64, locks: Vec<(BaseUnits, Account)>) {
    if arguments.json {
        let locks: Vec<Value> = locks
            .iter()
            .map(|(units, lock)| lock_json(buyer, lock, *units))
            .collect();
        show::document(&json!({
            "dry_run": arguments.dry_run,
            "chain_time_unix_secs": now,
            "locks": locks,
        }));
        return;
    }
    for (units, lock) in &locks {
        println!("{}", line(buyer, lock, *units));
    }
    if locks.is_empty() {
        let now = show::time(now);
        eprintln!(
            "nothing: no lock with money in it is past its deadline at {now}, the chain's time"
        );
    }
}

async fn channels(buyer: &Buyer) -> Result<Vec<Account>, Failure> {
    buyer.wallet().channels().await.map_err(Failure::work)
}

/// What the lock holds that nobody claimed.
fn left(lock: &Account) -> BaseUnits {
    lock.authorized().minus(lock.claimed).unwrap_or_default()
}

fn holds(lock: &Account) -> bool {
    lock.state != ChannelState::Released && !left(lock).is_zero()
}

fn asset(buyer: &Buyer, lock: &Account) -> AssetId {
    AssetId {
        network: buyer.wallet().network(),
        address: lock.lock.token,
    }
}

fn amount(buyer: &Buyer, lock: &Account, units: BaseUnits) -> String {
    show::amount(buyer.assets(), asset(buyer, lock), units)
}

/// Asset, amount, chain and recipient in one line.
fn line(buyer: &Buyer, lock: &Account, units: BaseUnits) -> String {
    format!(
        "{} on {} to {} from lock {}",
        amount(buyer, lock, units),
        buyer.wallet().network(),
        lock.lock.payer,
        lock.id
    )
}

fn lock_json(buyer: &Buyer, lock: &Account, units: BaseUnits) -> Value {
    json!({
        "lock": lock.id,
        "state": word(lock.state),
        "left": show::amount_json(buyer.assets(), asset(buyer, lock), units),
        "payee": lock.lock.payee.to_string(),
        "recipient": lock.lock.payer.to_string(),
        "deadline_unix_secs": lock.deadline_unix_secs,
        "deadline": show::time(lock.deadline_unix_secs),
    })
}

const fn word(state: ChannelState) -> &'static str {
    match state {
        ChannelState::Opening => "opening",
        ChannelState::Open => "open",
        ChannelState::Suspect => "suspect",
        ChannelState::Closing => "closing",
        ChannelState::Released => "released",
        ChannelState::Failed => "failed",
        _ => "other",
    }
}
