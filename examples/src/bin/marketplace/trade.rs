//! The trade itself: paid calls, many at once, each answer checked; then unpaid ones to compare.

use crate::world::World;
use crate::{Arguments, Result};
use agent_client::buyer::{Answer, Paid, Seller};
use agent_examples::{
    ALICE, Digest, Digested, Keywords, KeywordsFound, Readability, ReadabilityFound, TextIn,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// What came of the calls.
pub(crate) struct Trade {
    pub(crate) paid_calls: u64,
    pub(crate) paid_latency: Vec<Duration>,
    pub(crate) unpaid_latency: Vec<Duration>,
    /// The most calls that waited for their answers on one lock at once.
    pub(crate) in_flight_max: u32,
    /// One payment to each seller, to rate it by: swift, fine, desk.
    pub(crate) samples: Vec<Paid>,
    /// How long the paid calls took together.
    pub(crate) took: Duration,
}

/// What one call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Keywords,
    SecondOpinion,
    Digest,
}

/// The text in pieces worth a question each: its paragraphs.
pub(crate) fn pieces(file: Option<&Path>) -> Result<Vec<String>> {
    let text = match file {
        Some(path) => {
            std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?
        }
        None => ALICE.to_owned(),
    };
    let telling = |piece: &&str| !Keywords::find(piece).keywords.is_empty();
    let pieces: Vec<String> = text
        .split("\n\n")
        .map(str::trim)
        .filter(telling)
        .map(str::to_owned)
        .collect();
    if pieces.is_empty() {
        Err("the text has no words to work on".into())
    } else {
        Ok(pieces)
    }
}

/// Makes the calls.
pub(crate) async fn run(world: &World, pieces: &[String], arguments: &Arguments) -> Result<Trade> {
    let started = Instant::now();
    let progress = AtomicU32::new(0);
    let gauge = Gauge::default();
    // One call to each seller opens the locks, so that what follows measures calls and not blocks.
    let mut samples = Vec::new();
    for kind in [Kind::Keywords, Kind::SecondOpinion, Kind::Digest] {
        samples.push(call(world, kind, piece(pieces, 0)).await?);
    }
    let first = u32::try_from(samples.len())?;
    progress.fetch_add(first, Ordering::Relaxed);
    let calls = stream::iter(first..arguments.calls).map(|number| {
        let (progress, gauge) = (&progress, &gauge);
        async move {
            let kind = kind(number);
            let asked = Instant::now();
            let _waiting = (kind == Kind::Keywords).then(|| gauge.enter());
            call(world, kind, piece(pieces, number)).await?;
            progress.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>((kind, asked.elapsed()))
        }
    });
    let in_flight = usize::try_from(arguments.in_flight)?;
    let calls = calls.buffer_unordered(in_flight).try_collect::<Vec<_>>();
    let timed = show_progress(&progress, arguments.calls, calls).await?;
    let paid_latency = timed
        .into_iter()
        .filter(|(kind, _)| *kind == Kind::Keywords)
        .map(|(_, latency)| latency)
        .collect();
    let took = started.elapsed();
    let unpaid_latency = unpaid(world, pieces, arguments.calls / 2, in_flight).await?;
    let paid_calls = u64::from(progress.into_inner());
    let in_flight_max = gauge.max.into_inner();
    Ok(Trade {
        paid_calls,
        paid_latency,
        unpaid_latency,
        in_flight_max,
        samples,
        took,
    })
}

/// Counts how many are inside at once.
#[derive(Default)]
struct Gauge {
    now: AtomicU32,
    max: AtomicU32,
}

struct Inside<'a>(&'a Gauge);

impl Gauge {
    fn enter(&self) -> Inside<'_> {
        let now = self.now.fetch_add(1, Ordering::AcqRel).saturating_add(1);
        self.max.fetch_max(now, Ordering::AcqRel);
        Inside(self)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Every tenth call wants a digest, every fiftieth a second opinion.
const fn kind(number: u32) -> Kind {
    match number {
        n if n % 10 == 9 => Kind::Digest,
        n if n % 50 == 25 => Kind::SecondOpinion,
        _ => Kind::Keywords,
    }
}

fn piece(pieces: &[String], number: u32) -> TextIn {
    let index = usize::try_from(number)
        .unwrap_or(0)
        .checked_rem(pieces.len())
        .unwrap_or(0);
    TextIn {
        text: pieces.get(index).cloned().unwrap_or_default(),
    }
}

/// One paid call. The answer is held against what this program computes itself.
async fn call(world: &World, kind: Kind, input: TextIn) -> Result<Paid> {
    let expected = Keywords::find(&input.text);
    let (right, paid) = match kind {
        Kind::Keywords | Kind::SecondOpinion => {
            let seller: &Seller = if kind == Kind::Keywords {
                &world.keywords
            } else {
                &world.rival
            };
            let answer: Answer<KeywordsFound> =
                Box::pin(seller.ask_in_full(Keywords::ID, &input)).await?;
            (answer.output == expected, answer.paid)
        }
        Kind::Digest => {
            let answer: Answer<Digested> =
                Box::pin(world.digest.ask_in_full(Digest::ID, &input)).await?;
            (
                Digest::of(&input.text, expected.keywords) == Some(answer.output),
                answer.paid,
            )
        }
    };
    let paid = paid.ok_or("a priced skill answered without payment")?;
    if right {
        Ok(paid)
    } else {
        Err("an answer is wrong".into())
    }
}

/// Calls of a free skill on the same agent, as many at once.
async fn unpaid(
    world: &World,
    pieces: &[String],
    calls: u32,
    in_flight: usize,
) -> Result<Vec<Duration>> {
    let calls = stream::iter(0..calls).map(|number| async move {
        let input = piece(pieces, number);
        let expected = Readability::measure(&input.text);
        let asked = Instant::now();
        let found: ReadabilityFound = Box::pin(world.keywords.ask(Readability::ID, &input)).await?;
        let latency = asked.elapsed();
        if Some(found) == expected {
            Ok(latency)
        } else {
            Err("an answer is wrong".into())
        }
    });
    calls.buffer_unordered(in_flight).try_collect().await
}

/// Shows how far the work is, on a terminal, while it goes on.
async fn show_progress<T>(done: &AtomicU32, all: u32, work: impl Future<Output = T>) -> T {
    if !std::io::stderr().is_terminal() {
        return work.await;
    }
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    tokio::pin!(work);
    loop {
        tokio::select! {
            result = &mut work => {
                eprintln!("\r{} of {all} paid calls", done.load(Ordering::Relaxed));
                return result;
            }
            _ = tick.tick() => {
                eprint!("\r{} of {all} paid calls", done.load(Ordering::Relaxed));
                let _ = std::io::stderr().flush();
            }
        }
    }
}
