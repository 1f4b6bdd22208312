//! Money and tokens: however many spend at once, no limit is passed and nothing is lost; and what people set and see of it.

use std::sync::atomic::{AtomicI64, Ordering};

use pilothouse_app::ledger::{Wish, exceeded};
use pilothouse_domain::ledger::{Amounts, Level, Payer, Unit};
use pilothouse_domain::{ChargeId, Code, Role, TenantId};
use pilothouse_store::ledger::Used;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::costs::{asked, sales};
use crate::support::{Database, Document, Reply, TestApp};

const BUDGETS: &str = "/api/v1/budgets";
const SUMMARY: &str = "/api/v2/billing/summary";
const HOUR: i64 = 3_600;

/// An installation with somebody who sets limits.
struct House {
    app: TestApp,
    root: String,
}

impl House {
    async fn open(database: Database) -> Self {
        let app = TestApp::with(|setup| {
            setup.database = database;
            setup.settings.budgets.user_month_tokens = None;
            setup.settings.budgets.tenant_month_tokens = None;
        })
        .await;
        let root = app.token("default", "root", Role::Admin).await;
        Self { app, root }
    }

    async fn set(&self, limit: Value) -> Reply {
        self.app.put(BUDGETS).token(&self.root).json(&limit).send().await
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.app.get(path).token(&self.root).send().await.expect(200).json();
        let template = path.split('?').next().unwrap();
        assert_eq!(Document::published().faults_of_answer("get", template, "200", &answer), [""; 0], "{answer}");
        answer
    }

    /// What is spent and held of the limit with this level and unit.
    async fn used(&self, level: &str, unit: &str) -> i64 {
        let all = self.get(BUDGETS).await;
        let is_meant = |item: &&Value| item["level"] == level && item["unit"] == unit && item["used"].is_i64();
        all["items"].as_array().unwrap().iter().find(is_meant).unwrap()["used"].as_i64().unwrap()
    }

    async fn spend(&self, user: &str, nano_usd: i64, tokens: i64) -> Result<(), pilothouse_app::Error> {
        let tenant = TenantId::default_tenant();
        let reserved = self.app.app.ledger.reserve(&tenant, wish(user, nano_usd, tokens)).await.unwrap();
        let id = reserved.map_err(|full| exceeded(&full))?;
        let used = Used { nano_usd, tokens_in: tokens, ..Used::default() };
        assert!(self.app.app.ledger.settle(&tenant, id, used).await.unwrap());
        Ok(())
    }
}

fn wish(user: &str, nano_usd: i64, tokens: i64) -> Wish {
    let payer = Payer { user: Some(user.to_owned()), task: Some("query".to_owned()), ..Payer::default() };
    Wish { kind: "ai", payer, worst: Amounts { nano_usd, tokens }, ..Wish::default() }
}

/// What one of many does: what it wants, what it takes of that in percent, and how it ends.
type Move = (i64, i64, u8);

/// A hundred who were never seen before spend at once, in whichever way: some settle, some let go, some are never heard of
/// again. What is settled and held never passes the limit, and nothing that was settled is lost.
async fn a_hundred_at_once(database: Database, cases: u32) {
    let house = House::open(database).await;
    let mut runner = TestRunner::deterministic();
    let moves = proptest::collection::vec((1_i64..400, 0_i64..=100, 0_u8..4), 100);
    for case in 0..cases {
        let all: Vec<Move> = moves.new_tree(&mut runner).unwrap().current();
        let user = format!("newcomer {case}");
        house
            .set(json!({"level": "user", "name": user, "unit": "tokens", "window": "month", "amount": 5_000}))
            .await
            .expect(200);
        let (settled, open, refused) = (AtomicI64::new(0), AtomicI64::new(0), AtomicI64::new(0));
        let ledger = &house.app.app.ledger;
        let tenant = &TenantId::default_tenant();
        let each = all.iter().map(|(wanted, percent, end)| {
            let (user, settled, open, refused) = (&user, &settled, &open, &refused);
            async move {
                let Ok(id) = ledger.reserve(tenant, wish(user, 0, *wanted)).await.unwrap() else {
                    refused.fetch_add(1, Ordering::Relaxed);
                    return;
                };
                match end {
                    0 => {
                        assert!(ledger.release(tenant, id).await.unwrap());
                    }
                    1 => {
                        open.fetch_add(*wanted, Ordering::Relaxed);
                    }
                    _ => {
                        let took = wanted * percent / 100;
                        let used = Used { tokens_in: took, ..Used::default() };
                        let (one, other) =
                            tokio::join!(ledger.settle(tenant, id, used.clone()), ledger.settle(tenant, id, used));
                        assert!(one.unwrap() != other.unwrap(), "settled once");
                        settled.fetch_add(took, Ordering::Relaxed);
                    }
                }
            }
        });
        let watch = async {
            for _ in 0..10 {
                assert!(house.used("user", "tokens").await <= 5_000);
            }
        };
        tokio::join!(futures::future::join_all(each), watch);
        let total = settled.into_inner() + open.into_inner();
        let all = house.get(BUDGETS).await;
        let own = all["items"].as_array().unwrap().iter().find(|item| item["name"] == user.as_str()).unwrap();
        assert_eq!(own["used"], total, "nothing is lost: {own}");
        assert!(total <= 5_000 && refused.into_inner() > 0, "{total}");
    }
    house.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_newcomers_at_once_pass_no_limit() {
    a_hundred_at_once(Database::Sqlite, 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_newcomers_at_once_pass_no_limit_on_postgres() {
    a_hundred_at_once(Database::Postgres, 3).await;
}

async fn each_tenant_keeps_its_own(database: Database) {
    let house = House::open(database).await;
    let (ours, theirs): (TenantId, TenantId) = (TenantId::default_tenant(), "acme".parse().unwrap());
    house.app.token("acme", "root", Role::Admin).await;
    let ledger = &house.app.app.ledger;
    let charges = (0..40).map(|number| {
        let tenant = if number % 4 == 0 { &theirs } else { &ours };
        async move {
            let id = ledger.reserve(tenant, wish("ada", 1_000_000_000, 1)).await.unwrap().unwrap();
            let used = Used { nano_usd: 1_000_000_000, ..Used::default() };
            ledger.settle(tenant, id, used).await.unwrap();
        }
    });
    futures::future::join_all(charges).await;
    let summary = house.get(SUMMARY).await;
    assert_eq!((&summary["spent_actual_usd"], &summary["entries_count"]), (&json!(30.0), &json!(30)), "{summary}");
    let stranger = house.app.token("acme", "eve", Role::Viewer).await;
    let other = house.app.get(SUMMARY).token(&stranger).send().await.expect(200).json();
    assert_eq!((&other["spent_actual_usd"], &other["tenant"]), (&json!(10.0), &json!("acme")), "{other}");
    house.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_charges_at_once_are_forty_and_each_tenant_keeps_its_own() {
    each_tenant_keeps_its_own(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_charges_at_once_are_forty_and_each_tenant_keeps_its_own_on_postgres() {
    each_tenant_keeps_its_own(Database::Postgres).await;
}

async fn a_month_is_summed_up(database: Database) {
    let house = House::open(database).await;
    house.spend("ada", 60_000_000_000, 500).await.unwrap();
    let open = house.app.app.ledger.reserve(&TenantId::default_tenant(), wish("bob", 40_000_000_000, 10)).await;
    open.unwrap().unwrap();
    let summary = house.get(SUMMARY).await;
    let figures = |name: &str| summary[name].as_f64().unwrap();
    assert_eq!((figures("limit_usd"), figures("spent_estimated_usd")), (250.0, 100.0), "{summary}");
    assert_eq!((figures("spent_actual_usd"), figures("ai_spent_actual_usd")), (60.0, 60.0));
    assert_eq!((figures("remaining_estimated_usd"), figures("utilization_estimated")), (150.0, 0.4));
    assert_eq!((&summary["ai_by_task"], &summary["budget_status"]), (&json!({"query": 60.0}), &json!("ok")));
    let month = summary["month"].as_str().unwrap();
    assert_eq!(house.get(&format!("{SUMMARY}?month={month}")).await["entries_count"], 2);
    assert_eq!(house.get(&format!("{SUMMARY}?month=1999-12")).await["entries_count"], 0);
    let wrong = house.app.get(&format!("{SUMMARY}?month=2026-13")).token(&house.root).send().await;
    assert!(wrong.refused(422, "query.invalid").json()["detail"].as_str().unwrap().contains("2026-11"));

    // Nothing allowed is not the same as no limit.
    let month = |amount: Value| json!({"level": "tenant", "unit": "nano_usd", "window": "month", "amount": amount});
    house.set(month(json!(0))).await.expect(200);
    assert_eq!(house.get(SUMMARY).await["budget_status"], "exceeded");
    let refused = house.spend("ada", 1, 1).await.unwrap_err();
    assert_eq!(refused.code, Code::BudgetExceeded);
    let detail = |name: &str| refused.details.iter().find(|(own, _)| *own == name).unwrap().1.clone();
    assert_eq!((detail("limit"), detail("used"), detail("wanted")), (json!(0), json!(100_000_000_000_i64), json!(1)));
    house.set(month(Value::Null)).await.expect(200);
    let free = house.get(SUMMARY).await;
    assert_eq!((&free["limit_usd"], &free["remaining_estimated_usd"]), (&Value::Null, &Value::Null), "{free}");
    house.spend("ada", 900_000_000_000, 1).await.unwrap();

    // What held when stays known.
    let history = house.get(&format!("{BUDGETS}/history")).await;
    let all = history["items"].as_array().unwrap();
    assert_eq!((&all[0]["amount"], &all[1]["amount"]), (&Value::Null, &json!(0)), "{history}");
    assert_eq!((&all[0]["ended_at"], &all[1]["ended_by"]), (&Value::Null, &json!("root")));
    let path = format!("{BUDGETS}/{}", all[0]["id"].as_str().unwrap());
    house.app.delete(&path).token(&house.root).send().await.expect(204);
    house.app.delete(&path).token(&house.root).send().await.refused(404, "budget.unknown");
    assert_eq!(house.get(SUMMARY).await["limit_usd"], 250.0, "what is set by default holds again");
    house.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_is_summed_up_and_its_limit_is_set() {
    a_month_is_summed_up(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_is_summed_up_and_its_limit_is_set_on_postgres() {
    a_month_is_summed_up(Database::Postgres).await;
}

async fn what_is_held_ends_with_its_time(database: Database) {
    let house = House::open(database).await;
    let (tenant, ledger) = (TenantId::default_tenant(), &house.app.app.ledger);
    house
        .set(json!({"level": "tenant", "unit": "tokens", "window": format!("rolling:{HOUR}"), "amount": 100}))
        .await
        .expect(200);
    let gone = ledger.reserve(&tenant, wish("ada", 0, 80)).await.unwrap().unwrap();
    let full = ledger.reserve(&tenant, wish("ada", 0, 30)).await.unwrap().unwrap_err();
    assert_eq!((full.hold.limit.level, full.hold.limit.unit, full.used), (Level::Tenant, Unit::Tokens, 80));
    house.app.clock.advance_seconds(601);
    let next = ledger.reserve(&tenant, wish("ada", 0, 30)).await.unwrap().unwrap();
    // Whoever was thought gone counts all the same.
    assert!(ledger.settle(&tenant, gone, Used { tokens_in: 60, ..Used::default() }).await.unwrap());
    assert_eq!(house.used("tenant", "tokens").await, 90);
    assert!(!ledger.release(&tenant, gone).await.unwrap(), "it is settled");
    // Nothing more is taken than was said, or it is written down.
    assert!(ledger.settle(&tenant, next, Used { tokens_in: 50, ..Used::default() }).await.unwrap());
    assert_eq!(house.used("tenant", "tokens").await, 110);
    house.app.clock.advance_seconds(2 * HOUR);
    assert_eq!(house.used("tenant", "tokens").await, 0, "the hour has rolled on");
    house.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_ends_with_its_time_and_late_news_counts() {
    what_is_held_ends_with_its_time(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_ends_with_its_time_and_late_news_counts_on_postgres() {
    what_is_held_ends_with_its_time(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_tried_again_is_not_in_its_own_way() {
    let house = House::open(Database::Sqlite).await;
    let (tenant, ledger) = (TenantId::default_tenant(), &house.app.app.ledger);
    house.set(json!({"level": "run", "unit": "tokens", "window": "for_ever", "amount": 100})).await.expect(200);
    let payer = Payer { run: Some("r".to_owned()), ..Payer::default() };
    let worst = Amounts { nano_usd: 0, tokens: 60 };
    let of = |id| Wish { id: Some(id), kind: "query", payer: payer.clone(), worst, ..Wish::default() };
    let (first, second) = (ChargeId(uuid::Uuid::from_u128(1)), ChargeId(uuid::Uuid::from_u128(2)));
    let beyond = |id| ledger.beyond_run(&tenant, &payer, (id, worst));
    assert_eq!(beyond(first).await.unwrap(), None);
    ledger.reserve(&tenant, of(first)).await.unwrap().unwrap();
    assert_eq!(beyond(first).await.unwrap(), None, "it is held already");
    assert_eq!(beyond(second).await.unwrap().map(|full| (full.used, full.wanted)), Some((60, 60)));
    ledger.reserve(&tenant, of(second)).await.unwrap().unwrap_err();
    ledger.reserve(&tenant, Wish { beyond_run: true, ..of(second) }).await.unwrap().unwrap();
    house.app.finish().await;
}

async fn a_later_limit_counts_what_was(database: Database) {
    let house = House::open(database).await;
    house.spend("ada", 0, 70).await.unwrap();
    house.spend("bob", 0, 500).await.unwrap();
    let limit = json!({"level": "user", "name": "ada", "unit": "tokens", "window": "month", "amount": 100});
    house.set(limit).await.expect(200);
    assert_eq!(house.used("user", "tokens").await, 70, "Bob's are Bob's");
    house.spend("ada", 0, 31).await.unwrap_err();
    house.spend("ada", 0, 30).await.unwrap();
    let alerts = || async {
        let rows = house.app.audit("default").await;
        let told = rows.into_iter().filter(|record| record.entry.action == "budget.threshold");
        told.filter(|record| record.entry.resource.starts_with("user|tokens|month|ada")).count()
    };
    assert_eq!(alerts().await, 4, "50, 80, 95 and 100 percent, each once");
    house.spend("ada", 0, 0).await.unwrap();
    assert_eq!(alerts().await, 4);

    let listed = house.get("/api/v1/budgets/alerts").await;
    let of_ada: Vec<_> = listed["items"].as_array().unwrap().iter().filter(|item| item["name"] == "ada").collect();
    assert_eq!(of_ada.iter().map(|item| &item["threshold"]).collect::<Vec<_>>(), [100, 95, 80, 50], "{listed}");
    assert_eq!((&of_ada[0]["used"], &of_ada[0]["amount"]), (&json!(100), &json!(100)), "{listed}");

    let top = house.get("/api/v1/usage?kind=ai").await;
    let first = &top["items"][0];
    assert_eq!((&first["name"], &first["tokens_in"]), (&json!("bob"), &json!(500)), "{top}");
    assert_eq!(house.get("/api/v1/usage?by=task").await["items"][0]["tokens_in"], 600);
    house.app.get("/api/v1/usage?by=weather").token(&house.root).send().await.refused(422, "query.invalid");
    house.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_comes_later_counts_what_was_spent_before() {
    a_later_limit_counts_what_was(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_comes_later_counts_what_was_spent_before_on_postgres() {
    a_later_limit_counts_what_was(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_outside_of_any_run_is_a_run_of_its_own() {
    let house = House::open(Database::Sqlite).await;
    house.set(json!({"level": "run", "unit": "tokens", "window": "for_ever", "amount": 100})).await.expect(200);
    for _ in 0..2 {
        house.spend("ada", 0, 100).await.unwrap();
        let error = house.spend("ada", 0, 101).await.unwrap_err();
        assert_eq!(error.code, Code::BudgetExceeded, "{error:?}");
    }
    let tenant = TenantId::default_tenant();
    let of_run = |tokens| {
        let all = wish("ada", 0, tokens);
        Wish { payer: Payer { run: Some("one".to_owned()), ..all.payer }, ..all }
    };
    let ledger = &house.app.app.ledger;
    ledger.reserve(&tenant, of_run(60)).await.unwrap().unwrap();
    ledger.reserve(&tenant, of_run(41)).await.unwrap().unwrap_err();
    ledger.reserve(&tenant, of_run(40)).await.unwrap().unwrap();
    house.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_that_make_no_sense_are_refused() {
    let house = House::open(Database::Sqlite).await;
    let fit = json!({"level": "user", "unit": "tokens", "window": "day", "amount": 5});
    for (name, value) in [
        ("level", json!("planet")),
        ("unit", json!("bananas")),
        ("window", json!("rolling:0")),
        ("amount", json!(-1)),
        ("amount", json!("many")),
        ("name", json!("*")),
    ] {
        let mut limit = fit.clone();
        limit[name] = value;
        house.set(limit).await.refused(422, "body.invalid");
    }
    let mut unsaid = fit.clone();
    unsaid.as_object_mut().unwrap().remove("amount");
    house.set(unsaid).await.refused(422, "body.invalid");
    house
        .set(json!({"level": "tenant", "name": "x", "unit": "tokens", "window": "day", "amount": 1}))
        .await
        .refused(422, "body.invalid");
    let viewer = house.app.token("default", "vic", Role::Operator).await;
    house.app.put(BUDGETS).token(&viewer).json(&fit).send().await.refused(403, "role.insufficient");

    let zone = |zone: &str| {
        let body = json!({"time_zone": zone});
        house.app.put(&format!("{BUDGETS}/time-zone")).token(&house.root).json(&body)
    };
    zone("Nowhere/At_All").send().await.refused(422, "body.invalid");
    let set = zone("Europe/Berlin").send().await.expect(200).json();
    assert_eq!((&set["time_zone"], &set["is_own_time_zone"]), (&json!("Europe/Berlin"), &json!(true)));
    house.app.finish().await;
}

async fn what_reading_costs_is_charged(database: Database) {
    let app = TestApp::with(|setup| {
        setup.database = database;
        setup.warehouse.result_cache_mb = 0;
        setup.warehouse.query_nano_usd_per_tib = 5_000_000_000;
    })
    .await;
    let root = app.token("default", "root", Role::Admin).await;
    let connection = sales(&app, &root).await;
    let house = House { app, root };
    let ask = || asked(&house.app, &house.root, &connection, "Total amount by country", json!({}));
    assert_eq!(ask().await["response_type"], "query_result");
    let usage = house.get("/api/v1/usage?by=kind").await;
    let first = &usage["items"][0];
    assert_eq!((&first["name"], &first["charges"]), (&json!("query"), &json!(1)), "{usage}");
    let cost = first["nano_usd"].as_i64().unwrap();
    assert!(cost > 0, "{usage}");
    assert_eq!(house.used("tenant", "nano_usd").await, cost, "what was expected was put right");

    let limit = json!({"level": "tenant", "unit": "nano_usd", "window": "day", "amount": cost});
    house.set(limit).await.expect(200);
    let refused = ask().await;
    assert_eq!(refused["response_type"], "blocked", "{refused}");
    assert!(refused["data"]["reasons"][0].as_str().unwrap().starts_with("The limit of the tenant would be passed"));
    assert_eq!(refused["data"]["gate"]["next_action"], "wait_or_reduce_cost");
    assert_eq!(house.used("tenant", "nano_usd").await, cost);
    house.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_reading_costs_is_charged_and_limited() {
    what_reading_costs_is_charged(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_reading_costs_is_charged_and_limited_on_postgres() {
    what_reading_costs_is_charged(Database::Postgres).await;
}
