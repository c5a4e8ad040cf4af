use serde_json::json;

use super::{Config, Document, Index, architecture};
use crate::image::caps::Caps;

fn index(platforms: &[(&str, &str, &str)]) -> Index {
    let entry = |(number, (os, architecture, variant)): (usize, &(&str, &str, &str))| {
        json!({ "digest": format!("sha256:{number:064}"), "size": 1,
                "platform": { "os": os, "architecture": architecture, "variant": variant } })
    };
    let manifests: Vec<_> = platforms.iter().enumerate().map(entry).collect();
    match Document::parse(json!({ "manifests": manifests }).to_string().as_bytes(), &Caps::default()).unwrap()
    {
        Document::Index(index) => index,
        Document::Manifest(_) => panic!("not an index"),
    }
}

#[test]
fn the_usual_variant_of_this_machine_is_chosen() {
    let ours = architecture();
    let index = index(&[
        ("windows", ours, ""),
        ("linux", "s390x", ""),
        ("linux", ours, "v3"),
        ("linux", ours, ""),
        ("unknown", "unknown", ""),
    ]);

    assert!(index.choose().unwrap().digest.hex().ends_with('3'));
}

#[test]
fn an_image_for_others_says_for_whom() {
    let error = index(&[("windows", "amd64", ""), ("linux", "s390x", ""), ("unknown", "unknown", "")])
        .choose()
        .unwrap_err();

    assert!(
        error.to_string().starts_with("the image is for linux/s390x, windows/amd64, not for linux/"),
        "{error}"
    );
}

#[test]
fn a_configuration_may_leave_almost_everything_out() {
    let bare = json!({ "architecture": architecture(), "os": "linux", "rootfs": { "diff_ids": [format!("sha256:{:064}", 1)] } });
    let nulls = json!({ "architecture": architecture(), "os": "linux", "config": { "Env": null, "User": null, "Entrypoint": ["x"] },
                        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{:064}", 1)] }, "history": [] });

    for config in [bare, nulls] {
        let config = Config::parse(config.to_string().as_bytes(), &Caps::default()).unwrap();
        assert!(config.env.is_empty() && config.user.is_empty() && config.working_dir.is_empty());
    }
}

#[test]
fn digests_of_other_kinds_are_refused() {
    for digest in ["sha512:00", "sha256:../../etc/passwd", "md5:x", ""] {
        let text = json!({ "config": { "digest": digest, "size": 1 }, "layers": [] }).to_string();
        assert!(Document::parse(text.as_bytes(), &Caps::default()).is_err(), "{digest}");
    }
}

#[test]
fn layers_that_are_no_tar_archives_are_refused() {
    for media in
        ["application/vnd.oci.image.layer.v1.tar+encrypted", "application/json", "application/octet-stream"]
    {
        let digest = format!("sha256:{:064}", 1);
        let text = json!({ "config": { "digest": digest, "size": 1 }, "layers": [{ "mediaType": media, "digest": digest, "size": 1 }] });
        let Document::Manifest(manifest) =
            Document::parse(text.to_string().as_bytes(), &Caps::default()).unwrap()
        else {
            panic!("not a manifest");
        };
        assert!(manifest.check().is_err(), "{media}");
    }
}
