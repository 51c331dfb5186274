//! Evaluates the `expect` blocks of a file.

use super::arguments::named_arguments;
use super::defaults::{default_data, has_hole};
use super::image_size::ImageSize;
use crate::base::shorten::shortened;
use crate::graph::check::{CheckedGraph, check};
use crate::graph::elaborate::{elaborate, spend_steps};
use crate::graph::resolve::ResolvedProgram;
use crate::study::claim::{Judgement, MeasuredModel, PeakBytes, claim_steps, judge_claim};
use crate::text::config::schema;
use crate::text::diag::Problems;
use crate::text::source::SourceMap;
use crate::text::syntax::ast;

/// A claim that was evaluated.
#[derive(Debug, Clone)]
pub struct JudgedClaim {
    /// Model and data of the claim: `NPNet on cvc`.
    pub about: String,
    /// Name of the data block of the claim, or else of the model.
    pub on: Option<String>,
    /// Height and width at which the claim was judged.
    pub size: Option<ImageSize>,
    /// The claim as written: `params ~= 0.71M`.
    pub claim: String,
    /// The measured value, and whether the claim holds.
    pub judged: Judgement,
}

/// Evaluates the `expect` blocks of the root file; `only` chooses those of one model. Returns the claims that could
/// be evaluated and are no error, in the order of the file, and the problems: claims that do not hold, claims that cannot be
/// evaluated, and models that cannot be built.
pub fn judge_claims(
    program: &ResolvedProgram<'_>,
    sources: &SourceMap,
    only: Option<&str>,
) -> (Vec<JudgedClaim>, Problems) {
    let (mut judged, mut problems) = (Vec::new(), Problems::new());
    for item in &program.file.items {
        let ast::ItemKind::Expect(expect) = &item.kind else { continue };
        let model = &expect.model;
        let skipped = only.is_some_and(|m| m != model.node) || program.is_broken(&model.node);
        // The holes of a model are fitted to its claims elsewhere.
        if skipped || (expect.args.is_empty() && has_hole(program, &model.node, &[])) {
            continue;
        }
        match expected_model(program, expect) {
            Ok(checked) => {
                let steps = claim_steps(expect.claims.len(), &checked);
                match spend_steps(program, steps, model.span) {
                    Ok(()) => judge_block(
                        expect,
                        &checked,
                        default_data(program, &expect.model.node).map(|(name, _)| name),
                        sources,
                        &mut judged,
                        &mut problems,
                    ),
                    Err(d) => problems.push(d),
                }
            }
            Err(p) => problems.extend(p),
        }
    }
    (judged, problems)
}

/// Largest number of characters that name the model of a claim. Each claim has a copy.
const MAX_ABOUT: usize = 300;

/// Evaluates the claims of one `expect` block for its model.
fn judge_block(
    expect: &ast::Expect,
    checked: &CheckedGraph,
    default: Option<String>,
    sources: &SourceMap,
    judged: &mut Vec<JudgedClaim>,
    problems: &mut Problems,
) {
    let about = shortened(&model_text(expect, sources), MAX_ABOUT).into_owned();
    let model = MeasuredModel::new(checked, &PeakBytes::default);
    let on = expect.on.as_ref().map(|on| on.node.clone()).or(default);
    let size = checked.input().spatial();
    for claim in &expect.claims {
        match judge_claim(claim, &model) {
            Ok(verdict) => {
                let claim = claim_text(claim, sources);
                judged.push(JudgedClaim { about: about.clone(), on: on.clone(), size, claim, judged: verdict });
            }
            Err(d) => problems.push(*d),
        }
    }
}

/// Returns model and data of an `expect` block: `NPNet(attention = se) on cvc`.
fn model_text(expect: &ast::Expect, sources: &SourceMap) -> String {
    let value = |a: &ast::Arg| Some(format!("{} = {}", a.name.as_ref()?, sources.snippet(a.value.span)));
    let args: Vec<String> = expect.args.iter().filter_map(value).collect();
    let args = if args.is_empty() { String::new() } else { format!("({})", args.join(", ")) };
    let on = expect.on.as_ref().map_or(String::new(), |on| format!(" on {on}"));
    format!("{}{args}{on}", expect.model)
}

/// Returns a claim as written, on one line: `params ~= 0.71M`.
fn claim_text(claim: &ast::Claim, sources: &SourceMap) -> String {
    let end = match &claim.value {
        ast::ClaimValue::Number { span, .. } => *span,
        ast::ClaimValue::Expr(expr) => expr.span,
    };
    sources.snippet(claim.quantity.span.to(end)).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Builds the model of an `expect` block at the size of its data.
fn expected_model(program: &ResolvedProgram<'_>, expect: &ast::Expect) -> Result<CheckedGraph, Problems> {
    let Some(name) = program.find(&expect.model.node) else {
        // Resolution has reported the unknown name.
        return Err(Problems::new());
    };
    let args = named_arguments(&expect.args)?;
    let size = expected_size(program, expect)?;
    check(elaborate(program, name, &args, size)?)
}

/// Returns the image size of an `expect` block: that of its data block, or of the model's data.
pub(super) fn expected_size(
    program: &ResolvedProgram<'_>,
    expect: &ast::Expect,
) -> Result<Option<ImageSize>, Problems> {
    let data = match &expect.on {
        Some(on) => program.data.get(on.node.as_str()).map(|d| schema::data_spec(d)).transpose()?,
        None => default_data(program, &expect.model.node).map(|(_, spec)| spec),
    };
    Ok(data.map(|d| d.size))
}
