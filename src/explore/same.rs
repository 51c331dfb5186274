//! Variants that are no variants.

use crate::check::Checked;
use crate::diag::{Code, Diagnostic};
use crate::elaborate::elaborate;
use crate::resolve::Program;

/// A warning where a variant builds the network that its base builds at the same image size. `checked` is the variant;
/// `others` are looked through for its base before that is built.
pub fn same_variant<'c>(
    program: &Program<'_>,
    checked: &Checked,
    mut others: impl Iterator<Item = &'c Checked>,
) -> Option<Diagnostic> {
    let graph = checked.graph();
    let variant = program.variants.get(graph.name.as_str())?;
    let base = program.find(&variant.base.node)?;
    let known = others.find(|c| c.graph().name == base.node && c.input() == checked.input());
    let same = match known {
        Some(known) => graph.computes_as(known.graph()),
        None => {
            let size = checked.input().spatial();
            elaborate(program, base, &[], size).is_ok_and(|built| graph.computes_as(&built))
        }
    };
    let d = Diagnostic::new(
        Code::W0416,
        variant.name.span,
        format!("`{}` builds the same network as `{base}`", variant.name),
    );
    let d = match variant.args.len() {
        0 => d.label("it changes no hyper-parameter"),
        _ => {
            let names: Vec<_> = variant.args.iter().filter_map(|a| a.name.as_ref()).map(|n| format!("`{n}`")).collect();
            let names = if names.is_empty() { "its argument".into() } else { names.join(", ") };
            d.label(format!("{names} makes no difference"))
        }
    };
    same.then(|| d.help(format!("give it a value that differs from `{base}`'s, or use `{base}` itself")))
}
