//! What the callers of one connection have proved themselves with, and how long that holds.
//!
//! A connection outlives the call that its token came with: a terminal is opened once and typed into for hours. So it
//! ends with the credential that the token was given for, with the key that signed the token, and a minute, which
//! verifying allows for clocks, after the newest token is over. Who shows a new token in time goes on.

use std::sync::Arc;

use domain::{Timestamp, UserId};
use kite::Error;
use kite::token::TokenClaims;
use registry::Registry;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use vault::Secret;

use crate::control::Control;
use crate::kites::credential::is_credential_good;
use crate::kites::revoked::{LOOK_AGAIN, Said};

/// Credentials of one caller on one connection. Programs have one.
const CREDENTIALS: usize = 8;

/// The tokens that one caller has shown on a connection: the one that lasts longest for each credential. Clones
/// share them.
#[derive(Clone, Default)]
pub(super) struct Proofs(Arc<watch::Sender<Vec<Proof>>>);

struct Proof {
    token: Secret<String>,
    claims: TokenClaims,
}

impl Proofs {
    /// Whose token this is, if it is here and not over.
    pub(super) fn known(&self, token: &str, now: Timestamp) -> Option<String> {
        let proofs = self.0.borrow();
        let found = proofs.iter().find(|proof| proof.token.expose() == token);
        found.filter(|proof| now < proof.claims.expires_at).map(|proof| proof.claims.subject.clone())
    }

    /// Keeps a token that was verified. Not another caller's: the connection is not theirs.
    pub(super) fn keep(&self, token: &str, claims: TokenClaims) -> Result<(), Error> {
        let proof = Proof { token: Secret::new(token.to_owned()), claims };
        let mut kept = Ok(());
        self.0.send_if_modified(|proofs| {
            if proofs.first().is_some_and(|first| first.claims.subject != proof.claims.subject) {
                return false;
            }
            let same = proofs.iter_mut().find(|known| known.claims.credential == proof.claims.credential);
            if let Some(known) = same {
                if known.claims.expires_at <= proof.claims.expires_at {
                    *known = proof;
                }
                return false;
            }
            if proofs.len() >= CREDENTIALS {
                kept = Err(Error::authentication(
                    "this connection was used with too many credentials; open another one",
                ));
                return false;
            }
            proofs.push(proof);
            // Somebody has to look whether the new credential is good.
            true
        });
        kept
    }

    /// Forgets whoever was not let in.
    pub(super) fn forget(&self) {
        self.0.send_modify(Vec::clear);
    }

    /// What names the credentials that tokens were given for.
    pub(super) fn credentials(&self) -> Vec<String> {
        self.0.borrow().iter().filter_map(|proof| proof.claims.credential.clone()).collect()
    }

    fn is_of(&self, credential: &str) -> bool {
        self.0.borrow().iter().any(|proof| proof.claims.credential.as_deref() == Some(credential))
    }

    /// Whether any token is good still, its signature included: keys go.
    fn is_any_good(&self, registry: &Registry) -> bool {
        let proofs = self.0.borrow();
        proofs.iter().any(|proof| registry.check_token_again(proof.token.expose(), &proof.claims).is_ok())
    }
}

impl Control {
    /// Resolves within a second after one of the credentials has been taken back, or the keys that signed all of the
    /// tokens; somewhat later when they end by themselves. Says which.
    ///
    /// Listens from the moment it is called, before anything is polled.
    pub(super) fn kite_proofs_ended(
        &self,
        user: UserId,
        proofs: &Proofs,
    ) -> impl Future<Output = &'static str> + Send + use<> {
        let (control, proofs) = (self.clone(), proofs.clone());
        let mut news = self.inner.store.nudges();
        let mut keys = self.inner.kites.signer.subscribe();
        let mut shown = proofs.0.subscribe();
        async move {
            loop {
                if !proofs.is_any_good(&control.inner.kites.registry) {
                    return "its token is not good any more";
                }
                match control.are_good(user, &proofs.credentials()).await {
                    Ok(true) => {}
                    Ok(false) => return "the credential that its token was given for has ended",
                    // A database that does not answer cuts nobody off.
                    Err(error) => {
                        tracing::warn!(error = %error, "cannot look up whether a caller's credential is still good");
                    }
                }
                let heard = async {
                    loop {
                        tokio::select! {
                            said = news.recv() => match said {
                                Ok(topic) => match Said::read(&topic) {
                                    Said::Person(whose) | Said::Loss(whose) if whose == user => return,
                                    Said::Credential(name) if proofs.is_of(name) => return,
                                    Said::Everything => return,
                                    _ => {}
                                },
                                Err(RecvError::Lagged(_)) => return,
                                // The store is closing, and with it the server.
                                Err(RecvError::Closed) => std::future::pending().await,
                            },
                            // Once the registry has them, which is after the news.
                            Ok(()) = keys.changed() => return,
                            Ok(()) = shown.changed() => return,
                        }
                    }
                };
                // Whether it ended or not, it is looked up.
                drop(tokio::time::timeout(LOOK_AGAIN, heard).await);
            }
        }
    }

    /// Whether all of somebody's credentials are good.
    async fn are_good(&self, user: UserId, names: &[String]) -> Result<bool, crate::Error> {
        let now = self.now();
        let mut tx = self.inner.store.read().await?;
        for name in names {
            if !is_credential_good(&mut tx, user, name, now).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn claims(subject: &str, credential: Option<&str>, expires_at: i64) -> TokenClaims {
        TokenClaims {
            issuer: "hearth".into(),
            subject: subject.into(),
            audience: "/ada/hearth/klient/1.0.0/local/demo/ws_1".into(),
            issued_at: at(1),
            not_before: at(1),
            expires_at: at(expires_at),
            id: "1".into(),
            credential: credential.map(str::to_owned),
        }
    }

    #[test]
    fn the_longest_token_of_each_credential_is_kept_and_nothing_of_another_caller() {
        let proofs = Proofs::default();
        let mut news = proofs.0.subscribe();

        proofs.keep("first", claims("ada", Some("key"), 100)).unwrap();
        assert!(news.has_changed().unwrap());
        news.mark_unchanged();
        proofs.keep("next", claims("ada", Some("key"), 200)).unwrap();
        proofs.keep("older", claims("ada", Some("key"), 150)).unwrap();
        proofs.keep("bob's", claims("bob", Some("bob's key"), 900)).unwrap();
        assert!(!news.has_changed().unwrap(), "there is no other credential to look at");
        proofs.keep("of the socket", claims("ada", None, 50)).unwrap();

        assert_eq!(proofs.known("next", at(199)).as_deref(), Some("ada"));
        for (token, now) in [("first", 1), ("older", 1), ("bob's", 1), ("next", 200), ("of the socket", 50)] {
            assert_eq!(proofs.known(token, at(now)), None, "{token}");
        }
        assert_eq!(proofs.credentials(), ["key"]);
        assert!(proofs.is_of("key") && !proofs.is_of("bob's key"));
        proofs.forget();
        proofs.keep("bob's", claims("bob", None, 900)).unwrap();
        assert_eq!(proofs.known("bob's", at(1)).as_deref(), Some("bob"));
    }

    #[test]
    fn there_are_so_many_credentials() {
        let proofs = Proofs::default();
        for number in 0..CREDENTIALS {
            proofs.keep("token", claims("ada", Some(&number.to_string()), 100)).unwrap();
        }

        assert!(proofs.keep("token", claims("ada", Some("more"), 100)).is_err());
        assert!(proofs.keep("token", claims("ada", Some("0"), 200)).is_ok());
    }
}
