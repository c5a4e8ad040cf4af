//! Teams: who belongs to them, and what that gives.

use std::collections::BTreeMap;
use std::time::Duration;

use control::{
    Control, InvitationWish, LimitsWanted, MakeTeams, NewTeam, NewUser, NewWorkspace, PlatformWish,
    TeamChange, UserChange,
};
use domain::{
    Caller, Clock, Effect, Event, Phase, Role, SignedDuration, Team, TeamRole, UserId, Via, WorkspaceId,
};
use futures_util::StreamExt;

use crate::sim::{LIMIT, Machine, Server, World, is_running, phase_of};

/// What is promised for streams of somebody whose rights ended.
const AT_ONCE: Duration = Duration::from_secs(1);

/// A member of the platform, on the local socket: as good as a session, without a password's hash to make.
pub(crate) async fn person(server: &Server, name: &str) -> Caller {
    let password = "correct horse battery".to_owned().into();
    let wish = NewUser { name: name.into(), password, role: Role::Member, email: None };
    let user = server.control.create_user(&server.admin, wish).await.unwrap();
    Caller { user: user.id, role: user.role, via: Via::LocalSocket }
}

/// A team, made by the administrator of the platform, who gives `owner` the first place.
pub(crate) async fn a_team(server: &Server, slug: &str, owner: &Caller) -> String {
    let wish = NewTeam { slug: slug.into(), name: None };
    server.control.create_team(&server.admin, wish).await.unwrap();
    server.control.set_member(&server.admin, slug, owner.user, TeamRole::Owner).await.unwrap();
    server.control.remove_member(&server.admin, slug, server.admin.user).await.unwrap();
    slug.into()
}

/// A workspace of `owner` in a team.
async fn a_workspace(control: &Control, owner: &Caller, team: &str) -> WorkspaceId {
    let wish = NewWorkspace { team: Some(team.into()), ..NewWorkspace::default() };
    control.create_workspace(owner, wish).await.unwrap().id
}

async fn roles(control: &Control, caller: &Caller, team: &str) -> BTreeMap<UserId, TeamRole> {
    let members = control.members(caller, team).await.unwrap();
    members.into_iter().map(|member| (member.user, member.role)).collect()
}

#[tokio::test]
async fn everybody_belongs_to_one_team_and_sees_no_other() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (eve, bob) = (person(&server, "eve").await, person(&server, "bob").await);
    a_team(&server, "acme", &bob).await;

    let seen = control.teams(&eve).await.unwrap();

    assert_eq!(seen.len(), 1);
    assert_eq!(
        (seen[0].team.id, seen[0].role, seen[0].members),
        (Team::EVERYBODY, Some(TeamRole::Member), 3)
    );
    assert_eq!(control.team(&eve, "acme").await.unwrap_err().code(), "not_found");
    assert_eq!(control.team(&eve, "nobody").await.unwrap_err().code(), "not_found");
    assert_eq!(control.members(&eve, "acme").await.unwrap_err().code(), "not_found");
    let of_bob: Vec<_> = control.teams(&bob).await.unwrap().iter().map(|seen| seen.role.unwrap()).collect();
    assert_eq!(of_bob, [TeamRole::Member, TeamRole::Owner]);
    let of_admin: Vec<_> = control.teams(&server.admin).await.unwrap().iter().map(|seen| seen.role).collect();
    assert_eq!(of_admin, [Some(TeamRole::Owner), None]);
}

#[tokio::test]
async fn nobody_joins_leaves_or_deletes_the_team_of_everybody() {
    let world = World::new().await;
    let server = world.server().await;
    let (control, admin) = (&server.control, &server.admin);
    let eve = person(&server, "eve").await;

    let refused = [
        control.set_member(admin, "everybody", eve.user, TeamRole::Owner).await.err().unwrap(),
        control.remove_member(admin, "everybody", eve.user).await.err().unwrap(),
        control.invite(admin, "everybody", InvitationWish::default()).await.err().unwrap(),
        control.delete_team(admin, "everybody").await.err().unwrap(),
    ];

    for error in refused {
        assert_eq!(error.code(), "everybody");
    }
    assert_eq!(control.members(admin, "everybody").await.unwrap().len(), 2);
    assert_eq!(control.members(&eve, "everybody").await.unwrap_err().code(), "forbidden");
    let forbidden = control.update_team(&eve, "everybody", TeamChange::default()).await.unwrap_err();
    assert_eq!(forbidden.code(), "forbidden");
}

#[tokio::test]
async fn who_may_make_teams_is_the_platforms_choice() {
    let world = World::new().await;
    let server = world.server().await;
    let (control, admin) = (&server.control, &server.admin);
    let eve = person(&server, "eve").await;
    let wish = |slug: &str| NewTeam { slug: slug.into(), name: Some(" Acme Research ".into()) };
    assert_eq!(control.create_team(&eve, wish("acme")).await.unwrap_err().code(), "forbidden");

    let present = control.platform_settings(admin).await.unwrap();
    let wished = PlatformWish {
        ssh_algorithm: present.ssh_algorithm.to_string(),
        password_sign_in: true,
        make_teams: MakeTeams::Everybody.as_str().into(),
        default_team: "everybody".into(),
    };
    control.set_platform_settings(admin, wished).await.unwrap();
    let made = control.create_team(&eve, wish("acme")).await.unwrap();

    assert_eq!(
        (made.team.name.as_str(), made.role, made.members),
        ("Acme Research", Some(TeamRole::Owner), 1)
    );
    assert_eq!(control.create_team(&eve, wish("acme")).await.unwrap_err().code(), "slug_taken");
    for slug in ["api", "a--b", "", "Acme", "ä"] {
        assert_eq!(control.create_team(&eve, wish(slug)).await.unwrap_err().code(), "invalid", "{slug}");
    }
    assert_eq!(control.team(&eve, &made.team.id.to_string()).await.unwrap(), made);
}

#[tokio::test]
async fn a_team_is_changed_by_those_who_manage_it() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (eve, bob) = (person(&server, "eve").await, person(&server, "bob").await);
    a_team(&server, "acme", &eve).await;
    a_team(&server, "other", &bob).await;
    control.set_member(&eve, "acme", bob.user, TeamRole::Member).await.unwrap();

    let renamed = TeamChange {
        slug: Some("acme-2".into()),
        name: Some("Acme".into()),
        rootfs: Some("debian:13".into()),
        limits: Some(LimitsWanted { pids: Some(100), ..LimitsWanted::default() }),
    };
    let changed = control.update_team(&eve, "acme", renamed).await.unwrap().team;
    assert_eq!((changed.slug.as_str(), changed.name.as_str()), ("acme-2", "Acme"));
    assert_eq!(changed.defaults.limits.unwrap().pids, 100);
    assert!(changed.defaults.rootfs.is_some());
    let cleared = TeamChange {
        rootfs: Some(String::new()),
        limits: Some(LimitsWanted::default()),
        ..TeamChange::default()
    };
    let changed = control.update_team(&server.admin, "acme-2", cleared).await.unwrap().team;
    assert_eq!((changed.defaults.rootfs, changed.defaults.limits), (None, None));

    let onto = TeamChange { slug: Some("other".into()), ..TeamChange::default() };
    assert_eq!(control.update_team(&eve, "acme-2", onto.clone()).await.unwrap_err().code(), "slug_taken");
    assert_eq!(control.update_team(&bob, "acme-2", onto).await.unwrap_err().code(), "forbidden");
    for bad in [
        TeamChange { name: Some(" ".into()), ..TeamChange::default() },
        TeamChange { rootfs: Some("Not An Image!".into()), ..TeamChange::default() },
        TeamChange {
            limits: Some(LimitsWanted { pids: Some(1), ..LimitsWanted::default() }),
            ..TeamChange::default()
        },
    ] {
        assert_eq!(control.update_team(&eve, "acme-2", bad).await.unwrap_err().code(), "invalid");
    }
}

#[tokio::test]
async fn only_owners_make_administrators_and_an_owner_always_stays() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (eve, bob, mia) =
        (person(&server, "eve").await, person(&server, "bob").await, person(&server, "mia").await);
    a_team(&server, "acme", &eve).await;
    control.set_member(&eve, "acme", bob.user, TeamRole::Admin).await.unwrap();

    // An administrator of the team adds and removes members, and nothing above.
    control.set_member(&bob, "acme", mia.user, TeamRole::Member).await.unwrap();
    for role in [TeamRole::Admin, TeamRole::Owner] {
        assert_eq!(control.set_member(&bob, "acme", mia.user, role).await.unwrap_err().code(), "forbidden");
    }
    let demoted = control.set_member(&bob, "acme", eve.user, TeamRole::Member).await;
    let himself = control.set_member(&bob, "acme", bob.user, TeamRole::Owner).await;
    let thrown_out = control.remove_member(&bob, "acme", eve.user).await.map(drop);
    for refused in [demoted.map(drop), himself.map(drop), thrown_out] {
        assert_eq!(refused.unwrap_err().code(), "forbidden");
    }
    let by_member = control.set_member(&mia, "acme", mia.user, TeamRole::Admin).await;
    assert_eq!(by_member.unwrap_err().code(), "forbidden");

    // The last owner neither leaves nor steps down, whoever asks.
    for who in [&eve, &server.admin] {
        let left = control.remove_member(who, "acme", eve.user).await.unwrap_err();
        let down = control.set_member(who, "acme", eve.user, TeamRole::Member).await.unwrap_err();
        assert_eq!((left.code(), down.code()), ("last_owner", "last_owner"));
    }
    control.set_member(&eve, "acme", bob.user, TeamRole::Owner).await.unwrap();
    control.remove_member(&eve, "acme", eve.user).await.unwrap();

    // They joined at the same moment, so the list's order is that of their ids.
    let expected = BTreeMap::from([(bob.user, TeamRole::Owner), (mia.user, TeamRole::Member)]);
    assert_eq!(roles(control, &mia, "acme").await, expected);
    assert_eq!(control.remove_member(&bob, "acme", eve.user).await.unwrap_err().code(), "not_found");
    assert_eq!(control.team(&eve, "acme").await.unwrap_err().code(), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_manage_a_team_manage_its_workspaces_and_do_not_get_inside() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (eve, bob, mia) =
        (person(&server, "eve").await, person(&server, "bob").await, person(&server, "mia").await);
    a_team(&server, "acme", &eve).await;
    for member in [&bob, &mia] {
        control.set_member(&eve, "acme", member.user, TeamRole::Member).await.unwrap();
    }
    let id = a_workspace(control, &bob, "acme").await;
    server.until(id, is_running).await;

    assert_eq!(control.enter(&eve, id).await.err().unwrap().code(), "forbidden");
    assert_eq!(control.workspace(&mia, id).await.unwrap_err().code(), "not_found");
    control.enter(&bob, id).await.unwrap();
    let of = async |who: &Caller| control.workspaces_of_team(who, "acme", None, 9).await.unwrap().len();
    assert_eq!((of(&eve).await, of(&bob).await, of(&mia).await, of(&server.admin).await), (1, 1, 0, 1));
    assert_eq!(control.workspaces_of_team(&eve, "everybody", None, 9).await.unwrap(), []);
    assert_eq!(control.workspaces(&eve, None, 9).await.unwrap(), []);
    let mut heard = control.changes(&eve).unwrap();
    let mut overheard = control.changes(&mia).unwrap();
    let overheard = tokio::spawn(async move { overheard.next().await });

    control.stop_workspace(&eve, id).await.unwrap();

    let change = tokio::time::timeout(LIMIT, heard.next()).await.unwrap().unwrap();
    assert_eq!(change.id, id);
    server.until(id, phase_of("stopped")).await;
    let not_empty = control.delete_team(&eve, "acme").await.unwrap_err();
    assert_eq!(not_empty.code(), "team_not_empty");
    control.delete_workspace(&eve, id).await.unwrap();
    server.until_gone(id).await;
    assert!(!overheard.is_finished());
    control.delete_team(&eve, "acme").await.unwrap();
    assert_eq!(control.team(&eve, "acme").await.unwrap_err().code(), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_a_team_loses_what_runs_there_within_a_second() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (eve, bob) = (person(&server, "eve").await, person(&server, "bob").await);
    a_team(&server, "acme", &eve).await;
    control.set_member(&eve, "acme", bob.user, TeamRole::Member).await.unwrap();
    let id = a_workspace(control, &bob, "acme").await;
    let elsewhere = control.create_workspace(&bob, NewWorkspace::default()).await.unwrap().id;
    for id in [id, elsewhere] {
        server.until(id, is_running).await;
    }
    let cut = tokio::spawn(control.revoked(&bob));
    let untouched = tokio::spawn(control.revoked(&eve));

    control.remove_member(&eve, "acme", bob.user).await.unwrap();

    tokio::time::timeout(AT_ONCE, cut).await.expect("cut at once").unwrap();
    assert!(!untouched.is_finished());
    server.until(id, phase_of("stopped")).await;
    let entered = control.enter(&bob, id).await.err().unwrap();
    let started = control.start_workspace(&bob, id).await.unwrap_err();
    assert_eq!((entered.code(), started.code()), ("not_member", "not_member"));
    assert!(started.mend().contains("let you in again"));
    assert_eq!(control.team_for(&bob, Some("acme")).await.unwrap_err().code(), "not_found");
    // Nor does anybody else bring it to life.
    let forked = control.fork_workspace(&server.admin, id).await.unwrap_err();
    assert_eq!(forked.code(), "not_member");
    // What is elsewhere goes on; what is left behind can still be seen, and deleted.
    control.enter(&bob, elsewhere).await.unwrap();
    assert!(matches!(control.workspace(&bob, id).await.unwrap().phase, Phase::Stopped));
    control.delete_workspace(&bob, id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lower_place_ends_streams_and_a_higher_one_shows_more_in_them() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (eve, bob) = (person(&server, "eve").await, person(&server, "bob").await);
    a_team(&server, "acme", &eve).await;
    let id = a_workspace(control, &eve, "acme").await;
    server.until(id, is_running).await;
    let mut heard = control.changes(&bob).unwrap();
    let (sender, mut received) = tokio::sync::mpsc::unbounded_channel();
    let listening = tokio::spawn(async move {
        while let Some(change) = heard.next().await {
            sender.send(change.id).unwrap();
        }
    });
    let mut cut = Box::pin(control.revoked(&bob));

    control.set_member(&eve, "acme", bob.user, TeamRole::Member).await.unwrap();
    control.rename_workspace(&eve, id, "first").await.unwrap();
    // What he hears of first is his own workspace, made after that.
    let bobs_own = control.create_workspace(&bob, NewWorkspace::default()).await.unwrap().id;
    assert_eq!(tokio::time::timeout(LIMIT, received.recv()).await.unwrap(), Some(bobs_own));
    control.set_member(&eve, "acme", bob.user, TeamRole::Admin).await.unwrap();
    control.rename_workspace(&eve, id, "second").await.unwrap();
    let found = async { while received.recv().await != Some(id) {} };
    tokio::time::timeout(LIMIT, found).await.expect("an administrator of the team hears of it");
    assert!(futures_util::FutureExt::now_or_never(&mut cut).is_none(), "nothing was lost so far");

    control.set_member(&eve, "acme", bob.user, TeamRole::Member).await.unwrap();

    tokio::time::timeout(AT_ONCE, cut).await.expect("cut at once");
    listening.abort();
}

#[tokio::test]
async fn an_invitation_lets_one_person_in() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (eve, bob, mia) =
        (person(&server, "eve").await, person(&server, "bob").await, person(&server, "mia").await);
    a_team(&server, "acme", &eve).await;
    let wish = InvitationWish { note: Some("for Bob".into()), ..InvitationWish::default() };
    let (invitation, token) = control.invite(&eve, "acme", wish).await.unwrap();
    let token = token.expose();
    assert_eq!(control.invitations(&eve, "acme").await.unwrap(), [invitation]);

    let seen = control.preview_invitation(token).await.unwrap();
    assert_eq!((seen.team.slug.as_str(), seen.role, seen.by.as_str()), ("acme", TeamRole::Member, "eve"));
    // Whoever belongs to the team already does not use it up.
    assert_eq!(control.accept_invitation(&eve, token).await.unwrap_err().code(), "already_member");
    let joined = control.accept_invitation(&bob, token).await.unwrap();

    assert_eq!((joined.role, joined.members), (Some(TeamRole::Member), 2));
    for (who, token) in [(&bob, token), (&mia, token), (&mia, "hinvite_guessed"), (&mia, &"x".repeat(9000))] {
        assert_eq!(control.accept_invitation(who, token).await.unwrap_err().code(), "invitation_over");
    }
    assert_eq!(control.preview_invitation(token).await.unwrap_err().code(), "invitation_over");
    assert_eq!(control.invitations(&eve, "acme").await.unwrap(), []);
    assert_eq!(control.invitations(&bob, "acme").await.unwrap_err().code(), "forbidden");
}

#[tokio::test]
async fn an_invitation_ends_by_time_by_hand_and_with_its_makers_rights() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (eve, bob, mia) =
        (person(&server, "eve").await, person(&server, "bob").await, person(&server, "mia").await);
    a_team(&server, "acme", &eve).await;
    control.set_member(&eve, "acme", bob.user, TeamRole::Admin).await.unwrap();
    let invite = async |who: &Caller, role: TeamRole| {
        let wish = InvitationWish { role: Some(role), expires_in_days: Some(2), ..InvitationWish::default() };
        control.invite(who, "acme", wish).await
    };
    let owner_by_admin = invite(&bob, TeamRole::Owner).await.map(drop);
    assert_eq!(owner_by_admin.unwrap_err().code(), "forbidden");
    for days in [0, 31] {
        let wish = InvitationWish { expires_in_days: Some(days), ..InvitationWish::default() };
        assert_eq!(control.invite(&eve, "acme", wish).await.err().unwrap().code(), "invalid");
    }
    let (taken_back, back_token) = invite(&eve, TeamRole::Member).await.unwrap();
    let (_, bobs_token) = invite(&bob, TeamRole::Member).await.unwrap();
    let (_, old_token) = invite(&eve, TeamRole::Owner).await.unwrap();

    control.revoke_invitation(&eve, "acme", taken_back.id).await.unwrap();
    control.set_member(&eve, "acme", bob.user, TeamRole::Member).await.unwrap();
    for token in [&back_token, &bobs_token] {
        let refused = control.accept_invitation(&mia, token.expose()).await.unwrap_err();
        assert_eq!(refused.code(), "invitation_over");
    }
    // Not used up by that: the right may come back.
    control.set_member(&eve, "acme", bob.user, TeamRole::Admin).await.unwrap();
    control.accept_invitation(&mia, bobs_token.expose()).await.unwrap();
    world.clock.advance(SignedDuration::from_hours(48));
    assert_eq!(
        control.accept_invitation(&mia, old_token.expose()).await.unwrap_err().code(),
        "invitation_over"
    );
    assert_eq!(control.invitations(&eve, "acme").await.unwrap(), []);
    control.expire().await.unwrap();
}

#[tokio::test]
async fn an_invitation_of_somebody_suspended_is_void() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (eve, bob) = (person(&server, "eve").await, person(&server, "bob").await);
    a_team(&server, "acme", &eve).await;
    let (_, token) = control.invite(&eve, "acme", InvitationWish::default()).await.unwrap();

    let suspended = UserChange { suspended: Some(true), ..UserChange::default() };
    control.update_user(&server.admin, eve.user, suspended).await.unwrap();

    assert_eq!(control.accept_invitation(&bob, token.expose()).await.unwrap_err().code(), "invitation_over");
}

#[tokio::test]
async fn a_new_workspace_goes_to_a_team_its_owner_belongs_to() {
    let world = World::new().await;
    let server = world.server().await;
    let (control, admin) = (&server.control, &server.admin);
    let (eve, bob) = (person(&server, "eve").await, person(&server, "bob").await);
    a_team(&server, "acme", &eve).await;
    let team = async |who: &Caller, wish: Option<&str>| {
        control.team_for(who, wish).await.map(|team| team.slug.to_string())
    };

    assert_eq!(team(&eve, Some("acme")).await.unwrap(), "acme");
    assert_eq!(team(&eve, None).await.unwrap(), "everybody");
    assert_eq!(team(&bob, Some("acme")).await.unwrap_err().code(), "not_found");
    assert_eq!(team(admin, Some("acme")).await.unwrap_err().code(), "not_member");
    let present = control.platform_settings(admin).await.unwrap();
    let wish = PlatformWish {
        ssh_algorithm: present.ssh_algorithm.to_string(),
        password_sign_in: true,
        make_teams: "admins".into(),
        default_team: "acme".into(),
    };
    control.set_platform_settings(admin, wish).await.unwrap();
    assert_eq!(team(&eve, Some(" ")).await.unwrap(), "acme");
    assert_eq!(team(&bob, None).await.unwrap(), "everybody", "bob does not belong to the default team");
    // Its end leaves the one of everybody.
    control.delete_team(&eve, "acme").await.unwrap();
    assert_eq!(team(&eve, None).await.unwrap(), "everybody");
    let settings = control.platform_settings(admin).await.unwrap();
    assert_eq!(settings.default_team.id, Team::EVERYBODY);
}

#[tokio::test]
async fn what_happens_in_a_team_is_written_down() {
    let world = World::new().await;
    let server = world.server().await;
    let control = &server.control;
    let (eve, bob) = (person(&server, "eve").await, person(&server, "bob").await);
    a_team(&server, "acme", &eve).await;
    let (_, token) = control.invite(&eve, "acme", InvitationWish::default()).await.unwrap();
    control.accept_invitation(&bob, token.expose()).await.unwrap();
    control.set_secret(&eve, "acme", "NPM_TOKEN", "the value".to_owned().into()).await.unwrap();
    control.delete_secret(&eve, "acme", "NPM_TOKEN").await.unwrap();
    control.remove_member(&bob, "acme", bob.user).await.unwrap();
    control.delete_team(&eve, "acme").await.unwrap();

    let entries = control.audit(&server.admin, None, 100).await.unwrap();

    let actions: Vec<&str> = entries
        .iter()
        .rev()
        .map(|(_, entry)| entry.action.as_str())
        .skip_while(|action| *action != "team.create")
        .collect();
    let expected = [
        "team.create",
        "team.member.set",
        "team.member.remove",
        "team.invite",
        "team.join",
        "team.secret.set",
        "team.secret.delete",
        "team.member.remove",
        "team.delete",
    ];
    assert_eq!(actions, expected);
    let all = format!("{entries:?}");
    assert!(!all.contains("the value") && !all.contains(token.expose()));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_starts_for_somebody_who_leaves_at_that_moment() {
    nothing_runs_afterwards(World::new().await).await;
    let Some(server) = testkit::postgres().await else { return };
    nothing_runs_afterwards(World::on_database(Machine::new(), &server.database().await).await).await;
}

/// Starts and creates workspaces of somebody while that person is taken out of the team.
async fn nothing_runs_afterwards(world: World) {
    let server = world.server().await;
    let control = &server.control;
    let (eve, bob) = (person(&server, "eve").await, person(&server, "bob").await);
    a_team(&server, "acme", &eve).await;
    control.set_member(&eve, "acme", bob.user, TeamRole::Member).await.unwrap();
    let rests = a_workspace(control, &bob, "acme").await;
    for _ in 0..12 {
        control.set_member(&eve, "acme", bob.user, TeamRole::Member).await.unwrap();
        control.stop_workspace(&bob, rests).await.unwrap();
        server.until(rests, phase_of("stopped")).await;
        let wish = NewWorkspace { team: Some("acme".into()), ..NewWorkspace::default() };

        let (removed, started, created) = tokio::join!(
            control.remove_member(&eve, "acme", bob.user),
            control.start_workspace(&bob, rests),
            control.create_workspace(&bob, wish),
        );

        removed.unwrap();
        for (refused, codes) in [
            (started.map(drop), ["not_member", "not_member"]),
            (created.map(drop), ["not_member", "not_found"]),
        ] {
            let Err(error) = refused else { continue };
            assert!(codes.contains(&error.code()), "{error:?}");
        }
        // Stopped or about to be; nothing goes on to run.
        for workspace in control.workspaces_of_team(&eve, "acme", None, 99).await.unwrap() {
            assert_eq!(workspace.phase.desired(), "stopped", "{:?}", workspace.phase);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_is_not_saved_yet_is_waited_for_by_whoever_stops_what_runs() {
    a_start_is_waited_for(World::new().await).await;
    let Some(server) = testkit::postgres().await else { return };
    a_start_is_waited_for(World::on_database(Machine::new(), &server.database().await).await).await;
}

async fn a_start_is_waited_for(world: World) {
    let server = world.server().await;
    let control = server.control.clone();
    let (eve, bob) = (person(&server, "eve").await, person(&server, "bob").await);
    a_team(&server, "acme", &eve).await;
    control.set_member(&eve, "acme", bob.user, TeamRole::Member).await.unwrap();
    let id = a_workspace(&control, &bob, "acme").await;
    control.stop_workspace(&bob, id).await.unwrap();
    server.until(id, phase_of("stopped")).await;
    // What another server does while it starts the workspace.
    let mut tx = world.store.begin().await.unwrap();
    let mut workspace = tx.workspace_for_update(id).await.unwrap().unwrap();
    workspace.apply(&Event::StartRequested, world.clock.now()).unwrap();
    tx.save_workspace(&workspace).await.unwrap();
    tx.put_effect(id, Effect::Admit, world.clock.now()).await.unwrap();

    let removing = tokio::spawn({
        let control = control.clone();
        async move { control.remove_member(&eve, "acme", bob.user).await }
    });
    // Long enough to get to the workspace; it cannot get any further, however long this is.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let was_waiting = !removing.is_finished();
    tx.commit().await.unwrap();
    removing.await.unwrap().unwrap();

    assert!(was_waiting);
    assert_eq!(server.see(id).await.phase.desired(), "stopped");
}
