//! Taking another kite key than the one that was presented: a re-issued one, or one that somebody put into the file.

use super::kite_key::KiteKey;
use super::{Credential, Shared};
use crate::token::TokenText;

impl Shared {
    /// Takes a re-issued kite key over, and writes it down.
    pub(super) async fn keep_key(&self, text: &TokenText) {
        let Credential::KiteKey { key: old, file } = self.credential() else { return };
        let Ok(key) = KiteKey::parse(text.expose()) else {
            tracing::warn!("the registry re-issued a kite key that is none; the old one stays");
            return;
        };
        if !is_same_person(&key, &old) {
            tracing::warn!("the registry re-issued somebody else's kite key; the old one stays");
            return;
        }
        if let Some(file) = file.clone() {
            let key = key.clone();
            let written = tokio::task::spawn_blocking(move || file.write(&key)).await;
            if let Ok(Err(error)) = written {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, "the re-issued kite key lasts until this program ends");
            }
        }
        self.set_credential(Credential::KiteKey { key, file });
    }

    /// Whether there is another key to present than the one that was refused: another call has found one already,
    /// or the file has one, which is taken over. Another program that shares the file may have been given it.
    pub(super) async fn has_other_key(&self, refused: &Credential) -> bool {
        let Credential::KiteKey { key: refused, .. } = refused else { return false };
        let Credential::KiteKey { key, file } = self.credential() else { return false };
        if key.expose() != refused.expose() {
            return true;
        }
        let Some(file) = file else { return false };
        let place = file.clone();
        let Ok(read) = tokio::task::spawn_blocking(move || place.read()).await else { return false };
        match read {
            Ok(found) if found.expose() == refused.expose() => false,
            Ok(found) if !is_same_person(&found, refused) => {
                tracing::warn!(
                    "the file of the refused kite key has somebody else's now, which is not taken"
                );
                false
            }
            Ok(found) => {
                tracing::info!("the registry refused the kite key; the file has another one, which is taken");
                self.set_credential(Credential::KiteKey { key: found, file: Some(file) });
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the registry refused the kite key, and its file cannot be read again");
                false
            }
        }
    }
}

fn is_same_person(one: &KiteKey, other: &KiteKey) -> bool {
    one.claims().subject == other.claims().subject
}
