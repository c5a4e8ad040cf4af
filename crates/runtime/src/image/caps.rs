//! How much an image may ask for before it counts as an attack or a mistake.

/// Bounds on what is read and unpacked. The defaults are several times the largest images in common
/// use: machine-learning images reach 20 GiB and half a million files.
#[derive(Debug, Clone, Copy)]
pub struct Caps {
    /// Bytes of one layer, compressed, and of a whole archive being imported.
    pub blob_bytes: u64,
    /// Bytes of one layer's tar stream, whatever it holds.
    pub layer_bytes: u64,
    /// Files, folders and links of one layer.
    pub layer_entries: u64,
    /// Layers of one image. Docker stops at 127.
    pub layers: usize,
    /// Bytes of a manifest, an index or a configuration. Registries refuse more than 4 MiB.
    pub document_bytes: u64,
    /// Bytes of a path inside a layer; Linux takes no longer one.
    pub path_bytes: usize,
    /// Bytes of the extension headers (long names, attributes) of one tar entry.
    pub extension_bytes: u64,
    /// Bytes of all folder names of one layer together: they are kept in memory until its end.
    pub folder_name_bytes: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            blob_bytes: 64 << 30,
            layer_bytes: 64 << 30,
            layer_entries: 2_000_000,
            layers: 128,
            document_bytes: 4 << 20,
            path_bytes: 4096,
            extension_bytes: 1 << 20,
            folder_name_bytes: 128 << 20,
        }
    }
}
