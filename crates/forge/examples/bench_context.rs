//! Reads many pasted addresses on one core: `bench_context context|url PASSES ADDRESSES` goes through its list so
//! often and prints how many nanoseconds that took, either with the parser of contexts or with that of URLs
//! alone. `cargo xtask bench` runs it.

use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

use domain::ForgeKind;
use forge::context::{Site, SshHost, parse};
use url::Url;

/// Every way of writing that is accepted.
const ADDRESSES: [&str; 32] = [
    "https://gitlab.example.com/group/project",
    "https://gitlab.example.com/group/sub/project.git",
    "https://gitlab.example.com/group/sub/project/-/tree/feature/x/src?ref_type=heads",
    "https://gitlab.example.com/group/project/-/blob/main/src/a.rs#L10",
    "https://gitlab.example.com/group/project/-/merge_requests/7/diffs",
    "https://gitlab.example.com/group/project/-/issues/12",
    "https://gitlab.example.com/group/project/-/commit/5e0f5d3f0c8e8d2b9a7c6b5a4f3e2d1c0b9a8f7e",
    "https://gitlab.example.com/a/b/merge_requests/7",
    "https://gitlab.com/group/project/-/tags/v1.0",
    "https://github.com/owner/repo",
    "https://github.com/owner/repo/tree/feature/x/src",
    "https://github.com/owner/repo/blob/main/src/a.rs#L10-L20",
    "https://github.com/owner/repo/pull/3/files",
    "https://github.dev/owner/repo/issues/4",
    "https://gitea.example.com/owner/repo/src/branch/feature/x/src",
    "https://codeberg.org/owner/repo/pulls/5",
    "https://bitbucket.org/team/repo/src/main/src/a.rs?at=main",
    "https://bitbucket.org/team/repo/pull-requests/6",
    "https://bitbucket.example.com/projects/KEY/repos/slug/browse/src?at=refs%2Fheads%2Ffeature%2Fx",
    "https://bitbucket.example.com/scm/key/slug.git",
    "https://dev.azure.com/org/project/_git/repo?path=%2Fsrc%2Fa.rs&version=GBmain",
    "https://dev.azure.com/org/project/_git/repo/pullrequest/8",
    "git@gitlab.example.com:group/sub/project.git",
    "ssh://git@bitbucket.example.com:7999/key/slug.git",
    "ssh://git@ssh.dev.azure.com/v3/org/project/repo",
    "gitlab.example.com/group/project",
    "https://git.example.org/some/where/repository.git",
    "NAME=value,OTHER=two/https://gitlab.example.com/group/project",
    "referrer:jetbrains-gateway:goland/https://github.com/owner/repo/tree/main",
    "imagebuild/A=1/https://gitlab.example.com/group/project/-/merge_requests/9",
    "open-prebuild/p-1/https://github.com/owner/repo",
    "snapshot/snap_01jd2k3v4w5x6y7z8a9b0c1d2e",
];

/// What an installation has registered, and the public forges.
fn sites() -> Result<Vec<Site>, Box<dyn Error>> {
    let site = |kind, url: &str| -> Result<Site, Box<dyn Error>> {
        Ok(Site { forge: None, kind, web_url: url.parse()?, git_url: None, ssh: vec![] })
    };
    let ssh = SshHost { host: "bitbucket.example.com".into(), port: 7999 };
    let mut sites = vec![
        site(ForgeKind::Gitlab, "https://gitlab.example.com")?,
        site(ForgeKind::Gitea, "https://gitea.example.com")?,
        Site { ssh: vec![ssh], ..site(ForgeKind::BitbucketServer, "https://bitbucket.example.com")? },
    ];
    sites.extend(Site::public());
    Ok(sites)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [parser, passes, addresses] = arguments.as_slice() else {
        return Err("use `bench_context context|url PASSES ADDRESSES`".into());
    };
    let passes: u32 = passes.parse()?;
    if addresses.parse() != Ok(ADDRESSES.len()) {
        return Err(format!("the list has {} addresses", ADDRESSES.len()).into());
    }
    let sites = sites()?;
    for address in ADDRESSES {
        parse(address, &sites).map_err(|error| format!("`{address}` is not understood: {error}"))?;
    }

    let begun = Instant::now();
    for _ in 0..passes {
        for address in ADDRESSES {
            match parser.as_str() {
                "context" => drop(black_box(parse(black_box(address), &sites))),
                // Some are no URLs; finding that out is this parser's work.
                "url" => drop(black_box(Url::parse(black_box(address)))),
                other => return Err(format!("`{other}` is neither `context` nor `url`").into()),
            }
        }
    }
    let took = begun.elapsed();

    writeln!(std::io::stdout(), "{}", took.as_nanos())?;
    Ok(())
}
