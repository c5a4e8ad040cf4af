//! Forges on the command line, in the configuration and in the environment.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use blackbox::forge::Forge;
use blackbox::person::Person;
use blackbox::server::{Options, PATIENCE, Server, hearth, text, wait_for};
use serde_json::{Value, json};
use testkit::gitlab::{GitlabDouble, NewApplication, Options as Release, User};

fn with_input(server: &Server, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(hearth())
        .args(arguments)
        .env("HEARTH_DATA_DIR", server.data())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

async fn link(gitlab: &GitlabDouble, forge: &Forge, person: &Person, user: &User) {
    let back = gitlab.approve(user, &forge.begin_link(person).await, &forge.redirect_uri).await.unwrap();
    person.come_back(&back).await.succeeded();
}

async fn sign_in(gitlab: &GitlabDouble, forge: &Forge, server: &Server, user: &User) -> Person {
    let browser = Person::stranger(server);
    let back = gitlab.approve(user, &forge.begin_sign_in(&browser).await, &forge.redirect_uri).await.unwrap();
    browser.come_back(&back).await.succeeded();
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forge_is_registered_and_mended_on_the_command_line_while_the_server_runs() {
    let gitlab = GitlabDouble::start(Release::default()).await;
    let root = gitlab.add_user("root");
    let server = Server::start();
    let ada = Person::first(&server, "ada").await;
    let listed = said(&server.cli(&["forge", "list"]));
    assert!(listed.contains("hearth forge add"), "an empty list says what to do: {listed}");

    let added =
        server.cli(&["forge", "add", "gitlab", gitlab.url(), "--name", "Our GitLab", "--sign-in", "true"]);
    let shown = said(&added);
    assert!(added.status.success(), "{shown}");
    let forge = Forge::of(&server.json(&["forge", "show", "Our GitLab"]));
    assert!(shown.contains(&forge.redirect_uri) && shown.contains("hearth forge update"), "{shown}");
    let check = server.cli(&["forge", "check", "Our GitLab"]);
    assert_eq!(check.status.code(), Some(1), "{}", said(&check));
    assert!(said(&check).contains("✗ application") && said(&check).contains("mend:"), "{}", said(&check));

    let scopes: Vec<&str> = forge.scopes.split(' ').collect();
    let application = gitlab.add_application(NewApplication::new(&forge.redirect_uri, &scopes));
    let arguments =
        ["forge", "update", &forge.id, "--client-id", &application.client_id, "--client-secret-file", "-"];
    let updated = with_input(&server, &arguments, &format!("{}\n", application.secret));
    assert!(updated.status.success(), "{}", said(&updated));
    assert!(!said(&updated).contains(&application.secret), "{}", said(&updated));
    let check = server.cli(&["forge", "check", "Our GitLab"]);
    assert_eq!(check.status.code(), Some(0), "{}", said(&check));
    for line in ["✓ resolve", "✓ application", "– authorise"] {
        assert!(said(&check).contains(line), "{}", said(&check));
    }

    // The running server goes by it at once, and what is changed there is known here.
    link(&gitlab, &forge, &ada, &root).await;
    let check = said(&server.cli(&["forge", "check", &forge.id]));
    assert!(check.contains("✓ authorise") && check.contains("`root`"), "{check}");
    let listed = said(&server.cli(&["forge", "ls"]));
    assert!(listed.contains("Our GitLab") && listed.contains("verified"), "{listed}");
    let updated = server.cli(&["forge", "update", "Our GitLab", "--sign-up", "example.com,corp.example"]);
    assert!(updated.status.success(), "{}", said(&updated));
    assert_eq!(forge.shown(&ada).await["sign_up_domains"], json!(["example.com", "corp.example"]));
    let grace = sign_in(&gitlab, &forge, &server, &gitlab.add_user("grace")).await;
    assert_eq!(grace.who().await.1, "grace");
    let links = said(&server.cli(&["link", "list"]));
    assert!(links.contains("Our GitLab") && links.contains("root"), "{links}");

    let refused = server.cli(&["forge", "remove", "Our GitLab"]);
    assert!(!refused.status.success() && said(&refused).contains("mend:"), "{}", said(&refused));
    let removed = server.cli(&["forge", "remove", "Our GitLab", "--force"]);
    assert!(removed.status.success(), "{}", said(&removed));
    assert_eq!(server.json(&["forge", "list"])["items"], json!([]));
    let begun = Instant::now();
    while gitlab.living_tokens(&application) > 0 {
        assert!(begun.elapsed() < 2 * PATIENCE, "the tokens are not taken back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forge_of_the_configuration_works_from_the_start_and_is_changed_only_there() {
    let gitlab = GitlabDouble::start(Release::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let secret_file = folder.path().join("secret");
    std::fs::write(&secret_file, "not yet\n").unwrap();
    let entry = |more: &str| {
        let (url, file) = (gitlab.url(), secret_file.display());
        format!(
            "[forge.office]\nkind = \"gitlab\"\nname = \"Office\"\nurl = \"{url}\"\nsign_in = true\nsign_up = \"open\"\n\
             client_secret_file = \"{file}\"\n{more}"
        )
    };
    let config = Some(entry("client_id = \"not yet\"\n"));
    let mut server = Server::start_with(Options { config, ..Options::default() });
    let ada = Person::first(&server, "ada").await;
    let forge = Forge::of(&ada.get("/forges").await.ok()["items"][0]);
    let shown = forge.shown(&ada).await;
    assert_eq!(
        (&shown["from_file"], &shown["state"], &shown["name"]),
        (&json!(true), &json!("verified"), &json!("Office"))
    );

    // It cannot be changed but there, and is told so.
    let path = format!("/forges/{}", forge.id);
    let problem = ada.patch(&path, json!({"name": "Mine"})).await.refused(409, "from_file");
    assert!(problem["mend"].as_str().unwrap().contains("configuration"), "{problem}");
    ada.delete(&path).await.refused(409, "from_file");
    let refused = server.cli(&["forge", "update", "Office", "--name", "Mine"]);
    assert!(!refused.status.success() && said(&refused).contains("configuration"), "{}", said(&refused));

    // A changed file counts after a hang-up, without a restart.
    let scopes: Vec<&str> = forge.scopes.split(' ').collect();
    let application = gitlab.add_application(NewApplication::new(&forge.redirect_uri, &scopes));
    std::fs::write(&secret_file, format!("{}\n", application.secret)).unwrap();
    let id = format!("client_id = \"{}\"\n", application.client_id);
    std::fs::write(server.config_file(), entry(&id)).unwrap();
    let pid = nix::unistd::Pid::from_raw(server.pid().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGHUP).unwrap();
    wait_for("the new application", || {
        let shown = server.json(&["forge", "show", &forge.id]);
        (shown["client_id"] == *application.client_id).then_some(())
    });
    let grace = sign_in(&gitlab, &forge, &server, &gitlab.add_user("grace")).await;
    assert_eq!(grace.who().await.1, "grace");

    // A file that makes no sense changes nothing.
    std::fs::write(server.config_file(), entry("colour = \"blue\"\n")).unwrap();
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGHUP).unwrap();
    wait_for("the complaint", || server.log().contains("forge.office.colour").then_some(()));
    assert_eq!(forge.shown(&ada).await["client_id"], *application.client_id);

    // Gone from the file, it stays with everything, and belongs to the administrators.
    server.stop();
    std::fs::write(server.config_file(), "").unwrap();
    server.run();
    let shown = server.json(&["forge", "show", &forge.id]);
    assert_eq!((&shown["from_file"], &shown["links"]), (&json!(false), &json!(1)));
    assert!(server.cli(&["forge", "update", &forge.id, "--name", "Mine"]).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forge_stands_in_flags_and_environment_too() {
    let gitlab = GitlabDouble::start(Release::default()).await;
    let url = format!("forge.here.url={}", gitlab.url());
    let mut options =
        Options::set(&["forge.here.kind=gitlab", &url, "forge.here.sign_in=true", "forge.here.name=Here"]);
    let variables = [
        ("HEARTH_FORGE__HERE__NAME", "There"),
        ("HEARTH_FORGE__HERE__CLIENT_ID", "an id"),
        ("HEARTH_FORGE__HERE__CLIENT_SECRET", "a secret"),
        ("HEARTH_FORGE__HERE__SCOPES", "read_user,openid"),
    ];
    options.environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let server = Server::start_with(options);

    let shown: Value = server.json(&["forge", "show", "Here"]);

    assert_eq!((&shown["client_id"], &shown["has_client_secret"]), (&json!("an id"), &json!(true)));
    assert_eq!((&shown["scopes"], &shown["sign_in"]), (&json!(["read_user", "openid"]), &json!(true)));
    assert!(!shown.to_string().contains("a secret"), "{shown}");
}

#[test]
fn every_mistake_in_a_configured_forge_is_named_before_the_server_starts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hearth.toml");
    let text_of = "[forge.a]\nkind = \"gitlob\"\n[forge.b]\nkind = \"gitlab\"\nurl = \"not a url\"\nauth = \"basic\"\n\
                   sign_up = \"domains\"\nclient_secret_file = \"/no/such/file\"\n[forge.c]\nkind = \"bitbucket_server\"\n";
    std::fs::write(&file, text_of).unwrap();

    let output = Command::new(hearth()).args(["config", "check", "--config"]).arg(&file).output().unwrap();

    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    for key in [
        "forge.a.kind",
        "forge.b.url",
        "forge.b.auth",
        "forge.b.sign_up_domains",
        "forge.b.client_secret_file",
        "forge.c.url",
    ] {
        assert!(said.contains(key), "{key}: {said}");
    }
}
