//! The machine's images, for administrators.

use async_trait::async_trait;
use bytes::Bytes;
use domain::{Caller, ImageReference, Timestamp};
use futures_util::stream::BoxStream;
use runtime::{DriverError, Image, ImageStore};
use tokio_util::io::StreamReader;
use tokio_util::sync::CancellationToken;

use crate::control::Control;
use crate::error::Error;
use crate::people::note;

/// One image on the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredImage {
    /// Digest of its configuration: `sha256:…`.
    pub id: String,
    /// Names it goes by.
    pub names: Vec<String>,
    /// Bytes on disk, layers shared with other images included.
    pub size_bytes: u64,
    /// When it came here.
    pub created_at: Timestamp,
}

/// Keeps images for a driver that uses them.
#[async_trait]
pub trait Images: Send + Sync {
    /// Every name and the image it stands for.
    async fn list(&self) -> Vec<(ImageReference, StoredImage)>;

    /// Takes in an archive of `docker save` or of an OCI layout, which may hold several.
    async fn import(
        &self,
        name: Option<ImageReference>,
        archive: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<Vec<StoredImage>, DriverError>;

    /// Fetches an image from its registry.
    async fn pull(&self, reference: &ImageReference) -> Result<StoredImage, DriverError>;

    /// Forgets a name. The image goes with the last one, unless a workspace stands on it.
    async fn forget(&self, reference: &ImageReference) -> Result<(), DriverError>;
}

impl Control {
    /// Every image on the machine. For administrators.
    pub async fn images(&self, caller: &Caller) -> Result<Vec<StoredImage>, Error> {
        caller.administer()?;
        let mut found: Vec<StoredImage> = Vec::new();
        for (_, image) in self.image_store()?.list().await {
            match found.iter_mut().find(|known| known.id == image.id) {
                Some(known) => known.names.extend(image.names),
                None => found.push(image),
            }
        }
        Ok(found)
    }

    /// Takes in an image archive under `name`, or under the name inside it. For administrators.
    ///
    /// # Errors
    ///
    /// 409 `image` for an archive that is damaged, hostile or holds no image.
    pub async fn import_image(
        &self,
        caller: &Caller,
        name: Option<&str>,
        archive: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<StoredImage, Error> {
        caller.administer()?;
        let name = name.map(|name| parse_reference("name", name)).transpose()?;
        let images = self.image_store()?.import(name, archive).await?;
        let image = images.into_iter().next().ok_or_else(|| Error::Conflict {
            code: "image",
            what: "the archive holds no image".into(),
            mend: "send what `docker save` wrote, or a tar of an OCI layout".into(),
        })?;
        self.note_image(caller, "image.import", &image).await?;
        Ok(image)
    }

    /// Fetches an image from its registry. For administrators. Dropping the future ends the pull.
    pub async fn pull_image(&self, caller: &Caller, reference: &str) -> Result<StoredImage, Error> {
        caller.administer()?;
        let reference = parse_reference("reference", reference)?;
        let image = self.image_store()?.pull(&reference).await?;
        self.note_image(caller, "image.pull", &image).await?;
        Ok(image)
    }

    /// Removes an image with all its names. Workspaces that stand on it keep their files. For
    /// administrators. `id` may also be one of its names; then only that name goes.
    pub async fn remove_image(&self, caller: &Caller, id: &str) -> Result<(), Error> {
        caller.administer()?;
        let images = self.image_store()?;
        let name = id.parse::<ImageReference>().ok();
        let named: Vec<_> = images
            .list()
            .await
            .into_iter()
            .filter(|(reference, image)| image.id == id || Some(reference) == name.as_ref())
            .collect();
        let Some((_, image)) = named.first() else { return Err(Error::missing("image", id)) };
        for (reference, _) in &named {
            images.forget(reference).await?;
        }
        self.note_image(caller, "image.remove", image).await
    }

    fn image_store(&self) -> Result<&dyn Images, Error> {
        self.inner.images.as_deref().ok_or_else(|| Error::Unavailable {
            what: format!("the driver `{}` does not use images", self.inner.driver.name()),
            mend: "make workspaces on `host`".into(),
        })
    }

    async fn note_image(&self, caller: &Caller, action: &str, image: &StoredImage) -> Result<(), Error> {
        let mut tx = self.inner.store.begin().await?;
        note(&mut tx, caller.user, self.now(), (action, image.id.clone()), image.names.join(", ")).await?;
        Ok(tx.commit().await?)
    }
}

fn parse_reference(field: &'static str, text: &str) -> Result<ImageReference, Error> {
    let mend = "write it as `docker.io/library/debian:13`";
    text.trim().parse().map_err(|bad| Error::invalid(field, bad, mend))
}

#[async_trait]
impl Images for ImageStore {
    async fn list(&self) -> Vec<(ImageReference, StoredImage)> {
        self.images().into_iter().map(|image| (image.reference.clone(), image.into())).collect()
    }

    async fn import(
        &self,
        name: Option<ImageReference>,
        archive: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<Vec<StoredImage>, DriverError> {
        let reader = StreamReader::new(archive);
        let images = ImageStore::import(self, name, reader, &|_| {}, &CancellationToken::new()).await?;
        Ok(images.into_iter().map(StoredImage::from).collect())
    }

    async fn pull(&self, reference: &ImageReference) -> Result<StoredImage, DriverError> {
        Ok(ImageStore::pull(self, reference, &|_| {}, &CancellationToken::new()).await?.into())
    }

    async fn forget(&self, reference: &ImageReference) -> Result<(), DriverError> {
        self.remove(reference).await.map(drop)
    }
}

impl From<Image> for StoredImage {
    fn from(image: Image) -> Self {
        Self {
            id: image.id.to_string(),
            names: vec![image.reference.to_string()],
            size_bytes: image.size_bytes,
            created_at: image.created_at,
        }
    }
}
