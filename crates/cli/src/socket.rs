//! The data folder's socket: a running server answers the command line on it. Whoever can open it is the operator, so
//! its file is for the owner of the data folder alone.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tokio::net::{UnixListener, UnixStream};

/// The socket's name in the data folder.
const FILE: &str = "pilothouse.sock";
/// Where a new socket is made, before it has its permissions and its place.
const MAKING: &str = ".socket";

/// Where the server of this data folder answers.
///
/// # Errors
/// The operating system has room for 107 bytes of a socket's path, and this one is longer.
pub fn path(data_dir: &Path) -> Result<PathBuf> {
    let path = data_dir.join(FILE);
    let fits = std::os::unix::net::SocketAddr::from_pathname(&path).is_ok();
    ensure!(
        fits,
        "the path of the socket {} is too long for the operating system: use a shorter --data-dir, or reach the server \
         with --server",
        path.display()
    );
    Ok(path)
}

/// Whether a server answers on the socket at `path`.
pub async fn is_answered(path: &Path) -> bool {
    UnixStream::connect(path).await.is_ok()
}

/// A socket of our own; its file goes when this is dropped.
pub struct Socket {
    path: PathBuf,
}

impl Socket {
    /// Listens on the data folder's socket. One that a killed server left behind is replaced; one that is answered is
    /// left alone.
    pub async fn listen(data_dir: &Path) -> Result<(UnixListener, Self)> {
        let path = path(data_dir)?;
        ensure!(!is_answered(&path).await, "another server answers on the socket of this data folder");
        let making = data_dir.join(MAKING);
        let listener = make(&making, &path).context("the socket in the data folder cannot be made")?;
        Ok((listener, Self { path }))
    }
}

/// Makes the socket where nobody else can reach it, and puts it in its place once it is the owner's alone.
fn make(making: &Path, path: &Path) -> std::io::Result<UnixListener> {
    // What a killed server left here would be in the way.
    let _ = fs::remove_dir_all(making);
    fs::DirBuilder::new().mode(0o700).create(making)?;
    let new = making.join("s");
    let listener = UnixListener::bind(&new)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600))?;
    fs::rename(&new, path)?;
    fs::remove_dir(making)?;
    Ok(listener)
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
