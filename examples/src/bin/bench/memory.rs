//! What an open task costs in memory: resident size before and after holding many.

use crate::Result;
use crate::serving::World;

/// Bytes of resident memory for each task that is running. `None` where /proc is missing.
pub(crate) async fn per_open_task(world: &World, tasks: u32) -> Result<Option<u64>> {
    // The first tasks grow buffers and thread stacks that all later ones share.
    world.open_tasks(64).await?;
    let Some(before) = resident() else {
        return Ok(None);
    };
    world.open_tasks(tasks).await?;
    if world.live_tasks() < usize::try_from(tasks)? {
        return Err("not all tasks are open".into());
    }
    let after = resident().unwrap_or(before);
    Ok(Some(after.saturating_sub(before) / u64::from(tasks)))
}

fn resident() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages.saturating_mul(4_096))
}
