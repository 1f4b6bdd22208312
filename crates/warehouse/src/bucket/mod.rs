//! Object stores as sources: what a tenant says of one, what of that is believed, and how it is reached.
//!
//! It knows nothing of tables: the embedded engine lists and reads. Credentials are the ones that were given and no
//! others: neither the environment nor a machine's metadata service is asked. Read first: [`Bucket`].

mod failure;
mod guarded;
mod open;
mod target;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use failure::explain;
pub(crate) use open::client;
pub(crate) use target::location_of;
pub use target::{BucketTarget, bucket_target};

/// A bucket (Azure: a container) of an object store, as it was described. Serialised, it is what is sealed and stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`, or
    /// `abfss://container@account.dfs.core.windows.net/prefix`.
    pub url: String,
    /// The server, where it is not the cloud's own: `https://minio.example.com:9000`. For Azure with the account where
    /// the server wants it in the path.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The region of an S3 bucket; without one, `us-east-1`.
    #[serde(default)]
    pub region: Option<String>,
    /// The storage account of an Azure container.
    #[serde(default)]
    pub account: Option<String>,
    /// Who reads.
    #[serde(default)]
    pub credentials: Credentials,
}

/// Who reads a bucket. Secret but for [`Credentials::Anonymous`].
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Credentials {
    /// Nobody in particular: the bucket is public, and requests are not signed.
    #[default]
    Anonymous,
    /// An access key of S3.
    AccessKey {
        /// The key's id.
        access_key_id: String,
        /// The key.
        secret_access_key: String,
        /// The token that temporary keys come with.
        session_token: Option<String>,
    },
    /// A service account of Google Cloud.
    ServiceAccount {
        /// Its key file, as JSON text.
        service_account_key: String,
    },
    /// The key of an Azure storage account.
    AccountKey {
        /// The key, in base64.
        account_key: String,
    },
    /// A shared access signature of Azure.
    SasToken {
        /// The signature's query string.
        sas_token: String,
    },
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the URL nor the endpoint is shown: before they are checked, either may hold a secret.
        f.write_str("Bucket { .. }")
    }
}
