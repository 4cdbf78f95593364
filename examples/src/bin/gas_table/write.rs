//! Tables in documents, between their markers.

use crate::Result;
use std::path::Path;

const BEGIN: &str = "<!-- gas: written by gas_table -->\n";
const END: &str = "<!-- end of gas -->";

/// The text before, between and after the markers.
fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (between, after) = rest.split_once(END)?;
    Some((before, between, after))
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Whether the document has this table.
pub(crate) fn same(path: &Path, table: &str) -> Result<bool> {
    let text = read(path)?;
    let (_, between, _) = parts(&text).ok_or("the document has no markers for the table")?;
    Ok(between.trim() == table.trim())
}

/// Puts the table where the last one was.
pub(crate) fn put(path: &Path, table: &str) -> Result<()> {
    let text = read(path)?;
    let (before, _, after) = parts(&text).ok_or("the document has no markers for the table")?;
    let table = table.trim();
    Ok(std::fs::write(
        path,
        format!("{before}{BEGIN}\n{table}\n\n{END}{after}"),
    )?)
}
