//! A forge in memory: what a resolver may ask, answered from tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use async_trait::async_trait;
use domain::context::Issue;
use domain::{Account, ForgeKind, RefKind, Repository};
use forge::context::{Asking, ContextError, Target, resolve};
use forge::{
    Branch, Credential, Fault, ForgeError, MergeRequestFacts, PathKind, Provider, Ref, RepositoryFacts,
};

use super::{all_sites, parsed};

/// A repository of the forge.
#[derive(Clone, Default)]
pub(crate) struct Hosted {
    pub(crate) default_branch: Option<&'static str>,
    pub(crate) branches: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) commits: BTreeSet<String>,
    pub(crate) files: Vec<&'static str>,
    pub(crate) requests: Vec<Request>,
    pub(crate) issues: Vec<(u64, &'static str)>,
    pub(crate) parent: Option<&'static str>,
}

/// A merge request.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) number: u64,
    pub(crate) title: &'static str,
    /// Repository and branch; none where the fork is gone.
    pub(crate) source: Option<(&'static str, &'static str)>,
    pub(crate) head: Option<String>,
    pub(crate) target: &'static str,
}

/// The forge.
pub(crate) struct Memory {
    pub(crate) kind: ForgeKind,
    pub(crate) repositories: BTreeMap<String, Hosted>,
    /// Everything is answered by this, if set.
    pub(crate) fault: Option<Fault>,
    /// What was asked.
    pub(crate) asked: Mutex<Vec<String>>,
}

/// The id of a commit: any text, as digits.
pub(crate) fn sha(seed: &str) -> String {
    let digits = seed.bytes().fold(String::new(), |digits, byte| [digits, format!("{byte:02x}")].concat());
    format!("{digits:0<40}").chars().take(40).collect()
}

impl Hosted {
    pub(crate) fn new(default_branch: &'static str) -> Self {
        Self { default_branch: Some(default_branch), ..Self::default() }.branch(default_branch)
    }

    pub(crate) fn branch(mut self, name: &str) -> Self {
        self.branches.insert(name.into(), sha(name));
        self.commits.insert(sha(name));
        self
    }

    pub(crate) fn tag(mut self, name: &str) -> Self {
        self.tags.insert(name.into(), sha(name));
        self.commits.insert(sha(name));
        self
    }
}

impl Memory {
    pub(crate) fn new(kind: ForgeKind) -> Self {
        Self { kind, repositories: BTreeMap::new(), fault: None, asked: Mutex::default() }
    }

    pub(crate) fn with(mut self, path: &str, hosted: Hosted) -> Self {
        self.repositories.insert(path.into(), hosted);
        self
    }

    /// Parses an address and asks this forge what it stands for.
    pub(crate) async fn resolve(&self, text: &str) -> Result<domain::Context, ContextError> {
        let parsed = parsed(text);
        let Target::Site { site, page } = &parsed.target else { panic!("{text}: no site") };
        let asking = Asking {
            provider: self,
            credential: &Credential::Anonymous,
            site: &all_sites()[*site],
            login: "Ada Example",
        };
        resolve(&asking, &parsed, page).await
    }

    /// How often something was asked.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| asked.starts_with(what)).count()
    }

    fn note(&self, what: String) -> Result<(), ForgeError> {
        self.asked.lock().unwrap().push(what);
        match &self.fault {
            Some(fault) => Err(ForgeError::new(fault.clone(), "the forge did not do it", "wait")),
            None => Ok(()),
        }
    }

    pub(crate) fn repository_of(&self, path: &str) -> Option<Repository> {
        let hosted = self.repositories.get(path)?;
        let (owner, name) = path.rsplit_once('/').unwrap();
        Some(Repository {
            owner: owner.into(),
            name: name.into(),
            clone_url: format!("https://git.example.com/{}.git", path.replace(' ', "%20")).parse().unwrap(),
            ssh_url: None,
            default_branch: hosted.default_branch.map(|name| name.parse().unwrap()),
            private: false,
            id: path.into(),
        })
    }

    fn hosted(&self, repository: &Repository) -> &Hosted {
        &self.repositories[&repository.id]
    }
}

#[async_trait]
impl Provider for Memory {
    fn kind(&self) -> ForgeKind {
        self.kind
    }

    async fn who(&self, _: &Credential) -> Result<Account, ForgeError> {
        Err(ForgeError::unsupported(self.kind, "accounts"))
    }

    async fn repository(&self, _: &Credential, path: &str) -> Result<Option<RepositoryFacts>, ForgeError> {
        self.note(format!("repository {path}"))?;
        let Some(repository) = self.repository_of(path) else { return Ok(None) };
        let parent = self.repositories[path].parent.and_then(|parent| self.repository_of(parent));
        Ok(Some(RepositoryFacts { repository, parent, web_url: None }))
    }

    async fn find_ref(
        &self,
        _: &Credential,
        repository: &Repository,
        name: &str,
        kind: Option<RefKind>,
    ) -> Result<Option<Ref>, ForgeError> {
        self.note(format!("ref {name}"))?;
        let hosted = self.hosted(repository);
        let of = |kind, sha: &String| Ref { kind, name: name.into(), sha: sha.clone() };
        let branch = || hosted.branches.get(name).map(|sha| of(RefKind::Branch, sha));
        let tag = || hosted.tags.get(name).map(|sha| of(RefKind::Tag, sha));
        Ok(match kind {
            Some(RefKind::Branch) => branch(),
            Some(RefKind::Tag) => tag(),
            Some(RefKind::Revision) => None,
            None => branch().or_else(tag),
        })
    }

    async fn commit(
        &self,
        _: &Credential,
        repository: &Repository,
        sha: &str,
    ) -> Result<Option<String>, ForgeError> {
        self.note(format!("commit {sha}"))?;
        Ok(self.hosted(repository).commits.iter().find(|full| full.starts_with(sha)).cloned())
    }

    async fn path_kind(
        &self,
        _: &Credential,
        repository: &Repository,
        _: &str,
        path: &str,
    ) -> Result<Option<PathKind>, ForgeError> {
        self.note(format!("path {path}"))?;
        let files = &self.hosted(repository).files;
        if files.contains(&path) {
            return Ok(Some(PathKind::File));
        }
        let folder = format!("{path}/");
        Ok(files.iter().any(|file| file.starts_with(&folder)).then_some(PathKind::Folder))
    }

    async fn merge_request(
        &self,
        _: &Credential,
        repository: &Repository,
        number: u64,
    ) -> Result<Option<MergeRequestFacts>, ForgeError> {
        self.note(format!("request {number}"))?;
        let Some(request) = self.hosted(repository).requests.iter().find(|one| one.number == number) else {
            return Ok(None);
        };
        let source = request.source.and_then(|(path, branch)| {
            Some(Branch { repository: self.repository_of(path)?, name: branch.parse().unwrap() })
        });
        Ok(Some(MergeRequestFacts {
            number,
            title: request.title.into(),
            source,
            head: request.head.clone(),
            target: Branch { repository: repository.clone(), name: request.target.parse().unwrap() },
            head_ref: None,
        }))
    }

    async fn issue(
        &self,
        _: &Credential,
        repository: &Repository,
        number: u64,
    ) -> Result<Option<Issue>, ForgeError> {
        self.note(format!("issue {number}"))?;
        let found = self.hosted(repository).issues.iter().find(|(one, _)| *one == number);
        Ok(found.map(|(number, title)| Issue { number: *number, title: (*title).into() }))
    }
}
