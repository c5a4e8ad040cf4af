//! Watches of `fs.readDirectory`, on a real disk with the real kernel.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kite::{Arguments, Callback, Function, Functions, Peer};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bench::{Bench, LIMIT, bench, until};
use crate::klient::{Recorder, a_while, call, client, try_call};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Watch {
    path: String,
    recursive: bool,
    ignore_folders: Vec<&'static str>,
    on_change: Function,
}

fn flat(path: &str, on_change: Function) -> Watch {
    Watch { path: path.into(), recursive: false, ignore_folders: vec![], on_change }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Watching {
    files: Vec<Value>,
    stop_watching: Callback,
}

async fn watch(peer: &Peer, wish: Watch) -> Watching {
    peer.request("fs.readDirectory").args((wish,)).timeout(LIMIT).send().await.unwrap()
}

async fn watched() -> (Bench, Peer) {
    let bench = bench().await;
    let peer = client(&bench).await;
    (bench, peer)
}

/// The next event: what, of which name, and its old path's last part.
async fn event(recorder: &Recorder) -> (String, String, Option<String>) {
    let (_, arguments) = recorder.next().await;
    assert_eq!(arguments.len(), 1);
    let text = |value: &Value| value.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let told = &arguments[0];
    (text(&told["event"]), text(&told["file"]["fullPath"]), told.get("oldPath").map(text))
}

fn told(event: &str, name: &str) -> (String, String, Option<String>) {
    (event.into(), name.into(), None)
}

#[tokio::test]
async fn each_kind_of_change_is_told() {
    let (bench, peer) = watched().await;
    let folder = bench.folder();
    std::fs::write(folder.join("old"), "x").unwrap();
    let recorder = Recorder::new();
    let watching = watch(&peer, flat(".", recorder.function("change"))).await;
    assert_eq!(watching.files.len(), 1);

    std::fs::write(folder.join("new"), "12345").unwrap();
    let (_, arguments) = recorder.next().await;
    let added = &arguments[0];
    assert_eq!((&added["event"], &added["file"]["name"]), (&json!("added"), &json!("new")));
    assert_eq!((&added["file"]["size"], &added["file"]["exists"]), (&json!(5), &json!(true)));

    std::fs::write(folder.join("old"), "changed").unwrap();
    assert_eq!(event(&recorder).await, told("modified", "old"));
    std::fs::rename(folder.join("old"), folder.join("moved")).unwrap();
    assert_eq!(event(&recorder).await, ("renamed".into(), "moved".into(), Some("old".into())));
    std::fs::create_dir(folder.join("sub")).unwrap();
    assert_eq!(event(&recorder).await, told("added", "sub"));
    std::fs::set_permissions(folder.join("new"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    assert_eq!(event(&recorder).await, told("modified", "new"));
    std::fs::write(folder.join("sub/inner"), "").unwrap();
    std::fs::remove_file(folder.join("new")).unwrap();
    assert_eq!(event(&recorder).await, told("removed", "new"), "what is below is not watched");
    std::fs::rename(folder.join("moved"), bench.root.path().join("away")).unwrap();
    assert_eq!(event(&recorder).await, told("removed", "moved"));
    std::fs::rename(bench.root.path().join("away"), folder.join("back")).unwrap();
    assert_eq!(event(&recorder).await, told("added", "back"));
    let odd = OsStr::from_bytes(b"bad\xff");
    std::fs::write(folder.join(odd), "").unwrap();
    let (_, arguments) = recorder.next().await;
    let path = arguments[0]["file"]["pathBytes"].clone();
    assert_eq!(call(&peer, "fs.getInfo", json!({ "pathBytes": path })).await["exists"], true);
}

#[tokio::test]
async fn a_file_that_an_editor_or_we_replace_is_told_as_modified() {
    let (bench, peer) = watched().await;
    std::fs::write(bench.folder().join("file"), "x").unwrap();
    let recorder = Recorder::new();
    watch(&peer, flat(".", recorder.function("change"))).await;
    a_while().await;

    std::fs::write(bench.folder().join("mark"), "").unwrap();
    assert_eq!(event(&recorder).await, told("added", "mark"));
    a_while().await;
    call(&peer, "fs.writeFile", json!({ "path": "file", "content": "YWJj" })).await;

    let (_, arguments) = recorder.next().await;
    assert_eq!((&arguments[0]["event"], &arguments[0]["file"]["name"]), (&json!("modified"), &json!("file")));
    assert_eq!(arguments[0]["file"]["size"], 3);
    a_while().await;
    assert!(recorder.is_empty());
}

#[tokio::test]
async fn everybody_who_watches_is_told_and_whoever_stops_is_not() {
    let (bench, first) = watched().await;
    let second = client(&bench).await;
    let (one, two, three) = (Recorder::new(), Recorder::new(), Recorder::new());
    watch(&first, flat(".", one.function("change"))).await;
    let twice = watch(&first, flat(".", two.function("change"))).await;
    watch(&second, flat(".", three.function("change"))).await;

    std::fs::write(bench.folder().join("a"), "").unwrap();
    for recorder in [&one, &two, &three] {
        assert_eq!(event(recorder).await, told("added", "a"));
    }
    twice.stop_watching.call(()).await.unwrap();
    call(&first, "fs.getInfo", json!({ "path": "a" })).await;
    a_while().await;
    first.close();
    std::fs::write(bench.folder().join("b"), "").unwrap();

    assert_eq!(event(&three).await, told("added", "b"));
    assert!(two.is_empty());
}

#[tokio::test]
async fn watches_end_with_their_connection_and_with_their_folder() {
    let (bench, peer) = watched().await;
    let sub = bench.folder().join("sub");
    std::fs::create_dir_all(sub.join("inner")).unwrap();
    let gone = Recorder::new();
    watch(&peer, Watch { recursive: true, ..flat("sub", gone.function("change")) }).await;
    let other = client(&bench).await;
    let unheard = Recorder::new();
    watch(&other, Watch { recursive: true, ..flat(".", unheard.function("change")) }).await;
    assert_eq!(inotify_folders(), 3, "one for each folder, whoever watches it");

    std::fs::remove_dir_all(&sub).unwrap();
    assert_eq!(event(&gone).await, told("removed", "inner"));
    assert_eq!(event(&gone).await, told("removed", "sub"));
    other.close();
    until("nothing is watched", || async { inotify_folders() == 0 }).await;

    std::fs::create_dir(&sub).unwrap();
    let moved = Recorder::new();
    watch(&peer, flat("sub", moved.function("change"))).await;
    std::fs::rename(&sub, bench.folder().join("elsewhere")).unwrap();
    assert_eq!(event(&moved).await, told("removed", "sub"), "by its path it is gone");
    until("nothing is watched", || async { inotify_folders() == 0 }).await;
}

/// Folders that this process watches.
fn inotify_folders() -> usize {
    std::fs::read_dir("/proc/self/fdinfo")
        .unwrap()
        .filter_map(|info| std::fs::read_to_string(info.ok()?.path()).ok())
        .map(|info| info.lines().filter(|line| line.starts_with("inotify wd:")).count())
        .sum()
}

#[tokio::test]
async fn what_cannot_be_watched_is_refused() {
    let (bench, peer) = watched().await;
    std::fs::write(bench.folder().join("file"), "").unwrap();
    let recorder = Recorder::new();

    for (path, code) in [("gone", "not_found"), ("file", "invalid")] {
        let error = try_call(&peer, "fs.readDirectory", flat(path, recorder.function("change"))).await;
        assert_eq!(error.unwrap_err().code, code, "{path}");
    }
    let folder = bench.folder().join("many");
    for number in 0..8200 {
        std::fs::create_dir_all(folder.join(number.to_string())).unwrap();
    }
    let wish = Watch { recursive: true, ..flat("many", recorder.function("change")) };
    let error = try_call(&peer, "fs.readDirectory", wish).await.unwrap_err();
    assert_eq!(error.code, "too_many");
    assert!(error.message.contains("ignoreFolders"), "{error}");
    assert_eq!(inotify_folders(), 0);
}

#[tokio::test]
async fn a_tree_that_grows_beyond_what_is_watched_ends_the_watch_and_says_so() {
    let (bench, peer) = watched().await;
    let recorder = Recorder::new();
    watch(&peer, Watch { recursive: true, ..flat(".", recorder.function("change")) }).await;

    let folder = bench.folder();
    let growing = tokio::task::spawn_blocking(move || {
        for number in 0..8200 {
            std::fs::create_dir(folder.join(number.to_string())).unwrap();
        }
    });
    let ended = loop {
        let (_, mut arguments) = recorder.next().await;
        if arguments[0]["event"] == "ended" {
            break arguments.remove(0);
        }
    };
    growing.await.unwrap();

    assert!(ended["reason"].as_str().unwrap().contains("ignoreFolders"), "{ended}");
    assert_eq!(
        (&ended["file"]["fullPath"], &ended["file"]["exists"]),
        (&json!(bench.folder()), &json!(true))
    );
    until("nothing is watched", || async { inotify_folders() == 0 }).await;
    assert!(recorder.is_empty());
}

#[tokio::test]
async fn a_folder_that_goes_away_among_more_than_the_kernel_keeps_is_told_as_removed() {
    let (bench, peer) = watched().await;
    let sub = bench.folder().join("sub");
    std::fs::create_dir(&sub).unwrap();
    let recorder = Recorder::new();
    watch(&peer, flat("sub", recorder.function("change"))).await;

    // Without a pause, so that nobody takes what the kernel keeps: two of each, and 16 384 fit.
    for number in 0..10_000 {
        std::fs::write(sub.join(number.to_string()), "x").unwrap();
    }
    std::fs::rename(&sub, bench.folder().join("elsewhere")).unwrap();

    loop {
        let told = event(&recorder).await;
        if told.1 == "sub" && told.0 != "overflow" {
            assert_eq!(told.0, "removed");
            break;
        }
    }
    until("nothing is watched", || async { inotify_folders() == 0 }).await;
}

#[tokio::test]
async fn nobody_is_told_of_what_is_still_being_written() {
    let (bench, peer) = watched().await;
    let home = bench.root.path().join("home");
    std::fs::create_dir_all(home.join(".hearth/klient")).unwrap();
    std::fs::create_dir(home.join(".ssh")).unwrap();
    let recorder = Recorder::new();
    for folder in ["~/.hearth/klient", "~/.ssh"] {
        watch(&peer, flat(folder, recorder.function("change"))).await;
    }

    call(&peer, "storage.set", json!({ "key": "key", "value": "value" })).await;
    let (event, name, _) = event(&recorder).await;
    assert_eq!((&*event, &*name), ("added", "storage.json"));
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOY7mk5l2aQOQi+A1T8AqRk7K+GiCuV1+emsNYFi9Bb9 ada@laptop";
    call(&peer, "sshkeys.add", json!({ "keys": [key] })).await;
    loop {
        let (event, name, _) = self::event(&recorder).await;
        if name == "authorized_keys" {
            assert_eq!(event, "added");
            break;
        }
        // The permissions of its folder are set, too.
        assert!(!name.contains(".hearth-") && !name.starts_with('.'), "{event} {name}");
    }
    a_while().await;
    while !recorder.is_empty() {
        assert_eq!(self::event(&recorder).await.1, "authorized_keys");
    }
}

/// What is in a folder and below: what it is, and how large files are.
type Seen = BTreeMap<PathBuf, Option<u64>>;

fn seen_on_disk(folder: &Path) -> Seen {
    let mut seen = Seen::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let is_dir = entry.file_type().unwrap().is_dir();
        seen.insert(entry.path(), (!is_dir).then(|| entry.metadata().unwrap().len()));
        if is_dir {
            seen.extend(seen_on_disk(&entry.path()));
        }
    }
    seen
}

/// A client that keeps what it is told, as a file tree in a browser does.
#[derive(Clone, Default)]
struct Mirror {
    seen: Arc<Mutex<Seen>>,
    events: Arc<Mutex<Vec<String>>>,
    must_read: Arc<Mutex<bool>>,
}

impl Mirror {
    fn function(&self, group: &Functions) -> Function {
        let mirror = self.clone();
        group.add(move |arguments: Arguments| {
            mirror.take(&arguments.raw()[0]);
            std::future::ready(())
        })
    }

    fn take(&self, told: &Value) {
        let mut seen = self.seen.lock().unwrap();
        let path = PathBuf::from(told["file"]["fullPath"].as_str().unwrap());
        let event = told["event"].as_str().unwrap();
        self.events.lock().unwrap().push(event.to_owned());
        match event {
            "added" | "modified" => put(&mut seen, &told["file"]),
            "removed" => seen.retain(|known, _| !known.starts_with(&path)),
            "renamed" => {
                let from = PathBuf::from(told["oldPath"].as_str().unwrap());
                let moved: Vec<_> = seen.keys().filter(|known| known.starts_with(&from)).cloned().collect();
                if !moved.is_empty() {
                    seen.retain(|known, _| !known.starts_with(&path));
                }
                for old in moved {
                    if let Some(what) = seen.remove(&old) {
                        let new = path.join(old.strip_prefix(&from).unwrap()).components().collect();
                        seen.insert(new, what);
                    }
                }
                if told["file"]["exists"] == true {
                    put(&mut seen, &told["file"]);
                }
            }
            "overflow" => *self.must_read.lock().unwrap() = true,
            other => panic!("{other}"),
        }
    }

    /// Reads the folder anew, if that was asked for.
    async fn read_if_asked(&self, peer: &Peer) {
        if std::mem::take(&mut *self.must_read.lock().unwrap()) {
            let answer = call(peer, "fs.readDirectory", json!({ "path": ".", "recursive": true })).await;
            self.fill(answer["files"].as_array().unwrap());
        }
    }

    fn fill(&self, files: &[Value]) {
        let mut seen = self.seen.lock().unwrap();
        seen.clear();
        for file in files {
            put(&mut seen, file);
        }
    }
}

fn put(seen: &mut Seen, file: &Value) {
    let is_dir = file["isDir"] == true;
    let size = file["size"].as_u64().unwrap();
    seen.insert(file["fullPath"].as_str().unwrap().into(), (!is_dir).then_some(size));
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn path(&mut self, root: &Path) -> PathBuf {
        let depth = self.roll(3) + 1;
        (0..depth).fold(root.to_owned(), |path, _| path.join(format!("n{}", self.roll(6))))
    }
}

/// Does things that may fail, as many programs at once would.
fn storm(root: &Path, seed: u64, acts: u32) {
    let mut dice = Dice(seed);
    for _ in 0..acts {
        let path = dice.path(root);
        match dice.roll(8) {
            0 | 1 => drop(std::fs::create_dir(path)),
            2 | 3 => drop(std::fs::write(path, "x".repeat(usize::try_from(dice.roll(100)).unwrap()))),
            4 => drop(std::fs::remove_file(path)),
            5 => drop(std::fs::remove_dir_all(path)),
            _ => drop(std::fs::rename(path, dice.path(root))),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_below_a_folder_whoever_watches_ends_with_what_is_there() {
    let (bench, peer) = watched().await;
    let root = bench.folder();
    let (mirror, group) = (Mirror::default(), Functions::new());
    let seed = 7;
    storm(&root, seed, 300);
    let racing = {
        let root = root.clone();
        std::thread::spawn(move || storm(&root, seed + 1, 500))
    };
    let wish = Watch { recursive: true, ..flat(".", mirror.function(&group)) };
    let watching = watch(&peer, wish).await;
    // Nothing is told before the answer, so that it does not overwrite anything.
    mirror.fill(&watching.files);
    racing.join().unwrap();

    for round in 0..20 {
        let root = root.clone();
        tokio::task::spawn_blocking(move || storm(&root, seed + 2 + round, 200)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(round * 10)).await;
    }

    until("the mirror shows what is there", || async {
        mirror.read_if_asked(&peer).await;
        *mirror.seen.lock().unwrap() == seen_on_disk(&root)
    })
    .await;
    let events = mirror.events.lock().unwrap();
    assert!(events.iter().any(|event| event == "renamed"), "moves are told as such");
}

#[tokio::test]
async fn a_storm_of_changes_overflows_and_takes_no_memory() {
    let (bench, peer) = watched().await;
    let root = bench.folder();
    let (mirror, group) = (Mirror::default(), Functions::new());
    watch(&peer, flat(".", mirror.function(&group))).await;

    let folder = root.clone();
    tokio::task::spawn_blocking(move || {
        // Two events for each that is made and one for each that goes: 28 000 of them.
        for number in 0..10_000 {
            std::fs::write(folder.join(format!("file-{number}")), "x").unwrap();
            if number % 2 == 0 {
                std::fs::remove_file(folder.join(format!("file-{number}"))).unwrap();
            }
        }
        for number in 0..9000 {
            drop(std::fs::remove_file(folder.join(format!("file-{number}"))));
        }
    })
    .await
    .unwrap();

    until("the mirror shows what is there", || async {
        mirror.read_if_asked(&peer).await;
        *mirror.seen.lock().unwrap() == seen_on_disk(&root)
    })
    .await;
    assert!(mirror.events.lock().unwrap().iter().any(|event| event == "overflow"));
    std::fs::write(root.join("after"), "").unwrap();
    until("changes are told again", || async {
        mirror.read_if_asked(&peer).await;
        mirror.seen.lock().unwrap().contains_key(&root.join("after"))
    })
    .await;
}

#[tokio::test]
async fn a_slow_listener_gets_few_events_and_the_truth() {
    let (bench, peer) = watched().await;
    let root = bench.folder();
    let recorder = Recorder::new();
    watch(&peer, flat(".", recorder.function("change"))).await;
    recorder.stop();
    std::fs::write(root.join("first"), "").unwrap();
    a_while().await;

    // Far more than a connection holds.
    let mut file = std::fs::File::create(root.join("file")).unwrap();
    for round in 1..=2000_u32 {
        file.write_all(b"x").unwrap();
        if round % 100 == 0 {
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    }
    recorder.go_on();

    let mut count = 0;
    loop {
        count += 1;
        let (_, arguments) = recorder.next().await;
        if arguments[0]["file"]["name"] == "file" && arguments[0]["file"]["size"] == 2000 {
            break;
        }
    }
    assert!(count < 1000, "{count} events");
}

#[tokio::test]
async fn folders_that_are_ignored_are_shown_and_not_watched() {
    let (bench, peer) = watched().await;
    let root = bench.folder();
    let recorder = Recorder::new();
    std::fs::create_dir_all(root.join("a/target")).unwrap();
    let wish =
        Watch { recursive: true, ignore_folders: vec!["target"], ..flat(".", recorder.function("change")) };
    watch(&peer, wish).await;

    std::fs::write(root.join("a/target/unheard"), "").unwrap();
    std::fs::create_dir_all(root.join("b/target")).unwrap();
    for number in 0..50 {
        std::fs::write(root.join(format!("b/target/{number}")), "").unwrap();
    }
    std::fs::write(root.join("b/heard"), "").unwrap();

    let mut heard = vec![];
    while heard.last().is_none_or(|(_, name, _)| name != "heard") {
        heard.push(event(&recorder).await);
    }
    assert!(heard.contains(&told("added", "b")));
    assert!(heard.iter().all(|(_, name, _)| ["b", "target", "heard"].contains(&&**name)), "{heard:?}");
}
