//! The JSON documents of images: index, manifest, configuration, and the list in `docker save` archives.
//!
//! OCI image specification 1.1 and Docker's schema 2, which differ in media types only.

use std::collections::HashSet;

use domain::ImageDigest;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::caps::Caps;
use super::trouble::bad;
use crate::DriverError;

/// A pointer to other content.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    #[serde(default)]
    pub(super) media_type: String,
    pub(super) digest: ImageDigest,
    pub(super) size: u64,
    #[serde(default)]
    pub(super) platform: Option<Platform>,
    #[serde(default)]
    pub(super) annotations: Option<Annotations>,
}

/// Names that exporters give images, see [`Annotations::full_name`].
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Annotations {
    #[serde(rename = "io.containerd.image.name", default)]
    containerd: Option<String>,
    #[serde(rename = "org.opencontainers.image.ref.name", default)]
    oci: Option<String>,
}

/// What an image runs on.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Platform {
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    os: String,
    #[serde(default)]
    variant: String,
}

/// A manifest or an index of manifests; registries and archives give either for a name.
#[derive(Debug)]
pub(super) enum Document {
    Manifest(Manifest),
    Index(Index),
}

/// One image for one platform.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Manifest {
    pub(super) config: Descriptor,
    pub(super) layers: Vec<Descriptor>,
}

/// Several images.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Index {
    pub(super) manifests: Vec<Descriptor>,
}

/// One image in `manifest.json` of a `docker save` archive.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Saved {
    pub(super) config: String,
    #[serde(default)]
    pub(super) repo_tags: Option<Vec<String>>,
    #[serde(default)]
    pub(super) layers: Option<Vec<String>>,
}

/// What an image is made of and wants.
#[derive(Debug, Clone)]
pub(super) struct Config {
    /// Layers, lowest first.
    pub(super) diff_ids: Vec<ImageDigest>,
    pub(super) env: Vec<(String, String)>,
    pub(super) user: String,
    pub(super) working_dir: String,
}

/// What manifests may be, as a registry is asked for them.
pub(super) const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";

impl Document {
    /// Reads a manifest or an index, whichever it is.
    pub(super) fn parse(text: &[u8], caps: &Caps) -> Result<Self, DriverError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Either {
            schema_version: Option<u32>,
            manifests: Option<Vec<Descriptor>>,
            config: Option<Descriptor>,
            layers: Option<Vec<Descriptor>>,
        }
        let either: Either = json("manifest", text)?;
        if either.schema_version == Some(1) {
            return Err(bad(
                "the image is in the format Docker left in 2016; push it again with a newer one",
            ));
        }
        match either {
            Either { manifests: Some(manifests), config: None, layers: None, .. } => {
                Ok(Self::Index(Index { manifests }))
            }
            Either { config: Some(config), layers: Some(layers), manifests: None, .. } => {
                check_count(layers.len(), caps)?;
                Ok(Self::Manifest(Manifest { config, layers }))
            }
            _ => Err(bad("a manifest has neither one image nor a list of images")),
        }
    }
}

impl Index {
    /// The image for this machine.
    pub(super) fn choose(&self) -> Result<&Descriptor, DriverError> {
        let fits = |descriptor: &&Descriptor| descriptor.platform.as_ref().is_some_and(Platform::is_ours);
        let found = self.manifests.iter().filter(fits).max_by_key(|descriptor| {
            // The usual variant before the others, of which some need a newer processor.
            descriptor
                .platform
                .as_ref()
                .is_some_and(|platform| matches!(platform.variant.as_str(), "" | "v8"))
        });
        // An index of one image need not say what for; its configuration will.
        let only = || match self.manifests.as_slice() {
            [only] if only.platform.is_none() => Some(only),
            _ => None,
        };
        found.or_else(only).ok_or_else(|| {
            let all: HashSet<String> = self
                .manifests
                .iter()
                .filter_map(|descriptor| descriptor.platform.as_ref())
                .filter(|platform| platform.os != "unknown")
                .map(|platform| format!("{}/{}", platform.os, platform.architecture))
                .collect();
            let mut all: Vec<String> = all.into_iter().take(20).collect();
            all.sort();
            DriverError::Image {
                what: format!("the image is for {}, not for linux/{}", all.join(", "), architecture()),
                mend: format!("name an image that exists for linux/{}", architecture()),
            }
        })
    }
}

impl Manifest {
    /// Says whether we can read its layers.
    pub(super) fn check(&self) -> Result<(), DriverError> {
        for layer in &self.layers {
            let media = layer.media_type.as_str();
            let known = media.is_empty() || (media.contains("tar") && !media.contains("encrypted"));
            if !known {
                return Err(bad(format!("a layer is a `{media}`, not a tar archive")));
            }
        }
        Ok(())
    }
}

impl Annotations {
    /// The name of an image if it is a whole one: some exporters write only the tag.
    pub(super) fn full_name(&self) -> Option<&str> {
        let whole = |name: &&String| name.contains(['/', ':']);
        self.containerd.as_ref().or(self.oci.as_ref().filter(whole)).map(String::as_str)
    }
}

impl Platform {
    fn is_ours(&self) -> bool {
        self.os == "linux" && self.architecture == architecture()
    }
}

impl Config {
    /// Reads a configuration and checks that the image is for this machine.
    pub(super) fn parse(text: &[u8], caps: &Caps) -> Result<Self, DriverError> {
        #[derive(Deserialize)]
        struct Whole {
            #[serde(flatten)]
            platform: Platform,
            #[serde(default)]
            config: Option<Wishes>,
            rootfs: Rootfs,
        }
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "PascalCase", default)]
        struct Wishes {
            env: Option<Vec<String>>,
            user: Option<String>,
            working_dir: Option<String>,
        }
        #[derive(Deserialize)]
        struct Rootfs {
            diff_ids: Vec<ImageDigest>,
        }
        let whole: Whole = json("configuration", text)?;
        if !whole.platform.is_ours() {
            let (os, theirs, ours) = (whole.platform.os, whole.platform.architecture, architecture());
            return Err(DriverError::Image {
                what: format!("the image is for {os}/{theirs}, not for linux/{ours}"),
                mend: format!("use an image for linux/{ours}"),
            });
        }
        if whole.rootfs.diff_ids.is_empty() {
            return Err(bad("the image has no layers, so there is nothing to start from"));
        }
        check_count(whole.rootfs.diff_ids.len(), caps)?;
        let wishes = whole.config.unwrap_or_default();
        let variables = wishes.env.unwrap_or_default();
        let env = variables
            .iter()
            .filter_map(|variable| variable.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(Self {
            diff_ids: whole.rootfs.diff_ids,
            env: env.collect(),
            user: wishes.user.unwrap_or_default(),
            working_dir: wishes.working_dir.unwrap_or_default(),
        })
    }
}

impl Config {
    /// Checks that what else describes the image has as many layers.
    pub(super) fn expect_layers(&self, count: usize) -> Result<(), DriverError> {
        if count == self.diff_ids.len() {
            return Ok(());
        }
        Err(bad(format!("the image names {} layers but has {count}", self.diff_ids.len())))
    }
}

/// Reads a document whose loss would be the exporter's fault.
pub(super) fn json<T: DeserializeOwned>(what: &str, text: &[u8]) -> Result<T, DriverError> {
    serde_json::from_slice(text)
        .map_err(|error| bad(format!("the image's {what} is not understood: {error}")))
}

fn check_count(layers: usize, caps: &Caps) -> Result<(), DriverError> {
    if layers > caps.layers {
        return Err(bad(format!("the image has {layers} layers, more than {}", caps.layers)));
    }
    Ok(())
}

/// This machine's processor as images call it (Go's names).
pub(super) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        "loongarch64" => "loong64",
        other => other,
    }
}

#[cfg(test)]
mod tests;
