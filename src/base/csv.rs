//! Comma-separated values by RFC 4180, written by the crate `csv`.

use csv::WriterBuilder;

/// Returns one line per row, each ended by a line feed. A cell is quoted if it contains a comma, a quotation mark, a line
/// feed or a carriage return.
pub(crate) fn encode<R, C>(rows: impl IntoIterator<Item = R>) -> String
where
    R: IntoIterator<Item = C>,
    C: AsRef<[u8]>,
{
    // In memory, only rows of different lengths could fail, and a flexible writer accepts them.
    let mut writer = WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for row in rows {
        let _ = writer.write_record(row);
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let rows = [["plain", "a,b", "say \"x\""], ["two\nlines", "old\rline", ""]];
        assert_eq!(encode(rows), "plain,\"a,b\",\"say \"\"x\"\"\"\n\"two\nlines\",\"old\rline\",\n");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let cells = ["", "\r", "\n", "\r\n", "\"", ",", " a ", "ä"];
        let written = encode([cells, cells]);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(written.as_bytes());
        let read: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(read.len(), 2);
        assert!(read.iter().all(|row| row.iter().eq(cells)));
    }
}
