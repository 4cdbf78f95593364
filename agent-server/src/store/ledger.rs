//! The two ports, each method one transaction.

use super::channels::{self, ClaimOrder};
use super::payments::{Held, PaymentRow};
use super::reserve::{self, Decision};
use super::tasks::{StoreError, StoredTask, TaskStore};
use super::{
    Failed, SqliteStore, ledger_failed, limits, metering, observe, recovery, resolve, settlements,
    task_rows,
};
use agent_core::channel::{Channel, LockState};
use agent_core::json::Json;
use agent_core::ledger::{
    Books, BoxFuture, Claim, Extend, ExtendRequest, Holding, Ledger, LedgerError, PaymentId,
    Reserve, ReserveRequest, Reserved, Standing, TaskWrite, Unparked, Unresolved, Unsettled,
};
use agent_core::money::BaseUnits;
use agent_core::voucher::{ChannelId, Funding};
use alloy_primitives::B256;
use std::sync::Arc;

impl Ledger for SqliteStore {
    fn reserve(&self, request: ReserveRequest) -> BoxFuture<'_, Result<Reserve, LedgerError>> {
        Box::pin(async move {
            let request = Arc::new(request);
            let (job, shared) = (Arc::clone(&request), Arc::clone(&self.shared));
            let decision = self
                .write(move |tx, memory| reserve::reserve(tx, memory, &shared, &job))
                .await
                .map_err(ledger_failed)??;
            Ok(match decision {
                Decision::Held(held, funding) => Reserve::New(attest(
                    held,
                    request.payment_id.clone(),
                    request.task_id.clone(),
                    funding,
                )),
                Decision::Same { task_id } => Reserve::Same { task_id },
                Decision::Busy { task_id } => Reserve::Busy { task_id },
                Decision::Refused {
                    why,
                    channel,
                    voucher,
                } => Reserve::Refused {
                    why,
                    channel,
                    voucher,
                },
            })
        })
    }

    fn extend<'a>(
        &'a self,
        reserved: &'a mut Reserved,
        request: ExtendRequest,
    ) -> BoxFuture<'a, Result<Extend, LedgerError>> {
        Box::pin(async move {
            let (id, shared) = (reserved.payment_id().clone(), Arc::clone(&self.shared));
            let request = Arc::new(request);
            let grown = self
                .write(move |tx, memory| metering::extend(tx, memory, &shared, &id, &request))
                .await
                .map_err(ledger_failed)??;
            Ok(match grown {
                metering::Grown::Held(held) => {
                    again(reserved, held);
                    Extend::Held
                }
                metering::Grown::Same(held) => {
                    again(reserved, held);
                    Extend::Same
                }
                metering::Grown::Refused(why, channel) => Extend::Refused { why, channel },
            })
        })
    }

    fn slice<'a>(
        &'a self,
        reserved: &'a mut Reserved,
        total: BaseUnits,
    ) -> BoxFuture<'a, Result<(), LedgerError>> {
        Box::pin(async move {
            let (id, shared) = (reserved.payment_id().clone(), Arc::clone(&self.shared));
            let held = self
                .write(move |tx, memory| metering::slice(tx, memory, &shared, &id, total))
                .await
                .map_err(ledger_failed)??;
            again(reserved, held);
            Ok(())
        })
    }

    fn settling<'a>(
        &'a self,
        reserved: &'a Reserved,
        outcome: Json,
    ) -> BoxFuture<'a, Result<Json, LedgerError>> {
        Box::pin(async move {
            let id = reserved.payment_id().clone();
            let request = self
                .write(move |tx, _| settlements::begin(tx, &id, &outcome))
                .await
                .map_err(ledger_failed)?;
            request.ok_or_else(|| LedgerError::NotHeld(reserved.payment_id().clone()))
        })
    }

    fn unsettled(&self) -> BoxFuture<'_, Result<Vec<Unsettled>, LedgerError>> {
        Box::pin(async move {
            let found = self
                .read(recovery::unsettled)
                .await
                .map_err(ledger_failed)?;
            let found = found.into_iter().take(limits::UNSETTLED_READ_MAX);
            Ok(found
                .map(|(payment, request, outcome)| Unsettled {
                    reserved: taken_up(payment, None),
                    request,
                    outcome,
                })
                .collect())
        })
    }

    fn post(
        &self,
        reserved: Reserved,
        actual: BaseUnits,
        task: TaskWrite,
    ) -> BoxFuture<'_, Result<(), Unresolved>> {
        Box::pin(async move {
            let (id, task) = (reserved.payment_id().clone(), Arc::new(task));
            let (shared, write) = (Arc::clone(&self.shared), Arc::clone(&task));
            let job = self
                .write(move |tx, memory| resolve::post(tx, memory, &shared, &id, actual, &write));
            self.told(&task, resolved(reserved, job.await))
        })
    }

    fn void(&self, reserved: Reserved, task: TaskWrite) -> BoxFuture<'_, Result<(), Unresolved>> {
        Box::pin(async move {
            let (id, task) = (reserved.payment_id().clone(), Arc::new(task));
            let (shared, write) = (Arc::clone(&self.shared), Arc::clone(&task));
            let job = self.write(move |tx, memory| resolve::void(tx, memory, &shared, &id, &write));
            self.told(&task, resolved(reserved, job.await))
        })
    }

    fn park(&self, reserved: Reserved, task: TaskWrite) -> BoxFuture<'_, Result<(), Unresolved>> {
        Box::pin(async move {
            let (id, task) = (reserved.payment_id().clone(), Arc::new(task));
            let write = Arc::clone(&task);
            let job = self.write(move |tx, memory| resolve::park(tx, memory, &id, &write));
            self.told(&task, resolved(reserved, job.await))
        })
    }

    fn unpark(
        &self,
        task_id: String,
        now_unix_millis: u64,
    ) -> BoxFuture<'_, Result<Unparked, LedgerError>> {
        Box::pin(async move {
            let shared = Arc::clone(&self.shared);
            let taken = self
                .write(move |tx, memory| {
                    resolve::unpark(tx, memory, &shared, &task_id, now_unix_millis)
                })
                .await
                .map_err(ledger_failed)?;
            Ok(match taken {
                Some((payment, funding, true)) => Unparked::Held(taken_up(payment, funding)),
                Some((payment, funding, false)) => Unparked::Expired(taken_up(payment, funding)),
                None => Unparked::NotParked,
            })
        })
    }

    fn known(
        &self,
        id: PaymentId,
        request_hash: B256,
    ) -> BoxFuture<'_, Result<Option<Reserve>, LedgerError>> {
        Box::pin(async move {
            let found = self
                .read(move |conn, _| reserve::known(conn, &id, request_hash, None))
                .await
                .map_err(ledger_failed)?;
            Ok(found.and_then(|decision| match decision {
                Decision::Same { task_id } => Some(Reserve::Same { task_id }),
                Decision::Busy { task_id } => Some(Reserve::Busy { task_id }),
                Decision::Refused {
                    why,
                    channel,
                    voucher,
                } => Some(Reserve::Refused {
                    why,
                    channel,
                    voucher,
                }),
                Decision::Held(..) => None,
            }))
        })
    }

    fn standing(&self, id: ChannelId) -> BoxFuture<'_, Result<Option<Standing>, LedgerError>> {
        Box::pin(async move {
            let row = self
                .read(move |conn, memory| channels::load(conn, memory, id))
                .await
                .map_err(ledger_failed)?;
            Ok(row.map(|row| Standing {
                funding: row.funding,
                channel: row.channel,
                voucher: row.newest(),
            }))
        })
    }

    fn observe(
        &self,
        funding: Funding,
        state: LockState,
    ) -> BoxFuture<'_, Result<Channel, LedgerError>> {
        Box::pin(async move {
            let shared = Arc::clone(&self.shared);
            self.write(move |tx, memory| observe::observe(tx, memory, &shared, funding, state))
                .await
                .map_err(ledger_failed)?
        })
    }

    fn claims(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Claim>, LedgerError>> {
        Box::pin(async move {
            let limit = limit.min(limits::CLAIMS_READ_MAX);
            self.read(move |conn, _| channels::claims(conn, ClaimOrder::Oldest, limit))
                .await
                .map_err(ledger_failed)
        })
    }

    fn books(&self) -> BoxFuture<'_, Result<Books, LedgerError>> {
        Box::pin(async move { self.read(channels::books).await.map_err(ledger_failed) })
    }
}

impl TaskStore for SqliteStore {
    fn put(&self, write: TaskWrite) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let write = Arc::new(write);
            let job = Arc::clone(&write);
            let done = self.write(move |tx, _| task_rows::put(tx, &job)).await;
            self.told(&write, done.map_err(tasks_failed)?)
        })
    }

    fn get(&self, id: String) -> BoxFuture<'_, Result<Option<StoredTask>, StoreError>> {
        Box::pin(async move {
            self.read(move |conn, _| task_rows::get(conn, &id))
                .await
                .map_err(tasks_failed)
        })
    }

    fn events_after(
        &self,
        id: String,
        seq: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(u64, Json)>, StoreError>> {
        Box::pin(async move {
            self.read(move |conn, _| task_rows::events_after(conn, &id, seq, limit))
                .await
                .map_err(tasks_failed)
        })
    }
}

impl SqliteStore {
    /// Tells those who send notifications of events that were committed.
    fn told<T, E>(&self, write: &TaskWrite, done: Result<T, E>) -> Result<T, E> {
        if done.is_ok() && !write.events.is_empty() {
            self.shared.wakeups.tell(&write.id);
        }
        done
    }
}

/// Called with an answer of the writer in hand, and the writer answers after the commit.
#[expect(
    clippy::disallowed_methods,
    reason = "this is a store, and the transaction is committed when this is called"
)]
fn attest(held: Held, id: PaymentId, task_id: String, funding: Option<Funding>) -> Reserved {
    Reserved::attest_committed(held.holding(id, task_id, funding))
}

/// As [`attest`], for a payment that was held all along.
#[expect(
    clippy::disallowed_methods,
    reason = "this is a store, and the transaction is committed when this is called"
)]
fn taken_up(payment: PaymentRow, funding: Option<Funding>) -> Reserved {
    Reserved::attest_committed(payment.holding(funding))
}

/// As [`attest`], for a reservation that holds another amount now.
#[expect(
    clippy::disallowed_methods,
    reason = "this is a store, and the transaction is committed when this is called"
)]
fn again(reserved: &mut Reserved, held: Held) {
    *reserved = Reserved::attest_committed(Holding {
        payment_id: reserved.payment_id().clone(),
        source: reserved.source(),
        payer: reserved.payer(),
        amount: held.reserved,
        charged: held.charged,
        has_slack: held.has_slack,
        task_id: reserved.task_id().to_owned(),
    });
}

/// Gives the reservation back when it was not resolved.
#[expect(
    clippy::result_large_err,
    reason = "the port hands the reservation back by value"
)]
fn resolved(
    reserved: Reserved,
    answer: Result<Result<(), LedgerError>, Failed>,
) -> Result<(), Unresolved> {
    answer
        .map_err(ledger_failed)
        .and_then(|said| said)
        .map_err(|error| Unresolved { reserved, error })
}

fn tasks_failed(failed: Failed) -> StoreError {
    StoreError::Failed(format!("{}: {failed}", failed.code()))
}
