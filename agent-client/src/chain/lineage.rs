//! Whether the data on disk belongs to the chain that is there.
//!
//! A development chain forgets everything when it stops. A wallet, ledger or outbox that was kept
//! over that would wait for transactions and locks that never were.

use std::path::{Path, PathBuf};

use super::Chain;

const FILE: &str = "chain";

/// The data in a directory belongs to another chain.
#[derive(Debug, thiserror::Error)]
#[error(
    "the data in {} belongs to another chain than the one that is there now; if a development \
     chain was started anew, delete that directory",
    .0.display()
)]
pub struct OtherChain(PathBuf);

/// Remembers, in `dir`, the chain that its data belongs to, and compares on later calls.
///
/// A node that is down, and a directory that cannot be written, are passed over: both are found out
/// about where they matter.
///
/// # Errors
/// [`OtherChain`] when the chain's first block is another one than before.
pub async fn same_chain(chain: &Chain, dir: &Path) -> Result<(), OtherChain> {
    let Ok(Some(genesis)) = chain.block(0).await else {
        return Ok(());
    };
    let path = dir.join(FILE);
    let ours = format!("{} {}\n", chain.chain_id(), genesis.hash);
    match tokio::fs::read_to_string(&path).await {
        Ok(known) if known == ours => Ok(()),
        Ok(_) => Err(OtherChain(dir.to_owned())),
        Err(_) => {
            if let Err(error) = tokio::fs::write(&path, ours).await {
                tracing::debug!(%error, "the chain of a data directory could not be noted");
            }
            Ok(())
        }
    }
}
