#![allow(missing_docs, reason = "x")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper of a test may fail like the test")]
mod image;
