//! Teams, members, invitations, names of secrets; what workspaces and sessions have of them.

use domain::{
    GitPreferences, Invitation, InvitationId, Limits, Membership, Rootfs, SessionId, Team, TeamDefaults,
    TeamId, TeamRole, UserId, Variable,
};
use store::{Handoff, Session, Store, StoreError};
use vault::TokenHash;

use crate::database::Database;
use crate::fixture::{ENTROPY, a_user, a_workspace, saved_user, t, t0};
use crate::forges::saved_forge;

fn a_team(slug: &str) -> Team {
    Team {
        // In the order of their names, so that lists are.
        id: TeamId::generate(t(i64::from(slug.as_bytes()[0])), &*ENTROPY),
        slug: slug.parse().unwrap(),
        name: slug.into(),
        defaults: TeamDefaults::default(),
        everybody: false,
        created_at: t0(),
    }
}

fn a_member(team: TeamId, user: UserId, role: TeamRole) -> Membership {
    Membership { team, user, role, since: t0() }
}

async fn saved_team(store: &Store, slug: &str) -> TeamId {
    let team = a_team(slug);
    let mut tx = store.begin().await.unwrap();
    tx.insert_team(&team).await.unwrap();
    tx.commit().await.unwrap();
    team.id
}

pub(crate) async fn the_team_everybody_belongs_to_is_there_from_the_beginning(database: Database) {
    let store = database.open().await;
    let mut tx = store.begin().await.unwrap();

    let everybody = tx.team(Team::EVERYBODY).await.unwrap().unwrap();

    assert!(everybody.everybody);
    assert_eq!((everybody.slug.as_str(), everybody.name.as_str()), ("everybody", "Everybody"));
    assert_eq!(everybody.defaults, TeamDefaults::default());
    assert!(everybody.created_at.as_second() > 1_600_000_000, "{}", everybody.created_at);
    tx.insert_team(&a_team("acme")).await.unwrap();
    assert_eq!(tx.teams().await.unwrap()[0], everybody);
}

pub(crate) async fn workspaces_made_before_there_were_teams_belong_to_everybody(database: Database) {
    let store = database.open().await;
    let ada = saved_user(&store, "ada").await;
    // The columns that the first version wrote.
    let limits = serde_json::to_string(&Limits::default()).unwrap();
    database
        .execute(&format!(
            "insert into workspaces (id, owner, name, phase, run, created_at, updated_at, last_activity_at, \
             details) values ('ws_01jd2k3v4w5x6y7z8a9b0c1d2e', '{ada}', 'old', 'stopped', 1, 0, 0, 0, \
             '{{\"phase\":{{\"name\":\"stopped\"}},\"source\":null,\"rootfs\":\"host\",\"base\":null,\
             \"limits\":{limits},\"steps\":[],\"initialised\":true,\"notices\":[]}}')"
        ))
        .await;

    let found = store.read().await.unwrap().workspaces(None, None, 9).await.unwrap();

    assert_eq!(found[0].team, Team::EVERYBODY);
    assert_eq!(found[0].variables, []);
}

pub(crate) async fn a_team_comes_back_as_saved(database: Database) {
    let store = database.open().await;
    let mut team = a_team("acme");
    let mut tx = store.begin().await.unwrap();
    tx.insert_team(&team).await.unwrap();
    let taken = tx.insert_team(&a_team("acme")).await;
    tx.insert_team(&a_team("other")).await.unwrap();

    team.name = "Acme".into();
    team.defaults = TeamDefaults { rootfs: Some(Rootfs::Host), limits: Some(Limits::default()) };
    tx.save_team(&team).await.unwrap();
    let onto = tx.save_team(&Team { slug: "other".parse().unwrap(), ..team.clone() }).await;

    for refused in [taken, onto] {
        assert!(matches!(refused, Err(StoreError::Conflict { what: "team address" })));
    }
    assert_eq!(tx.team(team.id).await.unwrap(), Some(team.clone()));
    assert_eq!(tx.team_for_update(team.id).await.unwrap(), Some(team.clone()));
    assert_eq!(tx.team_by_slug(&team.slug).await.unwrap(), Some(team.clone()));
    assert_eq!(tx.team_by_slug(&"nobody".parse().unwrap()).await.unwrap(), None);
    assert!(tx.delete_team(team.id).await.unwrap());
    assert!(!tx.delete_team(team.id).await.unwrap());
}

pub(crate) async fn members_have_one_role_each(database: Database) {
    let store = database.open().await;
    let (ada, bob) = (saved_user(&store, "ada").await, saved_user(&store, "bob").await);
    let (acme, other) = (saved_team(&store, "acme").await, saved_team(&store, "other").await);
    let mut tx = store.begin().await.unwrap();
    for member in [
        a_member(acme, ada, TeamRole::Owner),
        Membership { since: t(1), ..a_member(acme, bob, TeamRole::Member) },
        a_member(other, bob, TeamRole::Owner),
    ] {
        tx.put_member(&member).await.unwrap();
    }
    assert_eq!(tx.member(acme, ada).await.unwrap(), Some(TeamRole::Owner));
    assert_eq!(tx.member(other, ada).await.unwrap(), None);
    assert_eq!(tx.count_owners(acme).await.unwrap(), 1);

    tx.put_member(&Membership { since: t(9), ..a_member(acme, bob, TeamRole::Admin) }).await.unwrap();

    assert_eq!(
        tx.members(acme).await.unwrap(),
        [
            a_member(acme, ada, TeamRole::Owner),
            Membership { since: t(1), ..a_member(acme, bob, TeamRole::Admin) }
        ]
    );
    assert_eq!(tx.count_members(acme).await.unwrap(), 2);
    let teams = tx.teams_of(bob).await.unwrap();
    let teams: Vec<_> = teams.iter().map(|(team, role)| (team.slug.as_str(), *role)).collect();
    assert_eq!(teams, [("acme", TeamRole::Admin), ("other", TeamRole::Owner)]);
    assert!(tx.delete_member(acme, bob).await.unwrap());
    assert!(!tx.delete_member(acme, bob).await.unwrap());
    tx.delete_team(other).await.unwrap();
    assert_eq!(tx.teams_of(bob).await.unwrap(), []);
}

pub(crate) async fn an_invitation_is_taken_once(database: Database) {
    let store = database.open().await;
    let team = saved_team(&store, "acme").await;
    let by = saved_user(&store, "ada").await;
    let invitation = |expires_at| Invitation {
        id: InvitationId::generate(t0(), &*ENTROPY),
        team,
        role: TeamRole::Member,
        note: "for Bob".into(),
        by,
        created_at: t0(),
        expires_at,
    };
    let (one, two, over) = (invitation(t(100)), invitation(t(100)), invitation(t(10)));
    let mut tx = store.begin().await.unwrap();
    for (invitation, token) in [(&one, "one"), (&two, "two"), (&over, "over")] {
        tx.insert_invitation(invitation, &TokenHash::of(token)).await.unwrap();
    }

    assert_eq!(tx.invitation_by_hash(&TokenHash::of("one")).await.unwrap(), Some(one.clone()));
    assert_eq!(tx.invitations_of(team).await.unwrap().len(), 3);
    assert_eq!(tx.sweep_invitations(t(10)).await.unwrap(), 1);
    assert_eq!(tx.take_invitation(&TokenHash::of("one")).await.unwrap(), Some(one));
    assert_eq!(tx.take_invitation(&TokenHash::of("one")).await.unwrap(), None);
    assert!(!tx.delete_invitation(Team::EVERYBODY, two.id).await.unwrap());
    assert!(tx.delete_invitation(team, two.id).await.unwrap());
    assert_eq!(tx.invitations_of(team).await.unwrap(), []);
}

pub(crate) async fn a_teams_secrets_are_listed_by_name(database: Database) {
    let store = database.open().await;
    let team = saved_team(&store, "acme").await;
    let mut tx = store.begin().await.unwrap();
    for (name, at) in [("b_TOKEN", 1), ("A_TOKEN", 2), ("_X", 3), ("b_TOKEN", 4)] {
        tx.put_secret_name(team, name, t(at)).await.unwrap();
    }

    let names = tx.secret_names(team).await.unwrap();

    let seen: Vec<_> = names.iter().map(|name| (name.name.as_str(), name.updated_at)).collect();
    assert_eq!(seen, [("A_TOKEN", t(2)), ("_X", t(3)), ("b_TOKEN", t(4))]);
    assert_eq!(names[2].created_at, t(1));
    assert_eq!(tx.count_secret_names(team).await.unwrap(), 3);
    assert!(tx.delete_secret_name(team, "_X").await.unwrap());
    assert!(!tx.delete_secret_name(team, "_X").await.unwrap());
}

pub(crate) async fn a_teams_workspaces_are_paged(database: Database) {
    let store = database.open().await;
    let (ada, bob) = (saved_user(&store, "ada").await, saved_user(&store, "bob").await);
    let team = saved_team(&store, "acme").await;
    let mut tx = store.begin().await.unwrap();
    for number in 0..5 {
        for owner in [ada, bob] {
            let mut workspace = a_workspace(owner, &format!("w{number}"));
            workspace.team = team;
            workspace.variables = vec![Variable { name: "A".into(), value: "b".into() }];
            tx.insert_workspace(&workspace).await.unwrap();
            assert_eq!(tx.workspace(workspace.id).await.unwrap(), Some(workspace));
        }
    }
    tx.insert_workspace(&a_workspace(ada, "elsewhere")).await.unwrap();

    let mut seen = Vec::new();
    loop {
        let page = tx.workspaces_of_team(team, Some(ada), seen.last().copied(), 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        seen.extend(page.iter().map(|workspace| workspace.id));
    }

    assert_eq!(seen.len(), 5);
    assert_eq!(tx.workspaces_of_team(team, None, None, 99).await.unwrap().len(), 10);
    assert_eq!(tx.count_workspaces_of_team(team).await.unwrap(), 10);
    assert_eq!(tx.count_workspaces_of_team(Team::EVERYBODY).await.unwrap(), 1);
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

pub(crate) async fn sessions_of_one_sign_in_end_together(database: Database) {
    let store = database.open().await;
    let user = saved_user(&store, "ada").await;
    let forge = saved_forge(&store).await.id;
    let first = Session { forge: Some(forge), ..a_session(user, "first") };
    let second = Session { sign_in: first.id, forge: Some(forge), ..a_session(user, "second") };
    let old = a_session(user, "old");
    let mut tx = store.begin().await.unwrap();
    for session in [&first, &second, &old] {
        tx.insert_session(session).await.unwrap();
        assert_eq!(tx.session(session.id).await.unwrap().as_ref(), Some(session));
    }
    tx.commit().await.unwrap();
    // As the first version wrote them.
    database.execute(&format!("update sessions set sign_in = null where id = '{}'", old.id)).await;
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.session(old.id).await.unwrap(), Some(old.clone()));
    let mut with_forge: Vec<_> =
        tx.sessions_of_forge(user, forge).await.unwrap().iter().map(|session| session.id).collect();
    with_forge.sort();
    let mut expected = [first.id, second.id];
    expected.sort();
    assert_eq!(with_forge, expected);

    assert_eq!(tx.delete_sessions_of_sign_in(first.id).await.unwrap(), 2);
    assert_eq!(tx.sessions_of(user).await.unwrap(), std::slice::from_ref(&old));
    assert_eq!(tx.delete_sessions_of_sign_in(old.id).await.unwrap(), 1);
}

pub(crate) async fn a_handoff_is_taken_once_and_ends_with_its_session(database: Database) {
    let store = database.open().await;
    let session = a_session(saved_user(&store, "ada").await, "cookie");
    let handoff = |code: &str, expires_at| Handoff {
        code: TokenHash::of(code),
        session: session.id,
        browser: TokenHash::of("browser"),
        host: "acme.example.com".into(),
        return_to: "/w".into(),
        expires_at,
    };
    let (one, two, over) = (handoff("one", t(60)), handoff("two", t(60)), handoff("over", t(10)));
    let mut tx = store.begin().await.unwrap();
    tx.insert_session(&session).await.unwrap();
    for handoff in [&one, &two, &over] {
        tx.insert_handoff(handoff).await.unwrap();
    }

    assert_eq!(tx.sweep_handoffs(t(10)).await.unwrap(), 1);
    assert_eq!(tx.take_handoff(&one.code).await.unwrap(), Some(one.clone()));
    assert_eq!(tx.take_handoff(&one.code).await.unwrap(), None);
    tx.delete_session(session.id).await.unwrap();
    assert_eq!(tx.take_handoff(&two.code).await.unwrap(), None);
}

pub(crate) async fn preferences_are_kept_with_the_person(database: Database) {
    let store = database.open().await;
    let user = saved_user(&store, "ada").await;
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.preferences(user).await.unwrap(), GitPreferences::default());

    let preferences = GitPreferences {
        author_name: Some("Ada".into()),
        author_email: None,
        sign_commits: true,
        dotfiles: Some("https://example.org/ada/dotfiles".into()),
    };
    tx.save_preferences(user, &preferences).await.unwrap();

    assert_eq!(tx.preferences(user).await.unwrap(), preferences);
    let nobody = tx.save_preferences(a_user("nobody").id, &preferences).await;
    assert!(matches!(nobody, Err(StoreError::Conflict { what: "user" })));
}
