//! What lies in a connection's folder or bucket: its data files, one level deep, as the rules of discovery take them.

use std::fs::Metadata;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Error as StoreError, ObjectMeta, ObjectStore, ObjectStoreExt};
use pilothouse_domain::Code;
use pilothouse_domain::canonical::sha256;
use pilothouse_outbound::Client;

use super::discover::Format;
use crate::{Error, Settings, Source, bucket};

/// Most files and objects that are looked at to find the tables among them.
const MAX_LISTED: usize = 200_000;

/// Where the files of a connection are.
#[derive(Clone)]
pub enum Place {
    /// A folder or file of this machine, whose path was checked.
    Folder(PathBuf),
    /// A part of a bucket.
    Bucket {
        /// The bucket.
        store: Arc<dyn ObjectStore>,
        /// What the keys begin with; or one object.
        prefix: Path,
    },
}

impl Place {
    /// Where the files of `source` are, after checking that it may be reached. `buckets` holds the way to buckets once
    /// it was made.
    pub async fn of(source: &Source, settings: &Settings, buckets: &OnceLock<Client>) -> Result<Self, Error> {
        match source {
            Source::Files { path } => Ok(Self::Folder(crate::source::allowed_path(path, settings)?)),
            Source::ObjectStore(described) => {
                let target = bucket::bucket_target(described, settings).await?;
                let client = match buckets.get() {
                    Some(client) => client.clone(),
                    None => {
                        let made = bucket::client(settings)?;
                        buckets.get_or_init(|| made).clone()
                    }
                };
                Ok(Self::Bucket { store: target.open(client, settings)?, prefix: target.prefix })
            }
            Source::Postgres { .. } => Err(Error::new(Code::Internal, "A database holds no files.")),
        }
    }
}

/// The data files of a place.
pub struct Listing {
    /// What reads them.
    pub store: Arc<dyn ObjectStore>,
    /// What all their paths begin with.
    pub base: Path,
    /// The files, in no order.
    pub files: Vec<ObjectMeta>,
}

impl Listing {
    /// Which files these are, each as it is now: other files, or one that has changed, are another version.
    pub fn version(&self) -> String {
        let described = |file: &ObjectMeta| match tag(file) {
            Some(tag) => format!("{} {} {tag}", file.location, file.size),
            None => format!("{} {} {}", file.location, file.size, file.last_modified.timestamp_micros()),
        };
        let mut files: Vec<String> = self.files.iter().map(described).collect();
        files.sort_unstable();
        sha256(files.join("\n").as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Looks at `place`.
    pub async fn of(place: Place) -> Result<Self, Error> {
        match place {
            Place::Folder(path) => folder(&path),
            Place::Bucket { store, prefix } => objects(store, prefix).await,
        }
    }
}

/// The tag of a file's version, where its store has them; a file of this machine is known by its time. Lists and answers
/// quote tags in different ways.
pub fn tag(file: &ObjectMeta) -> Option<&str> {
    file.e_tag.as_ref().map(|tag| tag.trim_start_matches("W/").trim_matches('"'))
}

/// Whether a file or folder is meant for programs and not for readers.
pub fn is_hidden(name: &str) -> bool {
    name.starts_with(['.', '_'])
}

fn folder(path: &std::path::Path) -> Result<Listing, Error> {
    let root = if path.is_file() { path.parent().unwrap_or(path) } else { path };
    let store = LocalFileSystem::new_with_prefix(root).map_err(|_| unreadable())?;
    let mut files = Vec::new();
    if path.is_file() {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let meta = path.metadata().map_err(|_| unreadable())?;
        files.extend(file(name, &meta));
    } else {
        for entry in children(path)? {
            if entry.meta.is_dir() {
                for inner in children(&path.join(&entry.name))?.into_iter().filter(|inner| inner.meta.is_file()) {
                    take(&mut files, file(&format!("{}/{}", entry.name, inner.name), &inner.meta))?;
                }
            } else {
                take(&mut files, file(&entry.name, &entry.meta))?;
            }
        }
    }
    Ok(Listing { store: Arc::new(store), base: Path::default(), files })
}

struct Entry {
    name: String,
    meta: Metadata,
}

fn children(folder: &std::path::Path) -> Result<Vec<Entry>, Error> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|_| unreadable())? {
        let entry = entry.map_err(|_| unreadable())?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        // A link could lead outside the allowed folders, so links are not followed: this is the link's own metadata.
        let meta = entry.metadata().map_err(|_| unreadable())?;
        if !is_hidden(&name) && !meta.is_symlink() {
            found.push(Entry { name, meta });
        }
    }
    Ok(found)
}

fn unreadable() -> Error {
    Error::new(Code::ConnectionFailed, "The folder cannot be read.")
}

/// A file of the folder, if it holds data and its name can be written as a path.
fn file(path: &str, meta: &Metadata) -> Option<ObjectMeta> {
    Format::of(path)?;
    let (location, modified) = (Path::parse(path).ok()?, meta.modified().ok()?);
    Some(ObjectMeta { location, last_modified: modified.into(), size: meta.len(), e_tag: None, version: None })
}

fn take(files: &mut Vec<ObjectMeta>, found: Option<ObjectMeta>) -> Result<(), Error> {
    if files.len() >= MAX_LISTED {
        return Err(too_many());
    }
    files.extend(found);
    Ok(())
}

fn too_many() -> Error {
    let message = format!("The connection holds more than {MAX_LISTED} files. Name a folder or prefix further down.");
    Error::new(Code::ConnectionFailed, message)
}

async fn objects(store: Arc<dyn ObjectStore>, prefix: Path) -> Result<Listing, Error> {
    if Format::of(prefix.as_ref()).is_some() {
        match store.head(&prefix).await {
            Ok(meta) => {
                let base = prefix.parent().unwrap_or_default();
                return Ok(Listing { store, base, files: vec![meta] });
            }
            // A prefix may end like a file's name, so it is listed like any other.
            Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(unlisted(&error)),
        }
    }
    let mut files = Vec::new();
    let mut seen = 0;
    let mut found = store.list(Some(&prefix).filter(|prefix| !prefix.as_ref().is_empty()));
    while let Some(object) = found.try_next().await.map_err(|error| unlisted(&error))? {
        seen += 1;
        if seen > MAX_LISTED {
            return Err(too_many());
        }
        if Format::of(object.location.as_ref()).is_some() {
            files.push(object);
        }
    }
    drop(found);
    Ok(Listing { store, base: prefix, files })
}

/// Why a bucket cannot be listed.
fn unlisted(error: &StoreError) -> Error {
    match error {
        StoreError::InvalidPath { .. } => {
            let message = "The bucket holds a key that cannot be read as a path. Name a prefix without it.";
            Error::new(Code::ConnectionFailed, message)
        }
        other => {
            bucket::explain(other).unwrap_or_else(|| Error::new(Code::ConnectionFailed, "The bucket cannot be listed."))
        }
    }
}
