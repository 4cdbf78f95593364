//! The tables, in Markdown.

use crate::escrow::Escrow;
use crate::others::Others;

/// What others publish of themselves, measured on their own harnesses and with other tokens.
struct Published;

impl Published {
    /// z402 per payment, by batch: any seller and token; one seller, token and event.
    const Z402: [(usize, &'static str, &'static str); 4] = [
        (1, "119,324", "95,958"),
        (10, "42,717", "17,988"),
        (100, "35,251", "10,361"),
        (250, "35,072", "10,134"),
    ];
    /// z402 per payment at its best of those two, rounded to a whole number.
    const Z402_BEST: &'static str = "10,134";
    /// What z402 takes a payment by x402 to be: an ERC-20 `transfer`.
    const X402_TRANSFER: &'static str = "56,412";
}

/// Payments that one lock carries between two settlements.
const PAYMENTS: [u64; 5] = [1, 10, 100, 250, 1_000];

/// `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % 3 == first {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share, rounded up: nothing is cheaper here than it is.
fn each(gas: u64, among: usize) -> u64 {
    gas.div_ceil(u64::try_from(among).unwrap_or(u64::MAX))
}

fn share(gas: u64, among: usize) -> String {
    grouped(each(gas, among))
}

fn many(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What was aimed at, and what came of it.
fn aims(ours: &Escrow) -> String {
    let one = ours.settle.first().map(|(_, gas, _)| gas.div_ceil(1_000));
    let most = ours.settle.last().map(|(count, gas, _)| each(*gas, *count));
    let opened = ours.authorize_rows.last();
    let opened = opened.map(|(count, gas)| each(*gas, *count));
    let rows = [
        ("1,000 payments under one lock, each", 60, one),
        ("250 locks in one batch, each", 12_000, most),
        ("a lock for one of 20 sellers", 30_000, opened),
    ];
    let rows = rows.into_iter().filter_map(|(aim, bound, gas)| {
        let gas = gas?;
        let verdict = if gas <= bound { "met" } else { "missed" };
        let (bound, gas) = (grouped(bound), grouped(gas));
        Some(format!("| {aim}: at most {bound} | {gas} | {verdict} |"))
    });
    let head = ["| aim | measured | |", "|---|---:|---|"].map(str::to_owned);
    head.into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

/// What the escrow's calls cost.
pub(crate) fn calls(ours: &Escrow) -> String {
    let mut lines = vec!["| call | gas |".to_owned(), "|---|---:|".to_owned()];
    let mut row = |call: &str, gas: String| lines.push(format!("| {call} | {gas} |"));
    let both = |[first, again]: [u64; 2]| format!("{} / {}", grouped(first), grouped(again));
    row(
        "`open3009`, new lock (one signature deposits and locks) / top-up",
        both(ours.open),
    );
    row("`deposit`, first / again", both(ours.deposit));
    row(
        "`authorize` from the vault, new lock / top-up",
        both(ours.authorize),
    );
    let opened = ours.authorize_many.iter().zip(&ours.authorize_rows);
    for ((count, many), (_, rows)) in opened {
        row(
            &format!("`authorizeMany` / `authorizeRows`, each of {count} new locks"),
            format!("{} / {}", share(*many, *count), share(*rows, *count)),
        );
    }
    for (count, first, again) in &ours.settle {
        row(
            &format!("`settleBatch`, payout included, per lock of {count} / all of it skipped"),
            format!("{} / {}", share(*first, *count), share(*again, *count)),
        );
    }
    row(
        "`release` / `releaseByPayee` / `releaseBySig`",
        format!(
            "{} / {} / {}",
            grouped(ours.release),
            grouped(ours.release_by_payee),
            grouped(ours.release_by_sig)
        ),
    );
    row("`withdraw`", grouped(ours.withdraw));
    lines.join("\n")
}

/// The escrow's calls, and the same work done by others.
pub(crate) fn all(ours: &Escrow, others: &Others) -> String {
    [
        calls(ours),
        "\nThe same work, per lock or channel. *z402* is what its documents publish, per payment.\n"
            .to_owned(),
        beside(ours, others),
        format!(
            "\nOpening one: ours {} (top-up {}), `batch-settlement` {} (top-up {}). One payment by `exact`, which is a \
             transaction each: {}, or {} if it is the seller's first token; z402's figure for x402: {}.\n\n\
             Gas per payment, for so many payments between two settlements:\n",
            grouped(ours.open[0]),
            grouped(ours.open[1]),
            grouped(others.deposit[0]),
            grouped(others.deposit[1]),
            grouped(others.exact[0]),
            grouped(others.exact[1]),
            Published::X402_TRANSFER,
        ),
        per_payment(ours, others),
        String::new(),
        aims(ours),
    ]
    .join("\n")
}

fn beside(ours: &Escrow, others: &Others) -> String {
    let mut lines = vec![
        "| together | ours | `batch-settlement`: claim + payout | z402: any seller | z402: one seller |".to_owned(),
        "|---:|---:|---:|---:|---:|".to_owned(),
    ];
    let rows = ours.settle.iter().zip(&others.settle).zip(Published::Z402);
    for (((count, settled, _), (_, claimed, paid)), (_, any, one)) in rows {
        let batch = claimed.saturating_add(*paid);
        lines.push(format!(
            "| {count} | {} | {} | {any} | {one} |",
            share(*settled, *count),
            share(batch, *count),
        ));
    }
    lines.join("\n")
}

fn per_payment(ours: &Escrow, others: &Others) -> String {
    let heads = PAYMENTS
        .map(|count| format!(" {} |", grouped(count)))
        .concat();
    let mut lines = vec![
        format!("| |{heads}"),
        format!("|---|{}", "---:|".repeat(PAYMENTS.len())),
    ];
    let mut row = |name: String, of: &dyn Fn(u64) -> String| {
        let cells = PAYMENTS.map(|payments| format!(" {} |", of(payments)));
        lines.push(format!("| {name} |{}", cells.concat()));
    };
    for (count, settled, _) in &ours.settle {
        let per_lock = each(*settled, *count);
        row(format!("ours, {}", many(*count, "lock")), &|payments| {
            grouped(per_lock.div_ceil(payments))
        });
    }
    for (count, claimed, paid) in &others.settle {
        let per_channel = each(claimed.saturating_add(*paid), *count);
        row(
            format!("`batch-settlement`, {}", many(*count, "channel")),
            &|payments| grouped(per_channel.div_ceil(payments)),
        );
    }
    row("`exact`".to_owned(), &|_| grouped(others.exact[0]));
    row("z402, published, batches of 250".to_owned(), &|_| {
        Published::Z402_BEST.to_owned()
    });
    lines.join("\n")
}
