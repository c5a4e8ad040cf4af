//! Who may do what to a workspace, as a table and against random callers.

use std::collections::BTreeSet;

use domain::{
    Action, Caller, Denied, Limits, Phase, Role, Rootfs, Scope, StepRecord, Team, TeamRole, Timestamp,
    TokenId, UserId, Via, Workspace, WorkspaceId, WorkspaceName,
};
use proptest::prelude::*;

const ACTIONS: [Action; 4] = [Action::View, Action::Manage, Action::Delete, Action::Enter];
const STANDINGS: [Option<TeamRole>; 4] =
    [None, Some(TeamRole::Member), Some(TeamRole::Admin), Some(TeamRole::Owner)];

fn someone(number: u8) -> UserId {
    UserId::from_bytes([number; 16])
}

fn a_workspace(owner: UserId) -> Workspace {
    Workspace {
        id: WorkspaceId::NIL,
        name: WorkspaceName::nearest("demo"),
        owner,
        team: Team::EVERYBODY,
        source: None,
        rootfs: Rootfs::Host,
        base: None,
        limits: Limits::default(),
        variables: vec![],
        phase: Phase::Queued,
        run: 1,
        steps: StepRecord::fresh(),
        initialised: false,
        notices: vec![],
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        last_activity_at: Timestamp::UNIX_EPOCH,
    }
}

fn caller(user: UserId, role: Role) -> Caller {
    Caller { user, role, via: Via::LocalSocket }
}

#[test]
fn every_kind_of_caller_may_what_the_table_says() {
    use Denied::{Hidden, NotMember, NotOwner};
    use TeamRole::{Admin, Member, Owner};

    const OK: Result<(), Denied> = Ok(());
    // Caller's role, whether the owner, standing in the team; then View, Manage, Delete, Enter.
    let table = [
        (Role::Member, true, Some(Member), [OK, OK, OK, OK]),
        (Role::Member, true, Some(Admin), [OK, OK, OK, OK]),
        (Role::Member, true, Some(Owner), [OK, OK, OK, OK]),
        (Role::Member, true, None, [OK, Err(NotMember), OK, Err(NotMember)]),
        (Role::Admin, true, Some(Member), [OK, OK, OK, OK]),
        (Role::Admin, true, None, [OK, OK, OK, Err(NotMember)]),
        (Role::Member, false, None, [Err(Hidden); 4]),
        (Role::Member, false, Some(Member), [Err(Hidden); 4]),
        (Role::Member, false, Some(Admin), [OK, OK, OK, Err(NotOwner)]),
        (Role::Member, false, Some(Owner), [OK, OK, OK, Err(NotOwner)]),
        (Role::Admin, false, None, [OK, OK, OK, Err(NotOwner)]),
        (Role::Admin, false, Some(Owner), [OK, OK, OK, Err(NotOwner)]),
    ];

    for (role, owns, standing, expected) in table {
        for (action, expected) in ACTIONS.into_iter().zip(expected) {
            let workspace = a_workspace(someone(if owns { 1 } else { 2 }));
            let judged = caller(someone(1), role).may(action, workspace, standing).map(drop);
            assert_eq!(judged, expected, "{role:?}, owner {owns}, {standing:?}: {action:?}");
        }
    }
}

fn any_via() -> impl Strategy<Value = Via> {
    let scopes = prop::sample::subsequence(
        vec![Scope::WorkspacesRead, Scope::WorkspacesWrite, Scope::WorkspacesEnter, Scope::All],
        0..=4,
    );
    prop_oneof![
        Just(Via::LocalSocket),
        Just(Via::Session(domain::SessionId::NIL)),
        scopes.prop_map(|scopes| Via::Token { id: TokenId::NIL, scopes: BTreeSet::from_iter(scopes) }),
    ]
}

proptest! {
    #[test]
    fn whoever_is_no_owner_never_gets_inside_and_more_standing_never_takes_away(
        owner in 0u8..3,
        user in 0u8..3,
        admin in any::<bool>(),
        via in any_via(),
        action in prop::sample::select(&ACTIONS[..]),
    ) {
        let role = if admin { Role::Admin } else { Role::Member };
        let caller = Caller { user: someone(user), role, via };
        let judged: Vec<_> = STANDINGS
            .into_iter()
            .map(|standing| caller.may(action, a_workspace(someone(owner)), standing))
            .collect();

        for (standing, judged) in STANDINGS.into_iter().zip(&judged) {
            if let Ok(grant) = judged {
                prop_assert_eq!((grant.caller(), grant.action()), (caller.user, action));
                prop_assert!(action != Action::Enter || (owner == user && standing.is_some()));
            } else if owner == user {
                // Only the token or the lost place in the team stands between owners and what is theirs.
                prop_assert!(matches!(judged, Err(Denied::Scope | Denied::NotMember)));
            }
        }
        for pair in judged.windows(2) {
            prop_assert!(pair[0].is_err() || pair[1].is_ok());
        }
    }

    #[test]
    fn an_owner_of_keys_is_read_as_written(kind in 0u8..3, bytes in any::<[u8; 16]>(), text in ".{0,40}") {
        let owner = match kind {
            0 => domain::KeyOwner::Platform,
            1 => domain::KeyOwner::Team(domain::TeamId::from_bytes(bytes)),
            _ => domain::KeyOwner::User(UserId::from_bytes(bytes)),
        };
        prop_assert_eq!(owner.to_string().parse::<domain::KeyOwner>(), Ok(owner));
        if let Ok(read) = text.parse::<domain::KeyOwner>() {
            prop_assert_eq!(read.to_string(), text);
        }
    }
}
