//! Traces: what a collector gets from the program, and that nothing is sent where none is configured.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[expect(dead_code, reason = "each test binary uses its own part of the support")]
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};

use support::Server;

/// The trace and span that a caller names, as `traceparent` has them.
const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN_ID: &str = "b7ad6b7169203331";

/// Answers every export with 200 and hands over its path and body.
fn collector() -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let tell = tell.clone();
            std::thread::spawn(move || exports(stream.unwrap(), |export| tell.send(export).is_ok()));
        }
    });
    (address, told)
}

/// Reads the exports of one connection until it ends.
fn exports(mut stream: TcpStream, mut tell: impl FnMut((String, Vec<u8>)) -> bool) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let (mut path, mut length) = (String::new(), 0);
        for line in reader.by_ref().lines() {
            let line = line.unwrap_or_default();
            if path.is_empty() {
                path = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        if path.is_empty() || reader.read_exact(&mut body).is_err() || !tell((path, body)) {
            return;
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
    }
}

fn holds(body: &[u8], wanted: &[u8]) -> bool {
    body.windows(wanted.len()).any(|window| window == wanted)
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// Asks the program to stop, and says whether it ended well.
fn ends_cleanly(server: &mut Server) -> bool {
    let pid = server.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    server.child.wait().unwrap().success()
}

#[test]
fn a_question_is_one_trace_below_its_callers() {
    let (address, told) = collector();
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &["--set", &format!("telemetry.otlp_endpoint={address}")]);
    let ready = || server.get("/api/v1/connections").is_some_and(|(_, body)| body["items"][0]["status"] == "ready");
    server.until("the sample data is read", ready);
    let parent = format!("traceparent: 00-{TRACE_ID}-{SPAN_ID}-01");
    let (status, _) = server.ask_with("How many flights were there in February?", "s1", &parent).unwrap();
    assert_eq!(status, 200);
    assert!(ends_cleanly(&mut server), "what is left is exported before the program ends");
    let sent: Vec<_> = told.try_iter().collect();
    assert!(sent.iter().all(|(path, _)| path == "/v1/traces"), "{sent:?}");
    let body: Vec<u8> = sent.into_iter().flat_map(|(_, body)| body).collect();
    for name in ["POST /api/v1/agent/run", "run ask", "planner", "composer", "GET /api/v1/connections"] {
        assert!(holds(&body, name.as_bytes()), "no span is named {name}");
    }
    assert!(holds(&body, &bytes(SPAN_ID)), "the request is below the caller's span");
    let of_the_caller = body.windows(16).filter(|window| *window == bytes(TRACE_ID)).count();
    assert_eq!(of_the_caller, 7, "the request, its run and the five steps are one trace");
    assert!(!holds(&body, b"How many flights"), "what people ask is not exported");
}

#[test]
fn a_collector_that_is_gone_stops_nothing() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &["--set", &format!("telemetry.otlp_endpoint=http://{free}")]);
    assert_eq!(server.get("/api/v1/health/live").unwrap().0, 200);
    assert!(ends_cleanly(&mut server));
}
