//! A disk that a test fills and empties: a small tmpfs in a mount namespace of its own, so that nobody else sees it and
//! nothing is left of it, however the test ends. It is reached through the process that holds the namespace.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::postgres::SERVER_USER;

const MISSING: &str = "this test mounts a small tmpfs in a namespace of its own, which needs the Debian package \
    util-linux, and root or user namespaces (sysctl kernel.unprivileged_userns_clone=1)";

/// Mounts the disk on `$1` with `$2` MB, says so, and holds it until its input ends; as the user `$3`, if there is one.
const HOLD: &str = r#"
mount -t tmpfs -o "size=$2m,mode=0777" none "$1"
echo mounted
if [ -n "$3" ]; then exec setpriv --reuid "$3" --regid "$3" --clear-groups cat; fi
exec cat
"#;

/// How much of the file that fills the disk is written at once.
const BLOCK_BYTES: usize = 65_536;

/// The disk. It goes away when this is dropped.
pub struct SmallDisk {
    holder: Child,
    /// The empty folder that it is mounted on, where only its holder sees it.
    folder: PathBuf,
    as_root: bool,
}

impl SmallDisk {
    /// A disk of so many MB, which the user of the test's PostgreSQL server can write to as well. Fails the test with a
    /// sentence where nothing can be mounted.
    pub fn of(megabytes: u64) -> Self {
        let folder = std::env::temp_dir().join(crate::own_name("disk"));
        fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        // As root, PostgreSQL is another user, whom only a namespace without users of its own lets in.
        let as_root = fs::metadata("/proc/self").is_ok_and(|found| found.uid() == 0);
        let (alone, user) = if as_root { (None, SERVER_USER) } else { (Some("--map-root-user"), "") };
        let mut holder = Command::new("unshare");
        holder.args(alone).args(["--mount", "--", "sh", "-euc", HOLD, "sh"]).arg(&folder);
        holder.args([megabytes.to_string(), user.to_owned()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = holder.spawn().unwrap_or_else(|error| panic!("{MISSING}: {error}"));
        let mut said = String::new();
        let words = holder.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut said));
        assert!(matches!(words, Some(Ok(_))) && said == "mounted\n", "{MISSING}");
        Self { holder, folder, as_root }
    }

    /// Its folder, for everyone. A program that takes symbolic links apart by itself, as SQLite does, does not find it;
    /// such programs are for [`Self::command`].
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{}", self.holder.id(), self.folder.display()))
    }

    /// A program that sees the disk as [`Self::mounted`].
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        if !self.as_root {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.args(["--mount", "--target", &self.holder.id().to_string(), "--"]).arg(program);
        command
    }

    /// Its folder as programs of [`Self::command`] see it.
    pub fn mounted(&self) -> &Path {
        &self.folder
    }

    /// Takes every byte that is left.
    pub fn fill(&self) {
        let filled = fs::File::create(self.ballast()).and_then(|mut ballast| {
            let block = vec![0; BLOCK_BYTES];
            while ballast.write(&block)? > 0 {}
            Ok(())
        });
        match filled {
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {}
            other => panic!("a small disk was not filled: {other:?}"),
        }
    }

    /// Gives back what [`Self::fill`] took.
    pub fn make_room(&self) {
        fs::remove_file(self.ballast()).unwrap_or_else(|error| panic!("the disk cannot be emptied: {error}"));
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The mount ends with the last process in its namespace.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
        let _ = fs::remove_dir(&self.folder);
    }
}
