//! `npc data check`: reports all problems of a data set in one run.

use crate::cli::details::ModelFiles;
use crate::cli::error::{CommandError, CommandResult};
use crate::cli::option_words::{TEXT_OR_JSON, format_parser};
use crate::cli::progress::bar;
use crate::cli::terminal::print;
use crate::desk::{check_outputs_of_model, data_blocks, named_model};
use crate::show::images::survey_sheets;
use crate::show::survey;
use crate::show::table::OutputFormat;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Read all images and masks of data blocks and report errors and warnings
#[derive(Args)]
#[command(
    after_help = "Without DATA all data blocks of the file are checked. The size of a block is checked against the
models that the file's runs train on it, or against --model. docs/data.md lists the findings and
defines near-duplicate images.

Examples:
  npc data check models/data.model phantoms
  npc data check models/data.model polyp_kvasir_256 --data-root ~/data --out worst
  npc data check models/npnet.model --data-root ~/data --format json
  npc data check models/npnet.model cvc --model NPNet --data-root ~/data

Exit codes: 0 no errors (there may be warnings), 1 errors found, 2 wrong usage"
)]
pub(super) struct DataCheckOptions {
    /// Model file; FILE:NAME is the same as FILE --model NAME
    file: PathBuf,
    /// Data blocks [default: all of the file]
    data: Vec<String>,
    /// Folder that the paths of the data blocks are relative to
    #[arg(long, value_name = "DIR", default_value = ".")]
    data_root: PathBuf,
    /// Model or variant whose size contract, channels and classes the data must fit
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    #[arg(long, value_parser = format_parser(TEXT_OR_JSON), default_value = "text")]
    format: OutputFormat,
    /// Write pictures of the worst findings to this folder: near-duplicates side by side, suspicious masks
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn run(opts: &DataCheckOptions) -> CommandResult {
    let named = named_model(&ModelFiles, &opts.file, opts.model.as_deref())?;
    let blocks = data_blocks(&ModelFiles, &named.file, &opts.data, named.model.as_deref())?;
    let mut documents = Vec::new();
    let mut failed = false;
    for block in &blocks {
        let spec = &block.spec;
        let out = opts.out.as_ref().map(|dir| if blocks.len() > 1 { dir.join(&spec.name) } else { dir.clone() });
        let sheets = out.iter().flat_map(|dir| survey_sheets::files_in(dir));
        check_outputs_of_model(sheets, &named.file, Some(&opts.data_root))?;
        let bar = bar("{prefix} {bar:30} {human_pos}/{human_len}  {eta} left", 10).with_prefix(spec.name.clone());
        let progress = |done: usize, all: usize| {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        };
        let found = block.survey(&opts.data_root, &progress);
        bar.finish_and_clear();
        failed |= found.has_errors();
        let written = match &out {
            Some(dir) => survey_sheets::write(&found, dir)?,
            None => Vec::new(),
        };
        match opts.format {
            OutputFormat::Json => documents.push(survey::to_json(spec, &found, &written)),
            _ => print(&survey::to_text(spec, &found, &written))?,
        }
    }
    if opts.format == OutputFormat::Json {
        print(&format!("{:#}\n", json!({ "data": documents })))?;
    }
    if failed { Err(CommandError::AlreadyReported) } else { Ok(()) }
}
