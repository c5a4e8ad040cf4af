//! One request to the API: who asks, with which parameters, about which project.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, RawPathParams};
use http::{Method, Request};

use super::answer::Refusal;
use crate::gitlab::identity::{self, Caller};
use crate::gitlab::instance::Instance;
use crate::gitlab::params::Params;
use crate::gitlab::repository::Repository;
use crate::gitlab::version::Feature;
use crate::gitlab::world::{AccessLevel, ProjectRecord};

/// GitLab's largest body of an API request.
const BODY_LIMIT: usize = 100 << 20;

pub(crate) struct Call {
    pub(crate) instance: Arc<Instance>,
    pub(crate) params: Params,
    pub(crate) caller: Option<Caller>,
    pub(crate) method: Method,
    /// With the prefix and `/api/v4`.
    pub(crate) uri: String,
    segments: HashMap<String, String>,
}

/// The project a request is about, as far as handlers need it outside the lock.
pub(crate) struct Subject {
    pub(crate) id: u64,
    pub(crate) path: String,
    pub(crate) repository: Repository,
    pub(crate) level: Option<AccessLevel>,
    reads: bool,
}

impl FromRequest<Arc<Instance>> for Call {
    type Rejection = Refusal;

    async fn from_request(request: Request<Body>, instance: &Arc<Instance>) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        let body = to_bytes(body, BODY_LIMIT).await.map_err(|_| Refusal::bad("the body is too large"))?;
        let params = Params::read(parts.uri.query(), &parts.headers, &body);
        let segments = match RawPathParams::from_request_parts(&mut parts, instance).await {
            Ok(found) => found.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            Err(_) => HashMap::new(),
        };
        let query_token = params.text("access_token").or_else(|| params.text("private_token"));
        let caller = identity::of_api(instance, &parts.headers, query_token);
        let caller = caller.map_err(|refused| Refusal::refused(&refused))?;
        let needed = identity::needed(&parts.method, parts.uri.path());
        if let Some(caller) = &caller
            && !needed.is_empty()
            && !needed.iter().any(|scope| caller.has(scope))
        {
            return Err(Refusal::scope(needed));
        }
        let prefix = instance.options.path_prefix.as_deref().unwrap_or_default().trim_end_matches('/');
        let uri = format!("{prefix}/api/v4{}", parts.uri);
        Ok(Self { instance: Arc::clone(instance), params, caller, method: parts.method, uri, segments })
    }
}

impl Call {
    /// A variable of the route, decoded.
    pub(crate) fn segment(&self, name: &str) -> &str {
        self.segments.get(name).map_or("", String::as_str)
    }

    pub(crate) fn has_segment(&self, name: &str) -> bool {
        self.segments.contains_key(name)
    }

    /// A variable of the route as a number.
    pub(crate) fn number(&self, name: &str) -> Result<u64, Refusal> {
        self.segment(name).parse().map_err(|_| Refusal::bad(&format!("{name} is invalid")))
    }

    /// Who asks, where that is known.
    pub(crate) fn somebody(&self) -> Option<u64> {
        self.caller.as_ref().map(|caller| caller.account)
    }

    /// Who asks; 401 for nobody.
    pub(crate) fn account(&self) -> Result<u64, Refusal> {
        self.somebody().ok_or_else(Refusal::unauthorized)
    }

    /// 403 for all but administrators.
    pub(crate) fn admin(&self) -> Result<u64, Refusal> {
        let account = self.account()?;
        let admin = self.instance.world().accounts.get(&account).is_some_and(|account| account.admin);
        if admin { Ok(account) } else { Err(Refusal::forbidden()) }
    }

    /// 404 on releases that did not have it.
    pub(crate) fn since(&self, feature: Feature) -> Result<(), Refusal> {
        if self.instance.has(feature) { Ok(()) } else { Err(Refusal::no_route()) }
    }

    /// Parameters that must be there.
    pub(crate) fn require(&self, names: &[&str]) -> Result<(), Refusal> {
        let missing: Vec<&str> = names.iter().copied().filter(|name| !self.params.has(name)).collect();
        if missing.is_empty() { Ok(()) } else { Err(Refusal::missing(&missing)) }
    }

    /// The project with this number or path, if the caller may know of it.
    pub(crate) fn project(&self) -> Result<Subject, Refusal> {
        let wanted = self.segment("id");
        let world = self.instance.world();
        let somebody = self.somebody();
        let by_id = wanted.parse().ok().and_then(|id: u64| world.projects.get(&id));
        if let Some(record) = by_id.or_else(|| world.project_at(wanted)) {
            let seen = world.sees(somebody, record);
            return seen.then(|| self.subject(&world, record)).ok_or_else(|| Refusal::not_found("Project"));
        }
        let moved = world.moved.get(wanted).and_then(|id| world.projects.get(id));
        let moved = moved.filter(|record| world.sees(somebody, record));
        let moved = moved.filter(|_| self.instance.has(Feature::MovedProjects) && self.method == Method::GET);
        Err(match moved {
            Some(record) => Refusal::moved(self.relocated(record.id)),
            None => Refusal::not_found("Project"),
        })
    }

    fn subject(&self, world: &crate::gitlab::world::World, record: &ProjectRecord) -> Subject {
        Subject {
            id: record.id,
            path: record.path.clone(),
            repository: Repository::at(&record.repository),
            level: world.access(self.somebody(), record),
            reads: world.reads(self.somebody(), record),
        }
    }

    /// This request's address with the project's number in place of its former path.
    fn relocated(&self, id: u64) -> String {
        let (before, after) = self.uri.split_once("/projects/").unwrap_or((&self.uri, ""));
        let rest = after.find(['/', '?']).map_or("", |place| &after[place..]);
        let origin = url::Url::parse(&self.instance.url).map(|url| url.origin().ascii_serialization());
        format!("{}{before}/projects/{id}{rest}", origin.unwrap_or_default())
    }
}

impl Subject {
    /// 403 where the caller may not see code.
    pub(crate) fn code(self) -> Result<Self, Refusal> {
        if self.reads { Ok(self) } else { Err(Refusal::forbidden()) }
    }

    /// 403 below this level.
    pub(crate) fn at_least(self, level: AccessLevel) -> Result<Self, Refusal> {
        if self.level >= Some(level) { Ok(self) } else { Err(Refusal::forbidden()) }
    }
}
