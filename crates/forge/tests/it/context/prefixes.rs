//! What prefixes ask for, and what they may not.

use domain::ContextOptions;
use forge::context::Target;

use super::{parsed, refused};

const PAGE: &str = "https://gitlab.example.com/a/b";

fn options(prefixes: &str) -> ContextOptions {
    let parsed = parsed(&format!("{prefixes}{PAGE}"));
    assert_eq!(parsed.url, PAGE);
    parsed.options
}

fn variables(prefixes: &str) -> Vec<(String, String)> {
    let set = options(prefixes).variables.into_iter();
    set.map(|variable| (variable.name, variable.value)).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn prefixes_nest_in_any_order() {
    let all = ["referrer:jetbrains-gateway:goland/", "A=1,B=2/", "imagebuild/", "open-prebuild/p-1/"];
    let reversed: Vec<&str> = all.iter().rev().copied().collect();

    let (one, other) = (options(&all.concat()), options(&reversed.join("/")));

    assert_eq!(one, other);
    let referrer = one.referrer.unwrap();
    assert_eq!((referrer.client.as_str(), referrer.editor.as_deref()), ("jetbrains-gateway", Some("goland")));
    assert_eq!(one.variables.len(), 2);
    assert!(one.rebuild_image && !one.prebuild);
    assert_eq!(one.open_prebuild.as_deref(), Some("p-1"));
    assert!(options("prebuild/").prebuild);
    assert_eq!(options("referrer:cli/").referrer.unwrap().editor, None);
}

#[test]
fn variables_are_decoded_and_the_last_of_a_name_counts() {
    assert_eq!(variables("A=1,B=x%2Ey,A=2/"), pairs(&[("B", "x.y"), ("A", "2")]));
    assert_eq!(variables("A=1/A=3/"), pairs(&[("A", "3")]));
    assert_eq!(variables("under_score=1,A-B=c%3Dd/"), pairs(&[("under_score", "1"), ("A-B", "c=d")]));
}

#[test]
fn every_variable_that_is_left_out_is_named_with_the_reason() {
    for (pair, reason) in [
        ("LD_PRELOAD=x", "steers"),
        ("ld_preload=x", "steers"),
        ("BASH_ENV=x", "steers"),
        ("PATH=x", "steers"),
        ("SHELL=x", "steers"),
        ("IFS=x", "steers"),
        ("HOME=x", "steers"),
        ("PYTHONSTARTUP=x", "steers"),
        ("PERL5OPT=x", "steers"),
        ("JAVA_TOOL_OPTIONS=x", "steers"),
        ("NODE_OPTIONS=x", "steers"),
        ("GIT_SSH_COMMAND=x", "steers"),
        ("MY_PATH=x", "steers"),
        ("APP_HOME=x", "steers"),
        ("APP_CONFIG=x", "steers"),
        ("APP_OPTIONS=x", "steers"),
        ("APP_STARTUP=x", "steers"),
        ("APP_INIT=x", "steers"),
        ("HEARTH_TOKEN=x", "steers"),
        ("GITPOD_HOST=x", "steers"),
        ("SSH_AUTH_SOCK=x", "steers"),
        ("https_proxy=x", "steers"),
        ("A.B=1", "name"),
        ("=1", "name"),
        ("A=", "empty"),
        ("A=1=2", "more than one"),
        ("A=a%20b", "characters"),
        ("A=%2Fetc", "characters"),
        ("A=$(id)", "characters"),
        ("A=%FF", "UTF-8"),
        ("A=1,B", "no `=`"),
    ] {
        let options = options(&format!("{pair}/"));
        let refused = options.refused_variables;
        assert_eq!(refused.len(), 1, "{pair}");
        assert!(refused[0].why.contains(reason), "{pair}: {}", refused[0].why);
        assert!(options.variables.iter().all(|variable| variable.name == "A" && pair == "A=1,B"), "{pair}");
    }
}

#[test]
fn a_flood_of_variables_is_held_back() {
    let flood: Vec<String> = (0..800).map(|number| format!("V{number}=1")).collect();
    let flood = flood.join(",");

    let options = options(&format!("{flood}/"));

    assert_eq!(options.variables.len(), 64);
    assert!(!options.refused_variables.is_empty() && options.refused_variables.len() < 100);
}

#[test]
fn a_snapshot_has_no_address() {
    let id = "snap_01jd2k3v4w5x6y7z8a9b0c1d2e";

    let found = parsed(&format!("#referrer:cli/A=1/snapshot/{id}/"));

    assert_eq!(found.target, Target::Snapshot(id.parse().unwrap()));
    assert_eq!(found.options.variables.len(), 1);
    assert_eq!(parsed(&found.url).target, found.target);
}

#[test]
fn prefixes_that_cannot_be_are_refused() {
    for (prefix, code) in [
        ("incremental-prebuild/", "prefix_gone"),
        ("additionalcontent/e30=/", "prefix_gone"),
        ("A=1/additionalcontent/e30=/", "prefix_gone"),
        ("open-prebuild//", "bad_prefix"),
        ("open-prebuild/a b/", "bad_prefix"),
        ("referrer:/", "bad_prefix"),
        ("referrer:a:b:c/", "bad_prefix"),
        ("prebuild/open-prebuild/x/", "bad_prefix"),
        ("snapshot/nothing/", "bad_prefix"),
        ("snapshot/snap_01jd2k3v4w5x6y7z8a9b0c1d2e/", "bad_prefix"),
        ("prebuild/snapshot/snap_01jd2k3v4w5x6y7z8a9b0c1d2e#", "bad_prefix"),
    ] {
        let error = refused(&format!("{prefix}{PAGE}"));
        assert_eq!(error.code(), code, "{prefix}: {error}");
        assert!(!error.mend().is_empty());
    }
    let error = refused("imagebuild/snapshot/snap_01jd2k3v4w5x6y7z8a9b0c1d2e");
    assert!(error.to_string().contains("neither built nor prebuilt"), "{error}");
}

#[test]
fn what_has_an_equals_sign_elsewhere_is_no_variable() {
    let page = format!("{PAGE}/-/tree/a=b?x=y");
    assert_eq!(parsed(&page).options, ContextOptions::default());
    let found = parsed("gitlab.example.com/a/b?x=y/z");
    assert!(found.options.variables.is_empty());
}
