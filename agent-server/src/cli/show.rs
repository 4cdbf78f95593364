//! How things are written for people and for programs.

use agent_core::a2a::Timestamp;
use agent_core::money::{AssetId, AssetTable, BaseUnits};
use serde_json::{Value, json};

/// Prints one JSON document.
///
/// JSON lets through what a terminal obeys: C1 controls and characters that turn the direction of
/// text around. Peers' text is in here whole, so they are escaped; it stays the same document.
pub(super) fn document(value: &Value) {
    let text = format!("{value:#}");
    let safe: String = text
        .chars()
        .flat_map(|c| {
            let breaks_line = c == '\n';
            let turns = matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            let shown = if (c.is_control() && !breaks_line) || turns {
                // All of them are below U+10000, so one escape says each.
                format!("\\u{:04x}", u32::from(c))
            } else {
                c.to_string()
            };
            shown.chars().collect::<Vec<_>>()
        })
        .collect();
    println!("{safe}");
}

/// An amount with its unit.
pub(super) fn amount(assets: &AssetTable, asset: AssetId, amount: BaseUnits) -> String {
    assets.by_id(asset).map_or_else(
        || format!("{amount} base units of {}", asset.address),
        |asset| asset.show(amount),
    )
}

/// The same for programs, who should not have to read decimals.
pub(super) fn amount_json(assets: &AssetTable, asset: AssetId, units: BaseUnits) -> Value {
    json!({
        "amount": amount(assets, asset, units),
        "base_units": units,
        "asset": asset.address.to_string(),
        "network": asset.network.to_string(),
    })
}

/// A time in Unix seconds, as a date.
pub(super) fn time(unix_secs: u64) -> Timestamp {
    let millis = i64::try_from(unix_secs.saturating_mul(1_000)).unwrap_or(i64::MAX);
    Timestamp::from_unix_millis(millis)
}
