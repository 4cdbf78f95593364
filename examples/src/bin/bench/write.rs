//! Tables in the document, between their markers.

use crate::Result;
use crate::report::Report;
use std::path::Path;

/// Puts what was measured where the last tables were; parts that were not measured stay.
pub(crate) fn put(path: &Path, report: &Report) -> Result<()> {
    let mut text = std::fs::read_to_string(path)?;
    if let Some(unpaid) = &report.unpaid {
        text = replaced(&text, "unpaid", &unpaid.tables())?;
    }
    if let Some(paid) = &report.paid {
        text = replaced(&text, "paid", &paid.tables())?;
    }
    Ok(std::fs::write(path, text)?)
}

fn replaced(text: &str, part: &str, tables: &str) -> Result<String> {
    let begin = format!("<!-- {part}: written by bench -->\n");
    let end = format!("<!-- end of {part} -->");
    let missing = || format!("the document has no markers for {part}");
    let (before, rest) = text.split_once(&begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&end).ok_or_else(missing)?;
    let tables = tables.trim();
    Ok(format!("{before}{begin}\n{tables}\n\n{end}{after}"))
}
