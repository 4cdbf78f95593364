//! Free calls against a bare echo: each server a process on one core, the load on the other.

mod child;
mod echo;
mod served;
mod streams;

pub(crate) use served::{Served, run as serve};

use crate::load::{self, Measured, post};
use crate::{Arguments, Result};
use child::Server;
use serde::Serialize;

/// How many are in flight, each on a connection of its own.
pub(crate) const IN_FLIGHT: [usize; 2] = [1, IN_FLIGHT_MOST];
pub(crate) const IN_FLIGHT_MOST: usize = 32;

/// What was found, the median round of each measurement.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Unpaid {
    /// Whether server and load had a core each.
    pub(crate) pinned: bool,
    pub(crate) calls: Vec<Calls>,
    pub(crate) streams: Vec<Streams>,
}

/// `SendMessage`, answered with the task at its end.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Calls {
    pub(crate) server: &'static str,
    pub(crate) in_flight: usize,
    #[serde(flatten)]
    pub(crate) measured: Measured,
    /// Calls a second, as a share of the echo's in the same round.
    pub(crate) percent_of_echo: Option<u64>,
    /// The same of axum's own JSON.
    pub(crate) percent_of_axum: Option<u64>,
    /// Processor time that the server spent on a call.
    pub(crate) server_nanos_per_call: Option<u64>,
    /// Of the server, after the round.
    pub(crate) resident_kib: Option<u64>,
}

/// Streams, and what tasks hold.
#[derive(Debug, Serialize)]
pub(crate) struct Streams {
    pub(crate) server: &'static str,
    pub(crate) first_event: Measured,
    pub(crate) readers: u32,
    pub(crate) events_per_second: u64,
    pub(crate) open_tasks: u32,
    pub(crate) bytes_per_open_task: Option<u64>,
}

/// Measures all of it.
pub(crate) fn measure(arguments: &Arguments) -> Result<Unpaid> {
    let pinned = child::pin_the_load();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let measured = runtime.block_on(measured(arguments, pinned));
    if pinned {
        child::unpin_the_load();
    }
    measured
}

async fn measured(arguments: &Arguments, pinned: bool) -> Result<Unpaid> {
    let servers = Served::ALL.map(|served| Server::start(served, pinned));
    let mut servers: Vec<Server> = servers.into_iter().collect::<Result<_>>()?;
    let mut rounds: Vec<Calls> = Vec::new();
    for round in 0..=arguments.rounds {
        eprintln!("unpaid, round {round} of {}", arguments.rounds);
        for in_flight in IN_FLIGHT {
            let calls = arguments.calls_at(in_flight);
            let (mut echo, mut axum) = (None, None);
            for server in &servers {
                let found = one_round(server, calls, in_flight, (echo, axum))?;
                echo = echo.or(Some(found.measured.calls_per_second));
                if server.served == Served::Axum {
                    axum = Some(found.measured.calls_per_second);
                }
                // The first round only grows buffers and wakes the disk up.
                if round > 0 {
                    rounds.push(found);
                }
            }
        }
    }
    let mut streams = Vec::new();
    for server in servers.iter_mut().filter(|s| s.served.is_agent()) {
        eprintln!("streams and open tasks, {}", server.served.name());
        streams.push(streams_of(server, arguments).await?);
    }
    Ok(Unpaid {
        pinned,
        calls: medians(&rounds),
        streams,
    })
}

fn one_round(
    server: &Server,
    calls: u32,
    in_flight: usize,
    (echo, axum): (Option<u64>, Option<u64>),
) -> Result<Calls> {
    let requests = (0..calls).map(|n| message_call("SendMessage", "free", "hello", n, false));
    let requests: Vec<_> = requests.collect();
    let before = server.processor_time();
    let measured = load::run(server.address, &requests, in_flight, "TASK_STATE_COMPLETED")?;
    let spent = server.processor_time().zip(before);
    let spent = spent.map(|(after, before)| after.saturating_sub(before) / calls.max(1));
    Ok(Calls {
        server: server.served.name(),
        in_flight,
        percent_of_echo: share(&measured, echo),
        percent_of_axum: share(&measured, axum),
        measured,
        server_nanos_per_call: spent.and_then(|spent| u64::try_from(spent.as_nanos()).ok()),
        resident_kib: server.resident_bytes().map(|bytes| bytes / 1_024),
    })
}

fn share(measured: &Measured, of: Option<u64>) -> Option<u64> {
    let percent = measured.calls_per_second.saturating_mul(100);
    percent.checked_div(of?)
}

/// Of each kind the round with the median share of the echo, or for the echo the median rate.
fn medians(rounds: &[Calls]) -> Vec<Calls> {
    let mut medians = Vec::new();
    for in_flight in IN_FLIGHT {
        for served in Served::ALL {
            let of_kind = |c: &&Calls| c.in_flight == in_flight && c.server == served.name();
            let mut found: Vec<&Calls> = rounds.iter().filter(of_kind).collect();
            found.sort_by_key(|c| (c.percent_of_echo, c.measured.calls_per_second));
            medians.extend(found.get(found.len() / 2).copied().cloned());
        }
    }
    medians
}

async fn streams_of(server: &mut Server, arguments: &Arguments) -> Result<Streams> {
    let first_event = streams::first_event(server, arguments.calls / 20).await?;
    let (readers, steps) = (arguments.readers, 50);
    let events_per_second = streams::fan_out(server, readers, steps).await?;
    // The first tasks grow buffers that all later ones share.
    open_tasks(server, 64)?;
    let before = server.resident_bytes();
    open_tasks(server, arguments.tasks)?;
    let grown = server.resident_bytes().zip(before);
    let grown = grown.map(|(after, before)| after.saturating_sub(before));
    Ok(Streams {
        server: server.served.name(),
        first_event,
        readers,
        events_per_second,
        open_tasks: arguments.tasks,
        bytes_per_open_task: grown.and_then(|b| b.checked_div(u64::from(arguments.tasks))),
    })
}

fn open_tasks(server: &Server, tasks: u32) -> Result<()> {
    let requests = (0..tasks).map(|n| message_call("SendMessage", "wait", "hello", n, true));
    let requests: Vec<_> = requests.collect();
    load::run(server.address, &requests, 32, "TASK_STATE_WORKING")?;
    Ok(())
}

/// A JSON-RPC call that sends one message to a skill.
fn message_call(method: &str, skill: &str, text: &str, number: u32, at_once: bool) -> Vec<u8> {
    let configuration = if at_once {
        r#","configuration":{"returnImmediately":true}"#
    } else {
        ""
    };
    let json = format!(
        r#"{{"jsonrpc":"2.0","id":{number},"method":"{method}","params":{{"message":{{"messageId":"m-{number}","role":"ROLE_USER","parts":[{{"data":{{"text":"{text}"}}}}],"metadata":{{"urn:z402:a2a:v1/skill":"{skill}"}}}}{configuration}}}}}"#
    );
    post("/a2a", &json)
}
