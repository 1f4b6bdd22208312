//! Tenants, tokens, sessions and nodes.

use pilothouse_domain::Role;
use pilothouse_store::nodes::Node;
use pilothouse_store::sessions::Session;
use pilothouse_store::tenants::Tenant;
use pilothouse_store::tokens::Token;
use pilothouse_store::{Error, Store, nodes, sessions, tenants, tokens};

use crate::support::{conflict, make_tenant, read, tenant, token_id, write};

fn token(tenant_id: &str, n: u128, public_id: &str) -> Token {
    Token {
        id: token_id(n),
        tenant: tenant(tenant_id),
        public_id: public_id.into(),
        secret_hash: [n as u8; 32],
        subject: "ada@example.com".into(),
        role: Role::Operator,
        created_at: n as i64,
        created_by: "root".into(),
        expires_at: Some(99),
        last_used_at: None,
        revoked_at: None,
    }
}

fn session(n: u8, token: Option<u128>, expires_at: i64) -> Session {
    Session {
        id_hash: [n; 32],
        tenant: tenant("a"),
        subject: "ada".into(),
        role: Role::Admin,
        token_id: token.map(token_id),
        csrf: "c".into(),
        created_at: 1,
        expires_at,
    }
}

pub async fn tenants_are_made_once(store: &Store) {
    let made = Tenant { id: tenant("b"), name: "Bee".into(), created_at: 7 };
    let (first, second) = (made.clone(), made.clone());
    assert_eq!(write!(store, |tx| async move { tenants::insert(tx, &first).await }), Ok(()));
    assert_eq!(write!(store, |tx| async move { tenants::insert(tx, &second).await }), conflict("tenant"));
    assert_eq!(write!(store, |tx| async move { tenants::ensure(tx, &tenant("b"), "other", 8).await }), Ok(false));
    assert_eq!(write!(store, |tx| async move { tenants::ensure(tx, &tenant("B.x"), "upper", 9).await }), Ok(true));
    assert_eq!(read!(store, |tx| async move { tenants::get(tx, &tenant("b")).await }), Some(made));
    assert_eq!(read!(store, |tx| async move { tenants::get(tx, &tenant("c")).await }), None);
    let ids: Vec<_> = read!(store, |tx| tenants::list(tx)).into_iter().map(|t| t.id.to_string()).collect();
    assert_eq!(ids, ["B.x", "b"], "by bytes, on both engines");
}

pub async fn tokens_live_and_are_revoked(store: &Store) {
    make_tenant(store, "a").await;
    make_tenant(store, "b").await;
    write!(store, |tx| async move {
        tokens::insert(tx, &token("a", 1, "p1")).await?;
        tokens::insert(tx, &token("a", 2, "p2")).await?;
        sessions::insert(tx, &session(1, Some(1), 50)).await?;
        sessions::insert(tx, &session(2, Some(2), 50)).await
    })
    .unwrap();
    let by_public_id = read!(store, |tx| tokens::by_public_id(tx, "p1"));
    assert_eq!(by_public_id, Some(token("a", 1, "p1")));
    assert_eq!(read!(store, |tx| tokens::by_public_id(tx, "p")), None);
    assert_eq!(read!(store, |tx| async move { tokens::get(tx, &tenant("b"), token_id(1)).await }), None);

    write!(store, |tx| async move {
        tokens::touch(tx, &tenant("a"), token_id(1), 40).await?;
        tokens::touch(tx, &tenant("a"), token_id(1), 30).await
    })
    .unwrap();
    let other = write!(store, |tx| async move { tokens::revoke(tx, &tenant("b"), token_id(1), 60).await });
    assert_eq!(other, Ok(false), "another tenant's token");
    for expected in [true, false] {
        let revoked = write!(store, |tx| async move { tokens::revoke(tx, &tenant("a"), token_id(1), 60).await });
        assert_eq!(revoked, Ok(expected));
    }
    let found = read!(store, |tx| async move { tokens::list(tx, &tenant("a")).await });
    let first = Token { last_used_at: Some(40), revoked_at: Some(60), ..token("a", 1, "p1") };
    assert_eq!(found, [first, token("a", 2, "p2")]);
    assert_eq!(read!(store, |tx| sessions::get(tx, &[1; 32])), None, "its session ended with it");
    assert!(read!(store, |tx| sessions::get(tx, &[2; 32])).is_some());
}

pub async fn a_token_needs_its_tenant_and_a_free_public_id(store: &Store) {
    make_tenant(store, "a").await;
    let missing = write!(store, |tx| async move { tokens::insert(tx, &token("nobody", 1, "p1")).await });
    assert_eq!(missing, Err(Error::Missing { what: "tenant" }));
    write!(store, |tx| async move { tokens::insert(tx, &token("a", 1, "p1")).await }).unwrap();
    let taken = write!(store, |tx| async move { tokens::insert(tx, &token("a", 2, "p1")).await });
    assert_eq!(taken, conflict("token"));
}

pub async fn sessions_come_and_go(store: &Store) {
    write!(store, |tx| async move {
        for (n, expires_at) in [(1, 10), (2, 20), (3, 30), (4, 40)] {
            sessions::insert(tx, &session(n, None, expires_at)).await?;
        }
        Ok(())
    })
    .unwrap();
    let again = write!(store, |tx| async move { sessions::insert(tx, &session(1, None, 10)).await });
    assert_eq!(again, conflict("session"));
    assert_eq!(read!(store, |tx| sessions::get(tx, &[1; 32])), Some(session(1, None, 10)));
    for (hash, moved) in [([4; 32], true), ([9; 32], false)] {
        let answer = write!(store, |tx| async move { sessions::set_tenant(tx, &hash, &tenant("b")).await });
        assert_eq!(answer, Ok(moved));
    }
    assert_eq!(read!(store, |tx| sessions::get(tx, &[4; 32])).unwrap().tenant, tenant("b"));
    assert_eq!(write!(store, |tx| sessions::delete_expired(tx, 30, 2)), Ok(2));
    assert_eq!(write!(store, |tx| sessions::delete_expired(tx, 30, 2)), Ok(1));
    for expected in [true, false] {
        assert_eq!(write!(store, |tx| sessions::delete(tx, &[4; 32])), Ok(expected));
    }
}

pub async fn nodes_beat(store: &Store) {
    let node =
        |id: &str, beat_at| Node { id: id.into(), started_at: 1, beat_at, key_id: "k".into(), version: "0.1.0".into() };
    for beat in [node("one", 5), node("two", 6), node("one", 9)] {
        write!(store, |tx| async move { nodes::beat(tx, &beat).await }).unwrap();
    }
    assert_eq!(read!(store, |tx| nodes::list(tx)), [node("one", 9), node("two", 6)]);
}
