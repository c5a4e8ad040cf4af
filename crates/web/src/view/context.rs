//! How contexts look in the API.

use domain::context::{Base, Referrer};
use domain::{Context, ContextOptions};
use wire::api::{BaseView, ContextOptionsView, ContextView, NumberedView, RefusedVariableView, VariableView};

use super::ref_kind;

/// What an address means.
pub(crate) fn context(context: Context) -> ContextView {
    let url = context.repository.clone_url.as_url();
    let host = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    };
    let upstream_url =
        context.base.as_ref().map(|base| &base.repository.clone_url).or(context.upstream.as_ref());
    let upstream_url = upstream_url.filter(|upstream| **upstream != context.repository.clone_url);
    ContextView {
        forge: context.forge,
        kind: context.kind,
        host,
        upstream_url: upstream_url.map(ToString::to_string),
        owner: context.repository.owner,
        repository: context.repository.name,
        clone_url: context.repository.clone_url.to_string(),
        private: context.repository.private,
        default_branch: context.repository.default_branch.map(Into::into),
        ref_kind: context.ref_kind.map(|kind| ref_kind(kind).to_owned()),
        reference: context.reference.map(Into::into),
        revision: context.revision,
        path: context.path,
        is_file: context.is_file,
        merge_request: context
            .merge_request
            .map(|request| NumberedView { number: request.number, title: request.title }),
        issue: context.issue.map(|issue| NumberedView { number: issue.number, title: issue.title }),
        base: context.base.map(|Base { repository, reference }| BaseView {
            owner: repository.owner,
            repository: repository.name,
            clone_url: repository.clone_url.to_string(),
            reference: reference.into(),
        }),
        local_branch: context.local_branch.map(Into::into),
        title: context.title,
        options: options(context.options),
        warnings: context.warnings,
    }
}

fn options(options: ContextOptions) -> ContextOptionsView {
    let (referrer, editor) = match options.referrer {
        Some(Referrer { client, editor }) => (Some(client), editor),
        None => (None, None),
    };
    ContextOptionsView {
        variables: options
            .variables
            .into_iter()
            .map(|variable| VariableView { name: variable.name, value: variable.value })
            .collect(),
        refused_variables: options
            .refused_variables
            .into_iter()
            .map(|refused| RefusedVariableView { name: refused.name, why: refused.why })
            .collect(),
        referrer,
        editor,
        rebuild_image: options.rebuild_image,
        prebuild: options.prebuild,
        open_prebuild: options.open_prebuild,
    }
}
