//! `/version`, `/metadata` and the caller's own token.

use serde_json::{Value, json};

use super::answer::{Answer, Refusal, gone, ok};
use super::call::Call;
use super::shapes;
use crate::gitlab::version::Feature;

pub(crate) async fn version(call: Call) -> Answer {
    call.account()?;
    let whole = metadata_of(&call);
    // The same code answers both since 15.2.
    if call.instance.has(Feature::Metadata) {
        return ok(whole);
    }
    ok(json!({ "version": whole["version"], "revision": whole["revision"] }))
}

pub(crate) async fn metadata(call: Call) -> Answer {
    call.since(Feature::Metadata)?;
    call.account()?;
    ok(metadata_of(&call))
}

fn metadata_of(call: &Call) -> Value {
    let version = call.instance.version();
    let number = version.as_str().split('-').next().unwrap_or_default();
    let mut metadata = json!({
        "version": version.as_str(),
        "revision": "cc3748fcd2d",
        "kas": { "enabled": false, "externalUrl": null, "version": format!("v{number}") },
    });
    if call.instance.has(Feature::EnterpriseField) {
        metadata["enterprise"] = json!(version.is_enterprise());
    }
    if version.at_least(17, 6) {
        metadata["kas"]["externalK8sProxyUrl"] = Value::Null;
    }
    metadata
}

fn own(call: &Call) -> Result<u64, Refusal> {
    call.since(Feature::InstanceHeader)?;
    call.account()?;
    call.caller.as_ref().and_then(|caller| caller.personal_token).ok_or_else(|| {
        Refusal::bad_request("This endpoint requires token type to be a personal access token")
    })
}

pub(crate) async fn own_token(call: Call) -> Answer {
    let id = own(&call)?;
    let world = call.instance.world();
    let token = world.personal_tokens.iter().find(|token| token.id == id).ok_or_else(Refusal::no_record)?;
    ok(shapes::personal_token(token))
}

pub(crate) async fn revoke_own_token(call: Call) -> Answer {
    let id = own(&call)?;
    for token in call.instance.world().personal_tokens.iter_mut().filter(|token| token.id == id) {
        token.revoked = true;
    }
    gone()
}
