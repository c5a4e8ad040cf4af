//! What is on a forge before anybody does anything.

use sha2::{Digest, Sha256};

/// Somebody with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The number that identifies them.
    pub id: u64,
    /// Login name.
    pub name: String,
    /// Name to show.
    pub full_name: String,
    /// Address.
    pub email: String,
    /// Whether the address was verified.
    pub is_verified: bool,
}

/// A branch or a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its name, without `refs/heads/` or `refs/tags/`.
    pub name: String,
    /// The commit it is at: forty hexadecimal digits.
    pub commit: String,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Who opened it.
    pub author: String,
    /// The repository its branch is in: `owner/name`; none where that was deleted.
    pub source_repository: Option<String>,
    /// Its branch, which may be gone.
    pub source_branch: String,
    /// The commit it is at.
    pub commit: String,
    /// The branch it is for.
    pub target_branch: String,
}

/// An issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
}

/// A repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// The number that identifies it.
    pub id: u64,
    /// Group or person it belongs to. In Azure DevOps the organisation; the project has the repository's name.
    pub owner: String,
    /// Name.
    pub name: String,
    /// Whether only its members see it.
    pub is_private: bool,
    /// Who may change it.
    pub members: Vec<String>,
    /// What it was forked from: `owner/name`.
    pub fork_of: Option<String>,
    /// The branch that is meant where none is named.
    pub default_branch: String,
    /// Branches.
    pub branches: Vec<Reference>,
    /// Tags.
    pub tags: Vec<Reference>,
    /// Paths of the files in every commit.
    pub files: Vec<String>,
    /// Pull requests.
    pub pulls: Vec<Pull>,
    /// Issues.
    pub issues: Vec<Issue>,
    /// Where Git really reaches it; an address of the double, where nothing is, if none.
    pub clone_url: Option<String>,
}

impl Repository {
    /// `owner/name`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// The commit of a branch.
    pub fn branch(&self, name: &str) -> Option<&str> {
        self.branches.iter().find(|one| one.name == name).map(|one| one.commit.as_str())
    }

    /// The commit of a tag.
    pub fn tag(&self, name: &str) -> Option<&str> {
        self.tags.iter().find(|one| one.name == name).map(|one| one.commit.as_str())
    }

    /// The full name of a commit: by its full or abbreviated hash, a branch or a tag.
    pub fn resolve(&self, name: &str) -> Option<String> {
        let named = self.branch(name).or_else(|| self.tag(name)).map(str::to_owned);
        let is_hash = name.len() >= 7 && name.chars().all(|c| c.is_ascii_hexdigit());
        let pulled = self.pulls.iter().map(|pull| pull.commit.as_str());
        let all = self.branches.iter().chain(&self.tags).map(|one| one.commit.as_str()).chain(pulled);
        named.or_else(|| all.into_iter().find(|hash| is_hash && hash.starts_with(name)).map(str::to_owned))
    }

    /// What a path is: `Some(true)` for a file, `Some(false)` for a folder.
    pub fn is_file(&self, path: &str) -> Option<bool> {
        let path = path.trim_matches('/');
        if self.files.iter().any(|file| file == path) {
            return Some(true);
        }
        let below = format!("{path}/");
        (path.is_empty() || self.files.iter().any(|file| file.starts_with(&below))).then_some(false)
    }

    /// The names directly below a folder.
    pub fn list(&self, folder: &str) -> Vec<String> {
        let folder = folder.trim_matches('/');
        let below = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let inside = self.files.iter().filter_map(|file| file.strip_prefix(&below));
        let mut names: Vec<String> =
            inside.filter_map(|rest| rest.split('/').next()).map(str::to_owned).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// The content of a forge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seed {
    /// Who has an account.
    pub people: Vec<Person>,
    /// Repositories.
    pub repositories: Vec<Repository>,
}

impl Seed {
    /// The same logical content for every product, so that one table of tests runs on each:
    ///
    /// - people `developer`, `maintainer` and `stranger`;
    /// - `acme/shop`, public, of `maintainer` and `developer`: branches `main`, `feature/one`, `feat/über`;
    ///   tags `v1.0`, `release/2`; files `README.md`, `src/main.rs`, `docs/guide/start.md`; issue 1; pull
    ///   request 2 from branch `fix/typo` of the fork `developer/shop`; pull request 3, whose branch `gone`
    ///   was deleted;
    /// - `developer/shop`, its fork;
    /// - `acme/secret`, private, of the same two.
    pub fn standard() -> Self {
        let people = ["developer", "maintainer", "stranger"];
        let people = (1..).zip(people).map(|(id, name)| Person {
            id,
            name: name.into(),
            full_name: format!("The {name}"),
            email: format!("{name}@example.com"),
            is_verified: name != "stranger",
        });
        let reference = |name: &str| Reference { name: name.into(), commit: commit(name) };
        let shop = Repository {
            id: 11,
            owner: "acme".into(),
            name: "shop".into(),
            is_private: false,
            members: vec!["maintainer".into(), "developer".into()],
            fork_of: None,
            default_branch: "main".into(),
            branches: ["main", "feature/one", "feat/über"].map(reference).into(),
            tags: ["v1.0", "release/2"].map(reference).into(),
            files: ["README.md", "src/main.rs", "docs/guide/start.md"].map(Into::into).into(),
            pulls: vec![
                Pull {
                    number: 2,
                    title: "Mend a typo".into(),
                    author: "developer".into(),
                    source_repository: Some("developer/shop".into()),
                    source_branch: "fix/typo".into(),
                    commit: commit("fix/typo"),
                    target_branch: "main".into(),
                },
                Pull {
                    number: 3,
                    title: "Its branch is gone".into(),
                    author: "maintainer".into(),
                    source_repository: Some("acme/shop".into()),
                    source_branch: "gone".into(),
                    commit: commit("gone"),
                    target_branch: "main".into(),
                },
            ],
            issues: vec![Issue { number: 1, title: "It is slow".into() }],
            clone_url: None,
        };
        let fork = Repository {
            id: 12,
            owner: "developer".into(),
            members: vec!["developer".into()],
            fork_of: Some(shop.path()),
            branches: ["main", "fix/typo"].map(reference).into(),
            pulls: vec![],
            issues: vec![],
            ..shop.clone()
        };
        let secret = Repository {
            id: 13,
            name: "secret".into(),
            is_private: true,
            branches: vec![reference("main")],
            tags: vec![],
            pulls: vec![],
            issues: vec![],
            ..shop.clone()
        };
        Self { people: people.collect(), repositories: vec![shop, fork, secret] }
    }

    /// A person by login name.
    pub fn person(&self, name: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.name == name)
    }

    /// A repository by `owner/name`.
    pub fn repository(&self, path: &str) -> Option<&Repository> {
        self.repositories.iter().find(|repository| repository.path() == path)
    }

    /// A repository by `owner/name`, to be changed.
    pub fn repository_mut(&mut self, path: &str) -> Option<&mut Repository> {
        self.repositories.iter_mut().find(|repository| repository.path() == path)
    }
}

/// The commit that branches and tags of this name are at in [`Seed::standard`].
pub fn commit(name: &str) -> String {
    let digest = Sha256::digest(format!("commit {name}"));
    hex::encode(&digest[..20])
}
