//! A person's dotfiles, installed by their script or as links.

use std::os::unix::fs::PermissionsExt;

use futures_util::StreamExt;
use testkit::git::{git, serve};
use wire::agent::{CloneEvent, DotfilesRequest};

use crate::bench::{Bench, LIMIT, bench};
use crate::stand_in::{connecting, settings};

/// Installs the dotfiles that `fill` leaves in a repository.
async fn installed(bench: &Bench, fill: impl FnOnce(&std::path::Path)) -> Vec<CloneEvent> {
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().join("work");
    std::fs::create_dir_all(&work).unwrap();
    fill(&work);
    git(&work, &["init", "-q", "-b", "main"]);
    git(&work, &["add", "."]);
    git(&work, &["commit", "-q", "-m", "Begin"]);
    std::fs::create_dir(folder.path().join("served")).unwrap();
    git(folder.path(), &["clone", "-q", "--bare", "work", "served/dotfiles.git"]);
    let server = serve(&folder.path().join("served"));
    connecting(&bench.client, server.url.trim_start_matches("http://").to_owned());
    bench.client.set_git(&settings("http://forge.test")).await.unwrap();
    let request = DotfilesRequest { url: "http://forge.test/dotfiles.git".into() };
    let events = bench.client.install_dotfiles(&request).await.unwrap();
    let events = tokio::time::timeout(LIMIT, events.collect::<Vec<_>>()).await.unwrap();
    events.into_iter().map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_script_installs_them_and_what_it_says_is_heard() {
    let bench = bench().await;

    let events = installed(&bench, |work| {
        std::fs::write(work.join("install.sh"), "#!/bin/sh\necho from $PWD\ntouch ~/installed\n").unwrap();
        std::fs::set_permissions(work.join("install.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::write(work.join("setup"), "touch ~/wrong\n").unwrap();
    })
    .await;

    assert!(matches!(events.last(), Some(CloneEvent::Done { .. })), "{events:?}");
    let home = bench.root.path().join("home");
    assert!(home.join("installed").exists() && !home.join("wrong").exists());
    let said = CloneEvent::Line { text: format!("from {}", home.join(".dotfiles").display()) };
    assert!(events.contains(&said), "{events:?}");
}

#[tokio::test]
async fn a_script_that_fails_is_told_with_what_to_do() {
    let bench = bench().await;

    let events = installed(&bench, |work| {
        std::fs::write(work.join("bootstrap"), "echo no >&2; exit 3\n").unwrap();
    })
    .await;

    let Some(CloneEvent::Failed { reason, mend }) = events.last() else { panic!("{events:?}") };
    assert_eq!(reason, "`bootstrap` of the dotfiles ended with 3");
    assert!(mend.contains("~/.dotfiles"), "{mend}");
}

#[tokio::test]
async fn without_a_script_they_are_linked_and_git_stays_set_up() {
    let bench = bench().await;
    let home = bench.root.path().join("home");

    let events = installed(&bench, |work| {
        std::fs::write(work.join(".gitconfig"), "[alias]\n\tst = status\n").unwrap();
        std::fs::write(work.join(".vimrc"), "set ai\n").unwrap();
    })
    .await;

    assert!(matches!(events.last(), Some(CloneEvent::Done { .. })), "{events:?}");
    assert_eq!(std::fs::read_to_string(home.join(".vimrc")).unwrap(), "set ai\n");
    let email = bench.client.exec(&crate::bench::command(&["git", "config", "user.email"])).await.unwrap();
    assert_eq!(email.stdout, "ada@example.com\n");
    let alias = bench.client.exec(&crate::bench::command(&["git", "config", "alias.st"])).await.unwrap();
    assert_eq!(alias.stdout, "status\n");
}
