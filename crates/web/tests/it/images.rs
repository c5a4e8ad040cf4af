//! Images: uploads reach the image store byte by byte, and its refusals come back.

use async_trait::async_trait;
use bytes::Bytes;
use control::{Images, StoredImage};
use domain::{Clock, ImageReference};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use http::Method;
use runtime::DriverError;
use serde_json::json;
use testkit::FakeClock;

use crate::app::TestApp;

/// A store with one image that stays, which takes every archive in, counts it, and can fetch nothing.
pub(crate) struct OneImage;

/// What [`OneImage`] holds.
pub(crate) const IMAGE: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

fn image(name: &ImageReference, size_bytes: u64) -> StoredImage {
    StoredImage {
        id: IMAGE.into(),
        names: vec![name.to_string()],
        size_bytes,
        created_at: FakeClock::default().now(),
    }
}

#[async_trait]
impl Images for OneImage {
    async fn list(&self) -> Vec<(ImageReference, StoredImage)> {
        let name = "local/one:1".parse().unwrap();
        let image = image(&name, 1);
        vec![(name, image)]
    }

    async fn import(
        &self,
        name: Option<ImageReference>,
        mut archive: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<Vec<StoredImage>, DriverError> {
        let mut size_bytes = 0;
        while let Some(chunk) = archive.next().await {
            let broken = |source| DriverError::System { what: "cannot read the archive".into(), source };
            size_bytes += chunk.map_err(broken)?.len() as u64;
        }
        Ok(name.iter().map(|name| image(name, size_bytes)).collect())
    }

    async fn pull(&self, reference: &ImageReference) -> Result<StoredImage, DriverError> {
        Err(DriverError::Image {
            what: format!("no `{reference}` in its registry"),
            mend: "check the name".into(),
        })
    }

    async fn forget(&self, _reference: &ImageReference) -> Result<(), DriverError> {
        Ok(())
    }
}

#[tokio::test]
async fn an_archive_is_streamed_to_the_image_store() {
    let app = TestApp::start().await;
    let call = app.call(Method::POST, "/api/v1/images?name=team/tools:1").session(&app.admin.session);

    let answer =
        call.header("content-type", "application/x-tar").body(vec![7; 9_000_000]).send().await.expect(201);

    let image = answer.json();
    assert_eq!(
        (&image["size_bytes"], &image["names"]),
        (&json!(9_000_000), &json!(["docker.io/team/tools:1"]))
    );
}

#[tokio::test]
async fn what_the_registry_refuses_is_told_with_its_mend() {
    let app = TestApp::start().await;

    let answer = app
        .post("/api/v1/images", &json!({"reference": "debian:13"}))
        .session(&app.admin.session)
        .send()
        .await;

    assert_eq!(answer.problem(409, "image")["mend"], "check the name");
}
