//! Registers each table that discovery found with a session of the engine.

use datafusion::prelude::{CsvReadOptions, JsonReadOptions, ParquetReadOptions, SessionContext};
use object_store::ObjectStoreExt;

use super::run::explain;
use super::view::View;
use crate::Error;
use crate::embedded::discover::{FileTable, Format, in_file};

/// Records of a CSV or JSON file that its column types are guessed from.
const INFERENCE_RECORDS: usize = 10_000;
/// Longest first line of a CSV file that is looked at, in bytes.
const MAX_HEADER_BYTES: u64 = 64 << 10;
/// How the files of a table end: any way, since the view holds only files of the table's format.
const ANY_EXTENSION: &str = "";

/// Registers every table with `context`, whose files are those of `view`.
pub async fn all(context: &SessionContext, view: &View, tables: &[FileTable]) -> Result<(), Error> {
    for table in tables {
        register(context, view, table).await.map_err(|error| in_file(table, &error))?;
    }
    Ok(())
}

async fn register(context: &SessionContext, view: &View, table: &FileTable) -> Result<(), Error> {
    let (name, url) = (table.name.as_str(), table.url.as_str());
    let registered = match table.format {
        Format::Parquet => {
            let options = ParquetReadOptions { file_extension: ANY_EXTENSION, ..ParquetReadOptions::default() };
            context.register_parquet(name, url, options).await
        }
        Format::Csv => {
            let options = CsvReadOptions::new()
                .delimiter(delimiter(&first_bytes(view, table).await?))
                .schema_infer_max_records(INFERENCE_RECORDS)
                .file_extension(ANY_EXTENSION);
            context.register_csv(name, url, options).await
        }
        Format::Json => {
            let options = JsonReadOptions::default().file_extension(ANY_EXTENSION);
            let options = JsonReadOptions { schema_infer_max_records: INFERENCE_RECORDS, ..options };
            context.register_json(name, url, options).await
        }
    };
    registered.map_err(explain)
}

async fn first_bytes(view: &View, table: &FileTable) -> Result<Vec<u8>, Error> {
    let wanted = table.first_size.min(MAX_HEADER_BYTES);
    if wanted == 0 {
        return Ok(Vec::new());
    }
    let found = view.get_range(&table.first, 0..wanted).await;
    found.map(Vec::from).map_err(|error| explain(error.into()))
}

/// The character that parts the fields of a CSV file: the commonest of the usual ones in its first line.
fn delimiter(start: &[u8]) -> u8 {
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |wanted: u8| line.iter().filter(|byte| **byte == wanted).count();
    [b',', b';', b'\t', b'|'].into_iter().rev().max_by_key(|candidate| count(*candidate)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_read_from_the_first_line() {
        for (text, expected) in [("a;b;c\n1,5;2;3\n", b';'), ("a,b\n", b','), ("a\tb\n", b'\t'), ("lonely\n", b',')] {
            assert_eq!(delimiter(text.as_bytes()), expected, "{text:?}");
        }
    }
}
