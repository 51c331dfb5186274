//! Networks that ship with npc, as `import std.npnet` brings them in: the files of `models`.

use crate::text::syntax::ast::{self, ItemKind};

/// The names after `std.`, each with its file.
pub(super) const MODELS: &[(&str, &str)] = &[
    ("attention_unet", include_str!("../../../models/attention_unet.model")),
    ("fcn8s", include_str!("../../../models/fcn8s.model")),
    ("npnet", include_str!("../../../models/npnet.model")),
    ("pspnet", include_str!("../../../models/pspnet.model")),
    ("segnet", include_str!("../../../models/segnet.model")),
    ("unet", include_str!("../../../models/unet.model")),
    ("unetpp", include_str!("../../../models/unetpp.model")),
    ("unetpp_supervised", include_str!("../../../models/unetpp_supervised.model")),
];

/// Returns the file with what makes its networks: models, variants, and their blocks and enums. Runs, sweeps and claims are about
/// the data of `models/data.model`, which is not built in.
pub(super) fn networks_of(mut file: ast::File) -> ast::File {
    file.items.retain(|item| match &item.kind {
        ItemKind::Enum(_) | ItemKind::Block(_) | ItemKind::Model(_) | ItemKind::Variant(_) | ItemKind::Allow(_) => true,
        ItemKind::Import(_) | ItemKind::Sweep(_) | ItemKind::Data(_) | ItemKind::Train(_) | ItemKind::Expect(_) => {
            false
        }
    });
    file
}
