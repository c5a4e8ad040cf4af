//! Settings that the server keeps for itself, such as the hash of its set-up token.

use crate::error::StoreError;
use crate::statement::statements;
use crate::tx::Tx;

statements! { "settings", key "key";
    GET = "select key, value from settings where key = $1";
    SET = "insert into settings (key, value) values ($1, $2) \
           on conflict (key) do update set value = excluded.value";
    DELETE = "delete from settings where key = $1";
}

impl Tx {
    /// The value under `key`.
    pub async fn setting(&mut self, key: &str) -> Result<Option<String>, StoreError> {
        self.row(GET, [key.into()]).await?.map(|row| row.text("value")).transpose()
    }

    /// Keeps a value under `key`, instead of the one before.
    pub async fn set_setting(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        self.execute(SET, [key.into(), value.into()]).await.map(drop)
    }

    /// Forgets the value under `key`; says whether there was one.
    pub async fn delete_setting(&mut self, key: &str) -> Result<bool, StoreError> {
        Ok(self.execute(DELETE, [key.into()]).await? > 0)
    }
}
