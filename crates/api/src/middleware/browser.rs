//! What keeps other sites' pages out: loopback is no wall against a browser, which carries requests for whoever wrote
//! the page it shows. So the `Host` must be one of ours, and a change must not come from a foreign `Origin`.

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method};
use pilothouse_domain::Code;

use crate::error::Failure;
use crate::operator::is_operator;
use crate::state::State;

/// Lets the request on, or refuses it.
pub fn check(state: &State, request: &Request) -> Result<(), Failure> {
    // No browser reaches the operator's own way in.
    if is_operator(request.extensions()) {
        return Ok(());
    }
    let host = host_of(request);
    if !host.is_some_and(|host| host_allowed(state, host)) {
        return Err(Failure::new(Code::HostForeign, "This program does not answer to that host name."));
    }
    let is_change = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if is_change && !origin_allowed(state, request.headers(), host) {
        return Err(Failure::new(Code::OriginForeign, "Changes may not be asked for from another site."));
    }
    Ok(())
}

fn host_of(request: &Request) -> Option<&str> {
    let header = request.headers().get(HOST).and_then(|value| value.to_str().ok());
    header.or_else(|| request.uri().authority().map(|authority| authority.as_str()))
}

fn host_allowed(state: &State, host: &str) -> bool {
    let name = without_port(host);
    let listen = state.settings.listen.ip();
    let is_loopback_name = ["localhost", "127.0.0.1", "[::1]"].iter().any(|known| name.eq_ignore_ascii_case(known));
    let is_own_address = name.trim_matches(['[', ']']).parse() == Ok(listen);
    // The loopback names only stand for this program where it listens on loopback.
    (is_loopback_name && (listen.is_loopback() || listen.is_unspecified()))
        || is_own_address
        || state.settings.allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn origin_allowed(state: &State, headers: &HeaderMap, host: Option<&str>) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        // Browsers send Origin with every change; clients that are no browsers send neither of the two.
        let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
        return site.is_none_or(|site| matches!(site, "same-origin" | "none"));
    };
    let Ok(origin) = origin.to_str() else { return false };
    if state.settings.allowed_origins.iter().any(|allowed| allowed == origin) {
        return true;
    }
    let own = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    own.is_some_and(|own| Some(own) == host)
}

#[cfg(test)]
mod tests {
    use super::without_port;

    #[test]
    fn ports_are_taken_off() {
        for (host, name) in
            [("localhost:8080", "localhost"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]"), ("a.example", "a.example")]
        {
            assert_eq!(without_port(host), name);
        }
    }
}
