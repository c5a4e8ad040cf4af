//! At which linked forges a person's SSH key is.

use domain::{LinkId, Timestamp, UploadState, UserId};

use crate::error::StoreError;
use crate::row::{Row, word};
use crate::statement::statements;
use crate::tx::Tx;

/// What became of a key's upload to one linked forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshUpload {
    /// The link.
    pub link: LinkId,
    /// Which key.
    pub fingerprint: String,
    /// What the forge calls it, if it is there.
    pub remote_id: Option<String>,
    /// Whether it is there.
    pub state: UploadState,
    /// Why not.
    pub why: Option<String>,
    /// What to do about it.
    pub mend: Option<String>,
    /// When this was found.
    pub at: Timestamp,
}

statements! { "ssh_uploads", key "link";
    PUT = "insert into ssh_uploads (link, fingerprint, remote_id, state, why, mend, at) \
           values ($1, $2, $3, $4, $5, $6, $7) on conflict (link) do update set \
           fingerprint = excluded.fingerprint, remote_id = excluded.remote_id, state = excluded.state, \
           why = excluded.why, mend = excluded.mend, at = excluded.at";
    GET = "select link, fingerprint, remote_id, state, why, mend, at from ssh_uploads where link = $1";
    OF_USER = "select u.link, u.fingerprint, u.remote_id, u.state, u.why, u.mend, u.at from ssh_uploads u \
               join links l on l.id = u.link where l.user_id = $1 order by u.link";
    DELETE = "delete from ssh_uploads where link = $1";
}

impl Tx {
    /// Keeps what is known of a link's upload, instead of what was.
    ///
    /// # Errors
    ///
    /// `Unavailable` when the link is gone.
    pub async fn put_upload(&mut self, upload: &SshUpload) -> Result<(), StoreError> {
        let values = [
            upload.link.into(),
            upload.fingerprint.as_str().into(),
            upload.remote_id.as_deref().into(),
            word(&upload.state).into(),
            upload.why.as_deref().into(),
            upload.mend.as_deref().into(),
            upload.at.into(),
        ];
        self.execute(PUT, values).await.map(drop)
    }

    /// What is known of a link's upload.
    pub async fn upload(&mut self, link: LinkId) -> Result<Option<SshUpload>, StoreError> {
        self.row(GET, [link.into()]).await?.as_ref().map(upload).transpose()
    }

    /// What is known of the uploads of a person's links, oldest link first.
    pub async fn uploads_of(&mut self, user: UserId) -> Result<Vec<SshUpload>, StoreError> {
        self.rows(OF_USER, [user.into()]).await?.iter().map(upload).collect()
    }

    /// Forgets a link's upload; says whether there was one.
    pub async fn delete_upload(&mut self, link: LinkId) -> Result<bool, StoreError> {
        Ok(self.execute(DELETE, [link.into()]).await? > 0)
    }
}

fn upload(row: &Row) -> Result<SshUpload, StoreError> {
    Ok(SshUpload {
        link: row.parsed("link")?,
        fingerprint: row.text("fingerprint")?,
        remote_id: row.optional_text("remote_id")?,
        state: row.word("state")?,
        why: row.optional_text("why")?,
        mend: row.optional_text("mend")?,
        at: row.time("at")?,
    })
}
