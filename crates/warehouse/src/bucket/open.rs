//! Makes the client of a checked bucket. Every builder gets its credentials here, so that none looks for others.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder};
use object_store::{BackoffConfig, ObjectStore, RetryConfig, StaticCredentialProvider};
use pilothouse_outbound::{Client, Options};

use super::guarded::Guarded;
use super::target::{Cloud, invalid};
use super::{BucketTarget, Credentials};
use crate::{Error, Settings};

/// Longest wait for the next byte of an answer.
const SILENCE: Duration = Duration::from_secs(15);
/// Tries after the first.
const RETRIES: usize = 2;
/// Time after the first try in which others may begin.
const RETRY_TIMEOUT: Duration = Duration::from_secs(10);
/// The shortest and the longest wait between tries.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// The HTTP client of all buckets.
pub(crate) fn client(settings: &Settings) -> Result<Client, Error> {
    let options = Options { reach: settings.reach(), timeout: SILENCE, ..Options::default() };
    Client::new(options).map_err(|error| crate::source::unreachable(&error))
}

impl BucketTarget {
    /// The bucket's client. Nothing is sent yet.
    pub(crate) fn open(&self, client: Client, settings: &Settings) -> Result<Arc<dyn ObjectStore>, Error> {
        let way = Guarded { client, allow_plain: settings.allow_private_addresses };
        match self.cloud {
            Cloud::S3 => self.s3(way),
            Cloud::Google => self.google(way),
            Cloud::Azure => self.azure(way),
        }
    }

    fn endpoint_text(&self) -> Option<String> {
        self.endpoint.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned())
    }

    fn s3(&self, way: Guarded) -> Result<Arc<dyn ObjectStore>, Error> {
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&self.name)
            .with_region(&self.region)
            .with_retry(retry())
            .with_http_connector(way);
        if let Some(endpoint) = self.endpoint_text() {
            builder = builder.with_endpoint(endpoint);
        }
        builder = match &self.credentials {
            Credentials::AccessKey { access_key_id, secret_access_key, session_token } => {
                let signed = builder.with_access_key_id(access_key_id).with_secret_access_key(secret_access_key);
                match session_token {
                    Some(token) => signed.with_token(token),
                    None => signed,
                }
            }
            _ => builder.with_skip_signature(true),
        };
        built(builder.build())
    }

    fn google(&self, way: Guarded) -> Result<Arc<dyn ObjectStore>, Error> {
        let mut builder =
            GoogleCloudStorageBuilder::new().with_bucket_name(&self.name).with_retry(retry()).with_http_connector(way);
        if let Some(endpoint) = self.endpoint_text() {
            builder = builder.with_base_url(&endpoint);
        }
        builder = match &self.credentials {
            Credentials::ServiceAccount { service_account_key } => {
                builder.with_service_account_key(service_account_key)
            }
            // Without any credentials the builder would look for those of the machine.
            _ => {
                let nobody = GcpCredential { bearer: String::new() };
                let nobody = Arc::new(StaticCredentialProvider::new(nobody));
                builder.with_skip_signature(true).with_credentials(nobody)
            }
        };
        built(builder.build())
    }

    fn azure(&self, way: Guarded) -> Result<Arc<dyn ObjectStore>, Error> {
        let mut builder = MicrosoftAzureBuilder::new()
            .with_container_name(&self.name)
            .with_account(&self.account)
            .with_retry(retry())
            .with_http_connector(way);
        if let Some(endpoint) = self.endpoint_text() {
            builder = builder.with_endpoint(endpoint);
        }
        builder = match &self.credentials {
            Credentials::AccountKey { account_key } => builder.with_access_key(account_key),
            Credentials::SasToken { sas_token } => builder.with_config(AzureConfigKey::SasKey, sas_token),
            _ => builder.with_skip_signature(true),
        };
        built(builder.build())
    }
}

fn retry() -> RetryConfig {
    let backoff = BackoffConfig { init_backoff: WAITS.0, max_backoff: WAITS.1, ..BackoffConfig::default() };
    RetryConfig { backoff, max_retries: RETRIES, retry_timeout: RETRY_TIMEOUT }
}

/// What the builder made. Its own message can repeat the key, so it is not passed on.
fn built<S: ObjectStore>(made: object_store::Result<S>) -> Result<Arc<dyn ObjectStore>, Error> {
    match made {
        Ok(store) => Ok(Arc::new(store)),
        Err(_) => Err(invalid("its credentials are not of the form that the cloud gives out")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket::{Bucket, bucket_target};

    #[tokio::test]
    async fn credentials_of_a_wrong_form_are_refused_without_repeating_them() {
        let settings = Settings { allow_private_addresses: true, ..Settings::default() };
        let bad = [
            ("gs://sales", Credentials::ServiceAccount { service_account_key: "\"hunter2\"".to_owned() }),
            ("az://sales", Credentials::AccountKey { account_key: "hunter2!".to_owned() }),
            ("az://sales", Credentials::SasToken { sas_token: "hunter2".to_owned() }),
        ];
        for (url, credentials) in bad {
            let (endpoint, account) = (Some("http://127.0.0.1:1".to_owned()), Some("acme".to_owned()));
            let bucket = Bucket { url: url.to_owned(), endpoint, region: None, account, credentials };
            let target = bucket_target(&bucket, &settings).await.unwrap();
            let refused = target.open(client(&settings).unwrap(), &settings).err().unwrap();
            assert_eq!(refused.code, pilothouse_domain::Code::BodyInvalid);
            assert!(!refused.message.contains("hunter2"));
        }
    }
}
