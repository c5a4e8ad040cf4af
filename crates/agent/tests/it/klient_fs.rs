use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kite::{Error, Peer};
use serde_json::{Value, json};

use crate::bench::{Bench, bench, until};
use crate::klient::{Recorder, call, client, try_call};

async fn fs() -> (Bench, Peer) {
    let bench = bench().await;
    let peer = client(&bench).await;
    (bench, peer)
}

async fn refusal(peer: &Peer, method: &str, argument: Value) -> Error {
    let error = try_call(peer, method, argument.clone()).await.expect_err(method);
    assert!(!error.message.is_empty(), "{method} {argument}");
    error
}

/// Kind and code of what a call fails with; an error on files also says what can be done.
async fn refused(peer: &Peer, method: &str, argument: Value) -> (String, String) {
    let error = refusal(peer, method, argument).await;
    assert!(error.kind != "fsError" || error.message.contains(". "), "{error:?}");
    (error.kind, error.code)
}

fn fs_error(code: &str) -> (String, String) {
    ("fsError".into(), code.into())
}

fn names(answer: &Value) -> Vec<&str> {
    answer["files"].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect()
}

fn encoded(content: &[u8]) -> String {
    STANDARD.encode(content)
}

async fn content(peer: &Peer, path: &str) -> Vec<u8> {
    let answer = call(peer, "fs.readFile", json!({ "path": path })).await;
    STANDARD.decode(answer["content"].as_str().unwrap()).unwrap()
}

async fn write(peer: &Peer, path: &str, text: &str) -> Value {
    call(peer, "fs.writeFile", json!({ "path": path, "content": encoded(text.as_bytes()) })).await
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().mode() & 0o7777
}

#[tokio::test]
async fn an_entry_has_exactly_the_fields_of_klient() {
    let (bench, peer) = fs().await;
    std::fs::write(bench.folder().join("a.txt"), "12345").unwrap();
    std::fs::set_permissions(bench.folder().join("a.txt"), PermissionsExt::from_mode(0o640)).unwrap();

    let mut entry = call(&peer, "fs.getInfo", json!({ "path": "a.txt" })).await;

    let time: jiff::Timestamp = entry["time"].as_str().unwrap().parse().unwrap();
    assert!(time.as_second() > 1_600_000_000);
    entry["time"] = json!("then");
    assert_eq!(
        entry,
        json!({
            "name": "a.txt", "fullPath": bench.path("a.txt"), "isDir": false, "exists": true, "size": 5,
            "mode": 0o640, "time": "then", "isBroken": false, "readable": true, "writable": true,
        })
    );
}

#[tokio::test]
async fn what_is_not_there_is_an_entry_too() {
    let (bench, peer) = fs().await;
    write(&peer, "file", "x").await;

    for path in ["missing", "file/below"] {
        let entry = call(&peer, "fs.getInfo", json!({ "path": path })).await;
        assert_eq!(
            entry,
            json!({
                "name": path.rsplit('/').next().unwrap(), "fullPath": bench.path(path), "isDir": false,
                "exists": false, "size": 0, "mode": 0, "time": null, "isBroken": false, "readable": false,
                "writable": false,
            })
        );
    }
}

#[tokio::test]
async fn paths_begin_at_the_workspace_at_home_or_at_the_root() {
    let (bench, peer) = fs().await;
    let home = bench.root.path().join("home").display().to_string();

    for (path, expected) in [
        ("a/../b", bench.path("b")),
        ("~", home.clone()),
        ("~/x/./y", format!("{home}/x/y")),
        ("/etc/../etc", "/etc".into()),
        ("~nobody", bench.path("~nobody")),
    ] {
        let answer = call(&peer, "fs.abs", json!({ "path": path })).await;
        assert_eq!(answer["absPath"], expected);
    }
    let answer = call(&peer, "fs.abs", json!({ "path": "/etc/" })).await;
    assert_eq!(answer, json!({ "absPath": "/etc", "isDir": true, "exist": true }));
    let answer = call(&peer, "fs.abs", json!({ "path": "gone" })).await;
    assert_eq!((&answer["isDir"], &answer["exist"]), (&json!(false), &json!(false)));
}

#[tokio::test]
async fn odd_names_are_shown_and_can_be_addressed() {
    let (bench, peer) = fs().await;
    let odd: [&[u8]; 5] =
        [b"new\nline", b"\"quotes\" and 'more'", "😀 é".as_bytes(), b"bad\xff\xfe", b"-rf *"];
    for name in odd {
        std::fs::write(bench.folder().join(OsStr::from_bytes(name)), name).unwrap();
    }

    let answer = call(&peer, "fs.readDirectory", json!({ "path": "." })).await;

    assert_eq!(names(&answer).len(), 5);
    for name in odd {
        let entry = answer["files"]
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["name"] == *String::from_utf8_lossy(name))
            .unwrap();
        let argument = match entry.get("pathBytes") {
            Some(bytes) => {
                assert_eq!(entry["nameBytes"], encoded(name));
                json!({ "pathBytes": bytes })
            }
            None => json!({ "path": entry["fullPath"] }),
        };
        let read = call(&peer, "fs.readFile", argument.clone()).await;
        assert_eq!(read["content"], encoded(name));
        assert_eq!(call(&peer, "fs.remove", argument).await, true);
    }
    assert!(std::fs::read_dir(bench.folder()).unwrap().next().is_none());
}

#[tokio::test]
async fn a_folder_is_listed_alone_or_with_what_is_below() {
    let (bench, peer) = fs().await;
    for folder in ["src/inner", "node_modules/deep"] {
        std::fs::create_dir_all(bench.folder().join(folder)).unwrap();
    }
    for file in ["b", "a", "src/main.rs", "src/inner/x", "node_modules/deep/y"] {
        write(&peer, file, "12").await;
    }
    symlink("src", bench.folder().join("to-src")).unwrap();
    symlink("nowhere", bench.folder().join("broken")).unwrap();

    let flat = call(&peer, "fs.readDirectory", json!({ "path": "." })).await;
    let deep = json!({ "path": ".", "recursive": true, "ignoreFolders": ["node_modules"] });
    let deep = call(&peer, "fs.readDirectory", deep).await;

    assert_eq!(names(&flat), ["a", "b", "broken", "node_modules", "src", "to-src"]);
    assert_eq!(flat.as_object().unwrap().len(), 1, "neither truncated nor watched");
    assert_eq!(
        names(&deep),
        ["a", "b", "broken", "node_modules", "src", "inner", "x", "main.rs", "to-src"],
        "links are shown and not gone through"
    );
    let by_name = |name: &str| flat["files"].as_array().unwrap().iter().find(|e| e["name"] == name).unwrap();
    assert_eq!((&by_name("broken")["isBroken"], &by_name("broken")["exists"]), (&json!(true), &json!(true)));
    assert_eq!((&by_name("to-src")["isDir"], &by_name("to-src")["isBroken"]), (&json!(true), &json!(false)));
}

#[tokio::test]
async fn a_huge_folder_is_cut_by_count_and_by_bytes() {
    let (bench, peer) = fs().await;
    let (many, long) = (bench.folder().join("many"), bench.folder().join("long"));
    for folder in [&many, &long] {
        std::fs::create_dir(folder).unwrap();
    }
    for number in 0..10_001 {
        std::fs::File::create(many.join(number.to_string())).unwrap();
    }
    for number in 0..6000 {
        std::fs::File::create(long.join(format!("{number:0>240}"))).unwrap();
    }

    let many = call(&peer, "fs.readDirectory", json!({ "path": "many" })).await;
    let long = call(&peer, "fs.readDirectory", json!({ "path": "long" })).await;

    assert_eq!((names(&many).len(), &many["truncated"]), (10_000, &json!(true)));
    assert_eq!(long["truncated"], true);
    assert!((3000..6000).contains(&names(&long).len()));
    assert!(long.to_string().len() < 3_300_000);
}

#[tokio::test]
async fn files_are_listed_while_they_come_and_go() {
    let (bench, peer) = fs().await;
    let folder = bench.folder();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let until = stop.clone();
    let racer = std::thread::spawn(move || {
        for round in 0.. {
            let path = folder.join(format!("file-{}", round % 50));
            if round % 100 < 50 {
                drop(std::fs::write(path, "x"));
            } else {
                drop(std::fs::remove_file(path));
            }
            if until.load(std::sync::atomic::Ordering::Relaxed) {
                break;
            }
        }
    });

    for _ in 0..30 {
        for argument in [json!({ "path": "." }), json!({ "path": ".", "recursive": true })] {
            let answer = call(&peer, "fs.readDirectory", argument).await;
            assert!(answer["files"].as_array().unwrap().iter().all(|entry| entry["exists"] == true));
        }
        call(&peer, "fs.getPathSize", json!({ "path": "." })).await;
    }

    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    racer.join().unwrap();
}

#[tokio::test]
async fn patterns_find_files() {
    let (bench, peer) = fs().await;
    for folder in ["src/deep/er", "home"] {
        std::fs::create_dir_all(bench.folder().join(folder)).unwrap();
    }
    for file in ["a.rs", "b.rs", "c[1].rs", ".hidden.rs", "src/d.rs", "src/deep/er/e.rs", "src/x.txt"] {
        write(&peer, file, "").await;
    }
    symlink(".", bench.folder().join("src/loop")).unwrap();
    let found = async |pattern: &str| -> Vec<String> {
        let answer = call(&peer, "fs.glob", json!({ "pattern": pattern })).await;
        let prefix = bench.path("");
        serde_json::from_value::<Vec<String>>(answer)
            .unwrap()
            .into_iter()
            .map(|path| path.strip_prefix(&prefix).unwrap_or(&path).to_owned())
            .collect()
    };

    assert_eq!(found("*.rs").await, [".hidden.rs", "a.rs", "b.rs", "c[1].rs"]);
    assert_eq!(found("[ab].rs").await, ["a.rs", "b.rs"]);
    assert_eq!(found(r"c\[1].rs").await, ["c[1].rs"]);
    assert_eq!(found("a.rs").await, ["a.rs"]);
    assert_eq!(found("nothing*").await, Vec::<String>::new());
    assert_eq!(found("**/*.rs").await.len(), 6);
    assert_eq!(found("src/**/?.rs").await, ["src/d.rs", "src/deep/er/e.rs"]);
    assert_eq!(found("src/**/er/*").await, ["src/deep/er/e.rs"]);
    assert_eq!(found("src/loop/d.rs").await, ["src/loop/d.rs"], "a link that is named is followed");
    assert_eq!(found("src/d*/**").await, ["src/deep/er", "src/deep/er/e.rs"]);
    assert_eq!(found(&bench.path("src/*.txt")).await, ["src/x.txt"]);
    assert_eq!(found("/etc/passw?").await, ["/etc/passwd"]);
    assert_eq!(found("*/../a.rs").await, ["home/../a.rs", "src/../a.rs"]);
    std::fs::write(bench.root.path().join("home/in-home"), "").unwrap();
    assert_eq!(found("~/in*").await.len(), 1);
    let (kind, _) = refused(&peer, "fs.glob", json!({ "pattern": "[" })).await;
    assert_eq!(kind, "argumentError");
    // Too many to be answered; half an answer would look like a whole one.
    assert_eq!(
        refused(&peer, "fs.glob", json!({ "pattern": "/proc/*/task/*/**" })).await,
        fs_error("too_many")
    );
}

#[tokio::test]
async fn a_file_is_read_whole_or_in_blocks() {
    let (bench, peer) = fs().await;
    let bytes: Vec<u8> = (0..5_000_000_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
    std::fs::write(bench.folder().join("large"), &bytes).unwrap();
    std::fs::write(bench.folder().join("empty"), "").unwrap();

    let mut read = Vec::new();
    loop {
        let argument = json!({ "path": "large", "offset": read.len(), "blockSize": 2 << 20 });
        let block = call(&peer, "fs.readFile", argument).await;
        let block = STANDARD.decode(block["content"].as_str().unwrap()).unwrap();
        read.extend_from_slice(&block);
        if block.len() < 2 << 20 {
            break;
        }
    }

    assert!(read == bytes);
    assert_eq!(content(&peer, "empty").await, b"");
    let tail = call(&peer, "fs.readFile", json!({ "path": "large", "offset": 4_999_990 })).await;
    assert_eq!(STANDARD.decode(tail["content"].as_str().unwrap()).unwrap(), bytes[4_999_990..]);
    let beyond = call(&peer, "fs.readFile", json!({ "path": "large", "offset": 6_000_000 })).await;
    assert_eq!(beyond["content"], "");
    assert!(content(&peer, "/proc/self/status").await.starts_with(b"Name:"));
    let error = refusal(&peer, "fs.readFile", json!({ "path": "large" })).await;
    assert_eq!((&*error.kind, &*error.code), ("fsError", "too_large"));
    assert!(error.message.contains("blockSize"), "{error}");
    let block = json!({ "path": "large", "blockSize": 3 << 20 });
    assert_eq!(refused(&peer, "fs.readFile", block).await, fs_error("too_large"));
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct ReadInBlocks {
    path: &'static str,
    offset: u64,
    on_block: kite::Function,
}

#[tokio::test]
async fn a_large_file_is_sent_in_blocks_as_fast_as_it_is_taken() {
    let (bench, peer) = fs().await;
    let bytes: Vec<u8> = (0..20_000_000_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
    std::fs::write(bench.folder().join("large"), &bytes).unwrap();
    let recorder = Recorder::new();

    let argument = ReadInBlocks { path: "large", offset: 7, on_block: recorder.function("block") };
    let answer = call(&peer, "fs.readFile", argument).await;

    assert_eq!(answer, json!({ "content": "" }));
    let mut read = Vec::new();
    while read.len() < bytes.len() - 7 {
        let (_, arguments) = recorder.next().await;
        assert_eq!(arguments[0]["offset"], read.len() + 7);
        read.extend(STANDARD.decode(arguments[0]["content"].as_str().unwrap()).unwrap());
    }
    assert!(read == bytes[7..]);
}

#[tokio::test]
async fn pipes_devices_and_sockets_are_never_opened() {
    let (bench, peer) = fs().await;
    let fifo = bench.folder().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(bench.folder().join("socket")).unwrap();
    symlink("fifo", bench.folder().join("to-fifo")).unwrap();

    for path in ["fifo", "socket", "to-fifo", "/dev/null", "/dev/zero"] {
        assert_eq!(
            refused(&peer, "fs.readFile", json!({ "path": path })).await,
            fs_error("invalid"),
            "{path}"
        );
        for extra in
            [json!({}), json!({ "append": true }), json!({ "offset": 5 }), json!({ "lastContentHash": "00" })]
        {
            let mut argument = json!({ "path": path, "content": encoded(b"x") });
            argument.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            assert_eq!(refused(&peer, "fs.writeFile", argument).await, fs_error("invalid"), "{path}");
        }
        if path != "to-fifo" {
            let copy = json!({ "srcPath": path, "dstPath": "copy" });
            assert_eq!(refused(&peer, "fs.copy", copy).await, fs_error("invalid"), "{path}");
            assert!(!bench.folder().join("copy").exists());
        }
    }
    // They can be looked at, all the same.
    let listed = call(&peer, "fs.readDirectory", json!({ "path": "." })).await;
    assert!(names(&listed).contains(&"fifo"));
    assert_eq!(call(&peer, "fs.getPathSize", json!({ "path": "." })).await, 0);
    assert_eq!(call(&peer, "fs.remove", json!({ "path": "fifo" })).await, true);
}

#[tokio::test]
async fn a_file_is_written_whole_at_its_end_or_in_the_middle() {
    let (bench, peer) = fs().await;
    let file = bench.folder().join("file");

    assert_eq!(write(&peer, "file", "0123456789").await, 10);
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o700)).unwrap();
    let piece = |extra: Value| {
        let mut argument = json!({ "path": "file", "content": encoded(b"ab") });
        argument.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        argument
    };
    assert_eq!(call(&peer, "fs.writeFile", piece(json!({ "append": true }))).await, 2);
    assert_eq!(call(&peer, "fs.writeFile", piece(json!({ "offset": 3 }))).await, 2);

    assert_eq!(std::fs::read(&file).unwrap(), b"012ab56789ab");
    assert_eq!(write(&peer, "file", "short").await, 5);
    assert_eq!(std::fs::read(&file).unwrap(), b"short");
    assert_eq!(mode(&file), 0o700, "the permissions stay");
    call(&peer, "fs.writeFile", json!({ "path": "sparse", "content": "YQ", "offset": 100_000 })).await;
    assert_eq!(std::fs::metadata(bench.folder().join("sparse")).unwrap().len(), 100_001);
    call(&peer, "fs.writeFile", json!({ "path": "new", "content": "YQ", "append": true })).await;
    assert_eq!(content(&peer, "new").await, b"a");
    call(&peer, "fs.writeFile", json!({ "path": "null", "content": null, "append": null })).await;
    assert_eq!(content(&peer, "null").await, b"");
    for wrong in [json!({ "append": true, "offset": 1 }), json!({ "content": "%" }), json!({ "offset": -1 })]
    {
        assert_eq!(refused(&peer, "fs.writeFile", piece(wrong)).await.0, "argumentError");
    }
    for method in ["fs.writeFile", "fs.readFile"] {
        let error = refusal(&peer, method, piece(json!({ "offset": u64::MAX }))).await;
        assert!(error.code == "invalid" && error.message.contains("`offset`"), "{error:?}");
    }
    assert_eq!(
        refused(&peer, "fs.writeFile", json!({ "path": "no/such/folder", "content": "" })).await,
        fs_error("not_found")
    );
    assert_eq!(std::fs::read_dir(bench.folder()).unwrap().count(), 4, "no drafts are left");
}

#[tokio::test]
async fn a_file_is_not_overwritten_where_that_was_said() {
    let (bench, peer) = fs().await;
    let argument = json!({ "path": "file", "content": encoded(b"mine"), "doNotOverwrite": true });

    let calls = (0..20).map(|_| try_call(&peer, "fs.writeFile", argument.clone()));
    let answers = futures_util::future::join_all(calls).await;

    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "of many at once, one");
    assert_eq!(refused(&peer, "fs.writeFile", argument).await, fs_error("exists"));
    symlink("nowhere", bench.folder().join("link")).unwrap();
    let link = json!({ "path": "link", "content": "", "doNotOverwrite": true });
    assert_eq!(refused(&peer, "fs.writeFile", link).await, fs_error("exists"));
    assert_eq!(content(&peer, "file").await, b"mine");
    assert_eq!(std::fs::read_dir(bench.folder()).unwrap().count(), 2);
}

#[tokio::test]
async fn of_two_who_saw_the_same_content_one_gets_through() {
    let (_bench, peer) = fs().await;
    write(&peer, "file", "hello").await;
    let hash = "5D41402ABC4B2A76B9719D911017C592";
    let argument = |number: usize| json!({ "path": "file", "content": encoded(number.to_string().as_bytes()), "lastContentHash": hash });

    let calls = (0..20).map(|number| try_call(&peer, "fs.writeFile", argument(number)));
    let answers = futures_util::future::join_all(calls).await;

    let winners: Vec<usize> = (0..20).filter(|number| answers[*number].is_ok()).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(content(&peer, "file").await, winners[0].to_string().as_bytes());
    for answer in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert_eq!((&*answer.kind, &*answer.code), ("fsError", "conflict"));
        assert!(answer.message.contains("lastContentHash"), "{answer}");
    }
    call(&peer, "fs.remove", json!({ "path": "file" })).await;
    assert_eq!(refused(&peer, "fs.writeFile", argument(1)).await, fs_error("conflict"));
}

#[tokio::test]
async fn a_free_name_is_found() {
    let (_bench, peer) = fs().await;
    let unique = async |path: &str| {
        let path = call(&peer, "fs.uniquePath", json!({ "path": path })).await;
        path.as_str().unwrap().rsplit('/').next().unwrap().to_owned()
    };

    assert_eq!(unique("a.txt").await, "a.txt");
    for name in ["a.txt", "a_1.txt", ".bashrc", "Makefile", "b.tar.gz"] {
        write(&peer, name, "").await;
    }
    assert_eq!(unique("a.txt").await, "a_2.txt");
    assert_eq!(unique(".bashrc").await, ".bashrc_1");
    assert_eq!(unique("Makefile").await, "Makefile_1");
    assert_eq!(unique("b.tar.gz").await, "b.tar_1.gz");
}

#[tokio::test]
async fn permissions_are_set_on_one_or_on_all_but_never_through_links() {
    let (bench, peer) = fs().await;
    std::fs::create_dir_all(bench.folder().join("tree/inner")).unwrap();
    write(&peer, "tree/inner/file", "x").await;
    write(&peer, "outside", "x").await;
    let outside = bench.folder().join("outside");
    std::fs::set_permissions(&outside, PermissionsExt::from_mode(0o644)).unwrap();
    symlink("../outside", bench.folder().join("tree/link")).unwrap();
    symlink("/", bench.folder().join("tree/root")).unwrap();
    let set = async |path: &str, mode: u32, recursive: bool| {
        call(&peer, "fs.setPermissions", json!({ "path": path, "mode": mode, "recursive": recursive })).await
    };

    assert_eq!(set("tree", 0o750, true).await, true);
    for path in ["tree", "tree/inner", "tree/inner/file"] {
        assert_eq!(mode(&bench.folder().join(path)), 0o750, "{path}");
    }
    assert_eq!(mode(&outside), 0o644);
    set("tree/inner", 0o000, true).await;
    set("tree", 0o755, true).await;
    assert_eq!(mode(&bench.folder().join("tree/inner/file")), 0o755);
    set("tree/link", 0o600, false).await;
    assert_eq!(mode(&outside), 0o600, "one that is named is followed, as `chmod` does");
    let link = json!({ "path": "tree/link", "mode": 0, "recursive": true });
    assert_eq!(refused(&peer, "fs.setPermissions", link).await, fs_error("invalid"));
    let go = json!({ "path": "tree", "mode": 2_147_484_141_u32 });
    assert_eq!(refused(&peer, "fs.setPermissions", go).await.0, "argumentError", "Go's bits are refused");
}

#[tokio::test]
async fn removing_takes_links_themselves_and_never_the_workspace() {
    let (bench, peer) = fs().await;
    std::fs::create_dir_all(bench.folder().join("full/inner")).unwrap();
    std::fs::create_dir(bench.folder().join("empty")).unwrap();
    std::fs::create_dir(bench.folder().join("kept")).unwrap();
    write(&peer, "kept/file", "x").await;
    write(&peer, "full/inner/file", "x").await;
    symlink("../kept", bench.folder().join("full/link")).unwrap();
    symlink("kept", bench.folder().join("link")).unwrap();
    let remove = async |path: &str, recursive: bool| {
        try_call(&peer, "fs.remove", json!({ "path": path, "recursive": recursive })).await
    };

    assert_eq!(remove("full", false).await.unwrap_err().code, "not_empty");
    for (path, recursive) in [("full", true), ("empty", false), ("link", true)] {
        assert_eq!(remove(path, recursive).await.unwrap(), true, "{path}");
    }
    assert_eq!(content(&peer, "kept/file").await, b"x");
    assert_eq!(remove("full", false).await.unwrap_err().code, "not_found");
    symlink(bench.root.path(), bench.root.path().join("home/up")).unwrap();
    for path in [".", "~", "/", "..", "kept/..", "~/up/home", "~/up/workspace/../home"] {
        let error = remove(path, true).await.expect_err(path);
        assert_eq!(error.code, "invalid", "{path}: {error}");
    }
    assert!(bench.folder().join("kept/file").exists() && bench.root.path().join("home/up").exists());
}

#[tokio::test]
async fn moving_takes_everything_along() {
    let (bench, peer) = fs().await;
    std::fs::create_dir_all(bench.folder().join("tree/inner")).unwrap();
    write(&peer, "tree/inner/file", "x").await;
    write(&peer, "other", "y").await;
    let paths = |old: &str, new: &str| json!({ "oldPath": old, "newPath": new });

    assert_eq!(call(&peer, "fs.rename", paths("tree", "moved")).await, true);
    assert_eq!(call(&peer, "fs.move", paths("other", "moved/inner/file")).await, true);

    assert_eq!(content(&peer, "moved/inner/file").await, b"y", "what had the name is replaced");
    assert_eq!(refused(&peer, "fs.move", paths("moved", "moved/inner/x")).await, fs_error("invalid"));
    assert_eq!(refused(&peer, "fs.move", paths("gone", "x")).await, fs_error("not_found"));
    assert_eq!(refused(&peer, "fs.move", paths("moved", "no/such/place")).await, fs_error("not_found"));
    assert_eq!(refused(&peer, "fs.move", paths(".", "/tmp/elsewhere")).await, fs_error("invalid"));
    assert_eq!(refused(&peer, "fs.rename", json!({ "oldPath": "moved" })).await.0, "argumentError");
    assert!(bench.folder().join("moved/inner/file").exists());
}

#[tokio::test]
async fn moving_to_another_file_system_copies_and_removes() {
    let (bench, peer) = fs().await;
    let elsewhere = tempfile::tempdir_in("/dev/shm").ok().filter(|there| {
        std::fs::metadata(there.path()).unwrap().dev() != std::fs::metadata(bench.folder()).unwrap().dev()
    });
    let Some(elsewhere) = elsewhere else {
        return eprintln!("skipped: /dev/shm is no other file system");
    };
    std::fs::create_dir(bench.folder().join("tree")).unwrap();
    write(&peer, "tree/file", "x").await;
    let there = elsewhere.path().join("tree");

    call(&peer, "fs.move", json!({ "oldPath": "tree", "newPath": there })).await;

    assert_eq!(std::fs::read(there.join("file")).unwrap(), b"x");
    assert!(!bench.folder().join("tree").exists());
}

#[tokio::test]
async fn copies_keep_permissions_and_links() {
    let (bench, peer) = fs().await;
    let tree = bench.folder().join("tree");
    std::fs::create_dir_all(tree.join("locked")).unwrap();
    write(&peer, "tree/locked/script", "#!/bin/sh").await;
    symlink("script", tree.join("locked/link")).unwrap();
    symlink("nowhere", tree.join("broken")).unwrap();
    std::fs::set_permissions(tree.join("locked/script"), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::set_permissions(tree.join("locked"), PermissionsExt::from_mode(0o555)).unwrap();
    let paths = |from: &str, to: &str| json!({ "srcPath": from, "dstPath": to });

    assert_eq!(call(&peer, "fs.copy", paths("tree", "copy")).await, true);

    let copy = bench.folder().join("copy");
    assert_eq!((mode(&copy.join("locked")), mode(&copy.join("locked/script"))), (0o555, 0o755));
    assert_eq!(std::fs::read_link(copy.join("locked/link")).unwrap(), Path::new("script"));
    assert_eq!(std::fs::read_link(copy.join("broken")).unwrap(), Path::new("nowhere"));
    assert_eq!(std::fs::read(copy.join("locked/script")).unwrap(), b"#!/bin/sh");
    assert_eq!(refused(&peer, "fs.copy", paths("tree", "copy")).await, fs_error("exists"));
    assert_eq!(refused(&peer, "fs.copy", paths("tree", "tree/inner")).await, fs_error("invalid"));
    assert_eq!(refused(&peer, "fs.copy", paths("gone", "x")).await, fs_error("not_found"));
    for folder in [tree.join("locked"), copy.join("locked")] {
        std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
    }
}

#[tokio::test]
async fn a_copy_that_does_not_end_well_leaves_nothing() {
    let (bench, peer) = fs().await;
    std::fs::create_dir_all(bench.folder().join("tree/a")).unwrap();
    write(&peer, "tree/a/file", "x").await;
    let _socket = std::os::unix::net::UnixListener::bind(bench.folder().join("tree/socket")).unwrap();

    let error = refused(&peer, "fs.copy", json!({ "srcPath": "tree", "dstPath": "copy" })).await;

    assert_eq!(error, fs_error("invalid"));
    assert!(!bench.folder().join("copy").exists());
}

#[tokio::test]
async fn folders_are_made() {
    let (bench, peer) = fs().await;
    let make = async |path: &str, recursive: bool| {
        try_call(&peer, "fs.createDirectory", json!({ "path": path, "recursive": recursive })).await
    };

    assert_eq!(make("a", false).await.unwrap(), true);
    assert_eq!(make("b/c/d", true).await.unwrap(), true);
    assert_eq!(make("b/c/d", true).await.unwrap(), true);
    assert!(bench.folder().join("b/c/d").is_dir());
    assert_eq!(make("a", false).await.unwrap_err().code, "exists");
    assert_eq!(make("x/y", false).await.unwrap_err().code, "not_found");
}

#[tokio::test]
async fn disks_and_trees_are_measured() {
    let (bench, peer) = fs().await;
    std::fs::create_dir(bench.folder().join("tree")).unwrap();
    write(&peer, "tree/a", "12345").await;
    write(&peer, "tree/b", "123").await;
    std::fs::hard_link(bench.folder().join("tree/a"), bench.folder().join("tree/again")).unwrap();
    symlink("a", bench.folder().join("tree/link")).unwrap();
    symlink("/", bench.folder().join("tree/root")).unwrap();

    assert_eq!(call(&peer, "fs.getPathSize", json!({ "path": "tree" })).await, 8);
    assert_eq!(call(&peer, "fs.getPathSize", json!({ "path": "tree/b" })).await, 3);
    assert_eq!(refused(&peer, "fs.getPathSize", json!({ "path": "gone" })).await, fs_error("not_found"));
    let disk = call(&peer, "fs.getDiskInfo", json!({ "path": "." })).await;
    let number = |field: &str| disk[field].as_u64().unwrap();
    assert_eq!(disk.as_object().unwrap().len(), 5);
    assert_eq!(number("blocksTotal"), number("blocksFree") + number("blocksUsed"));
    assert!(number("blockSize") > 0 && number("ioSize") > 0);
}

#[tokio::test]
async fn what_the_user_may_not_is_refused() {
    let (bench, peer) = fs().await;
    if rustix::process::geteuid().is_root() {
        // Nothing is forbidden to root but what the kernel keeps to itself.
        assert_eq!(refused(&peer, "fs.createDirectory", json!({ "path": "/proc/new" })).await.0, "fsError");
        return eprintln!("skipped: root may everything");
    }
    let locked = bench.folder().join("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::write(locked.join("file"), "x").unwrap();
    std::fs::set_permissions(locked.join("file"), PermissionsExt::from_mode(0o000)).unwrap();
    assert_eq!(refused(&peer, "fs.readFile", json!({ "path": "locked/file" })).await, fs_error("permission"));
    std::fs::set_permissions(&locked, PermissionsExt::from_mode(0o000)).unwrap();

    for (method, argument) in [
        ("fs.readDirectory", json!({ "path": "locked" })),
        ("fs.getInfo", json!({ "path": "locked/file" })),
        ("fs.writeFile", json!({ "path": "locked/file", "content": "" })),
        ("fs.remove", json!({ "path": "locked/file" })),
        ("fs.createDirectory", json!({ "path": "locked/new" })),
        ("fs.getPathSize", json!({ "path": "locked" })),
    ] {
        assert_eq!(refused(&peer, method, argument).await, fs_error("permission"), "{method}");
    }
    let entry = call(&peer, "fs.getInfo", json!({ "path": "locked" })).await;
    assert_eq!((&entry["readable"], &entry["writable"]), (&json!(false), &json!(false)));
    std::fs::set_permissions(&locked, PermissionsExt::from_mode(0o700)).unwrap();
}

#[tokio::test]
async fn an_argument_that_is_none_is_refused_by_name() {
    let (_bench, peer) = fs().await;

    for argument in [json!({}), json!({ "path": "" }), json!({ "path": null }), json!({ "pathBytes": "AA" })]
    {
        let error = refusal(&peer, "fs.getInfo", argument).await;
        assert_eq!(error.kind, "argumentError");
        assert!(error.message.contains("path"), "{error}");
    }
    for argument in [json!(5), json!({ "path": 5 }), json!(null)] {
        assert_eq!(refusal(&peer, "fs.getInfo", argument).await.kind, "argumentError");
    }
}

#[tokio::test]
async fn a_copy_ends_when_its_caller_goes_and_leaves_nothing() {
    let (bench, peer) = fs().await;
    let (tree, copy) = (bench.folder().join("tree"), bench.folder().join("copy"));
    std::fs::create_dir(&tree).unwrap();
    for number in 0..6000 {
        std::fs::File::create(tree.join(number.to_string())).unwrap();
    }
    let calling = peer.clone();
    let call = tokio::spawn(async move {
        try_call(&calling, "fs.copy", json!({ "srcPath": "tree", "dstPath": "copy" })).await
    });
    while !copy.exists() {
        tokio::task::yield_now().await;
    }

    peer.close();

    assert_eq!(call.await.unwrap().unwrap_err().kind, "disconnect");
    until("what was copied is removed", || async { !copy.exists() }).await;
    assert_eq!(std::fs::read_dir(&tree).unwrap().count(), 6000);
}
