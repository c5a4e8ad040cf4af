//! Git's credential helper against a real private repository.

use std::path::Path;

use testkit::git::{Repository, serve_private};
use wire::agent::{AskAnswer, CloneEvent, CloneRequest, ExecResult, Question};

use crate::bench::{Bench, bench, command, shell};
use crate::clone::{failed, request, run};
use crate::stand_in::{answering, connecting, credential, refused, settings};

const TOKEN: &str = "glpat-never-at-rest";

/// A forge that nobody could look up, with a private repository, and an agent set up for it.
async fn private() -> (Bench, Repository, testkit::git::GitServer, CloneRequest) {
    let (bench, repository) = (bench().await, Repository::sample());
    let server = serve_private(repository.parent(), &format!("oauth2:{TOKEN}"));
    connecting(&bench.client, server.url.trim_start_matches("http://").to_owned());
    bench.client.set_git(&settings("http://forge.test")).await.unwrap();
    let request = CloneRequest { through_server: true, ..request(&bench, "http://forge.test/sample.git") };
    (bench, repository, server, request)
}

async fn sh(bench: &Bench, script: &str) -> ExecResult {
    bench.client.exec(&shell(script)).await.unwrap()
}

fn assert_nowhere(folder: &Path, secret: &str) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            assert_nowhere(&entry.path(), secret);
        } else if kind.is_file() {
            let content = std::fs::read(entry.path()).unwrap();
            let found = content.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{}", entry.path().display());
        }
    }
}

#[tokio::test]
async fn a_private_repository_is_cloned_fetched_and_pushed_without_a_token_at_rest() {
    let (bench, repository, _server, request) = private().await;
    let asked = answering(&bench.client, |_| credential("oauth2", TOKEN));

    let events = run(&bench.client, &request).await;
    assert!(matches!(events.last(), Some(CloneEvent::Done { .. })), "{events:?}");
    let pushed = sh(
        &bench,
        "cd sample && echo more >> README.md && git commit -qam More && git fetch -q && git push -q && \
         git rev-parse HEAD && git log -1 --format=%ae",
    )
    .await;

    assert_eq!(pushed.exit_code, 0, "{}", pushed.stderr);
    assert_eq!(pushed.stdout, format!("{}\nada@example.com\n", repository.head()));
    assert_nowhere(bench.root.path(), TOKEN);
    let asked = asked.lock().unwrap();
    let credentials: Vec<_> = asked
        .iter()
        .map(|question| match question {
            Question::Credential(wanted) => (wanted.host.as_str(), wanted.path.as_deref(), wanted.is_push),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = |is_push| ("forge.test", Some("sample.git"), is_push);
    assert_eq!(credentials, [expected(false), expected(false), expected(true)]);
}

#[tokio::test]
async fn a_refusal_is_said_to_the_person_and_explains_the_clone() {
    let (bench, _repository, _server, request) = private().await;
    answering(&bench.client, |_| refused("your link to `Forge` is missing", "connect it under Integrations"));

    let (reason, mend) = failed(&run(&bench.client, &request).await);
    let by_hand = sh(&bench, "git ls-remote http://forge.test/sample.git").await;

    assert!(reason.ends_with("your link to `Forge` is missing"), "{reason}");
    assert_eq!(mend, "connect it under Integrations");
    let line = "hearth: your link to `Forge` is missing; connect it under Integrations\n";
    assert_eq!(by_hand.stderr.matches(line).count(), 1, "{}", by_hand.stderr);
}

#[tokio::test]
async fn what_the_server_does_not_know_is_left_to_git() {
    let (bench, _repository, _server, _) = private().await;
    answering(&bench.client, |_| AskAnswer::Nothing);

    let by_hand = sh(&bench, "GIT_TERMINAL_PROMPT=0 git ls-remote http://forge.test/sample.git").await;

    assert!(!by_hand.stderr.contains("hearth:"), "{}", by_hand.stderr);
    assert!(by_hand.stderr.contains("could not read Username"), "{}", by_hand.stderr);
}

#[tokio::test]
async fn a_credential_that_is_not_taken_is_told_back() {
    let (bench, _repository, _server, _) = private().await;
    let asked = answering(&bench.client, |question| match question {
        Question::Credential(_) => credential("oauth2", "stale"),
        _ => AskAnswer::Nothing,
    });

    sh(&bench, "GIT_TERMINAL_PROMPT=0 git ls-remote http://forge.test/sample.git").await;

    let asked = asked.lock().unwrap();
    let Some(Question::CredentialRefused(refused)) = asked.get(1) else { panic!("{asked:?}") };
    assert_eq!((refused.host.as_str(), refused.path.as_deref()), ("forge.test", Some("sample.git")));
}

#[tokio::test]
async fn other_hosts_are_never_asked_about() {
    let (bench, repository) = (bench().await, Repository::sample());
    let server = serve_private(repository.parent(), "oauth2:x");
    bench.client.set_git(&settings("http://forge.test")).await.unwrap();
    let asked = answering(&bench.client, |_| credential("oauth2", TOKEN));

    let tried = sh(&bench, &format!("GIT_TERMINAL_PROMPT=0 git ls-remote {}/sample.git", server.url)).await;

    assert_ne!(tried.exit_code, 0);
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_helper_s_socket_is_private_and_survives_nonsense() {
    use std::io::{Read, Write};
    use std::os::unix::fs::PermissionsExt;

    let (bench, _repository, _server, _) = private().await;
    answering(&bench.client, |_| credential("oauth2", TOKEN));
    let folder = bench.root.path().join("home/.config/hearth/run");

    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    let long = vec![b'x'; 100_000];
    for nonsense in [&b"\n"[..], b"{}\n", b"\xff\xfe\n", &long] {
        let mut visitor = std::os::unix::net::UnixStream::connect(folder.join("agent.sock")).unwrap();
        // The agent may hang up before it has read all of it.
        drop(visitor.write_all(nonsense));
        let end = tokio::task::spawn_blocking(move || visitor.read(&mut [0; 16]));
        assert!(matches!(end.await.unwrap(), Ok(0) | Err(_)));
    }
    let program = env!("CARGO_BIN_EXE_agent-helper");
    let socket = folder.join("agent.sock");
    let script = format!(
        "printf 'protocol=http\\nhost=forge.test\\npath=sample.git\\n\\n' | {program} credential --socket {} get",
        socket.display()
    );
    assert_eq!(sh(&bench, &script).await.stdout, format!("username=oauth2\npassword={TOKEN}\n"));
    let gone = bench.client.exec(&command(&[program, "credential", "--socket", "/nowhere", "get"])).await;
    let gone = gone.unwrap();
    assert_eq!(gone.exit_code, 1);
    assert_eq!(gone.stderr, "hearth: the workspace's agent does not answer; restart the workspace\n");
}
