//! Builds images byte by byte, good ones and such as no tool would make.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{EntryType, Header};

/// One entry of a layer.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    path: Vec<u8>,
    kind: EntryType,
    link: Vec<u8>,
    body: Vec<u8>,
    mode: u32,
    owner: (u64, u64),
    pax: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Entry {
    fn new(path: &[u8], kind: EntryType, mode: u32) -> Self {
        Self {
            path: path.to_vec(),
            kind,
            link: Vec::new(),
            body: Vec::new(),
            mode,
            owner: (0, 0),
            pax: Vec::new(),
        }
    }

    pub(crate) fn file(path: impl AsRef<[u8]>, body: impl AsRef<[u8]>) -> Self {
        Self { body: body.as_ref().to_vec(), ..Self::new(path.as_ref(), EntryType::Regular, 0o644) }
    }

    pub(crate) fn folder(path: impl AsRef<[u8]>) -> Self {
        Self::new(path.as_ref(), EntryType::Directory, 0o755)
    }

    pub(crate) fn symlink(path: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Self { link: target.as_ref().to_vec(), ..Self::new(path.as_ref(), EntryType::Symlink, 0o777) }
    }

    pub(crate) fn hard_link(path: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Self { link: target.as_ref().to_vec(), ..Self::new(path.as_ref(), EntryType::Link, 0o644) }
    }

    pub(crate) fn other(path: impl AsRef<[u8]>, kind: EntryType) -> Self {
        Self::new(path.as_ref(), kind, 0o644)
    }

    pub(crate) fn mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    pub(crate) fn owner(self, user: u64, group: u64) -> Self {
        Self { owner: (user, group), ..self }
    }

    pub(crate) fn pax(mut self, key: &str, value: impl AsRef<[u8]>) -> Self {
        self.pax.push((key.into(), value.as_ref().to_vec()));
        self
    }

    fn write(&self, tar: &mut Vec<u8>) {
        let mut pax = self.pax.clone();
        if self.path.len() > 100 {
            pax.push((b"path".to_vec(), self.path.clone()));
        }
        if self.link.len() > 100 {
            pax.push((b"linkpath".to_vec(), self.link.clone()));
        }
        if !pax.is_empty() {
            let records: Vec<u8> = pax.iter().flat_map(|(key, value)| pax_record(key, value)).collect();
            block(tar, &header(b"pax", EntryType::XHeader, &[], records.len(), self), &records);
        }
        block(tar, &header(&self.path, self.kind, &self.link, self.body.len(), self), &self.body);
    }
}

fn header(path: &[u8], kind: EntryType, link: &[u8], size: usize, entry: &Entry) -> Header {
    let mut header = Header::new_ustar();
    let old = header.as_old_mut();
    for (to, from) in old.name.iter_mut().zip(path) {
        *to = *from;
    }
    for (to, from) in old.linkname.iter_mut().zip(link) {
        *to = *from;
    }
    header.set_entry_type(kind);
    header.set_size(size as u64);
    header.set_mode(entry.mode);
    header.set_uid(entry.owner.0);
    header.set_gid(entry.owner.1);
    header.set_mtime(1_700_000_000);
    header.set_cksum();
    header
}

fn block(tar: &mut Vec<u8>, header: &Header, body: &[u8]) {
    tar.extend_from_slice(header.as_bytes());
    tar.extend_from_slice(body);
    tar.resize(tar.len().next_multiple_of(512), 0);
}

fn pax_record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    [length.to_string().as_bytes(), b" ", key, b"=", value, b"\n"].concat()
}

/// A layer's tar stream.
pub(crate) fn tar(entries: &[Entry]) -> Vec<u8> {
    let mut tar = Vec::new();
    for entry in entries {
        entry.write(&mut tar);
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(data: &[u8]) -> Vec<u8> {
    ::zstd::stream::encode_all(data, 1).unwrap()
}

pub(crate) fn digest(data: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(data)))
}

/// An image: its documents and all blobs by digest.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) config: Vec<u8>,
    pub(crate) manifest: Vec<u8>,
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
    /// Tar streams, lowest first.
    pub(crate) layers: Vec<Vec<u8>>,
}

/// How a layer is packed.
pub(crate) type Packing = fn(&[u8]) -> Vec<u8>;

pub(crate) fn plain(data: &[u8]) -> Vec<u8> {
    data.to_vec()
}

/// An image of these layers, lowest first, each packed in its way.
pub(crate) fn image(layers: &[(Vec<u8>, Packing)]) -> Made {
    let tars: Vec<Vec<u8>> = layers.iter().map(|(tar, _)| tar.clone()).collect();
    let packed: Vec<Vec<u8>> = layers.iter().map(|(tar, packing)| packing(tar)).collect();
    image_of(&tars, &packed, &json!({}))
}

/// A small image whose only file says `text`.
pub(crate) fn saying(text: &str) -> Made {
    image(&[(tar(&[Entry::file("said", text)]), gzip)])
}

/// An image whose parts need not fit each other. `changes` go over the configuration.
pub(crate) fn image_of(tars: &[Vec<u8>], packed: &[Vec<u8>], changes: &Value) -> Made {
    let mut config = json!({
        "architecture": architecture(),
        "os": "linux",
        "created": "2024-01-02T03:04:05Z",
        "config": { "Env": ["PATH=/usr/bin", "EMPTY=", "A=b=c"], "User": "1000:1000", "WorkingDir": "/srv" },
        "rootfs": { "type": "layers", "diff_ids": tars.iter().map(|tar| digest(tar)).collect::<Vec<_>>() },
    });
    for (key, value) in changes.as_object().unwrap() {
        config[key] = value.clone();
    }
    let config = serde_json::to_vec(&config).unwrap();
    let layer = |blob: &Vec<u8>| json!({ "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest(blob), "size": blob.len() });
    let manifest = serde_json::to_vec(&json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(&config), "size": config.len() },
        "layers": packed.iter().map(layer).collect::<Vec<_>>(),
    }))
    .unwrap();
    let mut blobs: BTreeMap<String, Vec<u8>> =
        packed.iter().map(|blob| (digest(blob), blob.clone())).collect();
    blobs.insert(digest(&config), config.clone());
    blobs.insert(digest(&manifest), manifest.clone());
    Made { config, manifest, blobs, layers: tars.to_vec() }
}

impl Made {
    /// Files of an OCI layout in which the image has these names, or none.
    pub(crate) fn layout(&self, names: &[&str]) -> Vec<Entry> {
        let entry = |annotations: Value| {
            json!({
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": digest(&self.manifest),
                "size": self.manifest.len(),
                "annotations": annotations,
            })
        };
        let mut manifests: Vec<Value> =
            names.iter().map(|name| entry(json!({ "org.opencontainers.image.ref.name": name }))).collect();
        if names.is_empty() {
            manifests.push(entry(Value::Null));
        }
        let index = json!({ "schemaVersion": 2, "manifests": manifests });
        let mut files = vec![
            Entry::file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#),
            Entry::file("index.json", index.to_string()),
        ];
        files.extend(self.blobs.iter().map(|(name, blob)| {
            Entry::file(format!("blobs/sha256/{}", name.trim_start_matches("sha256:")), blob)
        }));
        files
    }

    /// Files of what Docker saved until version 24: folders with a `layer.tar` each.
    pub(crate) fn saved(&self, names: &[&str]) -> Vec<Entry> {
        let config = format!("{}.json", digest(&self.config).trim_start_matches("sha256:"));
        let layer = |number: usize| format!("layer{number}/layer.tar");
        let layers: Vec<String> = (0..self.layers.len()).map(layer).collect();
        let list = json!([{ "Config": config, "RepoTags": names, "Layers": layers }]);
        let mut files = vec![Entry::file(&config, &self.config)];
        files.extend(self.layers.iter().enumerate().map(|(number, tar)| Entry::file(layer(number), tar)));
        files.push(Entry::file("manifest.json", list.to_string()));
        files
    }

    /// Writes an OCI layout to a folder.
    pub(crate) fn lay_out(&self, folder: &Path, names: &[&str]) {
        std::fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
        for entry in self.layout(names) {
            std::fs::write(folder.join(String::from_utf8(entry.path).unwrap()), entry.body).unwrap();
        }
    }
}

pub(crate) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
