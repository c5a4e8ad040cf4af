//! Forges and linked accounts: what is taken, what is refused, and what never comes out again.

use http::Method;
use serde_json::{Value, json};
use testkit::gitlab::{Fault, Matcher, Visibility};

use crate::app::TestApp;
use crate::document::operations;
use crate::forge_world::{ForgeWorld, session};

/// Every field that a forge can be made with, and a value that is taken.
fn whole(secret: &str) -> Value {
    json!({
        "kind": "gitlab", "name": "All of it", "web_url": "https://code.example.com", "team": "crew",
        "api_url": "https://api.example.com", "git_url": "https://git.example.com",
        "ssh": {"host": "ssh.example.com", "port": 2222}, "auth_method": "oauth2", "client_id": "the id",
        "client_secret": secret, "redirect": "shared", "scopes": ["api", "read_user"],
        "ca_pem": "", "client_certificate": "", "client_key": "", "proxy": "http://proxy.example.com:3128",
        "sign_in": false, "sign_up": "domains", "sign_up_domains": ["example.com"],
    })
}

async fn with_team() -> TestApp {
    let app = TestApp::start().await;
    let wish = control::NewTeam { slug: "crew".into(), name: None };
    app.control.create_team(&app.admin.caller, wish).await.unwrap();
    app
}

#[tokio::test]
async fn every_field_of_a_forge_is_taken_and_shown_and_its_secret_is_not() {
    let app = with_team().await;
    let document = crate::document::document();
    let mut known: Vec<&String> = Vec::new();
    for name in ["ForgeSettings", "CreateForge"] {
        let schema = &document["components"]["schemas"][name];
        let parts = schema["allOf"].as_array().cloned();
        let own = parts.and_then(|parts| parts.into_iter().find(|part| part.get("properties").is_some()));
        let fields = own.as_ref().unwrap_or(schema)["properties"].as_object().unwrap().clone();
        known.extend(Box::leak(Box::new(fields)).keys());
    }
    let body = whole("canary-secret");

    let made = app.post("/api/v1/forges", &body).session(&app.admin.session).send().await.expect(201);

    let mut sent: Vec<&String> = body.as_object().unwrap().keys().collect();
    sent.sort_unstable();
    known.sort_unstable();
    assert_eq!(sent, known, "the test knows every field of the document");
    assert!(!String::from_utf8_lossy(&made.body).contains("canary"));
    let made = made.json();
    for name in
        ["kind", "name", "web_url", "api_url", "git_url", "client_id", "redirect", "scopes", "sign_in"]
    {
        assert_eq!(made[name], body[name], "{name}");
    }
    assert_eq!((&made["has_client_secret"], &made["ssh"]["port"]), (&json!(true), &json!(2222)));
    let path = format!("/api/v1/forges/{}", made["id"].as_str().unwrap());
    let change = json!({"name": "Other", "client_secret": "", "ssh": {"host": ""}, "proxy": ""});
    let changed = app
        .call(Method::PATCH, &path)
        .json(&change)
        .session(&app.admin.session)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!((&changed["name"], &changed["has_client_secret"]), (&json!("Other"), &json!(false)));
    assert_eq!((&changed["ssh"], &changed["proxy"]), (&json!(null), &json!(null)));
    assert_eq!(changed["client_id"], "the id", "what is absent stays");
}

#[tokio::test]
async fn a_field_that_a_forge_does_not_have_is_refused_by_name() {
    let app = with_team().await;
    let made = app.post("/api/v1/forges", &whole("x")).session(&app.admin.session).send().await.expect(201);
    let path = format!("/api/v1/forges/{}", made.json()["id"].as_str().unwrap());

    for name in ["clientid", "secret", "state", "id", "settings", ""] {
        let mut body = json!({"kind": "gitlab", "web_url": "https://other.example.com"});
        body[name] = json!("x");
        let create = app.post("/api/v1/forges", &body).session(&app.admin.session).send().await;
        assert_eq!(create.problem(422, "invalid")["field"], name);
        let change = json!({name: "x", "name": "Other"});
        let update = app.call(Method::PATCH, &path).json(&change).session(&app.admin.session).send().await;
        assert_eq!(update.problem(422, "invalid")["field"], name);
    }
    for body in [json!({"kind": "gitlab", "scopes": "api"}), json!({"kind": "gitlab", "sign_in": "yes"})] {
        app.post("/api/v1/forges", &body).session(&app.admin.session).send().await.problem(422, "invalid");
    }
    // Neither may be changed later.
    for name in ["kind", "team"] {
        let update =
            app.call(Method::PATCH, &path).json(&json!({name: "gitlab"})).session(&app.admin.session);
        assert_eq!(update.send().await.problem(422, "invalid")["field"], name);
    }
    let twice = "{\"kind\": \"gitlab\", \"client_id\": \"a\", \"client_id\": \"b\"}";
    let call =
        app.call(Method::POST, "/api/v1/forges").body(twice).header("content-type", "application/json");
    call.session(&app.admin.session).send().await.problem(422, "invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_names_the_forge_and_what_to_grant_there() {
    let world = ForgeWorld::start().await;
    let project = world.gitlab.add_project("group/secret", Visibility::Private, &world.root);
    let url = json!({"url": format!("{}/{}", world.gitlab.url(), project.path)});
    let ask = |session: &str| world.app.post("/api/v1/contexts", &url).session(session).send();

    // Without an account.
    let eve = world.app.member("eve").await;
    let problem = ask(&eve.session).await.problem(409, "link_needed");
    assert_eq!(problem["forge"], world.forge.to_string());
    assert_eq!(problem["forge_name"], "Our GitLab");
    assert_eq!(problem.get("scopes"), None, "{problem}");
    let create = world.app.post("/api/v1/workspaces", &url).session(&eve.session).send().await;
    assert_eq!(create.problem(409, "link_needed")["forge"], world.forge.to_string());

    // With one that is granted too little.
    let user = world.gitlab.add_user("eve");
    let token = world.gitlab.add_personal_token(&user, &["read_user"]);
    let body = json!({"forge": world.forge.to_string(), "token": token});
    world.app.post("/api/v1/me/links", &body).session(&eve.session).send().await.expect(201);
    let problem = ask(&eve.session).await.problem(409, "scope_missing");
    assert_eq!(problem["forge"], world.forge.to_string());
    assert!(!problem["scopes"].as_array().unwrap().is_empty(), "{problem}");

    // When the forge answers nonsense.
    world.gitlab.fault(Matcher::path("/api/v4/projects"), Fault::NotJson, 20);
    let problem = ask(&world.app.admin.session).await.problem(502, "forge");
    assert_eq!(problem.get("forge"), None, "{problem}");
    world.gitlab.clear_faults();
    ask(&world.app.admin.session).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_in_as_a_secret_is_in_no_answer() {
    let world = ForgeWorld::start().await;
    let app = &world.app;
    let (ada, user) = world.linked("ada").await;
    let id = app.running_workspace(&app.admin).await;
    // Secrets of every kind, and the words that nothing but a secret has.
    let mut canaries = vec![
        world.application.secret.clone(),
        "PRIVATE KEY".into(),
        "canary-of-a-team".into(),
        "hsession_".into(),
        "hstate_".into(),
        "hattempt_".into(),
        "hinvite_".into(),
        "hcrossing_".into(),
        "hhandoff_".into(),
    ];
    let team = control::NewTeam { slug: "crew".into(), name: None };
    app.control.create_team(&app.admin.caller, team).await.unwrap();
    let secret = json!({"value": "canary-of-a-team"});
    let put = app.call(Method::PUT, "/api/v1/teams/crew/secrets/NAME").json(&secret);
    let put = put.session(&app.admin.session).send().await.expect(200);
    assert!(!String::from_utf8_lossy(&put.body).contains("canary"));
    let invited = app.post("/api/v1/teams/crew/invitations", &json!({})).session(&app.admin.session);
    let invited = invited.send().await.expect(201).json();
    canaries.push(invited["url"].as_str().unwrap().split_once('#').unwrap().1.to_owned());
    let made =
        app.post("/api/v1/me/tokens", &json!({"name": "ci", "scopes": ["all"]})).session(&app.admin.session);
    canaries.push(made.send().await.expect(201).json()["token"].as_str().unwrap().to_owned());
    let eve = app.member("eve").await;
    let of_eve = world.gitlab.add_user("eve");
    let pasted = world.gitlab.add_personal_token(&of_eve, &["api"]);
    let body = json!({"forge": world.forge.to_string(), "token": pasted});
    let answer = app.post("/api/v1/me/links", &body).session(&eve.session).send().await.expect(201);
    assert!(!String::from_utf8_lossy(&answer.body).contains(&pasted));
    canaries.push(pasted);
    let trip = world.begin_sign_in("/").await;
    canaries.push(trip.cookie.split_once('=').unwrap().1.to_owned());
    let over = world.sign_in(&user, "/").await.expect(303);
    canaries.push(session(&over).unwrap());
    app.get("/api/v1/me/ssh-key").session(&ada.session).send().await.expect(200);

    let file = app.driver.folder_of(id).display().to_string();
    let mut seen = 0;
    for operation in operations().into_iter().filter(|it| it.method == Method::GET && !it.is_socket) {
        if matches!(operation.id.as_str(), "watch_events" | "watch_kites" | "read_file" | "connect_agent") {
            continue;
        }
        let own = match operation.path.as_str() {
            path if path.contains("/forges/") => world.forge.to_string(),
            _ => id.to_string(),
        };
        let path = operation.path.replace("{id}", &own).replace("{team}", "crew").replace("/{path}", &file);
        let path = if operation.id == "read_log" { format!("{path}?follow=false") } else { path };
        assert!(!path.contains('{'), "{path}");
        for person in [&app.admin, &ada, &eve] {
            let answer = app.get(&path).session(&person.session).send().await;
            let text = String::from_utf8_lossy(&answer.body);
            // The document tells what tokens look like.
            let found = canaries.iter().find(|canary| text.contains(canary.as_str()));
            assert!(found.is_none() || operation.id == "show_openapi", "{path}: {found:?}");
            assert!(answer.headers.get("set-cookie").is_none(), "{path}");
            seen += usize::from(answer.status == 200);
        }
    }
    assert!(seen > 40, "{seen}");
    for path in ["/metrics", "/readyz", "/"] {
        let answer = app.get(path).send().await.expect(200);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!canaries.iter().any(|canary| text.contains(canary.as_str())), "{path}");
    }
}
