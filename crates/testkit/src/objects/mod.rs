//! An object store for tests that speaks as much of S3's protocol as readers need: signed requests that are really
//! checked, lists in pages, whole objects and ranges of them.
//!
//! It listens on a free port of this machine and goes away when it is dropped. All its objects bear the same time, so
//! that nothing can tell two of them apart by it.

mod answer;
mod request;
mod signature;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use self::request::Request;

/// How the server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// As it should.
    Well,
    /// It hangs up on every request.
    Gone,
    /// It hangs up in the middle of every body.
    Torn,
    /// It sends every request to another server.
    Elsewhere(SocketAddr),
}

/// Keys of a bucket and their objects.
type Objects = BTreeMap<String, Vec<u8>>;

struct State {
    mood: Mood,
    buckets: BTreeMap<String, Objects>,
    public: BTreeSet<String>,
    /// Each request as `METHOD /path?query`.
    seen: Vec<String>,
}

/// A running server.
pub struct ObjectServer {
    address: SocketAddr,
    secret: String,
    state: Arc<Mutex<State>>,
}

impl ObjectServer {
    /// The id of the only access key.
    pub const ACCESS_KEY_ID: &'static str = "AKIATESTTESTTESTTEST";

    /// Starts a server whose access key has this secret.
    pub fn start(secret: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("no free port: {error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("no address: {error}"));
        let (buckets, public) = (BTreeMap::new(), BTreeSet::new());
        let state = Arc::new(Mutex::new(State { mood: Mood::Well, buckets, public, seen: Vec::new() }));
        let (serving, key) = (state.clone(), secret.to_owned());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // The server's own handle is gone: this connection came to wake the loop up.
                if Arc::strong_count(&serving) == 1 {
                    return;
                }
                let (state, key) = (Arc::downgrade(&serving), key.clone());
                thread::spawn(move || {
                    let _ =
                        converse(&stream, |request| state.upgrade().and_then(|state| answer(&state, &key, request)));
                });
            }
        });
        Self { address, secret: secret.to_owned(), state }
    }

    /// Its address as `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The secret of its access key.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Stores an object, and makes the bucket if need be.
    pub fn put(&self, bucket: &str, key: &str, bytes: impl Into<Vec<u8>>) {
        self.with(|state| state.buckets.entry(bucket.to_owned()).or_default().insert(key.to_owned(), bytes.into()));
    }

    /// Removes an object.
    pub fn remove(&self, bucket: &str, key: &str) {
        self.with(|state| state.buckets.get_mut(bucket).and_then(|objects| objects.remove(key)));
    }

    /// Lets unsigned requests read a bucket.
    pub fn publish(&self, bucket: &str) {
        self.with(|state| state.public.insert(bucket.to_owned()));
    }

    /// Changes how it behaves from the next request on.
    pub fn set_mood(&self, mood: Mood) {
        self.with(|state| state.mood = mood);
    }

    /// The requests since the last call, each as `METHOD /path?query`.
    pub fn take_seen(&self) -> Vec<String> {
        self.with(|state| std::mem::take(&mut state.seen))
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for ObjectServer {
    fn drop(&mut self) {
        // The loop holds the other handle; it looks at the count when somebody connects.
        self.state = Arc::new(Mutex::new(State {
            mood: Mood::Gone,
            buckets: BTreeMap::new(),
            public: BTreeSet::new(),
            seen: Vec::new(),
        }));
        let _ = TcpStream::connect(self.address);
    }
}

/// What to send for `request` and whether to go on afterwards; nothing to hang up at once.
fn answer(state: &Mutex<State>, secret: &str, request: &Request) -> Option<(Vec<u8>, bool)> {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    state.seen.push(format!("{} {}", request.method, request.target));
    let (bucket, key) = request.place();
    let allowed = match &request.authorization {
        Some(_) => signature::is_right(request, ObjectServer::ACCESS_KEY_ID, secret),
        None => state.public.contains(&bucket),
    };
    let found = match state.buckets.get(&bucket) {
        _ if !allowed => answer::refusal(403, "SignatureDoesNotMatch"),
        None => answer::refusal(404, "NoSuchBucket"),
        Some(objects) if key.is_empty() => answer::list(request, &bucket, objects),
        Some(objects) => match objects.get(&key) {
            Some(bytes) => answer::object(request, bytes),
            None => answer::refusal(404, "NoSuchKey"),
        },
    };
    match state.mood {
        Mood::Well => Some((found.bytes(&request.method, 1.0), true)),
        Mood::Torn => Some((found.bytes(&request.method, 0.5), false)),
        Mood::Elsewhere(other) => Some((answer::redirect(other, &request.target).bytes(&request.method, 1.0), true)),
        Mood::Gone => None,
    }
}

/// Answers requests until one side hangs up.
fn converse(stream: &TcpStream, mut answer: impl FnMut(&Request) -> Option<(Vec<u8>, bool)>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    while let Some(request) = Request::read(&mut reader)? {
        let Some((bytes, goes_on)) = answer(&request) else { return Ok(()) };
        writer.write_all(&bytes)?;
        if !goes_on {
            return Ok(());
        }
    }
    Ok(())
}
