//! The secret behind credit tokens, kept beside the books.

use agent_core::json::Json;
use agent_core::ledger::LedgerError;
use agent_core::x402::CreditKey;
use alloy_primitives::B256;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::store::SqliteStore;

/// The note under which the secret is kept.
const SECRET: &str = "gate.credit_secret";

/// The key of this agent's credit tokens: the one of its earlier runs, or a new one.
///
/// # Errors
/// [`LedgerError::Store`] when the store or the system's random numbers fail.
pub async fn credit_key(store: &SqliteStore) -> Result<CreditKey, LedgerError> {
    let failed = |why: String| LedgerError::Store(why);
    if let Some(note) = store.note(SECRET).await? {
        let secret: B256 = note.parse().map_err(|error| failed(error.to_string()))?;
        return Ok(CreditKey::new(&secret.0));
    }
    let mut secret = [0_u8; 32];
    SystemRandom::new()
        .fill(&mut secret)
        .map_err(|_| failed("the system has no random numbers".to_owned()))?;
    let note = Json::from_value(&B256::from(secret)).map_err(|error| failed(error.to_string()))?;
    store.set_note(SECRET, Some(note)).await?;
    Ok(CreditKey::new(&secret))
}
