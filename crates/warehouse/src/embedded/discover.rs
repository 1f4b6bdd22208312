//! Finds the data files of a folder and registers a table for each: `flights.parquet` becomes `flights`, and a folder
//! `events/` of files of one format becomes `events`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use datafusion::prelude::{CsvReadOptions, JsonReadOptions, ParquetReadOptions, SessionContext};
use pilothouse_domain::{Code, Micros};

use super::run::explain;
use crate::Error;

/// Most tables of one folder.
const MAX_TABLES: usize = 500;
/// Most files of one table.
const MAX_FILES_PER_TABLE: usize = 10_000;
/// Records of a CSV or JSON file that its column types are guessed from.
const INFERENCE_RECORDS: usize = 10_000;
/// Longest first line of a CSV file that is looked at, in bytes.
const MAX_HEADER_BYTES: u64 = 64 << 10;

/// The formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Format {
    Parquet,
    Csv,
    Json,
}

impl Format {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "parquet" => Some(Self::Parquet),
            "csv" | "tsv" => Some(Self::Csv),
            "json" | "jsonl" | "ndjson" => Some(Self::Json),
            _ => None,
        }
    }
}

/// A table and the files it stands for.
pub struct FileTable {
    /// The table's name.
    pub name: String,
    /// The file or folder, as messages name it: relative to the connection's folder.
    pub shown: String,
    path: PathBuf,
    format: Format,
    extension: String,
    /// Bytes of all its files.
    pub bytes: u64,
    /// When the newest of its files changed.
    pub updated_at: Option<Micros>,
    /// Whether it is Parquet, whose footers hold exact counts and column sizes.
    pub is_parquet: bool,
}

impl FileTable {
    /// Whether its file or folder is still there.
    pub fn exists(&self) -> bool {
        self.path.exists()
    }
}

/// Registers every table of `folder` (or the one table of a single file) with `context`.
pub async fn register_all(context: &SessionContext, folder: &Path) -> Result<Vec<FileTable>, Error> {
    let tables = discover(folder)?;
    for table in &tables {
        register(context, table).await.map_err(|error| in_file(table, &error))?;
    }
    Ok(tables)
}

/// The error of reading `table`'s files, naming the file.
pub fn in_file(table: &FileTable, error: &Error) -> Error {
    match error.code {
        Code::QueryMemory | Code::QueryTimeout | Code::RunCancelled | Code::ConnectionFailed => error.clone(),
        _ => Error::new(Code::FileUnreadable, format!("{} cannot be read: {}", table.shown, reason(table, error))),
    }
}

/// What is wrong with a file, in words for whoever made it.
fn reason(table: &FileTable, error: &Error) -> String {
    let text = error.message.to_ascii_lowercase();
    if table.is_parquet && error.code == Code::FileUnreadable {
        return "it is not a valid Parquet file, or it is damaged.".to_owned();
    }
    if text.contains("utf-8") || text.contains("utf8") {
        return "it is not in UTF-8. Save it in UTF-8 and refresh the connection.".to_owned();
    }
    if text.contains("number of fields") || text.contains("unequal len") {
        return format!("its rows do not all have the same number of fields ({}).", error.message);
    }
    error.message.clone()
}

fn discover(folder: &Path) -> Result<Vec<FileTable>, Error> {
    let mut found: BTreeMap<String, FileTable> = BTreeMap::new();
    let entries = if folder.is_file() { vec![folder.to_path_buf()] } else { children(folder)? };
    for path in entries {
        let Some(table) = table_at(&path)? else { continue };
        if found.len() >= MAX_TABLES {
            return Err(Error::new(Code::ConnectionFailed, format!("The folder holds more than {MAX_TABLES} tables.")));
        }
        if let Some(twin) = found.get(&table.name) {
            let message = format!("{} and {} would both be the table {}.", twin.shown, table.shown, table.name);
            return Err(Error::new(Code::ConnectionFailed, message));
        }
        found.insert(table.name.clone(), table);
    }
    if found.is_empty() {
        return Err(Error::new(Code::ConnectionFailed, "The folder holds no Parquet, CSV or JSON files."));
    }
    Ok(found.into_values().collect())
}

fn children(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let unreadable = |_| Error::new(Code::ConnectionFailed, "The folder cannot be read.");
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        // A link could lead outside the allowed folders, so links are not followed.
        let is_link = entry.file_type().map_err(unreadable)?.is_symlink();
        let is_hidden = entry.file_name().to_string_lossy().starts_with(['.', '_']);
        if !is_link && !is_hidden {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn table_at(path: &Path) -> Result<Option<FileTable>, Error> {
    let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else { return Ok(None) };
    let shown = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (files, format) = if path.is_dir() {
        let files: Vec<_> = children(path)?.into_iter().filter(|file| Format::of(file).is_some()).collect();
        let Some(format) = files.first().and_then(|file| Format::of(file)) else { return Ok(None) };
        if files.iter().any(|file| Format::of(file) != Some(format)) {
            return Err(Error::new(Code::ConnectionFailed, format!("The folder {shown} mixes file formats.")));
        }
        (files, format)
    } else {
        let Some(format) = Format::of(path) else { return Ok(None) };
        (vec![path.to_path_buf()], format)
    };
    if files.len() > MAX_FILES_PER_TABLE {
        let message = format!("The folder {shown} holds more than {MAX_FILES_PER_TABLE} files.");
        return Err(Error::new(Code::ConnectionFailed, message));
    }
    let extension = files.first().and_then(|file| file.extension()).map(|e| e.to_string_lossy().into_owned());
    let sizes = files.iter().filter_map(|file| file.metadata().ok());
    let (mut bytes, mut updated_at) = (0, None);
    for meta in sizes {
        bytes += meta.len();
        let changed = meta.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        updated_at = updated_at.max(changed.map(|since| since.as_micros() as Micros));
    }
    Ok(Some(FileTable {
        name: table_name(stem),
        shown,
        path: path.to_path_buf(),
        format,
        extension: extension.map(|e| format!(".{e}")).unwrap_or_default(),
        bytes,
        updated_at,
        is_parquet: format == Format::Parquet,
    }))
}

/// A name that needs no quotes: lower case, and `_` for everything but letters and digits.
fn table_name(stem: &str) -> String {
    let plain: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    if plain.starts_with(|c: char| c.is_ascii_digit()) { format!("t_{plain}") } else { plain }
}

async fn register(context: &SessionContext, table: &FileTable) -> Result<(), Error> {
    let path = table.path.to_string_lossy();
    let registered = match table.format {
        Format::Parquet => {
            let options = ParquetReadOptions { file_extension: &table.extension, ..ParquetReadOptions::default() };
            context.register_parquet(table.name.as_str(), path, options).await
        }
        Format::Csv => {
            let options = CsvReadOptions::new()
                .delimiter(delimiter(&table.path))
                .schema_infer_max_records(INFERENCE_RECORDS)
                .file_extension(&table.extension);
            context.register_csv(table.name.as_str(), path, options).await
        }
        Format::Json => {
            let options = JsonReadOptions::default().file_extension(&table.extension);
            let options = JsonReadOptions { schema_infer_max_records: INFERENCE_RECORDS, ..options };
            context.register_json(table.name.as_str(), path, options).await
        }
    };
    registered.map_err(explain)
}

/// The character that parts the fields of a CSV file: the commonest of the usual ones in its first line.
fn delimiter(path: &Path) -> u8 {
    let file = if path.is_dir() { children(path).ok().and_then(|files| files.into_iter().next()) } else { None };
    let mut line = Vec::new();
    if let Ok(file) = std::fs::File::open(file.as_deref().unwrap_or(path)) {
        let mut reader = BufReader::new(std::io::Read::take(file, MAX_HEADER_BYTES));
        let _ = reader.read_until(b'\n', &mut line);
    }
    let count = |wanted: u8| line.iter().filter(|byte| **byte == wanted).count();
    [b',', b';', b'\t', b'|'].into_iter().rev().max_by_key(|candidate| count(*candidate)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_need_no_quotes() {
        for (stem, name) in [("Orders 2024", "orders_2024"), ("2024", "t_2024"), ("a-b", "a_b")] {
            assert_eq!(table_name(stem), name);
        }
    }

    #[test]
    fn the_delimiter_is_read_from_the_first_line() {
        let folder = tempfile::tempdir().unwrap();
        for (text, expected) in [("a;b;c\n1,5;2;3\n", b';'), ("a,b\n", b','), ("a\tb\n", b'\t'), ("lonely\n", b',')] {
            let path = folder.path().join("x.csv");
            std::fs::write(&path, text).unwrap();
            assert_eq!(delimiter(&path), expected, "{text:?}");
        }
    }
}
