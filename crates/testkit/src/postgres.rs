//! A PostgreSQL server for tests, from the binaries of this machine.
//!
//! The first test process starts it, the others use it, and it goes away with its data some seconds after the last one
//! has ended, however that one ended: a small shell loop waits for the lock that every user holds.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::SmallDisk;

/// A server that runs already, as a superuser's URL without parameters; then none is started.
const URL_VARIABLE: &str = "PILOTHOUSE_TEST_POSTGRES_URL";

/// The user that the server runs as when the tests run as root, which PostgreSQL refuses to.
pub(crate) const SERVER_USER: &str = "postgres";

const MISSING: &str = "these tests need PostgreSQL 15 or later and found no initdb, pg_ctl and psql in \
    /usr/lib/postgresql/*/bin or on PATH: install the Debian packages postgresql and postgresql-client \
    (apt-get install postgresql postgresql-client), or set PILOTHOUSE_TEST_POSTGRES_URL";

/// Stops the server once no test process holds `users` and none came within five seconds. `gate` keeps a new one from
/// starting in between.
const WATCH: &str = r#"
cd "$1"
while :; do
  flock users true
  sleep 5
  exec 9>gate
  flock 9
  if flock --nonblock users true; then
    rm -f url
    shift
    "$@"
    rm -rf data
    exit
  fi
  exec 9>&-
done
"#;

/// A running server.
pub struct Server {
    url: String,
    programs: PathBuf,
    /// Locked in shared mode as long as this process lives; none where the server is somebody else's.
    _in_use: Option<File>,
}

/// The server of this test run. Fails the test with a sentence where PostgreSQL is not installed.
pub fn postgres() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::find)
}

impl Server {
    /// The URL of the database `postgres`, as a superuser, without parameters.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A URL whose tables live in a fresh, empty schema of their own. `name` is lower-case letters, digits and `_`.
    pub fn schema_url(&self, name: &str) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        assert!(
            name.len() <= 30 && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_')),
            "{name:?} is no name for a schema"
        );
        let schema = format!("t_{name}_{}_{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        self.sql(&self.url, &format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}"));
        format!("{}?options=-csearch_path%3D{schema}", self.url)
    }

    /// Runs statements on `url` with psql and returns what it prints: one line per row, `|` between columns.
    pub fn sql(&self, url: &str, statements: &str) -> String {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-c", statements, url]);
        run(psql.env("PGOPTIONS", "-c client_min_messages=warning"))
    }

    fn find() -> Self {
        let programs = programs().unwrap_or_else(|| panic!("{MISSING}"));
        if let Ok(url) = std::env::var(URL_VARIABLE) {
            return Self { url, programs, _in_use: None };
        }
        let home = Home::new(&programs, "pilothouse-test-postgres");
        // Held until the server is known to run: one process starts it, the others wait here.
        let gate = lock_file(&home.folder.join("gate"));
        gate.lock().unwrap_or_else(|error| panic!("the lock of the test server: {error}"));
        let in_use = lock_file(&home.folder.join("users"));
        in_use.lock_shared().unwrap_or_else(|error| panic!("the lock of the test server: {error}"));
        let url = home.running(&programs).unwrap_or_else(|| home.start(&programs));
        Self { url, programs, _in_use: Some(in_use) }
    }
}

/// A server that one test has for itself, so that it can crash it. It goes away with its data when this is dropped.
pub struct OwnServer {
    home: Home,
    programs: PathBuf,
    port: u16,
    url: String,
}

impl OwnServer {
    /// Starts one.
    pub fn begin() -> Self {
        Self::begin_at(None)
    }

    /// Starts one whose tables are on this disk. Its log of changes is not: a server that cannot write that one stops.
    pub fn begin_on(disk: &SmallDisk) -> Self {
        Self::begin_at(Some(disk.path().join("data")))
    }

    fn begin_at(data: Option<PathBuf>) -> Self {
        let programs = programs().unwrap_or_else(|| panic!("{MISSING}"));
        let mut home = Home::new(&programs, &crate::own_name("postgres"));
        home.data = data.unwrap_or(home.data);
        let log = home.folder.join("log of changes");
        let log = log.to_str().unwrap_or_else(|| panic!("{} is no text", log.display()));
        let (password, port) = (home.initialise(&programs, &["--waldir", log]), free_port());
        home.run(&programs, port);
        let url = format!("postgres://pilothouse:{password}@127.0.0.1:{port}/postgres");
        Self { home, programs, port, url }
    }

    /// The URL of its database `postgres`, as a superuser, without parameters.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends it as a power failure would: nothing is written any more.
    pub fn crash(&self) {
        run(&mut self.home.pg_ctl(&self.programs, &["stop", "-m", "immediate", "-s"]));
    }

    /// Starts it again, and waits until it has recovered.
    pub fn start(&self) {
        self.home.run(&self.programs, self.port);
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        // It may be down already.
        let _ = self.home.pg_ctl(&self.programs, &["stop", "-m", "immediate", "-s"]).output();
        let _ = fs::remove_dir_all(&self.home.folder);
    }
}

/// The folder of a server; that of [`Server`] is shared by all test processes of one user.
struct Home {
    folder: PathBuf,
    data: PathBuf,
    as_root: bool,
}

impl Home {
    fn new(programs: &Path, name: &str) -> Self {
        let uid = run(Command::new("id").arg("-u"));
        let as_root = uid == "0";
        let server_uid = if as_root { run(Command::new("id").args(["-u", SERVER_USER])) } else { uid.clone() };
        let folder = std::env::temp_dir().join(format!("{name}-{uid}"));
        if !folder.exists() {
            // Another process may make it at the same moment; then both go on with the same folder.
            let _ = fs::create_dir(&folder);
            let _ = fs::set_permissions(&folder, fs::Permissions::from_mode(0o700));
            if as_root {
                run(Command::new("chown").arg(SERVER_USER).arg(&folder));
            }
        }
        let owner = fs::metadata(&folder).map(|found| found.uid().to_string()).unwrap_or_default();
        assert!(
            owner == server_uid || owner == uid,
            "{} belongs to somebody else: remove it, or point TMPDIR elsewhere ({})",
            folder.display(),
            programs.display()
        );
        Self { data: folder.join("data"), folder, as_root }
    }

    /// The URL of the server that another process started, if it answers.
    fn running(&self, programs: &Path) -> Option<String> {
        let url = fs::read_to_string(self.folder.join("url")).ok()?;
        let mut probe = Command::new(programs.join("psql"));
        let answered = probe.args(["-X", "-q", "-c", "SELECT 1", &url]).output().ok()?.status.success();
        answered.then_some(url)
    }

    fn start(&self, programs: &Path) -> String {
        if self.data.exists() {
            // What a killed run left behind.
            let _ = self.pg_ctl(programs, &["stop", "-m", "immediate"]).output();
            fs::remove_dir_all(&self.data).unwrap_or_else(|error| panic!("{}: {error}", self.data.display()));
        }
        let (password, port) = (self.initialise(programs, &["--no-sync"]), free_port());
        self.run(programs, port);
        let url = format!("postgres://pilothouse:{password}@127.0.0.1:{port}/postgres");
        write(&self.folder.join("url"), &url);
        self.watch(programs);
        url
    }

    /// Makes the server's data folder. Returns the password of its superuser `pilothouse`.
    fn initialise(&self, programs: &Path, options: &[&str]) -> String {
        let password = secret();
        let password_file = self.folder.join("password");
        write(&password_file, &password);
        let mut initdb = self.server_command(programs.join("initdb"));
        initdb.args(["-E", "UTF8", "-U", "pilothouse", "--auth=scram-sha-256"]).args(options).arg("--pwfile");
        run(initdb.arg(&password_file).arg("-D").arg(&self.data));
        password
    }

    /// Starts the server and waits until it answers.
    fn run(&self, programs: &Path, port: u16) {
        let settings =
            format!("-c port={port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200");
        let mut start = self.pg_ctl(programs, &["start", "-w", "-s", "-o", &settings, "-l"]);
        run(start.arg(self.folder.join("log")));
    }

    #[expect(clippy::zombie_processes, reason = "the loop outlives this process, and then init waits for it")]
    fn watch(&self, programs: &Path) {
        let stop = self.pg_ctl(programs, &["stop", "-m", "fast", "-s"]);
        Command::new("sh")
            .args(["-c", WATCH, "sh"])
            .arg(&self.folder)
            .arg(stop.get_program())
            .args(stop.get_args())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("sh: {error}"));
    }

    fn pg_ctl(&self, programs: &Path, words: &[&str]) -> Command {
        let mut command = self.server_command(programs.join("pg_ctl"));
        command.arg("-D").arg(&self.data).args(["-t", "300"]).args(words);
        command
    }

    /// `program` as the user that the server runs as.
    fn server_command(&self, program: PathBuf) -> Command {
        let mut command = if self.as_root {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", SERVER_USER, "--regid", SERVER_USER, "--clear-groups", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(&self.folder).stdin(Stdio::null());
        command
    }
}

/// The folder with the server's programs: Debian's newest, else one on PATH.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    found.sort();
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    found
        .into_iter()
        .rev()
        .map(|(_, folder)| folder)
        .chain(std::env::split_paths(&on_path))
        .find(|folder| ["initdb", "pg_ctl", "psql"].iter().all(|program| folder.join(program).exists()))
}

fn lock_file(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    options.open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A port that nobody listens at. Not one that the system gives to whoever asks for any, since a server that is down for a
/// moment would find it taken by a connection of another process.
fn free_port() -> u16 {
    let first = 20_000 + (std::process::id() % 10_000) as u16;
    (first..32_000)
        .find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap_or_else(|| panic!("no free port from {first} on"))
}

/// A password that other users of this machine cannot guess.
fn secret() -> String {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")
        .and_then(|mut source| std::io::Read::read_exact(&mut source, &mut bytes))
        .unwrap_or_else(|error| panic!("/dev/urandom: {error}"));
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a file that the server's user can read: the folder around it keeps others out.
fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
