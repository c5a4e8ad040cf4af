//! The SSH agent with OpenSSH's own programs.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use testkit::SeededEntropy;
use testkit::git::{Repository, git};
use vault::ssh::{Algorithm, KeyPair, SessionBind, SignatureRequest};
use wire::agent::{GitSettings, Question, SshHost};

use crate::bench::{Bench, bench, command, shell, until};
use crate::stand_in::{answering, connecting, refused, settings, signing};

const SSHD: &str = "/usr/sbin/sshd";

fn pair(algorithm: Algorithm) -> KeyPair {
    KeyPair::generate(algorithm, &SeededEntropy::new(1)).unwrap()
}

async fn sh(bench: &Bench, script: &str) -> (i32, String, String) {
    let done = bench.client.exec(&shell(script)).await.unwrap();
    (done.exit_code, done.stdout, done.stderr)
}

#[tokio::test]
async fn keys_are_listed_and_none_can_be_added() {
    let bench = bench().await;
    bench.client.set_git(&settings("http://forge.test")).await.unwrap();
    let pair = pair(Algorithm::Ed25519);
    let fingerprint = pair.public().fingerprint().to_string();
    answering(&bench.client, signing(pair));

    let listed = bench.client.exec(&command(&["ssh-add", "-l"])).await.unwrap();
    assert_eq!(listed.stdout, format!("256 {fingerprint} hearth:ada (ED25519)\n"), "{}", listed.stderr);
    for change in ["ssh-keygen -q -t ed25519 -N '' -f key && ssh-add -q key", "ssh-add -D"] {
        assert_ne!(sh(&bench, change).await.0, 0, "{change}");
    }
}

#[tokio::test]
async fn commits_are_signed_and_git_believes_them() {
    for algorithm in [Algorithm::Ed25519, Algorithm::EcdsaP256, Algorithm::Rsa4096] {
        let bench = bench().await;
        let pair = pair(algorithm);
        let settings = GitSettings {
            signing_key: Some(pair.public().line()),
            sign_commits: true,
            ..settings("http://forge.test")
        };
        bench.client.set_git(&settings).await.unwrap();
        let asked = answering(&bench.client, signing(pair));

        let (code, out, err) = sh(
            &bench,
            "git init -q repo && cd repo && git commit -q --allow-empty -m One && git log -1 --format=%G?",
        )
        .await;

        assert_eq!((code, out.as_str()), (0, "G\n"), "{algorithm}: {err}");
        let asked = asked.lock().unwrap();
        let data = asked.iter().find_map(|question| match question {
            Question::SshSign { data, .. } => STANDARD.decode(data).ok(),
            _ => None,
        });
        let request = SignatureRequest::parse(&data.unwrap());
        assert!(
            matches!(&request, SignatureRequest::SshSig { namespace, .. } if namespace == "git"),
            "{request:?}"
        );
    }
}

/// An SSH server on a free loopback port; ends when dropped.
struct Sshd {
    child: Child,
    port: u16,
    host_key: String,
    _folder: tempfile::TempDir,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A server that lets `key` in as the present user; `None` where there is none to run.
fn sshd(key: &str) -> Option<Sshd> {
    if !Path::new(SSHD).exists() || (me() == "root" && std::fs::create_dir_all("/run/sshd").is_err()) {
        eprintln!("skipped: there is no {SSHD} to be run here (package openssh-server)");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &at("host")]).status();
    assert!(made.unwrap().success());
    std::fs::write(at("authorized"), format!("{key}\n")).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\n\
         StrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n",
        at("host"),
        at("authorized")
    );
    std::fs::write(at("config"), config).unwrap();
    let mut command = Command::new(SSHD);
    command.args(["-D", "-e", "-f", &at("config")]).stderr(Stdio::null());
    let host_key = std::fs::read_to_string(at("host.pub")).unwrap();
    let host_key = host_key.split(' ').take(2).collect::<Vec<_>>().join(" ");
    Some(Sshd { child: command.spawn().unwrap(), port, host_key, _folder: folder })
}

fn me() -> String {
    String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap().trim().to_owned()
}

fn with_host(sshd: &Sshd, host_keys: Vec<String>) -> GitSettings {
    let host = SshHost { host: "forge.test".into(), port: sshd.port, user: me(), host_keys };
    GitSettings { ssh_hosts: vec![host], ..settings("http://forge.test") }
}

async fn listening(port: u16) {
    until("the SSH server listens", || async {
        tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
    })
    .await;
}

/// SSH looks for its file in the account's own home folder, which is not the one of the test.
fn ls_remote(bench: &Bench, sshd: &Sshd, repository: &Path) -> String {
    let config = bench.root.path().join("home/.config/hearth/ssh_config");
    format!(
        "GIT_SSH_COMMAND='ssh -F {} -o BatchMode=yes -o GlobalKnownHostsFile=none' git ls-remote ssh://forge.test:{}{} main",
        config.display(),
        sshd.port,
        repository.display()
    )
}

#[tokio::test]
async fn ssh_goes_through_the_server_and_the_request_says_to_whom() {
    let (bench, repository) = (bench().await, Repository::sample());
    let pair = pair(Algorithm::Ed25519);
    let Some(sshd) = sshd(&pair.public().line()) else { return };
    listening(sshd.port).await;
    connecting(&bench.client, format!("127.0.0.1:{}", sshd.port));
    bench.client.set_git(&with_host(&sshd, vec![sshd.host_key.clone()])).await.unwrap();
    let asked = answering(&bench.client, signing(pair));

    let (code, out, err) = sh(&bench, &ls_remote(&bench, &sshd, repository.path())).await;

    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with(&git(repository.path(), &["rev-parse", "main"])), "{out}");
    let asked = asked.lock().unwrap();
    let Some(Question::SshSign { data, binds, .. }) = asked.last() else { panic!("{asked:?}") };
    let SignatureRequest::UserAuth { session_id, user, service, .. } =
        SignatureRequest::parse(&STANDARD.decode(data).unwrap())
    else {
        panic!("not a sign-in")
    };
    assert_eq!((user, service.as_str()), (me(), "ssh-connection"));
    let bind = SessionBind::parse(&STANDARD.decode(&binds[0]).unwrap()).unwrap();
    bind.verify().unwrap();
    assert_eq!(bind.session_id, session_id);
    assert_eq!(bind.host_key.line(), sshd.host_key);
    assert!(!bind.is_forwarded);
}

#[tokio::test]
async fn a_host_with_another_key_is_not_trusted() {
    let (bench, repository) = (bench().await, Repository::sample());
    let pair = pair(Algorithm::Ed25519);
    let Some(sshd) = sshd(&pair.public().line()) else { return };
    listening(sshd.port).await;
    connecting(&bench.client, format!("127.0.0.1:{}", sshd.port));
    let other = KeyPair::generate(Algorithm::Ed25519, &SeededEntropy::new(9)).unwrap();
    bench.client.set_git(&with_host(&sshd, vec![other.public().line()])).await.unwrap();
    let asked = answering(&bench.client, signing(pair));

    let (code, _, err) = sh(&bench, &ls_remote(&bench, &sshd, repository.path())).await;

    assert_ne!(code, 0);
    assert!(err.contains("Host key verification failed"), "{err}");
    assert!(!asked.lock().unwrap().iter().any(|question| matches!(question, Question::SshSign { .. })));
}

#[tokio::test]
async fn a_refused_signature_says_why() {
    let (bench, repository) = (bench().await, Repository::sample());
    let pair = pair(Algorithm::Ed25519);
    let Some(sshd) = sshd(&pair.public().line()) else { return };
    listening(sshd.port).await;
    connecting(&bench.client, format!("127.0.0.1:{}", sshd.port));
    bench.client.set_git(&with_host(&sshd, vec![sshd.host_key.clone()])).await.unwrap();
    let keys = signing(pair);
    answering(&bench.client, move |question| match question {
        Question::SshSign { .. } => refused("you are suspended", "ask an administrator"),
        other => keys(other),
    });

    let (code, _, err) = sh(&bench, &ls_remote(&bench, &sshd, repository.path())).await;

    assert_ne!(code, 0);
    assert!(
        err.contains("hearth: the SSH key was not used: you are suspended; ask an administrator"),
        "{err}"
    );
}
