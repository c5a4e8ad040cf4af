//! People's SSH keys: one each, used without leaving the server, and at every forge they have linked.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::UploadState;
use testkit::wait_until;
use vault::ssh::PublicKey;
use wire::agent::{AskAnswer, Question, SshIdentity};

use crate::broker::{Scene, refused, scene};
use crate::sim::LIMIT;

fn put(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    to.extend(bytes);
}

/// What ssh-keygen(1) has signed (`PROTOCOL.sshsig`).
fn sshsig(namespace: &str) -> Vec<u8> {
    let mut data = b"SSHSIG".to_vec();
    for part in [namespace.as_bytes(), b"", b"sha512", &[7; 64]] {
        put(&mut data, part);
    }
    data
}

/// What ssh(1) has signed to sign in.
fn sign_in(user: &str, key: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    put(&mut data, b"a session");
    data.push(50);
    for part in [user.as_bytes(), b"ssh-connection", b"publickey"] {
        put(&mut data, part);
    }
    data.push(1);
    put(&mut data, b"ssh-ed25519");
    put(&mut data, key);
    data
}

impl Scene {
    async fn identity(&self) -> SshIdentity {
        match self.world.machine.ask(self.id, Question::SshIdentities).await {
            AskAnswer::Identities { keys } => keys.into_iter().next().unwrap(),
            other => panic!("{other}"),
        }
    }

    async fn sign(&self, key: &SshIdentity, data: &[u8]) -> AskAnswer {
        let question =
            Question::SshSign { key: key.key.clone(), data: STANDARD.encode(data), flags: 0, binds: vec![] };
        self.world.machine.ask(self.id, question).await
    }

    /// Waits until the forge has exactly the owner's present key.
    async fn uploaded(&self) -> String {
        let own = self.server.control.ssh_key(&self.caller).await.unwrap();
        let line: Vec<&str> = own.public_key.split(' ').take(2).collect();
        let line = line.join(" ");
        wait_until(LIMIT, async || {
            let there = self.ready.gitlab.keys_of(&self.user);
            let state =
                self.server.control.ssh_key(&self.caller).await.unwrap().uploads.pop().map(|it| it.state);
            there.len() == 1
                && there.iter().all(|key| key.contains(&line))
                && state == Some(UploadState::Uploaded)
        })
        .await;
        line
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_are_signed_and_sign_ins_to_unknown_places_are_not() {
    let scene = scene().await;
    let identity = scene.identity().await;
    let public = PublicKey::from_blob(&STANDARD.decode(&identity.key).unwrap()).unwrap();
    assert_eq!(identity.comment, "hearth:ada-lovelace");

    let data = sshsig("git");
    let AskAnswer::Signature { signature } = scene.sign(&identity, &data).await else {
        panic!("no signature")
    };
    public.verify(&data, &STANDARD.decode(signature).unwrap()).unwrap();

    assert!(refused(&scene.sign(&identity, &sshsig("file")).await).0.contains("not `file`"));
    let answer = scene.sign(&identity, &sign_in("root", public.blob())).await;
    assert!(refused(&answer).0.contains("takes SSH connections as `root`"));
    let answer = scene.sign(&identity, b"anything").await;
    assert!(refused(&answer).0.contains("nothing that your SSH key is used for"));
    let foreign = SshIdentity { key: STANDARD.encode(b"another key"), comment: String::new() };
    assert!(refused(&scene.sign(&foreign, &data).await).0.contains("not yours any more"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_uploaded_replaced_and_removed() {
    let scene = scene().await;
    let first = scene.uploaded().await;
    let before = scene.identity().await;

    let facts = scene.server.control.regenerate_ssh_key(&scene.caller).await.unwrap();
    assert!(!facts.public_key.contains(&first));
    let second = scene.uploaded().await;
    assert_ne!(first, second);
    assert_ne!(scene.identity().await, before);
    assert!(refused(&scene.sign(&before, &sshsig("git")).await).0.contains("not yours any more"));

    scene.disconnect().await;
    wait_until(LIMIT, async || scene.ready.gitlab.keys_of(&scene.user).is_empty()).await;
    assert!(scene.server.control.ssh_key(&scene.caller).await.unwrap().uploads.is_empty());
}
