//! Who may see and call which kite, as a table and against random viewers.

use std::collections::{BTreeSet, HashMap, HashSet};

use domain::{
    KiteAction, KiteHome, KiteViewer, Role, Scope, Scopes, ShareSubject, Team, TeamId, TeamRole, UserId,
    WorkspaceId,
};
use proptest::prelude::*;

const WORKSPACE: WorkspaceId = WorkspaceId::from_bytes([7; 16]);
const TEAM: TeamId = TeamId::from_bytes([9; 16]);

fn someone(number: u8) -> UserId {
    UserId::from_bytes([number; 16])
}

fn viewer(user: UserId, role: Role) -> KiteViewer {
    KiteViewer {
        user,
        role,
        scopes: None,
        places: HashMap::new(),
        shared: HashMap::new(),
        suspended: HashSet::new(),
    }
}

fn agent() -> KiteHome<'static> {
    KiteHome::Workspace { id: WORKSPACE, team: TEAM }
}

fn service(team: Option<TeamId>) -> KiteHome<'static> {
    KiteHome::Service { team, environment: "production", name: "math" }
}

/// Whether owner 1's kite is seen and called.
fn judged(viewer: &KiteViewer, home: KiteHome<'_>) -> (bool, bool) {
    (viewer.may(KiteAction::See, someone(1), home), viewer.may(KiteAction::Call, someone(1), home))
}

const NOTHING: (bool, bool) = (false, false);
const SEES: (bool, bool) = (true, false);
const CALLS: (bool, bool) = (true, true);

#[test]
fn the_table_of_who_may_what() {
    use TeamRole::{Admin, Member, Owner};

    // Who, role on the platform, place in the team; what of an agent in the team, a service of the team, a
    // service of its owner alone.
    let table = [
        (1, Role::Member, Some(Member), CALLS, CALLS, CALLS),
        (1, Role::Member, None, SEES, CALLS, CALLS),
        (1, Role::Admin, Some(Owner), CALLS, CALLS, CALLS),
        (2, Role::Member, None, NOTHING, NOTHING, NOTHING),
        (2, Role::Member, Some(Member), NOTHING, CALLS, NOTHING),
        (2, Role::Member, Some(Admin), SEES, CALLS, NOTHING),
        (2, Role::Member, Some(Owner), SEES, CALLS, NOTHING),
        (2, Role::Admin, None, SEES, SEES, SEES),
        (2, Role::Admin, Some(Admin), SEES, CALLS, SEES),
    ];

    for (who, role, place, of_agent, of_team_service, of_own_service) in table {
        let mut viewer = viewer(someone(who), role);
        viewer.places.extend(place.map(|place| (TEAM, place)));
        assert_eq!(judged(&viewer, agent()), of_agent, "{who} {role:?} {place:?}");
        assert_eq!(judged(&viewer, service(Some(TEAM))), of_team_service, "{who} {role:?} {place:?}");
        assert_eq!(judged(&viewer, service(None)), of_own_service, "{who} {role:?} {place:?}");
    }
}

#[test]
fn everybody_belongs_to_the_team_of_everybody() {
    let home = KiteHome::Workspace { id: WORKSPACE, team: Team::EVERYBODY };

    assert_eq!(judged(&viewer(someone(1), Role::Member), home), CALLS);
    assert_eq!(judged(&viewer(someone(2), Role::Member), home), NOTHING);
    assert_eq!(judged(&viewer(someone(2), Role::Admin), home), SEES);
    assert_eq!(judged(&viewer(someone(2), Role::Member), service(Some(Team::EVERYBODY))), CALLS);
}

#[test]
fn what_is_shared_is_called_and_nothing_beside_it() {
    let mut guest = viewer(someone(2), Role::Member);
    guest
        .shared
        .insert(someone(1), vec![ShareSubject::Workspace(WORKSPACE), "production/math".parse().unwrap()]);
    // Somebody else's service of the same name, shared by nobody.
    guest.shared.insert(someone(3), vec!["production/other".parse().unwrap()]);

    assert_eq!(judged(&guest, agent()), CALLS);
    assert_eq!(judged(&guest, service(None)), CALLS);
    let other_workspace = KiteHome::Workspace { id: WorkspaceId::NIL, team: TEAM };
    assert_eq!(judged(&guest, other_workspace), NOTHING);
    let other_name = KiteHome::Service { team: None, environment: "production", name: "other" };
    assert_eq!(judged(&guest, other_name), NOTHING);
    assert!(!guest.may(KiteAction::See, someone(3), service(None)));
}

#[test]
fn nobody_calls_what_belongs_to_somebody_shut_out() {
    let mut guest = viewer(someone(2), Role::Member);
    guest.shared.insert(someone(1), vec![ShareSubject::Workspace(WORKSPACE)]);
    guest.places.insert(TEAM, TeamRole::Admin);
    guest.suspended.insert(someone(1));
    let mut admin = viewer(someone(3), Role::Admin);
    admin.suspended.insert(someone(1));

    assert_eq!(judged(&guest, agent()), SEES);
    assert_eq!(judged(&guest, service(Some(TEAM))), NOTHING);
    assert_eq!(judged(&admin, agent()), SEES);
}

#[test]
fn a_token_reaches_as_far_as_its_scopes() {
    let table: [(&[Scope], _); 5] = [
        (&[], NOTHING),
        (&[Scope::WorkspacesWrite], NOTHING),
        (&[Scope::WorkspacesRead], SEES),
        (&[Scope::WorkspacesRead, Scope::WorkspacesEnter], CALLS),
        (&[Scope::All], CALLS),
    ];

    for (scopes, expected) in table {
        let mut owner = viewer(someone(1), Role::Member);
        owner.scopes = Some(scopes.iter().copied().collect());
        assert_eq!(judged(&owner, service(None)), expected, "{scopes:?}");
    }
}

fn any_place() -> impl Strategy<Value = Option<TeamRole>> {
    prop::sample::select(vec![None, Some(TeamRole::Member), Some(TeamRole::Admin), Some(TeamRole::Owner)])
}

fn any_scopes() -> impl Strategy<Value = Option<Scopes>> {
    let some = prop::sample::subsequence(
        vec![Scope::WorkspacesRead, Scope::WorkspacesWrite, Scope::WorkspacesEnter, Scope::All],
        0..=4,
    );
    prop::option::of(some.prop_map(BTreeSet::from_iter))
}

proptest! {
    #[test]
    fn whoever_calls_is_let_in_by_the_owner_or_the_team(
        user in 0u8..3,
        owner in 0u8..3,
        admin in any::<bool>(),
        place in any_place(),
        scopes in any_scopes(),
        shares in any::<[bool; 2]>(),
        suspended in any::<bool>(),
        team in any::<bool>(),
    ) {
        let mut viewer = viewer(someone(user), if admin { Role::Admin } else { Role::Member });
        viewer.scopes = scopes;
        viewer.places.extend(place.map(|place| (TEAM, place)));
        let mut shared = vec![];
        shared.extend(shares[0].then_some(ShareSubject::Workspace(WORKSPACE)));
        shared.extend(shares[1].then(|| "production/math".parse().unwrap()));
        viewer.shared.insert(someone(owner), shared);
        viewer.suspended.extend(suspended.then_some(someone(owner)));
        let own = user == owner;
        let team = team.then_some(TEAM);

        let calls_agent = viewer.may(KiteAction::Call, someone(owner), agent());
        let calls_service = viewer.may(KiteAction::Call, someone(owner), service(team));

        prop_assert!(!calls_agent || (!suspended && (shares[0] || (own && place.is_some()))));
        let of_team = team.is_some() && place.is_some();
        prop_assert!(!calls_service || (!suspended && (shares[1] || own || of_team)));
        if viewer.carries(Scope::WorkspacesRead) {
            // Whoever may call may see as well.
            prop_assert!(!calls_agent || viewer.may(KiteAction::See, someone(owner), agent()));
            prop_assert!(!calls_service || viewer.may(KiteAction::See, someone(owner), service(team)));
        }
    }

    #[test]
    fn what_is_shared_is_read_as_written(bytes in any::<[u8; 16]>(), text in "[a-z_/0-9]{0,40}|.{0,40}") {
        let workspace = ShareSubject::Workspace(WorkspaceId::from_bytes(bytes));
        prop_assert_eq!(workspace.to_string().parse(), Ok(workspace));
        if let Ok(read) = text.parse::<ShareSubject>() {
            prop_assert_eq!(read.to_string(), text);
        }
    }
}

#[test]
fn a_subject_that_is_none_is_refused() {
    let long = format!("production/{}", "m".repeat(256));
    for text in ["", "/", "a/", "/b", "a/b/c", "usr_00000000000000000000000000", "a\n/b", &long] {
        assert!(text.parse::<ShareSubject>().is_err(), "{text}");
    }
}
