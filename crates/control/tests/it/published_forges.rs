//! What has gone wrong with linked accounts in other products, and what a hostile forge or its registrar could try.

use std::collections::BTreeSet;

use control::{CallbackOutcome, ForgeChange, ForgeSettings, NewForge, Settings, UserChange};
use domain::{Caller, Role, Scope, SignedDuration, TeamRole};
use testkit::gitlab::Visibility;
use testkit::oidc_provider::{OidcProvider, Quirk};
use testkit::peers::or_skip;
use vault::{Secret, TokenHash};

use crate::forge_world::{
    Trip, change, code, gitlab, go_and_agree, go_and_sign_in, link, link_of, linked, new_gitlab, person,
    ready, ready_at, serve, settings, sign_in, told,
};
use crate::sim::{Server, World};

/// A team with an admin who is nobody on the platform.
async fn team_with_admin(server: &Server) -> Caller {
    let owner = person(server, "owner", Role::Admin).await;
    server.control.create_team(&owner, control::NewTeam { slug: "acme".into(), name: None }).await.unwrap();
    let carol = person(server, "carol", Role::Member).await;
    server.control.set_member(&owner, "acme", carol.user, TeamRole::Admin).await.unwrap();
    carol
}

fn of_team(url: &str, settings: ForgeSettings) -> NewForge {
    NewForge { team: Some("acme".into()), settings, ..new_gitlab(url) }
}

fn endpoint(host: &str) -> domain::SshEndpoint {
    domain::SshEndpoint { host: host.into(), port: 22, user: "git".into(), host_keys: vec![] }
}

fn field(error: &control::Error) -> &str {
    match error {
        control::Error::Invalid { field, .. } => field,
        other => panic!("{other:?}"),
    }
}

/// A team's admin who gives the name of a well-known forge to a server of their own would read what members send
/// to it and decide what their addresses mean.
#[tokio::test(flavor = "multi_thread")]
async fn a_teams_admin_cannot_lead_a_known_name_elsewhere() {
    let world = World::new().await;
    let server = serve(&world).await;
    let control = &server.control;
    let carol = team_with_admin(&server).await;
    let elsewhere = || Some("https://evil.example.net".to_owned());
    let wishes = [
        (
            "proxy",
            ForgeSettings { proxy: Some("http://evil.example.net:3128".into()), ..ForgeSettings::default() },
        ),
        ("api_url", ForgeSettings { api_url: elsewhere(), ..ForgeSettings::default() }),
        ("git_url", ForgeSettings { git_url: elsewhere(), ..ForgeSettings::default() }),
        ("ssh.host", ForgeSettings { ssh: Some(endpoint("evil.example.net")), ..ForgeSettings::default() }),
    ];
    let made = control.create_forge(&carol, of_team("https://github.com", ForgeSettings::default())).await;
    let id = made.unwrap().forge.id;

    for (name, settings) in wishes {
        let again = ForgeSettings {
            proxy: settings.proxy.clone(),
            api_url: settings.api_url.clone(),
            git_url: settings.git_url.clone(),
            ssh: settings.ssh.clone(),
            ..ForgeSettings::default()
        };
        let refused =
            control.create_forge(&carol, of_team("https://github.com", settings)).await.unwrap_err();
        assert_eq!(field(&refused), name);
        let change = ForgeChange { settings: again, ..ForgeChange::default() };
        assert_eq!(field(&control.update_forge(&carol, id, change).await.unwrap_err()), name);
    }
    let moved = ForgeChange { web_url: Some("https://gitlab.com".into()), ..ForgeChange::default() };
    control.update_forge(&carol, id, moved).await.unwrap();

    // What an administrator has set, a team's admin may leave as it is, and not under another name.
    let own = ForgeSettings { api_url: elsewhere(), ..ForgeSettings::default() };
    change(control, &server.admin, id, own).await;
    let renamed = ForgeChange { name: Some("Ours".into()), ..ForgeChange::default() };
    control.update_forge(&carol, id, renamed).await.unwrap();
    let moved = ForgeChange { web_url: Some("https://github.com".into()), ..ForgeChange::default() };
    assert_eq!(field(&control.update_forge(&carol, id, moved).await.unwrap_err()), "api_url");
}

/// Server-side requests to addresses from input, and what their errors tell.
#[tokio::test(flavor = "multi_thread")]
async fn a_forge_on_a_network_that_is_not_allowed_is_never_connected_to() {
    let world = World::new().await;
    let network = outbound::Policy::public_only();
    let server = world.server_with(Settings { network, ..settings(&world, "one") }).await;
    let control = &server.control;
    let inside = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    inside.set_nonblocking(true).unwrap();
    let port = inside.local_addr().unwrap().port();
    let grace = person(&server, "grace", Role::Admin).await;

    for (kind, address) in [
        ("gitlab", format!("http://127.0.0.1:{port}")),
        ("open_id", format!("http://localhost:{port}")),
        ("gitea", format!("https://[::ffff:127.0.0.1]:{port}")),
        ("github", format!("https://0x7f.1:{port}")),
        ("bitbucket_server", "https://169.254.169.254".to_owned()),
    ] {
        let settings = ForgeSettings {
            sign_in: Some(kind == "open_id"),
            client_id: Some("id".into()),
            client_secret: Some(Secret::new("secret".into())),
            ..ForgeSettings::default()
        };
        let wish = NewForge { kind: kind.into(), settings, ..new_gitlab(&address) };
        let forge = control.create_forge(&grace, wish).await.unwrap().forge.id;
        let check = control.check_forge(&grace, forge).await.unwrap();
        let resolve = check.steps.iter().find(|step| step.name == "resolve").unwrap();
        assert_eq!(resolve.outcome, control::StepOutcome::Failed, "{kind}: {resolve:?}");
        assert!(!check.ok);
        if kind == "open_id" {
            let wish = control::LinkWish { forge, scopes: None, return_to: None };
            assert!(control.begin_link(&grace, wish, None).await.is_err());
        } else {
            let token = Secret::new("glpat-0123456789".to_owned());
            assert!(control.link_with_token(&grace, forge, token).await.is_err(), "{kind}");
            let page = format!("{address}/group/project");
            assert!(control.resolve_context(&grace, &page).await.is_err(), "{kind}");
        }
    }
    let nobody = inside.accept().unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock, "somebody connected");
}

/// Sessions that outlived the account they were opened with.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_forge_cannot_be_asked_again_ends_the_same_day() {
    let Some(provider) = or_skip(OidcProvider::start(&[Quirk::NoRefreshToken]).await) else { return };
    let world = World::new().await;
    #[expect(clippy::disallowed_methods, reason = "a real server cannot be told another time")]
    world.clock.set(domain::Timestamp::now());
    let server = serve(&world).await;
    let control = &server.control;
    let grace = person(&server, "grace", Role::Admin).await;
    let wish = NewForge { kind: "open_id".into(), ..new_gitlab(provider.url()) };
    let made = control.create_forge(&grace, wish).await.unwrap();
    let client = provider.client(&made.redirect_uri).await;
    let application = ForgeSettings {
        client_id: Some(client.id),
        client_secret: Some(Secret::new(client.secret)),
        ..ForgeSettings::default()
    };
    change(control, &grace, made.forge.id, application).await;
    let wish = control::LinkWish { forge: made.forge.id, scopes: None, return_to: None };
    let begun = control.begin_link(&grace, wish, None).await.unwrap();
    let come_back = async |begun: control::Begun, caller: Option<&Caller>| {
        let back = provider.consent(begun.authorize_url.as_str(), "grace-there").await;
        let back = back.unwrap_or_else(|page| panic!("{}", page.text));
        let trip = Trip { back, browser: begun.browser.expose().clone() };
        control.callback(trip.input(caller)).await
    };
    let outcome = come_back(begun, Some(&grace)).await;
    assert_eq!(code(&outcome), "linked", "{}", told(&outcome));
    let begun = control.begin_sign_in(made.forge.id, None, None).await.unwrap();
    let outcome = come_back(begun, None).await;
    let CallbackOutcome::SignedIn { signed_in, .. } = &outcome else { panic!("{}", told(&outcome)) };
    let token = signed_in.token.expose();

    world.clock.advance(SignedDuration::from_hours(11));
    assert!(control.caller_of_session(token).await.unwrap().is_some());
    world.clock.advance(SignedDuration::from_hours(1));
    assert!(control.caller_of_session(token).await.unwrap().is_none());
}

/// A way in that was closed is none.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_way_in_is_counted_among_those_that_are_open() {
    let world = World::new().await;
    let server = serve(&world).await;
    let control = &server.control;
    let first = ready(&world, &server).await;
    let open = ForgeSettings { sign_up: Some("open".into()), ..ForgeSettings::default() };
    change(control, &first.admin, first.forge, open).await;
    let other = gitlab(&world).await;
    let (second, _) = crate::forge_world::register(control, &first.admin, &other).await;
    let outcome = link(control, &first.admin, second, &other, &other.add_user("root")).await;
    assert_eq!(code(&outcome), "linked", "{}", told(&outcome));
    let outcome = sign_in(control, first.forge, &first.gitlab, &first.gitlab.add_user("eve")).await;
    let CallbackOutcome::SignedIn { signed_in, .. } = &outcome else { panic!("{}", told(&outcome)) };
    let eve = control.caller_of_session(signed_in.token.expose()).await.unwrap().unwrap();
    let outcome = link(control, &eve, second, &other, &other.add_user("eve")).await;
    assert_eq!(code(&outcome), "linked", "{}", told(&outcome));
    let own = link_of(control, &eve, first.forge).await;
    assert!(!own.last_way_in);

    let closed = ForgeSettings { sign_in: Some(false), ..ForgeSettings::default() };
    change(control, &first.admin, second, closed).await;

    assert!(link_of(control, &eve, first.forge).await.last_way_in);
    assert_eq!(control.disconnect(&eve, own.link.id).await.unwrap_err().code(), "last_way_in");
}

/// Second ways in that forgot to ask whether somebody was shut out.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_suspended_comes_in_by_no_way_at_all() {
    let world = World::new().await;
    let server = serve(&world).await;
    let control = &server.control;
    let ready = ready_at(gitlab(&world).await, &server).await;
    let (eve, account) = linked(&server, &ready, "eve").await;
    let session = control.sign_in("eve", crate::forge_world::PASSWORD.to_owned().into(), "x").await.unwrap();
    let (_, token) = control.create_token(&eve, "laptop", BTreeSet::from([Scope::All]), None).await.unwrap();
    let browser = TokenHash::of("cookie");
    let handoff = control.begin_handoff(&eve, &browser, "hearth.example.com", "/").await.unwrap();
    let signing_in = go_and_sign_in(control, ready.forge, &ready.gitlab, &account).await;
    let linking = go_and_agree(control, &eve, ready.forge, &ready.gitlab, &account).await;

    let out = UserChange { suspended: Some(true), ..UserChange::default() };
    control.update_user(&server.admin, eve.user, out).await.unwrap();

    assert!(control.caller_of_session(session.token.expose()).await.unwrap().is_none());
    assert!(control.caller_of_token(token.expose()).await.unwrap().is_none());
    let over = control.take_handoff(handoff.expose(), "cookie", "hearth.example.com", "x").await;
    assert_eq!(over.err().unwrap().code(), "unauthenticated");
    assert_eq!(code(&control.callback(signing_in.input(None)).await), "suspended");
    // As a request would find it that was under way, and as one that comes later does.
    assert_ne!(code(&control.callback(linking.input(Some(&eve))).await), "linked");
    assert_eq!(code(&sign_in(control, ready.forge, &ready.gitlab, &account).await), "suspended");
    let again = control.sign_in("eve", crate::forge_world::PASSWORD.to_owned().into(), "x").await;
    assert!(again.is_err());
    assert_eq!(ready.gitlab.living_tokens(&ready.application), 2, "root's and the link's own");
}

/// Escape sequences in what strangers write at a forge.
#[tokio::test(flavor = "multi_thread")]
async fn a_title_from_a_forge_is_one_harmless_line() {
    let world = World::new().await;
    let server = serve(&world).await;
    let control = &server.control;
    let ready = ready(&world, &server).await;
    let (eve, account) = linked(&server, &ready, "eve").await;
    let project = ready.gitlab.add_project("group/project", Visibility::Public, &account);
    ready.gitlab.push_commit(&project, &account, "change", ("a.txt", "a\n"));
    let title = "Fix\u{1b}]0;gone\u{7}\u{1b}[2J\r\nit\u{202e}";
    let request = ready.gitlab.add_merge_request(&project, &project, "change", &account, title);

    let page = format!("{}/group/project/-/merge_requests/{}", ready.gitlab.url(), request.iid);
    let context = control.resolve_context(&eve, &page).await.unwrap();

    let request = context.merge_request.unwrap().title;
    for text in [&context.title, &request] {
        assert!(
            text.contains("Fix") && !text.contains(|c: char| c.is_control() || c == '\u{202e}'),
            "{text:?}"
        );
    }
}
