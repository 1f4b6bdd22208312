//! `pilothouse connect`: makes a connection and says what it holds.

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::{connected, text_or_stdin};
use crate::args::Bucket;
use crate::client::Client;
use crate::output::{Outcome, UsageError};

/// How the URLs of databases and of buckets begin; anything else is a folder.
const DATABASES: [&str; 2] = ["postgres://", "postgresql://"];
const BUCKETS: [&str; 4] = ["s3://", "gs://", "az://", "abfss://"];

/// Makes it.
pub async fn run(client: &Client, name: &str, target: String, bucket: &Bucket) -> Result<Outcome> {
    let mut body = target_of(&text_or_stdin(target)?, client.way().is_local())?;
    body["name"] = name.into();
    if let Some(body) = body.as_object_mut() {
        body.extend(options(bucket)?);
    }
    Ok(connected(&client.post("/api/v1/connections").json(&body).send().await?))
}

/// What is asked for: the target tells by its beginning what it is.
fn target_of(target: &str, on_this_machine: bool) -> Result<Value> {
    let is_one_of = |beginnings: &[&str]| beginnings.iter().any(|beginning| target.starts_with(beginning));
    if is_one_of(&DATABASES) {
        return Ok(json!({"kind": "postgres", "url": target}));
    }
    if is_one_of(&BUCKETS) {
        return Ok(json!({"kind": "object_store", "url": target}));
    }
    // The server has a working folder of its own, so a path of this machine must say where it begins.
    let path = if on_this_machine && !target.is_empty() {
        let whole = std::path::absolute(target).context("the folder's path cannot be made whole")?;
        whole.to_string_lossy().into_owned()
    } else {
        target.to_owned()
    };
    Ok(json!({"kind": "files", "path": path}))
}

/// The fields of a bucket that are given; those of its keys come from a file, since other users of the machine can see
/// the words of a command.
fn options(bucket: &Bucket) -> Result<Map<String, Value>> {
    let mut fields = match &bucket.credentials {
        None => Map::new(),
        Some(path) => {
            let text = std::fs::read_to_string(path).context("the file of the credentials cannot be read")?;
            // The parser's own words could repeat a key.
            let object = serde_json::from_str(&text).ok();
            object.ok_or_else(|| UsageError("the file of the credentials is not a JSON object".to_owned()))?
        }
    };
    let given = [("endpoint", &bucket.endpoint), ("region", &bucket.region), ("account", &bucket.account)];
    fields.extend(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into()))));
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_tells_what_it_is() {
        assert_eq!(target_of("postgres://db/x", true).unwrap(), json!({"kind": "postgres", "url": "postgres://db/x"}));
        assert_eq!(target_of("s3://b/x", true).unwrap(), json!({"kind": "object_store", "url": "s3://b/x"}));
        assert_eq!(target_of("data/x", false).unwrap()["path"], "data/x");
        let here = std::env::current_dir().unwrap().join("data/x");
        assert_eq!(target_of("data/x", true).unwrap()["path"], here.to_str().unwrap());
    }

    #[test]
    fn keys_come_from_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let bucket = |credentials| Bucket {
            endpoint: Some("http://127.0.0.1:9000".to_owned()),
            region: None,
            account: None,
            credentials,
        };
        assert_eq!(Value::from(options(&bucket(None)).unwrap()), json!({"endpoint": "http://127.0.0.1:9000"}));
        std::fs::write(file.path(), r#"{"access_key_id": "k", "secret_access_key": "s"}"#).unwrap();
        let fields = options(&bucket(Some(file.path().to_path_buf()))).unwrap();
        assert_eq!((&fields["access_key_id"], fields.len()), (&json!("k"), 3));
        std::fs::write(file.path(), "secret_access_key=s").unwrap();
        let refused = options(&bucket(Some(file.path().to_path_buf()))).unwrap_err().to_string();
        assert!(!refused.contains("=s"), "{refused}");
    }
}
