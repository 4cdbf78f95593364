use crate::money::BaseUnits;
use serde::{Deserialize, Serialize};

/// Where the meter of a task stands: in the message of its status, whenever it asks for more money,
/// and at its end.
///
/// What is charged is `units` times `unit_amount`, and so was signed for before anything of it was
/// delivered. It is a seller's word: a buyer holds it against the card and against its own count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MeterNote {
    /// What is counted.
    pub unit: String,
    /// The price of one, in base units of the asset.
    pub unit_amount: BaseUnits,
    /// Units that are charged; at most `slice` of them are not delivered yet.
    pub units: u64,
    /// Units that are charged at once.
    pub slice: u64,
    /// What was charged for the task, in base units.
    pub charged_amount: BaseUnits,
}
