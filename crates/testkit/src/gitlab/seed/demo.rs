//! Data to show around: two users, a few projects, an application, a token.

use super::{Application, NewApplication, NewUser, Project, User};
use crate::gitlab::GitlabDouble;
use crate::gitlab::world::{AccessLevel, Visibility};

/// What a demonstration has.
#[derive(Debug, Clone)]
pub struct Demo {
    /// The administrator.
    pub root: User,
    /// An ordinary user, owner of the projects.
    pub dev: User,
    /// A user who may read one project.
    pub guest: User,
    /// Projects of all visibilities.
    pub projects: Vec<Project>,
    /// A trusted-by-nobody application.
    pub application: Application,
    /// A personal access token of the ordinary user with the scope `api`.
    pub token: String,
}

impl GitlabDouble {
    /// Fills an empty instance; the application may send browsers to `redirect_uri`.
    pub fn add_demo(&self, redirect_uri: &str) -> Demo {
        let root = self.add_new_user(NewUser::named("root").admin());
        let (dev, guest) = (self.add_user("dev"), self.add_user("guest"));
        let projects = vec![
            self.add_project("group/sub/project", Visibility::Private, &dev),
            self.add_project("group/open", Visibility::Public, &dev),
            self.add_project("dev/notes", Visibility::Internal, &dev),
        ];
        if let [first, open, ..] = projects.as_slice() {
            self.add_member(first, &guest, AccessLevel::Reporter);
            self.add_issue(first, &dev, "The guide is short");
            self.add_merge_request(first, first, "feature/one", &dev, "Add one");
            let fork = self.fork_project(open, &guest);
            self.push_commit(&fork, &guest, "from-fork", ("fork.txt", "from a fork\n"));
            self.add_merge_request(open, &fork, "from-fork", &guest, "Come from a fork");
        }
        let scopes = [
            "api",
            "read_api",
            "read_user",
            "read_repository",
            "write_repository",
            "openid",
            "profile",
            "email",
        ];
        let application = self.add_application(NewApplication::new(redirect_uri, &scopes));
        let token = self.add_personal_token(&dev, &["api"]);
        Demo { root, dev, guest, projects, application, token }
    }
}
