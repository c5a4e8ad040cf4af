//! Why tokens that a forge has granted are used for nothing, in words for the person who came with them.

use domain::{Forge, Timestamp};

use super::Refusal;
use super::callback::Failure;

pub(super) fn refuse_suspended(suspended_at: Option<Timestamp>) -> Result<(), Failure> {
    match suspended_at {
        None => Ok(()),
        Some(_) => Err(Failure::new("suspended", "this account is suspended", "ask an administrator")),
    }
}

pub(super) fn taken(forge: &Forge) -> Failure {
    let what = format!("this account of {} is linked to somebody else here", forge.name);
    let mend = "sign in as that user and disconnect it there, or sign in at the forge with another account";
    Failure::new("account_taken", what, mend)
}

pub(super) fn pending(forge: &Forge) -> Failure {
    let what = format!("{} is not ready yet: whoever registered it has not completed a sign-in", forge.name);
    Failure::new("forge_pending", what, "sign in another way, or ask an administrator to finish it")
}

pub(super) fn refused(refusal: Refusal, forge: &Forge) -> Failure {
    use Refusal::{Closed, Domain, Unverified};
    let mend = "ask an administrator for an account here, then link yours in your settings";
    match refusal {
        Closed => {
            let what = format!("nobody here has linked this account of {}", forge.name);
            Failure::new("sign_up_closed", what, mend)
        }
        Domain => {
            let what = "accounts are made only for people with addresses at certain domains, and yours is at another";
            Failure::new("sign_up_domain", what, mend)
        }
        Unverified => {
            let what = format!("{} does not say that it has verified your e-mail address", forge.name);
            Failure::new("sign_up_unverified", what, "confirm your address there, then sign in again")
        }
    }
}

pub(super) fn busy() -> Failure {
    Failure::new("busy", "your link was being changed at the same time", "begin again")
}

/// Somebody else's account was signed in at the forge.
pub(super) fn other_account(forge: &Forge, linked: &str, came: &str) -> Failure {
    let what = format!("you are `{linked}` at {} here, and signed in there as `{came}`", forge.name);
    let mend = "sign out there and in again with the other account, or disconnect it here first";
    Failure::new("other_account", what, mend)
}
