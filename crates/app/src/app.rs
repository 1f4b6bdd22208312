//! What every use case has at hand.

use std::sync::Arc;
use std::time::Duration;

use pilothouse_domain::{Clock, Ids, Principal, TokenId};
use pilothouse_engine::{Engine, Keep, Options, Registry, Workflow};
use pilothouse_store::Store;
use pilothouse_warehouse::Warehouse;

use crate::approvals::Approvals;
use crate::ask::{AskWorkflow, Proposer};
use crate::audit::Refusals;
use crate::auth::LastUsed;
use crate::depths::Depths;
use crate::gateway::Gateway;
use crate::imports::Imports;
use crate::lately::Lately;
use crate::ledger::Ledger;
use crate::limits::Limiter;
use crate::prompts::Prompts;
use crate::queries::QueryWorkflow;
use crate::secrets::Sealer;
use crate::settings::Settings;
use crate::sources::Sources;
use crate::triage::Swept;

/// The parts an [`App`] is put together from.
pub struct Parts {
    /// The settings.
    pub settings: Settings,
    /// The control-plane database.
    pub store: Store,
    /// The query path.
    pub warehouse: Warehouse,
    /// Seals credentials.
    pub sealer: Sealer,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Ids and secrets.
    pub ids: Arc<dyn Ids>,
    /// Workflows beside those of the use cases.
    pub workflows: Vec<Arc<dyn Workflow>>,
}

/// The program without its transports.
pub struct App {
    /// The settings.
    pub settings: Settings,
    /// Durable runs.
    pub engine: Engine,
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) sources: Arc<Sources>,
    pub(crate) approvals: Arc<Approvals>,
    /// What is spent.
    pub ledger: Arc<Ledger>,
    /// The way to models.
    pub gateway: Arc<Gateway>,
    pub(crate) prompts: Arc<Prompts>,
    /// Those that were found to exist.
    pub(crate) tenants: Lately<()>,
    pub(crate) limiter: Limiter,
    pub(crate) last_used: LastUsed,
    pub(crate) depths: Depths,
    pub(crate) imports: Imports,
    /// Refusals before anybody is known, summed per minute.
    pub refusals: Refusals,
    /// How far failures have been looked at.
    pub(crate) swept: Swept,
}

impl App {
    /// Puts the parts together. Nothing runs yet: [`App::engine`]'s worker is started by the caller.
    ///
    /// # Errors
    /// [`pilothouse_domain::Code::ConfigInvalid`] where the settings cannot be used.
    pub fn new(parts: Parts) -> Result<Arc<Self>, crate::Error> {
        let Parts { settings, store, warehouse, sealer, clock, ids, workflows } = parts;
        let sealer = Arc::new(sealer);
        let sources = Arc::new(Sources::new(store.clone(), warehouse, sealer.clone(), clock.clone(), &settings.sample));
        let most = sources.warehouse.settings().query_max_bytes;
        let (of, rules) = ((settings.mode, &settings.approvals), settings.approval_rules.clone());
        let approvals = Arc::new(Approvals::new(store.clone(), clock.clone(), ids.clone(), of, rules, most));
        let ledger = Arc::new(Ledger::new(store.clone(), clock.clone(), ids.clone(), &settings.budgets));
        let inputs = (clock.clone(), ids.clone());
        let gateway = Arc::new(Gateway::new(store.clone(), inputs, sealer.clone(), ledger.clone(), &settings.ai)?);
        let prompts = Arc::new(Prompts::new(store.clone(), clock.clone(), settings.ai.prompts_file.clone())?);
        let proposer = Proposer {
            gateway: gateway.clone(),
            prompts: prompts.clone(),
            approvals: approvals.clone(),
            clock: clock.clone(),
            tells_values: !settings.ai.private,
        };
        let gates = (approvals.clone(), ledger.clone());
        let ask = AskWorkflow::new(sources.clone(), clock.clone(), store.clone(), gates, proposer);
        let query = QueryWorkflow::new(sources.clone(), clock.clone(), approvals.clone(), ledger.clone());
        let own: [Arc<dyn Workflow>; 2] = [Arc::new(ask), Arc::new(query)];
        let registry = workflows.into_iter().chain(own).fold(Registry::default(), Registry::with);
        let options = options(&settings);
        let engine = Engine::new(store.clone(), clock.clone(), ids.clone(), registry, options);
        let limiter = Limiter::new(&settings.limits);
        let (last_used, depths) = (LastUsed::default(), Depths::default());
        let (refusals, imports) = (Refusals::default(), Imports::default());
        Ok(Arc::new(Self {
            settings,
            engine,
            store,
            clock,
            ids,
            sealer,
            sources,
            approvals,
            ledger,
            gateway,
            prompts,
            tenants: Lately::default(),
            limiter,
            last_used,
            depths,
            imports,
            refusals,
            swept: Swept::default(),
        }))
    }

    /// The control-plane database, for the command line's chores.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The program's clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The program's source of ids and secrets.
    pub fn ids(&self) -> &Arc<dyn Ids> {
        &self.ids
    }
}

fn options(settings: &Settings) -> Options {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let engine = &settings.engine;
    Options {
        concurrency: engine.concurrency,
        queues: engine.queues.clone(),
        lease: Duration::from_secs(engine.lease_seconds),
        drain: Duration::from_secs(engine.drain_seconds),
        database_clock: true,
        keep: Keep { ended: DAY * engine.retention_days, dead: DAY * engine.retention_dead_days },
    }
}

/// An authenticated caller and the request it makes.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// The request's id, which every log line and audit row of it carries.
    pub request_id: String,
    /// Whether it is the operator of the machine, whom no rule about approvals binds: it could change the database as well.
    pub is_operator: bool,
    /// The token that it came with.
    pub token: Option<TokenId>,
}

impl Caller {
    /// Somebody who has proved who they are.
    pub fn new(principal: Principal, request_id: impl Into<String>) -> Self {
        Self { principal, request_id: request_id.into(), is_operator: false, token: None }
    }

    /// The operator at the command line, acting in `tenant`.
    pub fn operator(tenant: pilothouse_domain::TenantId) -> Self {
        let principal = Principal { tenant, subject: "command line".to_owned(), role: pilothouse_domain::Role::Admin };
        Self { is_operator: true, ..Self::new(principal, "") }
    }
}

impl App {
    /// Counts a request against the limit of its token in its tenant, or of the caller where there is no token.
    pub fn check_rate(&self, caller: &Caller) -> Result<(), crate::Error> {
        let Principal { tenant, subject, .. } = &caller.principal;
        self.limiter.check(&match caller.token {
            Some(token) => format!("{tenant}|{token}"),
            None => format!("{tenant}|{subject}"),
        })
    }
}
