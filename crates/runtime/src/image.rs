//! Images: fetched from registries or imported from archives, unpacked once, shared by all workspaces.
//!
//! A layer is unpacked into a folder of its own, named by the digest of its contents, and never changed
//! afterwards; an image is a list of such folders for overlayfs to stack. The way of a layer is a
//! pipeline (download → hash and decompress → hash and unpack) on its own threads, several layers at a
//! time. Everything that comes in is taken as hostile; see `unpack` for what a layer may do.
//!
//! To read: [`ImageStore`] here, then `plan` (how an image is brought), `layer` (how one layer is),
//! `unpack` and `tree` (where hostile names end), `shelf` (what lies on disk, and crashes).

mod archive;
mod attributes;
mod caps;
mod challenge;
mod document;
mod fetch;
mod inflate;
mod layer;
mod parcel;
mod plan;
mod pull;
mod record;
mod registry;
mod remove;
mod shelf;
mod staging;
mod tape;
mod tree;
mod trouble;
mod unpack;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use domain::{ImageDigest, ImageReference};
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::DriverError;

pub use caps::Caps;
use layer::panicked;
use parcel::Parcel;
use plan::{Hands, Order, Plan, carry_out};
use shelf::Shelf;
use trouble::failed;

/// Told a line for people now and then: `layer 2 of 5: 12 of 40 MB`.
pub type Progress<'a> = &'a (dyn Fn(String) + Send + Sync);

/// An image whose layers are unpacked on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// What people call it.
    pub reference: ImageReference,
    /// The digest of its configuration, which names its contents wherever it came from.
    pub id: ImageDigest,
    /// The folders of its layers, lowest first, at least one, no folder twice. Fit to be lower layers of
    /// overlayfs, mounted with `userxattr` or without.
    pub layers: Vec<PathBuf>,
    /// Bytes of its files, layers shared with other images included.
    pub size_bytes: u64,
    /// When it came here.
    pub created_at: Timestamp,
    /// The environment it wants for its processes.
    pub env: Vec<(String, String)>,
    /// Whom it wants its processes to run as; empty for root.
    pub user: String,
    /// Where it wants its processes to start; empty for `/`.
    pub working_dir: String,
}

/// All images of this machine, under `<data>/images`. Cheap to clone.
#[derive(Clone)]
pub struct ImageStore {
    shelf: Arc<Shelf>,
    order: Arc<Order>,
    client: outbound::Client,
}

impl ImageStore {
    /// Opens the store below the data folder and clears away what a crash left half-done.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made or read.
    #[expect(clippy::needless_pass_by_value, reason = "the store takes its folder over")]
    pub fn open(data: PathBuf, client: outbound::Client) -> Result<Self, DriverError> {
        Self::open_with(&data, client, Caps::default())
    }

    /// Like [`ImageStore::open`], with other bounds on what images may be.
    pub fn open_with(data: &Path, client: outbound::Client, caps: Caps) -> Result<Self, DriverError> {
        let shelf = Arc::new(Shelf::open(data.join("images"), caps)?);
        Ok(Self { shelf, order: Arc::new(Order::new()), client })
    }

    /// Gives the image, fetching it first if it is not here. Several callers at once cause one fetch.
    ///
    /// # Errors
    ///
    /// [`DriverError::Image`] when the registry does not have or give it, or it is damaged or hostile;
    /// [`DriverError::NoSpace`]; [`DriverError::Cancelled`].
    pub async fn prepare(
        &self,
        reference: &ImageReference,
        progress: Progress<'_>,
        cancel: &CancellationToken,
    ) -> Result<Image, DriverError> {
        if let Some(image) = self.find(reference) {
            return Ok(image);
        }
        let _turn = self.order.alone(&reference.to_string(), cancel).await?;
        match self.find(reference) {
            Some(image) => Ok(image),
            None => self.fetch(reference, progress, cancel).await,
        }
    }

    /// Asks the registry even if the image is here: a tag may stand for something newer now. Only layers
    /// that are not here are fetched.
    ///
    /// # Errors
    ///
    /// Like [`ImageStore::prepare`].
    pub async fn pull(
        &self,
        reference: &ImageReference,
        progress: Progress<'_>,
        cancel: &CancellationToken,
    ) -> Result<Image, DriverError> {
        let _turn = self.order.alone(&reference.to_string(), cancel).await?;
        self.fetch(reference, progress, cancel).await
    }

    /// The image of that name, if it is here. A digest is also found under the tag it came with.
    pub fn find(&self, reference: &ImageReference) -> Option<Image> {
        self.shelf.find(reference)
    }

    /// The image with that id, if it is here; also when its names have gone to another image since.
    pub fn image(&self, id: &ImageDigest) -> Option<Image> {
        self.shelf.find_by_id(id)
    }

    /// All images by name, in the order of names.
    pub fn images(&self) -> Vec<Image> {
        self.shelf.images()
    }

    /// Imports the images of an archive: `docker save`, or a tar of an OCI layout, compressed or not.
    /// `name` is for an archive of one image that says none, or another.
    ///
    /// # Errors
    ///
    /// Like [`ImageStore::prepare`]. Of an archive with several images, those before a bad one stay.
    pub async fn import(
        &self,
        name: Option<ImageReference>,
        reader: impl AsyncRead + Send + Unpin,
        progress: Progress<'_>,
        cancel: &CancellationToken,
    ) -> Result<Vec<Image>, DriverError> {
        let stop = cancel.child_token();
        let _ends = stop.clone().drop_guard();
        let (staging, caps) = (self.shelf.stage()?, self.shelf.caps());
        let (sender, arriving) = fetch::pipe();
        let spool = spawn_blocking(move || {
            let go_on = || if stop.is_cancelled() { Err(DriverError::Cancelled) } else { Ok(()) };
            let parcel = Parcel::spool(arriving, staging, &caps, &go_on)?;
            let plans = archive::plans(&parcel, name.as_ref(), &caps)?;
            Ok::<_, DriverError>((parcel, plans))
        });
        progress("reading the archive".into());
        let feed = async {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = feed(reader, &sender, progress) => {}
            }
            drop(sender);
        };
        let (spooled, ()) = tokio::join!(spool, feed);
        if cancel.is_cancelled() {
            return Err(DriverError::Cancelled);
        }
        let (parcel, plans) = spooled.map_err(panicked)??;
        self.bring_all(plans, parcel, progress, cancel).await
    }

    /// Imports the images of an OCI layout that lies unpacked in a folder.
    ///
    /// # Errors
    ///
    /// Like [`ImageStore::import`].
    pub async fn import_folder(
        &self,
        name: Option<ImageReference>,
        folder: &Path,
        progress: Progress<'_>,
        cancel: &CancellationToken,
    ) -> Result<Vec<Image>, DriverError> {
        let (folder, caps) = (folder.to_owned(), self.shelf.caps());
        let look = move || {
            let parcel = Parcel::folder(&folder)?;
            let plans = archive::plans(&parcel, name.as_ref(), &caps)?;
            Ok::<_, DriverError>((parcel, plans))
        };
        let (parcel, plans) = spawn_blocking(look).await.map_err(panicked)??;
        self.bring_all(plans, parcel, progress, cancel).await
    }

    /// Forgets the name. The bytes go once no other name and no holder needs them. `false` if there was
    /// no such name.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub async fn remove(&self, reference: &ImageReference) -> Result<bool, DriverError> {
        let reference = reference.clone();
        self.on_shelf(move |shelf| shelf.forget(&reference)).await
    }

    /// Keeps the layers of an image for `holder` (the text of a workspace's or snapshot's id), whatever
    /// happens to its names. Survives restarts. A holder holds one image; the newest wins.
    ///
    /// # Errors
    ///
    /// [`DriverError::Image`] when the image is not here.
    pub async fn hold(&self, id: &ImageDigest, holder: &str) -> Result<(), DriverError> {
        let (id, holder) = (id.clone(), holder.to_owned());
        self.on_shelf(move |shelf| shelf.hold(&id, &holder)).await
    }

    /// Ends [`ImageStore::hold`]; nothing to do if there was none.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub async fn release(&self, holder: &str) -> Result<(), DriverError> {
        let holder = holder.to_owned();
        self.on_shelf(move |shelf| shelf.release(&holder)).await
    }

    fn hands<'a>(&'a self, progress: Progress<'a>) -> Hands<'a> {
        Hands { shelf: &self.shelf, order: &self.order, client: &self.client, progress }
    }

    /// Does something that takes the disk's time.
    async fn on_shelf<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shelf) -> Result<T, DriverError> + Send + 'static,
    ) -> Result<T, DriverError> {
        let shared = self.shelf.clone();
        spawn_blocking(move || work(&shared)).await.map_err(panicked)?
    }

    async fn fetch(
        &self,
        reference: &ImageReference,
        progress: Progress<'_>,
        cancel: &CancellationToken,
    ) -> Result<Image, DriverError> {
        progress(format!("asking `{}` for `{}`", reference.registry, reference.repository));
        let caps = self.shelf.caps();
        let plan = tokio::select! {
            () = cancel.cancelled() => return Err(DriverError::Cancelled),
            plan = pull::plan(&self.client, reference, &caps) => plan?,
        };
        let images = carry_out(self.hands(progress), plan, cancel).await?;
        let image = images.into_iter().next();
        image.ok_or_else(|| trouble::bad(format!("`{reference}` was removed while it came")))
    }

    async fn bring_all(
        &self,
        plans: Vec<Plan>,
        parcel: Parcel,
        progress: Progress<'_>,
        cancel: &CancellationToken,
    ) -> Result<Vec<Image>, DriverError> {
        let mut images = Vec::new();
        let mut result = Ok(());
        for plan in plans {
            match carry_out(self.hands(progress), plan, cancel).await {
                Ok(brought) => images.extend(brought),
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        // Its files may be many gigabytes; they go before we answer, but not on this thread.
        spawn_blocking(move || drop(parcel)).await.map_err(panicked)?;
        result.map(|()| images)
    }
}

impl std::fmt::Debug for ImageStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImageStore").finish_non_exhaustive()
    }
}

type Sender = tokio::sync::mpsc::Sender<Result<Bytes, DriverError>>;

/// Hands on what is read until there is no more, or nobody wants it.
async fn feed(mut reader: impl AsyncRead + Send + Unpin, sender: &Sender, progress: Progress<'_>) {
    let mut buffer = BytesMut::new();
    let (mut read, mut told) = (0, Instant::now());
    loop {
        buffer.reserve(256 << 10);
        let piece = match reader.read_buf(&mut buffer).await {
            Ok(0) => return,
            Ok(_) => Ok(buffer.split().freeze()),
            Err(error) => Err(failed("cannot read the archive as it comes", error)),
        };
        read += piece.as_ref().map_or(0, Bytes::len);
        let last = piece.is_err();
        if sender.send(piece).await.is_err() || last {
            return;
        }
        if told.elapsed() >= plan::REPORTS {
            told = Instant::now();
            progress(format!("reading the archive: {} MB", read.div_ceil(1_000_000)));
        }
    }
}
