//! Everything wrong a user can say, and what Hearth answers: what could not be done, and the mend.

use blackbox::server::{Server, text};

/// Expects a failing start and answers what was said.
fn refused(server: &Server, arguments: &[&str]) -> String {
    let output = server.cli(arguments);
    let said = text(&output.stderr);
    assert!(!output.status.success(), "{arguments:?} succeeded");
    assert!(said.contains("mend:"), "{arguments:?} names no mend: {said}");
    said
}

#[test]
fn every_wrong_address_gets_its_own_answer() {
    let repository = testkit::git::Repository::sample();
    let git = testkit::git::serve(repository.parent());
    let server = Server::start();
    let cases = [
        (vec!["start", "git@host:a/b.git"], "https://"),
        (vec!["start", "file:///etc"], "file"),
        (vec!["start", "https://user:pass@host.invalid/a/b"], "take it out"),
        (vec!["start", "https://no-such-host.invalid/a/b"], "no-such-host.invalid"),
        (vec!["start", "http://169.254.169.254/latest/meta-data"], "169.254.169.254"),
        (vec!["start", "http://127.0.0.1:1/a/b"], "127.0.0.1"),
    ];
    for (arguments, expected) in cases {
        let said = refused(&server, &arguments);
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }

    let missing = refused(&server, &["start", &format!("{}/missing.git", git.url)]);
    assert!(missing.contains("does not exist or is private"), "{missing}");
    let no_ref = refused(&server, &["start", &format!("{}/sample.git", git.url), "--ref", "mian"]);
    assert!(no_ref.contains("`mian`"), "{no_ref}");
    assert!(no_ref.contains("main"), "a near name is offered: {no_ref}");
}

#[test]
fn a_name_that_is_taken_is_refused_and_nothing_is_made() {
    let server = Server::start();
    let repository = testkit::git::Repository::sample();
    let git = testkit::git::serve(repository.parent());
    let url = format!("{}/sample.git", git.url);
    server.json(&["start", &url, "--name", "one"]);

    let said = refused(&server, &["start", &url, "--name", "one"]);

    assert!(said.contains("`one`"), "{said}");
    assert_eq!(server.json(&["list"])["items"].as_array().unwrap().len(), 1);
}

#[test]
fn an_unknown_workspace_is_named_with_the_way_to_find_the_right_one() {
    let server = Server::start();

    assert!(refused(&server, &["stop", "nobody"]).contains("hearth list"));
    let output = server.cli(&["stop", "ws_00000000000000000000000000"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
}

#[test]
fn without_a_server_the_way_to_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(blackbox::server::hearth())
        .arg("list")
        .env("HEARTH_DATA_DIR", folder.path())
        .output()
        .unwrap();

    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("hearth up"), "{}", text(&output.stderr));
}

#[test]
fn every_problem_of_a_configuration_is_named_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hearth.toml");
    std::fs::write(&file, "[server]\nlisten = \"x\"\n[workspaces]\npids = 1\n").unwrap();

    let output = std::process::Command::new(blackbox::server::hearth())
        .args(["config", "check", "--config", file.to_str().unwrap()])
        .output()
        .unwrap();

    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(said.contains("server.listen") && said.contains("pids"), "{said}");
}
