//! Registering forges, changing and removing them, and looking at what is wrong with them.

use control::{Control, FileForge, ForgeChange, ForgeCheck, ForgeSettings, LockOut, NewForge, StepOutcome};
use domain::{
    Caller, ForgeAuth, ForgeId, ForgeState, LinkState, Membership, Role, SshEndpoint, TeamRole, Timestamp,
};
use testkit::gitlab::{Fault, GitlabDouble, Matcher, Options, Tls};
use vault::Secret;

use crate::forge_world::{
    change, code, gitlab, link, link_of, linked, new_gitlab, options, person, ready, ready_at, register,
    serve, told,
};
use crate::sim::World;

fn step<'a>(check: &'a ForgeCheck, name: &str) -> &'a control::ForgeCheckStep {
    check.steps.iter().find(|step| step.name == name).unwrap()
}

async fn check(control: &Control, caller: &Caller, forge: ForgeId) -> ForgeCheck {
    control.check_forge(caller, forge).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_register_forges_and_nobody_else_sees_how() {
    let world = World::new().await;
    let server = serve(&world).await;
    let control = &server.control;
    let eve = person(&server, "eve", Role::Member).await;

    let refused = control.create_forge(&eve, new_gitlab("https://git.example.com")).await.unwrap_err();
    let mut wish = new_gitlab("git.example.com/sub/");
    wish.settings.client_id = Some("abc".into());
    wish.settings.client_secret = Some(Secret::new("very-secret".into()));
    let made = control.create_forge(&server.admin, wish).await.unwrap();

    assert_eq!(refused.code(), "forbidden");
    assert_eq!(made.forge.web_url.as_str(), "https://git.example.com/sub");
    assert_eq!(made.redirect_uri, format!("http://hearth.example.com/oauth/callback/{}", made.forge.id));
    assert!(
        made.has_client_secret && made.forge.state == ForgeState::Pending && !made.forge.scopes.is_empty()
    );
    assert!(!format!("{made:?}").contains("very-secret"));
    assert_eq!(control.forge(&eve, made.forge.id).await.unwrap_err().code(), "not_found");
    assert!(control.forges(&eve).await.unwrap().is_empty());
    assert_eq!(control.forges(&server.admin).await.unwrap().len(), 1);
    let audit = format!("{:?}", control.audit(&server.admin, None, 100).await.unwrap());
    assert!(audit.contains("forge.create") && !audit.contains("very-secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_will_not_do_is_refused_by_its_field() {
    let world = World::new().await;
    let server = serve(&world).await;
    let field = async |wish: NewForge| match server.control.create_forge(&server.admin, wish).await {
        Err(control::Error::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    };

    assert_eq!(field(NewForge { kind: "svn".into(), ..new_gitlab("https://x.example.com") }).await, "kind");
    assert_eq!(field(new_gitlab("http://x.example.com")).await, "web_url");
    assert_eq!(field(new_gitlab("https://user:pass@x.example.com")).await, "web_url");
    assert_eq!(field(NewForge { web_url: None, kind: "open_id".into(), ..new_gitlab("") }).await, "web_url");
    let broken = ForgeSettings {
        ca_pem: Some("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----".into()),
        ..ForgeSettings::default()
    };
    let wish = NewForge { settings: broken, ..new_gitlab("https://x.example.com") };
    assert!(
        server.control.create_forge(&server.admin, wish).await.is_err(),
        "found now, not by who links first"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_secret_or_application_has_to_be_proved_and_other_changes_do_not() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    let control = &server.control;
    let state = async || control.forge(&ready.admin, ready.forge).await.unwrap().forge.state;

    let harmless = ForgeSettings {
        scopes: Some(vec!["read_user".into(), "api".into()]),
        ssh: Some(SshEndpoint {
            host: "ssh.example.com".into(),
            port: 22,
            user: String::new(),
            host_keys: vec![],
        }),
        sign_up: Some("open".into()),
        ..ForgeSettings::default()
    };
    change(control, &ready.admin, ready.forge, harmless).await;
    assert!(matches!(state().await, ForgeState::Verified { .. }));
    let secret =
        ForgeSettings { client_secret: Some(Secret::new("another".into())), ..ForgeSettings::default() };
    change(control, &ready.admin, ready.forge, secret).await;
    assert!(matches!(state().await, ForgeState::Pending));

    // With the wrong secret its registrar does not get through, and with the right one it works again.
    let root = ready.gitlab.add_user("root2");
    let fresh = person(&server, "henry", Role::Admin).await;
    let refused = link(control, &fresh, ready.forge, &ready.gitlab, &root).await;
    assert_eq!(code(&refused), "application_refused", "{}", told(&refused));
    assert!(matches!(state().await, ForgeState::Pending), "one that was never proved does not become faulty");
    crate::forge_world::set_application(control, &ready.admin, ready.forge, &ready.application).await;
    assert_eq!(code(&link(control, &fresh, ready.forge, &ready.gitlab, &root).await), "linked");
    assert!(matches!(state().await, ForgeState::Verified { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_never_sent_to_an_address_that_was_changed_under_them() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    let control = &server.control;
    let (eve, _) = linked(&server, &ready, "eve").await;
    let elsewhere = gitlab(&world).await;

    let moved = ForgeChange { web_url: Some(elsewhere.url().into()), ..ForgeChange::default() };
    control.update_forge(&ready.admin, ready.forge, moved).await.unwrap();

    let link = link_of(control, &eve, ready.forge).await;
    assert!(matches!(link.link.state, LinkState::SignInNeeded { .. }));
    assert!(link.signs_in, "the identity moved along");
    let found = check(control, &ready.admin, ready.forge).await;
    assert_eq!(step(&found, "authorise").outcome, StepOutcome::Skipped);
    let bearers =
        elsewhere.requests().iter().filter(|r| format!("{:?}", r.authorization) == "Bearer").count();
    assert_eq!(bearers, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forge_goes_with_its_links_and_its_tokens_are_revoked() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;
    let control = &server.control;
    linked(&server, &ready, "eve").await;

    control.delete_forge(&ready.admin, ready.forge, LockOut::Refuse).await.unwrap();
    server.stop().await;

    let (control, _) = world.idle(crate::forge_world::settings(&world, "two"));
    assert!(control.forges(&ready.admin).await.unwrap().is_empty());
    let later = world.clock.advance(domain::SignedDuration::from_hours(2));
    let mut tx = world.store.begin().await.unwrap();
    let jobs = tx.claim_jobs(later, later + domain::SignedDuration::from_mins(1), "two", 10).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!jobs.is_empty());
    for job in jobs.iter().filter(|job| job.kind == control::REVOKE_TOKENS) {
        control.revoke_tokens(job).await.unwrap();
    }
    assert_eq!(ready.gitlab.living_tokens(&ready.application), 0);
    let mut tx = world.store.read().await.unwrap();
    assert!(!tx.has_sealed("forge.client_secret", &ready.forge.to_string()).await.unwrap());
    for job in jobs.iter().filter(|job| job.kind == control::REVOKE_TOKENS) {
        let row = job.payload["row"].as_str().unwrap();
        assert!(!tx.has_sealed("link.access_token", row).await.unwrap(), "nothing sealed is left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forges_of_the_configuration_file_are_what_the_file_says() {
    let world = World::new().await;
    let server = serve(&world).await;
    let control = &server.control;
    let entry = |name: &str, secret: &str| FileForge {
        key: "main".into(),
        kind: "gitlab".into(),
        name: Some(name.into()),
        web_url: Some("https://git.example.com".into()),
        settings: ForgeSettings {
            client_id: Some("abc".into()),
            client_secret: Some(Secret::new(secret.into())),
            sign_in: Some(true),
            ..ForgeSettings::default()
        },
    };
    let id = FileForge::id_of("main");

    control.sync_forges(vec![entry("Git", "one")]).await.unwrap();
    control.sync_forges(vec![entry("Git", "one")]).await.unwrap();
    let made = control.forge(&server.admin, id).await.unwrap();
    assert!(made.forge.from_file && made.has_client_secret);
    assert!(matches!(made.forge.state, ForgeState::Verified { by: None, .. }));
    assert_eq!(control.sign_in_options().await.unwrap()[0].name, "Git");
    let refused = control.update_forge(&server.admin, id, ForgeChange::default()).await.unwrap_err();
    assert_eq!(refused.code(), "from_file");
    assert!(refused.mend().contains("`[forge.…]`"));
    assert_eq!(
        control.delete_forge(&server.admin, id, LockOut::Accept).await.unwrap_err().code(),
        "from_file"
    );

    control.sync_forges(vec![entry("Git at work", "two")]).await.unwrap();
    assert_eq!(control.forge(&server.admin, id).await.unwrap().forge.name, "Git at work");
    let mut bad = entry("x", "y");
    bad.settings.auth_method = Some("magic".into());
    let error = control.sync_forges(vec![bad]).await.unwrap_err();
    assert!(error.to_string().contains("forge.main.auth_method"), "{error}");

    control.sync_forges(vec![]).await.unwrap();
    let released = control.forge(&server.admin, id).await.unwrap();
    assert!(!released.forge.from_file, "it stays, and can be removed by hand");
    control.delete_forge(&server.admin, id, LockOut::Refuse).await.unwrap();
    let audit = control.audit(&server.admin, None, 100).await.unwrap();
    let said: Vec<&str> = audit.iter().rev().map(|(_, entry)| entry.action.as_str()).collect();
    assert_eq!(said[1..], ["forge.create", "forge.update", "forge.release", "forge.delete"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_key_is_made_for_oauth_1_and_stays_through_other_changes() {
    let world = World::new().await;
    let server = serve(&world).await;
    let wish = NewForge {
        kind: "bitbucket_server".into(),
        settings: ForgeSettings { auth_method: Some("oauth1".into()), ..ForgeSettings::default() },
        ..new_gitlab("https://bitbucket.example.com")
    };
    let made = match server.control.create_forge(&server.admin, wish).await {
        Ok(made) => made,
        // Until this kind can be opened, the reason is told.
        Err(error) => return assert_eq!(error.code(), "forge", "{error}"),
    };
    let ForgeAuth::Oauth1 { public_key, .. } = &made.forge.auth else { panic!("{made:?}") };
    assert!(public_key.contains("BEGIN PUBLIC KEY"));

    let named = ForgeSettings { client_id: Some("hearth".into()), ..ForgeSettings::default() };
    change(&server.control, &server.admin, made.forge.id, named).await;

    let after = server.control.forge(&server.admin, made.forge.id).await.unwrap();
    let expected = ForgeAuth::Oauth1 { consumer_key: "hearth".into(), public_key: public_key.clone() };
    assert_eq!(after.forge.auth, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_tells_each_step_and_what_to_do() {
    let world = World::new().await;
    let server = serve(&world).await;
    let ready = ready(&world, &server).await;

    let found = check(&server.control, &ready.admin, ready.forge).await;

    let names: Vec<&str> = found.steps.iter().map(|step| step.name).collect();
    assert_eq!(
        names,
        ["resolve", "tls", "version", "application", "authorise", "scopes", "clone", "ssh", "reach_back"]
    );
    assert!(found.ok, "{found:#?}");
    for name in ["resolve", "tls", "application", "authorise", "scopes"] {
        assert_eq!(step(&found, name).outcome, StepOutcome::Ok, "{found:#?}");
    }
    for bad in found.steps.iter().filter(|s| matches!(s.outcome, StepOutcome::Failed | StepOutcome::Warning))
    {
        assert!(!bad.mend.is_empty(), "{bad:?}");
    }

    for _ in 0..5 {
        check(&server.control, &ready.admin, ready.forge).await;
    }
    let refused = server.control.check_forge(&ready.admin, ready.forge).await.unwrap_err();
    assert_eq!(refused.code(), "too_many", "or it would be a way to scan ports");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_finds_a_wrong_secret_a_host_that_is_not_there_and_one_that_is_down() {
    let world = World::new().await;
    let server = serve(&world).await;
    let control = &server.control;
    let gitlab = gitlab(&world).await;
    let admin = person(&server, "grace", Role::Admin).await;
    let (forge, application) = register(control, &admin, &gitlab).await;

    gitlab.renew_secret(&application);
    let found = check(control, &admin, forge).await;
    assert_eq!(step(&found, "application").outcome, StepOutcome::Failed, "{found:#?}");
    assert!(!found.ok);

    gitlab.fault(Matcher::any(), Fault::Drop, 1000);
    let found = check(control, &admin, forge).await;
    assert_eq!(step(&found, "application").outcome, StepOutcome::Failed, "{found:#?}");
    assert!(control.forge(&admin, forge).await.is_ok());

    let nowhere =
        ForgeChange { web_url: Some("https://no-such-host.invalid".into()), ..ForgeChange::default() };
    control.update_forge(&admin, forge, nowhere).await.unwrap();
    let found = check(control, &admin, forge).await;
    assert_eq!(step(&found, "resolve").outcome, StepOutcome::Failed, "{found:#?}");
    assert_eq!(step(&found, "tls").outcome, StepOutcome::Failed, "{found:#?}");

    // An address that this server does not reach, whoever asks.
    let metadata = ForgeChange { web_url: Some("https://169.254.169.254".into()), ..ForgeChange::default() };
    control.update_forge(&admin, forge, metadata).await.unwrap();
    let found = check(control, &admin, forge).await;
    assert_eq!(step(&found, "resolve").outcome, StepOutcome::Failed, "{found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_nobody_knows_is_taken_once_it_is_given() {
    let world = World::new().await;
    let server = serve(&world).await;
    let control = &server.control;
    let encrypted = GitlabDouble::start(options(&world).https(Tls::new())).await;
    let admin = person(&server, "grace", Role::Admin).await;
    let made = control.create_forge(&admin, new_gitlab(encrypted.url())).await.unwrap();

    let unknown = check(control, &admin, made.forge.id).await;
    let tls = step(&unknown, "tls");
    assert_eq!(tls.outcome, StepOutcome::Failed, "{unknown:#?}");
    assert!(!tls.mend.is_empty());

    let settings = ForgeSettings { ca_pem: encrypted.ca_pem().map(Into::into), ..ForgeSettings::default() };
    change(control, &admin, made.forge.id, settings).await;
    let known = check(control, &admin, made.forge.id).await;
    assert_eq!(step(&known, "tls").outcome, StepOutcome::Ok, "{known:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forge_below_a_path_is_asked_below_that_path_only() {
    let world = World::new().await;
    let server = serve(&world).await;
    let below = Options { path_prefix: Some("/gitlab".into()), ..options(&world) };
    let ready = ready_at(GitlabDouble::start(below).await, &server).await;

    let found = check(&server.control, &ready.admin, ready.forge).await;

    assert_eq!(step(&found, "authorise").outcome, StepOutcome::Ok, "{found:#?}");
    let paths: Vec<String> = ready.gitlab.requests().into_iter().map(|request| request.path).collect();
    assert!(paths.iter().all(|path| path.starts_with("/gitlab/")), "{paths:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_is_too_old_is_refused_before_it_is_verified() {
    let world = World::new().await;
    let server = serve(&world).await;
    let control = &server.control;
    let old = Options { clock: std::sync::Arc::new(world.clock.clone()), ..Options::version("12.4.0") };
    let gitlab = GitlabDouble::start(old).await;
    let admin = person(&server, "grace", Role::Admin).await;
    let (forge, _) = register(control, &admin, &gitlab).await;

    let outcome = link(control, &admin, forge, &gitlab, &gitlab.add_user("root")).await;

    assert_eq!(code(&outcome), "version_refused", "{}", told(&outcome));
    assert!(matches!(control.forge(&admin, forge).await.unwrap().forge.state, ForgeState::Pending));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_address_to_come_back_to_works_where_it_was_chosen() {
    let world = World::new().await;
    let server = serve(&world).await;
    let control = &server.control;
    let gitlab = gitlab(&world).await;
    let admin = person(&server, "grace", Role::Admin).await;
    let (forge, _) = register(control, &admin, &gitlab).await;
    let dashed = ForgeSettings { redirect: Some("dashed".into()), ..ForgeSettings::default() };
    change(control, &admin, forge, dashed).await;
    let redirect_uri = control.forge(&admin, forge).await.unwrap().redirect_uri;
    assert_eq!(redirect_uri, "http://hearth.example.com/-/oauth/gitlab/callback");
    let scopes = ["api", "read_user", "openid", "email", "read_repository", "write_repository"];
    let application = gitlab.add_application(testkit::gitlab::NewApplication::new(&redirect_uri, &scopes));
    crate::forge_world::set_application(control, &admin, forge, &application).await;

    let outcome = link(control, &admin, forge, &gitlab, &gitlab.add_user("root")).await;

    assert_eq!(code(&outcome), "linked", "{}", told(&outcome));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teams_forge_is_its_admins_to_manage_its_members_to_link_and_nobodys_to_sign_in_with() {
    let world = World::new().await;
    let server = serve(&world).await;
    let control = &server.control;
    let gitlab = gitlab(&world).await;
    let grace = person(&server, "grace", Role::Admin).await;
    let wish = control::NewTeam { slug: "acme".into(), name: None };
    let team = control.create_team(&grace, wish).await.unwrap();
    let slug = team.team.slug.as_str().to_owned();
    let (carol, bob) =
        (person(&server, "carol", Role::Member).await, person(&server, "bob", Role::Member).await);
    let of_team = || NewForge {
        team: Some(slug.clone()),
        settings: ForgeSettings::default(),
        ..new_gitlab(gitlab.url())
    };

    assert_eq!(
        control.create_forge(&carol, of_team()).await.unwrap_err().code(),
        "not_found",
        "not even the team"
    );
    let mut tx = world.store.begin().await.unwrap();
    for (user, role) in [(carol.user, TeamRole::Admin), (bob.user, TeamRole::Member)] {
        let member = Membership { team: team.team.id, user, role, since: Timestamp::UNIX_EPOCH };
        tx.put_member(&member).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut signs_in = of_team();
    signs_in.settings.sign_in = Some(true);
    assert_eq!(control.create_forge(&carol, signs_in).await.unwrap_err().code(), "invalid");
    assert_eq!(control.create_forge(&bob, of_team()).await.unwrap_err().code(), "not_found");
    let made = control.create_forge(&carol, of_team()).await.unwrap();

    let application = gitlab.add_application(testkit::gitlab::NewApplication::new(
        &made.redirect_uri,
        crate::forge_world::SCOPES,
    ));
    crate::forge_world::set_application(control, &carol, made.forge.id, &application).await;
    let linked = link(control, &carol, made.forge.id, &gitlab, &gitlab.add_user("carol")).await;
    assert_eq!(code(&linked), "linked", "{}", told(&linked));
    assert!(!link_of(control, &carol, made.forge.id).await.signs_in);
    assert_eq!(control.integrations(&bob).await.unwrap().len(), 1);
    let eve = person(&server, "eve", Role::Member).await;
    assert!(control.integrations(&eve).await.unwrap().is_empty());
    assert_eq!(control.begin_sign_in(made.forge.id, None, None).await.err().unwrap().code(), "not_found");
    assert_eq!(control.forges(&bob).await.unwrap().len(), 0);
    assert_eq!(control.forges(&carol).await.unwrap().len(), 1);
}
