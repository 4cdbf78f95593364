//! Work that is paid for while it goes on: what is held for it, charged of it, and added to it.

use super::engine::Engine;
use super::host::Host;
use crate::limits::TOP_UP_WAIT;
use agent_core::a2a::TaskState;
use agent_core::json::Metadata;
use agent_core::ledger::Reserved;
use agent_core::money::BaseUnits;
use agent_core::skill::{Meter, Rate, Stop};
use agent_core::x402::{MeterNote, keys};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{Mutex, MutexGuard, watch};

/// How a task is metered; kept with a parked one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Metered {
    pub(crate) rate: Rate,
    /// What is asked for when nothing is left: what was asked for at the start.
    pub(crate) step: BaseUnits,
    /// Whether more can be paid: over plain HTTP nobody can be asked.
    pub(crate) tops_up: bool,
}

impl Metered {
    /// The meter of a run that draws on this.
    pub(super) fn meter(&self, reserved: &Reserved) -> Meter {
        Meter::new(self.rate.clone(), reserved.charged(), total(reserved))
    }

    /// Where the meter stands once so much is charged.
    pub(super) fn note(&self, charged: BaseUnits) -> MeterNote {
        MeterNote {
            unit: self.rate.unit.clone(),
            unit_amount: self.rate.each,
            units: self.rate.units_in(charged),
            slice: self.rate.slice,
            charged_amount: charged,
        }
    }
}

/// All that may be charged for a task, with what was charged.
pub(super) fn total(reserved: &Reserved) -> BaseUnits {
    // The ledger holds both in one sum.
    let total = reserved.charged().plus(reserved.amount());
    total.unwrap_or_else(|_| reserved.charged())
}

/// The money of a running task.
///
/// Whoever changes it holds the lock until the ledger has answered, and is not dropped on the way:
/// a receipt must never say less than what is charged.
#[derive(Debug)]
pub(crate) struct Purse {
    held: Mutex<Option<Reserved>>,
    grown: watch::Sender<()>,
    /// Whether the run waits for more.
    paused: AtomicBool,
}

impl Default for Purse {
    fn default() -> Self {
        Self {
            held: Mutex::default(),
            grown: watch::Sender::new(()),
            paused: AtomicBool::new(false),
        }
    }
}

impl Purse {
    pub(super) async fn put(&self, reserved: Option<Reserved>) {
        *self.held.lock().await = reserved;
    }

    /// Takes the money out at the end of the run; nothing is charged or added after that.
    pub(super) async fn take(&self) -> Option<Reserved> {
        self.held.lock().await.take()
    }

    /// The reservation, for somebody who adds to it.
    pub(crate) async fn lock(&self) -> MutexGuard<'_, Option<Reserved>> {
        self.held.lock().await
    }

    /// Says that more is held. Whoever calls this holds the lock.
    pub(crate) fn grew(&self) {
        self.paused.store(false, Ordering::Release);
        self.grown.send_replace(());
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Acquire)
    }

    /// What may be charged in all, if that is more than `known`; if not, the run pauses if it is to.
    async fn more_than(&self, known: BaseUnits, pause: bool) -> Option<BaseUnits> {
        let held = self.held.lock().await;
        let more = held.as_ref().map(total).filter(|total| *total > known);
        if more.is_none() && pause {
            self.paused.store(true, Ordering::Release);
        }
        more
    }

    async fn slice(&self, engine: &Engine, to: BaseUnits) -> Result<(), Stop> {
        let mut held = self.held.lock().await;
        let (Some(reserved), Some(gate)) = (held.as_mut(), &engine.gate) else {
            return Err(Stop::Canceled);
        };
        let sliced = gate.ledger().slice(reserved, to).await;
        sliced.map_err(|error| {
            tracing::error!(task = reserved.task_id(), %error, "a slice is not charged");
            Stop::failed("the agent's books failed")
        })
    }
}

impl Host {
    /// Charges what is to be delivered next. It goes on when the run is cancelled meanwhile.
    pub(super) async fn charge_slice(&self, to: BaseUnits) -> Result<(), Stop> {
        if self.live.is_canceled() {
            return Err(Stop::Canceled);
        }
        let (engine, live) = (Arc::clone(&self.engine), Arc::clone(&self.live));
        let sliced = tokio::spawn(async move { live.purse.slice(&engine, to).await }).await;
        sliced.unwrap_or_else(|_| Err(Stop::failed("the agent's books failed")))
    }

    /// Asks for more and waits for it.
    pub(super) async fn wait_for_more(&self, held: BaseUnits) -> Result<BaseUnits, Stop> {
        let (Some(metered), Some(gate)) = (&self.live.metered, &self.engine.gate) else {
            return Err(Stop::failed("the price of this task is not per unit"));
        };
        if !metered.tops_up {
            return Err(Stop::failed("the work would cost more than was authorised"));
        }
        let purse = &self.live.purse;
        let mut grown = purse.grown.subscribe();
        if let Some(more) = purse.more_than(held, false).await {
            return Ok(more);
        }
        let charged = purse.lock().await.as_ref().map(Reserved::charged);
        let asked = gate.ask_for(&self.live.skill, metered.step, None);
        let asked = asked.and_then(|mut metadata| {
            metadata.set(keys::METERED, &metered.note(charged.unwrap_or_default()))?;
            Ok(metadata)
        });
        let asked = asked.map_err(|_| Stop::failed("a price cannot be written as JSON"))?;
        let text = format!(
            "Payment for more is required: {}",
            gate.terms().asset.show(metered.step)
        );
        if !self.live.is_public() {
            let announced = self.engine.announce(&self.live).await;
            announced.map_err(|_| Stop::failed("the agent's store failed"))?;
        }
        self.say(TaskState::InputRequired, (text, asked)).await?;
        let paid = async {
            loop {
                if let Some(more) = purse.more_than(held, true).await {
                    return more;
                }
                self.live.wake();
                // The sender lives as long as the task.
                let _ = grown.changed().await;
            }
        };
        let more = match tokio::time::timeout(TOP_UP_WAIT, paid).await {
            Ok(more) => more,
            Err(_elapsed) => {
                purse.paused.store(false, Ordering::Release);
                return Err(Stop::failed("the caller did not pay for more in time"));
            }
        };
        let said = ("paid for more; going on".to_owned(), Metadata::new());
        self.say(TaskState::Working, said).await?;
        Ok(more)
    }
}
