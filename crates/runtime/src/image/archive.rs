//! Finds the images in an archive or folder: what `docker save` and `podman save` write, and OCI layouts.

use domain::{ImageDigest, ImageReference};
use sha2::{Digest, Sha256};

use super::caps::Caps;
use super::document::{Config, Descriptor, Document, Index, Manifest, Saved, json};
use super::layer::{Wanted, digest};
use super::parcel::Parcel;
use super::plan::{LayerPlan, Plan, Source};
use super::pull::blob;
use super::record::NameNote;
use super::trouble::bad;
use crate::DriverError;

/// All images of a parcel that are for this machine. `name` is for one that has none, or is to be called
/// otherwise.
pub(super) fn plans(
    parcel: &Parcel,
    name: Option<&ImageReference>,
    caps: &Caps,
) -> Result<Vec<Plan>, DriverError> {
    // Archives of newer Dockers are both; the list says more about names.
    let mut found = if let Some(text) = parcel.read("manifest.json", caps)? {
        let list: Vec<Saved> = json("list", &text)?;
        list.iter().map(|saved| from_saved(parcel, saved, caps)).collect::<Result<Vec<_>, _>>()?
    } else if let Some(text) = parcel.read("index.json", caps)? {
        from_layout(parcel, &json("index", &text)?, caps)?
    } else {
        return Err(DriverError::Image {
            what: "there is no image in it: neither `manifest.json` nor `index.json`".into(),
            mend: "give what `docker save`, `podman save` or `skopeo copy … oci-archive:` wrote".into(),
        });
    };
    match (name, found.as_mut_slice()) {
        (_, []) => return Err(bad("the archive's list of images is empty")),
        (Some(name), [only]) => only.names = vec![name.clone()],
        (Some(name), several) => {
            return Err(DriverError::Image {
                what: format!(
                    "there are {} images in it, which cannot all be called `{name}`",
                    several.len()
                ),
                mend: "import it without a name, or save one image only".into(),
            });
        }
        (None, _) => {}
    }
    found.into_iter().map(Found::into_plan).collect()
}

/// An image as it is found.
struct Found {
    id: ImageDigest,
    config: Config,
    layers: Vec<LayerPlan>,
    names: Vec<ImageReference>,
    manifests: Vec<ImageDigest>,
}

impl Found {
    fn into_plan(self) -> Result<Plan, DriverError> {
        if self.names.is_empty() {
            return Err(DriverError::Image {
                what: "the archive does not say what its image is called".into(),
                mend: "give a name with it".into(),
            });
        }
        let Self { id, config, layers, names, manifests } = self;
        let note = |reference| NameNote { reference, id: id.clone(), manifests: manifests.clone() };
        let names = names.into_iter().map(note).collect();
        Ok(Plan { id, config, layers, names })
    }
}

/// An image of `docker save`. Its layers are known by what they unpack to only.
fn from_saved(parcel: &Parcel, saved: &Saved, caps: &Caps) -> Result<Found, DriverError> {
    let text = parcel.read(&saved.config, caps)?.ok_or_else(|| lacks(&saved.config))?;
    let config = Config::parse(&text, caps)?;
    let files = saved.layers.as_deref().unwrap_or_default();
    config.expect_layers(files.len())?;
    let layer = |(file, diff_id): (&String, &ImageDigest)| -> Result<LayerPlan, DriverError> {
        let source = Source::File(parcel.open(file)?.ok_or_else(|| lacks(file))?);
        Ok(LayerPlan { wanted: Wanted { diff_id: diff_id.clone(), blob: None }, source })
    };
    let layers = files.iter().zip(&config.diff_ids).map(layer).collect::<Result<_, _>>()?;
    let names = saved.repo_tags.iter().flatten().map(|name| parse_name(name)).collect::<Result<_, _>>()?;
    Ok(Found { id: digest(Sha256::new_with_prefix(&text)), config, layers, names, manifests: Vec::new() })
}

/// The images of an OCI layout: those with names, or else the one for this machine.
fn from_layout(parcel: &Parcel, index: &Index, caps: &Caps) -> Result<Vec<Found>, DriverError> {
    let full_name = |entry: &Descriptor| {
        entry.annotations.as_ref().and_then(|annotations| annotations.full_name().map(str::to_owned))
    };
    let mut images: Vec<Found> = Vec::new();
    for entry in &index.manifests {
        let Some(name) = full_name(entry) else { continue };
        let name = parse_name(&name)?;
        match images.iter_mut().find(|image| image.manifests.first() == Some(&entry.digest)) {
            Some(image) => image.names.push(name),
            None => images.push(Found { names: vec![name], ..from_manifest(parcel, entry, caps)? }),
        }
    }
    if images.is_empty() {
        let entry = match index.manifests.as_slice() {
            [only] => only,
            _ => index.choose()?,
        };
        images.push(from_manifest(parcel, entry, caps)?);
    }
    Ok(images)
}

fn from_manifest(parcel: &Parcel, entry: &Descriptor, caps: &Caps) -> Result<Found, DriverError> {
    let mut manifests = vec![entry.digest.clone()];
    let manifest = match Document::parse(&document(parcel, entry, caps)?, caps)? {
        Document::Manifest(manifest) => manifest,
        Document::Index(index) => {
            let chosen = index.choose()?;
            manifests.push(chosen.digest.clone());
            match Document::parse(&document(parcel, chosen, caps)?, caps)? {
                Document::Manifest(manifest) => manifest,
                Document::Index(_) => return Err(bad("the archive's index leads to nothing but indexes")),
            }
        }
    };
    manifest.check()?;
    let Manifest { config: pointer, layers } = manifest;
    let config = Config::parse(&document(parcel, &pointer, caps)?, caps)?;
    config.expect_layers(layers.len())?;
    let layer = |(layer, diff_id): (&Descriptor, &ImageDigest)| -> Result<LayerPlan, DriverError> {
        let file = parcel.open(&blob_name(layer))?.ok_or_else(|| lacks(&layer.digest.to_string()))?;
        let wanted = Wanted { diff_id: diff_id.clone(), blob: Some(blob(layer)) };
        Ok(LayerPlan { wanted, source: Source::File(file) })
    };
    let layers = layers.iter().zip(&config.diff_ids).map(layer).collect::<Result<_, _>>()?;
    Ok(Found { id: pointer.digest, config, layers, names: Vec::new(), manifests })
}

/// Reads and checks a small blob of an OCI layout.
fn document(parcel: &Parcel, pointer: &Descriptor, caps: &Caps) -> Result<Vec<u8>, DriverError> {
    let text = parcel.read(&blob_name(pointer), caps)?.ok_or_else(|| lacks(&pointer.digest.to_string()))?;
    let found = digest(Sha256::new_with_prefix(&text));
    if found == pointer.digest {
        Ok(text)
    } else {
        Err(bad(format!("the archive has `{found}` in the place of `{}`", pointer.digest)))
    }
}

fn blob_name(pointer: &Descriptor) -> String {
    format!("blobs/sha256/{}", pointer.digest.hex())
}

fn parse_name(name: &str) -> Result<ImageReference, DriverError> {
    name.parse().map_err(|error| bad(format!("the archive's image has an impossible name: {error}")))
}

fn lacks(what: &str) -> DriverError {
    bad(format!("the archive lacks `{}`", what.chars().take(200).collect::<String>()))
}
