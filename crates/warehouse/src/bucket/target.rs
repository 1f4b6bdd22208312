//! Checks what was said of a bucket: its names are names, its server may be reached, and its credentials are of the
//! right cloud. What goes into a host name is checked letter by letter, since a slash there would name another host.

use object_store::path::Path;
use pilothouse_domain::Code;
use url::Url;

use super::{Bucket, Credentials};
use crate::source::unreachable;
use crate::{Error, Settings};

/// Least and most characters of a bucket's name.
const NAME_CHARS: (usize, usize) = (3, 222);
/// Most characters of a region or an account.
const MAX_LABEL_CHARS: usize = 63;
/// The region of S3 buckets that name none.
const DEFAULT_REGION: &str = "us-east-1";
/// What the hosts of `abfss://` URLs end with, after the account.
const ABFSS_SUFFIX: &str = ".dfs.core.windows.net";

/// Whose protocol a bucket speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cloud {
    /// Amazon S3 and what speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

/// A bucket whose description was checked and whose server may be reached.
#[derive(Clone)]
pub struct BucketTarget {
    pub(crate) cloud: Cloud,
    pub(crate) name: String,
    pub(crate) prefix: Path,
    pub(crate) endpoint: Option<Url>,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) credentials: Credentials,
}

impl BucketTarget {
    /// Where it is, without credentials: `s3://bucket/prefix`, and the server where it is not the cloud's own.
    pub fn location(&self) -> String {
        let scheme = match self.cloud {
            Cloud::S3 => "s3",
            Cloud::Google => "gs",
            Cloud::Azure => "az",
        };
        let mut text = format!("{scheme}://{}", self.name);
        if !self.prefix.as_ref().is_empty() {
            text = format!("{text}/{}", self.prefix);
        }
        match (&self.endpoint, self.cloud) {
            (Some(endpoint), _) => format!("{text} at {}", host_and_port(endpoint)),
            (None, Cloud::Azure) => format!("{text} at {}", self.account),
            (None, _) => text,
        }
    }

    /// The address that requests go to.
    fn server(&self) -> String {
        match (&self.endpoint, self.cloud) {
            (Some(endpoint), _) => endpoint.to_string(),
            (None, Cloud::S3) => format!("https://s3.{}.amazonaws.com", self.region),
            (None, Cloud::Google) => "https://storage.googleapis.com".to_owned(),
            (None, Cloud::Azure) => format!("https://{}.blob.core.windows.net", self.account),
        }
    }
}

/// Parses and checks `bucket`, and resolves its server to see that it may be reached.
///
/// # Errors
/// `body.invalid` for what is no bucket, `connection.address_forbidden` for a server that may not be reached, and
/// `connection.failed` (worth a retry) for one whose name cannot be resolved.
pub async fn bucket_target(bucket: &Bucket, settings: &Settings) -> Result<BucketTarget, Error> {
    let target = parse(bucket)?;
    let server = Url::parse(&target.server()).map_err(|_| invalid("the endpoint cannot be parsed"))?;
    // A request in the clear shows its data to the whole way, so it stays within networks that are trusted anyway.
    if server.scheme() == "http" && !settings.allow_private_addresses {
        return Err(Error::new(
            Code::AddressForbidden,
            "The endpoint must begin with https:// (http:// needs the setting warehouse.allow_private_addresses).",
        ));
    }
    let host = server.host_str().unwrap_or_default();
    let port = server.port_or_known_default().unwrap_or_default();
    pilothouse_outbound::resolve(host, port, settings.reach()).await.map_err(|error| unreachable(&error))?;
    Ok(target)
}

/// Where a bucket is, without looking whether it may be reached; none where that cannot be read.
pub fn location_of(bucket: &Bucket) -> Option<String> {
    parse(bucket).ok().map(|target| target.location())
}

fn parse(bucket: &Bucket) -> Result<BucketTarget, Error> {
    let url = Url::parse(bucket.url.trim()).map_err(|_| invalid("its URL cannot be parsed"))?;
    let cloud = match url.scheme() {
        "s3" => Cloud::S3,
        "gs" => Cloud::Google,
        "az" | "abfss" => Cloud::Azure,
        _ => return Err(invalid("it must begin with s3://, gs://, az:// or abfss://")),
    };
    let (name, account) = names(&url, bucket.account.as_deref())?;
    if name.len() < NAME_CHARS.0 || !is_label(&name, "._-", NAME_CHARS.1) {
        return Err(invalid("a bucket's name has 3 to 222 small letters, digits, dots, dashes and underscores"));
    }
    if cloud == Cloud::Azure && !is_label(&account, "", MAX_LABEL_CHARS) {
        return Err(invalid("an Azure container needs its account, of small letters and digits"));
    }
    let region = bucket.region.as_deref().filter(|region| !region.is_empty()).unwrap_or(DEFAULT_REGION);
    if !is_label(region, "-", MAX_LABEL_CHARS) {
        return Err(invalid("a region has small letters, digits and dashes"));
    }
    let prefix = Path::from_url_path(url.path()).map_err(|_| invalid("its prefix is not a usable path"))?;
    fits(cloud, &bucket.credentials)?;
    let (region, credentials) = (region.to_owned(), bucket.credentials.clone());
    let endpoint = bucket.endpoint.as_deref().filter(|endpoint| !endpoint.is_empty()).map(endpoint).transpose()?;
    Ok(BucketTarget { cloud, name, prefix, endpoint, region, account, credentials })
}

/// The names of the bucket and of the account, which is empty where there is none.
fn names(url: &Url, account: Option<&str>) -> Result<(String, String), Error> {
    let host = url.host_str().unwrap_or_default();
    if url.password().is_some() || url.query().is_some() || url.fragment().is_some() || url.port().is_some() {
        return Err(invalid("its URL has only a scheme, a name and a path; credentials have fields of their own"));
    }
    if url.scheme() == "abfss" {
        let named = host.strip_suffix(ABFSS_SUFFIX).unwrap_or_default();
        if account.is_some_and(|account| account != named) {
            return Err(invalid("its URL and its account name different accounts"));
        }
        return Ok((url.username().to_owned(), named.to_owned()));
    }
    if !url.username().is_empty() {
        return Err(invalid("its URL holds credentials, which have fields of their own"));
    }
    Ok((host.to_owned(), account.unwrap_or_default().to_owned()))
}

/// Whether `text` is of small letters, digits and `also`, begins with a letter or digit, and is not too long.
fn is_label(text: &str, also: &str, max_chars: usize) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= max_chars && text.starts_with(plain) && text.chars().all(|c| plain(c) || also.contains(c))
}

fn fits(cloud: Cloud, credentials: &Credentials) -> Result<(), Error> {
    let right = match credentials {
        Credentials::Anonymous => true,
        Credentials::AccessKey { .. } => cloud == Cloud::S3,
        Credentials::ServiceAccount { .. } => cloud == Cloud::Google,
        Credentials::AccountKey { .. } | Credentials::SasToken { .. } => cloud == Cloud::Azure,
    };
    if right { Ok(()) } else { Err(invalid("its credentials are of another cloud than its URL")) }
}

fn endpoint(text: &str) -> Result<Url, Error> {
    let url = Url::parse(text.trim()).map_err(|_| invalid("the endpoint cannot be parsed"))?;
    let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if !matches!(url.scheme(), "http" | "https") || url.fragment().is_some() || !bare {
        return Err(invalid("the endpoint is http:// or https://, a host, a port and nothing secret"));
    }
    Ok(url)
}

fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

pub(super) fn invalid(why: &str) -> Error {
    Error::new(Code::BodyInvalid, format!("Not a usable object store: {why}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(url: &str) -> Bucket {
        Bucket { url: url.to_owned(), endpoint: None, region: None, account: None, credentials: Credentials::Anonymous }
    }

    fn azure(url: &str, account: &str) -> Bucket {
        Bucket { account: Some(account.to_owned()), ..bucket(url) }
    }

    #[test]
    fn buckets_are_named_by_their_urls() {
        for (given, location, server) in [
            (bucket("s3://sales/2024/q1"), "s3://sales/2024/q1", "https://s3.us-east-1.amazonaws.com"),
            (bucket("gs://sales"), "gs://sales", "https://storage.googleapis.com"),
            (azure("az://sales/x", "acme"), "az://sales/x at acme", "https://acme.blob.core.windows.net"),
            (
                bucket("abfss://sales@acme.dfs.core.windows.net/x/"),
                "az://sales/x at acme",
                "https://acme.blob.core.windows.net",
            ),
        ] {
            let target = parse(&given).unwrap();
            assert_eq!((target.location().as_str(), target.server().as_str()), (location, server));
        }
        let own = Bucket { endpoint: Some("http://127.0.0.1:9000/".to_owned()), ..bucket("s3://sales/a b") };
        assert_eq!(parse(&own).unwrap().location(), "s3://sales/a b at 127.0.0.1:9000");
    }

    #[test]
    fn what_could_name_another_host_or_hold_a_secret_is_refused_without_repeating_it() {
        let with_region = |region: &str| Bucket { region: Some(region.to_owned()), ..bucket("s3://sales") };
        let with_endpoint = |endpoint: &str| Bucket { endpoint: Some(endpoint.to_owned()), ..bucket("s3://sales") };
        for bad in [
            bucket("https://sales.example.com"),
            bucket("s3://key:hunter2@sales"),
            bucket("s3://hunter2@sales"),
            bucket("s3://sales?hunter2"),
            bucket("s3://x"),
            bucket("s3://../sales"),
            bucket("s3://sal%2fes"),
            azure("az://sales", "acme.example.com/hunter2"),
            bucket("az://sales"),
            bucket("abfss://sales@acme.example.com/x"),
            with_region("eu@example.com/hunter2"),
            with_region("eu.example.com"),
            with_endpoint("ftp://127.0.0.1"),
            with_endpoint("https://ada:hunter2@example.com"),
            with_endpoint("https://example.com/?hunter2"),
        ] {
            let refused = parse(&bad).err().unwrap_or_else(|| unreachable!("{} was taken", bad.url));
            assert_eq!(refused.code, Code::BodyInvalid, "{}", bad.url);
            assert!(!refused.message.contains("hunter2") && !format!("{bad:?}").contains("hunter2"));
        }
    }

    #[test]
    fn credentials_belong_to_one_cloud() {
        let key = Credentials::AccountKey { account_key: "aGk=".to_owned() };
        assert!(parse(&Bucket { credentials: key.clone(), ..bucket("s3://sales") }).is_err());
        assert!(parse(&Bucket { credentials: key, ..azure("az://sales", "acme") }).is_ok());
    }

    #[tokio::test]
    async fn private_servers_and_plain_http_need_the_setting() {
        let open = Settings { allow_private_addresses: true, ..Settings::default() };
        for endpoint in ["https://127.0.0.1:9000", "http://8.8.8.8", "https://169.254.169.254", "https://[::1]"] {
            let given = Bucket { endpoint: Some(endpoint.to_owned()), ..bucket("s3://sales") };
            let refused = bucket_target(&given, &Settings::default()).await.err().unwrap();
            assert_eq!(refused.code, Code::AddressForbidden, "{endpoint}");
            assert!(bucket_target(&given, &open).await.is_ok(), "{endpoint}");
        }
    }
}
