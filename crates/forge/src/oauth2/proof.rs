//! What binds a round trip to us: the PKCE verifier and the nonce.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Entropy;
use sha2::{Digest, Sha256};
use vault::Secret;
use zeroize::Zeroizing;

use crate::{Fault, ForgeError};

/// 256 bits each, which is what RFC 7636 recommends.
const BYTES: usize = 32;

/// A PKCE verifier and a nonce.
pub(crate) struct Proof {
    verifier: Zeroizing<String>,
    nonce: Zeroizing<String>,
}

impl Proof {
    /// A fresh one.
    pub(crate) fn generate(entropy: &dyn Entropy) -> Self {
        Self { verifier: random(entropy), nonce: random(entropy) }
    }

    /// What only we know until the exchange.
    pub(crate) fn verifier(&self) -> &str {
        &self.verifier
    }

    /// What the consent page is told of the verifier (`S256`).
    pub(crate) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.as_bytes()))
    }

    /// What the identity token has to repeat.
    pub(crate) fn nonce(&self) -> &str {
        &self.nonce
    }

    /// As text, for the caller to keep sealed.
    pub(crate) fn seal(self) -> Secret<String> {
        Secret::new(format!("{} {}", *self.verifier, *self.nonce))
    }

    /// From that text.
    pub(crate) fn unseal(private: &Secret<String>) -> Result<Self, ForgeError> {
        let parts = private
            .expose()
            .split_once(' ')
            .filter(|(verifier, nonce)| !verifier.is_empty() && !nonce.is_empty() && !nonce.contains(' '));
        let (verifier, nonce) = parts.ok_or_else(|| {
            ForgeError::new(Fault::Request, "what was kept of this sign-in cannot be read", "begin again")
        })?;
        Ok(Self { verifier: Zeroizing::new(verifier.into()), nonce: Zeroizing::new(nonce.into()) })
    }
}

fn random(entropy: &dyn Entropy) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    entropy.fill(bytes.as_mut_slice());
    Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        let proof = Proof {
            verifier: Zeroizing::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into()),
            nonce: Zeroizing::new("n".into()),
        };

        // RFC 7636, appendix B.
        assert_eq!(proof.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn it_survives_being_kept() {
        let proof = Proof::generate(&testkit::SeededEntropy::new(7));
        let (verifier, nonce) = (proof.verifier().to_owned(), proof.nonce().to_owned());

        let again = Proof::unseal(&proof.seal()).ok().unwrap();

        assert_eq!((again.verifier(), again.nonce()), (verifier.as_str(), nonce.as_str()));
        assert_ne!(verifier, nonce);
        assert_eq!(verifier.len(), 43);
        for bad in ["", "x", " x", "x ", "a b c"] {
            assert!(Proof::unseal(&Secret::new(bad.to_owned())).is_err(), "{bad}");
        }
    }
}
