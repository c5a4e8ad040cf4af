//! Host keys, learned from OpenSSH's own server and from what is none.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use forge::{Fault, ForgeError, host_keys};
use outbound::{Client, Policy};
use proptest::prelude::*;
use testkit::peers::{Skip, or_skip};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener as AsyncListener;

const SSHD: &str = "/usr/sbin/sshd";

fn client() -> Client {
    Client::new(Policy::with_loopback())
}

/// An SSH server on a free loopback port; ends when dropped.
struct Sshd {
    child: Child,
    port: u16,
    keys: Vec<String>,
    _folder: tempfile::TempDir,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|it| it.stdout == b"0\n")
}

/// A server with keys of these kinds; `None` where there is none to run.
async fn sshd(kinds: &[(&str, &str)]) -> Option<Sshd> {
    let is_there = Path::new(SSHD).exists() && (!is_root() || fs::create_dir_all("/run/sshd").is_ok());
    or_skip(if is_there { Ok(()) } else { Err(Skip::missing("the package openssh-server")) })?;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut config =
        format!("Port {port}\nListenAddress 127.0.0.1\nPidFile none\nUsePAM no\nStrictModes no\n");
    let mut keys = Vec::new();
    for (kind, bits) in kinds {
        let name = at(&format!("{kind}{bits}"));
        let made =
            Command::new("ssh-keygen").args(["-q", "-t", kind, "-b", bits, "-N", "", "-f", &name]).status();
        assert!(made.unwrap().success());
        let line = fs::read_to_string(format!("{name}.pub")).unwrap();
        keys.push(line.split(' ').take(2).collect::<Vec<_>>().join(" "));
        config.extend(["HostKey ", &name, "\n"]);
    }
    fs::write(at("config"), config).unwrap();
    let mut command = Command::new(SSHD);
    command.args(["-D", "-e", "-f", &at("config")]).stderr(Stdio::null());
    let sshd = Sshd { child: command.spawn().unwrap(), port, keys, _folder: folder };
    let is_up = async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok();
    let mut tries = 0;
    while !is_up().await {
        assert!(tries < 300, "the SSH server listens on {port}");
        tries += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Some(sshd)
}

#[tokio::test]
async fn every_kind_of_key_is_learned() {
    let kinds = [("ed25519", "256"), ("ecdsa", "256"), ("ecdsa", "521"), ("rsa", "2048")];
    let Some(sshd) = sshd(&kinds).await else { return };

    let found = host_keys(&client(), "127.0.0.1", sshd.port).await.unwrap();

    assert_eq!(found, sshd.keys);
}

#[tokio::test]
async fn a_server_with_rsa_alone_is_understood() {
    let Some(sshd) = sshd(&[("rsa", "3072")]).await else { return };

    let found = host_keys(&client(), "127.0.0.1", sshd.port).await.unwrap();

    assert_eq!(found, sshd.keys);
}

#[tokio::test]
async fn forbidden_addresses_are_not_dialled_and_closed_ports_are_passing_trouble() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();

    let forbidden = host_keys(&Client::new(Policy::default()), "127.0.0.1", 22).await.unwrap_err();
    let closed = host_keys(&client(), "127.0.0.1", port).await.unwrap_err();

    assert_eq!(*forbidden.fault(), Fault::Refused, "{forbidden}");
    assert!(closed.is_passing(), "{closed}");
}

/// Asks a server that says `greeting`, then is silent or hangs up.
async fn ask(greeting: Vec<u8>, hangs_up: bool) -> ForgeError {
    let listener = AsyncListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            drop(stream.write_all(&greeting).await);
            if hangs_up {
                let mut begin = [0; 64];
                drop(stream.read(&mut begin).await);
            } else {
                kept.push(stream);
            }
        }
    });
    let error = host_keys(&client(), "127.0.0.1", port).await.unwrap_err();
    server.abort();
    error
}

#[tokio::test]
async fn what_is_no_ssh_server_is_named() {
    for greeting in
        ["", "HTTP/1.1 400 Bad Request\r\n\r\n", "220 mail.example.com ESMTP\r\n", "SSH-1.5-old\r\n"]
    {
        let error = ask(greeting.into(), true).await;
        assert_eq!(*error.fault(), Fault::Protocol, "{greeting}: {error}");
        assert!(error.to_string().contains("SSH") && !error.mend().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_given_up() {
    for greeting in ["", "SSH-2.0-Silent\r\n"] {
        let error = ask(greeting.into(), false).await;
        assert!(error.is_passing(), "{greeting}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn garbage_is_no_key(garbage in prop::collection::vec(any::<u8>(), 0..2_000), is_greeted: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let greeting: &[u8] = if is_greeted { b"SSH-2.0-Garbage\r\n" } else { b"" };

        let error = runtime.block_on(ask([greeting, &garbage].concat(), true));

        prop_assert!(matches!(error.fault(), Fault::Protocol | Fault::Passing { .. }), "{}", error);
    }
}
