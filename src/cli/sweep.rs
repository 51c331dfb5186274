//! `npc sweep`: the models of a `sweep` declaration, counted or trained.

mod counted;
#[cfg(feature = "run")]
mod notes;
mod options;
mod picture;
mod show;
#[cfg(feature = "run")]
mod steps;
#[cfg(feature = "run")]
mod table;
#[cfg(feature = "run")]
mod trained;

use super::outcome::Done;
#[cfg(feature = "run")]
pub(super) use options::Common;
pub(super) use options::{Look, Opts};
#[cfg(feature = "run")]
pub(super) use trained::act;

pub(super) fn run(opts: &Opts) -> Done {
    if opts.counted {
        return counted::run(opts);
    }
    #[cfg(feature = "run")]
    return trained::run(opts, &opts.runs);
    #[cfg(not(feature = "run"))]
    Err(super::outcome::Stop::usage("this npc was built without training: add --static to count the models"))
}
