//! Finds the tables among the data files of a folder or bucket: `flights.parquet` is `flights`, and a folder
//! `events/` of files of one format is `events`.

use std::collections::BTreeMap;

use object_store::ObjectMeta;
use object_store::path::Path;
use pilothouse_domain::{Code, Micros};
use url::Url;

use super::listing::{Listing, is_hidden};
use crate::Error;

/// Most tables of one connection.
const MAX_TABLES: usize = 500;
/// Most files of one table.
const MAX_FILES_PER_TABLE: usize = 10_000;
/// What the URLs of a connection's tables begin with. The engine asks the connection's own store whatever stands here.
const ROOT: &str = "data://connection/";

/// The formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Columns, with exact counts and sizes in the footer.
    Parquet,
    /// Lines of fields; also with tabs.
    Csv,
    /// One JSON object a line.
    Json,
}

impl Format {
    /// How the names of files that are read end.
    pub const EXTENSIONS: [&str; 6] = ["parquet", "csv", "tsv", "json", "jsonl", "ndjson"];

    /// The format of a file with this path.
    pub fn of(path: &str) -> Option<Self> {
        match parted(path).1.to_ascii_lowercase().as_str() {
            "parquet" => Some(Self::Parquet),
            "csv" | "tsv" => Some(Self::Csv),
            "json" | "jsonl" | "ndjson" => Some(Self::Json),
            _ => None,
        }
    }
}

/// The name at the end of a path, parted into stem and extension.
fn parted(path: &str) -> (&str, &str) {
    let name = path.rsplit('/').next().unwrap_or_default();
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, extension),
        _ => (name, ""),
    }
}

/// A table and the files it stands for.
pub struct FileTable {
    /// The table's name.
    pub name: String,
    /// The file or folder, as messages name it: relative to the connection's folder.
    pub shown: String,
    /// Where the engine finds it.
    pub url: String,
    /// The format of its files.
    pub format: Format,
    /// One of its files.
    pub first: Path,
    /// That file's bytes.
    pub first_size: u64,
    /// Bytes of all its files.
    pub bytes: u64,
    /// When the newest of its files changed.
    pub updated_at: Option<Micros>,
}

/// The first part of a path below the connection's folder, and whether a folder has this name.
type Place = (String, bool);

/// The tables of `listing`, by name. Files that belong to none are taken off the listing.
pub fn tables(listing: &mut Listing) -> Result<Vec<FileTable>, Error> {
    listing.files.retain(|file| place(&listing.base, file).is_some());
    let mut places: BTreeMap<Place, Vec<&ObjectMeta>> = BTreeMap::new();
    for file in &listing.files {
        if let Some(place) = place(&listing.base, file) {
            places.entry(place).or_default().push(file);
        }
    }
    let mut found: BTreeMap<String, FileTable> = BTreeMap::new();
    for ((shown, is_folder), files) in places {
        let table = table(&listing.base, shown, is_folder, files)?;
        if found.len() >= MAX_TABLES {
            let message = format!("The connection holds more than {MAX_TABLES} tables.");
            return Err(Error::new(Code::ConnectionFailed, message));
        }
        if let Some(twin) = found.get(&table.name) {
            let message = format!("{} and {} would both be the table {}.", twin.shown, table.shown, table.name);
            return Err(Error::new(Code::ConnectionFailed, message));
        }
        found.insert(table.name.clone(), table);
    }
    if found.is_empty() {
        return Err(Error::new(Code::ConnectionFailed, "The connection holds no Parquet, CSV or JSON files."));
    }
    Ok(found.into_values().collect())
}

/// Which table a file belongs to, if to any: hidden ones and those further down belong to none.
fn place(base: &Path, file: &ObjectMeta) -> Option<Place> {
    let parts: Vec<_> = file.location.prefix_match(base)?.take(3).collect();
    if parts.iter().any(|part| is_hidden(part.as_ref())) {
        return None;
    }
    match parts.as_slice() {
        [file] => Some((file.as_ref().to_owned(), false)),
        [folder, _] => Some((folder.as_ref().to_owned(), true)),
        _ => None,
    }
}

fn table(base: &Path, shown: String, is_folder: bool, mut files: Vec<&ObjectMeta>) -> Result<FileTable, Error> {
    files.sort_by(|a, b| a.location.cmp(&b.location));
    let failed = |why: String| Err(Error::new(Code::ConnectionFailed, why));
    let format_of = |file: &ObjectMeta| Format::of(file.location.as_ref());
    let Some((first, format)) = files.first().and_then(|file| Some((*file, format_of(file)?))) else {
        return failed(format!("{shown} holds no data."));
    };
    if files.iter().any(|file| format_of(file) != Some(format)) {
        return failed(format!("The folder {shown} mixes file formats."));
    }
    if files.len() > MAX_FILES_PER_TABLE {
        return failed(format!("The folder {shown} holds more than {MAX_FILES_PER_TABLE} files."));
    }
    Ok(FileTable {
        name: table_name(parted(&shown).0),
        url: url(base, &shown, is_folder)?,
        format,
        first: first.location.clone(),
        first_size: first.size,
        bytes: files.iter().map(|file| file.size).sum(),
        updated_at: files.iter().map(|file| file.last_modified.timestamp_micros()).max(),
        shown,
    })
}

/// The engine's address of a file or folder. A folder's ends with a slash.
fn url(base: &Path, shown: &str, is_folder: bool) -> Result<String, Error> {
    let unusable = || Error::new(Code::ConnectionFailed, format!("The name {shown} cannot be used."));
    let mut url = Url::parse(ROOT).map_err(|_| unusable())?;
    let parts = base.parts();
    let mut path = url.path_segments_mut().map_err(|()| unusable())?;
    path.pop_if_empty().extend(parts.map(|part| part.as_ref().to_owned())).push(shown);
    if is_folder {
        path.push("");
    }
    drop(path);
    Ok(url.into())
}

/// A name that needs no quotes: lower case, and `_` for everything but letters and digits.
fn table_name(stem: &str) -> String {
    let plain: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    if plain.starts_with(|c: char| c.is_ascii_digit()) { format!("t_{plain}") } else { plain }
}

/// The error of reading `table`'s files, naming the file.
pub fn in_file(table: &FileTable, error: &Error) -> Error {
    match error.code {
        Code::QueryMemory
        | Code::QueryTimeout
        | Code::RunCancelled
        | Code::ConnectionFailed
        | Code::ConnectionChanged
        | Code::ConnectionRefused
        | Code::AddressForbidden => error.clone(),
        _ => Error::new(Code::FileUnreadable, format!("{} cannot be read: {}", table.shown, reason(table, error))),
    }
}

/// What is wrong with a file, in words for whoever made it.
fn reason(table: &FileTable, error: &Error) -> String {
    let text = error.message.to_ascii_lowercase();
    if table.format == Format::Parquet && error.code == Code::FileUnreadable {
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
    fn every_ending_is_a_formats() {
        assert!(Format::EXTENSIONS.iter().all(|ending| Format::of(&format!("table.{ending}")).is_some()));
        assert_eq!(Format::of("notes.txt"), None);
    }

    #[test]
    fn odd_names_survive_the_engines_address() {
        use datafusion::datasource::listing::ListingTableUrl;
        for name in ["a b.csv", "a#b.csv", "100%.csv", "a%20b.csv", "q?.csv", "[x]*.csv", "å\\.csv"] {
            let address = url(&Path::parse("in/der#er").unwrap(), name, false).unwrap();
            let read = ListingTableUrl::parse(&address).unwrap();
            assert_eq!(read.prefix().as_ref(), format!("in/der#er/{name}"));
        }
    }
}
