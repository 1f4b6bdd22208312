//! Imports: a data file copied into the installation, where it becomes a table of the tenant's connection `imports`.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures::{Stream, StreamExt};
use pilothouse_domain::action::{Action, Tier};
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::{Code, Role};
use pilothouse_store::connections::Connection;
use pilothouse_warehouse::Format;
use tokio::io::AsyncWriteExt;

use crate::connections::{self, NewConnection, Source};
use crate::{App, Caller, Error, audit, gates};

/// The connection that imported files belong to.
const NAME: &str = "imports";
/// Longest name of a file, in bytes: with what a part is called besides, it fits every file system.
const MAX_NAME_BYTES: usize = 200;

/// Writes the file `name` from `bytes` and reads it as a table. `declared` is its size, where that is known before. A
/// file that is cut off or cannot be read is taken out again, and the connection is as it was.
pub async fn import<B: AsRef<[u8]>>(
    app: &Arc<App>,
    caller: &Caller,
    name: &str,
    declared: Option<u64>,
    bytes: impl Stream<Item = Result<B, Error>>,
) -> Result<Connection, Error> {
    gates::pass(app, caller, &action(name, declared)).await?;
    check_name(name)?;
    let most = app.settings.imports.max_bytes;
    if declared.is_some_and(|declared| declared > most) {
        return Err(too_large(most));
    }
    let folder = app.settings.imports_folder.join(caller.principal.tenant.as_str());
    tokio::fs::create_dir_all(&folder).await.map_err(|error| unwritable(&error))?;
    let target = folder.join(name);
    let part = Part::begin(app, folder.join(format!(".{name}.part"))).ok_or_else(exists)?;
    if target.exists() {
        return Err(exists());
    }
    let size = write(&part.path, bytes, most).await?;
    audit::write(app, audit::entry(app, caller, &action(name, Some(size)), Outcome::Allowed, None)).await?;
    // A caller that goes away from here on must not leave a file behind that nobody has read.
    let published = tokio::spawn(publish(app.clone(), caller.clone(), part, folder, target)).await;
    published.unwrap_or_else(|_| Err(Error::new(Code::Internal, "The import was given up.")))
}

/// Gives the whole file its name and reads it; one that is no table is taken out again.
async fn publish(
    app: Arc<App>,
    caller: Caller,
    part: Part,
    folder: PathBuf,
    target: PathBuf,
) -> Result<Connection, Error> {
    // One at a time: a file that turns out to be broken must not spoil the reading of another.
    let _alone = app.imports.reading.lock().await;
    tokio::fs::rename(&part.path, &target).await.map_err(|error| unwritable(&error))?;
    let reason = match read(&app, &caller, &folder).await {
        Ok(connection) if connection.status == "ready" => return Ok(connection),
        Ok(connection) => {
            let code = connection.error_code.as_deref().and_then(Code::parse);
            let message = connection.error_message.unwrap_or_default();
            Error::new(code.unwrap_or(Code::ConnectionFailed), message)
        }
        Err(error) => error,
    };
    tokio::fs::remove_file(&target).await.map_err(|error| unwritable(&error))?;
    if has_tables(&folder) {
        read(&app, &caller, &folder).await?;
    }
    Err(reason)
}

/// The imports under way in this process.
#[derive(Default)]
pub(crate) struct Imports {
    parts: Mutex<HashSet<PathBuf>>,
    reading: tokio::sync::Mutex<()>,
}

/// A file that is being written, under a name that is no table's. It goes when this is dropped, however the import
/// ends; one that a killed process left behind is overwritten by the next import of that name.
struct Part {
    path: PathBuf,
    app: Arc<App>,
}

impl Part {
    /// Takes the hidden file at `path` for one import; none while another import has it.
    fn begin(app: &Arc<App>, path: PathBuf) -> Option<Self> {
        let is_free = app.imports.parts.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone());
        is_free.then(|| Self { path, app: app.clone() })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        self.app.imports.parts.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.path);
    }
}

fn action(name: &str, bytes: Option<u64>) -> Action {
    audit::action("import.create", Tier::Write, Role::Admin, name, &(name, bytes))
}

fn check_name(name: &str) -> Result<(), Error> {
    let is_plain = !name.starts_with('.') && !name.contains(['/', '\\']) && !name.chars().any(char::is_control);
    if !is_plain || name.is_empty() || name.len() > MAX_NAME_BYTES {
        let message = format!("A file's name has 1 to {MAX_NAME_BYTES} bytes, no slash, and no dot at its beginning.");
        return Err(Error::new(Code::QueryInvalid, message));
    }
    if Format::of(name).is_none() {
        let message = format!("Files of these formats can be imported: {}.", Format::EXTENSIONS.join(", "));
        return Err(Error::new(Code::FileUnreadable, message));
    }
    Ok(())
}

/// Writes what comes and makes it durable; returns how much it was.
async fn write<B: AsRef<[u8]>>(
    path: &Path,
    bytes: impl Stream<Item = Result<B, Error>>,
    most: u64,
) -> Result<u64, Error> {
    let mut file = tokio::fs::File::create(path).await.map_err(|error| unwritable(&error))?;
    let (mut bytes, mut size) = (pin!(bytes), 0);
    while let Some(chunk) = bytes.next().await {
        let chunk = chunk?;
        size += chunk.as_ref().len() as u64;
        if size > most {
            return Err(too_large(most));
        }
        file.write_all(chunk.as_ref()).await.map_err(|error| unwritable(&error))?;
    }
    file.sync_all().await.map_err(|error| unwritable(&error))?;
    Ok(size)
}

fn has_tables(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
}

async fn read(app: &App, caller: &Caller, folder: &Path) -> Result<Connection, Error> {
    let found = connections::list(app, caller).await?.into_iter().find(|connection| connection.name == NAME);
    match found {
        Some(connection) => connections::refresh(app, caller, connection.id).await,
        None => {
            let source = Source::Files { path: folder.to_path_buf() };
            connections::create(app, caller, NewConnection { name: NAME.to_owned(), source }).await
        }
    }
}

fn exists() -> Error {
    let message = "A file of this name was imported before, or is being imported: rename it.";
    Error::new(Code::ConnectionExists, message)
}

fn too_large(most: u64) -> Error {
    Error::new(Code::BodyTooLarge, format!("A file that is imported has at most {most} bytes."))
}

fn unwritable(error: &std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Error::new(Code::StorageFull, "The disk is full; nothing was imported.")
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Error::new(Code::StorageReadOnly, "The folder of imported files cannot be written.")
        }
        kind => Error::new(Code::Unavailable, format!("The file cannot be kept: {kind}.")),
    }
}
