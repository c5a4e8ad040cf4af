//! Kites, their keys, shares and codes, and the registry's own keys.

use domain::{
    KiteKeyId, KiteVia, Membership, ShareSubject, Team, TeamDefaults, TeamId, TeamRole, UserId, WorkspaceId,
};
use store::{KiteCodeRow, KiteKeyRow, KitePut, KiteRow, KiteShare, RegistryKeyRow, Store, StoreError};
use vault::TokenHash;

use crate::database::Database;
use crate::fixture::{ENTROPY, a_workspace, saved_user, t, t0};

fn a_kite(id: &str, owner: UserId) -> KiteRow {
    KiteRow {
        id: id.into(),
        owner,
        workspace: None,
        team: None,
        credential: Some("kkey_x".into()),
        username: "ada".into(),
        environment: "production".into(),
        name: "math".into(),
        version: "1.2.3".into(),
        region: "local".into(),
        hostname: "machine".into(),
        url: "http://192.0.2.1:3636/kite".into(),
        via: KiteVia::Socket,
        signed_by: "0123456789abcdef".into(),
        server: "one".into(),
        generation: (1 << 62) + 1,
        registered_at: t0(),
        seen_at: t(1),
    }
}

fn a_key(user: UserId) -> KiteKeyRow {
    let id = KiteKeyId::generate(t0(), &*ENTROPY);
    KiteKeyRow {
        id,
        family: id,
        user,
        team: None,
        name: "laptop".into(),
        signed_by: "first".into(),
        created_at: t0(),
        issued_at: t0(),
        expires_at: t(1000),
        replaced_by: None,
        last_used_at: None,
    }
}

/// A saved team with one member.
async fn saved_team(store: &Store, slug: &str, member: UserId) -> TeamId {
    let team = Team {
        id: TeamId::generate(t0(), &*ENTROPY),
        slug: slug.parse().unwrap(),
        name: slug.into(),
        defaults: TeamDefaults::default(),
        everybody: false,
        created_at: t0(),
    };
    let mut tx = store.begin().await.unwrap();
    tx.insert_team(&team).await.unwrap();
    let member = Membership { team: team.id, user: member, role: TeamRole::Owner, since: t0() };
    tx.put_member(&member).await.unwrap();
    tx.commit().await.unwrap();
    team.id
}

/// A saved workspace of `owner` in `team`.
async fn saved_workspace(store: &Store, owner: UserId, team: TeamId) -> WorkspaceId {
    let mut workspace = a_workspace(owner, "demo");
    workspace.team = team;
    let mut tx = store.begin().await.unwrap();
    tx.insert_workspace(&workspace).await.unwrap();
    tx.commit().await.unwrap();
    workspace.id
}

pub(crate) async fn a_kite_comes_back_as_saved_and_replaced(database: Database) {
    let store = database.open().await;
    let owner = saved_user(&store, "ada").await;
    let team = saved_team(&store, "acme", owner).await;
    let workspace = saved_workspace(&store, owner, team).await;
    let mut kite = a_kite("math-1", owner);
    let mut tx = store.begin().await.unwrap();

    assert_eq!(tx.put_kite(&kite).await.unwrap(), KitePut::Kept);
    assert_eq!(tx.kites().await.unwrap(), [kite.clone()]);
    kite.workspace = Some(workspace);
    kite.team = Some(team);
    kite.credential = None;
    kite.via = KiteVia::Agent;
    kite.server = "two".into();
    kite.generation = 7;
    kite.version = "2.0.0".into();
    assert_eq!(tx.put_kite(&kite).await.unwrap(), KitePut::Kept);

    assert_eq!(tx.kites().await.unwrap(), [kite]);
}

pub(crate) async fn a_kites_id_stays_its_owners(database: Database) {
    let store = database.open().await;
    let (ada, eve) = (saved_user(&store, "ada").await, saved_user(&store, "eve").await);
    let mut tx = store.begin().await.unwrap();
    tx.put_kite(&a_kite("math-1", ada)).await.unwrap();

    assert_eq!(tx.put_kite(&a_kite("math-1", eve)).await.unwrap(), KitePut::Taken);

    assert_eq!(tx.kites().await.unwrap()[0].owner, ada);
    // Of nobody, of a workspace or a team that is not there: nothing is kept, and the transaction goes on.
    let nobody = UserId::generate(t0(), &*ENTROPY);
    assert_eq!(tx.put_kite(&a_kite("math-2", nobody)).await.unwrap(), KitePut::Gone);
    let mut lost = a_kite("math-3", ada);
    lost.workspace = Some(WorkspaceId::generate(t0(), &*ENTROPY));
    assert_eq!(tx.put_kite(&lost).await.unwrap(), KitePut::Gone);
    let mut lost = a_kite("math-4", ada);
    lost.team = Some(TeamId::generate(t0(), &*ENTROPY));
    assert_eq!(tx.put_kite(&lost).await.unwrap(), KitePut::Gone);
    assert_eq!(tx.kites().await.unwrap().len(), 1);
}

pub(crate) async fn only_the_present_registration_is_touched_and_removed(database: Database) {
    let store = database.open().await;
    let owner = saved_user(&store, "ada").await;
    let mut kite = a_kite("math-1", owner);
    kite.generation = 2;
    let mut tx = store.begin().await.unwrap();
    tx.put_kite(&kite).await.unwrap();

    tx.touch_kite("math-1", 1, t(60)).await.unwrap();
    assert_eq!(tx.kites().await.unwrap()[0].seen_at, t(1));
    tx.touch_kite("math-1", 2, t(60)).await.unwrap();
    tx.touch_kite("math-1", 2, t(30)).await.unwrap();
    assert_eq!(tx.kites().await.unwrap()[0].seen_at, t(60));
    assert!(!tx.delete_kite("math-1", 1).await.unwrap());
    assert!(tx.delete_kite("math-1", 2).await.unwrap());
    assert_eq!(tx.kites().await.unwrap(), []);
}

pub(crate) async fn kites_go_with_their_workspace_team_and_owner(database: Database) {
    let store = database.open().await;
    let owner = saved_user(&store, "ada").await;
    let team = saved_team(&store, "acme", owner).await;
    let workspace = saved_workspace(&store, owner, Team::EVERYBODY).await;
    let mut tx = store.begin().await.unwrap();
    let mut agent = a_kite("agent", owner);
    agent.workspace = Some(workspace);
    agent.credential = None;
    let mut of_team = a_kite("of-team", owner);
    of_team.team = Some(team);
    for kite in [&agent, &of_team, &a_kite("own", owner), &a_kite("other", owner)] {
        tx.put_kite(kite).await.unwrap();
    }
    let counts = tx.count_kites_by_credential(owner).await.unwrap();
    assert_eq!(counts, [("kkey_x".to_owned(), 3)]);

    tx.delete_workspace(workspace).await.unwrap();
    tx.delete_team(team).await.unwrap();

    let left: Vec<_> = tx.kites().await.unwrap().into_iter().map(|kite| kite.id).collect();
    assert_eq!(left, ["other", "own"]);
}

pub(crate) async fn the_issues_of_a_kite_key_follow_each_other(database: Database) {
    let store = database.open().await;
    let user = saved_user(&store, "ada").await;
    let first = a_key(user);
    let second = KiteKeyRow { family: first.id, issued_at: t(500), expires_at: t(2000), ..a_key(user) };
    let mut tx = store.begin().await.unwrap();
    tx.insert_kite_key(&first).await.unwrap();
    assert_eq!(tx.newest_kite_key(user, first.id).await.unwrap(), Some(first.clone()));

    assert!(tx.replace_kite_key(first.id, second.id, t(600)).await.unwrap());
    tx.insert_kite_key(&second).await.unwrap();
    let again = tx.replace_kite_key(first.id, KiteKeyId::NIL, t(700)).await.unwrap();

    assert!(!again);
    let replaced = KiteKeyRow { replaced_by: Some(second.id), expires_at: t(600), ..first.clone() };
    assert_eq!(tx.kite_key(first.id).await.unwrap(), Some(replaced));
    assert_eq!(tx.newest_kite_key(user, first.id).await.unwrap(), Some(second.clone()));
    assert_eq!(tx.kite_keys_of(user).await.unwrap().len(), 2);
    assert!(tx.is_kite_key_good(first.id, t(1999)).await.unwrap());
    assert!(!tx.is_kite_key_good(first.id, t(2000)).await.unwrap());
    assert_eq!(tx.count_kite_keys_signed_by("first", t(599)).await.unwrap(), 2);
    assert_eq!(tx.count_kite_keys_signed_by("first", t(600)).await.unwrap(), 1);
    assert_eq!(tx.sweep_kite_keys(t(600)).await.unwrap(), [user].into());
    let nobody = saved_other(&mut tx).await;
    assert!(!tx.delete_kite_key(nobody, first.id).await.unwrap());
    assert!(tx.delete_kite_key(user, first.id).await.unwrap());
    assert_eq!(tx.kite_key(second.id).await.unwrap(), None);
}

async fn saved_other(tx: &mut store::Tx) -> UserId {
    let user = crate::fixture::a_user("eve");
    tx.insert_user(&user, None).await.unwrap();
    user.id
}

pub(crate) async fn of_servers_that_renew_a_kite_key_at_once_one_does(database: Database) {
    let store = database.open().await;
    let user = saved_user(&store, "ada").await;
    let first = a_key(user);
    let mut tx = store.begin().await.unwrap();
    tx.insert_kite_key(&first).await.unwrap();
    tx.commit().await.unwrap();

    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let (store, first) = (store.clone(), first.clone());
            tokio::spawn(async move {
                loop {
                    let mut tx = store.begin().await.unwrap();
                    let Some(newest) = tx.newest_kite_key(first.user, first.id).await.unwrap() else {
                        continue;
                    };
                    if newest.id != first.id {
                        return newest.id;
                    }
                    let next = KiteKeyRow { family: first.id, ..a_key(first.user) };
                    assert!(tx.replace_kite_key(first.id, next.id, t(10)).await.unwrap());
                    tx.insert_kite_key(&next).await.unwrap();
                    tx.commit().await.unwrap();
                }
            })
        })
        .collect();
    let mut renewed = Vec::new();
    for task in tasks {
        renewed.push(task.await.unwrap());
    }

    renewed.dedup();
    assert_eq!(renewed.len(), 1);
    assert_eq!(store.read().await.unwrap().kite_keys_of(user).await.unwrap().len(), 2);
}

pub(crate) async fn a_kite_key_that_is_renewed_at_this_moment_is_revoked(database: Database) {
    let store = database.open().await;
    let user = saved_user(&store, "ada").await;
    for by_rotation in [false, true] {
        let first = a_key(user);
        let mut tx = store.begin().await.unwrap();
        tx.insert_kite_key(&first).await.unwrap();
        tx.commit().await.unwrap();
        let next = KiteKeyRow { family: first.id, ..a_key(user) };
        let mut renewal = store.begin().await.unwrap();
        renewal.newest_kite_key(user, first.id).await.unwrap().unwrap();
        renewal.replace_kite_key(first.id, next.id, t(10)).await.unwrap();
        renewal.insert_kite_key(&next).await.unwrap();

        let revocation = tokio::spawn({
            let store = store.clone();
            async move {
                let mut tx = store.begin().await.unwrap();
                if by_rotation {
                    tx.delete_kite_keys_not_signed_by("another").await.unwrap();
                } else {
                    assert!(tx.delete_kite_key(user, first.id).await.unwrap());
                }
                tx.commit().await.unwrap();
            }
        });
        // It waits for the renewal by now, or comes after it: both must do.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        renewal.commit().await.unwrap();
        revocation.await.unwrap();

        assert_eq!(store.read().await.unwrap().kite_keys_of(user).await.unwrap(), []);
    }
}

pub(crate) async fn kite_keys_of_a_team_go_with_it(database: Database) {
    let store = database.open().await;
    let user = saved_user(&store, "ada").await;
    let team = saved_team(&store, "acme", user).await;
    let mut key = a_key(user);
    key.team = Some(team);
    key.last_used_at = Some(t(3));
    let mut tx = store.begin().await.unwrap();
    tx.insert_kite_key(&key).await.unwrap();
    tx.touch_kite_key(key.id, t(2)).await.unwrap();
    assert_eq!(tx.kite_key(key.id).await.unwrap(), Some(key.clone()));
    tx.touch_kite_key(key.id, t(4)).await.unwrap();
    assert_eq!(tx.kite_key(key.id).await.unwrap().unwrap().last_used_at, Some(t(4)));
    assert_eq!(tx.count_kite_keys_of_team(team, t(1)).await.unwrap(), 1);

    tx.delete_team(team).await.unwrap();

    assert_eq!(tx.kite_key(key.id).await.unwrap(), None);
}

fn a_pair(kid: &str, seconds: i64) -> RegistryKeyRow {
    RegistryKeyRow { kid: kid.into(), public: "PEM".into(), created_at: t(seconds), retired_at: None }
}

pub(crate) async fn one_pair_of_the_registry_signs_at_a_time(database: Database) {
    let store = database.open().await;
    let user = saved_user(&store, "ada").await;
    let mut tx = store.begin().await.unwrap();
    tx.insert_registry_key(&a_pair("first", 0)).await.unwrap();

    let too_late = tx.insert_registry_key(&a_pair("second", 1)).await;

    assert!(matches!(too_late, Err(StoreError::Conflict { what: "registry key" })));
    assert!(!tx.delete_registry_key("first").await.unwrap());
    assert!(tx.retire_registry_key(t(5)).await.unwrap());
    assert!(!tx.retire_registry_key(t(6)).await.unwrap());
    tx.insert_registry_key(&a_pair("second", 5)).await.unwrap();
    let all = tx.registry_keys().await.unwrap();
    assert_eq!(all, [a_pair("second", 5), RegistryKeyRow { retired_at: Some(t(5)), ..a_pair("first", 0) }]);
    // It is needed as long as a kite key that it signed is good.
    tx.insert_kite_key(&a_key(user)).await.unwrap();
    assert_eq!(tx.unused_registry_keys(t(5), t(999)).await.unwrap(), []);
    assert_eq!(tx.unused_registry_keys(t(4), t(1000)).await.unwrap(), []);
    assert_eq!(tx.unused_registry_keys(t(5), t(1000)).await.unwrap(), all[1..]);
    assert_eq!(tx.delete_kite_keys_not_signed_by("second").await.unwrap(), 1);
    assert_eq!(tx.unused_registry_keys(t(5), t(5)).await.unwrap(), all[1..]);
    assert!(tx.delete_registry_key("first").await.unwrap());
}

pub(crate) async fn a_share_is_good_while_its_owner_may_enter(database: Database) {
    let store = database.open().await;
    let (ada, eve) = (saved_user(&store, "ada").await, saved_user(&store, "eve").await);
    let team = saved_team(&store, "acme", ada).await;
    let workspace = ShareSubject::Workspace(saved_workspace(&store, ada, team).await);
    let service: ShareSubject = "production/math".parse().unwrap();
    let share = |subject: &ShareSubject| KiteShare {
        owner: ada,
        subject: subject.clone(),
        user: eve,
        created_at: t0(),
    };
    let mut tx = store.begin().await.unwrap();
    assert!(tx.put_kite_share(&share(&workspace)).await.unwrap());
    assert!(tx.put_kite_share(&share(&service)).await.unwrap());
    assert!(!tx.put_kite_share(&share(&service)).await.unwrap());

    let both = [share(&service), share(&workspace)];
    assert_eq!(tx.kite_shares_of(ada).await.unwrap(), both);
    assert_eq!(tx.count_kite_shares(ada).await.unwrap(), 2);
    assert_eq!(tx.kite_shares(ada, &workspace).await.unwrap(), [share(&workspace)]);
    assert_eq!(tx.kite_shares_with(eve, Team::EVERYBODY).await.unwrap(), both);
    assert_eq!(tx.kite_shares_with(ada, Team::EVERYBODY).await.unwrap(), []);
    tx.delete_member(team, ada).await.unwrap();
    assert_eq!(tx.kite_shares_with(eve, Team::EVERYBODY).await.unwrap(), [share(&service)]);
    // In the team of everybody nobody needs a place.
    assert_eq!(tx.kite_shares_with(eve, team).await.unwrap(), both);
    let mut owner = tx.user(ada).await.unwrap().unwrap();
    owner.suspended_at = Some(t(9));
    assert_eq!(tx.suspended_users().await.unwrap(), []);
    tx.save_user(&owner).await.unwrap();
    assert_eq!(tx.suspended_users().await.unwrap(), [ada]);
    assert_eq!(tx.kite_shares_with(eve, team).await.unwrap(), []);
    assert!(tx.delete_kite_share(ada, &service, eve).await.unwrap());
    assert!(!tx.delete_kite_share(ada, &service, eve).await.unwrap());
    let ShareSubject::Workspace(id) = workspace else { unreachable!() };
    assert_eq!(tx.workspace_owner(id).await.unwrap(), Some(ada));
    assert_eq!(tx.workspace_owners().await.unwrap(), [(id, ada)].into());
    tx.delete_workspace(id).await.unwrap();
    assert_eq!(tx.workspace_owner(id).await.unwrap(), None);
    assert_eq!(tx.kite_shares_of(ada).await.unwrap(), []);
}

pub(crate) async fn a_code_is_taken_once(database: Database) {
    let store = database.open().await;
    let user = saved_user(&store, "ada").await;
    let team = saved_team(&store, "acme", user).await;
    let code = |text: &str, seconds| KiteCodeRow {
        hash: TokenHash::of(text),
        user,
        team: Some(team),
        expires_at: t(seconds),
    };
    let mut tx = store.begin().await.unwrap();
    for row in [code("first", 10), code("second", 20), code("third", 30)] {
        tx.insert_kite_code(&row).await.unwrap();
    }
    assert_eq!(tx.count_kite_codes(user).await.unwrap(), 3);
    assert_eq!(tx.sweep_kite_codes(t(10)).await.unwrap(), 1);
    tx.commit().await.unwrap();

    let takers: Vec<_> = (0..6)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut tx = store.begin().await.unwrap();
                let taken = tx.take_kite_code(&TokenHash::of("second")).await.unwrap();
                tx.commit().await.unwrap();
                taken
            })
        })
        .collect();
    let mut taken = Vec::new();
    for taker in takers {
        taken.extend(taker.await.unwrap());
    }

    assert_eq!(taken, [code("second", 20)]);
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.delete_kite_codes_of(user).await.unwrap(), 1);
    assert_eq!(tx.take_kite_code(&TokenHash::of("third")).await.unwrap(), None);
}
