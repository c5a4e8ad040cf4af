//! Finds out what a registry has under a name.

use std::sync::Arc;

use domain::ImageReference;
use outbound::Client;

use super::caps::Caps;
use super::document::{Config, Descriptor, Document, Manifest};
use super::layer::{Blob, Wanted};
use super::plan::{LayerPlan, Plan, Source};
use super::record::NameNote;
use super::registry::Repository;
use super::trouble::bad;
use crate::DriverError;

/// An index may lead to an index; more than that is a loop or a joke.
const MOST_INDEXES: usize = 3;

/// Reads manifest and configuration. The layers are still there.
pub(super) async fn plan(
    client: &Client,
    reference: &ImageReference,
    caps: &Caps,
) -> Result<Plan, DriverError> {
    let repository = Arc::new(Repository::of(reference, client)?);
    let mut which = match (&reference.digest, &reference.tag) {
        (Some(digest), _) => digest.to_string(),
        (None, Some(tag)) => tag.clone(),
        (None, None) => "latest".to_owned(),
    };
    let mut manifests = Vec::new();
    let manifest = loop {
        let (text, digest) = repository.manifest(&which, caps.document_bytes).await?;
        manifests.push(digest);
        match Document::parse(&text, caps)? {
            Document::Manifest(manifest) => break manifest,
            Document::Index(_) if manifests.len() > MOST_INDEXES => {
                return Err(bad("the image's index leads in circles"));
            }
            Document::Index(index) => which = index.choose()?.digest.to_string(),
        }
    };
    manifest.check()?;
    let Manifest { config, layers } = manifest;
    let text = repository.document(&blob(&config), caps.document_bytes).await?;
    let parsed = Config::parse(&text, caps)?;
    parsed.expect_layers(layers.len())?;
    let layers = layers.iter().zip(&parsed.diff_ids).map(|(layer, diff_id)| LayerPlan {
        wanted: Wanted { diff_id: diff_id.clone(), blob: Some(blob(layer)) },
        source: Source::Registry(repository.clone()),
    });
    let layers = layers.collect();
    let name = NameNote { reference: reference.clone(), id: config.digest.clone(), manifests };
    Ok(Plan { id: config.digest, config: parsed, layers, names: vec![name] })
}

pub(super) fn blob(descriptor: &Descriptor) -> Blob {
    Blob { digest: descriptor.digest.clone(), size: descriptor.size }
}
