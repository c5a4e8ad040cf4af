use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::{Value, json};

use crate::bench::{Bench, bench};
use crate::klient::{call, client, try_call};

const ADA: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOY7mk5l2aQOQi+A1T8AqRk7K+GiCuV1+emsNYFi9Bb9 ada@laptop";
const ADA_SHA: &str = "SHA256:1ydfzKVNXlczCdUmEjS5U0IDVVXnw837WJlmOG54BjE";
const ADA_MD5: &str = "1a:bf:54:91:a9:b3:74:2c:24:1c:f6:45:3c:c0:c9:3d";
const GRACE: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBCkpyk0XRnucEf7760RnhSc05aq9iU5Wxwn5/+nUKW7y+Kr84uNp4oVr31FbGcLQI2iQccU8DZ7g65a/nQ5uofg= grace";

fn file(bench: &Bench) -> std::path::PathBuf {
    bench.root.path().join("home/.ssh/authorized_keys")
}

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn keys_are_added_listed_and_deleted() {
    let bench = bench().await;
    let peer = client(&bench).await;

    let none: Value = peer.call("sshkeys.list", ()).await.unwrap();
    assert_eq!(call(&peer, "sshkeys.add", json!({"keys": [ADA, GRACE]})).await, true);
    let lines = call(&peer, "sshkeys.list", json!({})).await;
    let fingerprints = call(&peer, "sshkeys.list", json!({"fingerprints": true})).await;
    assert_eq!(call(&peer, "sshkeys.delete", json!({"fingerprints": [ADA_MD5]})).await, true);

    assert_eq!(none, json!([]));
    assert_eq!(lines, json!([ADA, GRACE]));
    assert_eq!(fingerprints[0], ADA_SHA);
    let path = file(&bench);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{GRACE}\n"));
    assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
    let names: Vec<_> =
        std::fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["authorized_keys"]);
}

#[tokio::test]
async fn what_others_wrote_stays_and_wrong_permissions_are_mended() {
    let bench = bench().await;
    let peer = client(&bench).await;
    let path = file(&bench);
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    let mut foreign = format!("# mine\n\nno-pty,command=\"echo hi\" {ADA}\n").into_bytes();
    foreign.extend_from_slice(b"\xff\xfe not text");
    std::fs::write(&path, &foreign).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();

    call(&peer, "sshkeys.add", json!({"keys": [GRACE]})).await;

    foreign.extend_from_slice(format!("\n{GRACE}\n").as_bytes());
    assert_eq!(std::fs::read(&path).unwrap(), foreign);
    assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
    call(&peer, "sshkeys.add", json!({"keys": [GRACE], "override": true})).await;
    assert!(!std::fs::read_to_string(&path).is_ok_and(|text| text.contains("no-pty")));
    assert!(std::fs::read(&path).unwrap().starts_with(b"# mine\n\n\xff\xfe not text\necdsa"));
}

#[tokio::test]
async fn a_refusal_changes_nothing() {
    let bench = bench().await;
    let peer = client(&bench).await;
    call(&peer, "sshkeys.add", json!({"keys": [ADA]})).await;
    let before = std::fs::read(file(&bench)).unwrap();

    for (method, argument, kind, code) in [
        ("sshkeys.add", json!({"keys": [GRACE, ADA]}), "sshkeysError", "exists"),
        ("sshkeys.add", json!({"keys": [GRACE.trim_end_matches(" grace")]}), "sshkeysError", "invalid"),
        ("sshkeys.add", json!({"keys": ["ssh-rsa nonsense grace"]}), "sshkeysError", "invalid"),
        ("sshkeys.add", json!({"keys": [format!("{GRACE}\n* * * * *")]}), "sshkeysError", "invalid"),
        ("sshkeys.add", json!({"keys": []}), "sshkeysError", "invalid"),
        ("sshkeys.add", json!({}), "argumentError", ""),
        ("sshkeys.delete", json!({"fingerprints": [ADA_SHA, "SHA256:none"]}), "sshkeysError", "not_found"),
        ("sshkeys.add", json!({"keys": [GRACE], "username": "nobody-of-this-name"}), "", ""),
    ] {
        let error = try_call(&peer, method, argument).await.unwrap_err();
        assert!(kind.is_empty() || (error.kind.as_str(), error.code.as_str()) == (kind, code), "{error:?}");
    }

    assert_eq!(std::fs::read(file(&bench)).unwrap(), before);
}

#[tokio::test]
async fn many_at_once_lose_nothing() {
    let bench = bench().await;
    let peer = client(&bench).await;

    let adding = [ADA, GRACE].map(|key| try_call(&peer, "sshkeys.add", json!({"keys": [key]})));
    for added in futures_util::future::join_all(adding).await {
        added.unwrap();
    }

    assert_eq!(call(&peer, "sshkeys.list", json!({})).await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn links_of_ones_own_are_followed_and_what_is_no_file_is_not_waited_for() {
    let bench = bench().await;
    let peer = client(&bench).await;
    let kept = bench.path("kept");
    std::fs::write(&kept, "").unwrap();
    std::fs::create_dir(file(&bench).parent().unwrap()).unwrap();
    symlink(&kept, file(&bench)).unwrap();

    call(&peer, "sshkeys.add", json!({"keys": [ADA]})).await;
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), format!("{ADA}\n"));
    assert!(file(&bench).is_symlink());
    std::fs::remove_file(file(&bench)).unwrap();
    std::process::Command::new("mkfifo").arg(file(&bench)).status().unwrap();

    let error = try_call(&peer, "sshkeys.list", json!({})).await.unwrap_err();
    assert!(error.message.contains("not a file"), "{error}");
}
