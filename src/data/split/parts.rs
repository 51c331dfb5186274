//! Cases by role.

use crate::data::case::{Case, Role};

/// Cases by role.
#[derive(Default)]
pub(crate) struct Parts {
    pub train: Vec<Case>,
    pub val: Vec<Case>,
    pub test: Vec<Case>,
}

impl Parts {
    pub(super) fn of(&mut self, role: Role) -> &mut Vec<Case> {
        match role {
            Role::Train => &mut self.train,
            Role::Val => &mut self.val,
            Role::Test => &mut self.test,
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (Role, &Case)> {
        let role = |role| move |case| (role, case);
        let (train, val) = (self.train.iter().map(role(Role::Train)), self.val.iter().map(role(Role::Val)));
        train.chain(val).chain(self.test.iter().map(role(Role::Test)))
    }
}
