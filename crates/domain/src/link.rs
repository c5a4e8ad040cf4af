//! Links: people's accounts on forges.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{ForgeId, LinkId, UserId};

/// Somebody as a forge knows them. Only `subject` identifies: everything else changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The forge's unchanging id of the person: a number at most forges, `sub` with OpenID Connect.
    pub subject: String,
    /// Login name.
    pub login: String,
    /// Name to show, if given.
    pub name: Option<String>,
    /// Address, if the forge tells one.
    pub email: Option<String>,
    /// Whether the forge says, as a JSON `true`, that the address was verified.
    pub email_verified: bool,
    /// Page of the person.
    pub web_url: Option<String>,
}

/// How a link's credential was got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkMethod {
    /// By the forge's consent page, OAuth 2.
    Oauth2,
    /// By the forge's consent page, OAuth 1.0a.
    Oauth1,
    /// Pasted by its owner.
    PersonalToken,
}

/// Whether a link's credential is good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum LinkState {
    /// As far as is known.
    Active,
    /// The forge takes it no more: the person has to consent again. Nothing is asked with it meanwhile.
    SignInNeeded {
        /// Since when.
        at: Timestamp,
        /// What the forge said.
        why: String,
    },
}

/// A person's account on a forge. The tokens are sealed apart from this record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Id.
    pub id: LinkId,
    /// Which forge.
    pub forge: ForgeId,
    /// Whose.
    pub user: UserId,
    /// The account there.
    pub account: Account,
    /// How the credential was got.
    pub method: LinkMethod,
    /// What the forge granted.
    pub scopes: Vec<String>,
    /// Whether the credential is good.
    #[serde(flatten)]
    pub state: LinkState,
    /// Counts the credential's replacements; a holder of an older one reads again.
    pub generation: u64,
    /// When the present access token was got.
    pub issued_at: Timestamp,
    /// When the access token ends; never where absent.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When this record last changed.
    pub updated_at: Timestamp,
}
