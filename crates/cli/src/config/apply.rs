//! How a variable of the originals becomes settings of ours.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use toml::Value;

use super::aliases::{Alias, Effect, TABLE, Turn};
use super::error::{Error, Place};
use super::layers::{Draft, NoteKind};
use super::schema::key;
use super::value::{flag, list, number, whole};

/// Requests a minute where only `COPILOT_RATE_LIMIT_ENABLED` is set: the data platform copilot's own default.
const PLATFORM_REQUESTS: i64 = 120;

/// Applies every variable of [`TABLE`] that the environment has, in the table's order, so that a later row wins.
pub fn aliases(draft: &mut Draft, env: &[(String, String)]) -> Result<(), Error> {
    for alias in TABLE {
        let found = env.iter().find(|(name, value)| name == alias.name && !value.trim().is_empty());
        let Some((_, value)) = found else { continue };
        match alias.effect {
            Effect::Sets(path, turn) => {
                let turned = turn_into(draft, alias, path, turn, value.trim());
                let place = Place::Variable { name: alias.name.to_owned() };
                turned.map_err(|expected| Error::Value { place, key: path.to_owned(), expected })?;
            }
            Effect::ReadElsewhere => draft.note(alias.name, NoteKind::ReadElsewhere, alias.about),
            Effect::Later(what) => {
                draft.note(alias.name, NoteKind::Later, format!("It has no effect yet ({what}). {}", alias.about));
            }
            Effect::None => draft.note(alias.name, NoteKind::NotNeeded, alias.about),
        }
    }
    Ok(())
}

/// What a variable's value takes, where it cannot be used.
type Expected = String;

fn turn_into(draft: &mut Draft, alias: &Alias, path: &str, turn: Turn, text: &str) -> Result<(), Expected> {
    let name = alias.name;
    let place = || Place::Variable { name: name.to_owned() };
    let value = match turn {
        Turn::Same => same(path, text)?,
        Turn::Database => Value::String(database(text)?),
        Turn::Port => match port(draft, text)? {
            Some(listen) => listen,
            None => {
                draft.note(name, NoteKind::Unusable, "It is a container platform's service link, and was left alone.");
                return Ok(());
            }
        },
        Turn::Host => match host(draft, text) {
            Some(listen) => listen,
            None => {
                draft.note(name, NoteKind::Unusable, "It is not an IP address, and was left alone.");
                return Ok(());
            }
        },
        Turn::Mode => match mode(draft, text) {
            Ok(mode) => mode,
            Err(why) => {
                draft.note(name, NoteKind::Unusable, why);
                return Ok(());
            }
        },
        Turn::Origins if text == "*" => {
            draft.note(name, NoteKind::Unusable, "A star would let every site ask for changes: list the origins.");
            return Ok(());
        }
        Turn::Origins => Value::Array(list(text).map(|one| one.trim_end_matches('/').into()).collect()),
        Turn::Level => level(text)?.into(),
        Turn::Seconds => seconds(text)?,
        Turn::Requests => {
            draft.set("limits.enabled", Value::Boolean(true), place());
            positive(text)?
        }
        Turn::PerMinute => {
            let requests = positive(text)?;
            draft.set("limits.enabled", Value::Boolean(true), place());
            draft.set("limits.window_seconds", Value::Integer(60), place());
            requests
        }
        Turn::Limiting => {
            let on = flag(text).ok_or("1 or 0")?;
            if on && draft.get("limits.requests").is_none() {
                draft.set("limits.requests", Value::Integer(PLATFORM_REQUESTS), place());
            }
            Value::Boolean(on)
        }
    };
    draft.set(path, value, place());
    // Host and port make one key together, so neither overrides the other.
    if !matches!(turn, Turn::Host | Turn::Port) {
        draft.honour(name, path);
    }
    Ok(())
}

fn same(path: &str, text: &str) -> Result<Value, Expected> {
    let kind = key(path).map(|key| &key.kind).ok_or("no value: its key is gone")?;
    kind.parse(text).ok_or_else(|| kind.expected())
}

/// A level of the originals' logging libraries; a word that is none would silence the log, so it is refused.
fn level(text: &str) -> Result<&'static str, Expected> {
    match text.to_ascii_lowercase().as_str() {
        "critical" | "fatal" | "error" => Ok("error"),
        "warning" | "warn" => Ok("warn"),
        "info" | "notice" => Ok("info"),
        "debug" => Ok("debug"),
        "trace" | "notset" => Ok("trace"),
        _ => Err("error, warn, info, debug or trace".to_owned()),
    }
}

fn positive(text: &str) -> Result<Value, Expected> {
    let number = whole(text).filter(|number| *number > 0).ok_or("a whole number of at least 1")?;
    Ok(Value::Integer(number))
}

/// Seconds with or without a fraction, as whole ones.
fn seconds(text: &str) -> Result<Value, Expected> {
    let number = number(text).filter(|number| (1.0..=1e9).contains(number));
    let number = number.ok_or("a number of seconds of at least 1")?;
    Ok(Value::Integer(number.round() as i64))
}

/// The address to listen on as far as the layers before have set it; none where what they set is no address.
fn listen(draft: &Draft) -> Option<SocketAddr> {
    match draft.get("server.listen") {
        Some(set) => set.as_str()?.parse().ok(),
        None => Some(pilothouse_api::Settings::default().listen),
    }
}

fn port(draft: &Draft, text: &str) -> Result<Option<Value>, Expected> {
    if text.starts_with("tcp://") {
        return Ok(None);
    }
    let port: u16 = text.parse().map_err(|_| "a port: its last part is 0 to 65535")?;
    // An address in the file that is none is left to be refused with its own place.
    Ok(listen(draft).map(|listen| Value::String(SocketAddr::new(listen.ip(), port).to_string())))
}

fn host(draft: &Draft, text: &str) -> Option<Value> {
    let ip = if text == "localhost" { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { text.parse().ok()? };
    Some(Value::String(SocketAddr::new(ip, listen(draft)?.port()).to_string()))
}

fn mode(draft: &Draft, text: &str) -> Result<Value, &'static str> {
    if draft.get("mode").is_some() {
        return Err("`mode` is set in the configuration file, which decides.");
    }
    match text.to_ascii_lowercase().as_str() {
        "prod" | "production" | "live" | "staging" => Ok(Value::String("production".to_owned())),
        "dev" | "development" | "local" | "test" | "testing" | "ci" => {
            Err("It asks for what is the default on a loopback address.")
        }
        _ => Err("It names neither production nor development, and was left alone."),
    }
}

/// A database URL as the originals' libraries write it, as ours: `postgresql+driver://…`, `sqlite:///relative` and
/// `sqlite:////absolute`.
fn database(text: &str) -> Result<String, Expected> {
    let takes = || "a URL that begins with postgres://, postgresql:// or sqlite:".to_owned();
    let (scheme, rest) = text.split_once(':').ok_or_else(takes)?;
    let engine = scheme.split_once('+').map_or(scheme, |(engine, _)| engine);
    match engine.to_ascii_lowercase().as_str() {
        "postgres" | "postgresql" => Ok(format!("postgres:{rest}")),
        "sqlite" => {
            let path = rest.strip_prefix("///").or_else(|| rest.strip_prefix("//")).unwrap_or(rest);
            if path.is_empty() { Err(takes()) } else { Ok(format!("sqlite:{path}")) }
        }
        _ => Err(takes()),
    }
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
