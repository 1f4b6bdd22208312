//! The program's own environment variables: `PILOTHOUSE_<SECTION>__<KEY>`.

use super::error::{Error, Place};
use super::schema::{Key, keys, nearest};

/// What every variable of ours begins with.
const PREFIX: &str = "PILOTHOUSE_";
/// The variable that names the configuration file.
const FILE_VARIABLE: &str = "PILOTHOUSE_CONFIG";
/// Variables of ours that set no key: the file's path, whom the command line asks and as whom, and what the tests read.
const NO_KEYS: [&str; 5] =
    [FILE_VARIABLE, "PILOTHOUSE_SERVER", "PILOTHOUSE_TOKEN", "PILOTHOUSE_TENANT", "PILOTHOUSE_TEST_POSTGRES_URL"];

/// The configuration file that the environment names.
pub fn file_variable(env: &[(String, String)]) -> Option<&str> {
    env.iter().find(|(name, value)| name == FILE_VARIABLE && !value.is_empty()).map(|(_, value)| value.as_str())
}

/// The key that a variable sets; none where the variable is not ours, or sets none.
///
/// # Errors
/// A variable that begins like ours and is none of ours.
pub fn key_of(name: &str) -> Result<Option<&'static Key>, Error> {
    let Some(rest) = name.strip_prefix(PREFIX) else { return Ok(None) };
    if NO_KEYS.contains(&name) || is_service_link(rest) {
        return Ok(None);
    }
    if let Some(key) = keys().iter().find(|key| key.variable() == name) {
        return Ok(Some(key));
    }
    let known = keys().iter().map(Key::variable).chain([FILE_VARIABLE.to_owned()]);
    let place = Place::Variable { name: name.to_owned() };
    Err(Error::Unknown { place, name: name.to_owned(), nearest: nearest(name, known) })
}

/// Kubernetes and Docker tell every container where the service `pilothouse` is, in variables that look like ours.
fn is_service_link(rest: &str) -> bool {
    let port = rest.strip_prefix("PORT");
    rest.starts_with("SERVICE_HOST")
        || rest.starts_with("SERVICE_PORT")
        || port.is_some_and(|port| port.is_empty() || port.starts_with('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_name_keys() {
        let path = |name| key_of(name).map(|key| key.map(|key| key.path.as_str()));
        assert_eq!(path("PILOTHOUSE_SERVER__LISTEN"), Ok(Some("server.listen")));
        assert_eq!(path("PILOTHOUSE_DATA_DIR"), Ok(Some("data_dir")));
        assert_eq!(path("PILOTHOUSE_MODE"), Ok(Some("mode")));
        for name in [
            "HOME",
            "PILOTHOUSE_CONFIG",
            "PILOTHOUSE_TOKEN",
            "PILOTHOUSE_SERVICE_HOST",
            "PILOTHOUSE_PORT_8080_TCP_ADDR",
        ] {
            assert_eq!(path(name), Ok(None), "{name}");
        }
    }

    #[test]
    fn an_unknown_one_names_the_nearest() {
        let error = key_of("PILOTHOUSE_SERVER_LISTEN").unwrap_err().to_string();
        assert!(error.ends_with("did you mean `PILOTHOUSE_SERVER__LISTEN`?"), "{error}");
    }
}
