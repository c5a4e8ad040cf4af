use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use wire::agent::{GitSettings, OriginAuthority, SshHost};

use super::*;

fn config(home: &Path) -> GitConfig {
    GitConfig {
        home: home.to_owned(),
        program: "/opt/it's here/agent".into(),
        calls: Some(home.join("run/agent.sock")),
        ssh_agent: Some(home.join("run/ssh.sock")),
        told: tokio::sync::Mutex::default(),
    }
}

fn settings() -> GitSettings {
    GitSettings {
        authorities: vec![OriginAuthority {
            origin: "https://forge.example.com".into(),
            pem: "-----BEGIN CERTIFICATE-----".into(),
        }],
        origins: vec!["https://Forge.example.com:443/group".into(), "ftp://x.test".into(), "nonsense".into()],
        author_name: Some("A \"quoted\" \\ name\n[core]".into()),
        author_email: Some("a@example.com".into()),
        signing_key: Some("ssh-ed25519 AAAA".into()),
        sign_commits: true,
        ssh_hosts: vec![
            SshHost {
                host: "forge.example.com".into(),
                port: 2222,
                user: "git".into(),
                host_keys: vec!["ssh-ed25519 BBBB".into(), "@revoked * ssh-rsa CCCC".into()],
            },
            SshHost { host: "evil\nHost *".into(), port: 22, user: "git".into(), host_keys: vec![] },
        ],
    }
}

fn git(home: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(arguments)
        .env("HOME", home)
        .env_remove("XDG_CONFIG_HOME")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .current_dir(home)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[tokio::test]
async fn git_reads_what_was_set_and_the_user_has_the_last_word() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join(".gitconfig"), "[user]\n\temail = own@example.com\n").unwrap();
    let (config, egress) = (config(home.path()), Egress::new("ws_1"));

    config.set(&egress, settings()).await.unwrap();
    config.set(&egress, settings()).await.unwrap();

    let read = |key: &str| git(home.path(), &["config", "--get", key]);
    assert_eq!(read("user.name"), "A \"quoted\" \\ name[core]");
    assert_eq!(read("user.email"), "own@example.com");
    assert_eq!(read("user.signingkey"), "key::ssh-ed25519 AAAA");
    assert_eq!((read("gpg.format"), read("commit.gpgsign")), ("ssh".into(), "true".into()));
    let url = |key: &str, url: &str| git(home.path(), &["config", "--get-urlmatch", key, url]);
    assert!(url("http.proxy", "https://forge.example.com/a/b").starts_with("http://127.0.0.1:"));
    assert_eq!(url("http.proxy", "https://forge.example.com.evil.test/a"), "");
    let helper = url("credential.helper", "https://forge.example.com/a/b");
    let authorities = url("http.sslCAInfo", "https://forge.example.com/a/b");
    assert!(std::fs::read_to_string(authorities).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    let calls = home.path().join("run/agent.sock");
    assert_eq!(helper, format!(r"!'/opt/it'\''s here/agent' credential --socket '{}'", calls.display()));
    let own = std::fs::read_to_string(home.path().join(".gitconfig")).unwrap();
    assert_eq!(own.matches("[include]").count(), 1);
    assert!(own.ends_with("[user]\n\temail = own@example.com\n"));
}

#[tokio::test]
async fn ssh_reads_what_was_set_and_nothing_slips_in() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".ssh")).unwrap();
    std::fs::write(home.path().join(".ssh/config"), "Host *\n\tUser me\n").unwrap();
    let (config, egress) = (config(home.path()), Egress::new("ws_2"));

    config.set(&egress, settings()).await.unwrap();
    config.set(&egress, settings()).await.unwrap();

    let own = std::fs::read_to_string(home.path().join(".ssh/config")).unwrap();
    assert_eq!(
        own,
        format!(
            "{}Host *\n\tUser me\n",
            "# Hearth: hosts that SSH reaches through the server. All below is yours.\nInclude ~/.config/hearth/ssh_config\n"
        )
    );
    let ours = std::fs::read_to_string(home.path().join(".config/hearth/ssh_config")).unwrap();
    assert_eq!(ours.matches("Host ").count(), 1, "{ours}");
    assert!(ours.contains("StrictHostKeyChecking yes"), "{ours}");
    let known = std::fs::read_to_string(home.path().join(".config/hearth/known_hosts")).unwrap();
    assert_eq!(known, "[forge.example.com]:2222 ssh-ed25519 BBBB\n");
}

#[tokio::test]
async fn dotfiles_that_are_links_are_not_written_through() {
    let (home, dotfiles) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let theirs = dotfiles.path().join("gitconfig");
    std::fs::write(&theirs, "[user]\n\tname = Me\n").unwrap();
    let (config, egress) = (config(home.path()), Egress::new("ws_3"));
    config.set(&egress, settings()).await.unwrap();
    std::fs::remove_file(home.path().join(".gitconfig")).unwrap();
    symlink(&theirs, home.path().join(".gitconfig")).unwrap();

    config.include_again().await;

    assert_eq!(std::fs::read_to_string(&theirs).unwrap(), "[user]\n\tname = Me\n");
    assert_eq!(git(home.path(), &["config", "--get", "user.name"]), "Me");
    assert_eq!(git(home.path(), &["config", "--get", "user.email"]), "a@example.com");
}

#[tokio::test]
async fn an_agent_that_was_restarted_sets_up_what_the_last_one_had() {
    let home = tempfile::tempdir().unwrap();
    config(home.path()).set(&Egress::new("ws_4"), settings()).await.unwrap();
    let file = home.path().join(".config/hearth/gitconfig");
    let before = std::fs::read_to_string(&file).unwrap();

    let later = config(home.path());
    later.restore(&Egress::new("ws_5")).await;

    let after = std::fs::read_to_string(&file).unwrap();
    let other = |text: &str| {
        text.lines().filter(|line| !line.contains("proxy = ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(other(&before), other(&after));
    assert_ne!(before, after, "the proxy is another one");
}
