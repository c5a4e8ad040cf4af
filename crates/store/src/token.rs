//! API tokens.

use domain::{Scopes, Timestamp, TokenId, UserId};
use vault::TokenHash;

use crate::error::StoreError;
use crate::row::{Row, json};
use crate::statement::statements;
use crate::tx::Tx;

/// An API token, without the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Id.
    pub id: TokenId,
    /// Whose.
    pub user: UserId,
    /// What its owner calls it.
    pub name: String,
    /// Hash of the token.
    pub hash: TokenHash,
    /// What it is good for.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself, if it does.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, if it was.
    pub last_used_at: Option<Timestamp>,
}

statements! { "api_tokens", key "id";
    INSERT = "insert into api_tokens \
              (id, user_id, name, hash, scopes, created_at, expires_at, last_used_at) \
              values ($1, $2, $3, $4, $5, $6, $7, $8)";
    BY_HASH = "select id, user_id, name, hash, scopes, created_at, expires_at, last_used_at \
               from api_tokens where hash = $1";
    OF_USER = "select id, user_id, name, hash, scopes, created_at, expires_at, last_used_at \
               from api_tokens where user_id = $1 order by id desc";
    TOUCH = "update api_tokens set last_used_at = $2 \
             where id = $1 and (last_used_at is null or last_used_at < $2)";
    DELETE = "delete from api_tokens where id = $1";
    DELETE_OF_USER = "delete from api_tokens where user_id = $1";
}

impl Tx {
    /// Adds a token.
    pub async fn insert_token(&mut self, token: &ApiToken) -> Result<(), StoreError> {
        let values = [
            token.id.into(),
            token.user.into(),
            token.name.as_str().into(),
            token.hash.as_bytes().into(),
            json(&token.scopes)?.into(),
            token.created_at.into(),
            token.expires_at.into(),
            token.last_used_at.into(),
        ];
        self.insert("token", INSERT, values).await
    }

    /// The token with this hash, expired or not.
    pub async fn token_by_hash(&mut self, hash: &TokenHash) -> Result<Option<ApiToken>, StoreError> {
        self.row(BY_HASH, [hash.as_bytes().into()]).await?.as_ref().map(token).transpose()
    }

    /// Notes that the token was used.
    pub async fn touch_token(&mut self, id: TokenId, now: Timestamp) -> Result<(), StoreError> {
        self.execute(TOUCH, [id.into(), now.into()]).await.map(drop)
    }

    /// A person's tokens, newest first.
    pub async fn tokens_of(&mut self, user: UserId) -> Result<Vec<ApiToken>, StoreError> {
        self.rows(OF_USER, [user.into()]).await?.iter().map(token).collect()
    }

    /// Revokes a token; says whether there was one.
    pub async fn delete_token(&mut self, id: TokenId) -> Result<bool, StoreError> {
        Ok(self.execute(DELETE, [id.into()]).await? > 0)
    }

    /// Revokes all tokens of a person.
    pub async fn delete_tokens_of(&mut self, user: UserId) -> Result<u64, StoreError> {
        self.execute(DELETE_OF_USER, [user.into()]).await
    }
}

fn token(row: &Row) -> Result<ApiToken, StoreError> {
    Ok(ApiToken {
        id: row.parsed("id")?,
        user: row.parsed("user_id")?,
        name: row.text("name")?,
        hash: row.token_hash("hash")?,
        scopes: row.json("scopes")?,
        created_at: row.time("created_at")?,
        expires_at: row.optional_time("expires_at")?,
        last_used_at: row.optional_time("last_used_at")?,
    })
}
