//! Which blocks of a picture are open.

use super::tree::{BlockTree, MAX_BOXES, TreeItem, TreeItemKind};
use std::collections::HashSet;

/// Whether each item is open. Only the network, blocks and runs can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoldState {
    open: Vec<bool>,
}

impl FoldState {
    /// Opens all blocks above `depth`: at 1 the outermost blocks are closed boxes, at 2 they show their content.
    pub fn to_depth(tree: &BlockTree, depth: usize) -> FoldState {
        let open = |i: &TreeItem| i.depth == 0 || (i.can_fold() && i.depth < depth);
        FoldState { open: tree.items.iter().map(open).collect() }
    }

    /// Returns the deepest state that shows at most [`MAX_BOXES`] boxes, and depth 1 where even that shows more.
    pub fn readable(tree: &BlockTree) -> FoldState {
        let deepest = tree.items.iter().map(|i| i.depth).max().unwrap_or(0);
        let fits = |fold: &FoldState| fold.box_count(tree) <= MAX_BOXES;
        let folds = (2..=deepest).map(|depth| FoldState::to_depth(tree, depth));
        folds.take_while(fits).last().unwrap_or_else(|| FoldState::to_depth(tree, 1))
    }

    pub fn is_open(&self, item: usize) -> bool {
        self.open[item]
    }

    /// Opens or closes the blocks that a path names, and returns whether there are any. Blocks around an opened one open too.
    ///
    /// A path names the block that has it; else the outermost blocks whose paths continue it, such as `down.0.double` for `down.0` or
    /// for `down`; else, to open, the blocks around the operator that has it.
    pub fn set_open(&mut self, tree: &BlockTree, path: &str, open: bool) -> bool {
        let found = named_items(tree, path, open);
        for &item in &found {
            let mut chain = if open { tree.ancestors(item) } else { vec![item] };
            chain.retain(|&i| tree.items[i].can_fold());
            chain.into_iter().for_each(|i| self.open[i] = open);
        }
        !found.is_empty()
    }

    /// Returns the items that are drawn as boxes: they are closed, and all blocks around them are open.
    pub fn visible_boxes(&self, tree: &BlockTree) -> Vec<usize> {
        let mut seen = vec![false; tree.items.len()];
        let mut shown = Vec::new();
        for (i, item) in tree.items.iter().enumerate() {
            seen[i] = item.parent.is_none_or(|p| seen[p] && self.open[p]);
            if seen[i] && !self.open[i] {
                shown.push(i);
            }
        }
        shown
    }

    pub fn box_count(&self, tree: &BlockTree) -> usize {
        self.visible_boxes(tree).len()
    }
}

/// Returns the items that a path names; see [`FoldState::set_open`].
fn named_items(tree: &BlockTree, path: &str, open: bool) -> Vec<usize> {
    let all = |named: &dyn Fn(&TreeItem) -> bool| -> Vec<usize> {
        (0..tree.items.len()).filter(|&i| named(&tree.items[i])).collect()
    };
    let has_path = |i: &TreeItem| i.path == path || i.around.iter().any(|a| a == path);
    let exact = all(&|i| i.can_fold() && has_path(i));
    if !exact.is_empty() {
        return exact;
    }
    let continues = |i: &TreeItem| i.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    // The path of a run is a range of paths, whose blocks are items of their own.
    let is_below = |i: &TreeItem| matches!(i.kind, TreeItemKind::Block { .. }) && continues(i);
    let outermost = |i: &TreeItem| is_below(i) && i.parent.is_none_or(|parent| !is_below(&tree.items[parent]));
    let below = all(&outermost);
    match below.is_empty() && open {
        true => all(&|i| i.kind == TreeItemKind::Operator && has_path(i)),
        false => below,
    }
}

/// Returns every path that names blocks, each once, in the order of the network: those of instances, such as `down.0`, before those of
/// the blocks in them.
pub(crate) fn block_paths(tree: &BlockTree) -> Vec<&str> {
    let mut seen = HashSet::new();
    let own = tree.items.iter().filter(|i| matches!(i.kind, TreeItemKind::Block { .. }));
    let paths = own.flat_map(|i| i.around.iter().chain([&i.path])).map(String::as_str);
    let beginnings = paths.flat_map(|path| path.match_indices('.').map(|(end, _)| &path[..end]).chain([path]));
    beginnings.filter(|path| seen.insert(*path)).collect()
}
