//! Imports: a data file copied into the installation, where it becomes a table of the tenant's connection `imports`.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use pilothouse_domain::Code;
use pilothouse_store::connections::Connection;

use crate::connections::{self, NewConnection, Target};
use crate::{App, Caller, Error};

/// The connection that imported files belong to.
const NAME: &str = "imports";
/// Bytes copied at once.
const CHUNK: usize = 1 << 20;
/// Formats that can be imported, by the ends of their names.
const EXTENSIONS: [&str; 6] = ["parquet", "csv", "tsv", "json", "jsonl", "ndjson"];

/// Copies `file` into `folder` (the tenant's own, inside the data folder) and reads it. `progress` is told the bytes
/// copied so far. A file that cannot be read is taken out again, and the connection is as it was.
pub async fn import(
    app: &App,
    caller: &Caller,
    file: &Path,
    folder: &Path,
    progress: impl Fn(u64) + Send + 'static,
) -> Result<Connection, Error> {
    let name = file_name(file)?;
    let target = folder.join(name);
    if target.exists() {
        let message = "A file of this name was imported before: rename it, or remove the connection first.";
        return Err(Error::new(Code::ConnectionExists, message));
    }
    let (from, to) = (file.to_path_buf(), target.clone());
    let copied = tokio::task::spawn_blocking(move || copy(&from, &to, &progress)).await;
    copied.map_err(|_| Error::new(Code::Internal, "The copy was cut off."))??;
    let read = read(app, caller, folder).await;
    let failed = match &read {
        Ok(connection) => connection.status != "ready",
        Err(_) => true,
    };
    if !failed {
        return read;
    }
    let _ = std::fs::remove_file(&target);
    let reason = match read {
        Ok(connection) => {
            let code = Code::ALL.iter().find(|code| Some(code.as_str()) == connection.error_code.as_deref());
            let message = connection.error_message.unwrap_or_default();
            Error::new(code.copied().unwrap_or(Code::ConnectionFailed), message)
        }
        Err(error) => error,
    };
    if has_files(folder) {
        self::read(app, caller, folder).await?;
    }
    Err(reason)
}

fn file_name(file: &Path) -> Result<PathBuf, Error> {
    let extension = file.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    if !extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str())) {
        let message = format!("Files of these formats can be imported: {}.", EXTENSIONS.join(", "));
        return Err(Error::new(Code::FileUnreadable, message));
    }
    let missing = || Error::new(Code::FileUnreadable, "There is no such file.");
    if !file.is_file() {
        return Err(missing());
    }
    file.file_name().map(PathBuf::from).ok_or_else(missing)
}

fn has_files(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

async fn read(app: &App, caller: &Caller, folder: &Path) -> Result<Connection, Error> {
    let found = connections::list(app, caller).await?.into_iter().find(|connection| connection.name == NAME);
    match found {
        Some(connection) => connections::refresh(app, caller, connection.id).await,
        None => {
            let target = Target::Files { path: folder.to_path_buf() };
            connections::create(app, caller, NewConnection { name: NAME.to_owned(), target }).await
        }
    }
}

/// Copies to a hidden name and renames, so that a copy that is cut off never looks like a table.
fn copy(from: &Path, to: &Path, progress: &impl Fn(u64)) -> Result<(), Error> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::StorageFull => Error::new(Code::StorageFull, "The disk is full; nothing was imported."),
        _ => Error::new(Code::FileUnreadable, format!("The file cannot be copied: {}.", error.kind())),
    };
    let parts = to.parent().zip(to.file_name());
    let (folder, name) = parts.ok_or_else(|| Error::new(Code::Internal, "The target has no folder."))?;
    std::fs::create_dir_all(folder).map_err(failed)?;
    let hidden = folder.join(format!(".{}.part", name.to_string_lossy()));
    let copied = (|| {
        let mut source = std::fs::File::open(from)?;
        let mut target = std::fs::File::create(&hidden)?;
        let (mut buffer, mut done) = (vec![0; CHUNK], 0);
        loop {
            let read = source.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            target.write_all(&buffer[..read])?;
            done += read as u64;
            progress(done);
        }
        target.sync_all()?;
        std::fs::rename(&hidden, to)
    })();
    if copied.is_err() {
        let _ = std::fs::remove_file(&hidden);
    }
    copied.map_err(failed)
}
