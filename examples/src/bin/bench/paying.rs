//! Calls that are paid for against calls that are not, in rounds.
//!
//! Load, seller and chain share this process and all its cores, so the ratios say more than the
//! numbers: they compare calls of one round, made a moment apart.

use crate::buyer::{Buyer, Way};
use crate::load::Measured;
use crate::unpaid::IN_FLIGHT;
use crate::{Arguments, Result, counter, escrow, paid, serving};
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

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
    let mut rows = Vec::new();
    let mut world = Box::pin(serving::open()).await?;
    for round in 0..=arguments.rounds {
        eprintln!("agent, round {round} of {}", arguments.rounds);
        for in_flight in IN_FLIGHT {
            let found = Round {
                seller: "agent",
                address: world.address,
                arguments,
                in_flight,
                requests: &|| None,
            };
            let found = found.of(&serving::World::WAYS, &mut world.buyer).await?;
            // The first round only grows buffers and wakes the disk up.
            rows.extend(found.into_iter().filter(|_| round > 0));
        }
    }
    Box::pin(world.close()).await?;
    let mut counter = Box::pin(counter::open()).await?;
    let (mut checks, mut commits) = (Vec::new(), Vec::new());
    for round in 0..=arguments.rounds {
        eprintln!("every scheme, round {round} of {}", arguments.rounds);
        checks.push(paid::voucher_check()?);
        commits.push(counter.commit_time(round).await?);
        // What is known of a channel must be young.
        counter.look().await?;
        for in_flight in IN_FLIGHT {
            let desk = counter.desk();
            let found = Round {
                seller: "counter",
                address: counter.address,
                arguments,
                in_flight,
                requests: &|| Some(desk.requests()),
            };
            let found = found.of(&Way::ALL, &mut counter.buyer).await?;
            rows.extend(found.into_iter().filter(|_| round > 0));
        }
    }
    let payments = counter.buyer.payments;
    Box::pin(counter.close(payments)).await?;
    Ok(Paid {
        rounds: arguments.rounds,
        calls: medians(rows),
        voucher_check_nanos: median_nanos(checks)?,
        commit_nanos: median_nanos(commits)?,
        opening: Opening::measure()?,
    })
}

/// One seller, asked in every way one after the other.
struct Round<'a> {
    seller: &'static str,
    address: SocketAddr,
    arguments: &'a Arguments,
    in_flight: usize,
    /// What the seller counted so far, if it counts.
    requests: &'a (dyn Fn() -> Option<u64> + Send + Sync),
}

impl Round<'_> {
    async fn of(&self, ways: &[Way], buyer: &mut Buyer) -> Result<Vec<Row>> {
        let (mut rows, mut unpaid) = (Vec::new(), None);
        for &way in ways {
            let mut calls = self.arguments.calls_at(self.in_flight) / 2;
            if way == Way::Exact {
                calls = calls.min(TRANSFERS_MAX);
            }
            if way == Way::Credit {
                let first = vec![vec![buyer.head_start()?]];
                serving::answered(self.address, first, 1).await?;
            }
            let before = (self.requests)();
            let lines = buyer.calls(way, calls, self.in_flight)?;
            let measured = serving::answered(self.address, lines, self.in_flight).await?;
            let unpaid = unpaid.get_or_insert_with(|| measured.clone());
            let mut row = Row::of(self.seller, (way, self.in_flight), unpaid, measured)?;
            let came = (self.requests)().zip(before);
            row.requests_per_100 = came.and_then(|(after, before)| {
                let came = after.saturating_sub(before).saturating_mul(100);
                came.checked_div(calls.into())
            });
            rows.push(row);
        }
        Ok(rows)
    }
}

fn median_nanos(mut took: Vec<Duration>) -> Result<u64> {
    took.sort_unstable();
    let median = took.get(took.len() / 2).copied().unwrap_or_default();
    Ok(u64::try_from(median.as_nanos())?)
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
        let of_20 = of_20.map(|(_, all)| all.div_ceil(20));
        Ok(Self {
            by_signature: gas.open[0],
            from_vault: gas.authorize[0],
            each_of_20: of_20.ok_or("20 locks were not opened")?,
        })
    }
}
