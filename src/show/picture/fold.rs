//! Which blocks of a picture are open.

use super::tree::{BlockTree, MAX_BOXES, TreeItem};

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

    /// Opens or closes every block of this path. Blocks around an opened one open too. Returns `false` where no block has
    /// the path.
    pub fn set_open(&mut self, tree: &BlockTree, path: &str, open: bool) -> bool {
        let named = |i: &TreeItem| i.can_fold() && (i.path == path || i.around.iter().any(|a| a == path));
        let found: Vec<usize> = (0..tree.items.len()).filter(|&i| named(&tree.items[i])).collect();
        for &item in &found {
            let chain = if open { tree.ancestors(item) } else { vec![item] };
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
