//! Forges, links, identities, attempts, uploads of keys.

use domain::{
    Account, AttemptId, Forge, ForgeAuth, ForgeId, ForgeKind, ForgeState, KeyOwner, Link, LinkId, LinkMethod,
    LinkState, RedirectPath, SignUp, SshAlgorithm, UploadState, UserId,
};
use store::{Attempt, Identity, RefreshState, SshKeyRow, SshUpload, Store, StoreError};
use vault::TokenHash;

use crate::database::Database;
use crate::fixture::{ENTROPY, saved_user, t, t0};
use crate::sealed::{a_sealed, saved_data_key};

pub(crate) fn a_forge(web_url: &str) -> Forge {
    Forge {
        id: ForgeId::generate(t0(), &*ENTROPY),
        team: None,
        kind: ForgeKind::Gitlab,
        name: "GitLab".into(),
        web_url: web_url.parse().unwrap(),
        api_url: None,
        git_url: None,
        ssh: None,
        auth: ForgeAuth::Oauth2 { client_id: "app".into() },
        redirect: RedirectPath::Own,
        scopes: vec!["read_user".into()],
        ca_pem: None,
        client_certificate: None,
        proxy: None,
        sign_in: true,
        sign_up: SignUp::Domains(vec!["example.org".into()]),
        state: ForgeState::Pending,
        version: None,
        from_file: false,
        created_at: t0(),
        created_by: None,
        updated_at: t0(),
    }
}

pub(crate) fn a_link(user: UserId, forge: ForgeId, subject: &str) -> Link {
    Link {
        id: LinkId::generate(t0(), &*ENTROPY),
        forge,
        user,
        account: Account {
            subject: subject.into(),
            login: "ada".into(),
            name: None,
            email: None,
            email_verified: false,
            web_url: None,
        },
        method: LinkMethod::Oauth2,
        scopes: vec![],
        state: LinkState::Active,
        generation: 1,
        issued_at: t0(),
        expires_at: Some(t(7200)),
        created_at: t0(),
        updated_at: t0(),
    }
}

fn an_identity(forge: &Forge, subject: &str, user: UserId) -> Identity {
    Identity {
        issuer: forge.issuer(),
        subject: subject.into(),
        user,
        forge: Some(forge.id),
        created_at: t0(),
        last_used_at: None,
    }
}

pub(crate) async fn saved_forge(store: &Store) -> Forge {
    let forge = a_forge("https://gitlab.example");
    let mut tx = store.begin().await.unwrap();
    tx.insert_forge(&forge).await.unwrap();
    tx.commit().await.unwrap();
    forge
}

async fn saved_link(store: &Store) -> Link {
    let (user, forge) = (saved_user(store, "ada").await, saved_forge(store).await);
    let link = a_link(user, forge.id, "7");
    let mut tx = store.begin().await.unwrap();
    tx.insert_link(&link).await.unwrap();
    tx.commit().await.unwrap();
    link
}

pub(crate) async fn a_forge_comes_back_as_saved(database: Database) {
    let store = database.open().await;
    let by = saved_user(&store, "ada").await;
    let mut forge = a_forge("https://example.com/gitlab");
    let mut tx = store.begin().await.unwrap();
    tx.insert_forge(&forge).await.unwrap();
    assert_eq!(tx.forge(forge.id).await.unwrap(), Some(forge.clone()));

    for state in [
        ForgeState::Verified { at: t(1), by: Some(by) },
        ForgeState::Verified { at: t(1), by: None },
        ForgeState::Faulty { at: t(2), why: "the secret was renewed".into() },
    ] {
        forge.state = state;
        forge.team = Some(domain::Team::EVERYBODY);
        tx.save_forge(&forge).await.unwrap();
        assert_eq!(tx.forge_for_update(forge.id).await.unwrap(), Some(forge.clone()));
    }

    let again = tx.insert_forge(&forge).await;
    assert!(matches!(again, Err(StoreError::Conflict { what: "forge" })));
    let gone = tx.save_forge(&a_forge("https://gone.example")).await;
    assert!(matches!(gone, Err(StoreError::Conflict { what: "forge" })));
    let other = a_forge("https://example.com/gitlab");
    tx.insert_forge(&other).await.unwrap();
    assert_eq!(tx.forges().await.unwrap().len(), 2);
    assert_eq!(tx.forges_of_team(domain::Team::EVERYBODY).await.unwrap(), [forge]);
}

pub(crate) async fn a_forge_takes_links_identities_and_secrets_along(database: Database) {
    let store = database.open().await;
    let link = saved_link(&store).await;
    let user_keys = saved_data_key(&store, KeyOwner::User(link.user)).await;
    let keys = saved_data_key(&store, KeyOwner::Platform).await;
    let mut tx = store.begin().await.unwrap();
    let forge = tx.forge(link.forge).await.unwrap().unwrap();
    let twin = a_forge("https://gitlab.example");
    tx.insert_forge(&twin).await.unwrap();
    let other = a_forge("https://other.example");
    tx.insert_forge(&other).await.unwrap();
    let others = a_link(link.user, other.id, "7");
    tx.insert_link(&others).await.unwrap();
    tx.insert_identity(&an_identity(&forge, "7", link.user)).await.unwrap();
    tx.insert_identity(&an_identity(&other, "7", link.user)).await.unwrap();
    let attempt = an_attempt(forge.id, "state");
    tx.insert_attempt(&attempt).await.unwrap();
    let owner = KeyOwner::User(link.user);
    for (kind, row, owner, key) in [
        ("forge.client_secret", forge.id.to_string(), KeyOwner::Platform, keys),
        ("forge.client_secret", other.id.to_string(), KeyOwner::Platform, keys),
        ("link.access_token", link.id.to_string(), owner, user_keys),
        ("link.access_token", others.id.to_string(), owner, user_keys),
        ("attempt.private", attempt.id.to_string(), KeyOwner::Platform, keys),
    ] {
        tx.put_sealed(kind, &row, owner, &a_sealed(key, "x"), t0()).await.unwrap();
    }

    assert!(tx.delete_forge(forge.id).await.unwrap());
    assert!(!tx.delete_forge(forge.id).await.unwrap());

    assert_eq!(tx.link(link.id).await.unwrap(), None);
    assert_eq!(tx.count_sealed().await.unwrap(), 2);
    assert!(tx.has_sealed("link.access_token", &others.id.to_string()).await.unwrap());
    assert_eq!(tx.take_attempt(&attempt.state).await.unwrap(), None);
    // The twin stands for the same issuer, so who signs in with it stays who they are.
    let kept = tx.identity("https://gitlab.example", "7").await.unwrap().unwrap();
    assert_eq!(kept.forge, None);
    assert!(tx.delete_forge(other.id).await.unwrap());
    assert_eq!(tx.identity("https://other.example", "7").await.unwrap(), None);
}

pub(crate) async fn a_link_comes_back_as_saved(database: Database) {
    let store = database.open().await;
    let mut link = saved_link(&store).await;
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.link(link.id).await.unwrap(), Some(link.clone()));

    link.state = LinkState::SignInNeeded { at: t(3), why: "the grant was revoked".into() };
    link.generation = 2;
    link.expires_at = None;
    link.account.login = "ada2".into();
    tx.save_link(&link).await.unwrap();

    assert_eq!(tx.link_for_update(link.id).await.unwrap(), Some(link.clone()));
    assert_eq!(tx.link_of(link.user, link.forge).await.unwrap(), Some(link.clone()));
    assert_eq!(tx.link_by_subject(link.forge, "7").await.unwrap(), Some(link.clone()));
    assert_eq!(tx.link_by_subject(link.forge, "8").await.unwrap(), None);
    assert_eq!(tx.links_of(link.user).await.unwrap(), std::slice::from_ref(&link));
    assert_eq!(tx.count_links(link.forge).await.unwrap(), 1);
    assert!(tx.delete_link(link.id).await.unwrap());
    assert!(!tx.delete_link(link.id).await.unwrap());
    assert!(matches!(tx.save_link(&link).await, Err(StoreError::Conflict { what: "link" })));
}

pub(crate) async fn an_account_is_linked_once_and_a_person_once_at_a_forge(database: Database) {
    let store = database.open().await;
    let link = saved_link(&store).await;
    let bob = saved_user(&store, "bob").await;
    let mut tx = store.begin().await.unwrap();

    let same_account = tx.insert_link(&a_link(bob, link.forge, "7")).await;
    let same_person = tx.insert_link(&a_link(link.user, link.forge, "8")).await;
    let mut bobs = a_link(bob, link.forge, "8");
    tx.insert_link(&bobs).await.unwrap();
    bobs.account.subject = "7".into();
    let onto = tx.save_link(&bobs).await;

    for refused in [same_account, same_person, onto] {
        assert!(matches!(refused, Err(StoreError::Conflict { what: "link" })));
    }
    let first = tx.links_of_forge(link.forge, None, 1).await.unwrap();
    let second = tx.links_of_forge(link.forge, Some(first[0].id), 9).await.unwrap();
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_ne!(first[0].id, second[0].id);
}

pub(crate) async fn a_link_takes_its_tokens_and_upload_along(database: Database) {
    let store = database.open().await;
    let link = saved_link(&store).await;
    let owner = KeyOwner::User(link.user);
    let key = saved_data_key(&store, owner).await;
    let mut tx = store.begin().await.unwrap();
    tx.put_sealed("link.access_token", &link.id.to_string(), owner, &a_sealed(key, "x"), t0()).await.unwrap();
    let mut upload = SshUpload {
        link: link.id,
        fingerprint: "SHA256:abc".into(),
        remote_id: None,
        state: UploadState::Failed,
        why: Some("it is taken".into()),
        mend: Some("remove it there".into()),
        at: t(1),
    };
    tx.put_upload(&upload).await.unwrap();
    assert_eq!(tx.upload(link.id).await.unwrap(), Some(upload.clone()));
    upload = SshUpload {
        remote_id: Some("9".into()),
        state: UploadState::Uploaded,
        why: None,
        mend: None,
        at: t(2),
        ..upload
    };
    tx.put_upload(&upload).await.unwrap();
    assert_eq!(tx.uploads_of(link.user).await.unwrap(), [upload]);

    tx.delete_link(link.id).await.unwrap();

    assert_eq!(tx.count_sealed().await.unwrap(), 0);
    assert_eq!(tx.upload(link.id).await.unwrap(), None);
    assert!(!tx.delete_upload(link.id).await.unwrap());
}

pub(crate) async fn one_of_many_renews_a_credential(database: Database) {
    let store = database.open().await;
    let link = saved_link(&store).await;

    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let (store, id) = (store.clone(), link.id);
            tokio::spawn(async move {
                let mut tx = store.begin().await.unwrap();
                let won = tx.claim_refresh(id, 1, &format!("server {number}"), t(0), t(30)).await.unwrap();
                tx.commit().await.unwrap();
                won
            })
        })
        .collect();
    let mut winners = 0;
    for task in tasks {
        winners += u32::from(task.await.unwrap());
    }

    assert_eq!(winners, 1);
}

pub(crate) async fn a_lease_on_renewing_ends_and_knows_its_generation(database: Database) {
    let store = database.open().await;
    let link = saved_link(&store).await;
    let mut tx = store.begin().await.unwrap();

    assert_eq!(tx.refresh_state(link.id).await.unwrap(), None);
    assert!(!tx.claim_refresh(link.id, 2, "one", t(0), t(30)).await.unwrap());
    assert!(tx.claim_refresh(link.id, 1, "one", t(0), t(30)).await.unwrap());
    assert!(!tx.mark_refresh_sent(link.id, "two", t(1)).await.unwrap());
    assert!(tx.mark_refresh_sent(link.id, "one", t(1)).await.unwrap());
    let held = RefreshState { owner: "one".into(), until: t(30), sent_at: Some(t(1)) };
    assert_eq!(tx.refresh_state(link.id).await.unwrap(), Some(held.clone()));
    assert!(!tx.claim_refresh(link.id, 1, "two", t(29), t(60)).await.unwrap());
    // Saving the link leaves the lease.
    tx.save_link(&link).await.unwrap();
    assert_eq!(tx.refresh_state(link.id).await.unwrap(), Some(held));
    // It ends by itself, and also counts as over when the clock was set back behind it.
    assert!(tx.claim_refresh(link.id, 1, "two", t(30), t(60)).await.unwrap());
    assert_eq!(tx.refresh_state(link.id).await.unwrap().unwrap().sent_at, None);
    assert!(tx.claim_refresh(link.id, 1, "three", t(-9000), t(-8970)).await.unwrap());
    assert!(!tx.end_refresh(link.id, "two").await.unwrap());
    assert!(tx.end_refresh(link.id, "three").await.unwrap());
    assert_eq!(tx.refresh_state(link.id).await.unwrap(), None);
}

pub(crate) async fn an_account_signs_one_person_in(database: Database) {
    let store = database.open().await;
    let forge = saved_forge(&store).await;
    let (ada, bob) = (saved_user(&store, "ada").await, saved_user(&store, "bob").await);
    let mut tx = store.begin().await.unwrap();
    let identity = an_identity(&forge, "7", ada);
    tx.insert_identity(&identity).await.unwrap();

    let second = tx.insert_identity(&an_identity(&forge, "7", bob)).await;
    tx.insert_identity(&an_identity(&forge, "8", bob)).await.unwrap();

    assert!(matches!(second, Err(StoreError::Conflict { what: "identity" })));
    assert_eq!(tx.identity("https://gitlab.example", "7").await.unwrap(), Some(identity.clone()));
    assert_eq!(tx.identity("https://gitlab.example/", "7").await.unwrap(), None);
    tx.touch_identity(&identity.issuer, "7", t(9)).await.unwrap();
    tx.touch_identity(&identity.issuer, "7", t(5)).await.unwrap();
    assert_eq!(tx.identities_of(ada).await.unwrap()[0].last_used_at, Some(t(9)));
    assert_eq!(tx.identities_of_forge(forge.id).await.unwrap().len(), 2);
    assert!(tx.delete_identity(&identity.issuer, "7").await.unwrap());
    assert!(!tx.delete_identity(&identity.issuer, "7").await.unwrap());
}

fn an_attempt(forge: ForgeId, state: &str) -> Attempt {
    Attempt {
        id: AttemptId::generate(t0(), &*ENTROPY),
        state: TokenHash::of(state),
        browser: TokenHash::of("browser"),
        forge,
        details: serde_json::json!({"purpose": "sign_in", "return_to": "/w"}),
        created_at: t0(),
        expires_at: t(600),
    }
}

pub(crate) async fn an_attempt_is_taken_once(database: Database) {
    let store = database.open().await;
    let attempt = an_attempt(saved_forge(&store).await.id, "state");
    let mut tx = store.begin().await.unwrap();
    tx.insert_attempt(&attempt).await.unwrap();

    assert_eq!(tx.take_attempt(&TokenHash::of("other")).await.unwrap(), None);
    assert_eq!(tx.take_attempt(&attempt.state).await.unwrap(), Some(attempt.clone()));
    assert_eq!(tx.take_attempt(&attempt.state).await.unwrap(), None);
}

pub(crate) async fn attempts_are_swept_with_what_is_sealed_for_them(database: Database) {
    let store = database.open().await;
    let forge = saved_forge(&store).await.id;
    let key = saved_data_key(&store, KeyOwner::Platform).await;
    let mut tx = store.begin().await.unwrap();
    let (over, young) =
        (an_attempt(forge, "one"), Attempt { expires_at: t(900), ..an_attempt(forge, "two") });
    let (opened, forgotten) = (an_attempt(forge, "three"), an_attempt(forge, "four"));
    for (attempt, at) in [(&over, t(0)), (&young, t(0)), (&opened, t(599)), (&forgotten, t(-3000))] {
        tx.insert_attempt(attempt).await.unwrap();
        let row = attempt.id.to_string();
        tx.put_sealed("attempt.private", &row, KeyOwner::Platform, &a_sealed(key, "x"), at).await.unwrap();
    }
    for taken in [&opened, &forgotten] {
        tx.take_attempt(&taken.state).await.unwrap().unwrap();
    }

    assert_eq!(tx.sweep_attempts(t(600)).await.unwrap(), 1);

    assert_eq!(tx.count_sealed().await.unwrap(), 2);
    for kept in [&young, &opened] {
        assert!(tx.has_sealed("attempt.private", &kept.id.to_string()).await.unwrap());
    }
    assert_eq!(tx.take_attempt(&over.state).await.unwrap(), None);
    assert!(tx.take_attempt(&young.state).await.unwrap().is_some());
}

pub(crate) async fn a_persons_ssh_key_is_replaced(database: Database) {
    let store = database.open().await;
    let user = saved_user(&store, "ada").await;
    let key = SshKeyRow {
        user,
        algorithm: SshAlgorithm::Ed25519,
        public_key: "ssh-ed25519 AAAA".into(),
        fingerprint: "SHA256:abc".into(),
        created_at: t0(),
    };
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.ssh_key(user).await.unwrap(), None);
    tx.put_ssh_key(&key).await.unwrap();
    assert_eq!(tx.ssh_key(user).await.unwrap(), Some(key.clone()));

    let second = SshKeyRow { algorithm: SshAlgorithm::Rsa4096, created_at: t(5), ..key };
    tx.put_ssh_key(&second).await.unwrap();

    assert_eq!(tx.ssh_key(user).await.unwrap(), Some(second));
}
