use domain::{
    Account, Checkout, ForgeAuth, ForgeId, ForgeKind, Limits, LinkId, LinkMethod, LinkState, Phase,
    RedirectPath, Role, Rootfs, SignUp, Source, StepRecord, TeamId, Timestamp, UserId,
};

use super::*;

const OWNER: UserId = UserId::from_bytes([1; 16]);
const TEAM: TeamId = TeamId::from_bytes([2; 16]);

fn workspace(url: &str, upstream: Option<&str>) -> Workspace {
    let now = Timestamp::UNIX_EPOCH;
    Workspace {
        id: WorkspaceId::from_bytes([3; 16]),
        name: "one".parse().unwrap(),
        owner: OWNER,
        team: TEAM,
        source: Some(Source {
            repository: url.parse().unwrap(),
            reference: None,
            checkout: Checkout { upstream: upstream.map(|url| url.parse().unwrap()), ..Checkout::default() },
        }),
        rootfs: Rootfs::Host,
        base: None,
        limits: Limits::default(),
        variables: vec![],
        phase: Phase::Queued,
        run: 1,
        steps: StepRecord::fresh(),
        initialised: false,
        notices: vec![],
        created_at: now,
        updated_at: now,
        last_activity_at: now,
    }
}

fn forge(id: u8, team: Option<TeamId>, web_url: &str) -> Forge {
    let now = Timestamp::UNIX_EPOCH;
    Forge {
        id: ForgeId::from_bytes([id; 16]),
        team,
        kind: ForgeKind::Gitlab,
        name: format!("Forge {id}"),
        web_url: web_url.parse().unwrap(),
        api_url: None,
        git_url: None,
        ssh: Some(SshEndpoint {
            host: "ssh.test".into(),
            port: 2222,
            user: "git".into(),
            host_keys: vec![format!("key {id}")],
        }),
        auth: ForgeAuth::PersonalToken,
        redirect: RedirectPath::Own,
        scopes: vec![],
        ca_pem: None,
        client_certificate: None,
        proxy: None,
        sign_in: false,
        sign_up: SignUp::Closed,
        state: ForgeState::Verified { at: now, by: None },
        version: None,
        from_file: false,
        created_at: now,
        created_by: None,
        updated_at: now,
    }
}

fn link(id: u8, forge: &Forge) -> Link {
    let now = Timestamp::UNIX_EPOCH;
    Link {
        id: LinkId::from_bytes([id; 16]),
        forge: forge.id,
        user: OWNER,
        account: Account {
            subject: "7".into(),
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
        issued_at: now,
        expires_at: None,
        created_at: now,
        updated_at: now,
    }
}

fn owner() -> User {
    User {
        id: OWNER,
        name: "ada".parse().unwrap(),
        display_name: None,
        email: None,
        role: Role::Member,
        suspended_at: None,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

fn scene(workspace: &Workspace, forges: Vec<Forge>, links: &[Link]) -> Scene {
    Scene::new(workspace, owner(), GitPreferences::default(), forges, links)
}

#[test]
fn the_longest_address_covers_a_repository() {
    let forges = vec![forge(1, None, "https://host.test"), forge(2, None, "https://host.test/gitlab")];

    let below = scene(&workspace("https://host.test/gitlab/a/b", None), forges.clone(), &[]);
    let beside = scene(&workspace("https://host.test/gitlabs/a/b", None), forges, &[]);

    assert_eq!(below.sites[0].forge.as_ref().unwrap().name, "Forge 2");
    assert_eq!(beside.sites[0].forge.as_ref().unwrap().name, "Forge 1");
}

#[test]
fn of_two_registrations_the_linked_one_counts_and_then_the_team_s() {
    let forges = vec![forge(1, None, "https://host.test"), forge(2, Some(TEAM), "https://host.test")];
    let on = |links: &[Link]| {
        let scene = scene(&workspace("https://host.test/a/b", None), forges.clone(), links);
        scene.sites[0].forge.as_ref().unwrap().name.clone()
    };

    assert_eq!(on(&[]), "Forge 2");
    assert_eq!(on(&[link(1, &forges[0])]), "Forge 1");
    assert_eq!(on(&[link(1, &forges[0]), link(2, &forges[1])]), "Forge 2");
}

#[test]
fn forges_of_other_teams_and_pending_ones_of_others_do_not_count() {
    let mut pending = forge(1, None, "https://host.test");
    pending.state = ForgeState::Pending;
    let foreign = forge(2, Some(TeamId::from_bytes([9; 16])), "https://host.test");

    let of_nobody = scene(&workspace("https://host.test/a/b", None), vec![pending.clone(), foreign], &[]);
    pending.created_by = Some(OWNER);
    let own = scene(&workspace("https://host.test/a/b", None), vec![pending], &[]);

    assert!(of_nobody.sites[0].forge.is_none());
    assert_eq!(of_nobody.foreign_keys.len(), 2);
    assert!(own.sites[0].forge.is_some() && own.foreign_keys.is_empty());
}

#[test]
fn no_team_can_claim_the_host_keys_of_the_platform_s_other_forges() {
    let mut hostile = forge(2, Some(TEAM), "https://host.test");
    // An address that it is not reached at makes no other forge its own.
    hostile.git_url = Some("https://evil.test".parse().unwrap());
    let forges = vec![forge(1, None, "https://host.test"), hostile, forge(3, None, "https://third.test")];

    let at_evil = scene(&workspace("https://evil.test/a/b", None), forges.clone(), &[]);
    let at_host = scene(&workspace("https://host.test/a/b", None), forges, &[]);

    assert!(!at_evil.doors().next().unwrap().is_platforms);
    assert_eq!(at_evil.reserved_keys, ["key 1", "key 3"]);
    // Both are registered where the repository really is.
    assert_eq!(at_host.sites[0].forge.as_ref().unwrap().name, "Forge 2");
    assert_eq!(at_host.reserved_keys, ["key 3"]);
    assert_eq!(at_host.foreign_keys, ["key 1", "key 3"]);
}

#[test]
fn repositories_are_the_own_one_its_upstream_and_the_dotfiles() {
    let workspace = workspace("https://host.test/a/b", Some("https://other.test/c/d"));
    let dotfiles = Some("https://host.test/ada/dotfiles".to_owned());
    let preferences = GitPreferences { dotfiles, ..GitPreferences::default() };

    let scene = Scene::new(&workspace, owner(), preferences, vec![forge(1, None, "https://host.test")], &[]);

    let found: Vec<_> = scene.sites.iter().map(|site| site.repository.to_string()).collect();
    assert_eq!(found, ["https://host.test/a/b", "https://other.test/c/d", "https://host.test/ada/dotfiles"]);
    let reach = scene.reach();
    let can = |host: &str, port| reach.iter().any(|place| place.host == host && place.port == port);
    assert!(
        can("host.test", 443) && can("ssh.test", 2222) && can("other.test", 443) && can("other.test", 22)
    );
    assert!(!can("host.test", 22));
}

#[test]
fn a_path_is_compared_part_by_part() {
    let at = |base: &str, url: &str| depth(&base.parse().unwrap(), &url.parse().unwrap());

    assert_eq!(at("https://h.test", "https://h.test/a"), Some(0));
    assert_eq!(at("https://h.test/x/", "https://h.test/x/a"), Some(1));
    assert_eq!(at("https://h.test/x", "https://h.test/x"), None);
    assert_eq!(at("https://h.test/x", "https://h.test/xy/a"), None);
    assert_eq!(at("https://h.test", "http://h.test/a"), None);
    assert_eq!(at("https://h.test:8443", "https://h.test/a"), None);
}
