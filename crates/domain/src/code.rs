//! Every stable error code, with its cause and its remedy. `docs/errors.md` is written from this table, and the API
//! maps each code to an HTTP status in one place of its own.

use std::fmt;

macro_rules! codes {
    ($($variant:ident = $text:literal, $cause:literal, $remedy:literal;)*) => {
        /// A stable error code: programs may depend on its text, which never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $cause] $variant,)* }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The code as text, for instance `auth.required`.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text,)* }
            }

            /// The code whose text this is.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == text)
            }

            /// What brings it about, as one sentence.
            pub fn cause(self) -> &'static str {
                match self { $(Code::$variant => $cause,)* }
            }

            /// What to do about it, as one sentence.
            pub fn remedy(self) -> &'static str {
                match self { $(Code::$variant => $remedy,)* }
            }
        }
    };
}

codes! {
    AuthRequired = "auth.required", "The request carries no token or session.",
        "Send `Authorization: Bearer ph_…` (or `X-Dash-Key`), or sign in on the page.";
    AuthInvalid = "auth.invalid", "The token or session is unknown, expired or revoked.",
        "Make a new token with `pilothouse token create` or ask an admin for one.";
    CsrfMissing = "auth.csrf", "A change was asked for by cookie without the session's CSRF token.",
        "Send the `csrf_token` of `GET /api/v1/session` in the header `X-CSRF-Token`.";
    OriginForeign = "auth.origin", "A browser sent a change from another site.",
        "Use the page that this program serves, or list the origin under `server.allowed_origins`.";
    HostForeign = "auth.host", "The request's Host is not one that this program answers to.",
        "Use one of the names under `server.allowed_hosts`, or add yours there.";
    RoleInsufficient = "role.insufficient", "The caller's role does not allow this.",
        "Ask somebody with the role that the message names.";
    RoleMissing = "role.missing", "The route needs the header X-User-Role and it is absent.",
        "Send `X-User-Role: admin|member|viewer`, or authenticate with a token.";
    RoleInvalid = "role.invalid", "The header X-User-Role names no role.",
        "Use viewer, member, operator or admin.";
    TenantMissing = "tenant.missing", "The request names no tenant where one is required.",
        "Send `X-Tenant` (or `X-Tenant-Id`).";
    TenantInvalid = "tenant.invalid", "The tenant's id is not a valid one.",
        "Use 1 to 64 letters, digits, `_`, `-` or `.`, beginning with a letter or a digit.";
    TenantConflict = "tenant.conflict", "X-Tenant and X-Tenant-Id name different tenants.",
        "Send one of the two headers, or the same tenant in both.";
    TenantMismatch = "tenant.mismatch", "The tenant of the headers is not the tenant of the request.",
        "Send the same tenant in the header and in `org_id`.";
    TenantForbidden = "tenant.forbidden", "The token has no right to the tenant that the request names.",
        "Use a token of that tenant.";
    TenantExists = "tenant.exists", "A tenant with this id exists already.", "Choose another id.";
    TenantUnknown = "tenant.unknown", "There is no tenant with this id.",
        "List the tenants with `pilothouse tenant list`.";
    NotFound = "not_found", "There is nothing at this address that the caller may know of.",
        "Check the id; things of other tenants are answered as if they did not exist.";
    MethodNotAllowed = "method_not_allowed", "The address exists, and not for this method.",
        "See the API guide for the methods of each route.";
    BodyMalformed = "body.malformed", "The body is not valid JSON.", "Send valid JSON in UTF-8.";
    BodyInvalid = "body.invalid", "A field of the body is missing or has the wrong type or value.",
        "Mend the fields that the answer names.";
    FieldRequired = "body.required", "A field that the route cannot do without is missing or empty.",
        "Send the field that the message names.";
    BodyTooLarge = "body.too_large", "The body is larger than the route takes.",
        "Send less; the limit stands in the message.";
    BodyType = "body.type", "The body was sent with another content type than the route takes.",
        "Send the content type that the message names: `application/json` for all but files.";
    QueryInvalid = "query.invalid", "A query parameter is missing or has the wrong type or value.",
        "Mend the parameters that the answer names.";
    RateLimited = "rate.limited", "The tenant or token sent more requests than its limit.",
        "Wait for the seconds that `Retry-After` gives, or raise the limit in the configuration.";
    Overloaded = "overloaded", "As many questions are waiting as this program takes.",
        "Try again after the seconds that `Retry-After` gives.";
    Unavailable = "unavailable", "A part that the request needs does not answer.",
        "See `/ready` for the part, and `pilothouse doctor` for what to do.";
    StorageFull = "storage.full", "The disk that holds the data folder is full; nothing acknowledged was lost.",
        "Free space on that disk; the program continues by itself.";
    StorageReadOnly = "storage.read_only", "The data folder cannot be written.",
        "Give the program's user the right to write to it.";
    StorageLocked = "storage.locked", "Another process uses the data folder.",
        "Wait for the other process or stop it, or use another `--data-dir`.";
    StorageNewer = "storage.newer", "The database was written by a newer version of the program.",
        "Run that version or a later one; nothing was changed.";
    ConnectionUnknown = "connection.unknown", "The tenant has no such connection.",
        "List the connections, or make one with `pilothouse connect`.";
    ConnectionExists = "connection.exists", "The tenant has a connection with this name already.",
        "Choose another name.";
    ConnectionReadOnly = "connection.read_only", "The sample data cannot be changed or removed.",
        "Make a connection of your own.";
    ConnectionFailed = "connection.failed", "The connection's data could not be read.",
        "Mend what the message names, then refresh the connection.";
    ConnectionChanged = "connection.changed", "A data file was changed or removed since the connection was read.",
        "Ask again: the connection is read anew meanwhile.";
    ConnectionRefused = "connection.refused", "The data's server refuses the connection's credentials, or they may not read it.",
        "Make the connection anew with credentials that may read the data.";
    PathForbidden = "connection.path_forbidden", "The path lies outside the folders that connections may read.",
        "Move the data, or add its folder to `warehouse.allowed_roots`.";
    AddressForbidden = "connection.address_forbidden", "The address is private and private addresses are not allowed.",
        "Set `warehouse.allow_private_addresses = true` if that server is meant.";
    FileUnreadable = "file.unreadable", "A data file is corrupt, ragged or in another encoding.",
        "Mend or remove the file that the message names.";
    SemanticInvalid = "semantic.invalid", "The semantic model is not valid.", "Mend the line that the message names.";
    PolicyInvalid = "policy.invalid", "The access policy is not valid.", "Mend the line that the message names.";
    BudgetExceeded = "exec.budget.exceeded", "A limit of money or tokens would be passed.",
        "Wait until `resets_at`, ask for less, or raise the limit under Budgets.";
    LimitUnknown = "budget.unknown", "There is no such limit that holds.",
        "List those that hold with `GET /api/v1/budgets`.";
    AiUnconfigured = "ai.unconfigured", "No model is configured.",
        "Set `LLM_API_KEY` (or `ai.api_key`), or name a provider under Models.";
    AiModelUnknown = "ai.model_unknown", "No provider of the tenant answers for this model.",
        "Ask for one of the models that `GET /api/v1/ai/providers` lists, or add it to a provider.";
    AiBlocked = "ai.blocked", "What is asked of a model, or what it answers, holds secrets or personal data.",
        "Leave out what the message names, or ask an admin to have it masked.";
    AiUnpriced = "ai.unpriced", "Nobody knows what this model costs.",
        "Write its price down with `POST /api/v1/ai/prices`, or set `ai.allow_unpriced`.";
    AiUnavailable = "ai.unavailable", "No provider answers, or those that could are left alone after many failures.",
        "Try again after `Retry-After`; `attempts` says who failed and how.";
    AiRefused = "ai.refused", "The provider refuses the request, or does not understand a part of it.",
        "Mend what the message names.";
    AiBudgetExceeded = "ai.budget_exceeded", "Asking a model would pass a limit of money or tokens.",
        "Wait until `resets_at`, ask for less, or raise the limit under Budgets.";
    AiOutputInvalid = "ai.output_invalid", "The model's answer had not the form that was asked for, twice.",
        "Make the form simpler, or ask another model.";
    DelegationUnknown = "delegation.unknown", "There is no such delegation that holds, or it is not the caller's.",
        "List those that hold with `GET /api/v1/approvals/delegations`.";
    TriageUnfit = "triage.unfit", "There is nothing to look at: no run that failed, and nothing that it printed.",
        "Name a run that failed as `build_id`, or send what was printed as `error_text`.";
    PromptInvalid = "prompt.invalid", "What is to be a prompt is none.",
        "Mend what the message names.";
    PromptUnknown = "prompt.unknown", "There is no such prompt, or no such version of it.",
        "List them with `GET /api/v1/prompts`.";
    PromptChanged = "prompt.changed", "Somebody has moved the prompt's label since it was looked at.",
        "Look where it stands now, and move it from there.";
    RulesInvalid = "rules.invalid", "The rules about what waits for people are not valid.",
        "Mend the line that the message names.";
    RulesChanged = "rules.changed", "Somebody has stored other rules since these were read.",
        "Read the present version, and make the change to that.";
    PolicyDenied = "policy.denied", "A rule does not allow the action.",
        "Ask somebody who may change the rule that the message names, or do something else.";
    ApprovalRequired = "approval.required", "A rule lets the action be done once people have agreed to it.",
        "Send the same again once the approval that `approval_id` names is given.";
    QuestionEmpty = "question.empty", "The question holds no words.", "Ask something.";
    QuestionTooLong = "question.too_long", "The question is longer than a question may be.",
        "Ask in fewer words.";
    ChoiceUnknown = "choice.unknown", "The run that is replied to offers no such choice.",
        "Use one of the ids in `data.choices` of that run.";
    QueryUnfit = "query.unfit", "The semantic query does not fit the connection's model.",
        "Send one of the alternatives that an answer offers, or mend what the message names.";
    SqlBlocked = "sql.blocked", "The SQL guard does not let the statement run.",
        "Follow the reasons and suggestions of the verdict.";
    SqlInvalid = "sql.invalid", "The statement could not be parsed or its names not resolved.",
        "Mend the place that the message names.";
    QueryTooExpensive = "sql.too_expensive", "The query would read more than one query may.",
        "Ask for less: a shorter period or fewer columns.";
    QueryTimeout = "sql.timeout", "The query took longer than one query may.",
        "Ask for less, or raise `warehouse.query_timeout_seconds`.";
    QueryMemory = "sql.memory", "The query needed more memory than one query may.",
        "Ask for less, or raise `warehouse.query_memory_mb`.";
    QueryCrashed = "sql.crashed", "The query engine broke down on this query, in a process of its own.",
        "Ask in another way; nothing else was touched. Tell the developers which query it was.";
    QueryFailed = "sql.failed", "The engine could not run the query.", "See the message; the question can be asked again.";
    PreviewUnknown = "preview.unknown", "The tenant has no such preview of a query, or somebody else has asked for it.",
        "Preview the query again; previews are kept for 30 days.";
    RunUnknown = "run.unknown", "The tenant has no such run.", "Check the id.";
    RunFinished = "run.finished", "The run has ended and cannot change any more.",
        "Start a new one, or retry it where it did not end well.";
    RunCancelled = "run.cancelled", "The run was cancelled.", "Ask again if it is still wanted.";
    RunInterrupted = "run.interrupted", "The run was cut off more often than it is tried again.",
        "See the run's steps, then start it anew.";
    RunTimedOut = "run.timed_out", "The run took longer than one attempt may.",
        "Ask for less at once, or give the run more time.";
    RunTooLarge = "run.too_large", "What the run was given or what a step returned is larger than a run may keep.",
        "Keep large data in files or tables and hand on where it is.";
    RunActive = "run.active", "The run has not ended, and this can only be done to one that has.",
        "Wait for its end, or cancel it.";
    RunDiscarded = "run.discarded", "Somebody decided that nothing is to be done about the run.",
        "Start a new one.";
    RunNotWaiting = "run.not_waiting", "The run does not wait for an approval, or no longer.",
        "See the run for what was decided.";
    ApprovalUnknown = "approval.unknown", "There is no such approval that the caller has asked for or may decide.",
        "Check the id, or list the approvals.";
    ApprovalOwn = "approval.own", "The caller asked for it and may not decide it.",
        "Somebody else decides, or `approvals.own = true` where that is meant.";
    ApprovalClosed = "approval.closed", "The approval is decided, used, revoked or expired.",
        "Look at it again; ask anew if it is still wanted.";
    ApprovalVoid = "approval.void", "What would be done is not what was shown or approved.",
        "Look at what would be done now, and decide about that.";
    BulkTooOld = "bulk.too_old", "The preview that a bulk change goes by is too old.",
        "Look again, then send the newer `as_of`.";
    QueueUnknown = "queue.unknown", "There is no such queue.", "List the queues with `pilothouse queue list`.";
    WorkflowUnsupported = "workflow.unsupported", "The program has no workflow of this type.",
        "Use the `workflow_type` of a run that is listed.";
    WorkflowUnknown = "workflow.unknown", "The program has no such workflow.", "Check the name of the workflow.";
    ScheduleUnknown = "schedule.unknown", "The tenant has no such schedule.", "Check the id.";
    ScheduleExists = "schedule.exists", "The tenant has a schedule with this name.", "Choose another name.";
    ScheduleInvalid = "schedule.invalid", "The schedule's expression, time zone or policy cannot be used.",
        "Read the message: it names the field and what is wrong with it.";
    WorkflowVersion = "run.workflow_version", "The run began with another version of its workflow.",
        "Start it anew, or run the version that the message names.";
    TokenUnknown = "token.unknown", "The tenant has no such token.", "List the tokens.";
    CredentialsUnreadable = "credentials.unreadable", "Stored credentials cannot be opened with the present key.",
        "Set ENCRYPTION_KEY to the key whose id the message names, or connect anew.";
    ConfigInvalid = "config.invalid", "The configuration has an unknown key or a wrong value.",
        "Mend what the message names; `docs/configuration.md` lists every key.";
    NotImplemented = "not_implemented", "This part is not there yet.", "See the compatibility page for what is.";
    Internal = "internal", "A fault of this program.", "Report it with the request id.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn codes_are_unique() {
        let mut texts: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Code::ALL.len());
    }
}
