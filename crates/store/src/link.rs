//! Links: people's accounts on forges. Columns for what is searched for, the whole as JSON.

use domain::{ForgeId, Link, LinkId, LinkState, UserId};

use crate::error::StoreError;
use crate::row::{Row, json};
use crate::statement::statements;
use crate::tx::Tx;
use crate::value::Value;

statements! { "links", key "id";
    INSERT = "insert into links (id, forge, user_id, subject, state, generation, expires_at, details) \
              values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing";
    BY_ID = "select id, details from links where id = $1";
    FOR_UPDATE = "select id, details from links where id = $1", postgres " for update";
    OF_AND_AT = "select id, details from links where user_id = $1 and forge = $2";
    BY_SUBJECT = "select id, details from links where forge = $1 and subject = $2";
    OF_USER = "select id, details from links where user_id = $1 order by id";
    OF_FORGE = "select id, details from links where forge = $1 and id > $2 order by id limit $3";
    COUNT = "select count(*) as count from links where forge = $1";
    SAVE = "update links set forge = $2, user_id = $3, subject = $4, state = $5, generation = $6, \
            expires_at = $7, details = $8 where id = $1 and not exists \
            (select id from links where forge = $2 and (subject = $4 or user_id = $3) and id <> $1)";
    DELETE_SEALED = "delete from sealed where row = $1";
    DELETE = "delete from links where id = $1";
}

impl Tx {
    /// Adds a link.
    ///
    /// # Errors
    ///
    /// `Conflict { what: "link" }` when the person has one at this forge, or somebody has one of this
    /// account there.
    pub async fn insert_link(&mut self, link: &Link) -> Result<(), StoreError> {
        self.insert("link", INSERT, values(link)?).await
    }

    /// The link with this id.
    pub async fn link(&mut self, id: LinkId) -> Result<Option<Link>, StoreError> {
        self.row(BY_ID, [id.into()]).await?.as_ref().map(link).transpose()
    }

    /// The link with this id, which nobody else can change before this transaction ends.
    pub async fn link_for_update(&mut self, id: LinkId) -> Result<Option<Link>, StoreError> {
        self.row(FOR_UPDATE, [id.into()]).await?.as_ref().map(link).transpose()
    }

    /// A person's link at a forge.
    pub async fn link_of(&mut self, user: UserId, forge: ForgeId) -> Result<Option<Link>, StoreError> {
        self.row(OF_AND_AT, [user.into(), forge.into()]).await?.as_ref().map(link).transpose()
    }

    /// Whoever's link it is of this account at a forge.
    pub async fn link_by_subject(
        &mut self,
        forge: ForgeId,
        subject: &str,
    ) -> Result<Option<Link>, StoreError> {
        self.row(BY_SUBJECT, [forge.into(), subject.into()]).await?.as_ref().map(link).transpose()
    }

    /// A person's links, oldest first.
    pub async fn links_of(&mut self, user: UserId) -> Result<Vec<Link>, StoreError> {
        self.rows(OF_USER, [user.into()]).await?.iter().map(link).collect()
    }

    /// One page of the links at a forge, oldest first: those behind `after`.
    pub async fn links_of_forge(
        &mut self,
        forge: ForgeId,
        after: Option<LinkId>,
        limit: u32,
    ) -> Result<Vec<Link>, StoreError> {
        let values = [forge.into(), after.unwrap_or(LinkId::NIL).into(), limit.into()];
        self.rows(OF_FORGE, values).await?.iter().map(link).collect()
    }

    /// How many links there are at a forge.
    pub async fn count_links(&mut self, forge: ForgeId) -> Result<u64, StoreError> {
        self.count(COUNT, [forge.into()]).await
    }

    /// Saves everything about a link but who renews its credential.
    ///
    /// # Errors
    ///
    /// `Conflict { what: "link" }` when it is gone, or somebody else has a link of this account.
    pub async fn save_link(&mut self, link: &Link) -> Result<(), StoreError> {
        self.insert("link", SAVE, values(link)?).await
    }

    /// Removes a link and its sealed credentials; says whether there was one.
    pub async fn delete_link(&mut self, id: LinkId) -> Result<bool, StoreError> {
        self.execute(DELETE_SEALED, [id.into()]).await?;
        Ok(self.execute(DELETE, [id.into()]).await? > 0)
    }
}

fn values(link: &Link) -> Result<[Value; 8], StoreError> {
    let state = match link.state {
        LinkState::Active => "active",
        LinkState::SignInNeeded { .. } => "sign_in_needed",
    };
    Ok([
        link.id.into(),
        link.forge.into(),
        link.user.into(),
        link.account.subject.as_str().into(),
        state.into(),
        link.generation.into(),
        link.expires_at.into(),
        json(link)?.into(),
    ])
}

fn link(row: &Row) -> Result<Link, StoreError> {
    row.json("details")
}
