//! The bodies of requests, for the OpenAPI document. Handlers read bodies field by field, so that everything that is
//! wrong with one is told at once; the tests hold these shapes against what handlers take.
#![expect(dead_code, reason = "these types are described, never made")]

use utoipa::ToSchema;

/// A plan that is approved in advance.
#[derive(ToSchema)]
pub struct BuildApprovalRequest {
    /// The job's name.
    #[schema(min_length = 1)]
    job_name: String,
    /// The plan's hash.
    #[schema(min_length = 1)]
    plan_hash: String,
    /// Who approves, as a remark: who does is the caller.
    approver: String,
    /// Why.
    notes: Option<String>,
    /// Anything else.
    metadata: Option<serde_json::Map<String, serde_json::Value>>,
}

/// A question.
#[derive(ToSchema)]
pub struct AskRequest {
    /// The tenant; the same as in the headers.
    org_id: String,
    /// Who asks, as the client calls them.
    user_id: String,
    /// The question.
    #[schema(min_length = 1)]
    message: String,
    /// The conversation it belongs to.
    session_id: String,
    /// The connection asked; without one, the tenant's default.
    connection_id: Option<String>,
    /// The run that asked back.
    reply_to: Option<String>,
    /// The id of the choice that is picked of those that the run offered.
    choice: Option<String>,
    /// A semantic query to answer instead of the words, for instance an alternative that an answer offered.
    query: Option<serde_json::Map<String, serde_json::Value>>,
    /// Whether a dear query waits until whoever asks has seen what it costs; it runs otherwise.
    confirm_cost: Option<bool>,
}

/// What somebody thinks of an answer, a memo or a dashboard.
#[derive(ToSchema)]
pub struct FeedbackRequest {
    /// The tenant; the same as in the headers.
    tenant_id: String,
    /// Who thinks so, as the client calls them.
    #[schema(min_length = 1)]
    user_id: String,
    /// What it is about; of an answer, its run.
    #[schema(min_length = 1)]
    artifact_id: String,
    /// Which version of it.
    #[schema(minimum = 0)]
    artifact_version: i64,
    /// Its kind: `query` for an answer, `memo`, `dashboard`, `profile`.
    #[schema(min_length = 1)]
    artifact_type: String,
    /// `positive` or `negative`.
    feedback_type: String,
    /// In words.
    comment: Option<String>,
    /// What it was made with.
    prompt_hash: Option<String>,
    /// What its tools were given.
    tool_inputs_hash: Option<String>,
    /// The conversation.
    session_id: Option<String>,
    /// Who made it.
    provider: Option<String>,
    /// With what.
    model: Option<String>,
    /// Whether another had to stand in.
    was_fallback: Option<bool>,
    /// What was said before.
    conversation_context: Option<Vec<serde_json::Map<String, serde_json::Value>>>,
    /// Where it was said.
    channel: Option<String>,
}

/// That somebody has dealt with a mark.
#[derive(ToSchema)]
pub struct ResolveRequest {
    /// Who; without it, the caller.
    resolved_by: Option<String>,
}

/// What somebody decides about a column.
#[derive(ToSchema)]
pub struct PiiDecision {
    /// The schema that the table stands in; where there is none, the connection's name.
    #[schema(min_length = 1)]
    dataset: String,
    /// The table.
    #[schema(min_length = 1)]
    table: String,
    /// The column.
    #[schema(min_length = 1)]
    column: String,
    /// Whether it holds personal data.
    is_pii: bool,
    /// The connection; where it is not said, every one that has such a dataset.
    connection_id: Option<String>,
}

/// A run to start.
#[derive(ToSchema)]
pub struct StartRequest {
    /// The workflow: `ask`.
    #[schema(min_length = 1)]
    kind: String,
    /// What it is given, at most 256 KiB: for `ask`, `message` and, where it is not the default one, `connection_id`.
    input: serde_json::Map<String, serde_json::Value>,
    /// What it is called in lists, 1 to 200 characters; the workflow's own title unless it is said.
    title: Option<String>,
    /// The queue; the workflow's own unless it is said.
    queue: Option<String>,
    /// From -10 to 10; higher goes first. 0 unless it is said.
    #[schema(minimum = -10, maximum = 10)]
    priority: Option<i64>,
    /// How long it waits before it may begin, in seconds, at most a year.
    #[schema(minimum = 0, maximum = 31536000)]
    delay_seconds: Option<i64>,
    /// 1 to 200 characters. The tenant has at most one run of a workflow with this key: that one is answered.
    unique_key: Option<String>,
    /// 1 to 200 characters. Of the tenant's runs with this key in one queue, one goes at a time.
    concurrency_key: Option<String>,
    /// Tries before it is a dead letter; the workflow's own number unless it is said.
    #[schema(minimum = 1, maximum = 100)]
    max_attempts: Option<i64>,
}

/// How to sign in: with a token, or in development mode without one.
#[derive(ToSchema)]
pub struct SignInRequest {
    /// The token.
    token: Option<String>,
    /// `true` to be signed in without a token; development mode only.
    development: Option<bool>,
}

/// Where to act from now on.
#[derive(ToSchema)]
pub struct SwitchTenantRequest {
    /// The tenant's id.
    #[schema(min_length = 1)]
    tenant: String,
}

/// A connection to make.
#[derive(ToSchema)]
#[serde(rename_all = "lowercase", tag = "kind")]
#[expect(clippy::large_enum_variant, reason = "it is described, never made")]
pub enum NewConnectionRequest {
    /// A folder or file on the program's machine.
    Files {
        /// Its name, unique in the tenant.
        #[schema(min_length = 1)]
        name: String,
        /// The path.
        #[schema(min_length = 1)]
        path: String,
    },
    /// A PostgreSQL database.
    Postgres {
        /// Its name, unique in the tenant.
        #[schema(min_length = 1)]
        name: String,
        /// `postgres://user:password@host:port/database`; sealed, and never shown again.
        #[schema(min_length = 1)]
        url: String,
    },
    /// A bucket of an object store. Without credentials, its requests are not signed: the bucket must be public.
    #[serde(rename = "object_store")]
    ObjectStore {
        /// Its name, unique in the tenant.
        #[schema(min_length = 1)]
        name: String,
        /// `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix` or
        /// `abfss://container@account.dfs.core.windows.net/prefix`.
        #[schema(min_length = 1)]
        url: String,
        /// The server, where it is not the cloud's own: `https://minio.example.com:9000`.
        endpoint: Option<String>,
        /// The region of an S3 bucket; without one, `us-east-1`.
        region: Option<String>,
        /// The id of an S3 access key; sealed with all other credentials, and never shown again.
        access_key_id: Option<String>,
        /// The S3 access key.
        secret_access_key: Option<String>,
        /// The token that temporary S3 keys come with.
        session_token: Option<String>,
        /// The key file of a Google service account, as JSON text.
        service_account_key: Option<String>,
        /// The Azure storage account.
        account: Option<String>,
        /// The key of the Azure storage account.
        account_key: Option<String>,
        /// A shared access signature of Azure, instead of the account's key.
        sas_token: Option<String>,
    },
}

/// A data file, as it is.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct DataFile(Vec<u8>);

/// A document about a connection: its semantic model, or its access policy.
#[derive(ToSchema)]
pub struct YamlRequest {
    /// The text as YAML. A semantic model is not empty; an access policy may be.
    yaml: String,
}

/// A statement to look at.
#[derive(ToSchema)]
pub struct SqlCheckRequest {
    /// The statement.
    #[schema(min_length = 1)]
    sql: String,
    /// The connection it is for; without one, the tenant's default.
    connection_id: Option<String>,
}

/// A tenant to make.
#[derive(ToSchema)]
pub struct NewTenantRequest {
    /// 1 to 64 letters, digits, `_`, `-` or `.`, beginning with a letter or a digit.
    #[schema(min_length = 1, max_length = 64)]
    id: String,
    /// Its name for people.
    #[schema(min_length = 1)]
    name: String,
}

/// A token to make.
#[derive(ToSchema)]
pub struct NewTokenRequest {
    /// The person or service it belongs to.
    #[schema(min_length = 1)]
    subject: String,
    /// `viewer`, `member`, `operator` or `admin`.
    role: String,
    /// Days until it expires; without a number it never does.
    #[schema(minimum = 1)]
    expires_in_days: Option<u32>,
}
