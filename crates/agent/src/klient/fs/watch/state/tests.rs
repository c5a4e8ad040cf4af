//! The watch against a file system in memory: whatever happens, in whatever order it is noticed and told,
//! whoever listens ends with what is there.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use proptest::prelude::*;

use super::*;

/// What is at a path: a folder, or a file in some version.
type Seen = BTreeMap<PathBuf, Option<u32>>;

const ROOT: Number = 0;

/// Folders, files, and a kernel that notices.
#[derive(Default)]
struct Disk {
    folders: HashMap<Number, BTreeMap<String, Node>>,
    watched: HashSet<Number>,
    queue: VecDeque<(Number, Option<String>, bool, What)>,
    last: Number,
    version: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Node {
    Folder(Number),
    File(u32),
}

impl Disk {
    fn new() -> Self {
        Self { folders: HashMap::from([(ROOT, BTreeMap::new())]), ..Self::default() }
    }

    fn tell(&mut self, folder: Number, name: &str, node: Node, what: What) {
        if self.watched.contains(&folder) {
            self.queue.push_back((folder, Some(name.into()), matches!(node, Node::Folder(_)), what));
        }
    }

    fn create(&mut self, folder: Number, name: &str) {
        self.version += 1;
        let node = Node::File(self.version);
        match self.folders.get_mut(&folder).unwrap().get_mut(name) {
            Some(Node::Folder(_)) => {}
            Some(known) => {
                *known = node;
                self.tell(folder, name, node, What::Modified);
            }
            None => {
                self.folders.get_mut(&folder).unwrap().insert(name.into(), node);
                self.tell(folder, name, node, What::Created);
            }
        }
    }

    fn make_folder(&mut self, folder: Number, name: &str) {
        if self.folders[&folder].contains_key(name) {
            return;
        }
        self.last += 1;
        let node = Node::Folder(self.last);
        self.folders.insert(self.last, BTreeMap::new());
        self.folders.get_mut(&folder).unwrap().insert(name.into(), node);
        self.tell(folder, name, node, What::Created);
    }

    fn remove(&mut self, folder: Number, name: &str) {
        let Some(node) = self.folders[&folder].get(name).copied() else { return };
        if let Node::Folder(number) = node {
            for name in self.folders[&number].keys().cloned().collect::<Vec<_>>() {
                self.remove(number, &name);
            }
            self.folders.remove(&number);
            if self.watched.remove(&number) {
                self.queue.push_back((number, None, true, What::Ended));
            }
        }
        self.folders.get_mut(&folder).unwrap().remove(name);
        self.tell(folder, name, node, What::Deleted);
    }

    fn rename(&mut self, from: (Number, &str), to: (Number, &str)) {
        let Some(node) = self.folders[&from.0].get(from.1).copied() else { return };
        let over = self.folders[&to.0].get(to.1).copied();
        let fits = match (node, over) {
            (_, None) | (Node::File(_), Some(Node::File(_))) => true,
            (Node::Folder(_), Some(Node::Folder(number))) => self.folders[&number].is_empty(),
            _ => false,
        };
        if from == to || !fits || matches!(node, Node::Folder(number) if self.is_in(to.0, number)) {
            return;
        }
        if let Some(Node::Folder(number)) = over {
            self.folders.remove(&number);
            if self.watched.remove(&number) {
                self.queue.push_back((number, None, true, What::Ended));
            }
        }
        self.folders.get_mut(&from.0).unwrap().remove(from.1);
        self.folders.get_mut(&to.0).unwrap().insert(to.1.into(), node);
        self.version += 1;
        self.tell(from.0, from.1, node, What::MovedFrom(self.version));
        self.tell(to.0, to.1, node, What::MovedTo(self.version));
    }

    fn is_in(&self, folder: Number, above: Number) -> bool {
        folder == above
            || self.folders.get(&above).is_some_and(|names| {
                names.values().any(|node| matches!(node, Node::Folder(inner) if self.is_in(folder, *inner)))
            })
    }

    fn look(&self, path: &Path) -> Option<Node> {
        path.strip_prefix("/root").unwrap().components().try_fold(Node::Folder(ROOT), |node, part| match node
        {
            Node::Folder(number) => self.folders[&number].get(part.as_os_str().to_str().unwrap()).copied(),
            Node::File(_) => None,
        })
    }

    fn all(&self) -> Seen {
        let mut seen = Seen::new();
        self.note(ROOT, Path::new("/root"), &mut seen);
        seen
    }

    fn note(&self, folder: Number, path: &Path, seen: &mut Seen) {
        for (name, node) in &self.folders[&folder] {
            let path = path.join(name);
            match node {
                Node::File(version) => drop(seen.insert(path, Some(*version))),
                Node::Folder(number) => {
                    seen.insert(path.clone(), None);
                    self.note(*number, &path, seen);
                }
            }
        }
    }
}

/// The watch, and what whoever listens believes.
struct Bench {
    disk: Disk,
    state: State,
    believed: Seen,
    /// Listed, and not settled yet.
    is_listed: bool,
}

impl Bench {
    fn new() -> Self {
        let wish = Wish { path: "/root".into(), recursive: true, ignored: vec![] };
        let mut bench =
            Self { disk: Disk::new(), state: State::new(wish), believed: Seen::new(), is_listed: false };
        bench.take_in(Path::new("/root"), false);
        bench
    }

    /// As the watch does it with a real disk.
    fn take_in(&mut self, first: &Path, is_new: bool) {
        let mut open = vec![first.to_owned()];
        while let Some(path) = open.pop() {
            let Some(Node::Folder(number)) = self.disk.look(&path) else { continue };
            self.disk.watched.insert(number);
            self.state.tree.insert(number, &path);
            for (name, node) in self.disk.folders[&number].clone() {
                if matches!(node, Node::Folder(_)) {
                    open.push(path.join(&name));
                }
                if is_new {
                    self.state.found(number, name.as_ref());
                } else {
                    self.state.tree.add_name(number, name.as_ref());
                }
            }
        }
    }

    fn notice(&mut self, most: usize) {
        for _ in 0..most {
            let Some((folder, name, is_dir, what)) = self.disk.queue.pop_front() else { return };
            self.state.on(&Notice { folder, name: name.as_deref().map(OsStr::new), is_dir, what });
        }
    }

    fn perform(&mut self, act: &Act) {
        let text = |name: &u8| format!("n{name}");
        match act {
            Act::Create(folder, name) => self.disk.create(self.folder(*folder), &text(name)),
            Act::MakeFolder(folder, name) => self.disk.make_folder(self.folder(*folder), &text(name)),
            Act::Remove(folder, name) => self.disk.remove(self.folder(*folder), &text(name)),
            Act::Rename(from, name, to, other) => {
                let (from, to) = (self.folder(*from), self.folder(*to));
                self.disk.rename((from, &text(name)), (to, &text(other)));
            }
            Act::Notice(most) => self.notice(*most),
            Act::Step => drop(self.step()),
            Act::Overflow => {
                // What the kernel had no room for is lost.
                self.disk.queue.retain(|(_, _, _, what)| *what == What::Ended);
                self.state.overflow();
            }
        }
    }

    fn step(&mut self) -> bool {
        let has_all = self.is_listed && self.disk.queue.is_empty();
        match self.state.step(3) {
            Step::Nothing => {
                if has_all {
                    self.is_listed = false;
                    self.state.settle();
                }
                return false;
            }
            Step::End => panic!("the root never goes"),
            Step::Reread => {
                self.state.begin_anew();
                self.take_in(Path::new("/root"), false);
                self.believed = self.disk.all();
            }
            Step::LookInto(folders) => folders.iter().for_each(|folder| self.take_in(folder, true)),
            Step::Tell(changes) => changes.iter().for_each(|(path, change)| self.tell(path, change)),
        }
        for number in self.state.take_surplus() {
            self.disk.watched.remove(&number);
        }
        true
    }

    fn tell(&mut self, path: &Arc<Path>, change: &Change) {
        match change {
            Change::Added | Change::Modified => self.put(path),
            Change::Removed { .. } => self.take(path),
            Change::Replaced { .. } => {
                self.take(path);
                self.put(path);
            }
            Change::Renamed { from, .. } => {
                let below: Vec<_> =
                    self.believed.keys().filter(|known| known.starts_with(from)).cloned().collect();
                let moved: Vec<_> =
                    below.into_iter().map(|old| (old.clone(), self.believed.remove(&old).unwrap())).collect();
                if !moved.is_empty() {
                    self.take(path);
                }
                for (old, seen) in moved {
                    let rest = old.strip_prefix(from).unwrap();
                    self.believed.insert(path.join(rest).components().collect(), seen);
                }
                if self.disk.look(path).is_some() {
                    self.put(path);
                }
            }
        }
    }

    fn put(&mut self, path: &Arc<Path>) {
        match self.disk.look(path) {
            None => self.state.missed(Arc::clone(path)),
            Some(Node::Folder(_)) => drop(self.believed.insert(path.to_path_buf(), None)),
            Some(Node::File(version)) => drop(self.believed.insert(path.to_path_buf(), Some(version))),
        }
    }

    fn take(&mut self, path: &Path) {
        self.believed.retain(|known, _| !known.starts_with(path));
    }

    /// One of the folders there are.
    fn folder(&self, choice: usize) -> Number {
        let mut numbers: Vec<_> = self.disk.folders.keys().copied().collect();
        numbers.sort_unstable();
        numbers[choice % numbers.len()]
    }
}

#[derive(Debug, Clone)]
enum Act {
    Create(usize, u8),
    MakeFolder(usize, u8),
    Remove(usize, u8),
    Rename(usize, u8, usize, u8),
    Notice(usize),
    Step,
    Overflow,
}

fn act() -> impl Strategy<Value = Act> {
    let name = 0..4_u8;
    prop_oneof![
        4 => (any::<usize>(), name.clone()).prop_map(|(folder, name)| Act::Create(folder, name)),
        3 => (any::<usize>(), name.clone()).prop_map(|(folder, name)| Act::MakeFolder(folder, name)),
        2 => (any::<usize>(), name.clone()).prop_map(|(folder, name)| Act::Remove(folder, name)),
        4 => (any::<usize>(), name.clone(), any::<usize>(), name)
            .prop_map(|(from, name, to, other)| Act::Rename(from, name, to, other)),
        6 => (1..5_usize).prop_map(Act::Notice),
        4 => Just(Act::Step),
        1 => Just(Act::Overflow),
    ]
}

/// What happens before the caller lists the folder, and after.
fn run(before: &[Act], after: &[Act]) {
    let mut bench = Bench::new();

    for act in before {
        // Nothing is told yet.
        if !matches!(act, Act::Step) {
            bench.perform(act);
        }
    }
    bench.believed = bench.disk.all();
    bench.is_listed = true;
    for act in after {
        bench.perform(act);
    }
    while !bench.disk.queue.is_empty() || !bench.state.is_idle() {
        bench.notice(usize::MAX);
        bench.step();
    }

    assert_eq!(bench.believed, bench.disk.all());
    let watched: HashSet<Number> = bench.state.tree.numbers().into_iter().collect();
    assert_eq!(watched, bench.disk.folders.keys().copied().collect(), "every folder is watched");
    assert_eq!(watched, bench.disk.watched, "and no other");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]
    #[test]
    fn whoever_listens_ends_with_what_is_there(
        before in proptest::collection::vec(act(), 0..20),
        after in proptest::collection::vec(act(), 0..60),
    ) {
        run(&before, &after);
    }
}

#[test]
fn a_file_that_is_written_beside_its_place_is_told_as_modified() {
    let mut bench = Bench::new();
    bench.disk.create(ROOT, "file");
    bench.notice(9);
    bench.is_listed = true;
    while bench.step() {}

    bench.disk.create(ROOT, "draft");
    bench.disk.rename((ROOT, "draft"), (ROOT, "file"));
    bench.notice(9);

    let Step::Tell(changes) = bench.state.step(9) else { panic!("a change") };
    assert_eq!(changes, [(Path::new("/root/file").into(), Change::Modified)]);
}

#[test]
fn folders_that_are_ignored_are_told_and_not_looked_into() {
    let wish = Wish { path: "/root".into(), recursive: true, ignored: vec!["target".into()] };
    let mut state = State::new(wish);
    state.tree.insert(ROOT, Path::new("/root"));

    state.on(&Notice { folder: ROOT, name: Some("target".as_ref()), is_dir: true, what: What::Created });

    let Step::Tell(changes) = state.step(9) else { panic!("a change, and nothing to look into") };
    assert_eq!(changes, [(Path::new("/root/target").into(), Change::Added)]);
}

#[test]
fn when_the_watched_folder_goes_the_watch_ends_after_its_last_change() {
    let mut state = State::new(Wish { path: "/root".into(), recursive: false, ignored: vec![] });
    state.tree.insert(ROOT, Path::new("/root"));
    state.on(&Notice { folder: ROOT, name: Some("a".as_ref()), is_dir: false, what: What::Deleted });
    state.on(&Notice { folder: ROOT, name: None, is_dir: true, what: What::Ended });

    assert!(matches!(state.step(9), Step::Tell(changes) if changes.len() == 1));
    assert!(matches!(state.step(9), Step::End));
}
