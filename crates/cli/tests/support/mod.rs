//! The real binary as a child process, for tests that look at it as a user would.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longest wait for the program to do what is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// The folder of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The command line with its own data folder and none of the machine's variables.
pub fn pilothouse(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pilothouse"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.current_dir(data).arg("--data-dir").arg(data.join("data"));
    command
}

/// The flags that bring the sample data.
pub fn with_sample(command: &mut Command) -> &mut Command {
    let sample = repository().join("sample");
    command
        .args(["--set", &format!("sample.path={}", sample.join("data").display())])
        .args(["--set", &format!("sample.semantic={}", sample.join("semantic.yaml").display())])
}

/// Where a program serves; as many as are needed, in any thread.
#[derive(Clone, Copy)]
pub struct Client {
    pub address: SocketAddr,
}

/// A serving program; killed when dropped.
pub struct Server {
    pub child: Child,
    pub client: Client,
}

impl std::ops::Deref for Server {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Server {
    /// Starts it on a free port and waits until it answers.
    pub fn start(data: &Path, more: &[&str]) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = pilothouse(data);
        with_sample(&mut command).args(more).args(["serve", "--listen", &free.to_string()]);
        let log = std::fs::File::create(data.join("serve.log")).unwrap();
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let server = Self { child, client: Client { address: free } };
        server.until("/health answers", || server.get("/health").is_some_and(|(status, _)| status == 200));
        server
    }

    /// Starts it with more flags and waits until the sample data can be asked.
    pub fn start_with_sample(data: &Path, more: &[&str]) -> Self {
        let server = Self::start(data, more);
        server.until("the sample data is read", || {
            server.get("/api/v1/connections").is_some_and(|(_, body)| body["items"][0]["status"] == "ready")
        });
        server
    }

    /// Looks until `seen`, or fails with the program's log.
    pub fn until(&self, what: &str, mut seen: impl FnMut() -> bool) {
        let started = Instant::now();
        while !seen() {
            assert!(started.elapsed() < PATIENCE, "it took too long until {what}");
            std::thread::yield_now();
        }
    }
}

impl Client {
    /// Status and JSON of a GET as the development mode's admin; none where nobody answers.
    pub fn get(&self, path: &str) -> Option<(u16, Value)> {
        self.request(&format!("GET {path} HTTP/1.1\r\n"), "")
    }

    /// Status and JSON of a POST as the development mode's admin.
    pub fn post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        self.request(&format!("POST {path} HTTP/1.1\r\nContent-Type: application/json\r\n"), &body.to_string())
    }

    /// Asks a question.
    pub fn ask(&self, question: &str, session: &str) -> Option<(u16, Value)> {
        self.ask_with(question, session, "X-Nothing: more")
    }

    /// Asks a question with one more header.
    pub fn ask_with(&self, question: &str, session: &str, header: &str) -> Option<(u16, Value)> {
        let body =
            serde_json::json!({"org_id": "default", "user_id": "test", "session_id": session, "message": question});
        let head = format!("POST /api/v1/agent/run HTTP/1.1\r\nContent-Type: application/json\r\n{header}\r\n");
        self.request(&head, &body.to_string())
    }

    fn request(&self, head: &str, body: &str) -> Option<(u16, Value)> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        let rest = format!(
            "Host: localhost\r\nAuthorization: Bearer dev_admin_token\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(format!("{head}{rest}").as_bytes()).ok()?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let status = line.split_whitespace().nth(1)?.parse().ok()?;
        let mut text = String::new();
        reader.read_to_string(&mut text).ok()?;
        let (_, body) = text.split_once("\r\n\r\n")?;
        Some((status, serde_json::from_str(body).unwrap_or(Value::Null)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
