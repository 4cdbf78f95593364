use super::seller::{Books, SellerOptions};
use super::{Failure, show};
use crate::store::ChannelView;
use agent_core::ledger::Ledger;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Locks that are listed. The sums are over all of them.
const LOCKS_MAX: usize = 1_000;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What to do.
    #[arg(value_enum, default_value_t = Action::Show)]
    action: Action,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    seller: SellerOptions,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Action {
    /// The books, and what stands on each lock.
    Show,
    /// Check every rule against every row; fails if one does not hold.
    Verify,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let books = Books::open(&arguments.seller)?;
    let done = match arguments.action {
        Action::Show => sums(&arguments, &books).await,
        Action::Verify => verify(&arguments, &books).await,
    };
    books.store.close().await;
    done
}

async fn verify(arguments: &Arguments, books: &Books) -> Result<(), Failure> {
    let violations = books.store.verify().await.map_err(Failure::work)?;
    if arguments.json {
        let found: Vec<Value> = violations
            .iter()
            .map(|v| json!({"code": v.code, "subject": v.subject, "detail": v.detail}))
            .collect();
        show::document(&json!({"right": found.is_empty(), "violations": found}));
    } else if violations.is_empty() {
        println!("the books are right");
    } else {
        for violation in &violations {
            println!("{violation}");
        }
    }
    match violations.len() {
        0 => Ok(()),
        many => Err(Failure::work(format!("{many} rules do not hold"))),
    }
}

async fn sums(arguments: &Arguments, books: &Books) -> Result<(), Failure> {
    let sums = books.store.books().await.map_err(Failure::work)?;
    let locks = books.store.channels(None, LOCKS_MAX).await;
    let locks = locks.map_err(Failure::work)?;
    if locks.len() == LOCKS_MAX {
        eprintln!("only the first {LOCKS_MAX} locks are listed; the sums are over all");
    }
    let asset = books.own_asset();
    let amounts = [
        ("authorized", sums.authorized),
        ("signed", sums.signed),
        ("charged", sums.charged),
        ("in_flight", sums.reserved),
        ("claimed", sums.claimed),
        (
            "unclaimed",
            sums.charged.minus(sums.claimed).unwrap_or_default(),
        ),
    ];
    let counts = [
        ("charged", sums.posted),
        ("void", sums.voided),
        ("open", sums.pending),
    ];
    if arguments.json {
        let sums: BTreeMap<_, _> = amounts
            .into_iter()
            .map(|(name, units)| (name, show::amount_json(&books.assets, asset, units)))
            .collect();
        show::document(&json!({
            "sums": sums,
            "payments": counts.into_iter().collect::<BTreeMap<_, _>>(),
            "locks": locks.iter().map(|view| lock_json(books, view)).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    for (name, units) in amounts {
        let amount = show::amount(&books.assets, asset, units);
        println!("{:<10} {amount}", name.replace('_', " "));
    }
    let counts = counts.map(|(name, count)| format!("{count} {name}"));
    println!("payments   {}", counts.join(", "));
    for view in &locks {
        let show = |units| show::amount(&books.assets, books.asset(view.funding.token()), units);
        println!(
            "lock       {} of {} ({}): charged {}, claimed {}, claim before {}",
            view.id,
            view.funding.payer(),
            word(view),
            show(view.channel.charged),
            show(view.channel.claimed),
            show::time(view.channel.deadline_unix_secs)
        );
    }
    Ok(())
}

fn lock_json(books: &Books, view: &ChannelView) -> Value {
    let show = |units| show::amount_json(&books.assets, books.asset(view.funding.token()), units);
    json!({
        "lock": view.id,
        "state": word(view),
        "payer": view.funding.payer().to_string(),
        "payee": view.funding.payee().to_string(),
        "charged": show(view.channel.charged),
        "claimed": show(view.channel.claimed),
        "deadline_unix_secs": view.channel.deadline_unix_secs,
        "payments_charged": view.posted,
        "payments_void": view.voided,
        "payments_open": view.channel.in_flight,
    })
}

const fn word(view: &ChannelView) -> &'static str {
    if view.broken {
        "stopped: its books do not add up"
    } else if view.channel.closed || view.closing {
        "closed"
    } else {
        "open"
    }
}
