//! The nesting of blocks, from the paths of their nodes, with runs of equal blocks grouped.
//!
//! Every item represents nodes with consecutive ids. An edge of the graph runs from a smaller id to a larger one, so edges
//! between the items of a block run forward as well in any fold state.

use crate::graph::ir::{Graph, NodeId, Outlet};
use crate::graph::op::{Op, ReadPattern};
use std::collections::HashMap;
use std::ops::Range;

/// The most boxes of a picture whose depth is chosen automatically.
pub const MAX_BOXES: usize = 40;
/// Blocks with more parts than this have their runs of equal parts grouped.
const RUN_THRESHOLD: usize = MAX_BOXES;
/// The fewest consecutive equal blocks that form a run.
const MIN_RUN: usize = 3;

/// What an item represents.
#[derive(Debug, Clone, PartialEq)]
pub enum TreeItemKind {
    /// The whole network, item 0.
    Network,
    Input,
    Operator,
    /// An instance of a block.
    Block {
        block: String,
    },
    /// Consecutive equal blocks, each of which reads the one before only.
    Run {
        block: String,
        count: usize,
    },
    Result,
}

/// A tensor that an item reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemInput {
    pub outlet: Outlet,
    /// Whether only its size is read, as `resize(to = x)` does with `x`.
    pub size_only: bool,
}

/// A part of the picture: the network, a block, a run of blocks, an operator, an input or a result.
#[derive(Debug, Clone)]
pub struct TreeItem {
    pub kind: TreeItemKind,
    pub parent: Option<usize>,
    /// 0 for the network, 1 for its children.
    pub depth: usize,
    /// Path of the node or the block, or name of the result.
    pub path: String,
    /// Paths of the blocks around it that contain nothing else.
    pub around: Vec<String>,
    /// Range of the ids of its nodes.
    pub nodes: Range<usize>,
    pub children: Vec<usize>,
    /// Distinct tensors that it reads from outside, in the order of first use.
    pub inputs: Vec<ItemInput>,
    /// Tensors that are read outside.
    pub outputs: Vec<Outlet>,
    /// Items of one class compute the same function of equal shapes, up to their weights.
    pub class: usize,
}

impl TreeItem {
    /// Checks whether the item can be opened and closed.
    pub fn can_fold(&self) -> bool {
        matches!(self.kind, TreeItemKind::Block { .. } | TreeItemKind::Run { .. })
    }
}

/// All items of a network.
#[derive(Debug, Clone)]
pub struct BlockTree {
    /// Each item after its parent, with the network first.
    pub items: Vec<TreeItem>,
}

impl BlockTree {
    pub fn new(graph: &Graph) -> BlockTree {
        let scopes = graph.instances.iter().map(|s| (s.path.as_str(), s.block.as_str())).collect();
        let mut builder = BlockTreeBuilder { graph, scopes, items: Vec::new(), classes: HashMap::new() };
        let root = builder.add_item(TreeItemKind::Network, None, String::new(), 0..graph.len());
        builder.add_children(root, 0);
        for (name, outlet) in &graph.results {
            let item = builder.add_item(TreeItemKind::Result, Some(root), name.clone(), graph.len()..graph.len());
            builder.items[item].inputs = vec![ItemInput { outlet: *outlet, size_only: false }];
            builder.items[root].children.push(item);
        }
        builder.connect();
        builder.group_runs();
        BlockTree { items: builder.items }
    }

    /// Returns the items around this one from the outermost block inwards, and the item itself.
    pub fn ancestors(&self, item: usize) -> Vec<usize> {
        let mut chain: Vec<usize> = std::iter::successors(Some(item), |&i| self.items[i].parent).collect();
        chain.pop();
        chain.reverse();
        chain
    }
}

struct BlockTreeBuilder<'g> {
    graph: &'g Graph,
    scopes: HashMap<&'g str, &'g str>,
    items: Vec<TreeItem>,
    classes: HashMap<String, usize>,
}

impl<'g> BlockTreeBuilder<'g> {
    fn add_item(&mut self, kind: TreeItemKind, parent: Option<usize>, path: String, nodes: Range<usize>) -> usize {
        let depth = parent.map_or(0, |p| self.items[p].depth + 1);
        let (inputs, outputs) = (Vec::new(), Vec::new());
        let item = TreeItem {
            kind,
            parent,
            depth,
            path,
            around: Vec::new(),
            nodes,
            children: Vec::new(),
            inputs,
            outputs,
            class: 0,
        };
        self.items.push(item);
        self.items.len() - 1
    }

    /// Returns the path of the block instance that is `opened` levels deep around a node.
    fn scope_at(&self, ids: &[NodeId], node: usize, opened: usize) -> Option<&'g str> {
        let path = self.graph.node(ids[node]).path.as_str();
        path.match_indices('.').map(|(end, _)| &path[..end]).filter(|p| self.scopes.contains_key(p)).nth(opened)
    }

    /// Adds the items below an item that is `opened` levels deep.
    fn add_children(&mut self, parent: usize, opened: usize) {
        let ids = self.graph.order();
        let mut pending = vec![(parent, opened)];
        while let Some((parent, opened)) = pending.pop() {
            let Range { start, end } = self.items[parent].nodes.clone();
            let mut at = start;
            while at < end {
                let mut deep = opened;
                let mut around = Vec::new();
                let Some(mut scope) = self.scope_at(&ids, at, deep) else {
                    let node = self.graph.node(ids[at]);
                    let is_input = matches!(node.op, Op::Input(_));
                    let kind = if is_input { TreeItemKind::Input } else { TreeItemKind::Operator };
                    let child = self.add_item(kind, Some(parent), node.path.clone(), at..at + 1);
                    self.items[parent].children.push(child);
                    at += 1;
                    continue;
                };
                let length =
                    |scope, deep| (at..end).take_while(|&i| self.scope_at(&ids, i, deep) == Some(scope)).count();
                let last = at + length(scope, deep);
                // A block that contains only another block is shown as the inner one, and a block with one operator as the
                // operator.
                while let Some(inner) = self.scope_at(&ids, at, deep + 1) {
                    if at + length(inner, deep + 1) < last {
                        break;
                    }
                    around.push(scope.to_string());
                    (scope, deep) = (inner, deep + 1);
                }
                let child = if last == at + 1 {
                    around.push(scope.to_string());
                    self.add_item(TreeItemKind::Operator, Some(parent), self.graph.node(ids[at]).path.clone(), at..last)
                } else {
                    let block = self.scopes[scope].to_string();
                    let child = self.add_item(TreeItemKind::Block { block }, Some(parent), scope.into(), at..last);
                    pending.push((child, deep + 1));
                    child
                };
                self.items[child].around = around;
                self.items[parent].children.push(child);
                at = last;
            }
        }
    }

    /// Fills in inputs, outputs and class of all items with nodes.
    fn connect(&mut self) {
        let uses = TensorUses::new(self.graph);
        for item in 1..self.items.len() {
            let nodes = self.items[item].nodes.clone();
            if nodes.is_empty() {
                continue;
            }
            let inputs = uses.inputs(&nodes);
            let signature = uses.signature(self.graph, &nodes, &inputs);
            let next = self.classes.len();
            self.items[item].class = *self.classes.entry(signature).or_insert(next);
            self.items[item].outputs = uses.outputs(self.graph, &nodes);
            self.items[item].inputs = inputs;
        }
    }

    /// Groups runs of equal blocks in items with many children.
    fn group_runs(&mut self) {
        for parent in 0..self.items.len() {
            if self.items[parent].children.len() > RUN_THRESHOLD {
                self.group_runs_of(parent);
            }
        }
        self.sort_parents_first();
    }

    fn group_runs_of(&mut self, parent: usize) {
        let children = self.items[parent].children.clone();
        let mut readers: HashMap<Outlet, usize> = HashMap::new();
        for input in children.iter().flat_map(|&c| &self.items[c].inputs) {
            *readers.entry(input.outlet).or_default() += 1;
        }
        let mut kept = Vec::with_capacity(children.len());
        let mut at = 0;
        while at < children.len() {
            let mut end = at + 1;
            while end < children.len() && self.continues_run(children[end - 1], children[end], &readers) {
                end += 1;
            }
            let run = &children[at..end];
            match &self.items[run[0]].kind {
                TreeItemKind::Block { block } if run.len() >= MIN_RUN => {
                    let block = block.clone();
                    kept.push(self.add_run(parent, block, run));
                }
                _ => kept.extend(run),
            }
            at = end;
        }
        self.items[parent].children = kept;
    }

    /// Adds an item that represents a run of equal blocks, and moves the blocks below it.
    fn add_run(&mut self, parent: usize, block: String, run: &[usize]) -> usize {
        let count = run.len();
        let (first, last) = (self.items[run[0]].clone(), self.items[run[count - 1]].clone());
        let path = format!("{}..{}", first.path, last.path);
        let nodes = first.nodes.start..last.nodes.end;
        let item = self.add_item(TreeItemKind::Run { block, count }, Some(parent), path, nodes);
        self.items[item].children = run.to_vec();
        self.items[item].inputs = first.inputs;
        self.items[item].outputs = last.outputs;
        self.items[item].class = usize::MAX - first.class;
        run.iter().for_each(|&i| self.items[i].parent = Some(item));
        item
    }

    /// Checks whether `next` is equal to `before` and is the only reader of its output.
    fn continues_run(&self, before: usize, next: usize, readers: &HashMap<Outlet, usize>) -> bool {
        let (a, b) = (&self.items[before], &self.items[next]);
        let alone = match (&a.outputs[..], &b.inputs[..]) {
            ([out], [wire]) => wire.outlet == *out && readers.get(out) == Some(&1),
            _ => false,
        };
        a.class == b.class && a.can_fold() && b.can_fold() && alone
    }

    /// Sorts parents before children, and renumbers parents and depths.
    fn sort_parents_first(&mut self) {
        let mut order = Vec::with_capacity(self.items.len());
        let mut pending = vec![0];
        while let Some(item) = pending.pop() {
            order.push(item);
            pending.extend(self.items[item].children.iter().rev());
        }
        let mut place = vec![0; self.items.len()];
        order.iter().enumerate().for_each(|(to, &from)| place[from] = to);
        let mut items: Vec<TreeItem> = order.iter().map(|&from| self.items[from].clone()).collect();
        for i in 0..items.len() {
            items[i].children.iter_mut().for_each(|c| *c = place[*c]);
            items[i].parent = items[i].parent.map(|p| place[p]);
            items[i].depth = items[i].parent.map_or(0, |p| items[p].depth + 1);
        }
        self.items = items;
    }
}

/// The tensors that each node reads, and the last node that reads each tensor.
struct TensorUses {
    ids: Vec<NodeId>,
    /// By node.
    reads: Vec<Vec<ItemInput>>,
    /// Results of the network count as reads after all nodes.
    last_use: HashMap<Outlet, usize>,
}

impl TensorUses {
    fn new(graph: &Graph) -> TensorUses {
        let ids = graph.order();
        let mut uses = TensorUses { ids: Vec::new(), reads: Vec::with_capacity(ids.len()), last_use: HashMap::new() };
        for &id in &ids {
            let (node, types) = (graph.node(id), graph.input_types(id));
            let input = |(slot, outlet)| {
                let size_only = node.op.reads(slot, &types, &node.outputs) == [ReadPattern::Nothing; 2];
                ItemInput { outlet, size_only }
            };
            let inputs: Vec<ItemInput> = graph.inputs(id).into_iter().enumerate().map(input).collect();
            inputs.iter().for_each(|input| _ = uses.last_use.insert(input.outlet, id.index()));
            uses.reads.push(inputs);
        }
        graph.results.iter().for_each(|(_, outlet)| _ = uses.last_use.insert(*outlet, ids.len()));
        TensorUses { ids, ..uses }
    }

    /// Returns the distinct tensors that some nodes read from outside, in the order of first use.
    fn inputs(&self, nodes: &Range<usize>) -> Vec<ItemInput> {
        let mut inputs: Vec<ItemInput> = Vec::new();
        let mut known: HashMap<Outlet, usize> = HashMap::new();
        let reads = self.reads[nodes.clone()].iter().flatten();
        for input in reads.filter(|input| input.outlet.node.index() < nodes.start) {
            let at = *known.entry(input.outlet).or_insert(inputs.len());
            match inputs.get_mut(at) {
                Some(old) => old.size_only &= input.size_only,
                None => inputs.push(*input),
            }
        }
        inputs
    }

    /// Returns the tensors of some nodes that are read outside.
    fn outputs(&self, graph: &Graph, nodes: &Range<usize>) -> Vec<Outlet> {
        let slots = |&node: &NodeId| (0..graph.node(node).outputs.len()).map(move |slot| Outlet { node, slot });
        let outlets = self.ids[nodes.clone()].iter().flat_map(slots);
        outlets.filter(|outlet| self.last_use.get(outlet).is_some_and(|&last| last >= nodes.end)).collect()
    }

    /// Returns a text that is equal for nodes that compute the same function of equal shapes.
    fn signature(&self, graph: &Graph, nodes: &Range<usize>, inputs: &[ItemInput]) -> String {
        let index: HashMap<Outlet, usize> = inputs.iter().enumerate().map(|(i, input)| (input.outlet, i)).collect();
        let source = |input: &ItemInput| match input.outlet.node.index().checked_sub(nodes.start) {
            Some(inside) => format!("{inside}.{}", input.outlet.slot),
            None => format!("in{}:{}", index[&input.outlet], graph.ty(input.outlet)),
        };
        let mut signature = String::new();
        for i in nodes.clone() {
            let op = &graph.node(self.ids[i]).op;
            let from: Vec<String> = self.reads[i].iter().map(source).collect();
            signature += &format!("{} {:?} {from:?};", op.name(), op.config());
        }
        signature
    }
}
