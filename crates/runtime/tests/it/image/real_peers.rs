//! The tools others use: `docker-registry` serves, `skopeo` writes, we read.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use outbound::{Client, Policy};
use tempfile::TempDir;
use tokio::fs::File;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::build::{Entry, Made, gzip, image, tar};
use super::{Place, name, text};

/// A registry in a process of its own, gone with this value.
struct RealRegistry {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl RealRegistry {
    async fn start() -> Self {
        for _ in 0..10 {
            // Another test may take the port before the registry does; then the next try has another.
            let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let folder = TempDir::new().unwrap();
            let mut settings = String::from("version: 0.1\nlog: { level: error }\n");
            writeln!(
                settings,
                "storage: {{ filesystem: {{ rootdirectory: {}/data }} }}",
                folder.path().display()
            )
            .unwrap();
            writeln!(settings, "http: {{ addr: '127.0.0.1:{port}', secret: of-a-test }}").unwrap();
            let path = folder.path().join("config.yml");
            fs::write(&path, settings).unwrap();
            let mut command = Command::new("docker-registry");
            let mut process =
                command.arg("serve").arg(path).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let client = Client::new(Policy::with_loopback());
            for _ in 0..500 {
                if process.try_wait().unwrap().is_some() {
                    break;
                }
                let url = Url::parse(&format!("http://127.0.0.1:{port}/v2/")).unwrap();
                if client.get(url).send().await.is_ok_and(|answer| answer.status() == 200) {
                    return Self { process, port, _folder: folder };
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            process.kill().ok();
            process.wait().unwrap();
        }
        panic!("the registry does not start");
    }

    fn name(&self, rest: &str) -> String {
        format!("127.0.0.1:{}/{rest}", self.port)
    }
}

impl Drop for RealRegistry {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Says whether the tools are here. Where they must be, their absence is a failure.
fn here(tools: &[&str]) -> bool {
    for tool in tools {
        let found = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if found.is_err() {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "`{tool}` is not installed");
            println!("skipped: `{tool}` is not installed");
            return false;
        }
    }
    true
}

fn skopeo(arguments: &[&str]) {
    let mut command = Command::new("skopeo");
    let output = command.args(["--insecure-policy", "copy", "--quiet"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// An image with what real ones have: several layers, a deletion, links, owners.
fn sample() -> Made {
    let base = [
        Entry::folder("etc"),
        Entry::file("etc/motd", "hello\n"),
        Entry::file("etc/gone", "x"),
        Entry::folder("usr/bin"),
        Entry::file("usr/bin/tool", "#!/bin/sh\n").mode(0o755),
        Entry::symlink("bin", "usr/bin"),
        Entry::hard_link("usr/bin/twin", "usr/bin/tool"),
        Entry::folder("home/me").owner(1000, 1000).mode(0o700),
        Entry::file("home/me/".to_owned() + &"long".repeat(40), "long"),
    ];
    let top =
        [Entry::folder("etc"), Entry::file("etc/.wh.gone", ""), Entry::file("etc/motd", "hello again\n")];
    image(&[(tar(&base), gzip), (tar(&top), gzip)])
}

fn laid_out(made: &Made) -> TempDir {
    let folder = TempDir::new().unwrap();
    made.lay_out(folder.path(), &["v1"]);
    folder
}

fn oci(folder: &Path) -> String {
    format!("oci:{}:v1", folder.display())
}

fn check(image: &runtime::Image) {
    assert_eq!(image.layers.len(), 2);
    assert_eq!(text(image.layers[0].join("etc/motd")), "hello\n");
    assert_eq!(text(image.layers[1].join("etc/motd")), "hello again\n");
    assert_eq!(text(image.layers[0].join("usr/bin/twin")), "#!/bin/sh\n");
    assert_eq!(fs::read_link(image.layers[0].join("bin")).unwrap(), Path::new("usr/bin"));
    assert!(!image.layers[1].join("etc/.wh.gone").exists());
    assert!(fs::symlink_metadata(image.layers[1].join("etc/gone")).is_ok());
    assert_eq!(image.user, "1000:1000");
}

#[tokio::test]
async fn an_image_pushed_to_a_real_registry_is_fetched() {
    if !here(&["docker-registry", "skopeo"]) {
        return;
    }
    let registry = RealRegistry::start().await;
    let folder = laid_out(&sample());
    for (format, tag) in [("oci", "oci"), ("v2s2", "docker")] {
        let target = format!("docker://{}", registry.name(&format!("team/it:{tag}")));
        skopeo(&["--dest-tls-verify=false", "--format", format, &oci(folder.path()), &target]);

        let place = Place::new();
        let image = place.prepare(&registry.name(&format!("team/it:{tag}"))).await.unwrap();

        check(&image);
    }
    let place = Place::new();
    let missing = place.prepare(&registry.name("team/it:nope")).await.unwrap_err();
    assert!(missing.to_string().contains("has no"), "{missing}");
}

#[tokio::test]
async fn a_tag_of_a_real_registry_is_also_fetched_by_its_digest() {
    if !here(&["docker-registry", "skopeo"]) {
        return;
    }
    let registry = RealRegistry::start().await;
    let folder = laid_out(&sample());
    let digest_file = folder.path().join("digest");
    let target = format!("docker://{}", registry.name("it:v1"));
    skopeo(&[
        "--dest-tls-verify=false",
        "--digestfile",
        digest_file.to_str().unwrap(),
        &oci(folder.path()),
        &target,
    ]);

    let place = Place::new();
    let image = place.prepare(&registry.name(&format!("it@{}", text(digest_file).trim()))).await.unwrap();

    check(&image);
}

#[tokio::test]
async fn zstd_layers_of_a_real_registry_are_fetched() {
    if !here(&["docker-registry", "skopeo"]) {
        return;
    }
    let registry = RealRegistry::start().await;
    let folder = laid_out(&sample());
    let repacked = TempDir::new().unwrap();
    let packed = format!("oci:{}:v1", repacked.path().display());
    skopeo(&["--dest-compress-format", "zstd", "--dest-compress", &oci(folder.path()), &packed]);
    let target = format!("docker://{}", registry.name("it:zstd"));
    skopeo(&["--dest-tls-verify=false", "--dest-compress-format", "zstd", &packed, &target]);

    check(&Place::new().prepare(&registry.name("it:zstd")).await.unwrap());
}

#[tokio::test]
async fn archives_of_skopeo_are_imported() {
    if !here(&["skopeo"]) {
        return;
    }
    let folder = laid_out(&sample());
    for (kind, reference) in
        [("docker-archive", "example.com/team/it:v1"), ("oci-archive", "example.com/team/it:v1")]
    {
        let archive = folder.path().join(kind);
        skopeo(&[&oci(folder.path()), &format!("{kind}:{}:{reference}", archive.display())]);
        let place = Place::new();

        let reader = File::open(&archive).await.unwrap();
        let images =
            place.store.import(None, reader, &place.progress(), &CancellationToken::new()).await.unwrap();

        assert_eq!(images[0].reference, name(reference));
        check(&images[0]);
    }
}

#[tokio::test]
async fn a_layout_of_skopeo_is_imported_from_its_folder() {
    if !here(&["skopeo"]) {
        return;
    }
    let folder = laid_out(&sample());
    let layout = TempDir::new().unwrap();
    skopeo(&[&oci(folder.path()), &format!("oci:{}:example.com/team/it:v2", layout.path().display())]);
    let place = Place::new();

    let progress = place.progress();
    let images =
        place.store.import_folder(None, layout.path(), &progress, &CancellationToken::new()).await.unwrap();

    assert_eq!(images[0].reference, name("example.com/team/it:v2"));
    check(&images[0]);
}

#[tokio::test]
async fn layers_in_every_format_of_gnu_tar_are_unpacked() {
    if !here(&["tar"]) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let source = folder.path().join("source");
    let deep = source.join("d".repeat(90)).join("e".repeat(90));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("f".repeat(120)), "deep").unwrap();
    fs::write(source.join("plain"), "plain").unwrap();
    fs::hard_link(source.join("plain"), source.join("twin")).unwrap();
    std::os::unix::fs::symlink("t".repeat(150), source.join("link")).unwrap();

    for (format, long) in [("v7", false), ("ustar", false), ("oldgnu", true), ("gnu", true), ("pax", true)] {
        let archive = folder.path().join(format);
        let mut command = Command::new("tar");
        command
            .arg("--create")
            .arg(format!("--format={format}"))
            .arg("--file")
            .arg(&archive)
            .arg("-C")
            .arg(&source);
        command.args(if long { &["."][..] } else { &["plain", "twin"] });
        assert!(command.status().unwrap().success());
        let made = image(&[(fs::read(&archive).unwrap(), gzip)]);

        let place = Place::new();
        let images = place.import(Some("it"), &tar(&made.saved(&[]))).await.unwrap();

        let root = &images[0].layers[0];
        assert_eq!(text(root.join("twin")), "plain");
        if long {
            assert_eq!(text(root.join("d".repeat(90)).join("e".repeat(90)).join("f".repeat(120))), "deep");
            assert_eq!(fs::read_link(root.join("link")).unwrap(), Path::new(&"t".repeat(150)));
        }
    }
}
