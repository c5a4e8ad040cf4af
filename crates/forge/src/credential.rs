//! What a request to a forge is made with.

use std::sync::Arc;

use domain::LinkMethod;
use vault::Secret;

/// Who asks. Clones share the secret.
#[derive(Clone)]
pub enum Credential {
    /// Nobody: what everybody in the world may read.
    Anonymous,
    /// An OAuth 2 access token.
    Bearer(Arc<Secret<String>>),
    /// A personal access token that its owner pasted.
    PersonalToken(Arc<Secret<String>>),
    /// An OAuth 1.0a token; requests are signed with the forge's key.
    Oauth1(Arc<Secret<String>>),
}

impl Credential {
    /// The credential of a link whose access token is `token`.
    pub fn of_link(method: LinkMethod, token: Secret<String>) -> Self {
        let token = Arc::new(token);
        match method {
            LinkMethod::Oauth2 => Self::Bearer(token),
            LinkMethod::Oauth1 => Self::Oauth1(token),
            LinkMethod::PersonalToken => Self::PersonalToken(token),
        }
    }

    /// Whether it stands for nobody.
    pub fn is_anonymous(&self) -> bool {
        matches!(self, Self::Anonymous)
    }

    /// The token, if there is one.
    pub fn token(&self) -> Option<&Arc<Secret<String>>> {
        match self {
            Self::Anonymous => None,
            Self::Bearer(token) | Self::PersonalToken(token) | Self::Oauth1(token) => Some(token),
        }
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::Bearer(_) => "Bearer",
            Self::PersonalToken(_) => "PersonalToken",
            Self::Oauth1(_) => "Oauth1",
        })
    }
}

/// What Git is told when a forge asks it for a name and a password over HTTP.
#[derive(Clone)]
pub struct GitLogin {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: Arc<Secret<String>>,
}
