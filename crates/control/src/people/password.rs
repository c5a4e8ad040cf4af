//! Passwords: what a good one is, and the slow work of hashing kept off the async threads.

use std::sync::{Arc, OnceLock};

use domain::{Entropy, UserName};
use tokio::sync::Semaphore;
use vault::{PasswordHash, Secret, hash_password, verify_password};

use crate::error::Error;

/// Fewer characters can be guessed from a stolen hash in an afternoon (NIST SP 800-63B asks for 8).
const LEAST: usize = 10;
/// More bytes than any password manager makes; hashing megabytes would be a way to burn our time.
const MOST: usize = 1024;
/// Hashes at the same time. Each takes 19 MiB and a core for 20 ms, so more only cost memory.
const PARALLEL: usize = 2;
/// Callers that may wait for their turn: about three seconds of work.
const QUEUE: usize = 256;

/// Hashes and checks passwords, a few at a time.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    entropy: Arc<dyn Entropy>,
    /// Checked when there is no such user, so that both answers take the same time.
    nobody: Arc<OnceLock<PasswordHash>>,
}

impl Passwords {
    pub(crate) fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(PARALLEL)),
            queue: Arc::new(Semaphore::new(QUEUE)),
            entropy,
            nobody: Arc::default(),
        }
    }

    /// Judges a new password of `name` and hashes it.
    pub(crate) async fn hash(
        &self,
        password: Secret<String>,
        name: &UserName,
    ) -> Result<PasswordHash, Error> {
        judge(&password, name)?;
        let entropy = self.entropy.clone();
        let hashed = self.in_turn(move || hash_password(&password, &*entropy)).await?;
        hashed.map_err(|error| Error::Internal {
            what: "cannot hash the password".into(),
            source: error.to_string().into(),
        })
    }

    /// Whether the password is the one behind `hash`. Takes as long where there is no hash.
    pub(crate) async fn verify(
        &self,
        password: Secret<String>,
        hash: Option<PasswordHash>,
    ) -> Result<bool, Error> {
        if password.expose().len() > MOST {
            return Ok(false);
        }
        let (entropy, nobody) = (self.entropy.clone(), self.nobody.clone());
        self.in_turn(move || match hash {
            Some(hash) => verify_password(&password, &hash),
            None => {
                let nobody = nobody.get_or_init(|| {
                    let anything = Secret::new("nobody".to_owned());
                    hash_password(&anything, &*entropy).unwrap_or(PasswordHash(String::new()))
                });
                verify_password(&password, nobody);
                false
            }
        })
        .await
    }

    /// Makes the stand-in hash ahead, so that the first unknown name is not twice as slow.
    pub(crate) async fn warm_up(&self) -> Result<(), Error> {
        self.verify(Secret::new("nobody".to_owned()), None).await.map(drop)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let busy = || Error::Unavailable {
            what: "too many people sign in at this moment".into(),
            mend: "try again in a few seconds".into(),
        };
        let _place = self.queue.try_acquire().map_err(|_| busy())?;
        // The permit travels with the work: a caller that goes away does not end it.
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| busy())?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(|error| Error::Internal {
            what: "cannot work on the password".into(),
            source: Box::new(error),
        })
    }
}

fn judge(password: &Secret<String>, name: &UserName) -> Result<(), Error> {
    let text = password.expose();
    let refuse = |what: &str, mend: &str| Err(Error::invalid("password", what, mend));
    let length = text.chars().count();
    if length < LEAST {
        return refuse(
            &format!("the password has {length} characters; at least {LEAST} are needed"),
            "choose a longer one; three or four words do well",
        );
    }
    if text.len() > MOST {
        return refuse(&format!("the password is longer than {MOST} bytes"), "choose a shorter one");
    }
    if text.trim().is_empty() || text.chars().all(|c| text.starts_with(c)) {
        return refuse("the password repeats one character", "choose one that is harder to guess");
    }
    if text.to_lowercase() == name.as_str().to_lowercase() {
        return refuse("the password is the user name", "choose one that is harder to guess");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use vault::Secret;

    use super::judge;

    fn verdict(password: &str) -> Result<(), String> {
        let name = "administrator".parse().unwrap();
        judge(&Secret::new(password.to_owned()), &name).map_err(|error| error.to_string())
    }

    #[test]
    fn a_password_is_refused_with_what_is_wrong_with_it() {
        assert_eq!(verdict("short"), Err("the password has 5 characters; at least 10 are needed".into()));
        assert_eq!(verdict("Administrator"), Err("the password is the user name".into()));
        assert_eq!(verdict("aaaaaaaaaaaa"), Err("the password repeats one character".into()));
        assert_eq!(verdict("            "), Err("the password repeats one character".into()));
        assert_eq!(verdict(&"ab".repeat(600)), Err("the password is longer than 1024 bytes".into()));
    }

    #[test]
    fn length_is_counted_in_characters_as_people_do() {
        assert_eq!(verdict("пароль-дом"), Ok(()));
        assert_eq!(verdict("correct horse"), Ok(()));
    }
}
