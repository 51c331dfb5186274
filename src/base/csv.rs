//! Comma-separated values by RFC 4180, written by the crate `csv`.

use csv::WriterBuilder;
use std::borrow::Cow;

/// Returns one line per row, each ended by a line feed. A cell is quoted if it contains a comma, a quotation mark, a line
/// feed or a carriage return. A spreadsheet would compute a cell that begins like a formula, so such a text gets an apostrophe in
/// front, which [`without_apostrophe`] removes; numbers do not.
pub(crate) fn encode<R, C>(rows: impl IntoIterator<Item = R>) -> String
where
    R: IntoIterator<Item = C>,
    C: AsRef<[u8]>,
{
    // In memory, only rows of different lengths could fail, and a flexible writer accepts them.
    let mut writer = WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for row in rows {
        let _ = writer.write_record(row.into_iter().map(|cell| with_apostrophe(cell.as_ref()).into_owned()));
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Checks whether a spreadsheet takes a cell for a formula. Signs begin numbers as well.
fn is_formula(cell: &[u8]) -> bool {
    match cell {
        [b'+' | b'-', ..] => cell.len() > 1 && !std::str::from_utf8(cell).is_ok_and(|text| text.parse::<f64>().is_ok()),
        [first, ..] => matches!(first, b'=' | b'@' | b'\t' | b'\r'),
        [] => false,
    }
}

fn with_apostrophe(cell: &[u8]) -> Cow<'_, [u8]> {
    let inner = cell.iter().position(|b| *b != b'\'').unwrap_or(cell.len());
    if is_formula(&cell[inner..]) { Cow::Owned([b"'", cell].concat()) } else { Cow::Borrowed(cell) }
}

/// Returns the text of a cell that [`encode`] wrote.
#[cfg(feature = "data")]
pub(crate) fn without_apostrophe(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if is_formula(text.trim_start_matches('\'').as_bytes()) => text,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[cfg(feature = "data")]
    #[test]
    fn formulas_are_texts_and_numbers_stay() {
        use super::without_apostrophe;
        let cells = ["=1+1", "@x", "-0.5", "+1e3", "-", "-a", "'=1", "''=1", "'a", "nan", "+cmd|x"];
        let written = encode([cells]);
        assert!(written.starts_with("'=1+1,'@x,-0.5,+1e3,-,'-a,''=1,'''=1,'a,nan,'+cmd|x"), "{written}");
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(written.as_bytes());
        let read = reader.records().next().unwrap().unwrap();
        assert!(read.iter().map(without_apostrophe).eq(cells));
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let rows = [["plain", "a,b", "say \"x\""], ["two\nlines", "old\rline", ""]];
        assert_eq!(encode(rows), "plain,\"a,b\",\"say \"\"x\"\"\"\n\"two\nlines\",\"old\rline\",\n");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let cells = ["", "a\r", "\n", "a\r\n", "\"", ",", " a ", "ä"];
        let written = encode([cells, cells]);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(written.as_bytes());
        let read: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(read.len(), 2);
        assert!(read.iter().all(|row| row.iter().eq(cells)));
    }
}
