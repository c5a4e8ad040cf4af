//! Stands in for the server: makes connections and answers questions.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use link::AgentClient;
use tokio::net::TcpStream;
use vault::ssh::KeyPair;
use wire::agent::{AskAnswer, GitSettings, Question, SshIdentity};

/// Everything that was asked.
pub(crate) type Asked = Arc<Mutex<Vec<Question>>>;

/// Answers questions for as long as the connection lasts.
pub(crate) fn answering(
    client: &AgentClient,
    answer: impl Fn(&Question) -> AskAnswer + Send + 'static,
) -> Asked {
    let (client, asked) = (client.clone(), Asked::default());
    let seen = asked.clone();
    tokio::spawn(async move {
        let mut asks = client.asks().await.unwrap();
        while let Some(Ok(ask)) = asks.next().await {
            let said = answer(&ask.question);
            seen.lock().unwrap().push(ask.question);
            // Whoever asked may have gone.
            drop(client.answer(ask.id, &said).await);
        }
    });
    asked
}

/// Answers with the keys and signatures of `pair`.
pub(crate) fn signing(pair: KeyPair) -> impl Fn(&Question) -> AskAnswer + Send + 'static {
    move |question| match question {
        Question::SshIdentities => AskAnswer::Identities {
            keys: vec![SshIdentity {
                key: STANDARD.encode(pair.public().blob()),
                comment: "hearth:ada".into(),
            }],
        },
        Question::SshSign { key, data, flags, .. } => {
            assert_eq!(STANDARD.decode(key).unwrap(), pair.public().blob());
            let signature = pair.sign_agent(&STANDARD.decode(data).unwrap(), *flags).unwrap();
            AskAnswer::Signature { signature: STANDARD.encode(signature) }
        }
        _ => AskAnswer::Nothing,
    }
}

pub(crate) fn credential(username: &str, password: &str) -> AskAnswer {
    AskAnswer::Credential { username: username.into(), password: password.into(), expires_at: None }
}

pub(crate) fn refused(why: &str, mend: &str) -> AskAnswer {
    AskAnswer::Refused { why: why.into(), mend: mend.into() }
}

/// Connects every wish to `target`, whatever host it names.
pub(crate) fn connecting(client: &AgentClient, target: String) {
    let client = client.clone();
    tokio::spawn(async move {
        let mut wishes = client.egress().await.unwrap();
        while let Some(Ok(wish)) = wishes.next().await {
            let (client, target) = (client.clone(), target.clone());
            tokio::spawn(async move {
                let mut inside = client.egress_open(wish.id).await.unwrap();
                let mut outside = TcpStream::connect(target).await.unwrap();
                drop(tokio::io::copy_bidirectional(&mut inside, &mut outside).await);
            });
        }
    });
}

/// Settings for one forge, as the server sends them.
pub(crate) fn settings(origin: &str) -> GitSettings {
    GitSettings {
        origins: vec![origin.into()],
        author_name: Some("Ada".into()),
        author_email: Some("ada@example.com".into()),
        ..GitSettings::default()
    }
}
