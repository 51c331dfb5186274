//! Cases by role.

use crate::data::case::{Case, SplitRole};

/// Cases by role.
#[derive(Default)]
pub(crate) struct CasesByRole {
    pub train: Vec<Case>,
    pub val: Vec<Case>,
    pub test: Vec<Case>,
}

impl CasesByRole {
    pub(super) fn of(&mut self, role: SplitRole) -> &mut Vec<Case> {
        match role {
            SplitRole::Train => &mut self.train,
            SplitRole::Val => &mut self.val,
            SplitRole::Test => &mut self.test,
        }
    }

    /// Iterates over all cases with their roles: training, validation, test.
    pub(crate) fn all(&self) -> impl Iterator<Item = (SplitRole, &Case)> {
        let role = |role| move |case| (role, case);
        let (train, val) = (self.train.iter().map(role(SplitRole::Train)), self.val.iter().map(role(SplitRole::Val)));
        train.chain(val).chain(self.test.iter().map(role(SplitRole::Test)))
    }
}
