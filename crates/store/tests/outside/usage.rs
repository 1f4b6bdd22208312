//! What models were asked for, as an operator reads it by hand.

use std::time::{SystemTime, UNIX_EPOCH};

use pilothouse_domain::ledger::{Amounts, Payer};
use pilothouse_domain::{ChargeId, TenantId};
use pilothouse_store::ledger::{self, Charge, Taken, Used};
use pilothouse_store::{Location, Options, Store, tenants};
use uuid::Uuid;

/// The statement of the runbook, to the letter but for its layout.
const RUNBOOK: &str = "SELECT user_id, SUM(tokens_used) as total_tokens FROM ai_usage
     WHERE created_at > NOW() - INTERVAL '24 hours' GROUP BY user_id ORDER BY total_tokens DESC LIMIT 10;";

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the statement asks the database what time it is")]
async fn the_runbooks_statement_finds_who_has_used_the_most() {
    let server = pilothouse_testkit::postgres();
    let url = server.schema_url("usage");
    let store = Store::open(&Location::Postgres { url: url.clone() }, &Options::default()).await.expect("it opens");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_micros() as i64;
    let charges = [("ada", 10, now), ("bob", 30, now), ("ada", 15, now), ("eve", 99, now - 25 * 3_600_000_000)];
    store
        .write(move |tx| {
            Box::pin(async move {
                let tenant = TenantId::default_tenant();
                tenants::ensure(tx, &tenant, "Default", now).await?;
                for (n, (user, tokens, at)) in charges.into_iter().enumerate() {
                    let charge = Charge {
                        id: ChargeId(Uuid::from_u128(n as u128)),
                        at,
                        expires_at: at + 1,
                        kind: "ai".into(),
                        payer: Payer { user: Some(user.into()), ..Payer::default() },
                        step: None,
                        provider: None,
                        model: Some("m".into()),
                        prompt: None,
                        worst: Amounts { nano_usd: 0, tokens },
                    };
                    assert_eq!(ledger::take(tx, &tenant, &charge, &[]).await?, Taken::Held, "there is no limit");
                    let used = Used { tokens_in: tokens - 4, tokens_out: 4, ..Used::default() };
                    ledger::settle(tx, &tenant, charge.id, (&used, at), None).await?;
                }
                Ok(())
            })
        })
        .await
        .expect("they are kept");
    assert_eq!(server.sql(&url, RUNBOOK).trim(), "bob|30\nada|25");
    store.close().await;
}
