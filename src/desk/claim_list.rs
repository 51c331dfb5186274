//! Which claims of a file are listed, and how many are not.

use super::claims::JudgedClaim;
use super::selection::Selection;
use crate::base::count::counted;
use crate::study::claim::Verdict;

/// Which claims a reader asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClaimChoice {
    /// Those that can be judged without training, at the data and the sizes of the selection.
    Judged,
    /// All.
    All,
    /// None: the analysis has errors, which come first.
    AfterErrors,
}

/// The claims to list.
pub(crate) struct ClaimList<'a> {
    /// In the order of the files.
    pub listed: Vec<&'a JudgedClaim>,
    /// Number of all claims.
    pub all: usize,
    /// Number of the others that only training can judge.
    training: usize,
    /// Number of the others at other data or sizes than those of the selection.
    elsewhere: usize,
}

impl<'a> ClaimList<'a> {
    /// Chooses among the claims of one or more files.
    pub(crate) fn new(
        claims: impl Iterator<Item = &'a JudgedClaim>,
        selection: &Selection,
        choice: ClaimChoice,
    ) -> ClaimList<'a> {
        let mut list = ClaimList { listed: Vec::new(), all: 0, training: 0, elsewhere: 0 };
        for claim in claims {
            list.all += 1;
            match choice {
                ClaimChoice::All => list.listed.push(claim),
                ClaimChoice::AfterErrors => {}
                ClaimChoice::Judged if !is_selected(claim, selection) => list.elsewhere += 1,
                ClaimChoice::Judged if claim.judged.verdict == Verdict::Reported => list.training += 1,
                ClaimChoice::Judged => list.listed.push(claim),
            }
        }
        list
    }

    /// Returns one line on the claims that are not listed, or an empty text.
    pub(crate) fn rest(&self) -> String {
        let hidden = self.all - self.listed.len();
        let claims = counted(hidden, if self.listed.is_empty() { "claim" } else { "more claim" });
        let what = match (self.training, self.elsewhere) {
            _ if hidden == 0 => return String::new(),
            (0, 0) => claims,
            (n, 0) => format!("{claims} {} training", if n == 1 { "needs" } else { "need" }),
            (0, n) => format!("{claims} {} about other data or sizes", if n == 1 { "is" } else { "are" }),
            (n, m) => format!("{claims}: {n} for training to judge, {m} about other data or sizes"),
        };
        format!("{what}; --claims lists all\n")
    }
}

fn is_selected(claim: &JudgedClaim, selection: &Selection) -> bool {
    match (&selection.on[..], &selection.size[..]) {
        ([], []) => true,
        ([], sizes) => claim.size.is_some_and(|size| sizes.contains(&size)),
        (on, _) => claim.on.as_ref().is_some_and(|data| on.contains(data)),
    }
}
