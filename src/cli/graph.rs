//! `npc graph`: prints the graph as a picture, as text or as JSON.

use super::details::ModelFiles;
use super::error::{CommandError, CommandResult};
use super::file_format::{FileEndings, format_of_file};
use super::option_words::{Formats, THEMES, convention_parser, format_parser, word_parser};
use super::options::ModelOptions;
use super::terminal::{print, say_written};
use crate::base::atomic::write_named_file;
use crate::base::problem::problem;
use crate::desk::{build_models, check_outputs_of_model};
use crate::graph::check::CheckedGraph;
use crate::graph::ir;
use crate::show::chart::ChartTheme;
use crate::show::field;
use crate::show::picture::{self, Direction, FoldState, NotUShaped, Scene, ShapeNotation, TreeItem, TreeItemKind};
use crate::show::picture_file::{check_picture_options, in_theme, is_drawn, write_picture};
use crate::show::table::OutputFormat;
use crate::study::cost::Convention;
use crate::text::diag::{near_names, quoted_list};
use crate::text::source::SourceMap;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Draw the graph of a model, or print it as text or JSON
#[derive(Args)]
#[command(after_help = "A picture shows blocks as boxes, closed or open. --depth 1 shows the outermost blocks closed,
--depth 2 opens them. Without --depth blocks are opened while the picture has at most 40 boxes; an
HTML page starts with the outermost blocks. The text is canonical: equal networks print the same
text, so it can be kept as a snapshot.

Examples:
  npc graph models/npnet.model --model NPNet --on cvc --out npnet.svg
  npc graph models/unetpp.model --on cvc --out unetpp.html
  npc graph models/npnet.model --model NPNet --on cvc --depth 1 \\
    --unfold s.1.basic --out npnet.svg
  npc graph models/unet.model --on cvc --format mermaid --shapes formulas
  npc graph models/unet.model --on cvc --format dot --depth 2
  npc graph models/unet.model --on cvc --direction down --theme dark --out unet.svg
  npc graph models/npnet.model --model NPNet --size 64x64
  npc graph models/npnet.model --model NPNet --size 64x64 --format json

Exit codes: 0 success, 1 problems found, 2 wrong usage")]
pub(super) struct GraphOptions {
    #[command(flatten)]
    select: ModelOptions,
    /// Format [default: by the ending of --out, else text]
    #[arg(long, value_parser = format_parser(FORMATS))]
    format: Option<OutputFormat>,
    /// Write to this file instead of standard output: .svg, .png, .html, .dot, .mmd, .json or .txt
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Number of block levels in a picture [svg, html, mermaid, dot]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    depth: Option<u16>,
    /// Show this block closed; may be repeated. PATH is a name of `npc check`, or the beginning of one
    #[arg(long, value_name = "PATH")]
    fold: Vec<String>,
    /// Show this block open; may be repeated. `down.0` and `down` open what is in them
    #[arg(long, value_name = "PATH")]
    unfold: Vec<String>,
    /// Labels of the edges in a picture [default: numbers]
    #[arg(long, value_enum)]
    shapes: Option<EdgeLabels>,
    /// Direction of a picture [default: auto]
    #[arg(long, value_name = "WAY", value_parser = word_parser(DIRECTIONS, Direction::name))]
    direction: Option<Direction>,
    /// Colours of a picture [default: auto] [svg, png, html]
    #[arg(long, value_name = "THEME", value_parser = word_parser(THEMES, ChartTheme::name))]
    theme: Option<ChartTheme>,
    /// Counting convention of the costs in a picture
    #[arg(long, value_name = "NAME", value_parser = convention_parser(), default_value = "conv")]
    convention: Convention,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EdgeLabels {
    /// Shapes at the selected input size
    Numbers,
    /// Shapes as formulas in H and W, if they are short
    Formulas,
}

const DIRECTIONS: &[(Direction, &str)] = &[
    (Direction::Auto, "As a U where the network is one, else down"),
    (Direction::U, "Encoder down, decoder up, with a row for each size of map [svg, png, html]"),
    (Direction::Down, "From the top to the bottom"),
    (Direction::Right, "From the left to the right [mermaid, dot]"),
];

const FORMATS: Formats = &[
    (OutputFormat::Text, "One line per node"),
    (OutputFormat::Svg, "A picture in one file, for light and dark themes"),
    (OutputFormat::Png, "The same picture in pixels; needs --out"),
    (OutputFormat::Html, "A page with collapsible blocks, in one file"),
    (OutputFormat::Dot, "For Graphviz"),
    (OutputFormat::Mermaid, "For Markdown"),
    (OutputFormat::Json, "For programs"),
];

const ENDINGS: FileEndings = &[
    (OutputFormat::Svg, &["svg"]),
    (OutputFormat::Png, &["png"]),
    (OutputFormat::Html, &["html", "htm"]),
    (OutputFormat::Dot, &["dot", "gv"]),
    (OutputFormat::Mermaid, &["mmd", "mermaid"]),
    (OutputFormat::Json, &["json"]),
    (OutputFormat::Text, &["txt"]),
];

/// The most names that a problem lists beside the nearest.
const NEAR_NAMES: usize = 6;

pub(super) fn run(opts: &GraphOptions) -> CommandResult {
    let format = match &opts.out {
        Some(path) => format_of_file(path, opts.format, ENDINGS)?,
        None => opts.format.unwrap_or(OutputFormat::Text),
    };
    if format == OutputFormat::Png && opts.out.is_none() {
        let problem = problem!(E0503, "a PNG picture is written into a file"; help: "add --out FILE.png");
        return Err(CommandError::usage(problem));
    }
    let drawn = is_drawn(format);
    check_picture_options(format, opts.direction, opts.theme).map_err(CommandError::usage)?;
    let of_pictures = opts.depth.is_some() || opts.shapes.is_some() || !opts.fold.is_empty() || !opts.unfold.is_empty();
    if of_pictures && matches!(format, OutputFormat::Text | OutputFormat::Json) {
        let problem = problem!(E0503, "--depth, --fold, --unfold and --shapes are for pictures";
            help: "add --format svg, html, mermaid or dot, or --out FILE.png");
        return Err(CommandError::usage(problem));
    }
    let (file, selection) = opts.select.chosen()?;
    check_outputs_of_model(opts.out.clone(), &file, None)?;
    let (checked, sources) = build_models(&ModelFiles, &file, &selection)?;
    let text = match format {
        OutputFormat::Text => checked.iter().map(|c| ir::to_text(c.graph())).collect::<Vec<_>>().join("\n"),
        OutputFormat::Json => {
            let graphs: Vec<_> = checked.iter().map(|c| graph_json(c, opts.convention, &sources)).collect();
            format!("{:#}\n", serde_json::json!({"schema": 1, "graphs": graphs}))
        }
        _ => draw_model(opts, format, &checked, &sources)?,
    };
    let theme = opts.theme.unwrap_or_default();
    match &opts.out {
        None if drawn => print(&in_theme(&text, theme)),
        None => print(&text),
        Some(path) => {
            let note = match drawn {
                true => write_picture(path, &text, theme)?,
                false => write_named_file(path, text.as_bytes()).map(|()| None)?,
            };
            say_written(path, note);
            Ok(())
        }
    }
}

/// Returns the graph as JSON, with receptive fields as in `npc check`.
fn graph_json(checked: &CheckedGraph, convention: Convention, sources: &SourceMap) -> serde_json::Value {
    let mut graph = picture::json(checked, convention, sources);
    let (fields, _) = field::of_nodes(checked);
    for (i, field) in fields.iter().enumerate() {
        graph["nodes"][i]["receptive_field"] = field::json(field);
    }
    graph
}

fn draw_model(
    opts: &GraphOptions,
    format: OutputFormat,
    checked: &[CheckedGraph],
    sources: &SourceMap,
) -> Result<String, CommandError> {
    let [checked] = checked else {
        let names: Vec<&str> = checked.iter().map(|c| c.graph().name.as_str()).collect();
        let problem = problem!(E0503, "a picture shows one model at one size";
            help: "choose with --model (there is {}), --on or --size", names.join(", "));
        return Err(CommandError::usage(problem));
    };
    let scene = Scene::new(checked, opts.convention).map_err(|picture::GraphTooLarge| {
        let name = &checked.graph().name;
        problem!(E0311, "{name} is too large for a picture: its edges cross more than {} rows", picture::MAX_DUMMY_NODES;
            help: "put parts of it into blocks, or use --format text")
    })?;
    let scene = scene.in_direction(opts.direction.unwrap_or_default()).map_err(|NotUShaped(why)| {
        problem!(E0311, "{} cannot be drawn as a U: {why}", checked.graph().name;
            help: "leave out --direction, or use --direction down, which draws every network")
    })?;
    let shapes = match opts.shapes.unwrap_or(EdgeLabels::Numbers) {
        EdgeLabels::Numbers => ShapeNotation::Numbers,
        EdgeLabels::Formulas => ShapeNotation::Formulas,
    };
    let mut fold = match (opts.depth, format) {
        (Some(depth), _) => FoldState::to_depth(&scene.tree, depth.into()),
        (None, OutputFormat::Html) => FoldState::to_depth(&scene.tree, 1),
        (None, _) => FoldState::readable(&scene.tree),
    };
    for (paths, open) in [(&opts.unfold, true), (&opts.fold, false)] {
        for path in paths {
            if !fold.set_open(&scene.tree, path, open) {
                return Err(unknown_block(&scene, path));
            }
        }
    }
    Ok(match format {
        OutputFormat::Svg | OutputFormat::Png => picture::svg(&scene, &fold, shapes),
        OutputFormat::Html => picture::page(&scene, &fold, shapes, Some(sources)),
        OutputFormat::Mermaid => picture::mermaid(&scene, &fold, shapes),
        _ => picture::dot(&scene, &fold, shapes),
    })
}

fn unknown_block(scene: &Scene, path: &str) -> CommandError {
    let known = picture::block_paths(&scene.tree);
    let near = near_names(path, known.iter().copied());
    let operator = |i: &&TreeItem| i.kind == TreeItemKind::Operator && i.path == path;
    let help = match (scene.tree.items.iter().find(operator), &near[..]) {
        (Some(_), _) => format!("`{path}` is an operator, and only blocks can be closed"),
        (None, [one]) => format!("did you mean `{one}`?"),
        (None, [first, others @ ..]) => {
            let others = quoted_list(others.iter().copied().take(NEAR_NAMES));
            format!("did you mean `{first}`? Other near names are {others}")
        }
        (None, []) if known.is_empty() => "it has none".into(),
        (None, []) => format!("there is {}", quoted_list(known)),
    };
    CommandError::usage(problem!(E0503, "{} has no block `{path}`", scene.name; help: "{help}"))
}
