//! All that was measured.

use crate::paying::Paid;
use crate::unpaid::Unpaid;
use serde::Serialize;

/// A part that was not asked for is absent.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) unpaid: Option<Unpaid>,
    pub(crate) paid: Option<Paid>,
}
