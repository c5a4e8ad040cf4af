use std::convert::Infallible;
use std::os::unix::fs::PermissionsExt;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use link::{AgentClient, FileRead, LinkError};

use crate::bench::bench;

async fn write(client: &AgentClient, path: &str, content: impl Into<Bytes>) -> Result<(), LinkError> {
    client.write_file(path, stream::iter([Ok::<_, Infallible>(content.into())])).await
}

async fn read(client: &AgentClient, path: &str) -> Result<Vec<u8>, LinkError> {
    match client.read_file(path).await? {
        FileRead::File { body, .. } => {
            Ok(body.try_collect::<Vec<Bytes>>().await?.into_iter().flatten().collect())
        }
        FileRead::Folder(_) => panic!("`{path}` is a folder"),
    }
}

async fn names(client: &AgentClient, path: &str) -> Vec<String> {
    match client.read_file(path).await.unwrap() {
        FileRead::Folder(listing) => listing.entries.into_iter().map(|entry| entry.name).collect(),
        FileRead::File { .. } => panic!("`{path}` is a file"),
    }
}

fn code(error: &LinkError) -> &str {
    let problem = error.problem().unwrap();
    assert!(!problem.mend.is_empty());
    &problem.code
}

#[tokio::test]
async fn what_is_written_is_read_back() {
    let bench = bench().await;
    let content: Vec<u8> = (0..3_000_000_u32).map(|i| u8::try_from(i % 253).unwrap()).collect();

    for path in
        ["plain.txt", "a/new/folder/and file with spaces.txt", "ünïcode #?%.txt", &bench.path("absolute")]
    {
        write(&bench.client, path, content.clone()).await.unwrap();
        assert!(read(&bench.client, path).await.unwrap() == content, "{path}");
    }
    write(&bench.client, "empty", "").await.unwrap();
    assert_eq!(read(&bench.client, "empty").await.unwrap(), b"");
    assert!(bench.folder().join("ünïcode #?%.txt").is_file());
}

#[tokio::test]
async fn size_and_time_come_with_a_file() {
    let bench = bench().await;
    write(&bench.client, "file", "12345").await.unwrap();

    let FileRead::File { size, modified_at, .. } = bench.client.read_file("file").await.unwrap() else {
        panic!("a file")
    };

    assert_eq!(size, Some(5));
    assert!(modified_at.is_some());
}

#[tokio::test]
async fn the_kernels_files_can_be_read_though_they_say_they_are_empty() {
    let bench = bench().await;

    let text = read(&bench.client, "/proc/self/status").await.unwrap();

    assert!(String::from_utf8(text).unwrap().starts_with("Name:"));
}

#[tokio::test]
async fn a_folder_is_listed_with_folders_first() {
    let bench = bench().await;
    for file in ["b", "a", "zoo/inner"] {
        write(&bench.client, file, "12").await.unwrap();
    }
    bench.client.make_folder("empty folder").await.unwrap();
    std::os::unix::fs::symlink("nowhere", bench.folder().join("link")).unwrap();

    let FileRead::Folder(listing) = bench.client.read_file("").await.unwrap() else { panic!("a folder") };

    let seen: Vec<_> = listing.entries.iter().map(|e| (&*e.name, &*e.kind, e.size_bytes)).collect();
    let expected = [
        ("empty folder", "folder", 0),
        ("zoo", "folder", 0),
        ("a", "file", 2),
        ("b", "file", 2),
        ("link", "link", 7),
    ];
    assert_eq!(seen, expected);
    assert!(!listing.truncated);
    assert_eq!(names(&bench.client, "zoo/").await, ["inner"]);
}

#[tokio::test]
async fn a_huge_folder_is_cut() {
    let bench = bench().await;
    let folder = bench.folder().join("many");
    std::fs::create_dir(&folder).unwrap();
    for number in 0..10_001 {
        std::fs::File::create(folder.join(number.to_string())).unwrap();
    }

    let FileRead::Folder(listing) = bench.client.read_file("many").await.unwrap() else { panic!("a folder") };

    assert_eq!((listing.entries.len(), listing.truncated), (10_000, true));
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_the_old_content_and_nothing_else() {
    let bench = bench().await;
    write(&bench.client, "file", "old").await.unwrap();

    let broken =
        stream::iter([Ok(Bytes::from(vec![b'x'; 100_000])), Err(std::io::Error::other("cable cut"))]);
    bench.client.write_file("file", broken).await.unwrap_err();

    assert_eq!(read(&bench.client, "file").await.unwrap(), b"old");
    crate::bench::until("the draft is gone", || async { names(&bench.client, "").await == ["file"] }).await;
}

#[tokio::test]
async fn an_upload_whose_sender_goes_away_leaves_nothing() {
    let bench = bench().await;
    let endless = stream::iter([Ok::<_, Infallible>(Bytes::from("begun"))]).chain(stream::pending());

    let client = bench.client.clone();
    let upload = tokio::spawn(async move { client.write_file("file", endless).await });
    crate::bench::until("it is under way", || async { !names(&bench.client, "").await.is_empty() }).await;
    upload.abort();

    crate::bench::until("the draft is gone", || async { names(&bench.client, "").await.is_empty() }).await;
}

#[tokio::test]
async fn what_only_its_owner_may_read_stays_so_while_it_is_written() {
    let bench = bench().await;
    write(&bench.client, "secret", "old").await.unwrap();
    let mode = |name: &str| {
        std::fs::metadata(bench.folder().join(name)).map(|found| found.permissions().mode() & 0o777)
    };
    let usual = mode("secret").unwrap();
    std::fs::set_permissions(bench.folder().join("secret"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let endless = || stream::iter([Ok::<_, Infallible>(Bytes::from("begun"))]).chain(stream::pending());

    for (name, expected) in [("secret", 0o600), ("new", usual)] {
        let (client, body) = (bench.client.clone(), endless());
        let upload = tokio::spawn(async move { client.write_file(name, body).await });
        let is_draft = |name: &String| name.starts_with(".hearth-");
        crate::bench::until("it is under way", || async {
            names(&bench.client, "").await.iter().any(is_draft)
        })
        .await;
        let draft = names(&bench.client, "").await.into_iter().find(is_draft).unwrap();
        assert_eq!(mode(&draft).unwrap(), expected, "{name}");
        upload.abort();
        crate::bench::until("the draft is gone", || async {
            !names(&bench.client, "").await.iter().any(is_draft)
        })
        .await;
    }
}

#[tokio::test]
async fn permissions_and_links_survive_a_write() {
    let bench = bench().await;
    write(&bench.client, "script", "old").await.unwrap();
    let script = bench.folder().join("script");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o750)).unwrap();
    std::os::unix::fs::symlink("script", bench.folder().join("link")).unwrap();

    write(&bench.client, "link", "new").await.unwrap();

    assert_eq!(std::fs::read(&script).unwrap(), b"new");
    assert_eq!(std::fs::metadata(&script).unwrap().permissions().mode() & 0o777, 0o750);
    assert!(std::fs::symlink_metadata(bench.folder().join("link")).unwrap().is_symlink());
}

#[tokio::test]
async fn each_refusal_says_what_is_wrong() {
    let bench = bench().await;
    write(&bench.client, "file", "x").await.unwrap();
    bench.client.make_folder("folder").await.unwrap();
    let client = &bench.client;

    let missing = client.read_file("nothing/here").await.err().unwrap();
    assert_eq!((code(&missing), missing.is_not_found()), ("not_found", true));
    assert!(missing.to_string().contains("nothing/here"), "{missing}");
    assert_eq!(code(&write(client, "folder", "x").await.unwrap_err()), "is_folder");
    // Refused while most of it is still on its way.
    assert_eq!(code(&write(client, "folder", vec![b'x'; 20_000_000]).await.unwrap_err()), "is_folder");
    assert_eq!(code(&write(client, "", "x").await.unwrap_err()), "is_folder");
    assert_eq!(code(&write(client, "file/below", "x").await.unwrap_err()), "invalid");
    assert_eq!(code(&write(client, &"n".repeat(300), "x").await.unwrap_err()), "invalid");
    assert_eq!(code(&client.make_folder("file").await.unwrap_err()), "exists");
    assert_eq!(code(&client.delete_file("nothing").await.unwrap_err()), "not_found");
    assert_eq!(code(&client.delete_file("").await.unwrap_err()), "invalid");
    assert_eq!(code(&client.delete_file("/").await.unwrap_err()), "invalid");
    assert_eq!(code(&client.read_file("/dev/null").await.err().unwrap()), "invalid");
    assert_eq!(code(&write(client, "/proc/new", "x").await.unwrap_err()), "not_found");
}

#[tokio::test]
async fn deleting_takes_folders_with_all_in_them_and_of_links_only_the_link() {
    let bench = bench().await;
    write(&bench.client, "folder/inner/file", "x").await.unwrap();
    write(&bench.client, "kept/file", "x").await.unwrap();
    std::os::unix::fs::symlink("kept", bench.folder().join("link")).unwrap();

    bench.client.delete_file("folder").await.unwrap();
    bench.client.delete_file("link").await.unwrap();

    assert_eq!(names(&bench.client, "").await, ["kept"]);
    assert_eq!(names(&bench.client, "kept").await, ["file"]);
}

#[tokio::test]
async fn making_a_folder_twice_is_fine() {
    let bench = bench().await;

    bench.client.make_folder("a/b/c").await.unwrap();
    bench.client.make_folder("a/b/c").await.unwrap();

    assert!(bench.folder().join("a/b/c").is_dir());
}
