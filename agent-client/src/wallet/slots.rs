//! At most so many calls in flight to one payee; the rest wait in line.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use alloy_primitives::Address;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{error::WalletError, limits::IN_FLIGHT_MAX};

/// A place among the calls in flight to one payee; free again when dropped.
pub(super) type Slot = OwnedSemaphorePermit;

#[derive(Debug, Default)]
pub(super) struct Slots(Mutex<HashMap<Address, Line>>);

#[derive(Debug)]
struct Line {
    max: u32,
    places: Arc<Semaphore>,
}

impl Slots {
    /// Waits for a place, first come first served.
    pub(super) async fn take(
        &self,
        payee: Address,
        max_in_flight: u32,
        wait: Duration,
    ) -> Result<Slot, WalletError> {
        let max = max_in_flight.clamp(1, IN_FLIGHT_MAX);
        let places = self.line(payee, max);
        let waited_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        match tokio::time::timeout(wait, places.acquire_owned()).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) | Err(_) => Err(WalletError::Slots {
                max_in_flight: max,
                waited_ms,
            }),
        }
    }

    fn line(&self, payee: Address, max: u32) -> Arc<Semaphore> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = lines.entry(payee).or_insert_with(|| Line {
            max,
            places: Arc::new(Semaphore::new(size(max))),
        });
        if max > line.max {
            line.places.add_permits(size(max - line.max));
            line.max = max;
        } else if max < line.max {
            // Places that are taken come back; terms that shrink take hold as far as they can.
            let gone = line.places.forget_permits(size(line.max - max));
            line.max = line
                .max
                .saturating_sub(u32::try_from(gone).unwrap_or(u32::MAX));
        }
        Arc::clone(&line.places)
    }
}

fn size(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
