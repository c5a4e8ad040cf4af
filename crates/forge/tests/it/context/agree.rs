//! What the forge's own pages are called leads back to what they show: parser and resolver agree.

use domain::{Context, ForgeKind, RefKind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::memory::{Hosted, Memory, sha};

/// As browsers encode a part of a path.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

const FILE: &str = "src/übung/main.rs";

fn encode(path: &str) -> String {
    path.split('/').map(|part| utf8_percent_encode(part, PART).to_string()).collect::<Vec<_>>().join("/")
}

fn encode_whole(text: &str) -> String {
    utf8_percent_encode(text, PART).to_string()
}

/// What a page shows.
#[derive(Debug, Clone)]
struct Shown {
    kind: RefKind,
    name: String,
    has_file: bool,
}

/// The address of the page, as the product itself writes it.
fn page(forge: ForgeKind, repository: &str, shown: &Shown) -> String {
    let sha = sha(&shown.name);
    let (name, file) = (encode(&shown.name), if shown.has_file { encode(FILE) } else { String::new() });
    let behind = |name: &str| if shown.has_file { format!("{name}/{file}") } else { name.to_owned() };
    let look = if shown.has_file { "blob" } else { "tree" };
    let point = if shown.kind == RefKind::Revision { sha.clone() } else { name };
    let path = match forge {
        ForgeKind::Gitlab => {
            let kind = match shown.kind {
                RefKind::Branch => "?ref_type=heads",
                RefKind::Tag => "?ref_type=tags",
                RefKind::Revision => "",
            };
            format!("gitlab.example.com/{}/-/{look}/{}{kind}", encode(repository), behind(&point))
        }
        ForgeKind::Github => format!("github.example.com/{}/{look}/{}", encode(repository), behind(&point)),
        ForgeKind::Gitea => {
            let kind = match shown.kind {
                RefKind::Branch => "branch",
                RefKind::Tag => "tag",
                RefKind::Revision => "commit",
            };
            format!("gitea.example.com/{}/src/{kind}/{}", encode(repository), behind(&point))
        }
        ForgeKind::BitbucketCloud => {
            let at = match shown.kind {
                RefKind::Revision => String::new(),
                RefKind::Branch | RefKind::Tag => format!("?at={}", encode_whole(&shown.name)),
            };
            format!("cloud.example.com/{}/src/{}{at}", encode(repository), behind(&sha))
        }
        ForgeKind::BitbucketServer => {
            let at = match shown.kind {
                RefKind::Branch => format!("refs/heads/{}", shown.name),
                RefKind::Tag => format!("refs/tags/{}", shown.name),
                RefKind::Revision => sha,
            };
            let (key, slug) = repository.split_once('/').unwrap();
            let at = encode_whole(&at);
            format!(
                "bitbucket.example.com/projects/{}/repos/{}/browse/{file}?at={at}",
                encode(key),
                encode(slug)
            )
        }
        ForgeKind::AzureDevops => {
            let version = match shown.kind {
                RefKind::Branch => format!("GB{}", shown.name),
                RefKind::Tag => format!("GT{}", shown.name),
                RefKind::Revision => format!("GC{sha}"),
            };
            let (project, name) = repository.rsplit_once('/').unwrap();
            let path = if shown.has_file {
                format!("path={}&", encode_whole(&format!("/{FILE}")))
            } else {
                String::new()
            };
            let version = encode_whole(&version);
            format!("azure.example.com/{}/_git/{}?{path}version={version}", encode(project), encode(name))
        }
        ForgeKind::OpenId => unreachable!("has no repositories"),
    };
    format!("https://{path}")
}

fn resolve(memory: &Memory, url: &str) -> Context {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(memory.resolve(url)).unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn kinds() -> impl Strategy<Value = ForgeKind> {
    let with = ForgeKind::ALL.into_iter().filter(|kind| kind.has_repositories());
    prop::sample::select(with.collect::<Vec<_>>())
}

fn repository(kind: ForgeKind) -> BoxedStrategy<String> {
    match kind {
        // `x` keeps clear of the words that are no names there.
        ForgeKind::Gitlab => {
            prop::collection::vec("x[a-z0-9_.-]{0,8}z", 2..6).prop_map(|parts| parts.join("/")).boxed()
        }
        ForgeKind::AzureDevops => "[a-z]{1,8}/x[a-z ]{0,8}z/x[a-z0-9. ]{0,8}z".boxed(),
        _ => "x[a-z0-9-]{0,8}/x[a-z0-9_.-]{0,8}z".boxed(),
    }
}

/// A name with slashes and with what addresses have a use for.
fn name() -> impl Strategy<Value = String> {
    let part = "[a-zü#+%&=,;@(-]{0,5}[a-zA-Z0-9%]";
    let name = prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"));
    name.prop_filter("a ref's name, and none that is written in full", |name| {
        name.parse::<domain::RefName>().is_ok() && !name.starts_with("refs/")
    })
}

fn shown() -> impl Strategy<Value = Shown> {
    let kind = prop::sample::select(vec![RefKind::Branch, RefKind::Tag, RefKind::Revision]);
    (kind, name(), any::<bool>()).prop_map(|(kind, name, has_file)| Shown { kind, name, has_file })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_address_of_a_page_leads_back_to_what_it_shows(
        (forge, repository) in kinds().prop_flat_map(|kind| (Just(kind), repository(kind))),
        shown in shown(),
    ) {
        let hosted = Hosted { files: vec![FILE], ..Hosted::new("trunk") };
        let hosted = match shown.kind {
            RefKind::Branch => hosted.branch(&shown.name),
            RefKind::Tag => hosted.tag(&shown.name),
            RefKind::Revision => {
                let mut hosted = hosted;
                hosted.commits.insert(sha(&shown.name));
                hosted
            }
        };
        let memory = Memory::new(forge).with(&repository, hosted);
        let url = page(forge, &repository, &shown);

        let context = resolve(&memory, &url);

        prop_assert_eq!(&context.repository.id, &repository, "{}", url);
        prop_assert_eq!(context.ref_kind, Some(shown.kind), "{}", url);
        let named = (shown.kind != RefKind::Revision).then(|| shown.name.clone());
        prop_assert_eq!(context.reference.map(String::from), named, "{}", url);
        prop_assert_eq!(context.revision, Some(sha(&shown.name)), "{}", url);
        prop_assert_eq!(context.path.as_deref(), shown.has_file.then_some(FILE), "{}", url);
        prop_assert_eq!(context.is_file, shown.has_file, "{}", url);
        prop_assert_eq!(context.warnings, Vec::<String>::new(), "{}", url);
    }
}
