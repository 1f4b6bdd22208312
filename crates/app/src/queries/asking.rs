//! From SQL to rows: checked by the guard, priced, ruled upon, and run, or taken from what was kept.

use pilothouse_domain::action::Tier;
use pilothouse_domain::answer::ResultSet;
use pilothouse_domain::approval::State;
use pilothouse_domain::approval::policy::{Effect, Facts, Figure, Ruling};
use pilothouse_domain::clock::SECOND;
use pilothouse_domain::cost::{Basis, Estimate, Forecast, Took, forecast, price_of};
use pilothouse_domain::format::counted;
use pilothouse_domain::ledger::{Amounts, Payer};
use pilothouse_domain::semantic::{Order, Query};
use pilothouse_domain::{ApprovalId, ChargeId, Clock, Code, ConnectionId, Micros, PreviewId, Role, RunId, TenantId};
use pilothouse_engine::{Done, Failure};
use pilothouse_store::approvals::Approval;
use pilothouse_store::costs::{Preview, QueryRun};
use pilothouse_store::ledger::{Full as FullLimit, Used};
use pilothouse_warehouse::guard::{CanonicalQuery, CheckedQuery, Guard, Reason, Report};
use pilothouse_warehouse::{Call, semantic};
use serde_json::{Value, json};

use super::judged::{Comparison, Executed, HOUR_IS_FULL, Judged, Needed, Released, WaitsFor};
use crate::approvals::{self, Approvals, QUERY, Taken, WRITTEN};
use crate::ledger::{self, Ledger, Wish};
use crate::reads::Full;
use crate::results::{Kept, Key};
use crate::sources::{Open, Sources};

/// The part of a payload that says that the query passes the limits of its run.
const BEYOND_RUN: &str = "beyond_run_limit";
/// What charges for reading are called.
const COST_OF: &str = "query";
/// How many a question for the first one is shown beside.
const COMPARED: u32 = 10;

/// One query's way to its rows.
pub(crate) struct Asking<'a> {
    pub sources: &'a Sources,
    pub clock: &'a dyn Clock,
    pub open: &'a Open,
    pub guard: &'a Guard,
    pub tenant: &'a TenantId,
    pub run: RunId,
    /// The preview that it was approved by, where it was not for the run itself.
    pub preview: Option<PreviewId>,
    pub connection: ConnectionId,
    pub call: Call<'a>,
    pub approvals: &'a Approvals,
    pub ledger: &'a Ledger,
    pub subject: &'a str,
    pub role: Role,
}

impl Asking<'_> {
    /// Says what the query is expected to take, and refuses what reads more than one query, or one tenant in an hour, may.
    /// What needs a person waits for one, and what is dear for whoever asks, where they want to know first.
    pub async fn judge(&self, sql: &str, tell_first: bool) -> Result<Done<Judged>, Failure> {
        let (mut judged, said) = self.weigh(sql).await?;
        if let Some(said) = said {
            return Ok(Done { summary: said.to_owned(), output: judged });
        }
        let (expected, settings) = (judged.forecast, self.sources.warehouse.settings());
        let slow = expected.elapsed_us.is_some_and(|us| us > settings.query_dear_seconds.saturating_mul(1_000_000));
        if tell_first && (slow || reads_over(&expected, settings.query_dear_bytes)) {
            judged.wait(WaitsFor::Asker, vec![format!("It {}.", expected.in_words())]);
            return Ok(Done { summary: "It is dear: whoever asks is told first.".to_owned(), output: judged });
        }
        if let Some(full) = self.reserve(&expected).await? {
            judged.hour_is_full(full);
            return Ok(Done { summary: "The tenant has read what it may in an hour.".to_owned(), output: judged });
        }
        if let Some(why) = self.afford(&expected, false).await? {
            judged.refuse(&why, "wait_or_reduce_cost");
            return Ok(Done { summary: "A limit of money would be passed.".to_owned(), output: judged });
        }
        let summary = match expected.basis {
            Basis::Kept => "The result is there already.".to_owned(),
            _ => format!("It {}, within the limits.", expected.in_words()),
        };
        Ok(Done { summary, output: judged })
    }

    /// The same without reserving what it would read: only looked at is whether there is room for it.
    pub async fn preview(&self, sql: &str) -> Result<Judged, Failure> {
        let (mut judged, _) = self.weigh(sql).await?;
        if judged.may_run() {
            let bytes = judged.forecast.bytes.unwrap_or(0);
            let room = self.sources.reads.room(self.tenant, bytes, self.clock.now()).await?;
            if let Err(full) = room {
                judged.hour_is_full(full);
            }
        }
        Ok(judged)
    }

    /// What is thought of the query whatever its tenant has read: in a sentence where it does not simply go on.
    async fn weigh(&self, sql: &str) -> Result<(Judged, Option<&'static str>), Failure> {
        let report = self.guard.check(sql);
        let query = report.canonical.as_ref().ok_or_else(no_longer)?;
        let mut judged = Judged::allowed(self.forecast(query, report.query.as_ref()).await?);
        if reads_over(&judged.forecast, self.sources.warehouse.settings().query_max_bytes_approved) {
            judged.refuse("Query exceeds max bytes", "narrow_scope");
            return Ok((judged, Some("The query would read more than any query may.")));
        }
        let said = self.rule(query, &report, &mut judged).await?;
        Ok((judged, said))
    }

    /// What the rules say of the query, and the guard: in a sentence where it does not simply go on.
    async fn rule(
        &self,
        query: &CanonicalQuery,
        report: &Report,
        judged: &mut Judged,
    ) -> Result<Option<&'static str>, Failure> {
        let facts = self.facts(&judged.forecast);
        let Ruling { effect, rule, because } = self.approvals.judge(self.tenant, &facts).await?;
        let mut reasons = needing_approval(report);
        let full = self.beyond_run(&judged.forecast).await?;
        reasons.extend(full.as_ref().map(|full| ledger::exceeded(full).message));
        let needs = match effect {
            Effect::Deny => {
                judged.refuse(if because.is_empty() { "A rule does not allow it" } else { &because }, "revise_query");
                return Ok(Some("A rule does not allow it."));
            }
            Effect::Approvals(needs) => {
                reasons.push(because);
                needs
            }
            // What the guard wants a person for, or the run's own limit, no rule lets go on without one.
            Effect::Allow if !reasons.is_empty() => self.approvals.anybody(),
            Effect::Allow => return Ok(None),
        };
        judged.wait(WaitsFor::Approver, reasons);
        let (sql, beyond_run) = (query.sql().to_owned(), full.is_some());
        judged.needed = Some(Needed { needs, rule, facts, sql, beyond_run });
        Ok(Some("A person has to agree to it first."))
    }

    fn facts(&self, expected: &Forecast) -> Facts {
        fn figure<T>(value: Option<T>) -> Figure<T> {
            value.map_or(Figure::Unknown, Figure::Is)
        }
        Facts {
            resource: self.connection.to_string(),
            cost: figure(expected.cost),
            rows: figure(expected.rows),
            bytes: figure(expected.bytes),
            ..self.approvals.facts(QUERY, Tier::Read, (self.subject, self.role))
        }
    }

    /// What an approval is for: this text, of this run or preview, over this connection, in the name of whoever asks; and that
    /// it passes the limits of its run, where it does.
    fn payload(&self, sql: &str, beyond_run: bool) -> Value {
        let (of, id) = self.preview.map_or(("run", self.run.to_string()), |id| ("preview", id.to_string()));
        let mut payload =
            json!({of: id, "connection": self.connection, "sql": sql, "subject": self.subject, "role": self.role});
        if beyond_run {
            payload[BEYOND_RUN] = true.into();
        }
        payload
    }

    /// The approval that the query needs, as it is asked for.
    pub fn wanted(&self, needed: Needed, reasons: &[String]) -> Approval {
        let Needed { needs, rule, facts, sql, beyond_run } = needed;
        let (payload, because) = (self.payload(&sql, beyond_run), reasons.join("; "));
        let run = self.preview.is_none().then_some(self.run);
        self.approvals.asked(approvals::Wish { facts, figures: Value::Null, payload, run, needs, rule, because })
    }

    /// Lets the query go on that waited, if what would run is what was approved, and reads no more than was said.
    pub async fn release(
        &self,
        sql: &str,
        (id, request_id): (ApprovalId, &str),
        said: &Forecast,
    ) -> Result<Done<Released>, Failure> {
        let refused = |reason: String| Done { summary: reason.clone(), output: Released::Refused(reason) };
        let approved = self.approvals.payload(self.tenant, id).await?;
        // Whoever approved it may have changed it.
        let edited = approved[WRITTEN].as_str();
        let beyond_run = approved[BEYOND_RUN] == true;
        let written = edited.unwrap_or(sql);
        let report = self.guard.check(written);
        let query = report.canonical.as_ref().ok_or_else(no_longer)?;
        let expected = self.forecast(query, report.query.as_ref()).await?;
        let objection = (expected.bytes > said.bytes).then_some("It would read more by now than was approved.");
        let mut payload = self.payload(query.sql(), beyond_run);
        if let Some(edited) = edited {
            payload[WRITTEN] = edited.into();
        }
        let taken = self.approvals.take(self.tenant, (id, request_id), &payload, objection).await?;
        if let Taken::Refused { state, by, because } = taken {
            return Ok(refused(stopped(state, by.as_deref(), because.as_deref())));
        }
        if self.reserve(&expected).await?.is_some() {
            return Ok(refused(HOUR_IS_FULL.to_owned()));
        }
        if let Some(why) = self.afford(&expected, beyond_run).await? {
            return Ok(refused(why));
        }
        let text = query.sql().to_owned();
        Ok(match edited {
            Some(_) => Done {
                summary: "It may run, as it was changed and approved.".to_owned(),
                output: Released::RunsChanged { written: written.to_owned(), text },
            },
            None => Done { summary: "It may run, as it was approved.".to_owned(), output: Released::Runs(text) },
        })
    }

    async fn reserve(&self, expected: &Forecast) -> Result<Option<Full>, Failure> {
        let bytes = expected.bytes.unwrap_or(0);
        Ok(self.sources.reads.reserve(self.tenant, self.run, bytes, self.clock.now()).await?.err())
    }

    /// What reading costs, in nano-USD for each tebibyte.
    fn price(&self) -> u64 {
        self.sources.warehouse.settings().query_nano_usd_per_tib
    }

    fn payer(&self) -> Payer {
        Payer {
            user: Some(self.subject.to_owned()),
            task: Some(COST_OF.to_owned()),
            run: Some(self.run.to_string()),
            ..Payer::default()
        }
    }

    /// The limit of the run itself that the query could pass, where reading costs anything.
    async fn beyond_run(&self, expected: &Forecast) -> Result<Option<FullLimit>, Failure> {
        if self.price() == 0 {
            return Ok(None);
        }
        Ok(self.ledger.beyond_run(self.tenant, &self.payer(), (self.charge(), worst(expected))).await?)
    }

    /// Holds what the query can cost, where reading costs anything; or says which limit that would pass. Those of its run it may
    /// pass where people have agreed to that.
    async fn afford(&self, expected: &Forecast, beyond_run: bool) -> Result<Option<String>, Failure> {
        if self.price() == 0 {
            return Ok(None);
        }
        let (payer, worst) = (self.payer(), worst(expected));
        let wish = Wish { id: Some(self.charge()), kind: COST_OF, payer, worst, beyond_run, ..Wish::default() };
        let reserved = self.ledger.reserve(self.tenant, wish).await?;
        Ok(reserved.err().map(|full| ledger::exceeded(&full).message))
    }

    /// What the run's queries cost is one charge.
    fn charge(&self) -> ChargeId {
        ChargeId(self.run.0)
    }

    /// What the query is expected to take.
    async fn forecast(&self, query: &CanonicalQuery, runs: Option<&CheckedQuery>) -> Result<Forecast, Failure> {
        let price = self.price();
        if runs.and_then(|query| self.key(query)).is_some_and(|key| self.sources.results.has(&key)) {
            return Ok(forecast(Estimate::nothing(Basis::Kept), None, price));
        }
        let estimate = self.open.engine.estimate(query, &self.call).await.map_err(of_engine)?;
        let past = self.sources.reads.past(self.tenant, self.connection, query.shape(), self.clock.now()).await?;
        Ok(forecast(estimate, past, price))
    }

    /// Runs the query; of a reading also the wider one that its answer is shown beside. Where it was approved, exactly that
    /// text runs.
    pub async fn execute(
        &self,
        sql: &str,
        reading: Option<&Query>,
        approved: Option<&str>,
    ) -> Result<Done<Executed>, Failure> {
        let checked = self.recheck(sql, approved)?;
        let (mut result, kept_at) = self.fetch(&checked).await.map_err(of_engine)?;
        let own_us = result.elapsed_us;
        let mut comparison = None;
        if let Some(wider) = reading.and_then(|query| self.compared(query)) {
            // The answer is whole without it, so its failure is not the question's.
            if let Ok((found, _)) = self.fetch(&wider).await {
                let sum = |one: Option<u64>, other: Option<u64>| one.zip(other).map(|(one, other)| one + other);
                result.rows_scanned = sum(result.rows_scanned, found.rows_scanned);
                result.bytes_scanned = sum(result.bytes_scanned, found.bytes_scanned);
                result.elapsed_us += found.elapsed_us;
                comparison = Some(Comparison { sql: wider.sql().to_owned(), rows: found.rows });
            }
        }
        if kept_at.is_none() {
            let took = Took { bytes: result.bytes_scanned, elapsed_us: own_us };
            let (connection, shape) = (self.connection, checked.shape());
            let done = QueryRun { connection, shape, run: self.run, at: self.clock.now(), took };
            self.sources.reads.settle(self.tenant, done).await?;
        }
        if self.price() > 0 {
            let cost = price_of(result.bytes_scanned.unwrap_or(0), self.price());
            self.ledger.settle(self.tenant, self.charge(), Used { nano_usd: cost.0, ..Used::default() }).await?;
        }
        let rows = counted(result.rows.len() as u64, "row");
        let summary = match kept_at {
            Some(_) => format!("{rows}, kept from an earlier question."),
            None => format!("{rows} in {} ms.", result.elapsed_us / 1000),
        };
        Ok(Done { summary, output: Executed { result, comparison, kept_at } })
    }

    /// Keeps a query for whoever lets it run.
    pub async fn keep(&self, id: RunId, waits_for: WaitsFor, of: (String, &Judged)) -> Result<(), Failure> {
        Ok(self.sources.reads.keep(self.tenant, self.previewed(id, waits_for, of)).await?)
    }

    /// A query as it is kept for whoever lets it run.
    pub fn previewed(&self, id: RunId, waits_for: WaitsFor, (sql, judged): (String, &Judged)) -> Preview {
        Preview {
            id,
            connection: self.connection,
            asked_by: self.subject.to_owned(),
            waits_for: waits_for.as_str().to_owned(),
            sql,
            reasons: json!(judged.reasons).to_string(),
            forecast: json!(judged.forecast).to_string(),
            created_at: self.clock.now(),
        }
    }

    /// The rows of `query`, and when they were computed where that was for an earlier question: nothing was read for this
    /// one then.
    async fn fetch(&self, query: &CheckedQuery) -> Result<(ResultSet, Option<Micros>), pilothouse_warehouse::Error> {
        let running = async {
            let result = self.open.engine.execute(query, &self.call).await?;
            Ok::<_, pilothouse_warehouse::Error>(Kept { result, at: self.clock.now() })
        };
        let Some(key) = self.key(query) else { return Ok((running.await?.result, None)) };
        let (kept, was_kept) = tokio::select! {
            found = self.sources.results.get_or_run(&key, running) => found?,
            // Somebody else may be computing it, who has no reason to stop.
            () = self.call.cancel.cancelled() => return Err(pilothouse_warehouse::Error::cancelled()),
        };
        let result = kept.result.clone();
        if !was_kept {
            return Ok((result, None));
        }
        let unread = ResultSet { rows_scanned: Some(0), bytes_scanned: Some(0), elapsed_us: 0, ..result };
        Ok((unread, Some(kept.at)))
    }

    /// What the result of `query` is kept under; none where nobody can tell for how long it is right.
    fn key(&self, query: &CheckedQuery) -> Option<Key> {
        let ttl = self.sources.warehouse.settings().result_ttl_seconds * SECOND;
        let data = match self.open.engine.version() {
            Some(version) => version.to_owned(),
            None if ttl > 0 => format!("period {}", self.clock.now() / ttl),
            None => return None,
        };
        Some(Key::of(self.tenant, self.connection, data, query, self.call.limits.max_rows))
    }

    /// The query that finds what the first one is the first of; none where the question is not for the first of several. It
    /// reads what the query itself reads.
    fn compared(&self, query: &Query) -> Option<CheckedQuery> {
        let by_measure = matches!(query.order.first(), Some(Order::Measure { .. }));
        if query.limit != Some(1) || query.groups.len() != 1 || !by_measure {
            return None;
        }
        let wider = Query { limit: Some(COMPARED), ..query.clone() };
        let sql = semantic::compile(&wider, &self.open.model, self.open.catalog.dialect).ok()?;
        self.guard.check(&sql).query.clone()
    }

    /// Only the guard can make what an engine takes, so the text from the journal passes it again.
    fn recheck(&self, sql: &str, approved: Option<&str>) -> Result<CheckedQuery, Failure> {
        let report = self.guard.check(sql);
        match approved {
            Some(text) => report.agreed(text),
            None => report.query.clone(),
        }
        .ok_or_else(no_longer)
    }
}

/// The most that a query can cost.
fn worst(expected: &Forecast) -> Amounts {
    Amounts { nano_usd: expected.cost.unwrap_or_default().0, tokens: 0 }
}

/// Whether a query is known to read more than this.
fn reads_over(expected: &Forecast, most: u64) -> bool {
    expected.bytes.is_some_and(|bytes| bytes > most)
}

fn no_longer() -> Failure {
    Failure::last(Code::SqlBlocked, "The SQL guard no longer lets this statement run.")
}

/// Why a query does not run that waited for people.
pub(super) fn stopped(state: State, by: Option<&str>, because: Option<&str>) -> String {
    let what = match (state, by) {
        (State::Rejected, Some(by)) => format!("{by} has rejected it"),
        (State::Revoked, Some(by)) => format!("{by} has taken it back"),
        (State::Expired, _) => "Its approval has expired".to_owned(),
        (State::Void, _) => "Its approval is void".to_owned(),
        _ => format!("Its approval is {}", state.as_str()),
    };
    match because {
        Some(because) => format!("{what}: {because}"),
        None => format!("{what}."),
    }
}

/// Why a person has to agree to a statement.
fn needing_approval(report: &Report) -> Vec<String> {
    let told = |reason: &Reason| reason.code.is_approval().then(|| reason.message.clone());
    report.reasons.iter().filter_map(told).collect()
}

fn of_engine(error: pilothouse_warehouse::Error) -> Failure {
    Failure { retryable: error.retryable, code: error.code.as_str().to_owned(), message: error.message }
}
