//! Calls that are paid for against calls that are not, in rounds.
//!
//! Load, seller and chain share this process and all its cores, so the ratios say more than the
//! numbers: they compare calls of one round, made a moment apart.

use crate::buyer::Way;
use crate::load::Measured;
use crate::unpaid::IN_FLIGHT;
use crate::{Arguments, Result, counter, escrow, paid, serving};
use serde::Serialize;
use std::collections::BTreeMap;

/// Calls by `exact` are transactions, of which fewer do.
const TRANSFERS_MAX: u32 = 96;

/// What it costs to be paid.
#[derive(Debug, Serialize)]
pub(crate) struct Paid {
    pub(crate) rounds: u32,
    pub(crate) calls: Vec<Row>,
    pub(crate) voucher_check_nanos: u64,
    pub(crate) commit_nanos: u64,
    /// Gas of the first lock by one signature, of one from a vault, and of each of 20 together.
    pub(crate) opening: Opening,
}

#[derive(Debug, Serialize)]
pub(crate) struct Opening {
    pub(crate) by_signature: u64,
    pub(crate) from_vault: u64,
    pub(crate) each_of_20: u64,
}

/// The round of one kind of call with the median share of unpaid.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    pub(crate) seller: &'static str,
    #[serde(skip)]
    pub(crate) way: Way,
    pub(crate) call: &'static str,
    pub(crate) in_flight: usize,
    #[serde(flatten)]
    pub(crate) measured: Measured,
    /// Calls a second, as a share of unpaid ones of the same round.
    pub(crate) percent_of_unpaid: u64,
    /// Latency on top of unpaid calls of the same round.
    pub(crate) added_p50_micros: i64,
    pub(crate) added_p99_micros: i64,
    /// Requests that the seller counted, for a hundred calls.
    pub(crate) requests_per_100: Option<u64>,
}

/// Measures all of it.
pub(crate) async fn measure(arguments: &Arguments) -> Result<Paid> {
    let voucher_check = paid::voucher_check()?;
    let mut rows = Vec::new();
    let mut world = Box::pin(serving::open()).await?;
    for round in 0..=arguments.rounds {
        eprintln!(
            "agent, paid and unpaid, round {round} of {}",
            arguments.rounds
        );
        for in_flight in IN_FLIGHT {
            let mut unpaid = None;
            for way in serving::World::WAYS {
                let calls = arguments.calls_at(in_flight) / 2;
                let lines = world.buyer.calls(way, calls, in_flight)?;
                let measured = serving::answered(world.address, lines, in_flight).await?;
                let unpaid = unpaid.get_or_insert_with(|| measured.clone());
                // The first round only grows buffers and wakes the disk up.
                if round > 0 {
                    rows.push(Row::of("agent", (way, in_flight), unpaid, measured)?);
                }
            }
        }
    }
    Box::pin(world.close()).await?;
    let mut counter = Box::pin(counter::open()).await?;
    let commit = counter.commit_time().await?;
    for round in 0..=arguments.rounds {
        eprintln!("every scheme, round {round} of {}", arguments.rounds);
        for in_flight in IN_FLIGHT {
            rows.extend(one_round(&mut counter, arguments, in_flight, round > 0).await?);
        }
    }
    let payments = counter.buyer.payments;
    Box::pin(counter.close(payments)).await?;
    Ok(Paid {
        rounds: arguments.rounds,
        calls: medians(rows),
        voucher_check_nanos: u64::try_from(voucher_check.as_nanos())?,
        commit_nanos: u64::try_from(commit.as_nanos())?,
        opening: Opening::measure()?,
    })
}

async fn one_round(
    counter: &mut counter::Counter,
    arguments: &Arguments,
    in_flight: usize,
    kept: bool,
) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut unpaid = None;
    // What is known of a channel must be young.
    counter.look().await?;
    for way in Way::ALL {
        let mut calls = arguments.calls_at(in_flight) / 2;
        if way == Way::Exact {
            calls = calls.min(TRANSFERS_MAX);
        }
        if way == Way::Credit {
            let first = vec![vec![counter.buyer.head_start()?]];
            serving::answered(counter.address, first, 1).await?;
        }
        let before = counter.requests();
        let lines = counter.buyer.calls(way, calls, in_flight)?;
        let measured = serving::answered(counter.address, lines, in_flight).await?;
        let unpaid = unpaid.get_or_insert_with(|| measured.clone());
        if kept {
            let requests = counter
                .requests()
                .saturating_sub(before)
                .saturating_mul(100);
            let mut row = Row::of("counter", (way, in_flight), unpaid, measured)?;
            row.requests_per_100 = requests.checked_div(calls.into());
            rows.push(row);
        }
    }
    Ok(rows)
}

impl Row {
    fn of(
        seller: &'static str,
        (way, in_flight): (Way, usize),
        unpaid: &Measured,
        measured: Measured,
    ) -> Result<Self> {
        let added = |paid: u64, unpaid: u64| -> Result<i64> {
            Ok(i64::try_from(paid)?.saturating_sub(i64::try_from(unpaid)?))
        };
        let percent = measured.calls_per_second.saturating_mul(100);
        Ok(Self {
            seller,
            way,
            call: way.name(),
            in_flight,
            percent_of_unpaid: percent.checked_div(unpaid.calls_per_second).unwrap_or(0),
            added_p50_micros: added(measured.p50_micros, unpaid.p50_micros)?,
            added_p99_micros: added(measured.p99_micros, unpaid.p99_micros)?,
            measured,
            requests_per_100: None,
        })
    }
}

/// Of each kind the round with the median share; of unpaid calls, the one with the median rate.
fn medians(rows: Vec<Row>) -> Vec<Row> {
    let mut kinds: BTreeMap<_, Vec<Row>> = BTreeMap::new();
    for row in rows {
        let kind = (row.seller, row.in_flight, row.way);
        kinds.entry(kind).or_default().push(row);
    }
    let median = |mut rounds: Vec<Row>| {
        rounds.sort_by_key(|row| (row.percent_of_unpaid, row.measured.calls_per_second));
        rounds.get(rounds.len() / 2).cloned()
    };
    kinds.into_values().filter_map(median).collect()
}

impl Paid {
    /// A kind of call.
    pub(crate) fn one(&self, seller: &str, way: Way, in_flight: usize) -> Option<&Row> {
        let mut rows = self.calls.iter();
        rows.find(|row| row.seller == seller && row.way == way && row.in_flight == in_flight)
    }
}

impl Opening {
    /// As `gas_table` measures it.
    fn measure() -> Result<Self> {
        let gas = escrow::measure()?;
        let of_20 = gas.authorize_rows.iter().find(|(count, _)| *count == 20);
        Ok(Self {
            by_signature: gas.open[0],
            from_vault: gas.authorize[0],
            each_of_20: of_20.ok_or("20 locks were not opened")?.1,
        })
    }
}
