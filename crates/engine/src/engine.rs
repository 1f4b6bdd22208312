//! The engine's handle: start a run, watch it, wait for it, cancel it.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use pilothouse_domain::run::Status;
use pilothouse_domain::{Clock, Code, Ids, Micros, RunId, TenantId};
use pilothouse_store::runs::{self, Enqueued, NewRun, Run, RunFilter};
use pilothouse_store::{Error, Store, Tx};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::events::{self, LiveRuns};
use crate::{EventStream, Registry};

/// How this process works on runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// Runs worked on side by side.
    pub concurrency: usize,
    /// How long a worker may be silent before its run is given to another.
    pub lease: Duration,
    /// How long a stopping process waits for its runs.
    pub drain: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { concurrency: 16, lease: Duration::from_secs(10), drain: Duration::from_secs(10) }
    }
}

/// What is asked of the engine.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which workflow.
    pub kind: &'static str,
    /// Who asks.
    pub subject: String,
    /// What the run is called in lists.
    pub title: String,
    /// The workflow's input, as JSON.
    pub input: String,
    /// The conversation it belongs to, if any.
    pub conversation: Option<String>,
    /// Runs of one tenant and kind with the same key are the same run.
    pub idempotency_key: Option<String>,
    /// Tries before it is a dead letter.
    pub max_attempts: i64,
    /// Most runs of the tenant and kind that may wait for a worker, this one included; none means any number.
    pub max_waiting: Option<u32>,
}

/// What [`Engine::start`] says there is a conflict about when as many runs wait as may: then nothing was written.
pub const QUEUE_FULL: &str = "place in the queue";

/// A run that is in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// Its id.
    pub id: RunId,
    /// Whether it was there already, under the same idempotency key.
    pub existed: bool,
}

/// The engine; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) registry: Registry,
    pub(crate) options: Options,
    pub(crate) owner: String,
    pub(crate) live: Arc<LiveRuns>,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) wake: Notify,
    pub(crate) tasks: TaskTracker,
    pub(crate) stopping: CancellationToken,
}

impl Engine {
    /// An engine over `store` that knows the workflows of `registry`.
    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>, registry: Registry, options: Options) -> Self {
        // The owner is new at each start, so that a process never takes its predecessor's lease for its own.
        let owner = ids.uuid(clock.now()).simple().to_string();
        let slots = Arc::new(Semaphore::new(options.concurrency));
        let inner = Inner {
            store,
            clock,
            ids,
            registry,
            options,
            owner,
            live: Arc::default(),
            slots,
            wake: Notify::new(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Starts a run: it is in the database, together with whatever `also` wrote, when this returns. Where this process
    /// has a free slot, the run is claimed in the same commit and begins at once.
    ///
    /// Dropping the future does not leave a claimed run behind without a worker: what has begun goes on.
    pub async fn start<F>(&self, tenant: &TenantId, request: Request, also: F) -> Result<Started, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>, RunId) -> futures::future::BoxFuture<'t, Result<(), Error>> + Send + 'static,
    {
        let (engine, tenant) = (self.clone(), tenant.clone());
        let enqueued = async move { engine.enqueue(tenant, request, also).await }.in_current_span();
        let started = self.inner.tasks.spawn(enqueued);
        started.await.unwrap_or_else(|_| Err(Error::Unavailable("starting the run was given up".into())))
    }

    async fn enqueue<F>(&self, tenant: TenantId, request: Request, also: F) -> Result<Started, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>, RunId) -> futures::future::BoxFuture<'t, Result<(), Error>> + Send + 'static,
    {
        let inner = &self.inner;
        let now = inner.clock.now();
        let id = RunId(inner.ids.uuid(now));
        let version = inner.registry.get(request.kind).map_or(0, |workflow| workflow.version());
        let slot = if inner.stopping.is_cancelled() { None } else { inner.slots.clone().try_acquire_owned().ok() };
        let (owner, claim_now) = (inner.owner.clone(), slot.is_some());
        let lease_until = now + self.lease_us();
        let (kind, max_waiting) = (request.kind, request.max_waiting);
        let (started, claimed) = inner
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let new = new_run(id, version, request, now);
                    if let Enqueued::Existing(id) = runs::enqueue(tx, &tenant, &new).await? {
                        return Ok((Started { id, existed: true }, None));
                    }
                    also(tx, id).await?;
                    let claimed = if claim_now {
                        runs::claim_one(tx, &tenant, id, &owner, now, lease_until).await?
                    } else {
                        room_to_wait(tx, &tenant, kind, max_waiting).await?;
                        None
                    };
                    Ok((Started { id, existed: false }, claimed))
                })
            })
            .await?;
        match (claimed, slot) {
            (Some(run), Some(slot)) => self.spawn(run, slot),
            _ => inner.wake.notify_one(),
        }
        Ok(started)
    }

    /// The run, if the tenant has it.
    pub async fn get(&self, tenant: &TenantId, id: RunId) -> Result<Option<Run>, Error> {
        let tenant = tenant.clone();
        self.inner.store.read(move |tx| Box::pin(async move { runs::get(tx, &tenant, id).await })).await
    }

    /// Waits until the run has ended, at most `patience`; returns it as it stands then.
    pub async fn wait(&self, tenant: &TenantId, id: RunId, patience: Duration) -> Result<Option<Run>, Error> {
        let mut events = self.events(tenant, id, 0);
        let done = async {
            while let Some(event) = events.next().await {
                event?;
            }
            Ok::<(), Error>(())
        };
        if let Ok(ended) = tokio::time::timeout(patience, done).await {
            ended?;
        }
        self.get(tenant, id).await
    }

    /// The run's events after the number `after`, until its last one. The caller checks that the run exists.
    pub fn events(&self, tenant: &TenantId, id: RunId, after: i64) -> EventStream {
        events::stream(self.inner.store.clone(), self.inner.live.clone(), tenant.clone(), id, after)
    }

    /// Cancels a run: at once where it waits, through its token where it runs. Returns it as it stands then, or none
    /// when the tenant has no such run; a run that has ended is returned as it is.
    pub async fn cancel(&self, tenant: &TenantId, id: RunId) -> Result<Option<Run>, Error> {
        let (owned, now) = (tenant.clone(), self.inner.clock.now());
        let run = self
            .inner
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let answer = runs::request_cancel(tx, &owned, id, now).await?;
                    if answer.as_ref().is_some_and(|(run, changed)| *changed && run.status.is_final()) {
                        let done = serde_json::json!({"status": "cancelled", "code": Code::RunCancelled});
                        pilothouse_store::events::append_held(tx, &owned, id, events::DONE, &done.to_string(), now)
                            .await?;
                    }
                    Ok(answer)
                })
            })
            .await?;
        // Only where the tenant has the run: whoever merely knows an id stops nothing.
        if run.as_ref().is_some_and(|(_, changed)| *changed) {
            self.inner.live.cancel(id);
        }
        Ok(run.map(|(run, _)| run))
    }

    /// How many runs this process is working on.
    pub fn running(&self) -> usize {
        self.inner.live.len()
    }

    pub(crate) fn lease_us(&self) -> Micros {
        self.inner.options.lease.as_micros() as Micros
    }
}

/// Refuses the unit of work when more runs than `most` wait, the new one included.
async fn room_to_wait(tx: &mut Tx<'_>, tenant: &TenantId, kind: &str, most: Option<u32>) -> Result<(), Error> {
    let Some(most) = most else { return Ok(()) };
    let limit = most.saturating_add(1);
    let filter = RunFilter { status: Some(Status::Queued), kind: Some(kind.to_owned()), limit, before: None };
    let waiting = runs::list(tx, tenant, &filter).await?;
    if waiting.len() > most as usize { Err(Error::Conflict { what: QUEUE_FULL }) } else { Ok(()) }
}

fn new_run(id: RunId, version: i64, request: Request, now: Micros) -> NewRun {
    NewRun {
        id,
        kind: request.kind.to_owned(),
        version,
        subject: request.subject,
        title: request.title,
        input: request.input,
        max_attempts: request.max_attempts,
        due_at: now,
        created_at: now,
        idem_key: request.idempotency_key,
        conversation: request.conversation,
    }
}
