//! A provider of models for tests, which speaks as OpenAI's chat completions do and as Anthropic's messages, and does what it
//! is told to: answers, is slow, breaks off, refuses, and lies.
//!
//! It listens on a free port of this machine and goes away when it is dropped.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// What the server does with a request.
#[derive(Debug, Clone)]
pub enum Turn {
    /// It says these words, and that it used so many tokens: sent and received.
    Says(String, Option<(u64, u64)>),
    /// It answers with this JSON.
    Answers(Value),
    /// It refuses with this status, and asks to wait for so many seconds.
    Refuses(u16, Option<u64>),
    /// It says nothing for so long, and then hangs up.
    IsSilent(Duration),
    /// It hangs up at once.
    HangsUp,
    /// It says these words and hangs up before the end.
    BreaksOff(String),
    /// It answers with something that is no JSON.
    Babbles,
}

impl Turn {
    /// It says these words and what is true of them.
    pub fn says(words: &str) -> Self {
        Self::Says(words.to_owned(), Some((7, words.len().div_ceil(4) as u64)))
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The path.
    pub path: String,
    /// The key.
    pub key: String,
    /// The body.
    pub body: Value,
}

/// What is done with a request, by its body.
type Choose = Box<dyn Fn(&Value) -> Turn + Send>;

#[derive(Default)]
struct State {
    turns: VecDeque<Turn>,
    always: Option<Choose>,
    heard: Vec<Heard>,
}

/// A running server.
pub struct ModelServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl ModelServer {
    /// Starts a server that says `pong` until it is told otherwise.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("no free port: {error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("no address: {error}"));
        let state = Arc::new(Mutex::new(State::default()));
        let serving = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // The server's own handle is gone: this connection came to wake the loop up.
                if Arc::strong_count(&serving) == 1 {
                    return;
                }
                let state = serving.clone();
                thread::spawn(move || {
                    let _ = converse(&stream, &state);
                });
            }
        });
        Self { address, state }
    }

    /// Its address as `http://127.0.0.1:PORT/v1`.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What it does with the next requests, one after the other.
    pub fn then(&self, turns: impl IntoIterator<Item = Turn>) {
        self.with(|state| state.turns.extend(turns));
    }

    /// What it does with every request that it was told nothing about.
    pub fn always(&self, turn: Turn) {
        self.always_by(move |_| turn.clone());
    }

    /// The same, by the body of the request.
    pub fn always_by(&self, choose: impl Fn(&Value) -> Turn + Send + 'static) {
        self.with(|state| state.always = Some(Box::new(choose)));
    }

    /// The requests since the last call.
    pub fn take_heard(&self) -> Vec<Heard> {
        self.with(|state| std::mem::take(&mut state.heard))
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        // The loop holds another handle; it looks at the count when somebody connects.
        self.state = Arc::default();
        let _ = TcpStream::connect(self.address);
    }
}

fn converse(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(heard) = read(&mut reader)? {
        let is_stream = heard.body["stream"] == true;
        let is_anthropic = heard.path.ends_with("/messages");
        let turn = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            let next = state.turns.pop_front();
            let always = || state.always.as_ref().map(|choose| choose(&heard.body));
            let turn = next.or_else(always).unwrap_or_else(|| Turn::says("pong"));
            state.heard.push(heard);
            turn
        };
        if !answer(stream, turn, is_stream, is_anthropic)? {
            return Ok(());
        }
    }
    Ok(())
}

fn read(reader: &mut BufReader<&TcpStream>) -> std::io::Result<Option<Heard>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut length, mut key) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap_or(0),
            "authorization" => value.trim_start_matches("Bearer ").clone_into(&mut key),
            "x-api-key" => value.clone_into(&mut key),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Heard { path, key, body: serde_json::from_slice(&body).unwrap_or_default() }))
}

/// Does what the turn says; whether the connection goes on.
fn answer(mut out: impl Write, turn: Turn, is_stream: bool, is_anthropic: bool) -> std::io::Result<bool> {
    match turn {
        Turn::Says(words, used) => match (is_stream, is_anthropic) {
            (false, false) => whole(&mut out, &completion(&words, used)),
            (false, true) => whole(&mut out, &message(&words, used)),
            (true, false) => {
                let (first, rest) = words.split_at(words.len() / 2);
                let mut parts = vec![chunk(first), chunk(rest)];
                parts.push(
                    json!({"model": "double-1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
                );
                parts.extend(used.map(|used| json!({"model": "double-1", "choices": [], "usage": usage(used)})));
                streamed(&mut out, &parts, true)
            }
            (true, true) => panic!("this double has no stream of Anthropic's"),
        },
        Turn::Answers(value) => whole(&mut out, &value),
        Turn::Refuses(status, wait) => {
            let wait = wait.map(|seconds| format!("retry-after: {seconds}\r\n")).unwrap_or_default();
            let body = json!({"error": {"message": format!("refused with {status}"), "type": "double"}}).to_string();
            write!(out, "HTTP/1.1 {status} No\r\n{wait}content-length: {}\r\n\r\n{body}", body.len())?;
            Ok(true)
        }
        Turn::IsSilent(time) => {
            thread::sleep(time);
            Ok(false)
        }
        Turn::HangsUp => Ok(false),
        Turn::BreaksOff(words) if is_stream => streamed(&mut out, &[chunk(&words)], false),
        Turn::BreaksOff(words) => {
            let body = completion(&words, None).to_string();
            write!(out, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{}", body.len(), &body[..body.len() / 2])?;
            Ok(false)
        }
        Turn::Babbles => {
            let body = "<html>I am a proxy</html>";
            write!(out, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())?;
            Ok(true)
        }
    }
}

fn whole(out: &mut impl Write, value: &Value) -> std::io::Result<bool> {
    let body = value.to_string();
    let length = body.len();
    // In one piece, as servers send it.
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}");
    out.write_all(answer.as_bytes())?;
    Ok(true)
}

fn streamed(out: &mut impl Write, parts: &[Value], is_all: bool) -> std::io::Result<bool> {
    out.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")?;
    let done = is_all.then(|| "data: [DONE]\n\n".to_owned());
    for event in parts.iter().map(|part| format!("data: {part}\n\n")).chain(done) {
        out.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes())?;
    }
    if is_all {
        out.write_all(b"0\r\n\r\n")?;
    }
    Ok(is_all)
}

fn usage((input, output): (u64, u64)) -> Value {
    json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input.saturating_add(output)})
}

fn completion(words: &str, used: Option<(u64, u64)>) -> Value {
    let message = json!({"role": "assistant", "content": words});
    let mut told = json!({"id": "double", "object": "chat.completion", "model": "double-1",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]});
    if let Some(used) = used {
        told["usage"] = usage(used);
    }
    told
}

fn message(words: &str, used: Option<(u64, u64)>) -> Value {
    let (input, output) = used.unwrap_or_default();
    json!({"model": "double-a", "role": "assistant", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": words}], "usage": {"input_tokens": input, "output_tokens": output}})
}

fn chunk(words: &str) -> Value {
    json!({"model": "double-1", "choices": [{"index": 0, "delta": {"content": words}, "finish_reason": null}]})
}
