//! The release binary as a measured process, and a small HTTP client that costs little next to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use pilothouse_testkit::processes;
use tempfile::TempDir;

/// Longest wait for the program to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pause between two looks whether it answers.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// What a program is started on.
pub struct Installation<'a> {
    /// The program.
    pub binary: &'a Path,
    /// Its data folder.
    pub data: TempDir,
    /// Where its own records are; none means the data folder.
    pub database: Option<String>,
    /// Whether answers may come from results that it kept.
    pub keeps_results: bool,
}

/// A running program.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// From its start to its first 200, in milliseconds.
    pub first_answer_ms: f64,
}

/// The folder of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// Whether Cargo sets this variable for the programs that it runs.
fn is_told_by_cargo(name: &str) -> bool {
    const OTHERS: [&str; 3] = ["CARGO_CRATE_NAME", "CARGO_BIN_NAME", "CARGO_PRIMARY_PACKAGE"];
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || OTHERS.contains(&name)
}

/// Builds the release binary and returns its path.
pub fn binary() -> Result<PathBuf> {
    Ok(built(&["--bins"])?.join("pilothouse"))
}

/// Builds what `targets` select, as a release, and returns the folder that holds it.
pub fn built(targets: &[&str]) -> Result<PathBuf> {
    let mut build = Command::new("cargo");
    // Build scripts of libraries look at what Cargo tells the program that it runs, which is this one: with it, they and
    // everything above them would be built anew each time.
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_told_by_cargo(&name.to_string_lossy())) {
        build.env_remove(name);
    }
    if !build.args(["build", "--release", "--locked", "--quiet"]).args(targets).status()?.success() {
        bail!("the release binary cannot be built");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from);
    Ok(target.join("release"))
}

impl Installation<'_> {
    /// Starts the program on a free port with the sample data.
    pub fn start(&self) -> Result<Server> {
        self.start_with(&[])
    }

    /// The same with these settings, each as `KEY=VALUE`.
    pub fn start_with(&self, settings: &[String]) -> Result<Server> {
        let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let sample = repository().join("sample");
        let started = Instant::now();
        let mut command = Command::new(self.binary);
        if let Some(url) = &self.database {
            command.env("PILOTHOUSE_DATABASE__URL", url);
        }
        let child = command
            .args(["serve", "--listen", &free.to_string()])
            .arg("--data-dir")
            .arg(self.data.path())
            .args(["--set", &format!("sample.path={}", sample.join("data").display())])
            .args(["--set", &format!("sample.semantic={}", sample.join("semantic.yaml").display())])
            .args(["--set", &format!("warehouse.result_cache_mb={}", if self.keeps_results { 16 } else { 0 })])
            .args(settings.iter().flat_map(|setting| ["--set", setting]))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("the program cannot be started")?;
        let mut server = Server { child, address: free, first_answer_ms: f64::NAN };
        while started.elapsed() < PATIENCE {
            if server.connect().and_then(|mut client| client.get("/health")).is_ok_and(|(status, _)| status == 200) {
                server.first_answer_ms = started.elapsed().as_secs_f64() * 1000.0;
                return Ok(server);
            }
            std::thread::sleep(LOOK_EVERY);
        }
        bail!("the program did not answer within {} seconds", PATIENCE.as_secs())
    }
}

impl Server {
    /// A connection to it.
    pub fn connect(&self) -> Result<Client> {
        Client::to(self.address)
    }

    /// CPU time it has used, user and system, in microseconds.
    pub fn cpu_us(&self) -> Result<f64> {
        Ok(processes::cpu_us(self.child.id())?)
    }

    /// Memory that it and its query workers hold, in megabytes; what they share counts once.
    pub fn resident_of_all_mb(&self) -> Result<f64> {
        let mut kilobytes = 0.0;
        for id in processes::tree(self.child.id())? {
            let told = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup"))?;
            let line = told.lines().find(|line| line.starts_with("Pss:")).context("no Pss")?;
            kilobytes += line.split_whitespace().nth(1).context("no number")?.parse::<f64>()?;
        }
        Ok(kilobytes / 1024.0)
    }

    /// Memory that it holds, in megabytes.
    pub fn resident_mb(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
        let kilobytes: f64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
        Ok(kilobytes / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One kept-alive connection.
pub struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    /// A connection to an address.
    pub fn to(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self { reader: BufReader::new(stream) })
    }

    /// Status and body of a GET.
    pub fn get(&mut self, path: &str) -> Result<(u16, Vec<u8>)> {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
    }

    /// Status and body of a POST with a JSON body, as the development mode's admin.
    pub fn post(&mut self, path: &str, body: &str) -> Result<(u16, Vec<u8>)> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer dev_admin_token\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.send(request.as_bytes())
    }

    fn send(&mut self, request: &[u8]) -> Result<(u16, Vec<u8>)> {
        self.reader.get_mut().write_all(request)?;
        let mut line = String::new();
        self.reader.read_line(&mut line)?;
        let status = line.split_whitespace().nth(1).context("no status")?.parse()?;
        let mut length = 0;
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            let header = line.trim();
            if header.is_empty() {
                break;
            }
            if let Some((name, value)) = header.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body)?;
        Ok((status, body))
    }
}
