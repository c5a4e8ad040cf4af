//! People, sessions, tokens, settings, remembered requests, audit.

use domain::{Role, Scope, SessionId, TokenId, UserId};
use store::{ApiToken, AuditEntry, Remembered, Session, StoreError};
use vault::{PasswordHash, TokenHash};

use crate::database::Database;
use crate::fixture::{ENTROPY, a_user, saved_user, t, t0};

pub(crate) async fn a_user_comes_back_as_saved(database: Database) {
    let store = database.open().await;
    let mut user = a_user("Ada");
    user.display_name = Some("Ada Lovelace ✓".into());
    user.email = Some("ada@example.org".into());
    user.role = Role::Admin;
    user.suspended_at = Some(t(7));

    let mut tx = store.begin().await.unwrap();
    tx.insert_user(&user, None).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = store.read().await.unwrap();
    assert_eq!(tx.user(user.id).await.unwrap(), Some(user.clone()));
    assert!(tx.user_by_name(&user.name).await.unwrap().is_some_and(|(found, _)| found == user));
    assert_eq!(tx.users().await.unwrap(), [user]);
    assert_eq!(tx.count_users().await.unwrap(), 1);
    assert_eq!(tx.user(a_user("other").id).await.unwrap(), None);
}

pub(crate) async fn a_taken_user_name_conflicts_and_the_transaction_goes_on(database: Database) {
    let store = database.open().await;
    let mut tx = store.begin().await.unwrap();
    tx.insert_user(&a_user("ada"), None).await.unwrap();

    let second = tx.insert_user(&a_user("ada"), None).await;
    tx.insert_user(&a_user("bob"), None).await.unwrap();
    tx.commit().await.unwrap();

    assert!(matches!(second, Err(StoreError::Conflict { what: "user name" })));
    assert_eq!(store.read().await.unwrap().count_users().await.unwrap(), 2);
}

pub(crate) async fn a_user_can_be_changed_but_not_onto_a_taken_name(database: Database) {
    let store = database.open().await;
    let (ada, mut bob) = (a_user("ada"), a_user("bob"));
    let mut tx = store.begin().await.unwrap();
    tx.insert_user(&ada, None).await.unwrap();
    tx.insert_user(&bob, None).await.unwrap();

    bob.role = Role::Admin;
    bob.suspended_at = Some(t0());
    tx.save_user(&bob).await.unwrap();
    let onto_ada = tx.save_user(&domain::User { name: ada.name.clone(), ..bob.clone() }).await;

    assert!(matches!(onto_ada, Err(StoreError::Conflict { what: "user name" })));
    assert_eq!(tx.user(bob.id).await.unwrap(), Some(bob));
}

pub(crate) async fn a_password_is_kept_apart_from_the_user(database: Database) {
    let store = database.open().await;
    let user = a_user("ada");
    let mut tx = store.begin().await.unwrap();
    tx.insert_user(&user, Some(&PasswordHash("first".into()))).await.unwrap();

    let (_, first) = tx.user_by_name(&user.name).await.unwrap().unwrap();
    tx.set_password(user.id, &PasswordHash("second".into())).await.unwrap();
    tx.save_user(&user).await.unwrap();
    let second = tx.password(user.id).await.unwrap();

    assert_eq!(first.unwrap().0, "first");
    assert_eq!(second.unwrap().0, "second");
    let nobody = a_user("nobody").id;
    assert!(tx.password(nobody).await.unwrap().is_none());
    assert!(matches!(
        tx.set_password(nobody, &PasswordHash("x".into())).await,
        Err(StoreError::Conflict { what: "user" })
    ));
}

fn a_session(user: UserId, cookie: &str) -> Session {
    let id = SessionId::generate(t0(), &*ENTROPY);
    Session {
        id,
        user,
        hash: TokenHash::of(cookie),
        user_agent: "a browser".into(),
        created_at: t0(),
        last_seen_at: t0(),
        expires_at: t(100),
        forge: None,
        sign_in: id,
    }
}

pub(crate) async fn a_session_comes_back_by_its_hash_until_it_is_deleted(database: Database) {
    let store = database.open().await;
    let session = a_session(saved_user(&store, "ada").await, "cookie");
    let mut tx = store.begin().await.unwrap();
    tx.insert_session(&session).await.unwrap();

    assert_eq!(tx.session_by_hash(&session.hash).await.unwrap(), Some(session.clone()));
    assert_eq!(tx.session_by_hash(&TokenHash::of("other")).await.unwrap(), None);
    assert!(tx.delete_session(session.id).await.unwrap());
    assert!(!tx.delete_session(session.id).await.unwrap());
    assert_eq!(tx.session_by_hash(&session.hash).await.unwrap(), None);
}

pub(crate) async fn expired_sessions_are_removed_and_the_others_stay(database: Database) {
    let store = database.open().await;
    let user = saved_user(&store, "ada").await;
    let (old, young) = (a_session(user, "old"), Session { expires_at: t(200), ..a_session(user, "young") });
    let mut tx = store.begin().await.unwrap();
    tx.insert_session(&old).await.unwrap();
    tx.insert_session(&young).await.unwrap();

    assert_eq!(tx.delete_expired_sessions(t(99)).await.unwrap(), 0);
    assert_eq!(tx.delete_expired_sessions(t(100)).await.unwrap(), 1);
    assert_eq!(tx.sessions_of(user).await.unwrap(), [young]);
}

pub(crate) async fn a_session_is_touched_forwards_only(database: Database) {
    let store = database.open().await;
    let session = a_session(saved_user(&store, "ada").await, "cookie");
    let mut tx = store.begin().await.unwrap();
    tx.insert_session(&session).await.unwrap();

    tx.touch_session(session.id, t(9)).await.unwrap();
    tx.touch_session(session.id, t(5)).await.unwrap();

    let found = tx.session_by_hash(&session.hash).await.unwrap().unwrap();
    assert_eq!(found.last_seen_at, t(9));
}

fn a_token(user: UserId, text: &str) -> ApiToken {
    ApiToken {
        id: TokenId::generate(t0(), &*ENTROPY),
        user,
        name: "laptop".into(),
        hash: TokenHash::of(text),
        scopes: [Scope::WorkspacesRead, Scope::WorkspacesEnter].into(),
        created_at: t0(),
        expires_at: None,
        last_used_at: None,
    }
}

pub(crate) async fn a_token_comes_back_with_its_scopes(database: Database) {
    let store = database.open().await;
    let user = saved_user(&store, "ada").await;
    let token = a_token(user, "secret");
    let mut tx = store.begin().await.unwrap();
    tx.insert_token(&token).await.unwrap();

    assert_eq!(tx.token_by_hash(&token.hash).await.unwrap(), Some(token.clone()));
    tx.touch_token(token.id, t(3)).await.unwrap();
    let touched = ApiToken { last_used_at: Some(t(3)), ..token.clone() };
    assert_eq!(tx.tokens_of(user).await.unwrap(), [touched]);
    assert!(tx.delete_token(token.id).await.unwrap());
    assert!(!tx.delete_token(token.id).await.unwrap());
}

pub(crate) async fn all_tokens_and_sessions_of_one_person_can_be_ended(database: Database) {
    let store = database.open().await;
    let (ada, bob) = (saved_user(&store, "ada").await, saved_user(&store, "bob").await);
    let mut tx = store.begin().await.unwrap();
    for (user, text) in [(ada, "1"), (ada, "2"), (bob, "3")] {
        tx.insert_session(&a_session(user, text)).await.unwrap();
        tx.insert_token(&a_token(user, text)).await.unwrap();
    }

    assert_eq!(tx.delete_sessions_of(ada).await.unwrap(), 2);
    assert_eq!(tx.delete_tokens_of(ada).await.unwrap(), 2);
    assert_eq!(tx.sessions_of(bob).await.unwrap().len(), 1);
    assert_eq!(tx.tokens_of(bob).await.unwrap().len(), 1);
}

pub(crate) async fn a_setting_is_replaced_and_deleted(database: Database) {
    let store = database.open().await;
    let mut tx = store.begin().await.unwrap();

    assert_eq!(tx.setting("a").await.unwrap(), None);
    tx.set_setting("a", "1").await.unwrap();
    tx.set_setting("a", "2").await.unwrap();
    assert_eq!(tx.setting("a").await.unwrap().as_deref(), Some("2"));
    assert!(tx.delete_setting("a").await.unwrap());
    assert!(!tx.delete_setting("a").await.unwrap());
}

pub(crate) async fn a_repeated_request_finds_the_first_answer(database: Database) {
    let store = database.open().await;
    let (ada, bob) = (saved_user(&store, "ada").await, saved_user(&store, "bob").await);
    let mut tx = store.begin().await.unwrap();

    tx.remember(ada, "key", "POST /x", "{}", t0()).await.unwrap();
    let again = tx.remember(ada, "key", "POST /x", "{}", t0()).await;
    tx.remember(bob, "key", "POST /y", "[]", t(9)).await.unwrap();

    assert!(matches!(again, Err(StoreError::Conflict { what: "idempotency key" })));
    let first = Remembered { fingerprint: "POST /x".into(), response: "{}".into() };
    assert_eq!(tx.remembered(ada, "key").await.unwrap(), Some(first));
    assert_eq!(tx.remembered(ada, "other").await.unwrap(), None);
    assert_eq!(tx.forget_before(t(9)).await.unwrap(), 1);
    assert_eq!(tx.remembered(ada, "key").await.unwrap(), None);
    assert!(tx.remembered(bob, "key").await.unwrap().is_some());
}

pub(crate) async fn audit_entries_are_paged_newest_first(database: Database) {
    let store = database.open().await;
    let ada = saved_user(&store, "ada").await;
    let mut tx = store.begin().await.unwrap();
    let entry = |number: i64| AuditEntry {
        at: t(number),
        caller: (number > 0).then_some(ada),
        action: "workspace.delete".into(),
        subject: format!("{number}"),
        detail: String::new(),
    };
    for number in 0..5 {
        tx.append_audit(&entry(number)).await.unwrap();
    }

    let first = tx.audit(None, 3).await.unwrap();
    let second = tx.audit(first.last().map(|(id, _)| *id), 3).await.unwrap();

    let seen: Vec<_> = first.into_iter().chain(second).map(|(_, entry)| entry).collect();
    assert_eq!(seen, [4, 3, 2, 1, 0].map(entry));
}

pub(crate) async fn text_with_a_null_character_is_stored_on_both_engines(database: Database) {
    let store = database.open().await;
    let mut tx = store.begin().await.unwrap();

    tx.set_setting("a", "x\0y").await.unwrap();

    assert_eq!(tx.setting("a").await.unwrap().as_deref(), Some("x\u{fffd}y"));
}
